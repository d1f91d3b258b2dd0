//! The repairs that diagnostics bring with them, applied in memory until none is left.
//!
//! Of overlapping repairs the first wins and the others have their turn in the next round. A round is taken back as far as
//! it leaves a file with more errors than before, with text that parses worse, or with a graph that cannot work, and as far
//! as mistakes are still there that it was to repair. A file that was formatted stays formatted. Absent: writing files, and repairs of files that were only imported.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dsl_syntax::LineIndex;
use dsl_syntax::ast::Span;

use crate::diagnostic::{Diagnostic, Edit, Fix, Severity};
use crate::rules;

/// A repair can make room for the next one at most so often.
const ROUNDS_MAX: usize = 100;
/// Checks spent on telling bad repairs from good ones; those not told apart by then are left alone.
const TRIALS_MAX: usize = 500;

/// Files with their diagnostics, to be repaired.
pub trait Repairable {
    fn text(&self, path: &Path) -> Option<&str>;

    /// Gives a file another text; its diagnostics are those of before until the next [`Repairable::check`].
    fn set_text(&mut self, path: &Arc<Path>, text: &str);

    fn check(&mut self);

    /// Of all files.
    fn diagnostics(&self) -> &[Diagnostic];
}

/// Which repairs are wanted.
#[derive(Clone, Copy)]
pub struct Wanted {
    /// Also those that may change what a plan means.
    pub unsafe_too: bool,
    /// Also those of hints.
    pub hints: bool,
}

impl Wanted {
    /// The repair of a diagnostic that would be applied, if it lies in these files.
    pub fn of<'a>(self, diagnostic: &'a Diagnostic, files: &BTreeSet<PathBuf>) -> Option<&'a Fix> {
        if diagnostic.severity == Severity::Hint && !self.hints {
            return None;
        }
        diagnostic.fixes.iter().find(|fix| {
            (fix.safe || self.unsafe_too) && fix.edits.iter().all(|edit| files.contains(edit.file.as_ref()))
        })
    }
}

/// What was done.
pub struct Fixed {
    /// In the order in which it was done.
    pub repairs: Vec<Repair>,
    /// Files whose text is another now.
    pub changes: BTreeMap<Arc<Path>, Change>,
}

/// One applied repair.
#[derive(Clone)]
pub struct Repair {
    pub file: Arc<Path>,
    /// Line and column, from 1, when it was applied.
    pub line: u32,
    pub column: u32,
    pub rule: &'static str,
    pub title: String,
}

pub struct Change {
    pub before: String,
    pub after: String,
}

/// Applies repairs to these files in memory; `loaded` holds the result and its diagnostics.
pub fn repair(loaded: &mut impl Repairable, files: &BTreeSet<PathBuf>, wanted: Wanted) -> Fixed {
    let mut fixer = Fixer {
        files,
        wanted,
        refused: HashSet::new(),
        undone: HashSet::new(),
        trials: 0,
    };
    let mut originals = BTreeMap::new();
    let mut done: Vec<(Repair, Key)> = Vec::new();
    // What the files said after each round, and how many repairs that took.
    let mut seen = HashMap::new();
    // Whether something was repaired since the first of those that are refused was.
    let mut is_stale = false;
    for _ in 0..ROUNDS_MAX {
        let refused = fixer.refused.len();
        let applied = fixer.round(loaded, &mut originals);
        if applied.is_empty() {
            match fixer.refused.len() > refused {
                // What overlaps with what has been refused has its turn.
                true => continue,
                // What made things worse before may make them better now.
                false if is_stale => fixer.refused.clear(),
                false => break,
            }
            is_stale = false;
            continue;
        }
        is_stale |= !fixer.refused.is_empty();
        done.extend(applied);
        // Repairs that undo each other would go on for ever, and do nothing.
        let is_original = |(file, text): (&Arc<Path>, &String)| loaded.text(file) == Some(text);
        let known = match originals.iter().all(is_original) {
            true => Some(0),
            false => seen.get(&state(loaded, originals.keys())).copied(),
        };
        match known {
            Some(count) => fixer.undone.extend(done.drain(count..).map(|(_, key)| key)),
            None => _ = seen.insert(state(loaded, originals.keys()), done.len()),
        }
    }
    let repairs = done.into_iter().map(|(repair, _)| repair).collect();
    let changes = format_again(loaded, originals);
    Fixed { repairs, changes }
}

