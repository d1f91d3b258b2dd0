//! Bugs on purpose: a copy of the source, with each of these built in and asleep; the simulation is run once with each awake.
//!
//! The product's own source has no hooks for it. A bug is a piece of text that occurs once in a file, and what stands
//! there instead; `MUTANT` in it says whether the bug is awake.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which bug is awake.
pub const VARIABLE: &str = "SIMULATE_MUTANT";

/// A bug.
pub struct Mutant {
    pub name: &'static str,
    /// Below `crates/`.
    pub file: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    /// For people.
    pub what: &'static str,
}

const fn mutant(
    name: &'static str,
    file: &'static str,
    what: &'static str,
    from: &'static str,
    to: &'static str,
) -> Mutant {
    Mutant {
        name,
        file,
        from,
        to,
        what,
    }
}

pub const MUTANTS: &[Mutant] = &[
    mutant(
        "dropped-sync",
        "store/src/journal.rs",
        "a commit is acknowledged without a sync",
        "self.sync()?;\n        self.failed = false;",
        "if !MUTANT { self.sync()?; }\n        self.failed = false;",
    ),
    mutant(
        "kept-torn-tail",
        "store/src/journal.rs",
        "an interrupted write is not cut on resume",
        "if tail.torn.is_some() {\n            writer",
        "if tail.torn.is_some() && !MUTANT {\n            writer",
    ),
    mutant(
        "unchecked-hash",
        "store/src/read.rs",
        "a line's hash is not compared",
        "(head.hex().as_bytes() == hex)",
        "(MUTANT || head.hex().as_bytes() == hex)",
    ),
    mutant(
        "unrecorded-commands",
        "store/src/journal.rs",
        "the commands of an event are not journaled",
        "let commands = encode(commands)?;",
        "let commands = if MUTANT { \"[]\".to_owned() } else { encode(commands)? };",
    ),
    mutant(
        "lost-attempt-lost",
        "runtime/src/running.rs",
        "a driver that takes over forgets the attempts that were in flight",
        "opening.extend(in_flight.map(",
        "opening.extend(in_flight.filter(|_| !MUTANT).map(",
    ),
    mutant(
        "forgotten-need",
        "engine/src/readiness.rs",
        "a node starts with one need open",
        "if node.needs_open == 0 {",
        "if node.needs_open == 0 || (MUTANT && node.needs_open == 1) {",
    ),
    mutant(
        "short-quorum",
        "engine/src/readiness.rs",
        "a quorum is met by one too few",
        "if yes >= *count {",
        "if yes + u32::from(MUTANT) >= *count {",
    ),
    mutant(
        "early-handler",
        "engine/src/readiness.rs",
        "a handler does not wait for all that might route to it",
        "if node.sources_open > 0 {",
        "if node.sources_open > u32::from(MUTANT) {",
    ),
    mutant(
        "ignored-pause",
        "engine/src/start.rs",
        "new attempts start while the run is paused",
        "if self.state.paused {\n            return false;",
        "if self.state.paused && !MUTANT {\n            return false;",
    ),
    mutant(
        "one-slot-more",
        "engine/src/start.rs",
        "one attempt more than the limit runs",
        "self.state.in_flight.len() >= slots",
        "self.state.in_flight.len() >= slots + usize::from(MUTANT)",
    ),
    mutant(
        "wide-fan-out",
        "engine/src/fanout.rs",
        "one instance more than a fan-out's limit runs",
        "if fan.active >= fan.parallel {",
        "if fan.active >= fan.parallel + u32::from(MUTANT) {",
    ),
    mutant(
        "stale-completion",
        "engine/src/attempt.rs",
        "the end of an earlier attempt counts for the one that runs",
        "Some(known) if *known == attempt => {",
        "Some(known) if *known == attempt || MUTANT => {",
    ),
    mutant(
        "one-attempt-more",
        "engine/src/retry.rs",
        "a retry too many",
        "allowed && attempt <= retry.max",
        "allowed && attempt <= retry.max + u32::from(MUTANT)",
    ),
    mutant(
        "interruption-counts",
        "engine/src/start.rs",
        "a repetition counts as a further attempt",
        "if state.again {",
        "if state.again && !MUTANT {",
    ),
    mutant(
        "jitter-from-the-clock",
        "engine/src/retry.rs",
        "jitter does not come from the seed",
        ".field(&seed.to_le_bytes())",
        ".field(&(if MUTANT { std::time::UNIX_EPOCH.elapsed().map_or(0, |e| e.as_nanos() as u64) } else { seed }).to_le_bytes())",
    ),
    mutant(
        "forgotten-backoff",
        "engine/src/engine.rs",
        "a driver that takes over sets no timers for retries",
        "for (unit, at_ms) in &self.state.backoffs {",
        "for (unit, at_ms) in self.state.backoffs.iter().filter(|_| !MUTANT) {",
    ),
    mutant(
        "repeated-doubt",
        "engine/src/doubt.rs",
        "what may not be repeated is repeated after a crash",
        "if self.is_idempotent(unit) {",
        "if self.is_idempotent(unit) || MUTANT {",
    ),
    mutant(
        "new-key",
        "engine/src/doubt.rs",
        "a repetition has a key of its own",
        "self.state.unit_mut(unit).again = true;\n            return self.enqueue(unit);",
        "self.state.unit_mut(unit).again = true;\n            if MUTANT { self.state.unit_mut(unit).round += 1; }\n            return self.enqueue(unit);",
    ),
    mutant(
        "no-fallback",
        "engine/src/settle.rs",
        "a fallback is not started",
        ".filter(|_| !in_doubt)",
        ".filter(|_| !in_doubt && !MUTANT)",
    ),
    mutant(
        "second-decision",
        "engine/src/people.rs",
        "the later of two decisions wins",
        "Some(before) => Err(Refusal::Conflict(Box::new(before.clone()))),",
        "Some(_) if MUTANT => Ok(Weight::Counts),\n            Some(before) => Err(Refusal::Conflict(Box::new(before.clone()))),",
    ),
    mutant(
        "unreserved-budget",
        "engine/src/accounts.rs",
        "a call that starts sets nothing aside",
        "self.reserved.add(wanted);",
        "if !MUTANT { self.reserved.add(wanted); }",
    ),
    mutant(
        "double-counted-budget",
        "engine/src/accounts.rs",
        "what a call used counts twice",
        "self.spent.add(real);",
        "self.spent.add(real);\n        if MUTANT { self.spent.add(real); }",
    ),
    mutant(
        "kept-reservation",
        "engine/src/accounts.rs",
        "what a call had set aside is not given back",
        "self.reserved.take(wanted);",
        "if !MUTANT { self.reserved.take(wanted); }",
    ),
    mutant(
        "lost-spending",
        "engine/src/admission.rs",
        "a call whose end nobody saw has used nothing",
        "let Some(ended) = ended else {\n            return reservation.wanted;",
        "let Some(ended) = ended else {\n            if MUTANT { return Used::default(); }\n            return reservation.wanted;",
    ),
    mutant(
        "short-window",
        "engine/src/accounts.rs",
        "a window forgets a little too early",
        "&& self.ends(at_ms) <= now_ms",
        "&& self.ends(at_ms) <= now_ms + if MUTANT { 40 } else { 0 }",
    ),
    mutant(
        "one-call-more",
        "engine/src/admission.rs",
        "an agent makes one call more at once",
        "Some(most) if self.running >= most => Room::AfterOthers,",
        "Some(most) if self.running >= most + u32::from(MUTANT) => Room::AfterOthers,",
    ),
    mutant(
        "forgotten-quota-timer",
        "engine/src/admission.rs",
        "a driver that takes over sets no timers for quotas",
        "if let Some(at_ms) = ledger.wakes_at_ms {",
        "if let Some(at_ms) = ledger.wakes_at_ms.filter(|_| !MUTANT) {",
    ),
    mutant(
        "crowded-call",
        "engine/src/start.rs",
        "one attempt more than the limit of a called plan runs",
        "self.state.scope(*scope).running >= parallel.max(1))",
        "self.state.scope(*scope).running >= parallel.max(1) + u32::from(MUTANT))",
    ),
    mutant(
        "one-person-less",
        "engine/src/people.rs",
        "a quorum of people is met by one too few",
        "people.len() >= self.ask.quorum as usize",
        "people.len() + usize::from(MUTANT) >= self.ask.quorum as usize",
    ),
    mutant(
        "forgotten-gate-timer",
        "engine/src/people.rs",
        "a driver that takes over sets no timers for gates that nobody answers",
        "for (node, deadline_ms) in deadlines {",
        "for (node, deadline_ms) in deadlines.into_iter().filter(|_| !MUTANT) {",
    ),
    mutant(
        "forgotten-question-timer",
        "engine/src/questions.rs",
        "a driver that takes over sets no timers for questions that nobody answers",
        "for unit in waiting {",
        "for unit in waiting.into_iter().filter(|_| !MUTANT) {",
    ),
    mutant(
        "second-answer",
        "engine/src/questions.rs",
        "the later of two answers wins",
        "Some(before) => Err(NoAnswer::Conflict(Box::new(before.clone()))),",
        "Some(_) if MUTANT => Ok(Weight::Counts),\n            Some(before) => Err(NoAnswer::Conflict(Box::new(before.clone()))),",
    ),
    mutant(
        "forgotten-look",
        "engine/src/reuse.rs",
        "a driver that takes over does not look for results that the one before was to look for",
        "self.commands.extend(looking.chain(remembering));",
        "self.commands.extend(looking.chain(remembering).filter(|_| !MUTANT));",
    ),
    mutant(
        "careless-key",
        "engine/src/reuse.rs",
        "the key of a result leaves out what its task is given",
        "parts.extend(given.iter().map(",
        "parts.extend(given.iter().filter(|_| !MUTANT).map(",
    ),
    mutant(
        "careless-judge",
        "engine/src/reuse.rs",
        "the key of a result leaves out what it is judged by",
        "parts.extend(self.values(Place::Unit(unit), self.scopes.node(unit.node), &reads));",
        "if !MUTANT { parts.extend(self.values(Place::Unit(unit), self.scopes.node(unit.node), &reads)); }",
    ),
    mutant(
        "retry-of-all",
        "engine/src/redo.rs",
        "what completed behind a node that is tried again begins anew, too",
        "            _ => false,\n        }\n    }\n\n    fn begin_node_anew",
        "            _ => MUTANT,\n        }\n    }\n\n    fn begin_node_anew",
    ),
    mutant(
        "early-retry",
        "engine/src/redo.rs",
        "a node that is ready does not wait for what is tried again above it",
        "!self.state.backoffs.contains_key(&unit) && has_done_nothing(",
        "!MUTANT && !self.state.backoffs.contains_key(&unit) && has_done_nothing(",
    ),
    mutant(
        "nothing-kept",
        "engine/src/takeover.rs",
        "a changed plan runs everything anew",
        "let same = !reruns &&",
        "let same = !MUTANT && !reruns &&",
    ),
    mutant(
        "all-kept",
        "engine/src/takeover.rs",
        "a changed plan keeps what was changed",
        "self.same_content(old, id) && self.has",
        "(MUTANT || self.same_content(old, id)) && self.has",
    ),
    mutant(
        "unasked-repeat",
        "engine/src/takeover.rs",
        "what was changed and may not be repeated runs again unasked",
        "if reruns || self.may_run_twice(old)",
        "if reruns || MUTANT || self.may_run_twice(old)",
    ),
];

