//! Tests: given parameters, mocked answers, decisions of people, expectations; each checked against the plan that it is about.
//!
//! Outputs and parameters have the types that they have where the plan stands. An absent value fails its expectation,
//! so nothing that may be absent is a mistake there. Checked and lowered at once, like nodes. Absent: carrying tests
//! out.

use std::collections::{BTreeMap, HashSet};

use dsl_syntax::ast::{Decide, Decl, Mock, MockReply, MockReplyKind, MockTarget, Name, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::plan::Binding;
use ir::testing::{Answer, Claim, Decide as Decision, Decided, Mock as Lowered, Mocked, Reply, Test};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Place, Reads};
use super::task::{expectations, typed};
use super::work::{capability, missing_inputs, unknown_input};
use super::{Cx, about, agents, literals, shape};
use crate::calls::{PlanRef, calls};
use crate::graph::{BUILTIN_MODES, sig_of};
use crate::places::decl_of;
use crate::plans::file_plans;
use crate::rules;
use crate::scope::{Common, PlanShape, TypedField, record, scope};
use crate::signatures::{NodeKind, NodeSig, Work, clause, is_script_capability, name_of};
use crate::types::Problem;

/// A test as the plan that it is about sees it; `None` if there is no such plan. `line` says in which line something is.
pub(crate) fn lower_test(cx: &Cx<'_>, decl: &Decl, line: &mut dyn FnMut(Span) -> u32) -> Option<Test> {
    let plan = about::plan(cx, decl)?;
    let given = given(cx, decl, plan);
    let mut written: Vec<&Mock> = Vec::new();
    let (mut mocks, mut decisions) = (Vec::new(), Vec::new());
    for clause in &decl.clauses {
        match &clause.value {
            Value::Mock(mock) => {
                mocks.extend(lower_mock(cx, plan, mock));
                written.push(mock);
            }
            Value::Decide(decide) => decisions.extend(lower_decide(cx, plan, decide)),
            _ => {}
        }
    }
    mocked_twice(cx, &written);
    mocks_of_nothing(cx, plan, &written);
    let reads = Reads {
        run: true,
        nodes: true,
        outcome: true,
        test: true,
        ..Reads::NOTHING
    };
    let found = cx.at_home(plan, |home| {
        expectations(home, decl, K::Expect, true, &Place::new(home, reads))
    });
    let lines = match clause(decl, K::Expect).map(|clause| &clause.value) {
        Some(Value::Items(items)) => items.iter().map(|item| line(item.span)).collect(),
        _ => Vec::new(),
    };
    let claim = |(line, what)| Claim { line, what };
    Some(Test {
        title: decl.title.as_ref().and_then(|title| title.plain()).unwrap_or_default(),
        plan: plan.plan.name.clone(),
        line: line(decl.keyword),
        given,
        mocks,
        decisions,
        expect: lines.into_iter().zip(found).map(claim).collect(),
    })
}

/// The parameters.
fn given(cx: &Cx<'_>, decl: &Decl, plan: &PlanShape) -> Vec<Binding> {
    let assigns = match clause(decl, K::Given).map(|clause| &clause.value) {
        Some(Value::Assigns(assigns)) => assigns.as_slice(),
        Some(_) => return Vec::new(),
        None => &[],
    };
    if plan.plan.is_broken(K::Params) {
        return Vec::new();
    }
    let params = &plan.plan.params;
    shape::duplicate_names(cx, assigns.iter().map(|assign| &assign.name), "the parameter");
    let mut given = Vec::new();
    for assign in assigns {
        match params.iter().find(|field| field.name == assign.name.text) {
            Some(field) => given.push(Binding {
                name: field.name.clone(),
                value: typed(cx, &assign.value, &field.ty, &Place::new(cx, Reads::NOTHING)),
            }),
            None => unknown_input(cx, &assign.name, params, "the plan takes"),
        }
    }
    let span = decl.title.as_ref().map_or(decl.keyword, |title| title.span);
    let is_given = |name: &str| assigns.iter().any(|assign| assign.name.text == name);
    // what a test gives is its own choice, so any value that fits will do to begin with
    missing_inputs(cx, params, span, is_given, "this test", |field| {
        let value = example(&field.ty)?;
        Some((K::Given, format!("{}: {value}", field.name)))
    });
    given
}

