//! Names that nobody uses: imported names, parameters, memory, secrets, types, capabilities and agents, and outputs of tasks.
//!
//! Certain, or not said: a name is used if it is mentioned anywhere, whatever it means there. Nothing is said of a file with errors, in
//! which a misspelt name may be the one that is missing. What other files may import is said only where no file imports it. Absent:
//! variables of one node.

use std::cell::{Cell, OnceCell};
use std::collections::HashSet;

use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use crate::check::check;
use crate::diagnostic::{BlockRef, Diag, Place, Severity, Target};
use crate::facts::{Source, file_facts};
use crate::graph::{EdgeKind, graphs};
use crate::imports::{declarations, import_path, visible};
use crate::inputs::{Project, SourceChunk, SourceFile};
use crate::plans::file_plans;
use crate::policy::has_policies;
use crate::rules;
use crate::signatures::{FieldSig, NodeKind, Sig};
use crate::words::words;

/// Names and outputs that nobody uses.
#[salsa::tracked(returns(ref))]
pub(crate) fn unused(db: &dyn salsa::Database, project: Project, file: SourceFile) -> Vec<Diag> {
    if file.chunks(db).iter().any(|&chunk| *has_errors(db, project, chunk)) {
        return Vec::new();
    }
    let unused = Unused {
        db,
        project,
        file,
        asked: Cell::new(0),
        all: OnceCell::new(),
    };
    let mut found = Vec::new();
    for (block, sig) in declarations(db, file).iter() {
        unused.of_declaration(*block, sig, &mut found);
    }
    let mut shared = unused.outputs();
    shared.extend(unused.private());
    if !shared.is_empty() && !unused.is_imported() {
        found.extend(shared);
    }
    found
}

/// Whether checking the chunk finds errors; shields what follows from lints that come and go.
#[salsa::tracked]
fn has_errors(db: &dyn salsa::Database, project: Project, chunk: SourceChunk) -> bool {
    let is_error = |rule: &str| rules::find(rule).is_some_and(|rule| rule.severity == Severity::Error);
    check(db, project, chunk).iter().any(|diag| is_error(diag.rule))
}

/// Of more words than these, all words of the file are put together once.
const ASKED_MAX: usize = 32;

struct Unused<'db> {
    db: &'db dyn salsa::Database,
    project: Project,
    file: SourceFile,
    asked: Cell<usize>,
    all: OnceCell<HashSet<&'db str>>,
}

impl<'db> Unused<'db> {
    fn is_mentioned(&self, word: &str) -> bool {
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() > ASKED_MAX {
            return self.all.get_or_init(|| self.all_words().collect()).contains(word);
        }
        let holds = |chunk: &SourceChunk| {
            let words = words(self.db, *chunk);
            words.binary_search_by(|known| known.as_str().cmp(word)).is_ok()
        };
        self.file.chunks(self.db).iter().any(holds)
    }

