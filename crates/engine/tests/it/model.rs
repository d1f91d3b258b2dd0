//! Section 10 of the language as a naive fixpoint: what every node must come to, whatever the order.
//!
//! Written from the table alone, without a look at the engine: statuses are unknown until a rule gives them, and rules are
//! tried on all nodes until none gives anything new.

use std::collections::BTreeSet;

use engine::event::{How, NodeStatus};
use ir::expr::Expr;
use ir::plan::{Body, Need, Node, NodeId, Plan, Tolerate, Work};
use ir::value::Value;

/// What an attempt comes to, decided by the seed alone.
pub fn outcome(seed: u64, node: NodeId, instance: Option<u32>, attempt: u32) -> How {
    let mut mix = crate::generate::Rng(
        seed ^ (u64::from(node) << 40) ^ (u64::from(instance.map_or(0, |i| i + 1)) << 20) ^ u64::from(attempt),
    );
    mix.next();
    // All failures of one node are alike, so that no order of its instances or attempts decides its mode.
    let mut kind = crate::generate::Rng(seed ^ (u64::from(node) << 40) ^ 0xF00);
    kind.next();
    if !mix.percent(45) {
        return How::Exited(0);
    }
    match kind.below(4) {
        0 => How::TimedOut,
        1 => How::Exited(3),
        _ => How::Exited(1),
    }
}

/// What decides the attempts in a called plan: where its nodes' names begin.
pub fn seed_of(seed: u64, prefix: &str) -> u64 {
    prefix
        .bytes()
        .fold(seed, |seed, byte| seed.wrapping_mul(0x0100_0000_01B3) ^ u64::from(byte))
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fate {
    pub status: NodeStatus,
    pub mode: Option<String>,
}

pub struct Model<'a> {
    plan: &'a Plan,
    /// The outermost, which has the plans that are called.
    root: &'a Plan,
    /// What the names of its nodes begin with.
    prefix: String,
    /// Of the outermost.
    run_seed: u64,
    seed: u64,
    /// Nodes whose attempt a crash left in doubt.
    doubted: BTreeSet<NodeId>,
    pub fates: Vec<Option<Fate>>,
}

fn truth(expr: Option<&Expr>) -> bool {
    match expr {
        None => true,
        Some(Expr::Const(Value::Bool(value))) => *value,
        Some(other) => panic!("the generator makes constants, not {other:?}"),
    }
}

pub fn fallback(node: &Node) -> Option<NodeId> {
    match &node.body {
        Body::Task(task) => task.fallback,
        _ => None,
    }
}

impl<'a> Model<'a> {
    pub fn solve(plan: &'a Plan, seed: u64, doubted: BTreeSet<NodeId>) -> Self {
        Self::within(plan, plan, seed, String::new(), doubted)
    }

    fn within(plan: &'a Plan, root: &'a Plan, run_seed: u64, prefix: String, doubted: BTreeSet<NodeId>) -> Self {
        let mut model = Self {
            plan,
            root,
            seed: seed_of(run_seed, &prefix),
            prefix,
            run_seed,
            doubted,
            fates: vec![None; plan.nodes.len()],
        };
        loop {
            let before = model.fates.iter().flatten().count();
            for id in 0..plan.nodes.len() as NodeId {
                if model.fates[id as usize].is_none() {
                    model.fates[id as usize] = model.decide(id);
                }
            }
            if model.fates.iter().flatten().count() == before {
                return model;
            }
        }
    }

    /// A view of statuses that something else has reached.
    pub fn of(plan: &'a Plan, fates: Vec<Option<Fate>>) -> Self {
        Self {
            plan,
            root: plan,
            prefix: String::new(),
            run_seed: 0,
            seed: 0,
            doubted: BTreeSet::new(),
            fates,
        }
    }

    fn fate(&self, id: NodeId) -> Option<&Fate> {
        self.fates[id as usize].as_ref()
    }

