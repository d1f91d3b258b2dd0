//! `write-conflict`: two nodes that may run at once and write one path, artifact or memory key; a fan-out whose instances do.
//!
//! Writers are sorted by the parts of their paths that hold no wildcard, so that only those are compared that can meet,
//! and of many that do only neighbours in the order of the graph. Linear for ordinary plans; where a bound is reached
//! nothing is said. Nodes are taken to run at once only if neither waits for the other and nothing says that at most
//! one of them runs. Absent: what scripts really write, and what called plans do.

mod paths;
mod said;

use std::collections::HashSet;
use std::sync::Arc;

use dsl_syntax::table::ClauseKey as K;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use paths::Pattern;
pub(crate) use said::{By, Writes, writes};

use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::facts::{EachFacts, Facts, clause_facts};
use crate::graph::{EdgeKind, Requirement, Topology, topologies};
use crate::inputs::SourceFile;
use crate::plans::file_plans;
use crate::reach::{ReachedPlan, reached};
use crate::rules;
use crate::slices::file_written;

/// With how many writers before it one is compared.
const COMPARED_MAX: usize = 16;

/// How many edges are looked at to find out who waits for whom: in one question, …
const STEPS_MAX: usize = 1024;
/// … and of one plan.
const PLAN_STEPS_MAX: usize = 2_000_000;

/// Something that a block writes.
#[derive(Clone, PartialEq, Debug)]
struct Write {
    block: BlockRef,
    pattern: Pattern,
    of: Arc<Writes>,
    /// Which of the paths there, or, after those, which of the memory keys.
    at: usize,
    /// Several instances of the node do, at once.
    at_once: bool,
}

impl Write {
    /// As it is written.
    fn path(&self) -> &SmolStr {
        match self.of.paths.get(self.at) {
            Some(written) => &written.path,
            None => &self.of.memory[self.at - self.of.paths.len()],
        }
    }

    /// `None`: a key of memory.
    fn by(&self) -> Option<&By> {
        self.of.paths.get(self.at).map(|written| &written.by)
    }
}

/// A write of a node of the plan that is looked at.
#[derive(Clone, Copy)]
struct Writer<'a> {
    write: &'a Write,
    node: u32,
}

/// A node that writes something.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Written {
    writes: Arc<Writes>,
    /// Its instances, if it fans out, may write at the same time.
    at_once: bool,
}

/// The blocks of a chunk that write something.
pub(crate) fn written(facts: &[Arc<Facts>]) -> Arc<[(u32, Written)]> {
    let facts = (0..).zip(facts);
    let writing = facts.filter_map(|(index, facts)| {
        let node = facts.node.as_ref()?;
        let several = |each: EachFacts| each.parallel != Some(1) && each.items_max.is_none_or(|items| items > 1);
        let written = Written {
            writes: node.writes.clone()?,
            at_once: node.each.is_some_and(several),
        };
        Some((index, written))
    });
    writing.collect()
}

/// What the blocks of a file write that others could write too, as far as patterns tell.
#[derive(PartialEq, Debug, Default)]
struct Rivals {
    /// By several instances of one node, in the order of the file.
    of_instances: Vec<Write>,
    /// By others, sorted by pattern.
    of_others: Vec<Write>,
}

/// Whoever waits for whom does not matter here, so edits of ties leave it alone.
#[salsa::tracked(returns(ref))]
fn rivals(db: &dyn salsa::Database, file: SourceFile) -> Rivals {
    let mut all = Vec::new();
    for (chunk, written) in file_written(db, file).iter() {
        for (index, Written { writes, at_once }) in &**written {
            let paths = writes.paths.iter().map(|path| Pattern::new(&path.base, &path.path));
            let keys = writes.memory.iter().map(|key| Some(Pattern::memory(key)));
            for (at, pattern) in paths.chain(keys).enumerate() {
                all.extend(pattern.map(|pattern| Write {
                    block: BlockRef {
                        chunk: *chunk,
                        index: *index,
                    },
                    pattern,
                    of: writes.clone(),
                    at,
                    at_once: *at_once,
                }));
            }
        }
    }
    let of_instances = all.iter().filter(|write| write.at_once).cloned().collect();
    all.sort_by(|a, b| a.pattern.key().cmp(&b.pattern.key()));
    let mut meets = vec![false; all.len()];
    let mut open = Open::default();
    for (current, write) in all.iter().enumerate() {
        open.close(|other| write.pattern.is_below(&all[other].pattern));
        if let Some(&other) = open.0.last() {
            meets[other] = true;
            meets[current] = true;
        }
        open.0.push(current);
    }
    let mut meets = meets.into_iter();
    all.retain(|_| meets.next() == Some(true));
    Rivals {
        of_instances,
        of_others: all,
    }
}

