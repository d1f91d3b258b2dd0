//! A small notation for plans in scenarios: the language's own look, a clause a line, resolved as it is read.
//!
//! It covers what the engine can run. It is no second compiler: there are no types, and a mistake in it panics.

use std::collections::BTreeMap;

use ir::expr::{Binary, BinaryOp, Call, Capture, Expr, Ref};
use ir::func::Func;
use ir::plan::{
    Agent, Alert, Allow, Arm, Backoff, Binding, Body, Breaker, Budget, Capability, Decision, Each, Evidence,
    Expectation, FailMode, FailurePolicy, Gate, GateOption, Hypothesis, HypothesisArm, Limits, MemoryKey, MemoryScope,
    Money, Need, NodeId, Output, Param, Per, Plan, Policy, PolicyLimit, Rate, Ratio, Remember, Retry, Route, Runner,
    RunnerKind, Script, Step, Task, Tolerate, Work,
};
use ir::types::{ListType, Type};
use ir::value::Value;
use smol_str::SmolStr;

use crate::generate;

/// Reads a plan and, each behind a line `plan name`, those that it calls; `ir::verify` has the last word.
pub fn plan(text: &str) -> Plan {
    let mut parts = format!("\n{text}");
    let mut called = Vec::new();
    while let Some(at) = parts.rfind("\nplan ") {
        let part = parts.split_off(at);
        let (name, body) = part["\nplan ".len()..].split_once('\n').expect("a body");
        let mut plan = one(body);
        plan.name = name.trim().into();
        called.push((plan.name.clone(), plan));
    }
    let mut plan = one(&parts);
    plan.plans = called.into_iter().collect();
    if let Err(error) = ir::verify::verify(&plan) {
        panic!("the scenario's plan is wrong: {error}");
    }
    plan
}

fn one(text: &str) -> Plan {
    let mut reader = Reader {
        plan: generate::plan(),
        ids: ids(text),
        declared: None,
    };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with(' ') {
            reader.clause(line.trim());
        } else {
            reader.header(line);
        }
    }
    reader.plan
}

const HEADERS: [&str; 3] = ["task", "gate", "decision"];

fn ids(text: &str) -> BTreeMap<String, NodeId> {
    let headers = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(word, _)| HEADERS.contains(word));
    headers
        .zip(0..)
        .map(|((_, id), number)| (id.trim().to_owned(), number))
        .collect()
}

struct Reader {
    plan: Plan,
    ids: BTreeMap<String, NodeId>,
    /// What the clauses belong to, where that is no node.
    declared: Option<SmolStr>,
}

impl Reader {
    fn id(&self, name: &str) -> NodeId {
        *self.ids.get(name).unwrap_or_else(|| panic!("no node `{name}`"))
    }

    fn expr(&self, text: &str) -> Expr {
        let mut parser = ExprReader {
            ids: &self.ids,
            rest: text,
        };
        let expr = parser.comparison();
        assert!(parser.rest.trim().is_empty(), "`{}` is left of `{text}`", parser.rest);
        expr
    }

    /// `task x`, or a clause of the plan.
    fn header(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        self.declared = None;
        if word == "agent" {
            self.plan.agents.insert(rest.into(), Agent::default());
            self.declared = Some(rest.into());
            return;
        }
        if word == "capability" {
            self.plan.capabilities.insert(
                rest.into(),
                Capability {
                    idempotent: true,
                    ..Capability::default()
                },
            );
            self.declared = Some(rest.into());
            return;
        }
        let body = match word {
            "task" => Body::Task(Box::default()),
            "gate" => Body::Gate(Box::new(Gate {
                checks: Vec::new(),
                script: None,
                timeout: None,
                ..Gate::default()
            })),
            "decision" => Body::Decision(Box::default()),
            _ => return self.plan_clause(word, rest),
        };
        self.plan.nodes.push(ir::Node::new(rest, body));
    }

