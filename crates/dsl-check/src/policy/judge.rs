//! Whether conditions hold of a plan and its nodes: yes, no, or not known before a run.
//!
//! What is not known breaks no rule. Members of selectors and answers about the graph are found once for all nodes and
//! kept. While the graph itself has mistakes, nothing about it is known. Absent: words ([`super::words`]).

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use ir::Value;

use super::attributes::{Attribute, Given, of_node, of_plan};
use super::flows::Flows;
use super::model::{Condition, End, How, Op, Says, Selector, What};
use super::passes;
use super::patterns::covers_name;
use super::subject::Subject;
use crate::signatures::NodeKind;

/// An answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Tri {
    No,
    Maybe,
    Yes,
}

impl From<bool> for Tri {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl std::ops::Not for Tri {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

/// What a condition is asked of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Of {
    Plan,
    Node(u32),
}

/// The nodes that a selector picks: certainly, and possibly.
#[derive(Debug)]
pub(super) struct Members {
    pub must: Vec<bool>,
    pub may: Vec<bool>,
}

impl Members {
    pub fn of(&self, node: u32) -> Tri {
        match (self.must[node as usize], self.may[node as usize]) {
            (true, _) => Tri::Yes,
            (false, true) => Tri::Maybe,
            (false, false) => Tri::No,
        }
    }

    pub fn certain(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.must)
            .filter(|(_, is_member)| **is_member)
            .map(|(node, _)| node)
    }
}

/// Kept by the address of the selector, which outlives the judge.
type Kept<K, V> = RefCell<HashMap<K, Rc<V>>>;

pub(super) struct Judge<'a> {
    pub subject: &'a Subject<'a>,
    pub flows: Flows<'a>,
    members: Kept<*const Selector, Members>,
    answers: Kept<(How, *const Selector), Vec<Tri>>,
}

impl<'a> Judge<'a> {
    pub fn new(subject: &'a Subject<'a>, flows: Flows<'a>) -> Self {
        Self {
            subject,
            flows,
            members: RefCell::default(),
            answers: RefCell::default(),
        }
    }

    /// As deep as the condition, which the parser bounds.
    pub fn holds(&self, condition: &Condition, of: Of) -> Tri {
        match condition {
            Condition::Unknown => Tri::Maybe,
            Condition::Constant(value) => (*value).into(),
            Condition::Not(inner) => !self.holds(inner, of),
            Condition::All(parts) => self.fold(parts, of, Tri::Yes, Tri::min),
            Condition::Any(parts) => self.fold(parts, of, Tri::No, Tri::max),
            Condition::Claim(claim) => self.says(&claim.says, of),
        }
    }

    fn fold(&self, parts: &[Condition], of: Of, none: Tri, join: impl Fn(Tri, Tri) -> Tri) -> Tri {
        parts.iter().map(|part| self.holds(part, of)).fold(none, join)
    }

    pub fn says(&self, says: &Says, of: Of) -> Tri {
        match says {
            Says::Compare { attribute, .. } | Says::Like { attribute, .. } => {
                test(&self.given(*attribute, of), |given| is_so(says, given))
            }
            Says::Among { attribute, values } => test(&self.given(*attribute, of), |given| {
                values.iter().any(|value| compare(given, Op::Eq, value))
            }),
            Says::Matches { attribute, regex } => test(&self.given(*attribute, of), |given| {
                any_text(given, |text| regex.0.is_match(text))
            }),
            Says::Same { one, other, not } => self.same(*one, *other, *not, of),
            Says::Absent { attribute, not } => match self.given(*attribute, of) {
                Given::Unknown => Tri::Maybe,
                given => ((given == Given::Absent) != *not).into(),
            },
            Says::Graph { how, of: others } => self.lies(*how, others, of),
            Says::Flow { from, to } => match of {
                Of::Node(node) => self.receives(from, to, node),
                Of::Plan => self
                    .subject
                    .nodes()
                    .fold(Tri::No, |found, node| found.max(self.receives(from, to, node))),
            },
        }
    }

