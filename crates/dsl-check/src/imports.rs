//! Which names a file can use: its own, and those that its imports bring.
//!
//! `use` has three forms; paths are relative to the file or, with `/` first, to the root of the workspace; imports may
//! be mutual. Absent: what the names mean ([`crate::scope`]).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::diagnostic::BlockRef;
use crate::inputs::{Project, SourceFile};
use crate::signatures::{Sig, shown};

/// The declarations of a file that are not nodes, in order.
#[salsa::tracked(returns(ref))]
pub(crate) fn declarations(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<(BlockRef, Sig)>> {
    let mut found = Vec::new();
    for &chunk in file.chunks(db) {
        for (index, sig) in &*shown(db, chunk).declarations {
            let block = BlockRef { chunk, index: *index };
            found.push((block, sig.clone()));
        }
    }
    Arc::new(found)
}

/// What kinds of names there are; each kind is a space of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Space {
    Type,
    Capability,
    Agent,
    Plan,
    Policy,
}

impl Space {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Capability => "capability",
            Self::Agent => "agent",
            Self::Plan => "plan",
            Self::Policy => "policy",
        }
    }
}

/// The space and name of a declaration.
pub(crate) fn declared(sig: &Sig) -> Option<(Space, SmolStr)> {
    match sig {
        Sig::Type(sig) => Some((Space::Type, sig.name.clone())),
        Sig::Capability(sig) => Some((Space::Capability, sig.name.clone())),
        Sig::Agent(sig) => Some((Space::Agent, sig.name.clone())),
        Sig::Plan(sig) if !sig.name.is_empty() => Some((Space::Plan, sig.name.clone())),
        Sig::Policy(sig) => Some((Space::Policy, sig.name.clone())),
        _ => None,
    }
}

/// The file that a `use` names.
pub(crate) fn import_path(root: &Path, from: &Path, text: &str) -> PathBuf {
    let joined = match text.strip_prefix('/') {
        Some(rest) => root.join(rest),
        None => from.parent().unwrap_or(root).join(text),
    };
    normalize(&joined)
}

/// What may be imported: reading anything else would print it as mistakes.
pub(crate) fn is_plan(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "plan")
}

/// Without `.` and `..`, as far as that can be known from the text.
pub(crate) fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    out.push("..");
                }
            }
            part => out.push(part),
        }
    }
    out
}

/// Where a visible name comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Origin {
    pub file: SourceFile,
    pub name: SmolStr,
}

/// Why an import does not work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ImportProblem {
    /// Nothing could be read there.
    NoFile { block: BlockRef, path: SmolStr },
    /// It is there, and cannot be read.
    Unreadable {
        block: BlockRef,
        path: SmolStr,
        why: SmolStr,
    },
    /// It does not end in `.plan`.
    NoPlan { block: BlockRef, path: SmolStr },
    /// The path is not a plain string.
    NoPath { block: BlockRef },
    NoName {
        block: BlockRef,
        name: SmolStr,
        path: SmolStr,
        there: Vec<SmolStr>,
    },
    /// Two imports bring it.
    Ambiguous {
        block: BlockRef,
        first: BlockRef,
        space: Space,
        name: SmolStr,
    },
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Visible {
    pub names: BTreeMap<(Space, SmolStr), Origin>,
    pub problems: Vec<ImportProblem>,
    /// Brought by two imports that pick nothing.
    pub ambiguous: BTreeSet<(Space, SmolStr)>,
    /// Imported files, in order.
    pub files: Vec<SourceFile>,
}

impl Visible {
    pub fn get(&self, space: Space, name: &str) -> Option<&Origin> {
        self.names.get(&(space, SmolStr::from(name)))
    }
}

/// The names that a file can use.
#[salsa::tracked(returns(ref))]
pub(crate) fn visible(db: &dyn salsa::Database, file: SourceFile) -> Arc<Visible> {
    let project = Project::get(db);
    let mut visible = Visible::default();
    for (_, sig) in declarations(db, file).iter() {
        if let Some((space, name)) = declared(sig) {
            visible
                .names
                .entry((space, name.clone()))
                .or_insert(Origin { file, name });
        }
    }
    let own: HashSet<(Space, SmolStr)> = visible.names.keys().cloned().collect();
    let mut brought: HashMap<(Space, SmolStr), (BlockRef, bool)> = HashMap::new();
    for (block, sig) in declarations(db, file).iter() {
        let Sig::Use(used) = sig else { continue };
        let Some(path) = &used.path else {
            visible.problems.push(ImportProblem::NoPath { block: *block });
            continue;
        };
        let target = import_path(project.root(db), file.path(db), path);
        if !is_plan(&target) {
            visible.problems.push(ImportProblem::NoPlan {
                block: *block,
                path: path.clone(),
            });
            continue;
        }
        let Some(&there) = project.files(db).get(target.as_path()) else {
            let (block, path) = (*block, path.clone());
            visible
                .problems
                .push(match project.unreadable(db).get(target.as_path()) {
                    Some(why) => {
                        let why = why.clone();
                        ImportProblem::Unreadable { block, path, why }
                    }
                    None => ImportProblem::NoFile { block, path },
                });
            continue;
        };
        if !visible.files.contains(&there) {
            visible.files.push(there);
        }
        let offered: Vec<(Space, SmolStr)> = declarations(db, there)
            .iter()
            .filter_map(|(_, sig)| declared(sig))
            .collect();
        let missing = used
            .picked
            .iter()
            .filter(|name| !offered.iter().any(|(_, offered)| offered == *name));
        for name in missing {
            visible.problems.push(ImportProblem::NoName {
                block: *block,
                name: name.clone(),
                path: path.clone(),
                there: offered.iter().map(|(_, name)| name.clone()).collect(),
            });
        }
        let picked = !used.picked.is_empty();
        for (space, name) in offered {
            if picked && !used.picked.contains(&name) {
                continue;
            }
            let seen = match &used.alias {
                Some(alias) => SmolStr::from(format!("{alias}.{name}")),
                None => name.clone(),
            };
            let key = (space, seen);
            let origin = Origin { file: there, name };
            // what the file declares or picks by name goes before what comes along with everything else
            if own.contains(&key) && !picked {
                continue;
            }
            match brought.get(&key) {
                Some((first, first_picked)) if visible.names.get(&key) != Some(&origin) => {
                    if !first_picked && !picked {
                        visible.ambiguous.insert(key);
                    } else if *first_picked && picked {
                        visible.problems.push(ImportProblem::Ambiguous {
                            block: *block,
                            first: *first,
                            space,
                            name: key.1.clone(),
                        });
                    } else if picked {
                        brought.insert(key.clone(), (*block, true));
                        visible.ambiguous.remove(&key);
                        visible.names.insert(key, origin);
                    }
                }
                Some(_) => {}
                None if own.contains(&key) => {
                    let first = declarations(db, file)
                        .iter()
                        .find(|(_, sig)| declared(sig).as_ref() == Some(&key))
                        .map_or(*block, |(block, _)| *block);
                    visible.problems.push(ImportProblem::Ambiguous {
                        block: *block,
                        first,
                        space,
                        name: key.1.clone(),
                    });
                }
                None => {
                    brought.insert(key.clone(), (*block, picked));
                    visible.names.insert(key, origin);
                }
            }
        }
    }
    Arc::new(visible)
}
