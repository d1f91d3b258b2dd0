//! Diagnostics about a file as a whole: imports, names given twice, loops, fallbacks, plans that call themselves.
//!
//! Read from signatures and graphs only, so no edit of a body computes them again; their places are symbolic.

use std::collections::{HashMap, HashSet};

use smol_str::SmolStr;

use crate::calls::recursive_calls;
use crate::diagnostic::{AmendHow, BlockRef, Diag, Place, Target};
use crate::flow::secret_leaks;
use crate::graph::{Edge, EdgeKind, Topology, topologies};
use crate::hypotheses::unanswered;
use crate::imports::{ImportProblem, declarations, declared, import_path, visible};
use crate::inputs::{Project, SourceFile};
use crate::meant::nearest;
use crate::memory::shared_keys;
use crate::plans::{PlanBlocks, file_plans};
use crate::reach::reached;
use crate::rules;
use crate::signatures::{NodeKind, Sig};

fn at(block: BlockRef) -> Place {
    Place {
        block,
        target: Target::Name,
    }
}

/// Imports, and declarations that share a name.
#[salsa::tracked(returns(ref))]
pub(crate) fn file_problems(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let mut found: Vec<Diag> = visible(db, file)
        .problems
        .iter()
        .filter_map(|problem| import_problem(db, file, problem))
        .collect();
    duplicate_declarations(db, file, &mut found);
    let plans = file_plans(db, file);
    let topologies = topologies(db, file).iter();
    for (plan, _) in plans
        .plans
        .iter()
        .zip(topologies)
        .filter(|(_, graph)| graph.has_duplicates())
    {
        duplicate_nodes(plan, &mut found);
    }
    if let (Some(first), Some(plan)) = (
        plans.stray.first(),
        plans.plans.first().and_then(|plan| plan.clauses.first()),
    ) {
        let message = "this file has plans and nodes outside of them, expected one or the other";
        found.push(
            Diag::new(rules::MISPLACED_CLAUSE, at(*first), message)
                .label(at(*plan), "the first plan")
                .help("indent it under a plan, or move it to a file of its own"),
        );
    }
    found
}

fn import_problem(db: &dyn salsa::Database, file: SourceFile, problem: &ImportProblem) -> Option<Diag> {
    let place = |block: &BlockRef, name: Option<&SmolStr>| Place {
        block: *block,
        target: Target::Use(name.cloned()),
    };
    Some(match problem {
        // the parser has said what is wrong with the path, or it is interpolated
        ImportProblem::NoPath { .. } => return None,
        ImportProblem::NoFile { block, path } => {
            let message = format!(
                "there is no file `{path}` to import, expected a path relative to this file or, with `/` first, to the workspace"
            );
            let diag = Diag::new(rules::UNRESOLVED_IMPORT, place(block, None), message);
            let there = importable(db, file);
            match nearest(path, &there).first() {
                Some(best) => diag.help(format!("did you mean `\"{best}\"`?")).fix_at(
                    format!("change it to `\"{best}\"`"),
                    false,
                    Target::Use(None),
                    format!("\"{best}\""),
                ),
                None if path.contains("://") => diag.help("only files are imported: copy it into the workspace"),
                None => diag,
            }
        }
        ImportProblem::Unreadable { block, path, why } => Diag::new(
            rules::UNRESOLVED_IMPORT,
            place(block, None),
            format!("`{path}` cannot be read: {why}"),
        ),
        ImportProblem::NoPlan { block, path } => {
            let message = format!("`{path}` is no plan, expected a file that ends in `.plan`");
            let diag = Diag::new(rules::UNRESOLVED_IMPORT, place(block, None), message);
            let meant = format!("{path}.plan");
            let project = Project::get(db);
            let target = import_path(project.root(db), file.path(db), &meant);
            match project.files(db).contains_key(target.as_path()) {
                true => diag.help(format!("did you mean `\"{meant}\"`?")).fix_at(
                    format!("change it to `\"{meant}\"`"),
                    false,
                    Target::Use(None),
                    format!("\"{meant}\""),
                ),
                false => diag,
            }
        }
        ImportProblem::NoName {
            block,
            name,
            path,
            there,
        } => {
            let diag = Diag::new(
                rules::UNRESOLVED_IMPORT,
                place(block, Some(name)),
                format!("`{path}` declares no `{name}`"),
            );
            let near = nearest(name, there);
            match near.first() {
                Some(best) => diag.help(format!("did you mean `{best}`?")).fix_at(
                    format!("change `{name}` to `{best}`"),
                    false,
                    Target::Use(Some(name.clone())),
                    best.as_str(),
                ),
                None => diag,
            }
        }
        ImportProblem::Ambiguous {
            block,
            first,
            space,
            name,
        } => Diag::new(
            rules::AMBIGUOUS_IMPORT,
            place(block, Some(name)),
            format!("the {} `{name}` comes from two places", space.word()),
        )
        .label(place(first, Some(name)), "also from here")
        .help("pick the names you want (`use a, b from \"…\"`), or give one import a name (`use \"…\" as x`)"),
    })
}

