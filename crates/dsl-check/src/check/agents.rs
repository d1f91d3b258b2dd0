//! Agents: what they declare, and whether those that a task names can do it.
//!
//! An agent that names an unknown capability may provide anything: that is one mistake, and it stands there. Absent:
//! quotas at work.

use dsl_syntax::ast::{Breaker, Decl, Name, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::plan::Runner;
use smol_str::SmolStr;

use super::runners::{self, Interface};
use super::{Cx, literals, rates, shape, work};
use crate::diagnostic::{AmendHow, Whose};
use crate::rules;
use crate::scope::{CapabilityId, TypedField};
use crate::signatures::{clause, is_script_capability};
use crate::types::Problem;

pub(super) fn check(cx: &Cx<'_>, decl: &Decl) {
    let provided: &[Name] = match clause(decl, K::Provides).map(|clause| &clause.value) {
        Some(Value::Names(names)) => names,
        _ => &[],
    };
    shape::duplicate_names(cx, provided.iter(), "the capability");
    for name in provided.iter().filter(|name| !is_script_capability(&name.text)) {
        work::capability(cx, name);
    }
    if let Some(Value::Limits(lines)) = clause(decl, K::Limits).map(|clause| &clause.value) {
        rates::check_lines(cx, lines, rates::OF_AGENT, "an agent");
    }
    if let Some(Value::Breaker(breaker)) = clause(decl, K::Breaker).map(|clause| &clause.value) {
        check_breaker(cx, breaker);
    }
    runner(cx, decl);
}

/// How it carries out the abstract capabilities that it provides.
pub(crate) fn runner(cx: &Cx<'_>, decl: &Decl) -> Option<Runner> {
    let Value::Call(call) = &clause(decl, K::Runner)?.value else {
        return None;
    };
    let provided: &[Name] = match clause(decl, K::Provides).map(|clause| &clause.value) {
        Some(Value::Names(names)) => names,
        _ => &[],
    };
    let shared = shared_inputs(cx, provided);
    let interface = Interface {
        input: &shared,
        output: None,
        in_plan: false,
    };
    runners::check(cx, call, &interface)
}

fn check_breaker(cx: &Cx<'_>, breaker: &Breaker) {
    if breaker.failures == 0 {
        let message = "a breaker that opens after 0 failures never closes, expected at least 1";
        cx.push(Problem::new(rules::OUT_OF_RANGE, breaker.span, message));
    }
    rates::window(cx, &breaker.within);
    literals::duration(cx, &breaker.probe, "the pause");
}

/// The inputs that all abstract capabilities of the agent have: its runner may be called for each.
fn shared_inputs(cx: &Cx<'_>, provided: &[Name]) -> Vec<TypedField> {
    let mut all = provided
        .iter()
        .filter_map(|name| cx.scope.capabilities.get(&name.text))
        .filter(|capability| capability.is_abstract());
    let mut shared = all.next().map(|first| first.input.clone()).unwrap_or_default();
    for other in all {
        shared.retain(|field| {
            let same = other.input.iter().find(|other| other.name == field.name);
            same.is_some_and(|same| same.ty.same(&field.ty))
        });
    }
    shared
}

/// Says so if there is no such agent.
pub(super) fn known(cx: &Cx<'_>, name: &Name) {
    if cx.scope.agents.contains_key(&name.text) || cx.scope.excuses(&name.text) {
        return;
    }
    let known: Vec<SmolStr> = cx.scope.agents.keys().cloned().collect();
    let message = format!("there is no agent `{}`", name.text);
    let problem = Problem::new(rules::UNRESOLVED_NAME, name.span, message);
    cx.push(problem.nearest_or_declared("agent", &name.text, &known));
}

/// `by:` of a task: agents that exist, each once, and that provide what the task does.
pub(super) fn of_task(cx: &Cx<'_>, decl: &Decl) -> Vec<SmolStr> {
    let Some(Value::Names(names)) = clause(decl, K::By).map(|clause| &clause.value) else {
        return Vec::new();
    };
    shape::duplicate_names(cx, names.iter(), "the agent");
    let used = used(cx, decl);
    for name in names {
        known(cx, name);
        lacking(cx, name, names, &used);
        secrets(cx, name, &used);
    }
    names.iter().map(|name| name.text.clone()).collect()
}

/// What the agent's runner reads, if it would be called.
fn secrets(cx: &Cx<'_>, name: &Name, used: &[Used<'_>]) {
    let runner = cx.scope.agents.get(&name.text).and_then(|agent| agent.runner.as_ref());
    let is_abstract = |name: &Name| {
        let found = cx.scope.capabilities.get(&name.text);
        found.is_some_and(|found| found.is_abstract())
    };
    if let Some(runner) = runner.filter(|_| used.iter().any(|(name, _)| is_abstract(name))) {
        work::secrets_of(cx, name, runner);
    }
}

