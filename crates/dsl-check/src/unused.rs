//! Names that nobody uses: imported names, parameters, memory, secrets, hypotheses, types, capabilities and agents,
//! outputs of tasks.
//!
//! Certain, or not said: a name is used if it is mentioned anywhere, whatever it means there. What is asked about is
//! found first, and then which of that each chunk mentions, so an edit looks at the words of its own chunk only.
//! Nothing is said of a file with errors, in which a misspelt name may be the one that is missing. What other files may
//! import is said only where no file imports it. Absent: variables of one node, which it checks itself.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use dsl_syntax::table::ClauseKey as K;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use crate::around::plans_here;
use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::facts::{Facts, Source};
use crate::graph::{EdgeKind, Topology, topologies};
use crate::hashed::hash_of;
use crate::imports::{declarations, import_path, visible};
use crate::inputs::{Project, SourceChunk, SourceFile};
use crate::plans::file_plans;
use crate::policy::has_policies;
use crate::rules;
use crate::scope::common;
use crate::signatures::{AgentSig, FieldSig, NodeKind, Sig, Work};
use crate::slices::{file_for_anybody, file_has_errors, file_outputs};
use crate::trees::outline;
use crate::words::{hash, hash_all, holds};

/// Names and outputs that nobody uses.
#[salsa::tracked(returns(ref))]
pub(crate) fn unused(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    if file_has_errors(db, file) {
        return Vec::new();
    }
    let unused = Unused { db, file };
    let asked = asked_names(db, file);
    let used = mentioned(db, file, asked, |chunk| mentioned_names(db, chunk));
    let is_used = |name: &str| asked.binary_search(&hash(name)).is_ok_and(&used);
    let mut found = unused.names(&is_used);
    let mut shared = unused.private(&is_used);
    shared.extend(unused.outputs());
    if !shared.is_empty() && !unused.is_imported() {
        found.extend(shared);
    }
    found
}

/// The names of which somebody wants to know whether they are mentioned, hashed and sorted.
#[salsa::tracked(returns(ref))]
fn asked_names(db: &dyn salsa::Database, file: SourceFile) -> Vec<u32> {
    let asked = RefCell::new(BTreeSet::new());
    let note = |name: &str| {
        asked.borrow_mut().insert(hash(name));
        false
    };
    let unused = Unused { db, file };
    unused.names(&note);
    unused.private(&note);
    asked.into_inner().into_iter().collect()
}

/// Those of [`asked_names`] that the chunk mentions, by their places there.
#[salsa::tracked(returns(ref))]
fn mentioned_names(db: &dyn salsa::Database, chunk: SourceChunk) -> Box<[u32]> {
    among(&outline(db, chunk).words, asked_names(db, chunk.file(db)))
}

/// Those of [`unread_outputs`] that the chunk mentions, by their places there.
#[salsa::tracked(returns(ref))]
fn mentioned_outputs(db: &dyn salsa::Database, chunk: SourceChunk) -> Box<[u32]> {
    among(&outline(db, chunk).words, &unread_outputs(db, chunk.file(db)).names)
}

/// The places of the names that are among the words; both are sorted.
fn among(words: &[u32], names: &[u32]) -> Box<[u32]> {
    if names.len() <= words.len() {
        let named = (0..).zip(names).filter(|(_, name)| holds(words, **name));
        named.map(|(at, _)| at).collect()
    } else {
        let at = |word: &u32| names.binary_search(word).ok().map(|at| at as u32);
        words.iter().filter_map(at).collect()
    }
}

/// So many names are looked for from chunk to chunk; of more, each chunk keeps which it mentions.
const SOUGHT_MAX: usize = 64;

/// Whether some chunk of the file mentions the name in that place. Of a few names each is looked for when it is asked
/// about: those that are used are mostly found in one of the first chunks.
fn mentioned<'db>(
    db: &'db dyn salsa::Database,
    file: SourceFile,
    names: &'db [u32],
    kept: impl Fn(SourceChunk) -> &'db [u32],
) -> impl Fn(usize) -> bool {
    let chunks = file.chunks(db);
    let mut known = Vec::new();
    if names.len() > SOUGHT_MAX {
        known = vec![false; names.len()];
        for at in chunks.iter().flat_map(|&chunk| kept(chunk)) {
            known[*at as usize] = true;
        }
    }
    move |at| {
        let is_found = || chunks.iter().any(|&chunk| holds(&outline(db, chunk).words, names[at]));
        known.get(at).copied().unwrap_or_else(is_found)
    }
}