/// A hash of what the files say now.
fn state<'p>(loaded: &impl Repairable, files: impl Iterator<Item = &'p Arc<Path>>) -> u64 {
    let mut hasher = DefaultHasher::new();
    files.for_each(|file| (file, loaded.text(file)).hash(&mut hasher));
    hasher.finish()
}

struct Fixer<'a> {
    files: &'a BTreeSet<PathBuf>,
    wanted: Wanted,
    /// Repairs that made things worse.
    refused: HashSet<Key>,
    /// Repairs that undid each other.
    undone: HashSet<Key>,
    trials: usize,
}

/// File, message, and the text that would be written: another repair of the same mistake may do.
type Key = (Arc<Path>, String, Vec<String>);

/// A repair that could be applied in this round.
struct Candidate {
    repair: Repair,
    message: String,
    /// Where the diagnostic begins.
    start: u32,
    edits: Vec<Edit>,
}

impl Candidate {
    fn key(&self) -> Key {
        let texts = self.edits.iter().map(|edit| edit.text.clone()).collect();
        (self.repair.file.clone(), self.message.clone(), texts)
    }
}

impl Fixer<'_> {
    /// Applies what can be applied at once, and says what that was.
    fn round(
        &mut self,
        loaded: &mut impl Repairable,
        originals: &mut BTreeMap<Arc<Path>, String>,
    ) -> Vec<(Repair, Key)> {
        let candidates = self.candidates(loaded);
        let base = Base::new(loaded, &candidates);
        let mut kept: Vec<&Candidate> = Vec::new();
        let mut groups: Vec<&[Candidate]> = vec![&candidates];
        let mut is_set = false;
        while let Some(group) = groups.pop() {
            if group.is_empty() || self.trials >= TRIALS_MAX {
                continue;
            }
            let tried: Vec<&Candidate> = kept.iter().copied().chain(group).collect();
            base.set(loaded, &tried);
            self.trials += 1;
            is_set = base.is_no_worse(loaded) && base.helps(loaded, &tried);
            if is_set {
                kept = tried;
            } else if let [one] = group {
                self.refused.insert(one.key());
            } else {
                let (first, second) = group.split_at(group.len() / 2);
                groups.extend([second, first]);
            }
        }
        if !is_set {
            base.set(loaded, &kept);
        }
        for edit in kept.iter().flat_map(|candidate| &candidate.edits) {
            let text = || base.texts[&edit.file].clone();
            originals.entry(edit.file.clone()).or_insert_with(text);
        }
        let keyed = |candidate: &&Candidate| (candidate.repair.clone(), candidate.key());
        kept.iter().map(keyed).collect()
    }

    /// Repairs that do not touch each other, in the order of their diagnostics.
    fn candidates(&self, loaded: &impl Repairable) -> Vec<Candidate> {
        let mut taken: HashMap<Arc<Path>, BTreeMap<u32, u32>> = HashMap::new();
        let mut lines = HashMap::new();
        let mut candidates = Vec::new();
        for diagnostic in loaded.diagnostics() {
            let Some(fix) = self.wanted.of(diagnostic, self.files) else {
                continue;
            };
            let candidate = candidate(loaded, &mut lines, diagnostic, fix);
            let is_free = |edit: &Edit| taken.get(&edit.file).is_none_or(|taken| free(taken, edit.span));
            let key = candidate.key();
            if self.refused.contains(&key)
                || self.undone.contains(&key)
                || !candidate.edits.iter().all(is_free)
                || !is_sound(loaded, &candidate.edits)
            {
                continue;
            }
            for edit in &candidate.edits {
                let taken = taken.entry(edit.file.clone()).or_default();
                taken.insert(edit.span.start, edit.span.end);
            }
            candidates.push(candidate);
        }
        candidates
    }
}