    fn plan_clause(&mut self, word: &str, rest: &str) {
        match word {
            "failure:" => {
                self.plan.failure = if rest == "abort" {
                    FailurePolicy::Abort
                } else {
                    FailurePolicy::Continue
                };
            }
            "judge:" => {
                self.plan.judge = Some(match rest {
                    "human" => ir::plan::Judge::Human,
                    capability => ir::plan::Judge::Capability(capability.into()),
                });
            }
            "budget:" => self.plan.budget = budget(rest),
            "limits:" => {
                let (what, rest) = rest.split_once(' ').expect("a limit");
                limit(&mut self.plan.limits, what, rest);
            }
            "policy:" => {
                let limit = budget(rest);
                self.plan.policies.push(Policy {
                    name: "p".into(),
                    title: None,
                    allow: Allow::default(),
                    limit: PolicyLimit {
                        cost: limit.cost,
                        tokens: None,
                        time_ms: limit.time_ms,
                        tasks: limit.tokens,
                    },
                    rules: Vec::new(),
                });
            }
            "timeout:" => self.plan.timeout_ms = Some(rest.parse().expect("milliseconds")),
            "param" => {
                let name = rest.into();
                self.plan.params.push(Param {
                    name,
                    ty: Type::String(None),
                    default: None,
                    doc: None,
                });
            }
            "hypothesis" => {
                let (name, prior) = rest.split_once(' ').expect("name prior");
                self.plan.hypotheses.push(Hypothesis {
                    name: name.into(),
                    title: None,
                    description: None,
                    prior: ratio(prior),
                });
            }
            "alert" => {
                let (name, when) = rest.split_once(" when ").expect("name when expr");
                let alert = Alert {
                    name: self.expr(name),
                    when: self.expr(when),
                    severity: None,
                };
                self.plan.alerts.push(alert);
            }
            "parallel:" => self.plan.limits.parallel = Some(rest.parse().expect("a number")),
            "output" => {
                let output = self.output(rest);
                self.plan.outputs.push(output);
            }
            "memory" => {
                let (key, default) = rest
                    .split_once('=')
                    .map_or((rest, None), |(key, value)| (key, Some(self.expr(value))));
                let ty = Type::Optional(Box::new(Type::Json));
                self.plan.memory.push(MemoryKey {
                    key: key.trim().into(),
                    ty,
                    scope: MemoryScope::Run,
                    default,
                });
            }
            "plan-memory" | "global-memory" => self.plan.memory.push(MemoryKey {
                key: rest.into(),
                ty: Type::Optional(Box::new(Type::Json)),
                scope: match word {
                    "plan-memory" => MemoryScope::Plan,
                    _ => MemoryScope::Global,
                },
                default: None,
            }),
            _ => panic!("no clause `{word}` of a plan"),
        }
    }

    /// `name: type = expr`
    fn output(&self, text: &str) -> Output {
        let (name, rest) = text.split_once(':').expect("name: type = expr");
        let (ty, value) = rest.split_once('=').expect("name: type = expr");
        Output {
            name: name.trim().into(),
            ty: ty_of(ty.trim()),
            value: self.expr(value),
        }
    }

    fn clause(&mut self, line: &str) {
        let (head, rest) = line.split_once(": ").unwrap_or_else(|| panic!("`{line}` is no clause"));
        let (word, name) = head.split_once(' ').unwrap_or((head, ""));
        if let Some(declared) = self.declared.clone() {
            return self.declared_clause(&declared, word, name, rest);
        }
        let mut node = self.plan.nodes.pop().expect("a node above the clause");
        match word {
            "needs" => node.needs = self.needs(rest),
            "when" => node.when = Some(self.expr(rest)).into(),
            "priority" => node.priority = rest.parse().expect("a number"),
            "optional" => node.optional = rest == "true",
            "title" => node.title = Some(self.expr(rest)).into(),
            "on" => node.routes.push(Route {
                on: name.into(),
                to: self.id(rest),
            }),
            _ => match &mut node.body {
                Body::Task(task) => self.task_clause(task, word, name, rest),
                Body::Gate(gate) => self.gate_clause(gate, word, name, rest),
                Body::Decision(decision) => self.decision_clause(decision, word, rest),
            },
        }
        self.plan.nodes.push(node);
    }