/// Some value of a type, as it is written; `None`: none that means nothing in particular.
fn example(ty: &Type) -> Option<String> {
    Some(match ty {
        Type::String(None) => "\"…\"".to_owned(),
        Type::Int(None) => "1".to_owned(),
        Type::Int(Some(bounds)) => bounds.lo.as_ref().or(bounds.hi.as_ref())?.to_string(),
        Type::Float(None) => "1.0".to_owned(),
        Type::Bool => "true".to_owned(),
        Type::Duration => "1m".to_owned(),
        Type::Size => "1MB".to_owned(),
        Type::Money => "$1.00".to_owned(),
        Type::Enum(members) => members.first()?.to_string(),
        Type::List(list) if list.len.is_none() => "[]".to_owned(),
        Type::Map(_) => "{}".to_owned(),
        _ => return None,
    })
}

/// What a mock stands for.
struct Stand {
    answer: Type,
    /// What `when` and the answer may read.
    input: Vec<(SmolStr, Type)>,
    /// Further modes with which it may fail.
    modes: Vec<SmolStr>,
}

impl Stand {
    fn unknown() -> Self {
        Self {
            answer: Type::Error,
            input: Vec::new(),
            modes: Vec::new(),
        }
    }
}

fn lower_mock(cx: &Cx<'_>, plan: &PlanShape, mock: &Mock) -> Option<Lowered> {
    let of = match &mock.target {
        MockTarget::Task(name) => Some(match cx.view.get(&name.text) {
            Some((at, _)) => Mocked::Script(cx.node_id(at)),
            None => Mocked::Called(name.text.clone()),
        }),
        MockTarget::Capability(name) if name.text == "judge" => Some(Mocked::Judge),
        MockTarget::Capability(name) => Some(Mocked::Capability(name.text.clone())),
    };
    let stand = match &mock.target {
        MockTarget::Task(name) => script(cx, plan, name),
        MockTarget::Capability(name) if name.text == "judge" => Some(Stand {
            answer: Type::Bool,
            ..Stand::unknown()
        }),
        MockTarget::Capability(name) => of_capability(cx, name),
    };
    if let Some(by) = &mock.by {
        agents::known(cx, by);
        if let MockTarget::Capability(capability) = &mock.target {
            agents::provides(cx, by, capability);
        }
    }
    let is_known = stand.is_some();
    let stand = stand.unwrap_or_else(Stand::unknown);
    let mut place = Place::new(
        cx,
        Reads {
            bare_inputs: true,
            anything: !is_known,
            ..Reads::NOTHING
        },
    );
    place.input = &stand.input;
    let when = mock.when.as_ref().map(|when| typed(cx, when, &Type::Bool, &place));
    let lower = |reply| lower_reply(cx, reply, &stand, is_known, &place);
    let replies = mock.replies.iter().map(lower).collect();
    endless(cx, &mock.replies);
    Some(Lowered {
        of: of?,
        by: mock.by.as_ref().map(|by| by.text.clone()),
        when,
        replies,
    })
}

fn lower_reply(cx: &Cx<'_>, reply: &MockReply, stand: &Stand, is_known: bool, place: &Place<'_, '_>) -> Reply {
    let answer = match &reply.kind {
        MockReplyKind::Value(value) => Answer::Value(typed(cx, value, &stand.answer, place)),
        MockReplyKind::Fails(mode) => {
            let known = BUILTIN_MODES.contains(&mode.text.as_str()) || stand.modes.contains(&mode.text);
            if is_known && !known {
                let mut all: Vec<SmolStr> = BUILTIN_MODES.iter().map(|mode| SmolStr::from(*mode)).collect();
                all.extend(stand.modes.iter().cloned());
                let message = format!("there is no failure mode `{}`", mode.text);
                cx.push(Problem::new(rules::UNRESOLVED_NAME, mode.span, message).nearest(&mode.text, &all));
            }
            Answer::Fails(mode.text.clone())
        }
    };
    if reply.times == Some(0) {
        let message = "`times 0` answers never, expected at least 1";
        cx.push(Problem::new(rules::OUT_OF_RANGE, reply_span(reply), message));
    }
    Reply {
        answer,
        times: reply.times,
    }
}