fn candidate(
    loaded: &impl Repairable,
    lines: &mut HashMap<Arc<Path>, LineIndex>,
    diagnostic: &Diagnostic,
    fix: &Fix,
) -> Candidate {
    let of_file = || LineIndex::new(loaded.text(&diagnostic.file).unwrap_or_default());
    let lines = lines.entry(diagnostic.file.clone()).or_insert_with(of_file);
    let (line, column) = lines.line_col(diagnostic.span.start);
    Candidate {
        repair: Repair {
            file: diagnostic.file.clone(),
            line: line + 1,
            column: column + 1,
            rule: diagnostic.rule,
            title: fix.title.clone(),
        },
        message: diagnostic.message.clone(),
        start: diagnostic.span.start,
        edits: fix.edits.clone(),
    }
}

/// Whether the edits are of the text as it is, and none lies in another.
fn is_sound(loaded: &impl Repairable, edits: &[Edit]) -> bool {
    let within = |edit: &Edit| {
        let range = edit.span.start as usize..edit.span.end as usize;
        loaded.text(&edit.file).is_some_and(|text| text.get(range).is_some())
    };
    let mut spans: Vec<_> = edits.iter().map(|edit| (&edit.file, edit.span)).collect();
    spans.sort();
    let apart = |pair: &[(&Arc<Path>, Span)]| pair[0].0 != pair[1].0 || pair[0].1.end <= pair[1].1.start;
    !edits.is_empty() && edits.iter().all(within) && spans.windows(2).all(apart)
}

/// Whether a span neither overlaps nor touches those taken: two insertions at one place were not made for each other.
fn free(taken: &BTreeMap<u32, u32>, span: Span) -> bool {
    taken
        .range(..=span.end)
        .next_back()
        .is_none_or(|(_, &end)| end < span.start)
}

/// The files that a round may change, as they were, and how wrong everything was.
struct Base {
    texts: HashMap<Arc<Path>, String>,
    wrong: HashMap<Arc<Path>, Wrong>,
}

impl Base {
    fn new(loaded: &impl Repairable, candidates: &[Candidate]) -> Self {
        let mut texts = HashMap::new();
        for edit in candidates.iter().flat_map(|candidate| &candidate.edits) {
            if !texts.contains_key(&edit.file) {
                let text = loaded.text(&edit.file).unwrap_or_default().to_owned();
                texts.insert(edit.file.clone(), text);
            }
        }
        Self {
            texts,
            wrong: wrong(loaded.diagnostics()),
        }
    }

    /// Sets the files to what they were with these repairs, and checks them.
    fn set(&self, loaded: &mut impl Repairable, candidates: &[&Candidate]) {
        let mut edits: HashMap<&Path, Vec<&Edit>> = HashMap::new();
        for edit in candidates.iter().flat_map(|candidate| &candidate.edits) {
            edits.entry(edit.file.as_ref()).or_default().push(edit);
        }
        for (path, before) in &self.texts {
            let edits = edits.remove(path.as_ref()).unwrap_or_default();
            loaded.set_text(path, &edited(before, edits));
        }
        loaded.check();
    }

    fn is_no_worse(&self, loaded: &impl Repairable) -> bool {
        wrong(loaded.diagnostics()).iter().all(|(path, now)| {
            let before = self.wrong.get(path).copied().unwrap_or_default();
            now.errors <= before.errors && now.grave <= before.grave
        })
    }

    /// Whether none of the mistakes is still there that the repairs were made for.
    fn helps(&self, loaded: &impl Repairable, candidates: &[&Candidate]) -> bool {
        let diagnostics = loaded.diagnostics().iter();
        let now: HashSet<_> = diagnostics
            .map(|d| (&d.file, d.rule, d.message.as_str(), d.span.start))
            .collect();
        let mut edits: HashMap<&Arc<Path>, Vec<&Edit>> = HashMap::new();
        for edit in candidates.iter().flat_map(|candidate| &candidate.edits) {
            edits.entry(&edit.file).or_default().push(edit);
        }
        let shifts = edits
            .into_iter()
            .map(|(file, edits)| (file, Shifts::new(&self.texts[file], edits)));
        let shifts: HashMap<_, _> = shifts.collect();
        candidates.iter().all(|candidate| {
            let Repair { file, rule, .. } = &candidate.repair;
            let start = shifts
                .get(file)
                .map_or(candidate.start, |shifts| shifts.moved(candidate.start));
            !now.contains(&(file, *rule, candidate.message.as_str(), start))
        })
    }
}

