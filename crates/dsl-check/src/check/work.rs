//! Who does the work of a task, and what it is given: capabilities, plans, steps, agents, inputs.

use dsl_syntax::ast::{Decl, Name, Span, Step as Written, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::plan::{Binding, Step};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Captures, Place};
use super::task::{first_name, name_span, whose};
use super::{Cx, scripts, shape};
use crate::diagnostic::{AmendHow, Whose};
use crate::meant::clauses_meant;
use crate::rules;
use crate::scope::{Capability, PlanScope, TypedField};
use crate::signatures::{RunnerSig, clause, is_script_capability};
use crate::types::{Problem, assign, infer};

/// What does the work, resolved.
pub(super) enum Doer<'db> {
    Script,
    Capability(&'db Capability),
    Plan(&'db PlanScope),
    /// A name that was reported.
    Unknown,
    Nothing,
}

pub(super) fn work<'db>(cx: &Cx<'db>, decl: &Decl) -> Doer<'db> {
    if let Some(clause) = clause(decl, K::Using)
        && let Value::Names(names) = &clause.value
        && let Some(name) = names.first()
        && !is_script_capability(&name.text)
    {
        let found = used_capability(cx, name);
        if self::clause(decl, K::Run).is_none() {
            return found.map_or(Doer::Unknown, Doer::Capability);
        }
    }
    if let Some(clause) = clause(decl, K::Call)
        && let Value::Names(names) = &clause.value
        && let Some(name) = names.first()
    {
        let plans = &cx.whole_scope().plans;
        return match plans.get(&name.text) {
            None if cx.scope.excuses(&name.text) => Doer::Unknown,
            Some(shape) => Doer::Plan(&shape.plan),
            None => {
                let known: Vec<SmolStr> = plans.keys().cloned().collect();
                let problem = Problem::new(
                    rules::UNRESOLVED_NAME,
                    name.span,
                    format!("there is no plan `{}`", name.text),
                );
                cx.push(problem.nearest_or_declared("plan", &name.text, &known));
                Doer::Unknown
            }
        };
    }
    if clause(decl, K::Run).is_some() {
        Doer::Script
    } else {
        Doer::Nothing
    }
}

/// A capability by its name; `None` was reported.
pub(super) fn capability<'db>(cx: &Cx<'db>, name: &Name) -> Option<&'db Capability> {
    let found = cx.scope.capabilities.get(&name.text).map(|found| &**found);
    if found.is_none() && !cx.scope.excuses(&name.text) {
        let mut known: Vec<SmolStr> = cx.scope.capabilities.keys().cloned().collect();
        known.extend(["shell", "bash", "sh", "python"].map(SmolStr::from));
        let problem = Problem::new(
            rules::UNRESOLVED_NAME,
            name.span,
            format!("there is no capability `{}`", name.text),
        );
        cx.push(problem.nearest_or_declared("capability", &name.text, &known));
    }
    found
}

/// A capability that the plan uses: it must have the secrets of its runner.
pub(super) fn used_capability<'db>(cx: &Cx<'db>, name: &Name) -> Option<&'db Capability> {
    let found = capability(cx, name)?;
    if let Some(runner) = &found.runner {
        secrets_of(cx, name, runner);
    }
    Some(found)
}

/// `name` is whose runner it is.
pub(super) fn secrets_of(cx: &Cx<'_>, name: &Name, runner: &RunnerSig) {
    let has = |secret: &SmolStr| cx.plan.secrets.contains(secret) || cx.plan.is_broken(K::Secrets);
    for secret in runner.secrets.iter().filter(|secret| !has(secret)) {
        let message = format!(
            "the runner of `{}` reads `secrets.{secret}`, which the plan does not have",
            name.text
        );
        let line = format!("{secret}: env(\"{}\")", variable(secret));
        let help = format!("add `{line}` to the plan's `secrets:`");
        let problem = Problem::new(rules::UNRESOLVED_NAME, name.span, message).help(help.clone());
        cx.push(problem.amend(help, Whose::Plan, AmendHow::Entry(K::Secrets, line)));
    }
}