    fn decide(&self, id: NodeId) -> Option<Fate> {
        let skipped = Some(Fate {
            status: NodeStatus::Skipped,
            mode: None,
        });
        if self.any_need_is_no(id) || self.is_active(id) == Some(false) {
            return skipped;
        }
        if !self.may_start(id) {
            return None;
        }
        let node = &self.plan.nodes[id as usize];
        if !truth(node.when.as_ref()) {
            return skipped;
        }
        let mode = self.run(id);
        let status = if mode.is_some() {
            NodeStatus::Failed
        } else {
            NodeStatus::Completed
        };
        Some(Fate { status, mode })
    }

    fn any_need_is_no(&self, id: NodeId) -> bool {
        self.plan.nodes[id as usize]
            .needs
            .iter()
            .any(|need| self.met(need) == Some(false))
    }

    /// Active, and every need is *yes*.
    pub fn may_start(&self, id: NodeId) -> bool {
        self.is_active(id) == Some(true)
            && self.plan.nodes[id as usize]
                .needs
                .iter()
                .all(|need| self.met(need) == Some(true))
    }

    fn met(&self, need: &Need) -> Option<bool> {
        match need {
            Need::Node { node, optional } => {
                let plain = self.satisfies(*node)?;
                let fate = self.fate(*node)?;
                let excused = fate.status == NodeStatus::Skipped
                    || fate.status == NodeStatus::Failed && self.plan.nodes[*node as usize].optional;
                Some(plain || *optional && excused)
            }
            Need::Quorum { count, of } => {
                let answers: Vec<_> = of.iter().map(|node| self.satisfies(*node)).collect();
                let yes = answers.iter().filter(|answer| **answer == Some(true)).count();
                let open = answers.iter().filter(|answer| answer.is_none()).count();
                if yes >= *count as usize {
                    Some(true)
                } else {
                    (yes + open < *count as usize).then_some(false)
                }
            }
        }
    }

    fn satisfies(&self, id: NodeId) -> Option<bool> {
        let fate = self.fate(id)?;
        match (fate.status, fallback(&self.plan.nodes[id as usize])) {
            (NodeStatus::Completed, _) => Some(true),
            (NodeStatus::Failed, Some(fallback)) if fate.mode.as_deref() != Some("in-doubt") => {
                self.satisfies(fallback)
            }
            _ => Some(false),
        }
    }

    /// Who activates a node, and whether each has, once it has settled.
    fn sources(&self, id: NodeId) -> Vec<Option<bool>> {
        let mut sources = Vec::new();
        for (from, node) in (0..).zip(&self.plan.nodes) {
            let routes: Vec<&str> = node
                .routes
                .iter()
                .filter(|route| route.to == id)
                .map(|route| route.on.as_str())
                .collect();
            let arms = match &node.body {
                Body::Decision(decision) => decision.arms.iter().any(|arm| arm.to == id),
                _ => false,
            };
            let stands_in = fallback(node) == Some(id);
            if !routes.is_empty() || arms || stands_in {
                sources.push(
                    self.fate(from)
                        .map(|fate| self.fires(node, fate, id, &routes, stands_in)),
                );
            }
        }
        sources
    }

    fn fires(&self, node: &Node, fate: &Fate, to: NodeId, routes: &[&str], stands_in: bool) -> bool {
        match fate.status {
            NodeStatus::Completed => {
                let taken = match &node.body {
                    Body::Decision(decision) => decision
                        .arms
                        .iter()
                        .find(|arm| truth(arm.when.as_ref()))
                        .map(|arm| arm.to),
                    _ => None,
                };
                routes.contains(&"success") || taken == Some(to)
            }
            NodeStatus::Failed => {
                let mode = fate.mode.as_deref().unwrap_or("");
                let named = node.routes.iter().any(|route| route.on == mode);
                let caught = !named && mode != "in-doubt" && routes.contains(&"failure");
                routes.contains(&mode) || caught || (stands_in && mode != "in-doubt")
            }
            _ => false,
        }
    }

    fn is_active(&self, id: NodeId) -> Option<bool> {
        let sources = self.sources(id);
        if sources.is_empty() {
            return Some(true);
        }
        let settled: Option<Vec<bool>> = sources.into_iter().collect();
        settled.map(|fired| fired.contains(&true))
    }

