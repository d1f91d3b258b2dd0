//! `cargo xtask bench`: ratios against peers and floors, all measured in one run on one machine.
//!
//! Every workload is generated; commands that are compared take turns, so that a busy moment hits them alike, and the
//! fastest of each counts; only the ratios mean something elsewhere. Absent: a history of figures; a figure beyond its
//! target fails nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::steps;

mod check;
mod edits;
mod graphs;
mod lsp;
mod measure;
mod peers;
mod realistic;
mod recovery;
mod run;
mod scale;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Subject {
    /// `dslc check` against actionlint, ninja -n and, if asked, sprocket; then the time from an edit to new diagnostics
    Check,
    /// `dslc lsp` over the wire against a server that answers at once
    Lsp,
    /// `dslc run` of no-op scripts against ninja and bare processes
    Run,
}

#[derive(clap::Args)]
pub struct Args {
    /// What to measure; everything, if nothing is named
    #[arg(value_enum)]
    subjects: Vec<Subject>,
    /// Sizes of the graphs, in tasks; `check` takes the largest
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    tasks: Vec<usize>,
    /// Sizes of the runs that `run` kills and resumes, and replays
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    recover: Vec<usize>,
    /// Measurements of each figure; the fastest is printed
    #[arg(long, default_value_t = 5)]
    repeat: usize,
    /// Compare `check` with sprocket too, which is built from source on first use (about 16 minutes)
    #[arg(long)]
    sprocket: bool,
    /// A folder with workflow instances (WfFormat), which `run` runs with their measured runtimes scaled down
    #[arg(long, value_name = "FOLDER")]
    workflows: Option<PathBuf>,
}

/// The programs that are compared, and a folder to do it in.
struct Bench {
    release: PathBuf,
    /// Where peers are installed.
    tools: PathBuf,
    dir: tempfile::TempDir,
    repeat: usize,
    sprocket: bool,
}

pub fn bench(root: &Path, args: &Args) -> ExitCode {
    match prepare(root, args).and_then(|bench| bench.all(args).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn prepare(root: &Path, args: &Args) -> Result<Bench, String> {
    println!("building the release binaries");
    let built = Command::new(steps::cargo())
        .args([
            "build",
            "--release",
            "--quiet",
            "--package",
            "dslc",
            "--package",
            "plan-benches",
        ])
        .current_dir(root)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("the release build failed".to_owned());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    // On the disk that the project is on: what a sync costs is part of the figure.
    let dir = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(&target)
        .map_err(|error| error.to_string())?;
    Ok(Bench {
        release: target.join("release"),
        tools: target.join("tools"),
        dir,
        repeat: args.repeat.max(1),
        sprocket: args.sprocket,
    })
}

impl Bench {
    fn all(&self, args: &Args) -> std::io::Result<()> {
        println!(
            "the fastest of {} runs; `×` is the ratio to the first line of its group",
            self.repeat
        );
        let wanted = |subject| args.subjects.is_empty() || args.subjects.contains(&subject);
        if wanted(Subject::Check) {
            let count = args.tasks.iter().copied().max().unwrap_or(10_000);
            self.check(count)?;
            self.edits(count)?;
        }
        if wanted(Subject::Lsp) {
            self.lsp()?;
        }
        if wanted(Subject::Run) {
            self.run(&args.tasks)?;
            self.scale()?;
            self.recovery(&args.recover)?;
            self.engine(&args.tasks)?;
            if let Some(folder) = &args.workflows {
                self.workflows(folder)?;
            }
        }
        Ok(())
    }

    fn dslc(&self) -> Command {
        Command::new(self.release.join("dslc"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