/// `llm-key` as a variable: `LLM_KEY`.
fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// The task's own input: bindings, and the types under which `input.x` is read.
pub(super) fn input(
    cx: &Cx<'_>,
    decl: &Decl,
    work: &Doer<'_>,
    place: &Place<'_, '_>,
) -> (Vec<Binding>, Vec<(SmolStr, Type)>) {
    let written = clause(decl, K::Input);
    let assigns = match written.map(|clause| &clause.value) {
        Some(Value::Assigns(assigns)) => assigns.as_slice(),
        Some(_) => return (Vec::new(), Vec::new()),
        None => &[],
    };
    shape::duplicate_names(cx, assigns.iter().map(|assign| &assign.name), "the input");
    let schema = match work {
        Doer::Capability(capability) => Some(capability.input.as_slice()),
        Doer::Plan(plan) => Some(plan.params()),
        _ => None,
    };
    let inputs_broken = match work {
        Doer::Capability(capability) => capability.is_broken(K::Input),
        Doer::Plan(plan) => plan.is_broken(K::Params),
        _ => false,
    };
    let mut bindings = Vec::new();
    let mut types = Vec::new();
    for assign in assigns {
        let name = &assign.name;
        let expected = match schema {
            None => None,
            Some(schema) => match schema.iter().find(|field| field.name == name.text) {
                Some(field) => Some(field.ty.clone()),
                None => {
                    if !inputs_broken {
                        unknown_input(cx, name, schema, "this has");
                    }
                    Some(Type::Error)
                }
            },
        };
        let value = match (&expected, work) {
            (Some(ty), _) => cx.with_report(|report| infer(&assign.value, Some(ty), place, report)),
            (None, Doer::Script) => scripts::rendered(cx, &assign.value, place),
            (None, _) => cx.with_report(|report| infer(&assign.value, None, place, report)),
        };
        types.push((
            name.text.clone(),
            expected.filter(|ty| !ty.is_error()).unwrap_or(value.ty),
        ));
        bindings.push(Binding {
            name: name.text.clone(),
            value: value.expr,
        });
    }
    if let Some(schema) = schema {
        let span = [K::Using, K::Call]
            .into_iter()
            .find_map(|key| first_name(decl, key))
            .unwrap_or_else(|| name_span(decl));
        missing_inputs(
            cx,
            schema,
            span,
            |name| assigns.iter().any(|assign| assign.name.text == name),
            &whose(decl),
            |field| {
                let mut params = cx.whole_plan().params.iter();
                let same = params.find(|param| param.name == field.name)?;
                let fits = assign(&same.ty, &field.ty, &cx.scope.types).is_ok();
                fits.then(|| (K::Input, format!("{0}: params.{0}", field.name)))
            },
        );
    }
    // a shell without its script has been reported, and so has a clause that should be called otherwise
    let mut meant = clauses_meant(decl);
    let takes = meant.any(|(key, _)| matches!(key, K::Do | K::Using | K::Run | K::Call)) || cx.header_is_broken();
    if let (Doer::Nothing, Some(input), false) = (work, written, takes) {
        let message = format!(
            "{} has inputs but nothing that takes them, expected `run`, `using` or `call`",
            whose(decl)
        );
        cx.push(Problem::new(rules::CONFLICTING_CLAUSES, input.name.span, message));
    }
    (bindings, types)
}

pub(super) fn unknown_input(cx: &Cx<'_>, name: &Name, schema: &[TypedField], has: &str) {
    let known: Vec<SmolStr> = schema.iter().map(|field| field.name.clone()).collect();
    let problem = Problem::new(
        rules::UNKNOWN_INPUT,
        name.span,
        format!("there is no input `{}` to give", name.text),
    );
    let mut problem = problem.nearest(&name.text, &known);
    if problem.help.is_none() && !known.is_empty() {
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        problem = problem.help(format!("{has} {}", known.join(", ")));
    }
    cx.push(problem);
}

