//! `dslc compile`: the canonical IR of a plan as JSON. Also what the other verbs use to get from a file to a plan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dsl_check::repair::Repairable;
use dsl_check::{Analysis, ArmText, Bounds, CompileError, Diagnostic, Severity};
use ir::Plan;

use crate::failure::{Exit, Failure, plain};
use crate::printer::Printer;
use crate::render::{self, Format};
use crate::snapshot;
use crate::workspace::{Loaded, Place, STDIN};

/// Compile a plan to its canonical, versioned form
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  dslc compile deploy.plan\n  dslc compile deploy.plan --profile production\n  dslc compile flows.plan deploy --pretty --out deploy.ir.json\n  dslc compile flows.plan --snapshot    all its plans, in flows.plan.snap\n  dslc compile flows.plan --verify      fails where they mean something else by now"
)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Write to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Indented, for reading; the hash is that of the canonical form
    #[arg(long)]
    pretty: bool,
    /// Write what all plans of the file compile to into FILE.snap, for a reviewer to read
    #[arg(long, conflicts_with_all = ["out", "pretty", "plan", "profile", "verify"])]
    snapshot: bool,
    /// Compare with FILE.snap, and fail with a diff where they differ
    #[arg(long, conflicts_with_all = ["out", "pretty", "plan", "profile"])]
    verify: bool,
}

/// A plan of a file.
#[derive(clap::Args)]
pub struct Source {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The plan's name, if the file has several
    #[arg(value_name = "PLAN")]
    pub plan: Option<String>,
    /// With the values of one of the plan's profiles
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    if args.snapshot {
        return snapshot::write(&args.source.file, &place, printer);
    }
    if args.verify {
        return snapshot::verify(&args.source.file, &place, printer);
    }
    let plan = compile(&args.source, &place, printer)?;
    let mut text = if args.pretty {
        serde_json::to_string_pretty(&plan).map_err(|error| Failure::internal(error.to_string()))?
    } else {
        plan.to_canonical_json()
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    match &args.out {
        None => printer.raw(&text),
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::usage(format!("cannot write `{}`: {}", path.display(), plain(&error))))?,
    }
    Ok(Exit::Fine)
}

/// From a file to a plan. Errors of the file or of what it brings in are printed and end the command; warnings are
/// printed only where they stand in the way of what was asked (`check` shows them all).
pub fn compile(source: &Source, place: &Place, printer: &Printer) -> Result<Plan, Failure> {
    Opened::new(source, place, printer, |_| true)?.plan(source)
}

/// A file that was asked for, without errors that stand in the way.
pub struct Opened {
    loaded: Loaded,
    file: PathBuf,
    /// Under the profile that was asked for.
    analysis: Analysis,
}

impl Opened {
    /// Errors that matter are printed and end the command.
    pub fn new(
        source: &Source,
        place: &Place,
        printer: &Printer,
        matters: impl Fn(&Diagnostic) -> bool,
    ) -> Result<Self, Failure> {
        if !crate::workspace::is_stdin(&source.file) && source.file.is_dir() {
            return Err(Failure::usage(format!(
                "`{}` is a folder, expected a file",
                source.file.display()
            )));
        }
        let (mut loaded, file) = loaded(source, place)?;
        loaded.diagnostics.retain(matters);
        without_errors(&mut loaded, printer)?;
        let workspace = &loaded.workspace;
        let analysis = match &source.profile {
            None => Analysis::clone(workspace),
            Some(profile) => workspace
                .under(&file, source.plan.as_deref(), profile)
                .map_err(|error| Failure::usage(format!("`{}`: {error}", source.file.display())))?,
        };
        Ok(Self { loaded, file, analysis })
    }

    pub fn plan(&self, source: &Source) -> Result<Plan, Failure> {
        lowered(&self.analysis, &self.file, source)
    }

    /// The same of a plan that is to be run: what keeps it from being run is an error now.
    pub fn plan_to_run(&mut self, source: &Source, printer: &Printer) -> Result<Plan, Failure> {
        let plan = self.plan(source)?;
        let Self { loaded, file, analysis } = self;
        loaded.diagnostics = analysis.run_problems(file, source.plan.as_deref(), source.profile.as_deref());
        without_errors(loaded, printer)?;
        Ok(plan)
    }

    /// The arms of its decisions.
    pub fn arms(&self, source: &Source) -> Vec<ArmText> {
        self.loaded.workspace.arms(&self.file, source.plan.as_deref())
    }

    /// What the plan takes and costs at worst.
    pub fn bounds(&self, source: &Source) -> Result<Bounds, Failure> {
        let bounds = self.analysis.bounds(&self.file, source.plan.as_deref());
        bounds.map_err(|error| refused(error, source))
    }
}

/// A plan that came in on standard input.
pub fn compile_bytes(bytes: &[u8], place: &Place, printer: &Printer) -> Result<Plan, Failure> {
    let text = dsl_syntax::decode(bytes).map_err(|error| Failure::usage(format!("standard input: {error}")))?;
    let mut loaded = Loaded::new(place, &BTreeSet::new(), Severity::Error)?;
    let file = place.cwd.join(STDIN);
    loaded.set_text(&file.as_path().into(), text);
    loaded.check();
    without_errors(&mut loaded, printer)?;
    let source = Source {
        file: "-".into(),
        plan: None,
        profile: None,
    };
    lowered(&loaded.workspace, &file, &source)
}

/// A file without errors, in its workspace.
pub fn load(source: &Source, place: &Place, printer: &Printer) -> Result<(Loaded, PathBuf), Failure> {
    let (mut loaded, file) = loaded(source, place)?;
    without_errors(&mut loaded, printer)?;
    Ok((loaded, file))
}

fn loaded(source: &Source, place: &Place) -> Result<(Loaded, PathBuf), Failure> {
    let files = place.files(std::slice::from_ref(&source.file))?.files;
    let loaded = Loaded::new(place, &files, Severity::Error)?;
    Ok((loaded, files.into_iter().next().unwrap_or_default()))
}

pub fn without_errors(loaded: &mut Loaded, printer: &Printer) -> Result<(), Failure> {
    loaded
        .diagnostics
        .retain(|diagnostic| diagnostic.severity == Severity::Error);
    if !loaded.diagnostics.is_empty() {
        printer.err(&render::render(
            Format::Pretty,
            &loaded.diagnostics,
            &loaded.sources,
            printer.err_is_colored(),
            false,
        ));
        return Err(Failure::plan_wrong());
    }
    Ok(())
}

pub fn lowered(analysis: &Analysis, file: &Path, source: &Source) -> Result<Plan, Failure> {
    let plan = analysis.compile(file, source.plan.as_deref());
    plan.map_err(|error| refused(error, source))
}

fn refused(error: CompileError, source: &Source) -> Failure {
    let shown = source.file.display();
    match error {
        // They have just been printed.
        CompileError::Errors(_) => Failure::plan_wrong(),
        CompileError::NoFile => Failure::internal(format!("`{shown}` was read and is not there")),
        CompileError::WhichPlan { .. } | CompileError::NoPlan { .. } | CompileError::Empty => {
            Failure::usage(format!("`{shown}`: {error}"))
        }
    }
}
