//! Every expression and every type of a plan, each with where it stands.
//!
//! One list for all who want them all: verification, hashes, the records that a plan uses, what changed between two plans.
//! Plans that a plan calls are plans of their own and are not entered. Absent: what stands inside an expression
//! ([`Expr::walk`]), except for the types of its casts.

use crate::expr::Expr;
use crate::plan::{Body, Expectation, Gate, Interpreter, Node, NodeId, Param, Plan, Runner, Script, Task, Work};
use crate::types::Type;

/// Where an expression stands; what it may refer to depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Site {
    /// Defaults of parameters, of inputs of capabilities and of memory: nothing is known there.
    Constant,
    /// A clause of the plan.
    Plan,
    /// `when` of `trigger`
    Trigger,
    /// `when` of an alert
    Alert,
    /// An argument of a runner, and its script.
    Runner,
    /// The title, options or the condition of a node; what `each` goes over; an arm.
    Node,
    /// The key of `each`, and inputs: the item is known.
    Item,
    /// What an attempt is started with: its own input is known.
    Start,
    /// The n-th line of `do:`: what the lines before it bind is known.
    Step(usize),
    /// `requires`
    Before,
    /// `output`, and `checks` of a gate
    After,
    /// `expect`
    Expect,
    /// `fail`, `remember`, evidence
    Judged,
}