/// What the tasks of a chunk declare as outputs and do not read themselves, by block; and the outputs that its blocks
/// read, by a hash of their names, sorted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Outputs {
    declared: Box<[(u32, Declared)]>,
    read: Box<[u64]>,
}

/// An output, and what it goes by together with its task.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Declared {
    output: SmolStr,
    read_as: u64,
    word: u32,
}

/// Of a chunk with these blocks.
pub(crate) fn outputs(sigs: &[Sig], facts: &[Arc<Facts>]) -> Outputs {
    let mut declared = Vec::new();
    let mut read = Vec::new();
    for (index, (sig, facts)) in (0..).zip(sigs.iter().zip(facts)) {
        let reads = || facts.values.reads.iter().map(|read| &read.source);
        read.extend(reads().filter_map(|source| match source {
            Source::Node(node, output) => Some(hash_of(&(node, output))),
            _ => None,
        }));
        let Sig::Node { sig, .. } = sig else { continue };
        let of_task = sig.outputs.iter().filter(|_| sig.kind == NodeKind::Task).flatten();
        let is_own =
            |output: &FieldSig| reads().any(|source| matches!(source, Source::Own(own) if *own == output.name));
        let unread = of_task.filter(|output| !is_kept(output) && !is_own(output));
        let declare = |output: &FieldSig| Declared {
            output: output.name.clone(),
            read_as: hash_of(&(&sig.name, &output.name)),
            word: hash_all(&[&sig.name, ".", &output.name]),
        };
        declared.extend(unread.map(|output| (index, declare(output))));
    }
    read.sort_unstable();
    read.dedup();
    Outputs {
        declared: declared.into(),
        read: read.into(),
    }
}

/// The capabilities for which tasks of a chunk name nobody, so that all agents that provide them may do it; sorted.
pub(crate) fn for_anybody(sigs: &[Sig]) -> Arc<[SmolStr]> {
    let used = sigs.iter().filter_map(|sig| match sig {
        Sig::Node { sig, .. } if sig.by.is_empty() => match &sig.work {
            Work::Capability(name) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    });
    used.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The outputs that some block of the file reads, by a hash of their names.
#[salsa::tracked(returns(ref))]
fn read_outputs(db: &dyn salsa::Database, file: SourceFile) -> FxHashSet<u64> {
    let all = file_outputs(db, file).iter();
    all.flat_map(|(_, outputs)| outputs.read.iter().copied()).collect()
}

/// Outputs that no expression reads, sorted by their words. Whoever waits for whom does not matter here.
#[salsa::tracked(returns(ref))]
fn unread(db: &dyn salsa::Database, file: SourceFile) -> Vec<(u32, BlockRef, SmolStr)> {
    let read = read_outputs(db, file);
    let mut found = Vec::new();
    for (chunk, outputs) in file_outputs(db, file).iter() {
        for (index, declared) in outputs.declared.iter().filter(|(_, it)| !read.contains(&it.read_as)) {
            let block = BlockRef {
                chunk: *chunk,
                index: *index,
            };
            found.push((declared.word, block, declared.output.clone()));
        }
    }
    found.sort_by_key(|(word, ..)| *word);
    found
}

/// Those of tasks that something waits for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Unread {
    /// `node.output`, hashed; sorted.
    names: Vec<u32>,
    /// Each with the place of its name.
    outputs: Vec<(u32, BlockRef, SmolStr)>,
}

#[salsa::tracked(returns(ref))]
fn unread_outputs(db: &dyn salsa::Database, file: SourceFile) -> Unread {
    let all = unread(db, file);
    let mut unread = Unread::default();
    if all.is_empty() {
        return unread;
    }
    let plans = file_plans(db, file);
    let kept: Vec<Vec<bool>> = topologies(db, file).iter().map(|graph| kept(graph)).collect();
    for (name, block, output) in all {
        let Some((plan, Some(node))) = plans.place(*block) else {
            continue;
        };
        if kept[plan as usize][node as usize] {
            continue;
        }
        if unread.names.last() != Some(name) {
            unread.names.push(*name);
        }
        let at = unread.names.len() as u32 - 1;
        unread.outputs.push((at, *block, output.clone()));
    }
    unread
}

/// By node, whether what it gives is what the run was for: nothing waits for it, or it stands in for another.
fn kept(graph: &Topology) -> Vec<bool> {
    let mut kept = vec![true; graph.ties.len()];
    for edge in graph.edges.all().iter().filter(|edge| edge.kind != EdgeKind::Fallback) {
        kept[edge.on as usize] = false;
    }
    for &stand_in in graph.fallback.iter().flatten() {
        kept[stand_in as usize] = true;
    }
    kept
}

struct Unused<'db> {
    db: &'db dyn salsa::Database,
    file: SourceFile,
}