fn reply_span(reply: &MockReply) -> Span {
    match &reply.kind {
        MockReplyKind::Value(value) => value.span,
        MockReplyKind::Fails(mode) => mode.span,
    }
}

/// A reply without `times` answers from then on, so nothing can follow it.
fn endless(cx: &Cx<'_>, replies: &[MockReply]) {
    let Some(at) = replies.iter().position(|reply| reply.times.is_none()) else {
        return;
    };
    let Some(next) = replies.get(at + 1) else { return };
    let span = reply_span(&replies[at]);
    let end = Span::new(span.end, span.end);
    let message = "this answers from here on, so what comes `then` is never reached";
    let problem = Problem::new(rules::CONFLICTING_CLAUSES, span, message);
    cx.push(
        problem
            .label(reply_span(next), "never reached")
            .help("say how often: `times 1`")
            .fix("let it answer once", false, vec![(end, " times 1".to_owned())]),
    );
}

/// A script is mocked by the task or gate that it belongs to.
fn script(cx: &Cx<'_>, plan: &PlanShape, name: &Name) -> Option<Stand> {
    let seen = cx.view.get(&name.text).map(|(_, seen)| seen);
    if seen.is_none()
        && let Some(sig) = in_called(cx, plan, &name.text, |sig| sig.work == Work::Script)
    {
        return Some(of_script(sig));
    }
    let seen = match seen.filter(|seen| seen.sig.kind == NodeKind::Gate && seen.sig.work == Work::Script) {
        Some(gate) => gate,
        None => about::node(cx, plan, name, NodeKind::Task)?,
    };
    match &seen.sig.work {
        Work::Script => Some(of_script(&seen.sig)),
        work => {
            no_script(cx, name, work);
            None
        }
    }
}

/// The first node of that name that fits, of the plans that are called, directly or not.
fn in_called<'db>(cx: &Cx<'db>, plan: &PlanShape, name: &str, fits: impl Fn(&NodeSig) -> bool) -> Option<&'db NodeSig> {
    let at = u32::try_from(file_plans(cx.db(), plan.file).named(&plan.plan.name)?).ok()?;
    let mut seen: HashSet<PlanRef> = HashSet::new();
    let mut work = vec![PlanRef { file: plan.file, at }];
    while let Some(caller) = work.pop() {
        let made = calls(cx.db(), caller.file).get(caller.at as usize);
        for call in made.into_iter().flatten().filter(|call| seen.insert(call.to)) {
            work.push(call.to);
            let called = file_plans(cx.db(), call.to.file).plans.get(call.to.at as usize);
            let mut nodes = called.into_iter().flat_map(|called| &called.nodes);
            let found = nodes.find(|(_, ties)| ties.name == name);
            let sig = found.and_then(|(block, _)| sig_of(cx.db(), *block));
            if let Some(sig) = sig.filter(|sig| fits(sig)) {
                return Some(sig);
            }
        }
    }
    None
}

fn of_script(sig: &NodeSig) -> Stand {
    let fields = [
        ("exit", Type::INT),
        ("stdout", Type::STRING),
        ("stderr", Type::STRING),
        ("files", Type::map(Type::STRING)),
    ];
    let fields: BTreeMap<SmolStr, Type> = fields
        .into_iter()
        .map(|(name, ty)| (name.into(), ty.optional()))
        .collect();
    Stand {
        answer: Type::Fields(fields),
        // scripts get texts, but what they were is not told apart here
        input: sig.input.iter().map(|name| (name.clone(), Type::Error)).collect(),
        modes: sig.modes.clone(),
    }
}

