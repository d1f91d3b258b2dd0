//! What policies can ask of a node or a plan: the table of attributes, and the value that each has.
//!
//! An absent attribute compares false. One that is known only while running, or that stands in a block with a mistake, is not
//! known: nothing is said of it. Absent: comparing.

use ir::Value;
use smol_str::SmolStr;

use super::model::What;
use super::subject::Subject;
use crate::facts::{Budget, NodeFacts, Timeout};
use crate::signatures::{NodeKind, Work};

/// What sort of value an attribute has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sort {
    Word,
    /// Any number of words: a comparison is true if it is of one of them.
    Words,
    Principal,
    Principals,
    Duration,
    Money,
    Int,
    Bool,
    Version,
}

impl Sort {
    pub const fn is_ordered(self) -> bool {
        matches!(self, Self::Duration | Self::Money | Self::Int | Self::Version)
    }

    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Word | Self::Words | Self::Principal | Self::Principals | Self::Version
        )
    }

    /// What messages call it.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Word => "a name",
            Self::Words => "names",
            Self::Principal => "a principal",
            Self::Principals => "principals",
            Self::Duration => "a duration",
            Self::Money => "an amount of money",
            Self::Int => "a number",
            Self::Bool => "true or false",
            Self::Version => "a version",
        }
    }

    /// One of its values, for help.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Word | Self::Words => "deploy",
            Self::Principal | Self::Principals => "role/release",
            Self::Duration => "30m",
            Self::Money => "$10.00",
            Self::Int => "3",
            Self::Bool => "true",
            Self::Version => "1.2.0",
        }
    }
}

/// One row of the table.
pub(crate) struct Row {
    pub attribute: Attribute,
    pub name: &'static str,
    pub sort: Sort,
    pub of: &'static [What],
    pub doc: &'static str,
}

macro_rules! attributes {
    ($($variant:ident $name:literal $sort:ident [$($of:ident)*] $doc:literal;)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Attribute { $($variant),* }

        /// In the order of the reference.
        pub(crate) const ATTRIBUTES: &[Row] = &[
            $(Row {
                attribute: Attribute::$variant,
                name: $name,
                sort: Sort::$sort,
                of: &[$(What::$of),*],
                doc: $doc,
            }),*
        ];
    };
}

attributes! {
    Id "id" Word [Task Gate Decision Plan] "its name";
    Kind "kind" Word [Task] "as declared";
    Using "using" Words [Task Gate] "the capabilities that do its work, those of `do:` included; of a script `shell`, or the one it names";
    Call "call" Word [Task] "the plan that it calls";
    By "by" Words [Task] "the agents that may do it";
    Owner "owner" Principal [Task Gate Decision Plan] "as declared";
    Labels "labels" Words [Task Gate Decision Plan] "as declared";
    Risks "risks" Words [Task] "its own, and those of its capabilities";
    Effects "effects" Words [Task Gate] "`read`, `write`, `network`, `spend`, `destructive`: its own, or those of its capabilities";
    Timeout "timeout" Duration [Task Gate Plan] "as declared";
    Retry "retry" Int [Task Plan] "further attempts; of a task without a `retry` the plan's";
    BudgetTime "budget.time" Duration [Task Plan] "as declared";
    BudgetCost "budget.cost" Money [Task Plan] "as declared";
    BudgetTokens "budget.tokens" Int [Task Plan] "as declared";
    Approver "approver" Principals [Gate] "who may decide";
    Quorum "quorum" Int [Gate] "how many must approve; 1, unless it says otherwise";
    Optional "optional" Bool [Task Gate] "whether its failure is no failure of the run";
    Idempotent "idempotent" Bool [Task] "whether a doubtful attempt may be repeated";
    Fallback "fallback" Word [Task] "the task that stands in for it";
    Version "version" Version [Plan] "as declared";
    Failure "failure" Word [Plan] "`abort` or `continue`";
    Judge "judge" Word [Plan] "who decides prose expectations";
    Tasks "tasks" Int [Plan] "how many tasks it has, those of the plans that it calls included";
}

/// The table as the reference prints it: attribute, what has it, sort, what it is.
pub fn attribute_table() -> Vec<[String; 4]> {
    let whats = |row: &Row| {
        let words: Vec<&str> = row.of.iter().map(|of| of.word()).collect();
        words.join(", ")
    };
    ATTRIBUTES
        .iter()
        .map(|row| {
            [
                row.name.to_owned(),
                whats(row),
                row.sort.phrase().to_owned(),
                row.doc.to_owned(),
            ]
        })
        .collect()
}

