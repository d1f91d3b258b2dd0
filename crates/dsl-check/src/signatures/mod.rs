//! What a chunk shows to the rest: names, kinds, needs, routes, declared types — without a single span.
//!
//! This is the firewall: editing the body of a task leaves its signature equal, and nothing else is computed again.
//! [`mentions`] is the other half of a chunk's public face: which names its blocks mention. Both are pure.

mod clauses;
mod mentions;
mod of_block;

use std::sync::Arc;

use dsl_syntax::ast;
use dsl_syntax::table::ClauseKey as K;
use rust_decimal::Decimal;
use smol_str::SmolStr;

pub(crate) use self::clauses::{clause, is_true, name_of};
pub(crate) use self::mentions::{Mention, mentions, reads};
pub(crate) use self::of_block::{is_harmful, is_script_capability, of_block, prices, retried_modes, runner_of};
use crate::facts::EffectFact;
use crate::inputs::SourceChunk;
use crate::trees::outline;

/// The clauses of a plan that name things.
const NAMING: [K; 4] = [K::Params, K::Outputs, K::Memory, K::Secrets];

/// What a chunk shows to the rest, the same after an edit of a body.
#[derive(Debug)]
pub(crate) struct Shown {
    /// One for each block, in order.
    pub signatures: Box<[Sig]>,
    /// Parts of the same that are asked for by themselves, of all chunks of a file. Shared, so that whoever has all of
    /// them sees at once that a chunk's are still the same.
    pub pieces: Arc<[Piece]>,
    /// What is no node, by block.
    pub declarations: Arc<[(u32, Sig)]>,
    /// The tasks that call plans, by block, with the names that they call.
    pub calls: Arc<[(u32, SmolStr)]>,
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.signatures == other.signatures
    }
}

impl Shown {
    pub fn new(signatures: Box<[Sig]>) -> Self {
        let piece = |sig: &Sig| match sig {
            Sig::Plan(plan) => Piece::Plan(plan.name.clone()),
            Sig::PlanRest(_) => Piece::PlanRest,
            Sig::Node { ties, .. } => Piece::Node(ties.clone()),
            _ => Piece::Other,
        };
        let all = || (0..).zip(&signatures);
        let declared = all().filter(|(_, sig)| !matches!(sig, Sig::Nothing | Sig::Node { .. }));
        let calls = all().filter_map(|(index, sig)| match sig {
            Sig::Node { sig, .. } => match &sig.work {
                Work::Call(name) => Some((index, name.clone())),
                _ => None,
            },
            _ => None,
        });
        Self {
            pieces: signatures.iter().map(piece).collect(),
            declarations: declared.map(|(index, sig)| (index, sig.clone())).collect(),
            calls: calls.collect(),
            signatures,
        }
    }
}

/// A block, as far as the layout of plans depends on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    Other,
    Plan(SmolStr),
    PlanRest,
    Node(Arc<Ties>),
}

#[salsa::tracked(returns(deref))]
pub(crate) fn shown(db: &dyn salsa::Database, chunk: SourceChunk) -> Arc<Shown> {
    outline(db, chunk).shown.clone()
}