/// In a sorted list of patterns, those whose head is the beginning of the current one's.
#[derive(Default)]
struct Open(Vec<usize>);

impl Open {
    fn close(&mut self, is_open: impl Fn(usize) -> bool) {
        while self.0.last().is_some_and(|&last| !is_open(last)) {
            self.0.pop();
        }
    }
}

/// Of the plans of a file.
#[salsa::tracked(returns(ref))]
pub(crate) fn write_conflicts(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let mut found = Vec::new();
    let rivals = rivals(db, file);
    if rivals.of_instances.is_empty() && rivals.of_others.is_empty() {
        return found;
    }
    let layout = file_plans(db, file);
    let by_plan = |writes: &'_ [Write]| {
        let mut of_plans = vec![Vec::new(); layout.plans.len()];
        for (at, write) in writes.iter().enumerate() {
            if let Some((plan, Some(node))) = layout.place(write.block) {
                of_plans[plan as usize].push((at, node));
            }
        }
        of_plans
    };
    let instances = by_plan(&rivals.of_instances);
    let others = by_plan(&rivals.of_others);
    for (at, graph) in topologies(db, file).iter().enumerate() {
        let mut clauses = clause_facts(db, file)[at].iter();
        if clauses.any(|(_, says)| says.parallel == Some(1)) {
            continue;
        }
        let mut conflicts = Conflicts {
            graph,
            steps_left: PLAN_STEPS_MAX,
            found: &mut found,
        };
        conflicts.fan_outs(&conflicts.writers(&rivals.of_instances, &instances[at]));
        let mut writers = conflicts.writers(&rivals.of_others, &others[at]);
        if writers.len() > 1
            && let Some(reached) = reached(db, file).get(at)
        {
            conflicts.pairs(&mut writers, reached);
        }
    }
    found
}

/// Whether some members are enough.
fn is_choice(requirement: &Requirement) -> bool {
    matches!(requirement, Requirement::Quorum { count, of } if (*count as usize) < of.len())
}

struct Conflicts<'a> {
    graph: &'a Topology,
    steps_left: usize,
    found: &'a mut Vec<Diag>,
}

/// What two nodes are to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Relation {
    Ordered,
    /// At most one of them runs, or it is not known.
    Apart,
    AtOnce,
}

