//! Gates and decisions.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use dsl_syntax::ast::{BinaryOp, Decl, Expr as Ast, ExprKind, GateOption as Written, Name, RouteOn, StringLit, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::Expr;
use ir::plan::{Arm, Body, Decision, Gate, GateOption, HypothesisArm, Node};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Captures, Place, Reads};
use super::literals::{self, expr_of, timeout};
use super::task::{common, condition, expectations, name_span, when, whose};
use super::{Cx, effects, scripts, shape};
use crate::diagnostic::{AmendHow, Whose};
use crate::graph::{Access, BUILTIN_MODES};
use crate::reach::Cond;
use crate::rules;
use crate::signatures::{NodeKind, clause};
use crate::types::{Problem, Report, facts_when, infer, infer_string};
use crate::walk::unparen;

pub(super) fn gate(cx: &Cx<'_>, decl: &Decl) -> Node {
    let mut place = Place::new(cx, Reads::NODE);
    let when = when(cx, decl, &place);
    let known = when.as_ref().map(|when| facts_when(when, true)).unwrap_or_default();
    place.known = &known;
    let script = scripts::script(cx, decl, K::Run, &place);
    let timeout = expr_of(decl, K::Timeout).map(|expr| timeout(cx, expr, &place));
    place.reads = Reads::OBSERVING;
    place.captures = if script.is_some() {
        Captures::Script
    } else {
        Captures::None
    };
    let checks = expectations(cx, decl, K::Checks, true, &place);
    place.reads = Reads::NODE;
    place.captures = Captures::None;
    let approvers = match clause(decl, K::Approver).map(|clause| &clause.value) {
        Some(Value::Names(names)) => approvers(cx, names),
        _ => Vec::new(),
    };
    let options = match clause(decl, K::Options).map(|clause| &clause.value) {
        Some(Value::Options(options)) => {
            shape::duplicate_names(cx, options.iter().map(|option| &option.name), "the option");
            options.iter().map(|written| option(cx, written, &place)).collect()
        }
        _ => Vec::new(),
    };
    let quorum = literals::int_clause(cx, decl, K::Quorum, 1).map(|count| count as u32);
    let body = Body::Gate(Box::new(Gate {
        checks,
        script,
        timeout,
        approvers,
        quorum,
        options,
        effects: effects::effects(decl),
    }));
    common(cx, decl, &place, when, body)
}

fn option(cx: &Cx<'_>, written: &Written, place: &Place<'_, '_>) -> GateOption {
    let text = |text: &StringLit| cx.with_report(|report| infer_string(text, place, report)).expr;
    GateOption {
        name: written.name.text.clone(),
        title: written.title.as_ref().map(text),
        note: written.note.as_ref().map(text),
    }
}

pub(super) fn approvers(cx: &Cx<'_>, names: &[Name]) -> Vec<SmolStr> {
    for name in names.iter().filter(|name| !name.text.contains('/')) {
        let message = format!(
            "`{}` is no principal, expected one such as `role/{}`",
            name.text, name.text
        );
        let problem = Problem::new(rules::TYPE_MISMATCH, name.span, message);
        cx.push(problem.help("a principal is `role/…`, `user/…`, `team/…` or `agent/…`"));
    }
    names.iter().map(|name| name.text.clone()).collect()
}

