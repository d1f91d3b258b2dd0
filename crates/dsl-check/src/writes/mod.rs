//! `write-conflict`: two nodes that may run at once and write one path, artifact or memory key; a fan-out whose instances do.
//!
//! Writers are sorted by the parts of their paths that hold no wildcard, so that only those are compared that can meet, and of many
//! that do only neighbours in the order of the graph. Linear for ordinary plans; where a bound is reached nothing is said. Nodes are
//! taken to run at once only if neither waits for the other and nothing says that at most one of them runs. Absent: what scripts
//! really write, and what called plans do.

mod paths;
mod said;

use std::collections::HashSet;
use std::sync::Arc;

use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use paths::Pattern;
pub(crate) use said::{By, Writes, writes};

use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::facts::{EachFacts, Facts, clause_facts};
use crate::graph::{Topology, topologies};
use crate::inputs::{Project, SourceFile};
use crate::plans::{PlanBlocks, file_plans};
use crate::reach::{ReachedPlan, reached};
use crate::rules;
use crate::slices::file_written;

/// With how many writers before it one is compared.
const COMPARED_MAX: usize = 16;

/// How many edges are looked at to find out who waits for whom: in one question, …
const STEPS_MAX: usize = 1024;
/// … and of one plan.
const PLAN_STEPS_MAX: usize = 2_000_000;

struct Writer<'a> {
    pattern: Pattern,
    node: u32,
    /// As it is written.
    path: &'a SmolStr,
    /// `None`: a key of memory.
    by: Option<&'a By>,
    /// Several instances of the node do, at once.
    at_once: bool,
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

/// Of the plans of a file.
#[salsa::tracked(returns(ref))]
pub(crate) fn write_conflicts(db: &dyn salsa::Database, project: Project, file: SourceFile) -> Vec<Diag> {
    let mut found = Vec::new();
    let plans = file_plans(db, file);
    let mut writing = vec![Vec::new(); plans.plans.len()];
    for (chunk, written) in file_written(db, project, file).iter() {
        for (index, written) in &**written {
            let block = BlockRef {
                chunk: *chunk,
                index: *index,
            };
            if let Some((plan, Some(node))) = plans.place(block) {
                writing[plan as usize].push((node, written));
            }
        }
    }
    let all = plans.plans.iter().zip(topologies(db, file).iter()).zip(writing);
    for (at, ((plan, graph), writing)) in all.enumerate().filter(|(_, (_, writing))| !writing.is_empty()) {
        let mut clauses = clause_facts(db, project, file)[at].iter();
        if clauses.any(|(_, says)| says.parallel == Some(1)) {
            continue;
        }
        let mut conflicts = Conflicts {
            plan,
            graph,
            steps_left: PLAN_STEPS_MAX,
            found: &mut found,
        };
        let mut writers = conflicts.writers(&writing);
        conflicts.fan_outs(&writers);
        if let Some(reached) = reached(db, project, file).get(at) {
            conflicts.pairs(&mut writers, reached);
        }
    }
    found
}

