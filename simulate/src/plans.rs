//! Plans to simulate: those of the engine's own tests, one to three of them behind each other. Some call plans, some
//! have agents, quotas and budgets, and some of their gates and tasks ask people, who may come too late, disagree, or
//! never come.

use ir::Value;
use ir::expr::{Binary, BinaryOp, Expr, Ref};
use ir::plan::{
    Binding, Body, Capability, Expectation, FailurePolicy, Gate, Need, Node, NodeId, Param, Plan, Runner, RunnerKind,
    Task, Work,
};
use ir::types::Type;

use crate::callers::add_calls;
use crate::generate::{Rng, ancestors, random, script};
use crate::hired::hire;

/// Of each part.
const NODES_MAX: usize = 14;
/// What people are asked by tasks.
pub const ASK: &str = "ask";
/// How long a gate or a question waits: some decisions come later, and some never.
const GATE_MS: [i64; 3] = [50, 400, 20_000];

/// A plan, and what follows from it alone.
pub struct Drawn {
    pub plan: Plan,
    /// Nothing but the graph and the attempts decides how its nodes end: no order, no clock, no purse.
    pub is_settled: bool,
    /// Its attempts end as those of the model do.
    pub is_modelled: bool,
}

pub fn plan(rng: &mut Rng) -> Drawn {
    loop {
        let drawn = candidate(rng);
        if ir::verify::verify(&drawn.plan).is_ok() {
            return drawn;
        }
    }
}

fn candidate(rng: &mut Rng) -> Drawn {
    let mut plan = random(rng, NODES_MAX);
    for _ in 0..rng.below(4) {
        let part = random(rng, NODES_MAX);
        let longer = behind(rng, &plan, part);
        if ir::verify::verify(&longer).is_ok() {
            plan = longer;
        }
    }
    if rng.percent(25) {
        plan.failure = FailurePolicy::Abort;
    }
    if rng.percent(30) {
        add_calls(rng, &mut plan);
    }
    expect_of_others(rng, &mut plan);
    // instances that call plans may fail differently, and the first that is one too many names the mode
    let plans = || std::iter::once(&plan).chain(plan.plans.values());
    let mut tasks = plans().flat_map(|plan| &plan.nodes).filter_map(|node| node.body.task());
    let is_settled = !tasks.any(|task| task.each.is_some() && matches!(task.work, Work::Call(_)));
    let mut drawn = Drawn {
        plan,
        is_settled,
        is_modelled: is_settled,
    };
    if rng.percent(40) {
        let hired = hire(rng, &mut drawn.plan);
        drawn.is_settled &= hired.is_settled;
        drawn.is_modelled &= hired.is_modelled;
    }
    if rng.percent(50) {
        drawn.is_settled &= ask_people(rng, &mut drawn.plan);
        drawn.is_modelled = false;
    }
    drawn
}

/// Some tasks whose results are kept are judged by what another node printed, which they do not read themselves. It is
/// always as they expect.
fn expect_of_others(rng: &mut Rng, plan: &mut Plan) {
    let behind = ancestors(plan);
    let printed = |id: &NodeId| {
        let task = plan.nodes[*id as usize].body.task();
        task.is_some_and(|task| task.script().is_some() && task.each.is_none())
    };
    let behind: Vec<Vec<NodeId>> = behind
        .iter()
        .map(|nodes| nodes.iter().copied().filter(printed).collect())
        .collect();
    for (node, behind) in plan.nodes.iter_mut().zip(&behind) {
        let Body::Task(task) = &mut node.body else { continue };
        if task.cache_ms.is_none() || behind.is_empty() || !rng.percent(50) {
            continue;
        }
        let from = *rng.pick(behind);
        let name = format!("o{from}");
        if let Some(script) = task.script_mut() {
            script.env.retain(|binding| binding.name != name);
        }
        let printed = Expr::Ref(Ref::Output(from, "stdout".into()));
        task.expect.push(Expectation::Check {
            expr: Expr::Binary(Box::new(Binary {
                op: BinaryOp::Ne,
                lhs: printed,
                rhs: Expr::Const("never".into()),
            })),
            text: "as ever".into(),
        });
    }
}

