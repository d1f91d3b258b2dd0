//! Expressions: how deep they are, and that what they refer to is there where they stand.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::{Verified, VerifyError, fail, known_type};
use crate::expr::{EXPR_DEPTH_MAX, Expr, Ref};
use crate::plan::{Body, Expectation, Gate, Interpreter, Node, NodeId, Plan, Script, Task};
use crate::value::{VALUE_DEPTH_MAX, Value};

/// What a script yields whether it is declared or not.
const SCRIPT_OUTPUTS: &[&str] = &["stdout", "stderr", "exit", "duration"];

/// Where an expression stands, and so what it may refer to.
#[derive(Clone, Copy, Default)]
struct Place<'p> {
    node: Option<&'p Node>,
    /// The node cannot be run yet and may refer to what is not lowered yet.
    opaque: bool,
    /// The variable of `each`.
    each: bool,
    /// `input.x` of the task.
    input: bool,
    /// The task's own outputs.
    own: bool,
    /// `stdout` and its kin.
    capture: bool,
    /// `file exists hash` and facts of the world.
    observe: bool,
}

/// What can be referred to, by name.
struct Known<'p> {
    plan: &'p Plan,
    params: BTreeSet<&'p SmolStr>,
    memory: BTreeSet<&'p SmolStr>,
    /// Nodes with a clause that is not lowered yet: what they yield is not known.
    opaque: BTreeSet<NodeId>,
}

pub(super) fn verify(plan: &Plan) -> Verified {
    let known = Known {
        plan,
        params: plan.params.iter().map(|param| &param.name).collect(),
        memory: plan.memory.iter().map(|memory| &memory.key).collect(),
        opaque: plan
            .unsupported
            .iter()
            .filter(|what| what.blocks)
            .filter_map(|what| what.node)
            .collect(),
    };
    known.plan_exprs()?;
    (0..).zip(&plan.nodes).try_for_each(|(id, node)| known.node(id, node))
}

impl<'p> Known<'p> {
    fn plan_exprs(&self) -> Verified {
        let place = Place::default();
        let defaults = self.plan.params.iter().filter_map(|param| param.default.as_ref());
        let memory = self.plan.memory.iter().filter_map(|memory| memory.default.as_ref());
        let outputs = self.plan.outputs.iter().map(|output| &output.value);
        let mut all = defaults.chain(memory).chain(outputs).chain(&self.plan.dir);
        all.try_for_each(|expr| self.expr(expr, place))
    }

    fn node(&self, id: NodeId, node: &'p Node) -> Verified {
        let opaque = self.opaque.contains(&id);
        let plain = Place {
            node: Some(node),
            opaque,
            ..Place::default()
        };
        node.when.iter().try_for_each(|expr| self.expr(expr, plain))?;
        match &node.body {
            Body::Task(task) => {
                let place = Place {
                    each: task.each.is_some(),
                    ..plain
                };
                node.title.iter().try_for_each(|expr| self.expr(expr, place))?;
                self.task(task, plain, place)
            }
            Body::Gate(gate) => {
                node.title.iter().try_for_each(|expr| self.expr(expr, plain))?;
                self.gate(gate, plain)
            }
            Body::Decision(decision) => {
                let arms = decision.arms.iter().filter_map(|arm| arm.when.as_ref());
                node.title
                    .iter()
                    .chain(arms)
                    .try_for_each(|expr| self.expr(expr, plain))
            }
        }
    }

    fn task(&self, task: &'p Task, plain: Place<'p>, place: Place<'p>) -> Verified {
        if let Some(each) = &task.each {
            self.expr(&each.list, plain)?;
            each.by.iter().try_for_each(|expr| self.expr(expr, place))?;
        }
        task.input
            .iter()
            .try_for_each(|binding| self.expr(&binding.value, place))?;
        let before = Place { input: true, ..place };
        task.script.iter().try_for_each(|script| self.script(script, before))?;
        task.timeout.iter().try_for_each(|expr| self.expr(expr, before))?;
        self.expectations(
            &task.requires,
            Place {
                observe: true,
                ..before
            },
        )?;
        let after = Place {
            capture: true,
            ..before
        };
        for output in &task.output {
            self.expr(&output.value, Place { observe: true, ..after })?;
        }
        let after = Place { own: true, ..after };
        for fail in &task.fail {
            self.expr(&fail.when, after)?;
            fail.message.iter().try_for_each(|expr| self.expr(expr, after))?;
        }
        self.expectations(&task.expect, Place { observe: true, ..after })?;
        task.remember
            .iter()
            .try_for_each(|remember| self.expr(&remember.value, after))
    }

    fn gate(&self, gate: &'p Gate, place: Place<'p>) -> Verified {
        gate.script.iter().try_for_each(|script| self.script(script, place))?;
        gate.timeout.iter().try_for_each(|expr| self.expr(expr, place))?;
        self.expectations(
            &gate.checks,
            Place {
                capture: true,
                observe: true,
                ..place
            },
        )
    }

    fn script(&self, script: &'p Script, place: Place<'p>) -> Verified {
        if let Interpreter::Command(command) = &script.interpreter {
            self.expr(command, place)?;
        }
        let bindings = script.vars.iter().chain(&script.env).map(|binding| &binding.value);
        bindings.chain(&script.dir).try_for_each(|expr| self.expr(expr, place))
    }