pub(super) fn decision(cx: &Cx<'_>, decl: &Decl) -> Node {
    let place = Place::new(cx, Reads::NODE);
    let from = clause(decl, K::From);
    if let Some(Value::Names(names)) = from.map(|from| &from.value) {
        for name in names.iter().filter(|name| name.text != "hypotheses") {
            let message = format!("a decision from `{}`, expected `from: hypotheses`", name.text);
            let problem = Problem::new(rules::UNRESOLVED_NAME, name.span, message);
            cx.push(problem.nearest(&name.text, &["hypotheses".into()]));
        }
    }
    let mut arms = Vec::new();
    let mut hypotheses = Vec::new();
    let mut written = Vec::new();
    let mut otherwise = false;
    // what holds when no arm so far is taken
    let mut open = Cond::default();
    for clause in &decl.clauses {
        let Value::Route(route) = &clause.value else {
            continue;
        };
        let condition = match &route.on {
            RouteOn::When(ast) => {
                written.push(ast);
                let (condition, sound) = condition(cx, ast, &place);
                if sound {
                    cx.noted.arm(open.then(&Cond::of(&condition, true, cx)));
                    open = open.and(&Cond::of(&condition, false, cx));
                } else {
                    cx.noted.arm(open.clone());
                }
                Some(condition)
            }
            RouteOn::Else(_) => {
                otherwise = true;
                cx.noted.arm(open.then(&Cond::default()));
                None
            }
            RouteOn::Event(event) => {
                cx.noted.arm(Cond::default());
                hypothesis_arm(cx, event, from.is_some());
                if !BUILTIN_MODES.contains(&event.text.as_str()) && event.text != "success" {
                    hypotheses.extend(cx.node(&route.to).map(|(at, _)| HypothesisArm {
                        hypothesis: event.text.clone(),
                        to: cx.node_id(at),
                    }));
                }
                continue;
            }
        };
        if let Some((at, _)) = cx.node(&route.to) {
            arms.push(Arm {
                when: condition,
                to: cx.node_id(at),
            });
        }
    }
    let broken = decl
        .clauses
        .iter()
        .any(|clause| matches!(clause.value, Value::Error | Value::Unknown));
    if !written.is_empty() && !otherwise && from.is_none() && !broken && !cx.has_errors() && open.never.is_none() {
        exhaustive(cx, decl, &written, &place);
    }
    let body = Decision { arms, hypotheses };
    common(cx, decl, &place, None, Body::Decision(Box::new(body)))
}

/// `on HYPOTHESIS -> node`
fn hypothesis_arm(cx: &Cx<'_>, event: &Name, from_hypotheses: bool) {
    if BUILTIN_MODES.contains(&event.text.as_str()) || event.text == "success" {
        return;
    }
    let known = cx
        .view
        .get(&event.text)
        .is_some_and(|(_, seen)| seen.sig.kind == NodeKind::Hypothesis);
    if !known {
        let problem = Problem::new(
            rules::UNRESOLVED_NAME,
            event.span,
            format!("there is no hypothesis `{}`", event.text),
        );
        cx.push(problem.nearest(&event.text, &cx.hypotheses_near(&event.text)));
    } else if !from_hypotheses {
        let message = format!(
            "`{}` is a hypothesis, expected `from: hypotheses` in this decision",
            event.text
        );
        let problem = Problem::new(rules::MISSING_CLAUSE, event.span, message).help("add a line `from: hypotheses`");
        let how = AmendHow::Set(K::From, "hypotheses".to_owned());
        cx.push(problem.amend("add `from: hypotheses`", Whose::Here, how));
    }
}

/// The members that one subject may have for an arm to be taken.
pub(super) struct Covered {
    pub subject: Expr,
    pub all: BTreeSet<SmolStr>,
    pub some: BTreeSet<SmolStr>,
    /// It is the status of a node that has completed by then.
    has_completed: bool,
}

impl Covered {
    /// The members that the subject may be when the decision runs.
    fn possible(&self) -> Cow<'_, BTreeSet<SmolStr>> {
        match self.has_completed {
            true => Cow::Owned(BTreeSet::from([SmolStr::new_static("completed")])),
            false => Cow::Borrowed(&self.all),
        }
    }
}

/// Says so if no arm might be true: the arms must name all members of one enumeration, or a condition and its negation.
fn exhaustive(cx: &Cx<'_>, decl: &Decl, arms: &[&Ast], place: &Place<'_, '_>) {
    let lower = |arm: &Ast| infer(arm, Some(&Type::Bool), place, &mut Report::default()).expr;
    let lowered: Vec<Expr> = arms.iter().map(|arm| lower(arm)).collect();
    if one_always_holds(&lowered) {
        return;
    }
    let mut subjects: Vec<Covered> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for arm in arms {
        let Some(covered) = covered(arm, place) else {
            continue;
        };
        match known.entry(key(&covered.subject)) {
            Entry::Occupied(known) => subjects[*known.get()].some.extend(covered.some),
            Entry::Vacant(new) => {
                new.insert(subjects.len());
                subjects.push(covered);
            }
        }
    }
    if subjects
        .iter()
        .any(|covered| covered.possible().is_subset(&covered.some))
    {
        return;
    }
    let missing: Vec<String> = subjects
        .iter()
        .min_by_key(|covered| covered.possible().difference(&covered.some).count())
        .map(|covered| {
            covered
                .possible()
                .difference(&covered.some)
                .map(|member| format!("`{member}`"))
                .collect()
        })
        .unwrap_or_default();
    let message = match missing.as_slice() {
        [] => format!("it may be that no arm of {} is true, expected an `else`", whose(decl)),
        missing => format!(
            "no arm of {} is for {}, expected one or an `else`",
            whose(decl),
            missing.join(" or ")
        ),
    };
    let problem = Problem::new(rules::NOT_EXHAUSTIVE, name_span(decl), message).help("add a line `else -> …`");
    let last = decl.clauses.iter().rev().find_map(|clause| match &clause.value {
        Value::Route(route) if matches!(route.on, RouteOn::When(_)) => Some(&route.to.text),
        _ => None,
    });
    cx.push(match last {
        Some(last) => {
            let how = AmendHow::Line(format!("else -> {last}"));
            problem.amend(format!("add `else -> {last}`"), Whose::Here, how)
        }
        None => problem,
    });
}