/// Lets some gates ask people, and adds a few that do, each with something that waits for it. Whether people always
/// come in time.
fn ask_people(rng: &mut Rng, plan: &mut Plan) -> bool {
    let hurried = rng.percent(30);
    let questions = rng.percent(50);
    for plan in plan.plans.values_mut() {
        ask_in(rng, plan, hurried, questions);
    }
    ask_in(rng, plan, hurried, questions);
    for _ in 0..1 + rng.below(3) {
        let before = rng.below(plan.nodes.len()) as NodeId;
        let mut gate = Gate::default();
        asked(rng, &mut gate, hurried);
        let at = plan.nodes.len() as NodeId;
        let waits = Task {
            work: script("after").into(),
            ..Task::default()
        };
        let added = [
            (Body::Gate(Box::new(gate)), before, true),
            (Body::Task(Box::new(waits)), at, false),
        ];
        for (body, node, optional) in added {
            let mut added = Node::new(format!("n{}", plan.nodes.len()), body);
            added.needs.push(Need::Node { node, optional });
            plan.nodes.push(added);
        }
    }
    !hurried
}

fn ask_in(rng: &mut Rng, plan: &mut Plan, hurried: bool, questions: bool) {
    for node in &mut plan.nodes {
        match &mut node.body {
            Body::Gate(gate) if rng.percent(60) => asked(rng, gate, hurried),
            Body::Task(task) if questions && task.script().is_some() && rng.percent(25) => question(rng, task, hurried),
            _ => {}
        }
    }
    if questions {
        plan.capabilities.insert(ASK.into(), people());
    }
}

/// A task asks people instead of running a script.
fn question(rng: &mut Rng, task: &mut Task, hurried: bool) {
    task.work = Work::Capability(ASK.into());
    task.idempotent = true;
    // exit codes and captures are those of scripts
    task.fail.clear();
    task.remember.clear();
    task.cache_ms = None;
    task.timeout = (hurried && rng.percent(60))
        .then(|| Expr::Const(Value::Duration(*rng.pick(&GATE_MS))))
        .into();
}

/// A capability that answers what a script would print: what reads the one that it stands for reads this.
pub fn talking() -> Capability {
    Capability {
        output: vec![Param {
            name: "stdout".into(),
            ty: Type::String(None),
            default: None,
            doc: None,
        }],
        idempotent: true,
        ..Capability::default()
    }
}

fn people() -> Capability {
    Capability {
        runner: Some(Runner {
            kind: RunnerKind::Human,
            script: None,
            args: vec![Binding {
                name: "ask".into(),
                value: Expr::Const("Well?".into()),
            }],
        }),
        ..talking()
    }
}

/// What people answer.
pub fn answer_of(text: &str) -> Value {
    Value::Record([("stdout".into(), text.into())].into())
}

fn asked(rng: &mut Rng, gate: &mut Gate, hurried: bool) {
    gate.approvers = vec!["role/release".into(), "role/owner".into()];
    gate.quorum = rng.percent(40).then_some(2);
    if hurried && rng.percent(60) {
        gate.timeout = Some(Expr::Const(Value::Duration(*rng.pick(&GATE_MS))));
    }
}

/// Nodes of the second plan come after those of the first, and some need one of them, if only that it has settled.
fn behind(rng: &mut Rng, first: &Plan, second: Plan) -> Plan {
    let mut plan = first.clone();
    let offset = plan.nodes.len() as NodeId;
    for key in second.memory {
        if plan.memory.iter().all(|known| known.key != key.key) {
            plan.memory.push(key);
        }
    }
    for mut node in second.nodes {
        shift(&mut node, offset);
        if rng.percent(30) {
            node.needs.push(Need::Node {
                node: rng.below(offset as usize) as NodeId,
                optional: true,
            });
        }
        node.id = format!("n{}", plan.nodes.len()).into();
        plan.nodes.push(node);
    }
    plan
}

/// Makes room for `by` nodes before the plan of this one.
fn shift(node: &mut Node, by: NodeId) {
    for need in &mut node.needs {
        match need {
            Need::Node { node, .. } => *node += by,
            Need::Quorum { of, .. } => of.iter_mut().for_each(|node| *node += by),
        }
    }
    node.routes.iter_mut().for_each(|route| route.to += by);
    match &mut node.body {
        Body::Gate(_) => {}
        Body::Decision(decision) => decision.arms.iter_mut().for_each(|arm| arm.to += by),
        Body::Task(task) => {
            task.fallback.iter_mut().for_each(|node| *node += by);
            for binding in task.script_mut().into_iter().flat_map(|script| &mut script.env) {
                // what the generator lets scripts read
                if let Expr::Ref(Ref::Output(node, _) | Ref::Status(node) | Ref::Error(node)) = &mut binding.value {
                    *node += by;
                }
            }
        }
    }
}