    pub fn given(&self, attribute: Attribute, of: Of) -> Given<'_> {
        match of {
            Of::Plan => of_plan(self.subject, attribute),
            Of::Node(node) => of_node(self.subject, node, attribute),
        }
    }

    fn same(&self, one: Attribute, other: Attribute, not: bool, of: Of) -> Tri {
        let other = self.given(other, of);
        if other == Given::Unknown {
            return Tri::Maybe;
        }
        test(&self.given(one, of), |given| match (&other, given) {
            (Given::Absent, _) => false,
            (Given::Value(value), given) => compare(given, if not { Op::Ne } else { Op::Eq }, value),
            (texts, given) => any_text(texts, |text| any_text(given, |own| own == text)) != not,
        })
    }

    // ---- selectors ----

    pub fn members(&self, selector: &Selector) -> Rc<Members> {
        let key: *const Selector = selector;
        if let Some(known) = self.members.borrow().get(&key) {
            return known.clone();
        }
        let count = self.subject.graph().nodes.len();
        let mut members = Members {
            must: vec![false; count],
            may: vec![false; count],
        };
        for node in self.subject.nodes() {
            let picked = self.picks(selector, node);
            members.must[node as usize] = picked == Tri::Yes;
            members.may[node as usize] = picked != Tri::No;
        }
        let members = Rc::new(members);
        self.members.borrow_mut().insert(key, members.clone());
        members
    }

    pub fn picks(&self, selector: &Selector, node: u32) -> Tri {
        let kind = self.subject.sig(node).kind;
        let is_one = match selector.what {
            What::Task => kind == NodeKind::Task,
            What::Gate => kind == NodeKind::Gate,
            What::Decision => kind == NodeKind::Decision,
            What::Node => kind != NodeKind::Hypothesis,
            What::Plan => false,
        };
        match &selector.filter {
            _ if !is_one => Tri::No,
            None => Tri::Yes,
            Some(filter) => self.holds(filter, Of::Node(node)),
        }
    }

    /// Whether what a node takes, in that line of its `do:` if it has one, is taken by a member: of a capability only
    /// its own lines are.
    pub fn takes(&self, to: &Selector, node: u32, line: Option<u32>) -> Tri {
        let capability = line.and_then(|line| self.subject.step_uses(node, line));
        match (to.of_capability(), capability) {
            (Some(says), Some(name)) => test(&Given::Text(name), |given| is_so(says, given)),
            _ => self.members(to).of(node),
        }
    }

    // ---- the graph ----

    fn lies(&self, how: How, others: &Selector, of: Of) -> Tri {
        if !self.subject.is_whole() {
            return Tri::Maybe;
        }
        match of {
            Of::Node(node) if self.subject.is_dead(node) => Tri::Maybe,
            Of::Node(node) => self.answers(how, others)[node as usize],
            Of::Plan => self.plan_leads(how, others),
        }
    }

    fn answers(&self, how: How, others: &Selector) -> Rc<Vec<Tri>> {
        let key = (how, others as *const Selector);
        if let Some(known) = self.answers.borrow().get(&key) {
            return known.clone();
        }
        let members = self.members(others);
        let certain = passes::answers(self.subject.graph(), how, &members.must);
        let answers: Vec<Tri> = if members.must == members.may {
            certain.into_iter().map(Tri::from).collect()
        } else {
            let possible = passes::answers(self.subject.graph(), how, &members.may);
            let both = certain.into_iter().zip(possible);
            both.map(|(certain, possible)| match (certain, possible) {
                (true, _) => Tri::Yes,
                (false, true) => Tri::Maybe,
                (false, false) => Tri::No,
            })
            .collect()
        };
        let answers = Rc::new(answers);
        self.answers.borrow_mut().insert(key, answers.clone());
        answers
    }

    /// Of the plan as a whole: some node of it, or every way through it.
    fn plan_leads(&self, how: How, others: &Selector) -> Tri {
        let members = self.members(others);
        if how == How::Reaches {
            let nodes = self.subject.nodes();
            return nodes.fold(Tri::No, |found, node| found.max(members.of(node)));
        }
        let leads = self.answers(how, others);
        let starts = self.starts();
        let through = starts
            .into_iter()
            .map(|node| members.of(node).max(leads[node as usize]));
        through.min().unwrap_or(Tri::No)
    }

    /// The nodes that wait for nothing.
    pub fn starts(&self) -> Vec<u32> {
        let graph = self.subject.graph();
        let waits_not = |node: &u32| graph.edges[*node as usize].is_empty();
        self.subject.nodes().filter(waits_not).collect()
    }

    // ---- values ----

    /// Whether a value gets to the node, which is one of `to`, or into one of a plan that it calls.
    fn receives(&self, from: &End, to: &End, node: u32) -> Tri {
        let End::Nodes(to) = to else { return Tri::No };
        if !self.subject.is_whole() {
            return Tri::Maybe;
        }
        match self.flows.arrives(self, from, to, node) {
            Some(_) => Tri::Yes,
            // of a node that may be one of them nobody can tell
            None if self.members(to).of(node) == Tri::Maybe => Tri::Maybe,
            None => Tri::No,
        }
    }
}

/// Nothing is true of what is absent; of what is not known nobody can tell.
fn test(given: &Given<'_>, is_true: impl Fn(&Given<'_>) -> bool) -> Tri {
    match given {
        Given::Unknown => Tri::Maybe,
        Given::Absent => Tri::No,
        given => is_true(given).into(),
    }
}

/// Whether a comparison or pattern is true of what is given.
fn is_so(says: &Says, given: &Given<'_>) -> bool {
    match says {
        Says::Compare { op, to, .. } => compare(given, *op, to),
        Says::Like { pattern, not, .. } => any_text(given, |text| covers_name(pattern, text)) != *not,
        _ => false,
    }
}

/// Of several values one is enough; for `!=` none may be equal.
fn compare(given: &Given<'_>, op: Op, to: &Value) -> bool {
    match (given, to) {
        (Given::Text(_) | Given::Texts(_), Value::String(to)) => match op {
            Op::Eq => any_text(given, |text| text == to),
            Op::Ne => !any_text(given, |text| text == to),
            op => any_text(given, |text| {
                Value::String(text.into())
                    .compare(&Value::String(to.clone()))
                    .is_some_and(|order| orders(op, order))
            }),
        },
        (Given::Value(value), to) => match op {
            Op::Eq => value.same(to),
            Op::Ne => !value.same(to),
            op => value.compare(to).is_some_and(|order| orders(op, order)),
        },
        _ => false,
    }
}

fn orders(op: Op, order: Ordering) -> bool {
    match op {
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
    }
}

fn any_text(given: &Given<'_>, is_true: impl Fn(&str) -> bool) -> bool {
    match given {
        Given::Text(text) => is_true(text),
        Given::Texts(texts) => texts.iter().any(|text| is_true(text)),
        _ => false,
    }
}