    fn all_words(&self) -> impl Iterator<Item = &'db str> {
        let db = self.db;
        let chunks = self.file.chunks(db).iter();
        chunks.flat_map(move |&chunk| words(db, chunk).iter().map(SmolStr::as_str))
    }

    /// Whether the file, or one that it imports, directly or not, has policies.
    fn brings_policies(&self, file: SourceFile) -> bool {
        if !has_policies(self.db, self.project) {
            return false;
        }
        let mut seen = HashSet::from([file]);
        let mut files = vec![file];
        while let Some(at) = files.pop() {
            let mut declared = declarations(self.db, at).iter();
            if declared.any(|(_, sig)| matches!(sig, Sig::Policy(_))) {
                return true;
            }
            let next = &visible(self.db, self.project, at).files;
            files.extend(next.iter().copied().filter(|&next| seen.insert(next)));
        }
        false
    }

    /// What belongs to the declaration and to nobody else.
    fn of_declaration(&self, block: BlockRef, sig: &Sig, found: &mut Vec<Diag>) {
        match sig {
            Sig::Use(used) => {
                let path = used.path.as_ref();
                let target = path.map(|path| import_path(self.project.root(self.db), self.file.path(self.db), path));
                let there = target.and_then(|path| self.project.files(self.db).get(path.as_path()).copied());
                // its policies apply whatever is picked
                if there.is_none_or(|there| self.brings_policies(there)) {
                    return;
                }
                // what is not there has been said
                let seen = &visible(self.db, self.project, self.file).names;
                let found_there = |name: &&SmolStr| seen.keys().any(|(_, seen)| seen == *name);
                for name in used
                    .picked
                    .iter()
                    .filter(found_there)
                    .filter(|name| !self.is_mentioned(name))
                {
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
                        if !self.is_mentioned(&format!("{path}.{name}"))
                            && !self.is_mentioned(&format!("remember {name}"))
                        {
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
            }
            _ => {}
        }
    }

    /// Declarations that serve the plans of this file, if it has any.
    fn private(&self) -> Vec<Diag> {
        let plans = &file_plans(self.db, self.file).plans;
        if plans.iter().all(|plan| plan.nodes.is_empty()) {
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
            if !self.is_mentioned(name) {
                let place = Place {
                    block: *block,
                    target: Target::Name,
                };
                found.push(said(rules::UNUSED_NAME, place, what, name).removable(false));
            }
        }
        found
    }

    /// Declared outputs that nobody reads, of tasks that something waits for; files are kept for people.
    fn outputs(&self) -> Vec<Diag> {
        let mut found = Vec::new();
        let plans = file_plans(self.db, self.file).plans.iter();
        let facts = file_facts(self.db, self.project, self.file).iter();
        for ((plan, graph), facts) in plans.zip(graphs(self.db, self.file).iter()).zip(facts) {
            let all = facts.nodes.iter().chain(&facts.clauses).flat_map(|facts| &facts.reads);
            let read: HashSet<(&str, &str)> = all
                .filter_map(|read| match &read.source {
                    Source::Node(node, output) => Some((node.as_str(), output.as_str())),
                    _ => None,
                })
                .collect();
            let stands_in: HashSet<u32> = graph.fallback.iter().copied().flatten().collect();
            let edges = graph
                .edges
                .iter()
                .flatten()
                .filter(|edge| edge.kind != EdgeKind::Fallback);
            let awaited: HashSet<u32> = edges.map(|edge| edge.on).collect();
            for (at, ((block, _), facts)) in plan.nodes.iter().zip(&facts.nodes).enumerate() {
                let sig = &graph.nodes[at];
                let at = at as u32;
                // what the last tasks give is what the run was for
                let kept = stands_in.contains(&at) || !awaited.contains(&at);
                let Some(outputs) = sig.outputs.as_ref().filter(|_| !kept && sig.kind == NodeKind::Task) else {
                    continue;
                };
                for output in outputs.iter().filter(|output| !is_kept(output)) {
                    let own = Source::Own(output.name.clone());
                    let is_read = read.contains(&(sig.name.as_str(), output.name.as_str()))
                        || facts.reads.iter().any(|read| read.source == own);
                    if !is_read && !self.is_mentioned(&format!("{}.{}", sig.name, output.name)) {
                        let place = Place {
                            block: *block,
                            target: Target::Entry(K::Output, output.name.clone()),
                        };
                        let diag = said(rules::UNUSED_OUTPUT, place, "output", &output.name);
                        found.push(diag.removable(false));
                    }
                }
            }
        }
        found
    }

    /// Whether another file may use what this one declares.
    fn is_imported(&self) -> bool {
        imported(self.db, self.project).contains(&self.file)
    }
}

/// The files that another file imports; asked once, not once a file.
#[salsa::tracked(returns(ref))]
fn imported(db: &dyn salsa::Database, project: Project) -> HashSet<SourceFile> {
    let imports = project.files(db).values().flat_map(|&file| {
        let there = visible(db, project, file).files.iter().copied();
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