/// What became of a mutant: which promise was broken first; `None`: nobody noticed it.
pub type Caught = Option<String>;

/// Builds a copy of the source with all mutants, and runs the simulation with each.
pub fn hunt(
    root: &Path,
    plans: u64,
    mut tell: impl FnMut(&Mutant, &Caught),
) -> io::Result<BTreeMap<&'static str, Caught>> {
    let folder = root.join("target/mutants");
    let copy = folder.join("source");
    infest(root, &copy)?;
    let built = cargo(&copy, &folder).args(["build", "--quiet"]).status()?;
    if !built.success() {
        return Err(io::Error::other("the copy with mutants does not build"));
    }
    let binary = folder.join("debug/plan-simulate");
    let run = |mutant: Option<&str>| {
        let mut command = Command::new(&binary);
        command.args(["run", "--seed", "0", "--plans", &plans.to_string()]);
        command.env(VARIABLE, mutant.unwrap_or_default()).output()
    };
    let sound = run(None)?;
    if !sound.status.success() {
        let said = String::from_utf8_lossy(&sound.stdout).into_owned();
        return Err(io::Error::other(format!("it fails without a mutant: {said}")));
    }
    let mut all = BTreeMap::new();
    for mutant in MUTANTS {
        let output = run(Some(mutant.name))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let broken = said.lines().find_map(|line| line.strip_prefix("broken: "));
        let caught: Caught = broken.map(|line| line.split(": ").next().unwrap_or(line).to_owned());
        tell(mutant, &caught);
        all.insert(mutant.name, caught);
    }
    Ok(all)
}

