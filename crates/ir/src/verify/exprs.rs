//! Expressions: how deep they are, and that what they refer to is there where they stand.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::{Verified, VerifyError, fail, known_type};
use crate::expr::{EXPR_DEPTH_MAX, Expr, Ref};
use crate::plan::{Body, Node, NodeId, Plan, Task, Work};
use crate::value::{VALUE_DEPTH_MAX, Value};
use crate::visit::{self, Site};

/// What a script yields whether it is declared or not.
const SCRIPT_OUTPUTS: &[&str] = &["stdout", "stderr", "exit", "duration"];

/// What may be referred to where an expression stands.
#[derive(Clone, Copy, Default)]
struct Place<'p> {
    node: Option<&'p Node>,
    site: Option<Site>,
    /// The variable of `each`.
    each: bool,
    /// `input.x` of the task, or of the capability.
    input: bool,
    /// The task's own outputs, and what lines of `do:` bind.
    own: bool,
    /// `stdout` and its kin.
    capture: bool,
    /// `file exists hash` and facts of the world.
    observe: bool,
}

impl<'p> Place<'p> {
    fn at(node: Option<&'p Node>, site: Site) -> Self {
        let fans_out = node
            .and_then(|node| node.body.task())
            .is_some_and(|task| task.each.is_some());
        let started = matches!(
            site,
            Site::Runner | Site::Start | Site::Step(_) | Site::Before | Site::After | Site::Expect | Site::Judged
        );
        Self {
            node,
            site: Some(site),
            each: fans_out && (started || site == Site::Item),
            input: started,
            own: matches!(
                site,
                Site::Runner | Site::Step(_) | Site::After | Site::Expect | Site::Judged
            ),
            capture: matches!(site, Site::After | Site::Expect | Site::Judged),
            observe: matches!(site, Site::Before | Site::After | Site::Expect),
        }
    }
}

/// What can be referred to, by name.
pub(super) struct Known<'p> {
    pub plan: &'p Plan,
    /// Those that can be called.
    pub plans: &'p BTreeMap<SmolStr, Plan>,
    params: BTreeSet<&'p SmolStr>,
    memory: BTreeSet<&'p SmolStr>,
    secrets: BTreeSet<&'p SmolStr>,
    pub hypotheses: BTreeSet<&'p SmolStr>,
}

impl<'p> Known<'p> {
    pub fn of(plan: &'p Plan, plans: &'p BTreeMap<SmolStr, Plan>) -> Self {
        Self {
            plan,
            plans,
            params: plan.params.iter().map(|param| &param.name).collect(),
            memory: plan.memory.iter().map(|memory| &memory.key).collect(),
            secrets: plan.secrets.iter().map(|secret| &secret.name).collect(),
            hypotheses: plan.hypotheses.iter().map(|hypothesis| &hypothesis.name).collect(),
        }
    }
}

