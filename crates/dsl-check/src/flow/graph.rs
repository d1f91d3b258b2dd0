//! The flow of values through one plan, searched from wherever somebody asks.
//!
//! Nothing is built but an index of who reads which node; the edges are the reads themselves.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::LazyLock;

use dsl_syntax::table::ClauseKey as K;
use ir::expr::Capture;
use smol_str::SmolStr;

use super::calls::{PlanId, Summaries, Summary, called_plan, summaries};
use super::spot::{Level, Spot};
use crate::calls::called_names;
use crate::diagnostic::{Place, Target};
use crate::facts::{How, PlanValues, Read, Sink, Source, ValueFacts, file_values};
use crate::graph::{PlanGraph, graphs};
use crate::inputs::SourceFile;
use crate::plans::PlanBlocks;
use crate::signatures::Work;

/// Where a search begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    Secrets,
    Secret(SmolStr),
    Param(SmolStr),
    Memory(SmolStr),
    /// Everything that the node makes.
    Node(u32),
}

pub(crate) struct FlowGraph<'a> {
    pub graph: &'a PlanGraph,
    values: &'a PlanValues,
    /// By node, what the plan that it calls does with its parameters.
    called: HashMap<u32, &'a Summary>,
    index: OnceCell<Index>,
}

static NO_SUMMARIES: LazyLock<Summaries> = LazyLock::new(Summaries::new);

/// Who reads what.
#[derive(Default)]
struct Index {
    /// The reads of outputs and errors of node `n` are `readers[starts[n]..starts[n + 1]]`.
    starts: Vec<u32>,
    readers: Vec<(u32, u32)>,
    memory: HashMap<SmolStr, Vec<(u32, u32)>>,
    /// The nodes that a node is the fallback of.
    stands_in: HashMap<u32, Vec<u32>>,
}

/// What a search found, in order of distance.
#[derive(Default)]
pub(crate) struct Spread {
    pub found: Vec<Found>,
    seen: HashMap<Spot, u32>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Found {
    pub spot: Spot,
    pub level: Level,
    /// Where it came from, among those found.
    pub from: Option<u32>,
}

impl<'a> FlowGraph<'a> {
    /// Of a plan of the file; `None`: there is none.
    pub fn of_plan(db: &'a dyn salsa::Database, file: SourceFile, plan: usize) -> Option<Self> {
        let (graph, values) = (graphs(db, file).get(plan)?, file_values(db, file).get(plan)?);
        let calls = !called_names(db, file).get(plan)?.is_empty();
        let known = if calls { summaries(db) } else { &*NO_SUMMARIES };
        Some(Self::new(graph, values, known, |name| called_plan(db, file, name)))
    }

    /// `called`: the plan that a name means.
    pub fn new(
        graph: &'a PlanGraph,
        values: &'a PlanValues,
        summaries: &'a Summaries,
        called: impl Fn(&SmolStr) -> Option<PlanId>,
    ) -> Self {
        let mut found = HashMap::new();
        if !summaries.is_empty() {
            for (at, node) in graph.nodes.iter().enumerate() {
                if let Work::Call(name) = &node.work
                    && let Some(summary) = called(name).and_then(|plan| summaries.get(&plan))
                {
                    found.insert(at as u32, &**summary);
                }
            }
        }
        Self {
            graph,
            values,
            called: found,
            index: OnceCell::new(),
        }
    }

    fn values_of(&self, at: u32) -> Option<&'a ValueFacts> {
        let nodes = &self.values.nodes;
        let found = match nodes.get(at as usize) {
            Some(values) => Some(values),
            None => self.values.clauses.get(at as usize - nodes.len()),
        };
        found.map(|values| &**values)
    }

