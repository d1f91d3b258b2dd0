//! What the parts of a plan say, clause by clause: names and texts, in the order of the language's tables.

use smol_str::SmolStr;

use crate::plan::{
    Agent, Binding, Body, Budget, Capability, Decision, Effect, Gate, Interpreter, Judge, Limits, Need, Node, Param,
    Plan, Policy, Runner, Script, SecretSource, Task, Tolerate, Work,
};
use crate::show::{self, Shown};

/// A clause, or an entry of one (`input.query`), and what stands there.
pub(crate) type Clauses = Vec<(SmolStr, String)>;

struct Out(Clauses);

impl Out {
    fn put(&mut self, name: impl Into<SmolStr>, text: impl Into<String>) {
        self.0.push((name.into(), text.into()));
    }

    fn some<T>(&mut self, name: &str, value: Option<T>, text: impl FnOnce(T) -> String) {
        if let Some(value) = value {
            self.put(name, text(value));
        }
    }

    fn names(&mut self, name: &str, names: &[SmolStr]) {
        if !names.is_empty() {
            self.put(name, show::names(names));
        }
    }

    fn lines(&mut self, name: &str, lines: impl Iterator<Item = String>) {
        let text = lines.collect::<Vec<_>>().join("\n");
        if !text.is_empty() {
            self.put(name, text);
        }
    }

    fn bindings(&mut self, name: &str, bindings: &[Binding], shown: &Shown<'_>) {
        for binding in bindings {
            self.put(format!("{name}.{}", binding.name), shown.expr(&binding.value));
        }
    }

    fn budget(&mut self, budget: &Budget) {
        self.some("budget.time", budget.time_ms, show::duration);
        self.some("budget.cost", budget.cost.as_ref(), show::money);
        self.some("budget.tokens", budget.tokens, |tokens| tokens.to_string());
        self.some("budget.alert", budget.alert, |share| show::percent(share.0));
    }

    fn limits(&mut self, limits: &Limits) {
        self.some("limits.parallel", limits.parallel, |count| count.to_string());
        self.some("limits.queue", limits.queue, |count| count.to_string());
        let counts = [("limits.requests", &limits.requests), ("limits.tokens", &limits.tokens)];
        for (name, rates) in counts.into_iter().filter(|(_, rates)| !rates.is_empty()) {
            self.put(name, show::rates(rates, u64::to_string));
        }
        if !limits.cost.is_empty() {
            self.put("limits.cost", show::rates(&limits.cost, show::money));
        }
    }

    fn script(&mut self, name: &str, script: &Script, shown: &Shown<'_>) {
        self.put(name, shown.script(script).trim_end());
        self.bindings("env", &script.env, shown);
        self.some("dir", script.dir.as_ref(), |dir| shown.expr(dir));
        match &script.interpreter {
            Interpreter::Bash => {}
            Interpreter::Sh => self.put("shell", "sh"),
            Interpreter::Python => self.put("shell", "python"),
            Interpreter::Command(command) => self.put("shell", shown.expr(command)),
        }
    }

    fn effects(&mut self, effects: Option<&Vec<Effect>>) {
        self.some("effects", effects, |effects| {
            effects.iter().map(effect).collect::<Vec<_>>().join(", ")
        });
    }

    fn runner(&mut self, runner: &Runner, shown: &Shown<'_>) {
        let mut args: Vec<String> = runner
            .args
            .iter()
            .map(|arg| format!("{}: {}", arg.name, shown.expr(&arg.value)))
            .collect();
        args.extend(
            runner
                .script
                .as_ref()
                .map(|script| shown.script(script).trim_end().to_owned()),
        );
        self.put("runner", format!("{}({})", runner.kind.name(), args.join(", ")));
    }
}

pub(super) fn effect(effect: &Effect) -> String {
    let args: Vec<_> = effect.args.iter().map(|arg| format!("{arg:?}")).collect();
    match args.as_slice() {
        [] => effect.kind.name().to_owned(),
        args => format!("{}({})", effect.kind.name(), args.join(", ")),
    }
}