impl Attribute {
    pub fn row(self) -> &'static Row {
        // the table is written in the order of the enumeration
        &ATTRIBUTES[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn sort(self) -> Sort {
        self.row().sort
    }

    pub fn find(name: &str) -> Option<Self> {
        ATTRIBUTES.iter().find(|row| row.name == name).map(|row| row.attribute)
    }

    /// Whether what the selector picks can have it.
    pub fn is_of(self, what: What) -> bool {
        match what {
            What::Node => self.row().of.iter().any(|of| *of != What::Plan),
            what => self.row().of.contains(&what),
        }
    }
}

/// The value that something has of an attribute.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Given<'a> {
    Absent,
    /// It has one, or may have one, and only a run can tell which.
    Unknown,
    Text(&'a str),
    Texts(Vec<&'a str>),
    Value(Value),
}

impl<'a> Given<'a> {
    fn text(text: Option<&'a SmolStr>) -> Self {
        text.map_or(Self::Absent, |text| Self::Text(text))
    }

    fn texts(texts: Vec<&'a str>) -> Self {
        if texts.is_empty() {
            Self::Absent
        } else {
            Self::Texts(texts)
        }
    }

    fn value(value: Option<Value>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }

    /// As a message shows it.
    pub fn shown(&self) -> String {
        match self {
            Self::Absent | Self::Unknown => String::new(),
            Self::Text(text) => format!("`{text}`"),
            Self::Texts(texts) => {
                let quoted: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
                quoted.join(", ")
            }
            Self::Value(Value::Duration(ms)) => ir::quantity::render_duration(*ms),
            Self::Value(Value::Money(amount)) => format!("${amount}"),
            Self::Value(Value::Int(value)) => value.to_string(),
            Self::Value(Value::Bool(value)) => value.to_string(),
            Self::Value(_) => String::new(),
        }
    }
}

/// What a node has of an attribute.
pub(super) fn of_node<'a>(subject: &'a Subject<'_>, node: u32, attribute: Attribute) -> Given<'a> {
    let sig = subject.sig(node);
    let Some(facts) = subject.facts(node).filter(|facts| !facts.broken) else {
        return Given::Unknown;
    };
    let is_task = sig.kind == NodeKind::Task;
    match attribute {
        Attribute::Id => Given::Text(&sig.name),
        Attribute::Kind => Given::text(facts.kind.as_ref()),
        Attribute::Using => Given::texts(subject.uses(node)),
        Attribute::Call => match &sig.work {
            Work::Call(plan) => Given::Text(plan),
            _ => Given::Absent,
        },
        Attribute::By => Given::texts(sig.by.iter().map(SmolStr::as_str).collect()),
        Attribute::Owner => Given::text(facts.owner.as_ref()),
        Attribute::Labels => Given::texts(facts.labels.iter().map(SmolStr::as_str).collect()),
        Attribute::Risks => Given::texts(subject.risks(node)),
        Attribute::Effects => Given::texts(subject.effect_names(node)),
        Attribute::Timeout => match facts.timeout {
            Timeout::None => Given::Absent,
            Timeout::Constant(ms) => Given::Value(duration(ms)),
            Timeout::Computed => Given::Unknown,
        },
        Attribute::Retry if is_task => match facts.retry.as_ref().or(subject.default_retry()) {
            Some(retry) => Given::Value(Value::Int(i64::from(retry.max))),
            None => Given::Absent,
        },
        Attribute::BudgetTime | Attribute::BudgetCost | Attribute::BudgetTokens => budget(&facts.budget, attribute),
        Attribute::Approver => Given::texts(facts.approvers.iter().map(SmolStr::as_str).collect()),
        Attribute::Quorum if sig.kind == NodeKind::Gate => quorum(facts),
        Attribute::Optional if sig.kind != NodeKind::Decision => Given::Value(Value::Bool(facts.optional)),
        Attribute::Idempotent if is_task => Given::Value(Value::Bool(subject.is_idempotent(node))),
        Attribute::Fallback => Given::text(sig.fallback.as_ref()),
        _ => Given::Absent,
    }
}

fn quorum(facts: &NodeFacts) -> Given<'static> {
    match facts.approvers.len() {
        0 => Given::Absent,
        _ => Given::Value(Value::Int(i64::from(facts.quorum.unwrap_or(1)))),
    }
}

/// What the plan has of an attribute.
pub(super) fn of_plan<'a>(subject: &'a Subject<'_>, attribute: Attribute) -> Given<'a> {
    let says = &subject.plan;
    if says.broken {
        return Given::Unknown;
    }
    match attribute {
        Attribute::Id => Given::Text(&subject.name),
        Attribute::Owner => Given::text(says.owner.as_ref()),
        Attribute::Labels => Given::texts(says.labels.iter().map(SmolStr::as_str).collect()),
        Attribute::Timeout => Given::value(says.timeout_ms.map(duration)),
        Attribute::Retry => Given::value(says.retry.as_ref().map(|retry| Value::Int(i64::from(retry.max)))),
        Attribute::BudgetTime | Attribute::BudgetCost | Attribute::BudgetTokens => budget(&says.budget, attribute),
        Attribute::Version => Given::text(says.version.as_ref()),
        Attribute::Failure => Given::Text(says.failure.as_deref().unwrap_or("abort")),
        Attribute::Judge => Given::text(says.judge.as_ref()),
        Attribute::Tasks => Given::Value(Value::Int(i64::try_from(subject.tasks()).unwrap_or(i64::MAX))),
        _ => Given::Absent,
    }
}

fn budget(budget: &Budget, attribute: Attribute) -> Given<'static> {
    Given::value(match attribute {
        Attribute::BudgetTime => budget.time_ms.map(duration),
        Attribute::BudgetCost => budget.cost.map(Value::Money),
        _ => budget
            .tokens
            .map(|tokens| Value::Int(i64::try_from(tokens).unwrap_or(i64::MAX))),
    })
}

fn duration(ms: u64) -> Value {
    Value::Duration(i64::try_from(ms).unwrap_or(i64::MAX))
}