/// Into a folder of its own: what is built from the copy has the names of what is built from the source.
fn cargo(copy: &Path, target: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(copy).arg("--offline");
    command.env("CARGO_TARGET_DIR", target);
    command
}

/// The crates that the simulation needs, each with its mutants.
fn infest(root: &Path, copy: &Path) -> io::Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    let crates = ["dsl-syntax", "ir", "dsl-check", "engine", "store", "runtime"];
    for name in crates {
        copy_dir(&root.join("crates").join(name), &copy.join("crates").join(name))?;
        let lib = copy.join("crates").join(name).join("src/lib.rs");
        let text = fs::read_to_string(&lib)?;
        fs::write(&lib, text + AWAKE)?;
    }
    copy_dir(&root.join("simulate"), &copy.join("simulate"))?;
    fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock"))?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let members: Vec<String> = crates.iter().map(|name| format!("\"crates/{name}\"")).collect();
    let manifest: Vec<String> = manifest
        .lines()
        .map(|line| match line {
            line if line.starts_with("members = ") => format!("members = [{}, \"simulate\"]", members.join(", ")),
            line if line.starts_with("default-members = ") => "default-members = [\"simulate\"]".to_owned(),
            line => line.to_owned(),
        })
        .collect();
    fs::write(copy.join("Cargo.toml"), manifest.join("\n"))?;
    for mutant in MUTANTS {
        let path = copy.join("crates").join(mutant.file);
        let text = fs::read_to_string(&path)?;
        fs::write(&path, bitten(&text, mutant).map_err(io::Error::other)?)?;
    }
    Ok(())
}