/// A plan's own clauses, without those that are compared one by one.
pub(super) fn of_plan(plan: &Plan, shown: &Shown<'_>) -> Clauses {
    let mut out = Out(Vec::new());
    out.some("title", plan.title.as_ref(), SmolStr::to_string);
    out.some("version", plan.version.as_ref(), SmolStr::to_string);
    out.some("owner", plan.owner.as_ref(), SmolStr::to_string);
    out.some("description", plan.description.as_ref(), |text| {
        text.trim_end().to_owned()
    });
    out.names("labels", &plan.labels);
    for secret in &plan.secrets {
        let from = match &secret.from {
            SecretSource::Env(name) => format!("env({name:?})"),
            SecretSource::File { path, key: None } => format!("file({path:?})"),
            SecretSource::File { path, key: Some(key) } => format!("file({path:?}, key: {key:?})"),
        };
        out.put(format!("secrets.{}", secret.name), from);
    }
    out.budget(&plan.budget);
    out.limits(&plan.limits);
    out.some("timeout", plan.timeout_ms, show::duration);
    let failure = match plan.failure {
        crate::plan::FailurePolicy::Abort => "abort",
        crate::plan::FailurePolicy::Continue => "continue",
    };
    out.put("failure", failure);
    out.some("dir", plan.dir.as_ref(), |dir| shown.expr(dir));
    out.some("judge", plan.judge.as_ref(), |judge| match judge {
        Judge::Human => "human".to_owned(),
        Judge::Capability(name) => name.to_string(),
    });
    if let Some(trigger) = &plan.trigger {
        out.names("trigger.intent", &trigger.intent);
        out.names("trigger.keywords", &trigger.keywords);
        out.some("trigger.when", trigger.when.as_ref(), |when| shown.expr(when));
        out.some("trigger.confidence", trigger.confidence, |share| show::percent(share.0));
    }
    for alert in &plan.alerts {
        let severity = alert
            .severity
            .as_ref()
            .map_or(String::new(), |name| format!(" severity:{name}"));
        let name = format!("alert {}", shown.expr(&alert.name));
        out.put(name, format!("when {}{severity}", shown.expr(&alert.when)));
    }
    for hypothesis in &plan.hypotheses {
        out.put(
            format!("hypothesis {}.prior", hypothesis.name),
            show::percent(hypothesis.prior.0),
        );
    }
    out.0
}

pub(super) fn param(param: &Param, shown: &Shown<'_>) -> Clauses {
    let mut out = Out(Vec::new());
    out.put("type", param.ty.to_string());
    out.some("default", param.default.as_ref(), |default| shown.expr(default));
    out.some("doc", param.doc.as_ref(), SmolStr::to_string);
    out.0
}

pub(super) fn capability(capability: &Capability, shown: &Shown<'_>) -> Clauses {
    let mut out = Out(Vec::new());
    out.some("title", capability.title.as_ref(), SmolStr::to_string);
    out.some("description", capability.description.as_ref(), SmolStr::to_string);
    for (side, params) in [("input", &capability.input), ("output", &capability.output)] {
        for param in params {
            let default = param
                .default
                .as_ref()
                .map(|default| format!(" = {}", shown.expr(default)));
            let text = format!("{}{}", param.ty, default.unwrap_or_default());
            out.put(format!("{side}.{}", param.name), text);
        }
    }
    out.effects(capability.effects.as_ref());
    out.names("risks", &capability.risks);
    if !capability.cost.is_empty() {
        out.put("cost", show::rates(&capability.cost, show::money));
    }
    out.put("idempotent", capability.idempotent.to_string());
    if let Some(runner) = &capability.runner {
        out.runner(runner, shown);
    }
    out.0
}