    pub fn called(&self, node: u32) -> Option<&'a Summary> {
        self.called.get(&node).copied()
    }

    fn reads(&self, at: u32) -> &'a [Read] {
        self.values_of(at).map_or(&[], |values| &values.reads)
    }

    fn blocks(&self) -> u32 {
        (self.values.nodes.len() + self.values.clauses.len()) as u32
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| self.make_index())
    }

    fn make_index(&self) -> Index {
        let count = self.graph.nodes.len();
        let mut pairs: Vec<(u32, (u32, u32))> = Vec::new();
        let mut index = Index::default();
        for at in 0..self.blocks() {
            for (nth, read) in self.reads(at).iter().enumerate() {
                let reader = (at, nth as u32);
                match &read.source {
                    Source::Node(name, _) | Source::Error(name) => {
                        pairs.extend(self.graph.find(name).map(|node| (node, reader)));
                    }
                    Source::Memory(key) => index.memory.entry(key.clone()).or_default().push(reader),
                    _ => {}
                }
            }
        }
        let mut starts = vec![0; count + 1];
        for (node, _) in &pairs {
            starts[*node as usize + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        index.readers = vec![(0, 0); pairs.len()];
        for (node, reader) in pairs {
            let place = &mut next[node as usize];
            index.readers[*place as usize] = reader;
            *place += 1;
        }
        index.starts = starts;
        for (node, stand_in) in self.graph.fallback.iter().enumerate() {
            if let Some(stand_in) = stand_in {
                index.stands_in.entry(*stand_in).or_default().push(node as u32);
            }
        }
        index
    }

    /// Who reads outputs or the error of a node.
    fn readers(&self, node: u32) -> impl Iterator<Item = (u32, &'a Read)> {
        let index = self.index();
        let range = index.starts[node as usize] as usize..index.starts[node as usize + 1] as usize;
        index.readers[range]
            .iter()
            .map(|&(at, nth)| (at, &self.reads(at)[nth as usize]))
    }

    /// Follows values from their origins; not beyond spots where `ends` says so.
    pub fn spread(&self, origins: &[Origin], ends: impl Fn(&Spot, Level) -> bool) -> Spread {
        let mut spread = Spread::default();
        for origin in origins {
            self.begin(origin, &mut spread);
        }
        let mut next = 0;
        while let Some(Found { spot, level, .. }) = spread.found.get(next).cloned() {
            let is_best = spread.seen.get(&spot).is_none_or(|&at| at == next as u32);
            if is_best && !ends(&spot, level) {
                self.follow(&spot, level, &mut |to, how| {
                    spread.arrive(to, level.max(how), Some(next as u32));
                });
            }
            next += 1;
        }
        spread
    }

    fn begin(&self, origin: &Origin, spread: &mut Spread) {
        match origin {
            Origin::Secret(name) => spread.arrive(Spot::Secret(name.clone()), Level::Is, None),
            Origin::Param(name) => spread.arrive(Spot::Param(name.clone()), Level::Is, None),
            Origin::Memory(key) => spread.arrive(Spot::Memory(key.clone()), Level::Is, None),
            Origin::Node(node) => {
                spread.arrive(Spot::Work(*node), Level::Is, None);
                let read: Vec<Spot> = self
                    .readers(*node)
                    .filter_map(|(_, read)| output_of(*node, read))
                    .collect();
                read.into_iter().for_each(|spot| spread.arrive(spot, Level::Is, None));
            }
            Origin::Secrets => {
                for at in 0..self.blocks() {
                    for read in self.reads(at) {
                        if let Source::Secret(name) = &read.source {
                            spread.arrive(Spot::Secret(name.clone()), Level::Is, None);
                        }
                    }
                }
                let mut calls: Vec<u32> = self.called.keys().copied().collect();
                calls.sort_unstable();
                for node in calls {
                    for output in &self.called[&node].secret_outputs {
                        spread.arrive(Spot::Output(node, output.clone()), Level::MayHold, None);
                    }
                }
            }
        }
    }

    /// Where a value goes from a place in one step.
    fn follow(&self, spot: &Spot, level: Level, to: &mut dyn FnMut(Spot, Level)) {
        match spot {
            Spot::Secret(_) | Spot::Param(_) => {
                for at in 0..self.blocks() {
                    let reads = self.reads(at).iter();
                    reads
                        .filter(|read| match (&read.source, spot) {
                            (Source::Secret(name), Spot::Secret(of)) | (Source::Param(name), Spot::Param(of)) => {
                                name == of
                            }
                            _ => false,
                        })
                        .for_each(|read| self.arrive(at, read, to));
                }
            }
            Spot::Memory(key) => {
                for &(at, nth) in self.index().memory.get(key).into_iter().flatten() {
                    self.arrive(at, &self.reads(at)[nth as usize], to);
                }
            }
            Spot::Clause(at, sink) => self.follow_clause(*at, sink, to),
            Spot::Work(node) => self.follow_work(*node, level, to),
            Spot::Step(node, step) => self.follow_step(*node, *step, to),
            Spot::Undone(_) => {}
            Spot::Output(node, output) => {
                for (at, read) in self.readers(*node) {
                    if matches!(&read.source, Source::Node(_, name) if name == output) {
                        self.arrive(at, read, to);
                    }
                }
                for read in self.reads(*node) {
                    let own = matches!(&read.source, Source::Own(name) if name == output);
                    if own && !matches!(read.sink.key, Some(K::Output | K::Do)) {
                        self.arrive(*node, read, to);
                    }
                }
                for &of in self.index().stands_in.get(node).into_iter().flatten() {
                    to(Spot::Output(of, output.clone()), Level::Is);
                }
            }
            Spot::Error(node) => {
                for (at, read) in self.readers(*node) {
                    if matches!(read.source, Source::Error(_)) {
                        self.arrive(at, read, to);
                    }
                }
            }
        }
    }

    /// A value is read in a clause.
    fn arrive(&self, at: u32, read: &Read, to: &mut dyn FnMut(Spot, Level)) {
        if read.how == How::Weighed {
            return;
        }
        to(Spot::Clause(at, read.sink.clone()), Level::Is);
        if read.how == How::Printed {
            to(printed_at(at, read.sink.key), Level::Is);
        }
    }

    fn follow_clause(&self, at: u32, sink: &Sink, to: &mut dyn FnMut(Spot, Level)) {
        let Some(node) = self.graph.nodes.get(at as usize) else {
            match (sink.key, &sink.entry) {
                (Some(K::Params), Some(param)) => to(Spot::Param(param.clone()), Level::Is),
                (Some(K::Memory), Some(key)) => to(Spot::Memory(key.clone()), Level::Is),
                _ => {}
            }
            return;
        };
        match (sink.key, &sink.entry) {
            (Some(K::Input), Some(input)) => {
                for read in self.reads(at) {
                    if matches!(&read.source, Source::Input(name) if name == input) {
                        self.arrive(at, read, to);
                    }
                }
                match self.called(at) {
                    Some(summary) => {
                        for (output, level) in summary.outputs_of(input) {
                            to(Spot::Output(at, output.clone()), *level);
                            to(Spot::Work(at), Level::MayHold);
                        }
                    }
                    None if matches!(node.work, Work::Call(_)) => {}
                    None => self.follow_variable(at, &variable(input), to),
                }
            }
            (Some(K::Env), Some(variable)) => self.follow_variable(at, variable, to),
            (Some(K::Do), _) if sink.step.is_some() => {
                to(Spot::Step(at, sink.step.unwrap_or_default()), Level::MayHold);
            }
            (Some(K::Run | K::Do), _) => to(Spot::Work(at), Level::MayHold),
            (Some(K::Each), _) => {
                for read in self.reads(at) {
                    if read.source == Source::Each {
                        self.arrive(at, read, to);
                    }
                }
            }
            (Some(K::Output), Some(output)) => to(Spot::Output(at, output.clone()), Level::Is),
            (Some(K::Remember), Some(key)) => to(Spot::Memory(key.clone()), Level::Is),
            (Some(K::Fail), _) => to(Spot::Error(at), Level::Is),
            _ => {}
        }
    }

    /// What scripts that get this variable print.
    fn follow_variable(&self, at: u32, variable: &str, to: &mut dyn FnMut(Spot, Level)) {
        let values = self.values_of(at);
        let (run, rollback) = values.map_or((&[][..], &[][..]), |values| (&values.prints, &values.undo_prints));
        let prints = |names: &[SmolStr]| names.iter().any(|printed| printed == variable);
        to(Spot::Work(at), if prints(run) { Level::Is } else { Level::MayHold });
        if prints(rollback) {
            to(Spot::Undone(at), Level::Is);
        }
    }

    /// What one line of `do:` answers is known to the others by the name that it binds, and by no other.
    fn follow_step(&self, at: u32, step: u32, to: &mut dyn FnMut(Spot, Level)) {
        let values = self.values_of(at);
        let bound = values.and_then(|values| values.binds.get(step as usize)?.as_ref());
        for read in self.reads(at) {
            if matches!((&read.source, bound), (Source::Own(name), Some(bound)) if name == bound) {
                self.arrive(at, read, to);
            }
        }
        to(Spot::Error(at), Level::MayHold);
    }

    fn follow_work(&self, at: u32, level: Level, to: &mut dyn FnMut(Spot, Level)) {
        let node = &self.graph.nodes[at as usize];
        let declares = node.outputs.is_some();
        for read in self.reads(at) {
            let how = match &read.source {
                Source::Capture(Capture::Stdout | Capture::Result) => Level::Is,
                Source::Capture(Capture::Stderr) => Level::MayHold,
                // what a line of `do:` bound
                Source::Own(_) if matches!(read.sink.key, Some(K::Output | K::Do)) => Level::Is,
                Source::Own(_) if !declares => Level::Is,
                _ => continue,
            };
            self.arrive(at, read, &mut |spot, level| to(spot, level.max(how)));
        }
        to(Spot::Error(at), Level::MayHold);
        if declares || matches!(node.work, Work::Call(_)) {
            return;
        }
        let outputs = self.readers(at).filter_map(|(_, read)| output_of(at, read));
        for spot in outputs.collect::<Vec<_>>() {
            let is_stdout = matches!(&spot, Spot::Output(_, name) if name == "stdout");
            let kept = level == Level::Is && is_stdout;
            to(spot, if kept { Level::Is } else { Level::MayHold });
        }
    }
}

/// The output that is read, if it is one that can hold a value from elsewhere.
fn output_of(node: u32, read: &Read) -> Option<Spot> {
    match &read.source {
        Source::Node(_, name) if !is_of_the_run(name) => Some(Spot::Output(node, name.clone())),
        _ => None,
    }
}

/// What the run itself knows of a node.
fn is_of_the_run(member: &str) -> bool {
    matches!(member, "status" | "attempts" | "duration" | "agent" | "exit" | "choice")
}

impl Spread {
    fn arrive(&mut self, spot: Spot, level: Level, from: Option<u32>) {
        let at = self.found.len() as u32;
        match self.seen.entry(spot.clone()) {
            Entry::Occupied(known) if self.found[*known.get() as usize].level <= level => return,
            Entry::Occupied(mut known) => _ = known.insert(at),
            Entry::Vacant(new) => _ = new.insert(at),
        }
        self.found.push(Found { spot, level, from });
    }

    /// Where it enters the work of each node that it reaches, the nearest way first.
    pub fn received(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let found = self.found.iter().enumerate();
        found.filter_map(|(at, found)| Some((found.spot.receiver()?, at as u32)))
    }

    /// The way from an origin to what was found there, from its beginning.
    pub fn path(&self, at: u32) -> Vec<&Found> {
        let mut path = Vec::new();
        let mut next = self.found.get(at as usize);
        while let Some(found) = next {
            path.push(found);
            next = found.from.and_then(|from| self.found.get(from as usize));
        }
        path.reverse();
        path
    }

    /// Where the value is read that was found there; `None`: it is in no clause.
    pub fn place(&self, at: u32, plan: &PlanBlocks) -> Option<Place> {
        let path = self.path(at);
        let spot = |back: usize| Some(&path.get(path.len().checked_sub(back)?)?.spot);
        let (node, target) = match (spot(1)?, spot(2)) {
            // printed: where it is interpolated, or somewhere in the script by the name of its variable
            (Spot::Work(node), from) => (*node, value(Some(K::Run), None, from, *node)),
            (Spot::Undone(node), from) => (*node, value(Some(K::Rollback), None, from, *node)),
            (Spot::Clause(node, sink), from) => (*node, value(sink.key, sink.entry.clone(), from, *node)),
            _ => return None,
        };
        let block = match plan.nodes.get(node as usize) {
            Some((block, _)) => *block,
            None => *plan.clauses.get(node as usize - plan.nodes.len())?,
        };
        Some(Place { block, target })
    }

    /// The way in words.
    pub fn says(&self, at: u32, graph: &PlanGraph) -> String {
        let mut steps: Vec<String> = self.path(at).iter().map(|found| found.spot.says(graph)).collect();
        steps.dedup();
        steps.join(" → ")
    }
}

fn printed_at(node: u32, key: Option<K>) -> Spot {
    match key {
        Some(K::Rollback) => Spot::Undone(node),
        _ => Spot::Work(node),
    }
}

/// The variable that a script has an input in.
pub(crate) fn variable(input: &str) -> String {
    input.replace('-', "_")
}

/// The place in a clause where a value is read that comes from there.
fn value(key: Option<K>, entry: Option<SmolStr>, from: Option<&Spot>, reader: u32) -> Target {
    let path = match from {
        Some(Spot::Secret(name)) => format!("secrets.{name}"),
        Some(Spot::Param(name)) => format!("params.{name}"),
        Some(Spot::Memory(name)) => format!("memory.{name}"),
        Some(Spot::Clause(_, sink)) if sink.key == Some(K::Env) => {
            format!("env.{}", sink.entry.as_deref().unwrap_or_default())
        }
        Some(Spot::Clause(_, sink)) if sink.key == Some(K::Input) => {
            format!("input.{}", sink.entry.as_deref().unwrap_or_default())
        }
        Some(Spot::Output(node, name)) if *node == reader => name.to_string(),
        Some(Spot::Output(_, name)) => format!("*.{name}"),
        _ => String::new(),
    };
    Target::Read {
        key,
        entry,
        path: path.into(),
    }
}
