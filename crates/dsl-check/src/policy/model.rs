//! A policy as it is judged: typed, without spans, so that it changes only when the policy does.
//!
//! What could not be understood is [`Condition::Unknown`]: that has been said where it is written, and no plan is judged by it.
//! Absent: how it is read ([`super::compile`]), what it says of a plan ([`super::judge`]).

use ir::Value;
use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::attributes::Attribute;

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Policy {
    pub name: SmolStr,
    /// Which plans it binds; `None`: all in its reach.
    pub applies: Option<Condition>,
    pub allow: Allow,
    pub limit: Limits,
    pub rules: Box<[Rule]>,
}

/// What may be used; `None`: anything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Allow {
    pub capabilities: Option<Box<[SmolStr]>>,
    pub network: Option<Box<[SmolStr]>>,
    pub read: Option<Box<[SmolStr]>>,
    pub write: Option<Box<[SmolStr]>>,
}

impl Allow {
    pub fn limits_effects(&self) -> bool {
        self.network.is_some() || self.read.is_some() || self.write.is_some()
    }
}

/// Upper bounds; `None`: there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Limits {
    /// Dollars.
    pub cost: Option<Decimal>,
    pub time_ms: Option<u64>,
    pub tasks: Option<u64>,
    pub tokens: Option<u64>,
}

impl Limits {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Rule {
    pub name: SmolStr,
    pub title: Option<SmolStr>,
    /// Its place among the rules of the policy.
    pub at: u32,
    pub about: Selector,
    pub require: Option<Condition>,
    pub deny: Option<Condition>,
    pub warns: bool,
}

impl Rule {
    /// Whether it asks a node only what that says of itself, so that each can be judged alone.
    pub fn is_local(&self) -> bool {
        let asks_others = |says: &Says| matches!(says, Says::Graph { .. } | Says::Flow { .. });
        let about = self.about.filter.iter();
        let mut conditions = about.chain(&self.require).chain(&self.deny);
        self.about.what != What::Plan && !conditions.any(|condition| condition.any_claim(&asks_others))
    }

    /// Whether it asks where values go.
    pub fn asks_flow(&self) -> bool {
        let about = self.about.filter.iter();
        about.chain(&self.require).chain(&self.deny).any(Condition::asks_flow)
    }
}

/// What a selector picks from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    Task,
    Gate,
    Decision,
    Plan,
    Node,
}

impl What {
    pub const ALL: &'static [Self] = &[Self::Task, Self::Gate, Self::Decision, Self::Plan, Self::Node];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Gate => "gate",
            Self::Decision => "decision",
            Self::Plan => "plan",
            Self::Node => "node",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|what| what.word() == word)
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Selector {
    pub what: What,
    pub filter: Option<Condition>,
    /// As it is written, on one line.
    pub text: SmolStr,
}

impl Selector {
    /// Of the nodes that use a capability or a pattern of them, that.
    pub fn of_capability(&self) -> Option<&Says> {
        let Some(Condition::Claim(claim)) = &self.filter else {
            return None;
        };
        let by_use = matches!(
            claim.says,
            Says::Compare {
                attribute: Attribute::Using,
                ..
            } | Says::Like {
                attribute: Attribute::Using,
                ..
            }
        );
        (self.what == What::Node && by_use).then_some(&claim.says)
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Condition {
    /// It could not be understood.
    Unknown,
    Constant(bool),
    Not(Box<Condition>),
    All(Box<[Condition]>),
    Any(Box<[Condition]>),
    Claim(Box<Claim>),
}

impl Condition {
    /// Whether it asks where values go.
    pub fn asks_flow(&self) -> bool {
        self.any_claim(&|says| matches!(says, Says::Flow { .. }))
    }

    /// As deep as the expression, which the parser bounds.
    pub fn any_claim(&self, asks: &dyn Fn(&Says) -> bool) -> bool {
        match self {
            Self::Unknown | Self::Constant(_) => false,
            Self::Not(inner) => inner.any_claim(asks),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.any_claim(asks)),
            Self::Claim(claim) => {
                let within = match &claim.says {
                    Says::Graph { of, .. } => of.filter.as_ref(),
                    _ => None,
                };
                asks(&claim.says) || within.is_some_and(|within| within.any_claim(asks))
            }
        }
    }
}

/// One thing that a condition says, and the words it says it in.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Claim {
    pub says: Says,
    pub text: SmolStr,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Says {
    Compare {
        attribute: Attribute,
        op: Op,
        to: Value,
    },
    /// `using == web.*`
    Like {
        attribute: Attribute,
        pattern: SmolStr,
        not: bool,
    },
    /// `kind in [test, validate]`
    Among {
        attribute: Attribute,
        values: Box<[Value]>,
    },
    Matches {
        attribute: Attribute,
        regex: Regex,
    },
    /// `owner != approver`
    Same {
        one: Attribute,
        other: Attribute,
        not: bool,
    },
    /// `owner is none`
    Absent {
        attribute: Attribute,
        not: bool,
    },
    Graph {
        how: How,
        of: Selector,
    },
    Flow {
        from: End,
        to: End,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// How a node lies in the graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum How {
    /// Whenever it starts, one of the others has completed.
    After,
    /// Every way on leads through one of the others.
    Before,
    /// Some way on leads to one of the others.
    Reaches,
    /// It waits for one of the others, directly or not.
    Needs,
}

impl How {
    pub const ALL: &'static [Self] = &[Self::After, Self::Before, Self::Reaches, Self::Needs];

    pub const fn word(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Before => "before",
            Self::Reaches => "reaches",
            Self::Needs => "needs",
        }
    }
}

/// An end of a flow of values.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum End {
    /// `secrets`, `secrets.token`
    Secrets(Option<SmolStr>),
    Params(Option<SmolStr>),
    Memory(Option<SmolStr>),
    /// Outputs of these nodes, or their inputs.
    Nodes(Selector),
}

/// Equal when the texts are.
#[derive(Clone, Debug)]
pub(crate) struct Regex(pub regex::Regex);

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}