/// A capability where it is used, and which one it is.
type Used<'a> = (&'a Name, CapabilityId);

/// The capabilities that a task says it uses; a script without `using` is nobody's in particular.
fn used<'a>(cx: &Cx<'_>, decl: &'a Decl) -> Vec<Used<'a>> {
    let using = match clause(decl, K::Using).map(|clause| &clause.value) {
        Some(Value::Names(names)) => names.first(),
        _ => None,
    };
    let steps = match clause(decl, K::Do).map(|clause| &clause.value) {
        Some(Value::Steps(steps)) => steps.as_slice(),
        _ => &[],
    };
    let mut used: Vec<Used<'_>> = Vec::new();
    for name in using.into_iter().chain(steps.iter().map(|step| &step.capability)) {
        if let Some(id) = id(cx, name)
            && used.iter().all(|(_, known)| *known != id)
        {
            used.push((name, id));
        }
    }
    used
}

fn id(cx: &Cx<'_>, name: &Name) -> Option<CapabilityId> {
    match cx.scope.capabilities.get(&name.text) {
        Some(found) => Some(found.id.clone()),
        None => is_script_capability(&name.text).then(|| CapabilityId::builtin(&name.text)),
    }
}

/// That the agent provides a capability that something else mentions.
pub(super) fn provides(cx: &Cx<'_>, agent: &Name, capability: &Name) {
    if let Some(id) = id(cx, capability) {
        lacking(cx, agent, std::slice::from_ref(agent), &[(capability, id)]);
    }
}

fn lacking(cx: &Cx<'_>, name: &Name, named: &[Name], used: &[Used<'_>]) {
    let Some(agent) = cx.scope.agents.get(&name.text) else {
        return;
    };
    let lacks: Vec<&Used<'_>> = used.iter().filter(|(_, id)| agent.lacks(id)).collect();
    let Some((first, _)) = lacks.first() else { return };
    let listed: Vec<String> = lacks.iter().map(|(lacked, _)| format!("`{}`", lacked.text)).collect();
    let message = format!(
        "the agent `{}` does not provide {}, expected one that does",
        name.text,
        listed.join(" and ")
    );
    let others = able(cx, used, named);
    let mut problem = Problem::new(rules::AGENT_LACKS_CAPABILITY, name.span, message).label(first.span, "used here");
    if let [only] = others.as_slice() {
        let title = format!("change `{}` to `{only}`", name.text);
        problem = problem.fix(title, false, vec![(name.span, only.to_string())]);
    }
    let add = format!("add {} to `provides:` of `{}`", listed.join(" and "), name.text);
    let names = lacks.iter().map(|(lacked, _)| lacked.text.clone()).collect();
    problem = problem.amend(
        add.clone(),
        Whose::Agent(name.text.clone()),
        AmendHow::Names(K::Provides, names),
    );
    cx.push(problem.help(match others.as_slice() {
        [] => add,
        others => {
            let others: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
            format!("{} can do it; or {add}", others.join(" and "))
        }
    }));
}

/// That the agent provides what a task elsewhere needs.
pub(super) fn lacks_for(cx: &Cx<'_>, name: &Name, task: &str, needed: &[(SmolStr, CapabilityId)]) {
    let Some(agent) = cx.scope.agents.get(&name.text) else {
        return;
    };
    let lacks: Vec<String> = needed
        .iter()
        .filter(|(_, id)| agent.lacks(id))
        .map(|(lacked, _)| format!("`{lacked}`"))
        .collect();
    if !lacks.is_empty() {
        let listed = lacks.join(" and ");
        let message = format!(
            "the agent `{}` does not provide {listed}, expected one that does for `{task}`",
            name.text
        );
        let help = format!("add {listed} to `provides:` of `{}`", name.text);
        let names = needed.iter().filter(|(_, id)| agent.lacks(id));
        let how = AmendHow::Names(K::Provides, names.map(|(lacked, _)| lacked.clone()).collect());
        let problem = Problem::new(rules::AGENT_LACKS_CAPABILITY, name.span, message).help(help.clone());
        cx.push(problem.amend(help, Whose::Agent(name.text.clone()), how));
    }
}

/// A few agents that could do it and are not named yet.
fn able(cx: &Cx<'_>, used: &[Used<'_>], named: &[Name]) -> Vec<SmolStr> {
    const SHOWN_MAX: usize = 3;
    cx.scope
        .agents
        .iter()
        .filter(|(name, agent)| {
            let can = used.iter().all(|(_, id)| agent.provides.contains(id));
            can && named.iter().all(|named| named.text != **name)
        })
        .map(|(name, _)| name.clone())
        .take(SHOWN_MAX)
        .collect()
}