    /// The failure mode of a node that runs; none if it completes.
    fn run(&self, id: NodeId) -> Option<String> {
        if self.doubted.contains(&id) {
            return Some("in-doubt".to_owned());
        }
        match &self.plan.nodes[id as usize].body {
            Body::Decision(_) => None,
            Body::Gate(gate) => {
                let ran = gate.script.as_ref().map(|_| outcome(self.seed, id, None, 1));
                match ran {
                    Some(How::TimedOut) => Some("timeout".to_owned()),
                    Some(How::Exited(code)) if code != 0 => Some("rejected".to_owned()),
                    _ => {
                        let passed = gate.checks.iter().all(|check| match check {
                            ir::plan::Expectation::Check { expr, .. } => truth(Some(expr)),
                            ir::plan::Expectation::Prose { .. } => true,
                        });
                        (!passed).then(|| "rejected".to_owned())
                    }
                }
            }
            Body::Task(task) => {
                if task.work.is_nothing() {
                    return None;
                }
                let Some(each) = &task.each else {
                    return self.attempts(id, None);
                };
                let Expr::Const(Value::List(items)) = &each.list else {
                    panic!("a constant list")
                };
                let failures: Vec<String> = (0..items.len() as u32)
                    .filter_map(|instance| self.attempts(id, Some(instance)))
                    .collect();
                let tolerated = match each.tolerate {
                    Tolerate::Count(count) => count as usize,
                    Tolerate::BasisPoints(points) => items.len() * points as usize / 10_000,
                };
                if failures.len() > tolerated {
                    failures.into_iter().next()
                } else {
                    None
                }
            }
        }
    }

    fn attempts(&self, id: NodeId, instance: Option<u32>) -> Option<String> {
        let Body::Task(task) = &self.plan.nodes[id as usize].body else {
            return None;
        };
        let mut attempt = 1;
        loop {
            let mode = match &task.work {
                Work::Call(name) => self.call(name, id, instance, attempt)?,
                _ => match outcome(self.seed, id, instance, attempt) {
                    How::Exited(0) => return None,
                    How::Exited(3) => "x",
                    How::TimedOut => "timeout",
                    _ => "failure",
                },
            };
            let again = task.retry.as_ref().is_some_and(|retry| {
                attempt <= retry.max && (retry.on.is_empty() || retry.on.iter().any(|on| on == mode))
            });
            if !again {
                return Some(mode.to_owned());
            }
            attempt += 1;
        }
    }

    /// The mode of a call: that of the first failure in the plan that nothing handles, if other plans know it.
    fn call(&self, name: &str, id: NodeId, instance: Option<u32>, attempt: u32) -> Option<&'static str> {
        let mut prefix = format!("{}n{id}", self.prefix);
        if let Some(instance) = instance {
            prefix += &format!("[{instance}]");
        }
        if attempt > 1 {
            prefix += &format!("#{attempt}");
        }
        prefix.push('/');
        let inner = Model::within(
            &self.root.plans[name],
            self.root,
            self.run_seed,
            prefix,
            BTreeSet::new(),
        );
        let failed = inner.first_unhandled()?;
        match inner.fate(failed)?.mode.as_deref() {
            Some("timeout") => Some("timeout"),
            _ => Some("failure"),
        }
    }

    fn first_unhandled(&self) -> Option<NodeId> {
        (0..self.plan.nodes.len() as NodeId).find(|id| {
            let failed = self.fate(*id).is_some_and(|fate| fate.status == NodeStatus::Failed);
            failed && !self.handled(*id)
        })
    }

    /// Whether a failure is handled, once everything has settled.
    pub fn handled(&self, id: NodeId) -> bool {
        let node = &self.plan.nodes[id as usize];
        let Some(fate) = self.fate(id).filter(|fate| fate.status == NodeStatus::Failed) else {
            return false;
        };
        node.optional
            || (0..self.plan.nodes.len() as NodeId).any(|to| {
                let routes: Vec<&str> = node
                    .routes
                    .iter()
                    .filter(|route| route.to == to)
                    .map(|route| route.on.as_str())
                    .collect();
                let fired = self.fires(node, fate, to, &routes, fallback(node) == Some(to));
                let completed = self.fate(to).is_some_and(|fate| fate.status == NodeStatus::Completed);
                fired && (completed || self.handled(to))
            })
    }

    pub fn fails(&self) -> bool {
        self.first_unhandled().is_some()
    }
}