    /// Of a capability: `input q: string = "x"`, `output items: list[string]`.
    fn declared_clause(&mut self, declared: &str, word: &str, name: &str, rest: &str) {
        if let Some(agent) = self.plan.agents.get_mut(declared) {
            return agent_clause(agent, word, rest);
        }
        let (ty, default) = rest
            .split_once(" = ")
            .map_or((rest, None), |(ty, value)| (ty, Some(value)));
        let param = || Param {
            name: name.into(),
            ty: ty_of(ty),
            default: default.map(|value| self.expr(value)),
            doc: None,
        };
        let capability = self.plan.capabilities.get(declared).cloned().unwrap_or_default();
        let capability = match word {
            "people" => Capability {
                runner: Some(Runner {
                    kind: RunnerKind::Human,
                    script: None,
                    args: vec![Binding {
                        name: "ask".into(),
                        value: self.expr(rest),
                    }],
                }),
                ..capability
            },
            "input" => Capability {
                input: [capability.input, vec![param()]].concat(),
                ..capability
            },
            "output" => Capability {
                output: [capability.output, vec![param()]].concat(),
                ..capability
            },
            "cost" => Capability {
                cost: rates(rest, money),
                ..capability
            },
            _ => panic!("no clause `{word}` of a capability"),
        };
        self.plan.capabilities.insert(declared.into(), capability);
    }

    fn needs(&self, text: &str) -> Vec<Need> {
        let mut needs = Vec::new();
        for item in text.split(';').map(str::trim) {
            if let Some(of) = item.strip_prefix("any(") {
                needs.push(Need::Quorum {
                    count: 1,
                    of: self.members(of),
                });
            } else if let Some((count, of)) = item.split_once(" of (") {
                needs.push(Need::Quorum {
                    count: count.parse().expect("a number"),
                    of: self.members(of),
                });
            } else if let Some(name) = item.strip_suffix('?') {
                needs.push(Need::Node {
                    node: self.id(name),
                    optional: true,
                });
            } else {
                needs.push(Need::Node {
                    node: self.id(item),
                    optional: false,
                });
            }
        }
        needs
    }

    fn members(&self, text: &str) -> Vec<NodeId> {
        text.trim_end_matches(')')
            .split(',')
            .map(|name| self.id(name.trim()))
            .collect()
    }

    fn task_clause(&self, task: &mut Task, word: &str, name: &str, rest: &str) {
        match word {
            "run" => task.work = generate::script(rest).into(),
            "by" => task.by = rest.split(", ").map(Into::into).collect(),
            "budget" => task.budget = budget(rest).into(),
            "using" => task.work = Work::Capability(rest.into()),
            "do" => self.step(task, rest),
            "key" => task.key = Some(self.expr(rest)).into(),
            "env" => script(task).env.push(Binding {
                name: name.into(),
                value: self.expr(rest),
            }),
            "dir" => script(task).dir = Some(self.expr(rest)),
            "input" => task.input.push(Binding {
                name: name.into(),
                value: self.expr(rest),
            }),
            "output" => task.output.push(self.output(&format!("{name}: {rest}"))),
            "fail" => task.fail.push(FailMode {
                mode: name.into(),
                when: self.expr(rest),
                message: None,
            }),
            "expect" => task.expect.push(self.expectation(rest)),
            "requires" => task.requires.push(self.expectation(rest)),
            "timeout" => task.timeout = Some(self.expr(rest)).into(),
            "cache" => task.cache_ms = Some(rest.parse().expect("milliseconds")),
            "idempotent" => task.idempotent = rest == "true",
            "call" => task.work = Work::Call(rest.into()),
            "rollback" => task.rollback = Some(Box::new(generate::script(rest))),
            "fallback" => task.fallback = Some(self.id(rest)),
            "remember" => task.remember.push(Remember {
                key: name.into(),
                value: self.expr(rest),
            }),
            "supports" | "refutes" => {
                let (when, by) = rest.split_once(" by ").expect("expr by factor");
                task.evidence.push(Evidence {
                    hypothesis: name.into(),
                    against: word == "refutes",
                    when: self.expr(when),
                    by: ratio(by),
                });
            }
            "retry" => task.retry = Some(retry(rest)).into(),
            "each" => {
                let (list, by) = rest
                    .split_once(" by ")
                    .map_or((rest, None), |(list, by)| (list, Some(self.expr(by))));
                let list = self.expr(list);
                task.each = Some(Box::new(Each {
                    var: "it".into(),
                    list,
                    by,
                    parallel: None,
                    tolerate: Tolerate::Count(0),
                }));
            }
            "parallel" => each(task).parallel = Some(rest.parse().expect("a number")),
            "tolerate" => {
                each(task).tolerate = match rest.strip_suffix('%') {
                    Some(percent) => Tolerate::BasisPoints(100 * percent.parse::<u32>().expect("a number")),
                    None => Tolerate::Count(rest.parse().expect("a number")),
                };
            }
            _ => panic!("no clause `{word}` of a task"),
        }
    }