impl<'a> Conflicts<'a> {
    fn writers(&self, writes: &'a [Write], here: &[(usize, u32)]) -> Vec<Writer<'a>> {
        let writers = here.iter().map(|&(at, node)| Writer {
            write: &writes[at],
            node,
        });
        let doubtful = |writer: &Writer<'_>| matches!(writer.write.by(), Some(By::Artifact { sure: false, .. }));
        writers
            .filter(|writer| !doubtful(writer) || self.graph.edges[writer.node as usize].is_empty())
            .collect()
    }

    /// Instances of one task that write one file. What is remembered is the task's, not an instance's.
    fn fan_outs(&mut self, writers: &[Writer<'_>]) {
        let mut said = HashSet::new();
        for writer in writers {
            if writer.write.by().is_none() || !writer.write.pattern.is_file() || !said.insert(writer.node) {
                continue;
            }
            let message = format!(
                "the instances of `{}` write `{}` at the same time, expected a path of its own for each",
                self.name(writer.node),
                writer.write.path()
            );
            self.found.push(
                Diag::new(rules::WRITE_CONFLICT, self.place(*writer), message)
                    .help("put the item into the path, or let one run at a time (`parallel: 1`)"),
            );
        }
    }

    fn pairs(&mut self, writers: &mut [Writer<'a>], reached: &ReachedPlan) {
        let graph = self.graph;
        writers.sort_by(|a, b| {
            let patterns = a.write.pattern.key().cmp(&b.write.pattern.key());
            patterns.then_with(|| graph.position(a.node).cmp(&graph.position(b.node)))
        });
        let mut said = HashSet::new();
        let mut open = Open::default();
        for current in 0..writers.len() {
            let writer = writers[current];
            let pattern = &writer.write.pattern;
            open.close(|other| pattern.is_below(&writers[other].write.pattern));
            for &other in open.0.iter().rev().take(COMPARED_MAX) {
                let other = writers[other];
                if other.node == writer.node || !other.write.pattern.meets(pattern) {
                    continue;
                }
                match self.relation(reached, other.node, writer.node) {
                    // whoever comes before the other comes before this one too
                    Relation::Ordered if other.write.pattern == *pattern => break,
                    Relation::Ordered | Relation::Apart => {}
                    Relation::AtOnce => {
                        let (first, later) = if other.node < writer.node {
                            (other, writer)
                        } else {
                            (writer, other)
                        };
                        if said.insert(later.node) {
                            let diag = self.conflict(first, later);
                            self.found.push(diag);
                        }
                        break;
                    }
                }
            }
            open.0.push(current);
        }
    }

    fn relation(&mut self, reached: &ReachedPlan, a: u32, b: u32) -> Relation {
        let (Some(at_a), Some(at_b)) = (self.graph.position(a), self.graph.position(b)) else {
            return Relation::Apart;
        };
        if self.graph.is_loose(a) || self.graph.is_loose(b) || !reached.may_both_run(a, b) {
            return Relation::Apart;
        }
        let (first, later) = if at_a < at_b { (a, b) } else { (b, a) };
        match self.waits(later, first) {
            Some(true) => Relation::Ordered,
            Some(false) => Relation::AtOnce,
            None => Relation::Apart,
        }
    }

    /// Whether a node always waits for another, directly or through others; `None`: that was too far to see. Of an
    /// `any(…)` or a quorum only the first members to complete are waited for.
    fn waits(&mut self, node: u32, on: u32) -> Option<bool> {
        let low = self.graph.position(on);
        let mut queue = vec![node];
        let mut seen = FxHashSet::from_iter([node]);
        let (mut next, mut steps) = (0, 0);
        let (mut found, mut chooses) = (false, false);
        while let Some(&at) = queue.get(next) {
            next += 1;
            chooses |= self.graph.requirements(at).iter().any(is_choice);
            for edge in &self.graph.edges[at as usize] {
                if edge.on == on {
                    found = true;
                    if !chooses {
                        return Some(true);
                    }
                    continue;
                }
                steps += 1;
                if steps > STEPS_MAX || self.steps_left == 0 {
                    return None;
                }
                self.steps_left -= 1;
                if self.graph.position(edge.on) > low && seen.insert(edge.on) {
                    queue.push(edge.on);
                }
            }
        }
        if !found {
            return Some(false);
        }
        queue.sort_unstable_by_key(|&at| self.graph.position(at));
        let mut after = FxHashSet::from_iter([on]);
        for at in queue {
            if self.comes_after(at, &after) {
                after.insert(at);
            }
        }
        Some(after.contains(&node))
    }

    /// Whether the node waits for one of these in any case.
    fn comes_after(&self, node: u32, these: &FxHashSet<u32>) -> bool {
        let mut edges = self.graph.edges[node as usize].iter();
        let mut requirements = self.graph.requirements(node).iter();
        if !requirements.clone().any(is_choice) {
            return edges.any(|edge| these.contains(&edge.on));
        }
        let by_requirement = requirements.any(|requirement| match requirement {
            Requirement::Quorum { count, of } => {
                let others = of.iter().filter(|on| !these.contains(on)).count();
                others < *count as usize
            }
            requirement => requirement.nodes().iter().any(|on| these.contains(on)),
        });
        // what stands in for a member is waited for where the member is
        by_requirement || edges.any(|edge| edge.kind != EdgeKind::Need && these.contains(&edge.on))
    }

    fn name(&self, node: u32) -> &'a SmolStr {
        &self.graph.ties[node as usize].name
    }

    fn place(&self, writer: Writer<'_>) -> Place {
        let target = match writer.write.by() {
            None => Target::Entry(K::Remember, writer.write.path().clone()),
            Some(By::Effect) => Target::Effect("write".into(), writer.write.path().clone()),
            Some(By::Artifact { output, .. }) => Target::Entry(K::Output, output.clone()),
            Some(By::Path) => Target::Entry(K::Input, "path".into()),
            Some(By::Step(at)) => Target::StepArg(*at, "path".into()),
        };
        Place {
            block: writer.write.block,
            target,
        }
    }

    fn conflict(&self, first: Writer<'_>, later: Writer<'_>) -> Diag {
        let (name, other) = (self.name(later.node), self.name(first.node));
        let message = match (later.write.by(), first.write.pattern == later.write.pattern) {
            (None, _) => format!(
                "`{name}` and `{other}` remember `{}` at the same time",
                later.write.path()
            ),
            (_, true) => format!("`{name}` and `{other}` write `{}` at the same time", later.write.path()),
            (_, false) => format!(
                "`{name}` writes `{}` while `{other}` writes `{}`",
                later.write.path(),
                first.write.path()
            ),
        };
        let message = format!("{message}, expected one after the other");
        let own = match later.write.by() {
            None => "a key",
            Some(_) => "a path",
        };
        Diag::new(rules::WRITE_CONFLICT, self.place(later), message)
            .label(self.place(first), format!("`{other}` writes it here"))
            .help(format!(
                "let one wait for the other (`needs: {other}`), or give each {own} of its own"
            ))
            .add_need(format!("let `{name}` wait for `{other}`"), other.clone())
    }
}