/// The other files that are known, as an import would name them.
fn importable(db: &dyn salsa::Database, file: SourceFile) -> Vec<SmolStr> {
    let root = Project::get(db).root(db);
    let folder = file.path(db).parent().unwrap_or(root);
    let others = Project::get(db).files(db).keys().filter(|path| *path != file.path(db));
    let named = others.filter_map(|path| match path.strip_prefix(folder) {
        Ok(below) => Some(SmolStr::from(below.to_str()?)),
        Err(_) => Some(SmolStr::from(format!("/{}", path.strip_prefix(root).ok()?.to_str()?))),
    });
    named.collect()
}

fn duplicate_declarations(db: &dyn salsa::Database, file: SourceFile, found: &mut Vec<Diag>) {
    let mut first = HashMap::new();
    let mut profiles = HashMap::new();
    let mut tests = HashMap::new();
    let all = declarations(db, file).iter();
    let mut names = Names::new(all.filter_map(|(_, sig)| Some(declared(sig)?.1)));
    for (block, sig) in declarations(db, file).iter() {
        let (before, what, name) = match sig {
            Sig::Profile { name: Some(name), of } => (
                profiles.insert((name.clone(), of.clone()), *block),
                "profile",
                name.clone(),
            ),
            Sig::Test { title: Some(title), of } => {
                (tests.insert((title.clone(), of.clone()), *block), "test", title.clone())
            }
            _ => match declared(sig) {
                Some((space, name)) => (first.insert((space, name.clone()), *block), space.word(), name),
                None => continue,
            },
        };
        if let Some(before) = before {
            let message = format!("there are two {what}s `{name}`, expected different names");
            let diag = Diag::new(rules::DUPLICATE_NAME, at(*block), message).label(at(before), "first here");
            found.push(match what {
                "test" => diag,
                _ => names.renamed(diag, &name),
            });
        }
    }
}

/// Names that are taken, to find free ones.
struct Names {
    taken: HashSet<SmolStr>,
    /// The number to try next; from the last one on, so that many of one name take no longer than others.
    next: HashMap<SmolStr, u32>,
}

impl Names {
    fn new(taken: impl Iterator<Item = SmolStr>) -> Self {
        Self {
            taken: taken.collect(),
            next: HashMap::new(),
        }
    }

    /// The first of `name-2`, `name-3` … that is free; it is not from then on.
    fn like(&mut self, name: &SmolStr) -> SmolStr {
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let other = SmolStr::from(format!("{name}-{next}"));
            *next += 1;
            if self.taken.insert(other.clone()) {
                return other;
            }
        }
    }

    fn renamed(&mut self, diag: Diag, name: &SmolStr) -> Diag {
        let other = self.like(name);
        diag.fix_at(format!("call it `{other}`"), false, Target::Name, other.as_str())
    }
}

fn duplicate_nodes(plan: &PlanBlocks, found: &mut Vec<Diag>) {
    let mut first: HashMap<&str, (BlockRef, NodeKind)> = HashMap::new();
    let mut names = Names::new(plan.nodes.iter().map(|(_, node)| node.name.clone()));
    for (block, node) in plan.nodes.iter().filter(|(_, node)| !node.name.is_empty()) {
        match first.get(node.name.as_str()) {
            Some((before, kind)) => {
                let message = format!(
                    "there are two nodes `{}` in this plan, expected different names",
                    node.name
                );
                let label = format!("the {} of that name", kind.word());
                let diag = Diag::new(rules::DUPLICATE_NAME, at(*block), message).label(at(*before), label);
                found.push(names.renamed(diag, &node.name));
            }
            None => {
                first.insert(&node.name, (*block, node.kind));
            }
        }
    }
}