pub(super) fn missing_inputs(
    cx: &Cx<'_>,
    schema: &[TypedField],
    span: Span,
    given: impl Fn(&str) -> bool,
    whose: &str,
    guess: impl Fn(&TypedField) -> Option<(K, String)>,
) {
    let missing: Vec<&TypedField> = schema
        .iter()
        .filter(|field| !field.has_default && !field.ty.is_optional() && !given(&field.name))
        .collect();
    if missing.is_empty() {
        return;
    }
    let listed: Vec<String> = missing.iter().map(|field| format!("`{}`", field.name)).collect();
    let message = format!(
        "{whose} does not give {}, expected because it has no default",
        listed.join(", ")
    );
    let help: Vec<String> = missing
        .iter()
        .map(|field| format!("`{}: …` (a `{}`)", field.name, field.ty))
        .collect();
    let problem = Problem::new(rules::MISSING_INPUT, span, message).help(format!("add {}", help.join(", ")));
    cx.push(match missing.iter().find_map(|field| guess(field)) {
        Some((key, line)) => {
            let title = format!("add `{line}`");
            problem.amend(title, Whose::Here, AmendHow::Entry(key, line))
        }
        None => problem,
    });
}

/// `do:` lines; the names that they bind.
pub(super) fn steps(cx: &Cx<'_>, decl: &Decl, place: &Place<'_, '_>) -> (Vec<Step>, Vec<(SmolStr, Type)>) {
    let Some(Value::Steps(steps)) = clause(decl, K::Do).map(|clause| &clause.value) else {
        return (Vec::new(), Vec::new());
    };
    let mut lowered = Vec::new();
    let mut bound: Vec<(SmolStr, Type)> = Vec::new();
    for step in steps {
        let inner = Place {
            cx,
            reads: place.reads,
            each: place.each.clone(),
            input: place.input,
            own: &bound,
            own_outputs: false,
            captures: Captures::None,
            known: place.known,
            agents: place.agents,
        };
        let (input, ty) = do_step(cx, step, &inner);
        let capability = cx.scope.capabilities.get(&step.capability.text);
        lowered.push(Step {
            capability: step.capability.text.clone(),
            input,
            bind: step.bind.as_ref().map(|name| name.text.clone()),
            idempotent: capability.is_none_or(|capability| capability.idempotent),
        });
        if let Some(name) = &step.bind {
            if bound.iter().any(|(before, _)| *before == name.text) {
                let message = format!("an earlier line binds `{}`, expected a new name", name.text);
                cx.push(Problem::new(rules::DUPLICATE_NAME, name.span, message));
            }
            bound.push((name.text.clone(), ty));
        }
    }
    (lowered, bound)
}

fn do_step(cx: &Cx<'_>, step: &Written, place: &Place<'_, '_>) -> (Vec<Binding>, Type) {
    let Some(capability) = used_capability(cx, &step.capability) else {
        for arg in &step.args {
            cx.with_report(|report| infer(&arg.value, None, place, report));
        }
        return (Vec::new(), Type::Error);
    };
    let mut input = Vec::new();
    for arg in &step.args {
        let expected = match &arg.name {
            Some(name) => match capability.input.iter().find(|field| field.name == name.text) {
                Some(field) => Some(&field.ty),
                None => {
                    if !capability.is_broken(K::Input) {
                        unknown_input(cx, name, &capability.input, &format!("`{}` has", step.capability.text));
                    }
                    None
                }
            },
            None => {
                let message = format!(
                    "the arguments of `{}` are named, expected `name: value`",
                    step.capability.text
                );
                cx.push(Problem::new(rules::WRONG_ARGUMENTS, arg.value.span, message));
                None
            }
        };
        let value = cx.with_report(|report| infer(&arg.value, expected, place, report));
        input.extend(arg.name.as_ref().map(|name| Binding {
            name: name.text.clone(),
            value: value.expr,
        }));
    }
    let given = |name: &str| {
        step.args
            .iter()
            .any(|arg| arg.name.as_ref().is_some_and(|given| given.text == name))
    };
    missing_inputs(
        cx,
        &capability.input,
        step.capability.span,
        given,
        &format!("`{}`", step.capability.text),
        |_| None,
    );
    (input, capability.answer())
}