/// Whether a name is mentioned somewhere in the file.
type IsUsed<'a> = &'a dyn Fn(&str) -> bool;

impl Unused<'_> {
    /// Whether the file, or one that it imports, directly or not, has policies.
    fn brings_policies(&self, file: SourceFile) -> bool {
        if !has_policies(self.db) {
            return false;
        }
        let mut seen = HashSet::from([file]);
        let mut files = vec![file];
        while let Some(at) = files.pop() {
            let mut declared = declarations(self.db, at).iter();
            if declared.any(|(_, sig)| matches!(sig, Sig::Policy(_))) {
                return true;
            }
            let next = &visible(self.db, at).files;
            files.extend(next.iter().copied().filter(|&next| seen.insert(next)));
        }
        false
    }

    /// What belongs to declarations of the file and to nobody else.
    fn names(&self, is_used: IsUsed<'_>) -> Vec<Diag> {
        let mut found = Vec::new();
        for (block, sig) in declarations(self.db, self.file).iter() {
            self.of_declaration(*block, sig, is_used, &mut found);
        }
        self.hypotheses(is_used, &mut found);
        found
    }

    fn of_declaration(&self, block: BlockRef, sig: &Sig, is_used: IsUsed<'_>, found: &mut Vec<Diag>) {
        match sig {
            Sig::Use(used) => {
                let path = used.path.as_ref();
                let target =
                    path.map(|path| import_path(Project::get(self.db).root(self.db), self.file.path(self.db), path));
                let there = target.and_then(|path| Project::get(self.db).files(self.db).get(path.as_path()).copied());
                // its policies apply whatever is picked
                if there.is_none_or(|there| self.brings_policies(there)) {
                    return;
                }
                // what is not there has been said
                let seen = &visible(self.db, self.file).names;
                let found_there = |name: &&SmolStr| seen.keys().any(|(_, seen)| seen == *name);
                for name in used.picked.iter().filter(found_there).filter(|name| !is_used(name)) {
                    let place = Place {
                        block,
                        target: Target::Use(Some(name.clone())),
                    };
                    found.push(said(rules::UNUSED_NAME, place, "import", name).removable(true));
                }
            }
            Sig::Plan(plan) | Sig::PlanRest(plan) => {
                let mut group = |key: K, what: &str, path: &str, names: &mut dyn Iterator<Item = &SmolStr>| {
                    for name in names {
                        if !is_used(&format!("{path}.{name}")) && !is_used(&format!("remember {name}")) {
                            let place = Place {
                                block,
                                target: Target::Entry(key, name.clone()),
                            };
                            found.push(said(rules::UNUSED_NAME, place, what, name).removable(false));
                        }
                    }
                };
                let names = |fields: &[FieldSig]| fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
                group(K::Params, "parameter", "params", &mut names(&plan.params).iter());
                group(K::Memory, "memory key", "memory", &mut names(&plan.memory).iter());
                let mut secrets = plan.secrets.iter().filter(|name| !self.runner_reads(name));
                group(K::Secrets, "secret", "secrets", &mut secrets);
            }
            _ => {}
        }
    }

    /// Whether something that is known here and may be used is run with that secret.
    fn runner_reads(&self, secret: &SmolStr) -> bool {
        let scope = common(self.db, self.file);
        let capabilities = scope.capabilities.values().filter_map(|found| found.runner.as_ref());
        let agents = scope.agents.values().filter_map(|found| found.runner.as_ref());
        capabilities.chain(agents).any(|runner| runner.secrets.contains(secret))
    }

    /// Hypotheses that nothing supports or refutes and no decision asks for.
    fn hypotheses(&self, is_used: IsUsed<'_>, found: &mut Vec<Diag>) {
        for plan in &file_plans(self.db, self.file).plans {
            if plan.nodes.iter().any(|(_, ties)| ties.from_hypotheses) {
                continue;
            }
            let all = plan.nodes.iter().filter(|(_, ties)| ties.kind == NodeKind::Hypothesis);
            for (block, ties) in all.filter(|(_, ties)| !is_used(&format!("evidence {}", ties.name))) {
                let place = Place {
                    block: *block,
                    target: Target::Name,
                };
                let diag = said(rules::UNUSED_NAME, place, "hypothesis", &ties.name);
                found.push(diag.help("let a task support or refute it, or a decision ask for it: `from: hypotheses`"));
            }
        }
    }

    /// Declarations that serve the plans of this file, if it has any.
    fn private(&self, is_used: IsUsed<'_>) -> Vec<Diag> {
        let chunks = self.file.chunks(self.db).iter();
        let has_nodes = |&chunk: &SourceChunk| plans_here(self.db, chunk).of_nodes().any(|plan| plan.is_some());
        if !chunks.into_iter().any(has_nodes) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (block, sig) in declarations(self.db, self.file).iter() {
            let (what, name) = match sig {
                Sig::Type(sig) => ("type", &sig.name),
                Sig::Capability(sig) => ("capability", &sig.name),
                Sig::Agent(sig) => ("agent", &sig.name),
                _ => continue,
            };
            let is_asked = || matches!(sig, Sig::Agent(agent) if self.is_asked(agent));
            if !is_used(name) && !is_asked() {
                let place = Place {
                    block: *block,
                    target: Target::Name,
                };
                found.push(said(rules::UNUSED_NAME, place, what, name).removable(false));
            }
        }
        found
    }

    /// Whether a task that names nobody uses what the agent provides.
    fn is_asked(&self, agent: &AgentSig) -> bool {
        let chunks = file_for_anybody(self.db, self.file).iter();
        let mut used = chunks.map(|(_, names)| names);
        used.any(|names| agent.provides.iter().any(|name| names.binary_search(name).is_ok()))
    }

    /// Declared outputs that nobody reads, of tasks that something waits for; files are kept for people.
    fn outputs(&self) -> Vec<Diag> {
        let db = self.db;
        let unread = unread_outputs(db, self.file);
        let used = mentioned(db, self.file, &unread.names, |chunk| mentioned_outputs(db, chunk));
        let unused = unread.outputs.iter().filter(|(name, ..)| !used(*name as usize));
        let diag = |(_, block, output): &(u32, BlockRef, SmolStr)| {
            let place = Place {
                block: *block,
                target: Target::Entry(K::Output, output.clone()),
            };
            said(rules::UNUSED_OUTPUT, place, "output", output).removable(false)
        };
        unused.map(diag).collect()
    }

    /// Whether another file may use what this one declares.
    fn is_imported(&self) -> bool {
        imported(self.db).contains(&self.file)
    }
}

/// The files that another file imports; asked once, not once a file.
#[salsa::tracked(returns(ref))]
fn imported(db: &dyn salsa::Database) -> HashSet<SourceFile> {
    let project = Project::get(db);
    let imports = project.files(db).values().flat_map(|&file| {
        let there = visible(db, file).files.iter().copied();
        there.filter(move |&there| there != file)
    });
    imports.collect()
}

/// Stored by content, for whoever looks at the run.
fn is_kept(output: &FieldSig) -> bool {
    fn mentions_file(ty: &dsl_syntax::ast::Type) -> bool {
        match &ty.kind {
            dsl_syntax::ast::TypeKind::Named { name, arg, .. } => {
                matches!(name.text.as_str(), "file" | "dir") || arg.as_deref().is_some_and(mentions_file)
            }
            _ => false,
        }
    }
    mentions_file(&output.ty)
}

fn said(rule: &'static str, place: Place, what: &str, name: &str) -> Diag {
    let verb = if what == "output" { "read" } else { "used" };
    Diag::new(rule, place, format!("the {what} `{name}` is never {verb}"))
}