macro_rules! visitor {
    (
        $(#[$doc:meta])*
        $node:ident, $task:ident, $gate:ident, $script:ident, $checks:ident, $iter:ident $(, $mut:tt)?
    ) => {
        fn $task<'p>(task: &'p $($mut)? Task, see: &mut dyn FnMut(&'p $($mut)? Expr, Site)) {
            if let Some(each) = &$($mut)? task.each {
                see(&$($mut)? each.list, Site::Node);
                each.by.$iter().for_each(|by| see(by, Site::Item));
            }
            task.input.$iter().for_each(|input| see(&$($mut)? input.value, Site::Item));
            match &$($mut)? task.work {
                Work::Nothing | Work::Capability(_) | Work::Call(_) => {}
                Work::Script(script) => $script(script, Site::Start, see),
                Work::Steps(steps) => {
                    for (at, step) in steps.$iter().enumerate() {
                        step.input.$iter().for_each(|input| see(&$($mut)? input.value, Site::Step(at)));
                    }
                }
            }
            task.rollback.$iter().for_each(|script| $script(script, Site::Start, see));
            task.timeout.$iter().for_each(|timeout| see(timeout, Site::Start));
            task.key.$iter().for_each(|key| see(key, Site::Start));
            $checks(task.requires.$iter(), Site::Before, see);
            $checks(task.assumes.$iter(), Site::Before, see);
            task.output.$iter().for_each(|output| see(&$($mut)? output.value, Site::After));
            for fail in task.fail.$iter() {
                see(&$($mut)? fail.when, Site::Judged);
                fail.message.$iter().for_each(|message| see(message, Site::Judged));
            }
            $checks(task.expect.$iter(), Site::Expect, see);
            task.remember.$iter().for_each(|remember| see(&$($mut)? remember.value, Site::Judged));
            task.evidence.$iter().for_each(|evidence| see(&$($mut)? evidence.when, Site::Judged));
        }

        fn $gate<'p>(gate: &'p $($mut)? Gate, see: &mut dyn FnMut(&'p $($mut)? Expr, Site)) {
            gate.script.$iter().for_each(|script| $script(script, Site::Node, see));
            gate.timeout.$iter().for_each(|timeout| see(timeout, Site::Node));
            for option in gate.options.$iter() {
                option.title.$iter().chain(option.note.$iter()).for_each(|text| see(text, Site::Node));
            }
            $checks(gate.checks.$iter(), Site::After, see);
        }

        fn $script<'p>(script: &'p $($mut)? Script, site: Site, see: &mut dyn FnMut(&'p $($mut)? Expr, Site)) {
            if let Interpreter::Command(command) = &$($mut)? script.interpreter {
                see(command, site);
            }
            let bindings = script.vars.$iter().chain(script.env.$iter());
            bindings.for_each(|binding| see(&$($mut)? binding.value, site));
            script.dir.$iter().for_each(|dir| see(dir, site));
        }

        fn $checks<'p>(
            checks: impl Iterator<Item = &'p $($mut)? Expectation>,
            site: Site,
            see: &mut dyn FnMut(&'p $($mut)? Expr, Site),
        ) {
            for check in checks {
                if let Expectation::Check { expr, .. } = check {
                    see(expr, site);
                }
            }
        }

        $(#[$doc])*
        pub fn $node<'p>(node: &'p $($mut)? Node, see: &mut dyn FnMut(&'p $($mut)? Expr, Site)) {
            node.when.$iter().for_each(|when| see(when, Site::Node));
            let title = match node.body {
                Body::Task(_) => Site::Item,
                Body::Gate(_) | Body::Decision(_) => Site::Node,
            };
            node.title.$iter().for_each(|text| see(text, title));
            match &$($mut)? node.body {
                Body::Task(task) => $task(task, see),
                Body::Gate(gate) => $gate(gate, see),
                Body::Decision(decision) => {
                    decision.arms.$iter().for_each(|arm| arm.when.$iter().for_each(|when| see(when, Site::Node)));
                }
            }
        }
    };
}

visitor! {
    /// Hands every expression of a node to a visitor, in a fixed order.
    node, task, gate, script, checks, iter
}
visitor! {
    /// The same, to change them.
    node_mut, task_mut, gate_mut, script_mut, checks_mut, iter_mut, mut
}

/// Hands every expression of a plan to a visitor, those of its nodes last, each with its node.
fn plan<'p>(plan: &'p Plan, see: &mut dyn FnMut(&'p Expr, Option<NodeId>)) {
    own(plan, &mut |expr, _| see(expr, None));
    for (id, found) in (0..).zip(&plan.nodes) {
        node(found, &mut |expr, _| see(expr, Some(id)));
    }
}

/// Hands every expression of a plan that is not one of its nodes' to a visitor.
pub fn own<'p>(plan: &'p Plan, own: &mut dyn FnMut(&'p Expr, Site)) {
    params(&plan.params, own);
    let defaults = plan.memory.iter().filter_map(|memory| memory.default.as_ref());
    defaults.for_each(|default| own(default, Site::Constant));
    plan.outputs.iter().for_each(|output| own(&output.value, Site::Plan));
    plan.dir.iter().for_each(|dir| own(dir, Site::Plan));
    if let Some(when) = plan.trigger.as_ref().and_then(|trigger| trigger.when.as_ref()) {
        own(when, Site::Trigger);
    }
    for alert in &plan.alerts {
        own(&alert.name, Site::Alert);
        own(&alert.when, Site::Alert);
    }
    for hypothesis in &plan.hypotheses {
        hypothesis.title.iter().for_each(|title| own(title, Site::Plan));
    }
    for capability in plan.capabilities.values() {
        params(&capability.input, own);
        params(&capability.output, own);
        capability.runner.iter().for_each(|found| runner(found, own));
    }
    for agent in plan.agents.values() {
        agent.runner.iter().for_each(|found| runner(found, own));
    }
}

fn params<'p>(params: &'p [Param], see: &mut dyn FnMut(&'p Expr, Site)) {
    let defaults = params.iter().filter_map(|param| param.default.as_ref());
    defaults.for_each(|default| see(default, Site::Constant));
}

fn runner<'p>(runner: &'p Runner, see: &mut dyn FnMut(&'p Expr, Site)) {
    runner.script.iter().for_each(|found| script(found, Site::Runner, see));
    runner.args.iter().for_each(|arg| see(&arg.value, Site::Runner));
}

/// Hands every type of a plan to a visitor: those that are declared, and those that expressions check data against.
pub fn types<'p>(plan: &'p Plan, see: &mut dyn FnMut(&'p Type, Option<NodeId>)) {
    own_types(plan, &mut |ty| see(ty, None));
    for (id, node) in (0..).zip(&plan.nodes) {
        if let Body::Task(task) = &node.body {
            task.output.iter().for_each(|output| see(&output.ty, Some(id)));
        }
    }
    self::plan(plan, &mut |expr, node| {
        expr.walk(&mut |part, _, _| {
            if let Expr::Cast(cast) = part {
                see(&cast.1, node);
            }
        });
    });
}

/// Hands every type to a visitor that a plan declares outside of its nodes.
pub fn own_types<'p>(plan: &'p Plan, see: &mut dyn FnMut(&'p Type)) {
    let records = plan.types.0.values().flat_map(|record| &record.fields);
    records.for_each(|field| see(&field.ty));
    let capabilities = plan.capabilities.values();
    let fields = capabilities.flat_map(|capability| capability.input.iter().chain(&capability.output));
    plan.params.iter().chain(fields).for_each(|param| see(&param.ty));
    plan.outputs.iter().for_each(|output| see(&output.ty));
    plan.memory.iter().for_each(|memory| see(&memory.ty));
}
