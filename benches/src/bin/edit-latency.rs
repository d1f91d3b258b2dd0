//! How long the diagnostics of a file take after an edit, by the kind of edit: the work of the language server between a
//! keystroke and its answer, without the protocol.
//!
//! `edit-latency [--most MS] [--only TEXT] [--worst COUNT] FOLDER` opens the first plan of the folder with all others
//! around it, edits at random places and takes every edit back; `--only` picks kinds by their names (`typing` too),
//! `--worst` shows the slowest of each. The last row types words letter by letter, kinds as often as [`Kind::weight`]
//! says. Absent: other features of the editor, the threads of the language server.

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
    let (mut most, mut only, mut worst, mut folder) = (None, String::new(), 0, None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--most" => most = args.next().and_then(|most| most.parse().ok()),
            "--worst" => worst = args.next().and_then(|worst| worst.parse().ok()).unwrap_or(3),
            "--only" => only = args.next().unwrap_or_default(),
            _ => folder = Some(PathBuf::from(arg)),
        }
    }
    let Some(folder) = folder else {
        eprintln!("usage: edit-latency [--most MS] [--only TEXT] [--worst COUNT] FOLDER");
        return ExitCode::from(2);
    };
    match measure(&folder, most, &only, worst) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(folder: &Path, most: Option<f64>, only: &str, worst: usize) -> std::io::Result<()> {
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
    let tasks = paths
        .iter()
        .map(|path| workspace.plans(path))
        .flat_map(|plans| plans.into_iter().map(|plan| plan.nodes));
    println!(
        "  {} nodes, {} of memory after a check",
        tasks.sum::<usize>(),
        resident()?
    );
    let mut editor = Editor {
        workspace,
        path: paths.swap_remove(0),
        random: Random(SEED),
    };
    println!(
        "  {:<44} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "median ms", "p99 ms", "max ms", "CPU med.", "CPU p99", "edits"
    );
    let mut all = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.name().contains(only)) {
        let times = editor.edits(kind, &text);
        row(kind.name(), &times, None);
        slowest(&text, &times, worst);
        all.extend(times);
    }
    row("all kinds, one as often as another", &all, None);
    if "typing".contains(only) {
        let times = editor.typing(&text);
        row("typing", &times, most);
        slowest(&text, &times, worst);
    }
    Ok(())
}

/// What the process holds in memory.
fn resident() -> std::io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    Ok(format!("{:.1} MB", kib / 1000.0 * 1.024))
}

/// Processor time of the process, all threads.
fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

/// How long an edit took.
#[derive(Clone, Copy)]
struct Took {
    time: Duration,
    processor: Duration,
    at: usize,
    /// The first letter; none was typed by who took something away.
    typed: Option<char>,
}

/// The edits that took most of the processor, and where they were.
fn slowest(text: &str, times: &[Took], count: usize) {
    let mut sorted: Vec<&Took> = times.iter().collect();
    sorted.sort_by_key(|took| std::cmp::Reverse(took.processor));
    for took in sorted.into_iter().take(count) {
        let line = text[..took.at].matches('\n').count();
        let (typed, shown) = (took.typed, text.lines().nth(line).unwrap_or_default());
        println!(
            "    {:>9.3} ms: {typed:?} in line {}: {shown}",
            took.processor.as_secs_f64() * 1e3,
            line + 1
        );
    }
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

    /// Of a hundred words that somebody types, how many are typed in such a place: most are prose and scripts, then
    /// what is expected and given out; names and needs of new tasks; rarely a parameter. A guess, and a round one.
    const fn weight(self) -> usize {
        match self {
            Self::Script => 35,
            Self::Anywhere => 25,
            Self::Expression => 15,
            Self::Needs | Self::Name | Self::Timeout | Self::EmptyLine => 5,
            Self::Params | Self::NewTask => 2,
            Self::Break => 1,
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
    fn edits(&mut self, kind: Kind, text: &str) -> Vec<Took> {
        let places = kind.places(text);
        let mut times = Vec::with_capacity(2 * EDITS);
        for edit in 0..EDITS {
            let Some(place) = places.get(self.random.below(places.len())) else {
                break;
            };
            let at = self.within(place, text);
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

    fn within(&mut self, place: &std::ops::Range<usize>, text: &str) -> usize {
        (place.start..=place.end)
            .cycle()
            .skip(self.random.below(place.len() + 1))
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(place.start)
    }

    /// Words, letter by letter, and each taken back in the same way.
    fn typing(&mut self, text: &str) -> Vec<Took> {
        const WORDS: [&str; 6] = ["check", "-new", " x > 1", "it's", " and", "07"];
        let places: Vec<_> = Kind::ALL
            .iter()
            .map(|kind| (kind.weight(), kind.places(text)))
            .collect();
        let mut times = Vec::new();
        for _ in 0..EDITS {
            let mut at = self.random.below(100);
            let chosen = places.iter().find(|(weight, _)| {
                let here = at < *weight;
                at = at.saturating_sub(*weight);
                here
            });
            let Some((_, places)) = chosen.filter(|(_, places)| !places.is_empty()) else {
                continue;
            };
            let place = self.random.below(places.len());
            let at = self.within(&places[place], text);
            let word = WORDS[self.random.below(WORDS.len())];
            for (letter, _) in word.char_indices() {
                times.push(self.edit(at + letter..at + letter, &word[letter..=letter]));
            }
            for (letter, _) in word.char_indices().rev() {
                times.push(self.edit(at + letter..at + letter + 1, ""));
            }
        }
        times
    }

    fn edit(&mut self, range: std::ops::Range<usize>, new: &str) -> Took {
        let at = range.start;
        let (started, before) = (Instant::now(), processor_time());
        if let Err(error) = self.workspace.edit(&self.path, range, new) {
            eprintln!("an edit was refused: {error}");
        }
        let found = self.workspace.diagnostics(&self.path);
        let typed = new.chars().next();
        let took = Took {
            time: started.elapsed(),
            processor: processor_time().saturating_sub(before),
            at,
            typed,
        };
        drop(found);
        took
    }
}

fn row(name: &str, times: &[Took], most: Option<f64>) {
    let of = |figure: fn(&Took) -> Duration| Sorted::new(times.iter().map(figure));
    let (time, processor) = (of(|took| took.time), of(|took| took.processor));
    let verdict = most.map_or("", |most| if time.at(0.99) <= most { "  within" } else { "  BEYOND" });
    println!(
        "  {name:<44} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>9}{verdict}",
        time.at(0.5),
        time.at(0.99),
        time.at(1.0),
        processor.at(0.5),
        processor.at(0.99),
        times.len()
    );
}

/// Milliseconds.
struct Sorted(Vec<f64>);

impl Sorted {
    fn new(times: impl Iterator<Item = Duration>) -> Self {
        let mut sorted: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e3).collect();
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }

    /// The time within which such a share of the edits is done.
    fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (self.0.len() as f64 * share) as usize;
        self.0.get(at.min(last)).copied().unwrap_or_default()
    }
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