    fn expectations(&self, all: &'p [Expectation], place: Place<'p>) -> Verified {
        all.iter().try_for_each(|expectation| match expectation {
            Expectation::Check { expr, .. } => self.expr(expr, place),
            Expectation::Prose { .. } => Ok(()),
        })
    }

    fn expr(&self, expr: &Expr, place: Place<'_>) -> Verified {
        let mut result = Ok(());
        expr.walk(&mut |part, depth, items| {
            if result.is_ok() {
                result = self.part(part, depth, items, place);
            }
        });
        result
    }

    fn part(&self, part: &Expr, depth: usize, items: u32, place: Place<'_>) -> Verified {
        let node = place.node;
        if depth > EXPR_DEPTH_MAX {
            return fail(node, format!("an expression nests deeper than {EXPR_DEPTH_MAX} levels"));
        }
        match part {
            Expr::Const(value) => constant(node, value),
            Expr::It(depth) if *depth >= items => {
                fail(node, format!("`it` {depth} is below {items} functions about items"))
            }
            Expr::Call(call) => {
                let (least, most) = call.func.arity();
                if call.args.len() < least || most.is_some_and(|most| call.args.len() > most) {
                    return fail(
                        node,
                        format!("`{}` has {} arguments", call.func.name(), call.args.len()),
                    );
                }
                if call.func.observes() && !place.observe {
                    return fail(
                        node,
                        format!("`{}` looks at the world where that is not recorded", call.func.name()),
                    );
                }
                Ok(())
            }
            Expr::Cast(cast) => known_type(self.plan, node, &cast.1),
            Expr::Ref(reference) => match self.problem(reference, place) {
                Some(problem) => Err(VerifyError {
                    node: node.map(|node| node.id.clone()),
                    message: problem,
                }),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn problem(&self, reference: &Ref, place: Place<'_>) -> Option<String> {
        let missing = match reference {
            Ref::Param(name) => (!self.params.contains(name)).then(|| format!("there is no parameter `{name}`")),
            Ref::Memory(key) => (!self.memory.contains(key)).then(|| format!("there is no memory key `{key}`")),
            Ref::Output(id, name) => match self.plan.nodes.get(*id as usize) {
                Some(node) => self.missing_output(*id, node, name),
                None => return self.missing_node(*id),
            },
            Ref::Status(id)
            | Ref::Attempts(id)
            | Ref::NodeDuration(id)
            | Ref::NodeAgent(id)
            | Ref::Choice(id)
            | Ref::Error(id) => return self.missing_node(*id),
            Ref::Each => (!place.each).then(|| "the variable of `each` is read outside of it".to_owned()),
            Ref::Input(name) => {
                let input = place.input && task(place.node).is_some_and(|task| declares_input(task, name));
                (!input).then(|| format!("there is no input `{name}` here"))
            }
            Ref::Own(name) => {
                let own = place.own && task(place.node).is_some_and(|task| yields(task, name));
                (!own).then(|| format!("there is no output `{name}` of its own here"))
            }
            Ref::Capture(capture) => {
                (!place.capture).then(|| format!("`{}` is read before anything ran", capture.name()))
            }
            Ref::World(name) => {
                (!place.observe).then(|| format!("`{name}` looks at the world where that is not recorded"))
            }
            Ref::Secret(_) | Ref::Run(_) | Ref::Task(_) | Ref::Plan(_) | Ref::Budget(_) => None,
        };
        missing.filter(|_| !place.opaque)
    }

    fn missing_node(&self, id: NodeId) -> Option<String> {
        let count = self.plan.nodes.len();
        (id as usize >= count).then(|| format!("an expression points at node {id} of {count}"))
    }

    fn missing_output(&self, id: NodeId, node: &Node, name: &str) -> Option<String> {
        let there = match &node.body {
            Body::Task(task) => yields(task, name),
            Body::Gate(gate) => gate.script.is_some() && SCRIPT_OUTPUTS.contains(&name),
            Body::Decision(_) => false,
        };
        (!there && !self.opaque.contains(&id)).then(|| format!("`{}` has no output `{name}`", node.id))
    }
}

fn constant(node: Option<&Node>, value: &Value) -> Verified {
    match value {
        Value::Float(float) if !float.is_finite() => fail(node, "a constant is not a finite number"),
        value if !value.fits_depth(VALUE_DEPTH_MAX) => {
            fail(node, format!("a constant nests deeper than {VALUE_DEPTH_MAX} levels"))
        }
        _ => Ok(()),
    }
}

fn task(node: Option<&Node>) -> Option<&Task> {
    match node.map(|node| &node.body) {
        Some(Body::Task(task)) => Some(task),
        _ => None,
    }
}

fn declares_input(task: &Task, name: &str) -> bool {
    task.input.iter().any(|binding| binding.name == name)
}

fn yields(task: &Task, name: &str) -> bool {
    task.output.iter().any(|output| output.name == name) || (task.script.is_some() && SCRIPT_OUTPUTS.contains(&name))
}
