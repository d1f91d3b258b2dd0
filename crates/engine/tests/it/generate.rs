//! Random plans, valid by construction or thrown away: every feature of the graph, few values.

use ir::expr::{Binary, BinaryOp, Capture, Expr, Ref};
use ir::plan::{
    Arm, Backoff, Binding, Body, Each, Expectation, FailMode, FailurePolicy, Gate, Interpreter, MemoryKey, MemoryScope,
    Need, Node, NodeId, Plan, Remember, Retry, Route, Script, Task, Tolerate,
};
use ir::types::Type;
use ir::value::Value;

/// SplitMix64.
#[derive(Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

pub fn plan() -> Plan {
    Plan {
        failure: FailurePolicy::Continue,
        ..Plan::new("p")
    }
}

pub fn script(text: &str) -> Script {
    Script {
        text: text.into(),
        interpreter: Interpreter::Bash,
        vars: Vec::new(),
        env: Vec::new(),
        dir: None,
    }
}

fn constant(value: bool) -> Expr {
    Expr::Const(Value::Bool(value))
}

/// A random valid plan of at most `nodes_max` nodes.
pub fn random(rng: &mut Rng, nodes_max: usize) -> Plan {
    loop {
        let candidate = candidate(rng, nodes_max);
        if ir::verify::verify(&candidate).is_ok() {
            return candidate;
        }
    }
}

/// Edges point forward in a hidden order; plan order is a shuffle of it.
fn candidate(rng: &mut Rng, nodes_max: usize) -> Plan {
    // Half of the plans are small and full of routes and fallbacks: there the rules meet.
    let dense = rng.percent(50);
    let count = 1 + rng.below(if dense { nodes_max / 2 } else { nodes_max });
    let mut place: Vec<NodeId> = (0..count as NodeId).collect();
    if rng.percent(50) {
        for i in (1..count).rev() {
            place.swap(i, rng.below(i + 1));
        }
    }
    let mut nodes: Vec<Node> = (0..count).map(|i| bare(rng, i, dense)).collect();
    for i in 1..count {
        connect(rng, &mut nodes, i, &place, dense);
    }
    for i in 0..count {
        add_fallback(rng, &mut nodes, i, &place, if dense { 50 } else { 25 });
        add_arms(rng, &mut nodes, i, &place);
    }
    let mut plan = plan();
    plan.limits.parallel = Some(1 + rng.below(4) as u32);
    plan.nodes = vec![nodes[0].clone(); count];
    for (i, node) in nodes.into_iter().enumerate() {
        plan.nodes[place[i] as usize] = node;
    }
    for (id, node) in plan.nodes.iter_mut().enumerate() {
        node.id = format!("n{id}").into();
    }
    if ir::verify::verify(&plan).is_ok() {
        add_reads(rng, &mut plan);
    }
    plan
}

fn bare(rng: &mut Rng, index: usize, dense: bool) -> Node {
    let body = match rng.below(if dense { 60 } else { 20 }) {
        0..=1 => Body::Task(Box::default()),
        2..=3 => Body::Decision(Box::default()),
        4..=5 => Body::Gate(Box::new(gate(rng))),
        _ => Body::Task(Box::new(script_task(rng))),
    };
    let mut node = Node::new(format!("n{index}"), body);
    node.optional = rng.percent(15);
    node.priority = if rng.percent(20) { rng.below(5) as i64 - 2 } else { 0 };
    if rng.percent(15) {
        node.when = Some(constant(rng.percent(60))).into();
    }
    node
}

fn gate(rng: &mut Rng) -> Gate {
    let check = Expectation::Check {
        expr: constant(rng.percent(70)),
        text: "check".into(),
    };
    let script = rng.percent(50).then(|| script("gate"));
    Gate {
        checks: vec![check],
        script,
        timeout: None,
        ..Gate::default()
    }
}

fn script_task(rng: &mut Rng) -> Task {
    let mut task = Task {
        work: script("run").into(),
        ..Task::default()
    };
    task.idempotent = rng.percent(75);
    let exits_3 = Expr::Binary(Box::new(Binary {
        op: BinaryOp::Eq,
        lhs: Expr::Ref(Ref::Capture(Capture::Exit)),
        rhs: Expr::Const(Value::Int(3)),
    }));
    task.fail.push(FailMode {
        mode: "x".into(),
        when: exits_3,
        message: None,
    });
    if rng.percent(30) {
        let backoff = match rng.below(3) {
            0 => Backoff::Immediate,
            1 => Backoff::Linear {
                base_ms: 100,
                step_ms: 50,
            },
            _ => Backoff::Exponential {
                base_ms: 100,
                cap_ms: Some(1000),
                factor_milli: 2000,
                jitter: true,
            },
        };
        let on = if rng.percent(30) {
            vec!["timeout".into(), "x".into()]
        } else {
            Vec::new()
        };
        task.retry = Some(Retry {
            max: rng.below(3) as u32,
            backoff,
            on,
        })
        .into();
    }
    if rng.percent(15) {
        let items = (0..rng.below(5) as i64).map(Value::Int).collect();
        let tolerate = if rng.percent(50) {
            Tolerate::Count(0)
        } else {
            Tolerate::BasisPoints(5000)
        };
        let parallel = rng.percent(50).then(|| 1 + rng.below(2) as u32);
        task.each = Some(Box::new(Each {
            var: "it".into(),
            list: Expr::Const(Value::List(items)),
            by: None,
            parallel,
            tolerate,
        }));
    }
    task
}