    /// `do: web.search query=own.x, limit=3 -> hits`, `do: once! web.search`
    fn step(&self, task: &mut Task, text: &str) {
        let (text, idempotent) = text.strip_prefix("once! ").map_or((text, true), |text| (text, false));
        let (call, bind) = text
            .split_once(" -> ")
            .map_or((text, None), |(call, bind)| (call, Some(bind.into())));
        let (capability, inputs) = call.split_once(' ').unwrap_or((call, ""));
        let input = |text: &str| {
            let (name, value) = text.split_once('=').expect("name=value");
            Binding {
                name: name.trim().into(),
                value: self.expr(value),
            }
        };
        let step = Step {
            capability: capability.into(),
            input: inputs.split(", ").filter(|text| !text.is_empty()).map(input).collect(),
            bind,
            idempotent,
        };
        match &mut task.work {
            Work::Steps(steps) => steps.push(step),
            _ => task.work = Work::Steps(vec![step]),
        }
    }

    fn gate_clause(&self, gate: &mut Gate, word: &str, name: &str, rest: &str) {
        match word {
            "run" => gate.script = Some(generate::script(rest)),
            "check" => gate.checks.push(self.expectation(rest)),
            "timeout" => gate.timeout = Some(self.expr(rest)),
            "approver" => gate.approvers = rest.split(", ").map(Into::into).collect(),
            "quorum" => gate.quorum = Some(rest.parse().expect("a number")),
            "option" => gate.options.push(GateOption {
                name: name.into(),
                title: Some(self.expr(rest)),
                note: None,
            }),
            _ => panic!("no clause `{word}` of a gate"),
        }
    }

    fn decision_clause(&self, decision: &mut Decision, word: &str, rest: &str) {
        if word == "likely" {
            let (hypothesis, to) = rest.split_once(" -> ").expect("hypothesis -> node");
            return decision.hypotheses.push(HypothesisArm {
                hypothesis: hypothesis.into(),
                to: self.id(to),
            });
        }
        let arm = match word {
            "arm" => {
                let (when, to) = rest.split_once(" -> ").expect("expr -> node");
                Arm {
                    when: Some(self.expr(when)),
                    to: self.id(to),
                }
            }
            "else" => Arm {
                when: None,
                to: self.id(rest),
            },
            _ => panic!("no clause `{word}` of a decision"),
        };
        decision.arms.push(arm);
    }

    fn expectation(&self, text: &str) -> Expectation {
        match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(prose) => Expectation::Prose { text: prose.into() },
            None => Expectation::Check {
                expr: self.expr(text),
                text: text.into(),
            },
        }
    }
}

fn agent_clause(agent: &mut Agent, word: &str, rest: &str) {
    match word {
        "provides" => agent.provides = rest.split(", ").map(Into::into).collect(),
        "breaker" => {
            let numbers: Vec<u64> = rest
                .split(' ')
                .map(|number| number.parse().expect("a number"))
                .collect();
            agent.breaker = Some(Breaker {
                failures: numbers[0] as u32,
                within_ms: numbers[1],
                probe_ms: numbers[2],
            });
        }
        _ => limit(&mut agent.limits, word, rest),
    }
}

