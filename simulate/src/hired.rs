//! Lets agents do some of the tasks of a random plan, within quotas, and the whole within a budget.
//!
//! Whatever is limited has room for one call at least, so that everything waits and nothing is refused: what a task
//! comes to is then still decided by its attempts alone. Budgets of tasks refuse, and plans with one are not compared
//! with the model.

use ir::plan::{Agent, Body, Budget, Capability, Limits, Money, Per, Plan, Rate, Task, Work};
use rust_decimal::Decimal;
use smol_str::SmolStr;

use crate::generate::Rng;
use crate::plans::talking;

const CAPABILITIES: [&str; 2] = ["dig", "fill"];
const AGENTS: [&str; 3] = ["ann", "bob", "eve"];
const WINDOWS_MS: [u64; 3] = [100, 1_000, 20_000];

/// What still follows from the graph and the attempts alone.
pub struct Hired {
    /// How tasks end does not depend on who was free, or on what was spent before.
    pub is_settled: bool,
    /// They end as scripts would.
    pub is_modelled: bool,
}

/// Some tasks become calls, in the plan and in those that it calls.
pub fn hire(rng: &mut Rng, plan: &mut Plan) -> Hired {
    let agents = 1 + rng.below(AGENTS.len());
    let has_task_budgets = rng.percent(20);
    let hands: Vec<(SmolStr, Agent)> = AGENTS[..agents]
        .iter()
        .map(|name| ((*name).into(), agent(rng)))
        .collect();
    let capabilities = CAPABILITIES.map(|name| (SmolStr::new(name), capability(rng)));
    for called in plan.plans.values_mut() {
        put(rng, called, &hands, &capabilities, has_task_budgets);
    }
    put(rng, plan, &hands, &capabilities, has_task_budgets);
    if rng.percent(50) {
        plan.budget.cost = Some(cents(10 + rng.below(90)));
    }
    if rng.percent(30) {
        plan.limits.requests = requests(rng);
    }
    let is_settled = agents == 1 && !has_task_budgets;
    // one that may not be repeated is in doubt where a script would have timed out
    let once = |task: &Task| matches!(task.work, Work::Capability(_)) && !task.idempotent;
    let plans = || std::iter::once(&*plan).chain(plan.plans.values());
    let mut tasks = plans().flat_map(|plan| &plan.nodes).filter_map(|node| node.body.task());
    Hired {
        is_settled,
        is_modelled: is_settled && !tasks.any(once),
    }
}

fn put(
    rng: &mut Rng,
    plan: &mut Plan,
    hands: &[(SmolStr, Agent)],
    capabilities: &[(SmolStr, Capability)],
    has_task_budgets: bool,
) {
    plan.agents.extend(hands.iter().cloned());
    plan.capabilities.extend(capabilities.iter().cloned());
    for node in &mut plan.nodes {
        if let Body::Task(task) = &mut node.body
            && task.script().is_some()
            && rng.percent(45)
        {
            call(rng, task, hands);
            if has_task_budgets && rng.percent(50) {
                task.budget = Budget {
                    cost: Some(cents(10 + rng.below(20))),
                    ..Budget::default()
                }
                .into();
            }
        }
    }
}

fn call(rng: &mut Rng, task: &mut Task, hands: &[(SmolStr, Agent)]) {
    task.work = Work::Capability((*rng.pick(&CAPABILITIES)).into());
    task.idempotent |= rng.percent(70);
    // exit codes and captures are those of scripts
    task.fail.clear();
    task.remember.clear();
    if rng.percent(50) {
        task.by = hands.iter().map(|(name, _)| name.clone()).collect();
        let first = rng.below(task.by.len());
        task.by.rotate_left(first);
    }
}

fn agent(rng: &mut Rng) -> Agent {
    Agent {
        provides: CAPABILITIES.map(SmolStr::new).into(),
        limits: Limits {
            parallel: rng.percent(50).then(|| 1 + rng.below(2) as u32),
            requests: if rng.percent(60) { requests(rng) } else { Vec::new() },
            // the dearest call alone fits
            cost: match rng.percent(30) {
                true => vec![Rate {
                    amount: cents(10 + rng.below(10)),
                    per: window(rng),
                }],
                false => Vec::new(),
            },
            ..Limits::default()
        },
        ..Agent::default()
    }
}

fn requests(rng: &mut Rng) -> Vec<Rate<u64>> {
    vec![Rate {
        amount: 1 + rng.below(3) as u64,
        per: window(rng),
    }]
}

fn window(rng: &mut Rng) -> Per {
    Per::WindowMs(*rng.pick(&WINDOWS_MS))
}

fn capability(rng: &mut Rng) -> Capability {
    Capability {
        cost: vec![Rate {
            amount: cents(1 + rng.below(10)),
            per: Per::Call,
        }],
        ..talking()
    }
}

fn cents(count: usize) -> Money {
    Money(Decimal::new(count as i64, 2))
}