fn no_script(cx: &Cx<'_>, name: &Name, work: &Work) {
    let message = format!("the task `{}` runs no script that could be mocked", name.text);
    let problem = Problem::new(rules::TYPE_MISMATCH, name.span, message);
    cx.push(match work {
        Work::Capability(capability) => problem.help(format!("mock its capability: `mock {capability} -> …`")),
        Work::Steps(steps) => {
            let first = steps.first().map_or("NAME", SmolStr::as_str);
            problem.help(format!("mock the capabilities of its steps: `mock {first} -> …`"))
        }
        Work::Call(called) => problem.help(format!("mock what the tasks of `{called}` use")),
        Work::Nothing | Work::Script => problem.help("a milestone does nothing: leave the mock out"),
    });
}

fn of_capability(cx: &Cx<'_>, name: &Name) -> Option<Stand> {
    if is_script_capability(&name.text) {
        let message = format!("`{}` runs scripts, which are mocked task by task", name.text);
        let problem = Problem::new(rules::UNRESOLVED_NAME, name.span, message);
        cx.push(problem.help("write `mock task NAME -> { exit: 0, stdout: \"…\" }`"));
        return None;
    }
    let capability = capability(cx, name)?;
    let typed = |field: &TypedField| (field.name.clone(), field.ty.clone());
    let mut answer = capability.output.clone();
    for field in &mut answer {
        if field.has_default {
            field.ty = field.ty.clone().optional();
        }
    }
    Some(Stand {
        answer: match capability.is_broken(K::Output) {
            true => Type::Error,
            false => record(&answer),
        },
        input: capability.input.iter().map(typed).collect(),
        modes: Vec::new(),
    })
}

/// Mocks of capabilities that the plan does not use. What it calls may use them.
fn mocks_of_nothing(cx: &Cx<'_>, plan: &PlanShape, mocks: &[&Mock]) {
    let plans = file_plans(cx.db(), plan.file);
    let nodes = plans.named(&plan.plan.name).and_then(|at| plans.plans.get(at));
    let Some(nodes) = nodes.filter(|_| !mocks.is_empty() && !cx.has_errors()) else {
        return;
    };
    let home = scope(cx.db(), plan.file);
    let mut used = Vec::new();
    for (block, _) in &nodes.nodes {
        match sig_of(cx.db(), *block).map(|sig| &sig.work) {
            Some(Work::Call(_)) => return,
            Some(Work::Capability(name)) => used.push(name),
            Some(Work::Steps(names)) => used.extend(names),
            _ => {}
        }
    }
    let judge = nodes.clauses.iter().filter_map(|block| decl_of(cx.db(), *block));
    let judge = judge.into_iter().find_map(|decl| name_of(decl, K::Judge));
    used.extend(&judge);
    let id = |scope: &Common, name: &str| scope.capabilities.get(name).map(|found| found.id.clone());
    for mock in mocks {
        let MockTarget::Capability(name) = &mock.target else {
            continue;
        };
        let wanted = id(cx.scope, &name.text);
        let is_used = match name.text.as_str() {
            "judge" => judge.is_some(),
            _ => wanted.is_none() || used.iter().any(|used| id(home, used) == wanted),
        };
        if !is_used {
            let message = match name.text.as_str() {
                "judge" => format!("`{}` has no judge that would be asked", plan.plan.name),
                name => format!("`{}` does not use `{name}`, so nobody asks this mock", plan.plan.name),
            };
            cx.push(Problem::new(rules::UNUSED_NAME, name.span, message).help("leave the mock out"));
        }
    }
}

/// Two mocks of the same thing, neither of which says when.
fn mocked_twice(cx: &Cx<'_>, mocks: &[&Mock]) {
    let target = |mock: &Mock| match &mock.target {
        MockTarget::Task(name) => (true, name.text.clone(), name.span),
        MockTarget::Capability(name) => (false, name.text.clone(), name.span),
    };
    let mut first: BTreeMap<(bool, SmolStr, Option<SmolStr>), Span> = BTreeMap::new();
    for mock in mocks.iter().filter(|mock| mock.when.is_none()) {
        let (is_task, name, span) = target(mock);
        let by = mock.by.as_ref().map(|by| by.text.clone());
        if let Some(before) = first.get(&(is_task, name.clone(), by.clone())) {
            let message = format!("`{name}` is mocked twice, expected one mock or a `when`");
            let problem = Problem::new(rules::CONFLICTING_CLAUSES, span, message);
            cx.push(
                problem
                    .label(*before, "first here")
                    .help("several answers in order are one mock: `-> a times 1, then b`"),
            );
        } else {
            first.insert((is_task, name, by), span);
        }
    }
}