fn connect(rng: &mut Rng, nodes: &mut [Node], i: usize, place: &[NodeId], dense: bool) {
    for _ in 0..rng.below(3) {
        let from = rng.below(i);
        nodes[i].needs.push(Need::Node {
            node: place[from],
            optional: rng.percent(25),
        });
    }
    if i >= 2 && rng.percent(if dense { 5 } else { 20 }) {
        let mut of: Vec<NodeId> = (0..i).filter(|_| rng.percent(50)).map(|from| place[from]).collect();
        of.truncate(4);
        if !of.is_empty() {
            nodes[i].needs.push(Need::Quorum {
                count: 1 + rng.below(of.len()) as u32,
                of,
            });
        }
    }
    if rng.percent(if dense { 70 } else { 35 }) {
        for _ in 0..=rng.below(2) {
            let from = rng.below(i);
            let on = *rng.pick(&["failure", "failure", "success", "timeout", "x", "rejected", "in-doubt"]);
            // As `on success` is lowered.
            if on == "success" {
                nodes[i].needs.push(Need::Node {
                    node: place[from],
                    optional: false,
                });
            }
            nodes[from].routes.push(Route {
                on: on.into(),
                to: place[i],
            });
        }
    }
}

fn add_fallback(rng: &mut Rng, nodes: &mut [Node], i: usize, place: &[NodeId], percent: u64) {
    if i + 1 >= nodes.len() || !rng.percent(percent) {
        return;
    }
    let to = i + 1 + rng.below(nodes.len() - i - 1);
    let is_task = matches!(nodes[to].body, Body::Task(_));
    if let Body::Task(task) = &mut nodes[i].body
        && is_task
    {
        task.fallback = Some(place[to]);
    }
}

fn add_arms(rng: &mut Rng, nodes: &mut [Node], i: usize, place: &[NodeId]) {
    let later = nodes.len() - i - 1;
    let Body::Decision(decision) = &mut nodes[i].body else {
        return;
    };
    if later == 0 {
        nodes[i].body = Body::Task(Box::default());
        return;
    }
    for _ in 0..rng.below(3) {
        decision.arms.push(Arm {
            when: Some(constant(rng.percent(40))),
            to: place[i + 1 + rng.below(later)],
        });
    }
    decision.arms.push(Arm {
        when: None,
        to: place[i + 1 + rng.below(later)],
    });
}

/// Lets scripts read what is behind them, and remember.
fn add_reads(rng: &mut Rng, plan: &mut Plan) {
    let remembers = rng.percent(50);
    if remembers {
        plan.memory.push(MemoryKey {
            key: "k".into(),
            ty: Type::String(None),
            scope: match rng.clone().percent(50) {
                true => MemoryScope::Global,
                false => MemoryScope::Run,
            },
            default: None,
        });
    }
    let behind = ancestors(plan);
    // Which instance fails a fan-out is for the order to decide, and its message says so.
    let fans_out: Vec<bool> = plan
        .nodes
        .iter()
        .map(|node| matches!(&node.body, Body::Task(task) if task.each.is_some()))
        .collect();
    for (id, node) in plan.nodes.iter_mut().enumerate() {
        let Body::Task(task) = &mut node.body else {
            continue;
        };
        task.cache_ms = rng.clone().percent(20).then_some(60_000);
        let Some(script) = task.script_mut() else {
            continue;
        };
        for from in behind[id].iter().rev().take(6) {
            for (name, reference) in [
                ("o", Ref::Output(*from, "stdout".into())),
                ("s", Ref::Status(*from)),
                ("e", Ref::Error(*from)),
            ] {
                if fans_out[*from as usize] && name == "e" {
                    continue;
                }
                script.env.push(Binding {
                    name: format!("{name}{from}").into(),
                    value: Expr::Ref(reference),
                });
            }
        }
        if remembers {
            script.env.push(Binding {
                name: "k".into(),
                value: Expr::Ref(Ref::Memory("k".into())),
            });
            if rng.percent(40) {
                task.remember.push(Remember {
                    key: "k".into(),
                    value: Expr::Ref(Ref::Capture(Capture::Stdout)),
                });
            }
        }
    }
}

/// What is behind each node through needs, routes, arms and fallbacks.
pub fn ancestors(plan: &Plan) -> Vec<Vec<NodeId>> {
    let graph = ir::graph::Graph::of(plan);
    let order = graph.topological_order().expect("a valid plan");
    let mut behind: Vec<std::collections::BTreeSet<NodeId>> = vec![Default::default(); plan.nodes.len()];
    for id in order {
        let mut all = std::collections::BTreeSet::new();
        for edge in graph.incoming(id) {
            all.insert(edge.from);
            all.extend(behind[edge.from as usize].iter().copied());
        }
        behind[id as usize] = all;
    }
    behind.into_iter().map(|set| set.into_iter().collect()).collect()
}
