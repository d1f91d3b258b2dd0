//! The places that a value can be in on its way through a plan, and how a path of them reads.

use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use crate::facts::Sink;
use crate::graph::PlanGraph;
use crate::signatures::Work;

/// How much of a value arrives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Level {
    /// The value itself, or a text with it.
    Is,
    /// What a script or a capability answers that was given it.
    MayHold,
}

/// A place. Nodes are numbered as in the graph; from their number on come the blocks of the plan's own clauses.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Spot {
    Param(SmolStr),
    Secret(SmolStr),
    Memory(SmolStr),
    /// A clause, or an entry of one.
    Clause(u32, Sink),
    /// What the work of a node leaves: `stdout`, `stderr`, `result`.
    Work(u32),
    /// What its rollback prints.
    Undone(u32),
    /// What a line of its `do:` leaves.
    Step(u32, u32),
    Output(u32, SmolStr),
    Error(u32),
}

impl Spot {
    /// Where a node takes what its work is given.
    pub fn receiver(&self) -> Option<u32> {
        match self {
            Self::Clause(at, sink) if is_input(sink) => Some(*at),
            _ => None,
        }
    }

    /// As a step of a path.
    pub fn says(&self, graph: &PlanGraph) -> String {
        let name = |at: &u32| {
            graph
                .nodes
                .get(*at as usize)
                .map_or("the plan", |node| node.name.as_str())
        };
        match self {
            Self::Param(param) => format!("`params.{param}`"),
            Self::Secret(secret) => format!("`secrets.{secret}`"),
            Self::Memory(key) => format!("`memory.{key}`"),
            Self::Output(at, output) => format!("output `{output}` of `{}`", name(at)),
            Self::Error(at) => format!("the error of `{}`", name(at)),
            Self::Work(at) => match graph.nodes.get(*at as usize).map(|node| &node.work) {
                Some(Work::Script) => format!("what `{}` prints", name(at)),
                _ => format!("what `{}` answers", name(at)),
            },
            Self::Undone(at) => format!("what the rollback of `{}` prints", name(at)),
            Self::Step(at, _) => format!("what a step of `{}` answers", name(at)),
            Self::Clause(at, sink) if *at as usize >= graph.nodes.len() => clause_says(sink, "the plan"),
            Self::Clause(at, sink) => clause_says(sink, &format!("`{}`", name(at))),
        }
    }
}

/// Clauses that hand values to the work of a node.
pub(crate) fn is_input(sink: &Sink) -> bool {
    matches!(
        sink.key,
        Some(K::Input | K::Env | K::Run | K::Do | K::Rollback | K::Key)
    )
}

fn clause_says(sink: &Sink, of: &str) -> String {
    let entry = sink.entry.as_deref();
    match (sink.key, entry) {
        (None, _) => format!("the title of {of}"),
        (Some(K::Run), _) => format!("the script of {of}"),
        (Some(K::Rollback), _) => format!("the rollback of {of}"),
        (Some(K::Input), Some(entry)) => format!("input `{entry}` of {of}"),
        (Some(K::Env), Some(entry)) => format!("variable `{entry}` of {of}"),
        (Some(K::Do), Some(entry)) => format!("argument `{entry}` of a step of {of}"),
        (Some(K::Output | K::Outputs), Some(entry)) => format!("output `{entry}` of {of}"),
        (Some(K::Remember), Some(entry)) => format!("`memory.{entry}`"),
        (Some(K::Fail), Some(entry)) => format!("the failure `{entry}` of {of}"),
        (Some(key), _) => format!("`{}` of {of}", key.word()),
    }
}