/// `requests: 2 per 1000`, `concurrent: 1`, `cost: 0.50 per call, 5`
fn limit(limits: &mut Limits, what: &str, rest: &str) {
    let count = |text: &str| text.parse().expect("a number");
    match what {
        "queue" => limits.queue = Some(rest.parse().expect("a number")),
        "concurrent" => limits.parallel = Some(rest.parse().expect("a number")),
        "requests" => limits.requests = rates(rest, count),
        "tokens" => limits.tokens = rates(rest, count),
        "cost" => limits.cost = rates(rest, money),
        _ => panic!("no limit `{what}`"),
    }
}

fn rates<T>(text: &str, amount: impl Fn(&str) -> T) -> Vec<Rate<T>> {
    let rate = |text: &str| {
        let (number, per) = text.split_once(" per ").unwrap_or((text, "run"));
        let per = match per {
            "run" => Per::Run,
            "call" => Per::Call,
            window => Per::WindowMs(window.parse().expect("milliseconds")),
        };
        Rate {
            amount: amount(number),
            per,
        }
    };
    text.split(", ").map(rate).collect()
}

fn money(text: &str) -> Money {
    Money(ir::quantity::parse_money(text).expect("money"))
}

/// `cost 1.00, tokens 100, time 5000, alert 0.5`
fn budget(text: &str) -> Budget {
    let mut budget = Budget::default();
    for item in text.split(", ") {
        let (what, most) = item.split_once(' ').expect("what and how much");
        match what {
            "cost" => budget.cost = Some(money(most)),
            "tokens" => budget.tokens = Some(most.parse().expect("a number")),
            "time" => budget.time_ms = Some(most.parse().expect("milliseconds")),
            "alert" => budget.alert = Ratio::of_float(most.parse().expect("a ratio")),
            _ => panic!("no budget `{what}`"),
        }
    }
    budget
}

fn ratio(text: &str) -> Ratio {
    serde_json::from_value(serde_json::Value::from(text)).expect("a decimal number")
}

fn script(task: &mut Task) -> &mut Script {
    task.script_mut().expect("`run` comes first")
}

fn each(task: &mut Task) -> &mut Each {
    task.each.as_mut().expect("`each` comes first")
}

/// `2 immediate on timeout, x` · `3 linear 1000 500` · `3 exponential 1000 30000 2000 jitter`
fn retry(text: &str) -> Retry {
    let (text, on) = text.split_once(" on ").unwrap_or((text, ""));
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |index: usize| words[index].parse().expect("a number");
    let backoff = match words[1] {
        "immediate" => Backoff::Immediate,
        "linear" => Backoff::Linear {
            base_ms: number(2),
            step_ms: number(3),
        },
        "exponential" => Backoff::Exponential {
            base_ms: number(2),
            cap_ms: Some(number(3)),
            factor_milli: number(4),
            jitter: words.contains(&"jitter"),
        },
        other => panic!("no backoff `{other}`"),
    };
    let on = on
        .split(',')
        .map(str::trim)
        .filter(|mode| !mode.is_empty())
        .map(Into::into)
        .collect();
    Retry {
        max: words[0].parse().expect("a number"),
        backoff,
        on,
    }
}

fn ty_of(text: &str) -> Type {
    if let Some(inner) = text.strip_suffix('?') {
        return Type::Optional(Box::new(ty_of(inner)));
    }
    if let Some(item) = text.strip_prefix("list[").and_then(|text| text.strip_suffix(']')) {
        return Type::List(Box::new(ListType {
            item: ty_of(item),
            len: None,
        }));
    }
    match text {
        "string" => Type::String(None),
        "int" => Type::Int(None),
        "bool" => Type::Bool,
        "file" => Type::File,
        "json" => Type::Json,
        "duration" => Type::Duration,
        other => panic!("no type `{other}` here"),
    }
}

struct ExprReader<'a> {
    ids: &'a BTreeMap<String, NodeId>,
    rest: &'a str,
}