/// `approve` and `reject`: what a person can decide, by somebody who may. A gate of a plan that is called goes by its
/// name there.
fn lower_decide(cx: &Cx<'_>, plan: &PlanShape, decide: &Decide) -> Option<Decision> {
    let after = decide.after.as_ref();
    let after_ms = after.map_or(Some(0), |after| literals::duration(cx, after, "`after`"));
    let gate = &decide.gate;
    let (of, sig) = match cx.view.get(&gate.text) {
        None if let Some(sig) = in_called(cx, plan, &gate.text, |sig| sig.kind == NodeKind::Gate) => {
            (Decided::Called(gate.text.clone()), sig)
        }
        own => {
            let seen = about::node(cx, plan, gate, NodeKind::Gate)?;
            (Decided::Gate(cx.node_id(own?.0)), &*seen.sig)
        }
    };
    if sig.approvers.is_empty() {
        let message = format!(
            "the gate `{}` decides by itself, expected one with an `approver`",
            gate.text
        );
        cx.push(Problem::new(rules::TYPE_MISMATCH, gate.span, message));
        return None;
    }
    let principal = &decide.principal;
    // what is no principal has been reported
    let are_principals = sig.approvers.iter().all(|approver| approver.contains('/'));
    if are_principals && !sig.approvers.contains(&principal.text) {
        let listed: Vec<String> = sig.approvers.iter().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "`{}` does not decide `{}`, expected {}",
            principal.text,
            gate.text,
            listed.join(" or ")
        );
        let mut problem = Problem::new(rules::UNRESOLVED_NAME, principal.span, message);
        if let [only] = &*sig.approvers {
            let title = format!("change it to `{only}`");
            problem = problem.fix(title, false, vec![(principal.span, only.to_string())]);
        }
        cx.push(problem);
    }
    choosing(cx, decide, sig);
    Some(Decision {
        gate: of,
        approve: decide.approve,
        by: principal.text.clone(),
        choosing: decide.choosing.as_ref().map(|option| option.text.clone()),
        after_ms: after_ms?,
    })
}

fn choosing(cx: &Cx<'_>, decide: &Decide, sig: &NodeSig) {
    let options = &sig.options;
    let gate = &decide.gate;
    match &decide.choosing {
        Some(option) if !decide.approve => {
            let message = "a rejection chooses nothing, expected `approve`";
            cx.push(Problem::new(rules::CONFLICTING_CLAUSES, option.span, message));
        }
        Some(option) if options.is_empty() => {
            let message = format!("the gate `{}` offers no options to choose from", gate.text);
            cx.push(Problem::new(rules::UNRESOLVED_NAME, option.span, message));
        }
        Some(option) if !options.contains(&option.text) => {
            let message = format!("the gate `{}` has no option `{}`", gate.text, option.text);
            let problem = Problem::new(rules::UNRESOLVED_NAME, option.span, message);
            cx.push(problem.nearest(&option.text, options));
        }
        None if decide.approve && !options.is_empty() => {
            let listed: Vec<String> = options.iter().map(|name| format!("`choosing {name}`")).collect();
            let message = format!("the gate `{}` offers options, expected one to be chosen", gate.text);
            let problem = Problem::new(rules::MISSING_INPUT, gate.span, message);
            let problem = problem.help(format!("add {}", listed.join(" or ")));
            let end = decide.principal.span.end;
            cx.push(match options.first() {
                Some(first) => {
                    let edits = vec![(Span::new(end, end), format!(" choosing {first}"))];
                    problem.fix(format!("choose `{first}`"), false, edits)
                }
                None => problem,
            });
        }
        _ => {}
    }
}