fn is_status_of_a_need(expr: &Ast, place: &Place<'_, '_>) -> bool {
    let ExprKind::Field { base, name } = &unparen(expr).kind else {
        return false;
    };
    let ExprKind::Name(node) = &base.kind else {
        return false;
    };
    let seen = place.cx.view.get(node);
    name.text == "status" && seen.is_some_and(|(_, seen)| seen.access == Access::Always)
}

pub(super) fn covered(arm: &Ast, place: &Place<'_, '_>) -> Option<Covered> {
    let ExprKind::Binary { op, lhs, rhs, .. } = &unparen(arm).kind else {
        return None;
    };
    let subject = |expr: &Ast| {
        let typed = infer(expr, None, place, &mut Report::default());
        match typed.ty {
            Type::Enum(members) => Some((typed.expr, members.into_iter().collect::<BTreeSet<_>>())),
            _ => None,
        }
    };
    let member = |expr: &Ast| match &unparen(expr).kind {
        ExprKind::Name(name) => Some(name.clone()),
        _ => None,
    };
    match op {
        BinaryOp::Eq | BinaryOp::Ne => {
            let (expr, all, name) = match subject(lhs) {
                Some((expr, all)) => (expr, all, member(rhs)?),
                None => {
                    let (expr, all) = subject(rhs)?;
                    (expr, all, member(lhs)?)
                }
            };
            let mut some = BTreeSet::from([name]);
            if *op == BinaryOp::Ne {
                some = all.difference(&some).cloned().collect();
            }
            Some(Covered {
                subject: expr,
                all,
                some,
                has_completed: [lhs, rhs].iter().any(|side| is_status_of_a_need(side, place)),
            })
        }
        BinaryOp::In => {
            let (expr, all) = subject(lhs)?;
            let ExprKind::List(items) = &unparen(rhs).kind else {
                return None;
            };
            let some = items.iter().map(member).collect::<Option<BTreeSet<_>>>()?;
            Some(Covered {
                subject: expr,
                all,
                some,
                has_completed: is_status_of_a_need(lhs, place),
            })
        }
        BinaryOp::Or => {
            let mut left = covered(lhs, place)?;
            let right = covered(rhs, place)?;
            (left.subject == right.subject).then(|| {
                left.some.extend(right.some);
                left
            })
        }
        _ => None,
    }
}

/// What an expression is known by among others: a decision may have thousands of arms.
fn key(expr: &Expr) -> String {
    format!("{expr:?}")
}

/// Whether one condition is always true, or two of them are each other's opposite.
fn one_always_holds(conditions: &[Expr]) -> bool {
    use ir::expr::BinaryOp as Op;
    let opposite = |op: Op| {
        Some(match op {
            Op::Eq => Op::Ne,
            Op::Ne => Op::Eq,
            Op::Lt => Op::Ge,
            Op::Ge => Op::Lt,
            Op::Gt => Op::Le,
            Op::Le => Op::Gt,
            _ => return None,
        })
    };
    let all: HashSet<String> = conditions.iter().map(key).collect();
    conditions.iter().any(|condition| match condition {
        Expr::Const(ir::Value::Bool(always)) => *always,
        Expr::Not(inner) => all.contains(&key(inner)),
        Expr::Binary(binary) => opposite(binary.op).is_some_and(|op| {
            let other = Expr::Binary(Box::new(ir::expr::Binary {
                op,
                ..(**binary).clone()
            }));
            all.contains(&key(&other))
        }),
        _ => false,
    })
}