impl ExprReader<'_> {
    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self, part: impl Fn(char) -> bool) -> String {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn comparison(&mut self) -> Expr {
        let lhs = self.sum();
        let operators = [
            ("==", BinaryOp::Eq),
            ("!=", BinaryOp::Ne),
            ("<=", BinaryOp::Le),
            (">=", BinaryOp::Ge),
            ("<", BinaryOp::Lt),
            (">", BinaryOp::Gt),
        ];
        match operators.into_iter().find(|(token, _)| self.eat(token)) {
            Some((_, op)) => Expr::Binary(Box::new(Binary {
                op,
                lhs,
                rhs: self.sum(),
            })),
            None => lhs,
        }
    }

    fn sum(&mut self) -> Expr {
        let mut lhs = self.primary();
        while let Some((_, op)) = [("+ ", BinaryOp::Add), ("/ ", BinaryOp::Div)]
            .into_iter()
            .find(|(token, _)| self.eat(token))
        {
            lhs = Expr::Binary(Box::new(Binary {
                op,
                lhs,
                rhs: self.primary(),
            }));
        }
        lhs
    }

    fn primary(&mut self) -> Expr {
        if self.eat("[") {
            return Expr::List(self.items("]"));
        }
        if self.eat("\"") {
            let text = self.word(|c| c != '"');
            assert!(self.eat("\""), "a string ends");
            return Expr::Const(Value::String(text.into()));
        }
        if self.rest.trim_start().starts_with(|c: char| c.is_ascii_digit()) {
            let number: i64 = self.word(|c| c.is_ascii_digit()).parse().expect("a number");
            return Expr::Const(if self.eat("ms") {
                Value::Duration(number)
            } else {
                Value::Int(number)
            });
        }
        let name = self.word(|c| c.is_alphanumeric() || "_.-".contains(c));
        if self.eat("(") {
            let func = Func::from_name(&name).unwrap_or_else(|| panic!("no function `{name}`"));
            return Expr::Call(Box::new(Call {
                func,
                args: self.items(")"),
            }));
        }
        self.name(&name)
    }

    fn items(&mut self, close: &str) -> Vec<Expr> {
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.comparison());
            self.eat(",");
        }
        items
    }

    fn name(&self, name: &str) -> Expr {
        let reference = match name {
            "true" | "false" => return Expr::Const(Value::Bool(name == "true")),
            "none" => return Expr::Const(Value::None),
            "it" => Ref::Each,
            "stdout" => Ref::Capture(Capture::Stdout),
            "stderr" => Ref::Capture(Capture::Stderr),
            "exit" => Ref::Capture(Capture::Exit),
            "duration" => Ref::Capture(Capture::Duration),
            "result" => Ref::Capture(Capture::Result),
            _ if name.starts_with("result.") => {
                let result = Expr::Ref(Ref::Capture(Capture::Result));
                return Expr::Field(Box::new((result, name.trim_start_matches("result.").into())));
            }
            _ if name.starts_with("own.") && name.matches('.').count() == 2 => {
                let (own, field) = name.rsplit_once('.').expect("two dots");
                return Expr::Field(Box::new((Expr::Ref(self.dotted(own)), field.into())));
            }
            _ => self.dotted(name),
        };
        Expr::Ref(reference)
    }

    fn dotted(&self, name: &str) -> Ref {
        let (base, member) = name.split_once('.').unwrap_or_else(|| panic!("no name `{name}`"));
        match (base, member) {
            ("params", member) => Ref::Param(member.into()),
            ("memory", member) => Ref::Memory(member.into()),
            ("input", member) => Ref::Input(member.into()),
            ("own", member) => Ref::Own(member.into()),
            ("task", member) => Ref::Task(member.into()),
            ("run", member) => Ref::Run(member.into()),
            ("system" | "network", _) => Ref::World(name.into()),
            (node, member) => {
                let id = *self.ids.get(node).unwrap_or_else(|| panic!("no node `{node}`"));
                match member {
                    "status" => Ref::Status(id),
                    "attempts" => Ref::Attempts(id),
                    "error" => Ref::Error(id),
                    "agent" => Ref::NodeAgent(id),
                    "choice" => Ref::Choice(id),
                    output => Ref::Output(id, output.into()),
                }
            }
        }
    }
}