struct Conflicts<'a> {
    plan: &'a PlanBlocks,
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
    fn writers(&self, writing: &[(u32, &'a Written)]) -> Vec<Writer<'a>> {
        let mut found = Vec::new();
        for &(node, Written { writes, at_once }) in writing {
            for written in &writes.paths {
                let doubtful = matches!(written.by, By::Artifact { sure: false, .. });
                if doubtful && !self.graph.edges[node as usize].is_empty() {
                    continue;
                }
                found.extend(Pattern::new(&written.base, &written.path).map(|pattern| Writer {
                    pattern,
                    node,
                    path: &written.path,
                    by: Some(&written.by),
                    at_once: *at_once,
                }));
            }
            found.extend(writes.memory.iter().map(|key| Writer {
                pattern: Pattern::memory(key),
                node,
                path: key,
                by: None,
                at_once: *at_once,
            }));
        }
        found
    }

    /// Instances of one task that write one file. What is remembered is the task's, not an instance's.
    fn fan_outs(&mut self, writers: &[Writer<'_>]) {
        let mut said = HashSet::new();
        for writer in writers.iter().filter(|writer| writer.at_once) {
            if writer.by.is_none() || !writer.pattern.is_file() || !said.insert(writer.node) {
                continue;
            }
            let message = format!(
                "the instances of `{}` write `{}` at the same time, expected a path of its own for each",
                self.name(writer.node),
                writer.path
            );
            self.found.push(
                Diag::new(rules::WRITE_CONFLICT, self.place(writer), message)
                    .help("put the item into the path, or let one run at a time (`parallel: 1`)"),
            );
        }
    }

    fn pairs(&mut self, writers: &mut [Writer<'a>], reached: &ReachedPlan) {
        let order = self.graph.in_order();
        let mut position = vec![None; self.graph.ties.len()];
        for (at, node) in (0u32..).zip(order) {
            position[node as usize] = Some(at);
        }
        let at = |writer: &Writer<'_>| position[writer.node as usize];
        writers.sort_by(|a, b| {
            let patterns = a.pattern.key().cmp(&b.pattern.key());
            patterns.then(at(a).cmp(&at(b)))
        });
        let mut said = HashSet::new();
        // those whose head is the beginning of the current one's
        let mut open: Vec<usize> = Vec::new();
        for current in 0..writers.len() {
            let writer = &writers[current];
            while let Some(&last) = open.last() {
                if writer.pattern.head().starts_with(writers[last].pattern.head()) {
                    break;
                }
                open.pop();
            }
            for &other in open.iter().rev().take(COMPARED_MAX) {
                let other = &writers[other];
                if other.node == writer.node || !other.pattern.meets(&writer.pattern) {
                    continue;
                }
                match self.relation(reached, &position, other.node, writer.node) {
                    // whoever comes before the other comes before this one too
                    Relation::Ordered if other.pattern == writer.pattern => break,
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
            open.push(current);
        }
    }

    fn relation(&mut self, reached: &ReachedPlan, position: &[Option<u32>], a: u32, b: u32) -> Relation {
        let (Some(at_a), Some(at_b)) = (position[a as usize], position[b as usize]) else {
            return Relation::Apart;
        };
        if self.graph.is_loose(a) || self.graph.is_loose(b) {
            return Relation::Apart;
        }
        let (first, later) = if at_a < at_b { (a, b) } else { (b, a) };
        match self.waits(position, later, first) {
            Some(true) => Relation::Ordered,
            Some(false) if reached.may_both_run(a, b) => Relation::AtOnce,
            _ => Relation::Apart,
        }
    }

    /// Whether a node waits for another, directly or through others; `None`: that was too far to see.
    fn waits(&mut self, position: &[Option<u32>], node: u32, on: u32) -> Option<bool> {
        let low = position[on as usize];
        let mut queue = vec![node];
        let mut seen = HashSet::from([node]);
        let (mut next, mut steps) = (0, 0);
        while let Some(&at) = queue.get(next) {
            next += 1;
            for edge in &self.graph.edges[at as usize] {
                if edge.on == on {
                    return Some(true);
                }
                steps += 1;
                if steps > STEPS_MAX || self.steps_left == 0 {
                    return None;
                }
                self.steps_left -= 1;
                if position[edge.on as usize] > low && seen.insert(edge.on) {
                    queue.push(edge.on);
                }
            }
        }
        Some(false)
    }

    fn name(&self, node: u32) -> &'a SmolStr {
        &self.graph.ties[node as usize].name
    }

    fn place(&self, writer: &Writer<'_>) -> Place {
        let target = match writer.by {
            None => Target::Entry(K::Remember, writer.path.clone()),
            Some(By::Effect) => Target::Effect("write".into(), writer.path.clone()),
            Some(By::Artifact { output, .. }) => Target::Entry(K::Output, output.clone()),
            Some(By::Path) => Target::Entry(K::Input, "path".into()),
        };
        Place {
            block: self.plan.nodes[writer.node as usize].0,
            target,
        }
    }

    fn conflict(&self, first: &Writer<'_>, later: &Writer<'_>) -> Diag {
        let (name, other) = (self.name(later.node), self.name(first.node));
        let message = match (later.by, first.pattern == later.pattern) {
            (None, _) => format!("`{name}` and `{other}` remember `{}` at the same time", later.path),
            (_, true) => format!("`{name}` and `{other}` write `{}` at the same time", later.path),
            (_, false) => format!(
                "`{name}` writes `{}` while `{other}` writes `{}`",
                later.path, first.path
            ),
        };
        let message = format!("{message}, expected one after the other");
        let own = match later.by {
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
