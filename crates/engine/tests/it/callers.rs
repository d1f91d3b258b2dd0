//! Random plans of which some call plans, one of which calls the other.

use ir::plan::{Body, Node, Plan, Work};

use crate::generate::{Rng, random};

/// Plans with fewer nodes call none.
const CALLERS_MIN: usize = 5;
const CALLS_PERCENT: u64 = 40;

/// A random valid plan of at most `nodes_max` nodes.
#[allow(dead_code, reason = "the simulation puts its plans together itself")]
pub fn random_with_calls(rng: &mut Rng, nodes_max: usize) -> Plan {
    loop {
        let mut plan = random(rng, nodes_max);
        if plan.nodes.len() >= CALLERS_MIN && rng.percent(CALLS_PERCENT) {
            add_calls(rng, &mut plan);
        }
        if ir::verify::verify(&plan).is_ok() {
            return plan;
        }
    }
}

/// What the called plans do may be repeated, so that no doubt is left in them: the model knows of doubts in the
/// outermost plan only.
pub fn add_calls(rng: &mut Rng, plan: &mut Plan) {
    for name in ["inner", "outer"] {
        let mut called = random(rng, CALLERS_MIN - 1);
        called.name = name.into();
        called.limits.parallel = rng.percent(30).then(|| 1 + rng.clone().below(2) as u32);
        for node in &mut called.nodes {
            if let Body::Task(task) = &mut node.body {
                task.idempotent = true;
            }
        }
        if name == "outer" {
            call(rng, &mut called.nodes, &["inner"]);
        }
        plan.plans.insert(name.into(), called);
    }
    call(rng, &mut plan.nodes, &["inner", "outer"]);
}

fn call(rng: &mut Rng, nodes: &mut [Node], plans: &[&str]) {
    for node in nodes {
        if let Body::Task(task) = &mut node.body
            && task.script().is_some()
            && rng.percent(CALLS_PERCENT)
        {
            task.work = Work::Call((*rng.pick(plans)).into());
            task.fail.clear();
            task.remember.clear();
            task.idempotent = true;
        }
    }
}