impl Known<'_> {
    /// The expressions that are not those of nodes.
    pub fn own(&self) -> Verified {
        let mut result = Ok(());
        visit::own(self.plan, &mut |expr, site| {
            if result.is_ok() {
                result = self.expr(expr, Place::at(None, site));
            }
        });
        result
    }

    /// Those of a node.
    pub fn exprs(&self, node: &Node) -> Verified {
        let mut result = Ok(());
        visit::node(node, &mut |expr, site| {
            if result.is_ok() {
                result = self.expr(expr, Place::at(Some(node), site));
            }
        });
        result
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
            Expr::Ref(reference) => match self.problem(reference, place) {
                Some(problem) => Err(VerifyError {
                    node: node.map(|node| node.id.clone()),
                    message: problem,
                }),
                None => Ok(()),
            },
            Expr::Cast(cast) => known_type(self.plan, node, &cast.1),
            _ => Ok(()),
        }
    }

    fn problem(&self, reference: &Ref, place: Place<'_>) -> Option<String> {
        let task = place.node.and_then(|node| node.body.task());
        let of_runner = place.site == Some(Site::Runner);
        match reference {
            Ref::Param(name) => (!self.params.contains(name)).then(|| format!("there is no parameter `{name}`")),
            Ref::Memory(key) => (!self.memory.contains(key)).then(|| format!("there is no memory key `{key}`")),
            Ref::Secret(name) => (!self.secrets.contains(name)).then(|| format!("there is no secret `{name}`")),
            Ref::Output(id, name) => match self.plan.nodes.get(*id as usize) {
                Some(node) => self.missing_output(node, name),
                None => self.missing_node(*id),
            },
            Ref::Status(id)
            | Ref::Attempts(id)
            | Ref::NodeDuration(id)
            | Ref::NodeAgent(id)
            | Ref::Choice(id)
            | Ref::Error(id) => self.missing_node(*id),
            Ref::Each => (!place.each).then(|| "the variable of `each` is read outside of it".to_owned()),
            Ref::Input(name) => {
                let there = of_runner || task.is_some_and(|task| declares_input(task, name));
                (!place.input || !there).then(|| format!("there is no input `{name}` here"))
            }
            Ref::Own(name) => {
                let there = of_runner || task.is_some_and(|task| self.is_own(task, name, place.site));
                (!place.own || !there).then(|| format!("there is no output `{name}` of its own here"))
            }
            Ref::Capture(capture) => {
                (!place.capture).then(|| format!("`{}` is read before anything ran", capture.name()))
            }
            Ref::World(name) => {
                (!place.observe).then(|| format!("`{name}` looks at the world where that is not recorded"))
            }
            Ref::Context(name) => {
                (place.site != Some(Site::Trigger)).then(|| format!("`context.{name}` is read outside of a trigger"))
            }
            Ref::Asked(_) => Some("a question of tests is asked in a plan".to_owned()),
            Ref::Run(_) | Ref::Task(_) | Ref::Plan(_) | Ref::Budget(_) => None,
        }
    }

    fn missing_node(&self, id: NodeId) -> Option<String> {
        let count = self.plan.nodes.len();
        (id as usize >= count).then(|| format!("an expression points at node {id} of {count}"))
    }

    fn missing_output(&self, node: &Node, name: &str) -> Option<String> {
        let there = match &node.body {
            Body::Task(task) => self.yields(task, name),
            Body::Gate(gate) => gate.script.is_some() && SCRIPT_OUTPUTS.contains(&name),
            Body::Decision(_) => false,
        };
        (!there).then(|| format!("`{}` has no output `{name}`", node.id))
    }

    /// Whether a task has an output of that name: declared, or else that of its work.
    fn yields(&self, task: &Task, name: &str) -> bool {
        if task.output.iter().any(|output| output.name == name) {
            return true;
        }
        match &task.work {
            Work::Script(_) => SCRIPT_OUTPUTS.contains(&name),
            Work::Capability(capability) if task.output.is_empty() => {
                let found = self.plan.capabilities.get(capability);
                found.is_some_and(|found| found.output.iter().any(|output| output.name == name))
            }
            Work::Call(plan) if task.output.is_empty() => {
                let found = self.plans.get(plan);
                found.is_some_and(|found| found.outputs.iter().any(|output| output.name == name))
            }
            Work::Nothing | Work::Steps(_) | Work::Capability(_) | Work::Call(_) => false,
        }
    }

    fn is_own(&self, task: &Task, name: &str, site: Option<Site>) -> bool {
        let lines = match (&task.work, site) {
            (Work::Steps(steps), Some(Site::Step(at))) => &steps[..at.min(steps.len())],
            (Work::Steps(steps), _) => steps,
            _ => &[],
        };
        lines.iter().any(|step| step.bind.as_deref() == Some(name))
            || (!matches!(site, Some(Site::Step(_) | Site::After)) && self.yields(task, name))
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

fn declares_input(task: &Task, name: &str) -> bool {
    task.input.iter().any(|binding| binding.name == name)
}