/// How far the text behind each edit has moved, in order.
struct Shifts(Vec<(u32, i64)>);

impl Shifts {
    fn new(text: &str, mut edits: Vec<&Edit>) -> Self {
        let crlf = text.contains("\r\n");
        edits.sort_by_key(|edit| edit.span);
        let mut shift = 0;
        let shifts = edits.iter().map(|edit| {
            shift += written(edit, crlf).len() as i64 - i64::from(edit.span.end - edit.span.start);
            (edit.span.start, shift)
        });
        Self(shifts.collect())
    }

    /// Where a place is now: behind the edits that begin before it.
    fn moved(&self, at: u32) -> u32 {
        let before = self.0.partition_point(|(start, _)| *start < at);
        let shift = before.checked_sub(1).map_or(0, |last| self.0[last].1);
        (i64::from(at) + shift).max(0) as u32
    }
}

#[derive(Clone, Copy, Default)]
struct Wrong {
    errors: usize,
    /// Of these the ones that no repair may bring, whatever else it removes.
    grave: usize,
}

fn wrong(diagnostics: &[Diagnostic]) -> HashMap<Arc<Path>, Wrong> {
    let mut found: HashMap<Arc<Path>, Wrong> = HashMap::new();
    for diagnostic in diagnostics.iter().filter(|d| d.severity == Severity::Error) {
        let wrong = found.entry(diagnostic.file.clone()).or_default();
        wrong.errors += 1;
        wrong.grave += usize::from(is_grave(diagnostic.rule));
    }
    found
}

/// Text that does not parse, clauses that fight, and graphs in which something cannot run.
fn is_grave(rule: &str) -> bool {
    const GRAVE: &[&str] = &[
        "duplicate-clause",
        "conflicting-clauses",
        "dependency-cycle",
        "recursive-call",
        "impossible-join",
        "unreachable-node",
    ];
    GRAVE.contains(&rule) || rules::find(rule).is_some_and(|rule| rule.group == "text")
}

/// The text with edits that do not touch each other. Inserted lines end as the text's lines do.
fn edited(text: &str, mut edits: Vec<&Edit>) -> String {
    let crlf = text.contains("\r\n");
    edits.sort_by_key(|edit| edit.span);
    let mut result = String::with_capacity(text.len() + 64 * edits.len());
    let mut at = 0;
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        result.push_str(text.get(at..start).unwrap_or_default());
        result.push_str(&written(edit, crlf));
        at = end;
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

/// What an edit writes, in the text's kind of lines.
fn written(edit: &Edit, crlf: bool) -> Cow<'_, str> {
    match crlf {
        true => Cow::Owned(edit.text.replace('\n', "\r\n")),
        false => Cow::Borrowed(&edit.text),
    }
}

/// Formats what was formatted before it was repaired, and tells what changed in all.
fn format_again(loaded: &mut impl Repairable, originals: BTreeMap<Arc<Path>, String>) -> BTreeMap<Arc<Path>, Change> {
    let mut changes = BTreeMap::new();
    let is_formatted = |text: &str| dsl_syntax::format(text).is_ok_and(|formatted| formatted == text);
    for (path, before) in originals {
        let mut after = loaded.text(&path).unwrap_or_default().to_owned();
        if is_formatted(&before)
            && let Ok(formatted) = dsl_syntax::format(&after)
            && formatted != after
        {
            loaded.set_text(&path, &formatted);
            after = formatted;
        }
        if before != after {
            changes.insert(path, Change { before, after });
        }
    }
    loaded.check();
    changes
}