pub(super) fn agent(agent: &Agent, shown: &Shown<'_>) -> Clauses {
    let mut out = Out(Vec::new());
    out.some("title", agent.title.as_ref(), SmolStr::to_string);
    out.some("description", agent.description.as_ref(), SmolStr::to_string);
    out.names("provides", &agent.provides);
    out.limits(&agent.limits);
    out.some("breaker", agent.breaker.as_ref(), |breaker| {
        format!(
            "{} failures in {}, probe after {}",
            breaker.failures,
            show::duration(breaker.within_ms),
            show::duration(breaker.probe_ms)
        )
    });
    if let Some(runner) = &agent.runner {
        out.runner(runner, shown);
    }
    out.0
}

pub(super) fn policy(policy: &Policy) -> Clauses {
    let mut out = Out(Vec::new());
    out.some("title", policy.title.as_ref(), SmolStr::to_string);
    let allow = &policy.allow;
    let allowed = [
        ("allow.capabilities", &allow.capabilities),
        ("allow.network", &allow.network),
        ("allow.read", &allow.read),
        ("allow.write", &allow.write),
    ];
    for (name, patterns) in allowed {
        out.some(name, patterns.as_ref(), |patterns| show::names(patterns));
    }
    out.some("limit.cost", policy.limit.cost.as_ref(), show::money);
    out.some("limit.time", policy.limit.time_ms, show::duration);
    out.some("limit.tasks", policy.limit.tasks, |count| count.to_string());
    out.some("limit.tokens", policy.limit.tokens, |count| count.to_string());
    for rule in &policy.rules {
        for (key, text) in &rule.clauses {
            out.put(format!("rule {}.{key}", rule.name), text.as_str());
        }
    }
    out.0
}

/// All that a node says, its name apart.
pub(crate) fn node<'p>(node: &'p Node, shown: &Shown<'p>) -> Clauses {
    let mut out = Out(Vec::new());
    out.some("title", node.title.as_ref(), |title| shown.expr(title));
    out.some("kind", node.kind.as_ref(), SmolStr::to_string);
    out.some("description", node.description.as_ref(), |text| {
        text.trim_end().to_owned()
    });
    out.some("owner", node.owner.as_ref(), SmolStr::to_string);
    out.names("labels", &node.labels);
    let needs: Vec<_> = node.needs.iter().map(|one| need(one, shown)).collect();
    if !needs.is_empty() {
        out.put("needs", needs.join(", "));
    }
    out.some("when", node.when.as_ref(), |when| shown.expr(when));
    match &node.body {
        Body::Task(body) => task(&mut out, body, shown),
        Body::Gate(body) => gate(&mut out, body, shown),
        Body::Decision(body) => decision(&mut out, body, shown),
    }
    if node.priority != 0 {
        out.put("priority", node.priority.to_string());
    }
    if node.optional {
        out.put("optional", "true");
    }
    for route in &node.routes {
        out.put(format!("on {}", route.on), shown.node(route.to));
    }
    out.0
}

fn need(need: &Need, shown: &Shown<'_>) -> String {
    match need {
        Need::Node { node, optional } => format!("{}{}", shown.node(*node), if *optional { "?" } else { "" }),
        Need::Quorum { count, of } => {
            let of: Vec<_> = of.iter().map(|id| shown.node(*id)).collect();
            match count {
                1 => format!("any({})", of.join(", ")),
                count => format!("{count} of ({})", of.join(", ")),
            }
        }
    }
}