/// What a crate of the copy asks.
const AWAKE: &str = r#"
#[allow(dead_code)]
pub(crate) fn mutant(name: &str) -> bool {
    static AWAKE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    AWAKE.get_or_init(|| std::env::var("SIMULATE_MUTANT").unwrap_or_default()) == name
}
"#;

/// The text of a file with a mutant in it.
pub fn bitten(text: &str, mutant: &Mutant) -> Result<String, String> {
    match text.matches(mutant.from).count() {
        1 => {
            let awake = format!("crate::mutant({:?})", mutant.name);
            Ok(text.replace(mutant.from, &mutant.to.replace("MUTANT", &awake)))
        }
        count => Err(format!(
            "`{}` finds its place {count} times in {}",
            mutant.name, mutant.file
        )),
    }
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(to.join(&folder))?;
        for entry in fs::read_dir(from.join(&folder))? {
            let entry = entry?;
            let inner = folder.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => folders.push(inner),
                false => _ = fs::copy(entry.path(), to.join(&inner))?,
            }
        }
    }
    Ok(())
}

/// As the book prints it.
pub fn table(caught: &BTreeMap<&str, Caught>) -> String {
    let mut text = String::from("| mutant | the bug | caught by |\n| --- | --- | --- |\n");
    for Mutant { name, what, .. } in MUTANTS {
        let by = caught.get(name).and_then(|by| by.as_deref()).unwrap_or("**nobody**");
        text.push_str(&format!("| `{name}` | {what} | {by} |\n"));
    }
    text
}
