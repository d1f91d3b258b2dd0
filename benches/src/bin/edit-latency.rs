//! How long the diagnostics of a file take after an edit, by the kind of edit: the work of the language server between a
//! keystroke and its answer, without the protocol.
//!
//! `edit-latency [--most MS] [--only TEXT] FOLDER` opens the first plan of the folder with all others around it, edits at random
//! places and takes every edit back; `--only` picks kinds of edits by their names. Absent: other features of the editor, the threads that the language server would use.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dsl_check::Workspace;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many edits of each kind, each followed by its opposite.
const EDITS: usize = 200;
const SEED: u64 = 0x5eed;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (mut most, mut only, mut folder) = (None, String::new(), None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--most" => most = args.next().and_then(|most| most.parse().ok()),
            "--only" => only = args.next().unwrap_or_default(),
            _ => folder = Some(PathBuf::from(arg)),
        }
    }
    let Some(folder) = folder else {
        eprintln!("usage: edit-latency [--most MS] [--only TEXT] FOLDER");
        return ExitCode::from(2);
    };
    match measure(&folder, most, &only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(folder: &Path, most: Option<f64>, only: &str) -> std::io::Result<()> {
    let mut workspace = Workspace::new(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in &paths {
        workspace.set_file(path, &std::fs::read(path)?);
    }
    let text = std::fs::read_to_string(&paths[0])?;
    workspace.open_file(&paths[0], text.as_bytes());
    for path in &paths {
        workspace.diagnostics(path);
    }
    let mut editor = Editor {
        workspace,
        path: paths.swap_remove(0),
        random: Random(SEED),
    };
    println!(
        "  {:<44} {:>9} {:>9} {:>9} {:>9}",
        "", "median ms", "p99 ms", "max ms", "edits"
    );
    let mut all = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.name().contains(only)) {
        let times = editor.edits(kind, &text);
        row(kind.name(), &times, None);
        all.extend(times);
    }
    row("all", &all, most);
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    Script,
    Needs,
    Name,
    Timeout,
    Params,
    Expression,
    Anywhere,
    EmptyLine,
    Break,
    NewTask,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Script,
        Self::Needs,
        Self::Name,
        Self::Timeout,
        Self::Params,
        Self::Expression,
        Self::Anywhere,
        Self::EmptyLine,
        Self::Break,
        Self::NewTask,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Script => "a character of a script",
            Self::Needs => "a character of `needs:`",
            Self::Name => "a character of a node's name",
            Self::Timeout => "a digit of a timeout",
            Self::Params => "a character of `params:`",
            Self::Expression => "a character of an expectation or output",
            Self::Anywhere => "a character anywhere",
            Self::EmptyLine => "an empty line",
            Self::Break => "a line cut from its indentation",
            Self::NewTask => "a new task, pasted",
        }
    }

    /// The byte ranges of `text` in which an edit is of this kind.
    fn places(self, text: &str) -> Vec<std::ops::Range<usize>> {
        let mut found = Vec::new();
        let mut block = "";
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let inner = line.trim();
            let depth = line.len() - line.trim_start().len();
            let at = start + depth..start + depth + inner.len();
            start += line.len();
            if depth <= 4 {
                block = inner;
            }
            let inside = |key: &str| block.starts_with(key) && depth > 4;
            let value = |key: &str| inner.starts_with(key).then(|| at.start + key.len()..at.end);
            let place = match self {
                Self::Script => inside("run:").then_some(at),
                Self::Needs => value("needs: "),
                Self::Name => value("task ").map(|value| value.start..value.start + inner[5..].find(' ').unwrap_or(1)),
                Self::Timeout => value("timeout: ").map(|value| value.start..value.start + 1),
                Self::Params => {
                    (start < 3000 && depth == 4 && inner.contains(" = ") && !inner.contains("when")).then_some(at)
                }
                Self::Expression => (inside("expect:") || inside("output:")).then_some(at),
                Self::Anywhere | Self::Break => Some(at),
                Self::EmptyLine => Some(at.start - depth..at.start - depth),
                Self::NewTask => inner.starts_with("task ").then(|| at.start - depth..at.start - depth),
            };
            found.extend(place);
        }
        found
    }
}

struct Editor {
    workspace: Workspace,
    path: PathBuf,
    random: Random,
}

impl Editor {
    /// The times of edits and of taking them back.
    fn edits(&mut self, kind: Kind, text: &str) -> Vec<Duration> {
        let places = kind.places(text);
        let mut times = Vec::with_capacity(2 * EDITS);
        for edit in 0..EDITS {
            let Some(place) = places.get(self.random.below(places.len())) else {
                break;
            };
            let at = (place.start..=place.end)
                .cycle()
                .skip(self.random.below(place.len() + 1))
                .find(|&at| text.is_char_boundary(at))
                .unwrap_or(place.start);
            let (range, new) = match kind {
                Kind::Timeout => (place.clone(), (1 + self.random.below(9)).to_string()),
                Kind::EmptyLine | Kind::Break => (place.start..place.start, "\n".to_owned()),
                Kind::NewTask => (
                    place.clone(),
                    format!("  task pasted-{edit}\n    run: \"true\"\n    timeout: 1m\n\n"),
                ),
                _ => (
                    at..at,
                    ["x", "-", " ", "9", "\"", "(", "{"][self.random.below(7)].to_owned(),
                ),
            };
            let old = text[range.clone()].to_owned();
            times.push(self.edit(range.clone(), &new));
            times.push(self.edit(range.start..range.start + new.len(), &old));
        }
        times
    }

    fn edit(&mut self, range: std::ops::Range<usize>, new: &str) -> Duration {
        let started = Instant::now();
        if let Err(error) = self.workspace.edit(&self.path, range, new) {
            eprintln!("an edit was refused: {error}");
        }
        let found = self.workspace.diagnostics(&self.path);
        let time = started.elapsed();
        drop(found);
        time
    }
}

fn row(name: &str, times: &[Duration], most: Option<f64>) {
    let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1)));
    let figure = |share: f64| at(share).copied().unwrap_or_default();
    let verdict = most.map_or("", |most| if figure(0.99) <= most { "  within" } else { "  BEYOND" });
    println!(
        "  {name:<44} {:>9.3} {:>9.3} {:>9.3} {:>9}{verdict}",
        figure(0.5),
        figure(0.99),
        figure(1.0),
        sorted.len()
    );
}

/// SplitMix64: the same edits on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}