/// Loops, plans that call themselves, memory that is shared.
#[salsa::tracked(returns(ref))]
pub(crate) fn graph_problems(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let mut found = Vec::new();
    let plans = file_plans(db, file);
    for (plan, graph) in plans.plans.iter().zip(topologies(db, file).iter()) {
        found.extend(graph.loops().iter().map(|edges| dependency_cycle(plan, graph, edges)));
        found.extend(unanswered(plan));
    }
    found.extend(recursive_calls(db, file));
    found.extend(shared_keys(db, file));
    found
}

/// Values that go where they must not.
#[salsa::tracked(returns(ref))]
pub(crate) fn flow_problems(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    secret_leaks(db, file)
}

/// Nodes that never run, arms that are never taken for that.
#[salsa::tracked(returns(ref))]
pub(crate) fn reach_problems(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let plans = reached(db, file).iter();
    plans.flat_map(|plan| plan.problems()).collect()
}

/// Of a longer loop only the beginning is spelled out.
const LOOP_EDGES_MAX: usize = 32;

fn dependency_cycle(plan: &PlanBlocks, graph: &Topology, edges: &[Edge]) -> Diag {
    let name = |node: u32| &graph.ties[node as usize].name;
    let block = |node: u32| plan.nodes[node as usize].0;
    let place = |edge: &Edge| match edge.kind {
        EdgeKind::Need => Place {
            block: block(edge.waits),
            target: Target::Need(name(edge.on).clone()),
        },
        EdgeKind::StandIn { of } => Place {
            block: block(edge.waits),
            target: Target::Need(name(of).clone()),
        },
        EdgeKind::Fallback => Place {
            block: block(edge.on),
            target: Target::Fallback,
        },
        EdgeKind::Route(at) => {
            let route = &graph.ties[edge.on as usize].routes[at as usize];
            let target = Target::Route {
                on: route.on.clone(),
                to: route.to.clone(),
            };
            Place {
                block: block(edge.on),
                target,
            }
        }
    };
    let says = |edge: &Edge| {
        let (waits, on) = (name(edge.waits), name(edge.on));
        match edge.kind {
            EdgeKind::Need => format!("`{waits}` needs `{on}`"),
            EdgeKind::StandIn { of } if graph.fallback[of as usize] == Some(edge.on) => {
                format!("`{waits}` needs `{}`, whose fallback is `{on}`", name(of))
            }
            EdgeKind::StandIn { of } => {
                format!(
                    "`{waits}` needs `{}`, for which `{on}` stands in when its fallback fails",
                    name(of)
                )
            }
            EdgeKind::Fallback => format!("`{waits}` waits for `{on}`, whose fallback it is"),
            EdgeKind::Route(at) => match &graph.ties[edge.on as usize].routes[at as usize].on {
                Some(event) => {
                    format!("`{waits}` waits for `{on}`, which leads to it on `{event}`")
                }
                None => format!("`{waits}` waits for `{on}`, which may choose it"),
            },
        }
    };
    let first = &edges[0];
    let mut diag = Diag::new(
        rules::DEPENDENCY_CYCLE,
        place(first),
        format!("`{}` waits for itself", name(first.waits)),
    );
    for edge in edges.iter().take(LOOP_EDGES_MAX) {
        diag = diag.label(place(edge), says(edge));
    }
    let shown = edges.iter().take(LOOP_EDGES_MAX);
    let mut path: Vec<String> = shown.map(|edge| format!("`{}`", name(edge.waits))).collect();
    if edges.len() > LOOP_EDGES_MAX {
        path.push(format!("{} more", edges.len() - LOOP_EDGES_MAX));
    }
    path.push(format!("`{}`", name(first.waits)));
    let need = edges.iter().find(|edge| edge.kind == EdgeKind::Need && *edge == first);
    let diag = match need {
        Some(edge) => diag.amend(
            format!("do not let `{}` need `{}`", name(edge.waits), name(edge.on)),
            AmendHow::NoNeed {
                name: name(edge.on).clone(),
                follows: false,
            },
        ),
        None => diag,
    };
    diag.note(format!("the loop: {}", path.join(" waits for ")))
        .help(if edges.len() == 1 {
            "remove it"
        } else {
            "remove one of these edges"
        })
}