/// One for each block, in order.
pub(crate) fn signatures(db: &dyn salsa::Database, chunk: SourceChunk) -> &[Sig] {
    &shown(db, chunk).signatures
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Sig {
    /// Comments, or nothing that could be understood.
    Nothing,
    Use(UseSig),
    Type(Arc<TypeSig>),
    Capability(Arc<CapabilitySig>),
    Agent(Arc<AgentSig>),
    Policy(Arc<PolicySig>),
    Plan(Arc<PlanSig>),
    /// Further clauses of the plan above.
    PlanRest(Arc<PlanSig>),
    Node {
        sig: Arc<NodeSig>,
        ties: Arc<Ties>,
    },
    Profile {
        name: Option<SmolStr>,
        of: Option<SmolStr>,
    },
    Test {
        title: Option<SmolStr>,
        of: Option<SmolStr>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct UseSig {
    pub path: Option<SmolStr>,
    pub alias: Option<SmolStr>,
    pub picked: Vec<SmolStr>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TypeSig {
    pub name: SmolStr,
    pub alias: Option<ast::Type>,
    pub fields: Vec<FieldSig>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FieldSig {
    pub name: SmolStr,
    pub ty: ast::Type,
    pub has_default: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CapabilitySig {
    pub name: SmolStr,
    pub title: Option<SmolStr>,
    pub doc: Option<SmolStr>,
    pub input: Vec<FieldSig>,
    pub output: Vec<FieldSig>,
    pub idempotent: bool,
    /// Without one it is abstract.
    pub runner: Option<RunnerSig>,
    pub prices: Box<[Price]>,
    /// `None`: it does not say.
    pub effects: Option<Box<[EffectFact]>>,
    pub risks: Box<[SmolStr]>,
    /// Those of `input` and `output` in which there is a syntax error.
    pub broken: Vec<K>,
}

/// One part of what a call costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Price {
    pub dollars: Decimal,
    /// Milliseconds that this pays for; `None`: the whole call.
    pub per_ms: Option<u64>,
}

/// How a capability is run, as far as others want to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RunnerSig {
    /// `shell`, `http`, `mcp`, …
    pub kind: SmolStr,
    /// The secrets that it reads: a plan that uses it must have them.
    pub secrets: Vec<SmolStr>,
    /// The tool that it calls on an MCP server.
    pub tool: Option<ToolSig>,
    /// The host that its `url` names, where that is constant, as an effect.
    pub reaches: Option<EffectFact>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ToolSig {
    /// The command, its words separated by spaces, or the url.
    pub server: SmolStr,
    pub tool: SmolStr,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AgentSig {
    pub name: SmolStr,
    pub provides: Vec<SmolStr>,
    /// A call that may cost more is refused.
    pub call_cost_max: Option<Decimal>,
    pub runner: Option<RunnerSig>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PolicySig {
    pub name: SmolStr,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PlanSig {
    /// Empty where the header is broken, and for `PlanRest`.
    pub name: SmolStr,
    pub params: Vec<FieldSig>,
    pub outputs: Vec<FieldSig>,
    pub memory: Vec<FieldSig>,
    /// The keys of `memory` that all plans share.
    pub global: Vec<SmolStr>,
    pub secrets: Vec<SmolStr>,
    pub budget: Vec<SmolStr>,
    pub labels: Vec<SmolStr>,
    /// The modes on which its tasks are retried; empty: on all; `None`: they are not.
    pub retry: Option<Vec<SmolStr>>,
    pub has_judge: bool,
    /// Those of [`NAMING`] in which there is a syntax error.
    pub broken: Vec<K>,
    pub has_version: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum NodeKind {
    #[default]
    Task,
    Gate,
    Decision,
    Hypothesis,
}

impl NodeKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Gate => "gate",
            Self::Decision => "decision",
            Self::Hypothesis => "hypothesis",
        }
    }
}

/// What others may see of a node: nothing of whom it waits for, so that typing its needs checks none of them again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct NodeSig {
    /// Empty where the header is broken.
    pub name: SmolStr,
    pub kind: NodeKind,
    pub fallback: Option<SmolStr>,
    pub each: bool,
    pub optional: bool,
    pub work: Work,
    /// `None`: the clause is not there.
    pub outputs: Option<Vec<FieldSig>>,
    pub modes: Vec<SmolStr>,
    pub options: Vec<SmolStr>,
    pub by: Vec<SmolStr>,
    pub evidence: Vec<SmolStr>,
    /// The names of what it is given, and of its script's variables.
    pub input: Box<[SmolStr]>,
    pub env: Box<[SmolStr]>,
    pub approvers: Box<[SmolStr]>,
    /// There is a syntax error in the outputs, so what is not among them may be meant to be.
    pub outputs_broken: bool,
}

/// How a node is tied to others: all that graphs are made of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Ties {
    pub name: SmolStr,
    pub kind: NodeKind,
    /// Indented under a `plan`, not bare in the file.
    pub in_plan: bool,
    pub needs: Vec<NeedSig>,
    pub conditional: bool,
    pub optional: bool,
    pub routes: Vec<RouteSig>,
    pub fallback: Option<SmolStr>,
    /// A decision by the likeliest hypothesis.
    pub from_hypotheses: bool,
    /// There is a syntax error in the needs.
    pub needs_broken: bool,
    /// Of all the rest, …
    pub hash: u64,
    /// … of the name, in two ways, …
    pub name_hash: u64,
    pub word: u32,
    /// … and of the names that it leads to: of its routes, of its fallback, of its needs.
    pub leads: Box<[u64]>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Work {
    Script,
    Capability(SmolStr),
    Call(SmolStr),
    /// The capabilities of its steps.
    Steps(Box<[SmolStr]>),
    #[default]
    Nothing,
}

impl Work {
    /// Whether a capability of that name does it, or a part of it.
    pub fn uses(&self, capability: &str) -> bool {
        match self {
            Self::Capability(name) => name == capability,
            Self::Steps(names) => names.iter().any(|name| name == capability),
            Self::Script | Self::Call(_) | Self::Nothing => false,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum NeedSig {
    Node { name: SmolStr, optional: bool },
    Quorum { count: u32, of: Vec<SmolStr> },
}

impl NeedSig {
    pub fn names(&self) -> impl Iterator<Item = &SmolStr> {
        let (one, many) = match self {
            Self::Node { name, .. } => (Some(name), &[][..]),
            Self::Quorum { of, .. } => (None, of.as_slice()),
        };
        one.into_iter().chain(many)
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct RouteSig {
    /// `None`: an arm of a decision.
    pub on: Option<SmolStr>,
    pub to: SmolStr,
}