fn task<'p>(out: &mut Out, task: &'p Task, shown: &Shown<'p>) {
    let item = task.each.as_ref().map_or("", |each| each.var.as_str());
    let shown = &Shown { item, ..*shown };
    if let Some(each) = &task.each {
        let by = each.by.as_ref().map(|by| format!(" by {}", shown.expr(by)));
        let text = format!("{} in {}{}", each.var, shown.expr(&each.list), by.unwrap_or_default());
        out.put("each", text);
        out.some("parallel", each.parallel, |count| count.to_string());
        match each.tolerate {
            Tolerate::Count(0) => {}
            Tolerate::Count(count) => out.put("tolerate", count.to_string()),
            Tolerate::BasisPoints(points) => {
                out.put(
                    "tolerate",
                    show::percent(rust_decimal::Decimal::new(i64::from(points), 4)),
                );
            }
        }
    }
    out.bindings("input", &task.input, shown);
    match &task.work {
        Work::Nothing => {}
        Work::Script(script) => out.script("run", script, shown),
        Work::Capability(name) => out.put("using", name.as_str()),
        Work::Call(name) => out.put("call", name.as_str()),
        Work::Steps(steps) => out.lines(
            "do",
            steps.iter().map(|step| {
                let input = step.input.iter();
                let args: Vec<_> = input
                    .map(|arg| format!("{}: {}", arg.name, shown.expr(&arg.value)))
                    .collect();
                let bind = step.bind.as_ref().map(|name| format!(" -> {name}"));
                format!("{}({}){}", step.capability, args.join(", "), bind.unwrap_or_default())
            }),
        ),
    }
    for output in &task.output {
        let text = format!("{} = {}", output.ty, shown.expr(&output.value));
        out.put(format!("output.{}", output.name), text);
    }
    for fail in &task.fail {
        let message = fail.message.as_ref().map(|text| format!(" {}", shown.expr(text)));
        let text = format!("when {}{}", shown.expr(&fail.when), message.unwrap_or_default());
        out.put(format!("fail {}", fail.mode), text);
    }
    out.lines("expect", task.expect.iter().map(|one| shown.expectation(one)));
    out.lines("requires", task.requires.iter().map(|one| shown.expectation(one)));
    out.lines("assumes", task.assumes.iter().map(|one| shown.expectation(one)));
    out.names("risks", &task.risks);
    out.some("retry", task.retry.as_ref(), show::retry);
    out.some("timeout", task.timeout.as_ref(), |timeout| shown.expr(timeout));
    out.budget(&task.budget);
    out.names("by", &task.by);
    out.effects(task.effects.as_ref());
    if !task.idempotent {
        out.put("idempotent", "false");
    }
    out.some("key", task.key.as_ref(), |key| shown.expr(key));
    out.some("cache", task.cache_ms, show::duration);
    out.some("fallback", task.fallback, |id| shown.node(id).to_owned());
    out.some("rollback", task.rollback.as_ref(), |script| {
        shown.script(script).trim_end().to_owned()
    });
    for remember in &task.remember {
        out.put(format!("remember {}", remember.key), shown.expr(&remember.value));
    }
    let evidence = task.evidence.iter().map(|evidence| {
        let word = if evidence.against { "refutes" } else { "supports" };
        let when = shown.expr(&evidence.when);
        format!("{word} {} when {when} by {}", evidence.hypothesis, evidence.by.0)
    });
    out.lines("evidence", evidence);
}

fn gate(out: &mut Out, gate: &Gate, shown: &Shown<'_>) {
    out.names("approver", &gate.approvers);
    out.some("quorum", gate.quorum, |count| count.to_string());
    out.lines("checks", gate.checks.iter().map(|one| shown.expectation(one)));
    if let Some(script) = &gate.script {
        out.script("run", script, shown);
    }
    out.some("timeout", gate.timeout.as_ref(), |timeout| shown.expr(timeout));
    out.effects(gate.effects.as_ref());
    let options = gate.options.iter().map(|option| {
        let title = option.title.as_ref().map(|text| format!(" {}", shown.expr(text)));
        let note = option.note.as_ref().map(|text| format!(": {}", shown.expr(text)));
        format!(
            "{}{}{}",
            option.name,
            title.unwrap_or_default(),
            note.unwrap_or_default()
        )
    });
    out.lines("options", options);
}

fn decision(out: &mut Out, decision: &Decision, shown: &Shown<'_>) {
    let arms = decision.arms.iter().map(|arm| match &arm.when {
        Some(when) => format!("when {} -> {}", shown.expr(when), shown.node(arm.to)),
        None => format!("else -> {}", shown.node(arm.to)),
    });
    let likeliest = decision.hypotheses.iter();
    let likeliest = likeliest.map(|arm| format!("on {} -> {}", arm.hypothesis, shown.node(arm.to)));
    out.lines("arms", arms.chain(likeliest));
}
