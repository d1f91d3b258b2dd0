//! What a node's result follows from, part by part, so that two results can be compared and the difference named.
//!
//! [`of_node`] is all that a plan says about a node and what leads to it: what a changed plan is compared by.
//! [`of_result`] is only what the outcome of its work follows from: what a result is found again by. The values that it
//! read are for who runs it: [`reads`] and [`Recipe`] name them, [`Part::value`] makes parts of them. Where things are
//! written, and in which order, takes no part.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

use crate::diff::clauses;
use crate::expr::{Expr, Ref};
use crate::func::Func;
use crate::hash::hash_json;
use crate::plan::{
    Agent, Binding, Body, Capability, Decision, Expectation, Judge, Node, NodeId, Plan, SecretSource, Task, Work,
};
use crate::rare::Rare;
use crate::show::Shown;
use crate::types::Type;
use crate::value::Value;
use crate::{data, visit};

const PART_DOMAIN: &str = "plan-part/1\0";
const WHOLE_DOMAIN: &str = "plan-fingerprint/1\0";
/// Of a part: 128 bits, and never taken for the name of an artifact.
const PART_HEX_LEN: usize = 32;
/// Longest text of a part, in characters.
const SHOWN_CHARS_MAX: usize = 120;

/// What kind of thing a part is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What the node says: `input.query`, `run`, `expect`.
    Clause,
    /// What it uses of the plan: `capability web.search`, `type Source`.
    Use,
    /// What leads to it: `on failure of collect`.
    Lead,
    /// What it read: `params.query`, `collect.sources`.
    Value,
    /// Files that it declares to read, as they are on the disk.
    Files,
}

/// One thing that a result follows from. Those with the same kind and name are the same thing, at two times.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Part {
    pub kind: Kind,
    pub what: SmolStr,
    /// Equal exactly where the contents are.
    pub digest: SmolStr,
    /// The content for people, shortened; empty where it is too much to show.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shown: String,
}

impl Part {
    pub fn new(kind: Kind, what: impl Into<SmolStr>, content: &impl Serialize, shown: &str) -> Self {
        let mut digest = hash_json(PART_DOMAIN, content);
        digest.truncate(PART_HEX_LEN);
        Self {
            kind,
            what: what.into(),
            digest: digest.into(),
            shown: shortened(shown),
        }
    }

    /// A value that was read.
    pub fn value(what: impl Into<SmolStr>, value: &Value) -> Self {
        Self::new(Kind::Value, what, value, &data::render(value))
    }
}

/// The hash of all parts together: 64 hexadecimal digits.
pub fn digest(parts: &[Part]) -> String {
    let sorted: BTreeSet<_> = parts.iter().map(|part| (part.kind, &part.what, &part.digest)).collect();
    hash_json(WHOLE_DOMAIN, &sorted)
}

/// A part that is not the same at two times; absent: it was not there, or is not any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    pub kind: Kind,
    pub what: SmolStr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// Where two lists of parts differ, by kind and name.
pub fn differences(before: &[Part], now: &[Part]) -> Vec<Difference> {
    let table = |parts: &'_ [Part]| -> BTreeMap<(Kind, SmolStr), Part> {
        let named = parts.iter().map(|part| ((part.kind, part.what.clone()), part.clone()));
        named.collect()
    };
    let (before, now) = (table(before), table(now));
    let names: BTreeSet<_> = before.keys().chain(now.keys()).cloned().collect();
    let differs = names.into_iter().filter_map(|name| {
        let (was, is) = (before.get(&name), now.get(&name));
        let same = was.map(|part| &part.digest) == is.map(|part| &part.digest);
        (!same).then(|| Difference {
            before: was.map(|part| part.shown.clone()),
            now: is.map(|part| part.shown.clone()),
            kind: name.0,
            what: name.1,
        })
    });
    let mut differs: Vec<_> = differs.collect();
    // the exact wording is only worth a word where nothing else tells the difference
    if differs.iter().any(|one| one.what != WORDING) {
        differs.retain(|one| one.what != WORDING);
    }
    differs
}

/// The part that stands for everything that a node says, to the letter.
const WORDING: &str = "wording";

/// All that a plan says about a node: its clauses, what it uses, and the routes and conditions that lead to it.
/// `outermost` has the plans that are called, and may be `plan` itself.
pub fn of_node(plan: &Plan, outermost: &Plan, leads: &Leads, node: NodeId) -> Vec<Part> {
    let Some(found) = plan.nodes.get(node as usize) else {
        return Vec::new();
    };
    let mut parts = says(plan, found);
    uses(plan, outermost, found, &mut parts);
    parts.extend(leads.0.get(&node).into_iter().flatten().cloned());
    parts
}

/// What the outcome of a task's work follows from: who does what with which inputs, and how that is judged. What
/// decides whether and when it runs (needs, routes, `when`, `retry`, `timeout`, priorities, budgets, titles) takes no
/// part; the name of the task and its plan do.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// What the plan says.
    pub parts: Vec<Part>,
    /// What the work is given, by the names that people know it by: to be evaluated.
    pub given: Vec<(SmolStr, Expr)>,
    /// What else is read, mostly by what judges the work.
    pub reads: BTreeSet<Ref>,
}

/// See [`Recipe`].
pub fn of_result(plan: &Plan, outermost: &Plan, node: NodeId) -> Recipe {
    let Some(mut found) = plan.nodes.get(node as usize).map(resulting) else {
        return Recipe::default();
    };
    let mut parts = vec![
        Part::new(Kind::Use, "plan", &plan.name, &plan.name),
        Part::new(Kind::Use, "task", &found.id, &found.id),
    ];
    parts.extend(says(plan, &found));
    uses(plan, outermost, &found, &mut parts);
    let given = take_given(plan, &mut found);
    let mut reads = reads(&found);
    // the attempt at hand is none of the result's business
    reads.retain(|read| !matches!(read, Ref::Task(name) if name == "attempt" || name == "agent"));
    Recipe { parts, given, reads }
}

/// Takes the expressions out of a task that are evaluated before it starts. Those that read its own input stay: what
/// they say follows from the input and from what else they read.
fn take_given(plan: &Plan, node: &mut Node) -> Vec<(SmolStr, Expr)> {
    let item = node.body.task().and_then(|task| task.each.as_ref());
    let item = item.map_or_else(String::new, |each| each.var.to_string());
    let Body::Task(task) = &mut node.body else {
        return Vec::new();
    };
    let named = |name: &str, binding: Binding| (format_smolstr!("{name}.{}", binding.name), binding.value);
    let mut given: Vec<_> = task.input.drain(..).map(|binding| named("input", binding)).collect();
    given.extend(task.key.take_if(|key| !reads_input(key)).map(|key| ("key".into(), key)));
    if let Work::Script(script) = &mut task.work {
        let env = script.env.extract_if(.., |binding| !reads_input(&binding.value));
        given.extend(env.map(|binding| named("env", binding)));
        let shown = Shown {
            plan,
            item: &item,
            renamed: &|name| name,
        };
        let written = |binding: Binding| (shown.expr(&binding.value).into(), binding.value);
        let vars = script.vars.extract_if(.., |binding| !reads_input(&binding.value));
        given.extend(vars.map(written));
        given.extend(
            script
                .dir
                .take_if(|dir| !reads_input(dir))
                .map(|dir| ("dir".into(), dir)),
        );
    }
    given
}

fn reads_input(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |part, _, _| found |= matches!(part, Expr::Ref(Ref::Input(_))));
    found
}

/// The values that a node reads, as references of its plan: without what only its own attempt knows.
pub fn reads(node: &Node) -> BTreeSet<Ref> {
    let mut found = BTreeSet::new();
    visit::node(node, &mut |expr, _| {
        expr.walk(&mut |part, _, _| match part {
            Expr::Ref(
                Ref::Input(_) | Ref::Own(_) | Ref::Capture(_) | Ref::World(_) | Ref::Context(_) | Ref::Asked(_),
            ) => {}
            Expr::Ref(reference) => drop(found.insert(reference.clone())),
            Expr::Call(call) if call.func == Func::Uuid => drop(found.insert(Ref::Run("id".into()))),
            _ => {}
        });
    });
    found
}

/// How people call a reference of a node.
pub fn name_of(plan: &Plan, node: &Node, reference: &Ref) -> String {
    shown(plan, node).expr(&Expr::Ref(reference.clone()))
}

fn shown<'p>(plan: &'p Plan, node: &'p Node) -> Shown<'p> {
    let each = node.body.task().and_then(|task| task.each.as_ref());
    Shown {
        plan,
        item: each.map_or("", |each| each.var.as_str()),
        renamed: &|name| name,
    }
}

/// A node without the clauses that say only whether, when and how often it runs.
fn resulting(node: &Node) -> Node {
    let Body::Task(task) = &node.body else {
        return Node::new(node.id.clone(), node.body.clone());
    };
    let mut task = Task {
        requires: Rare::absent(),
        assumes: Rare::absent(),
        risks: Rare::absent(),
        retry: Rare::absent(),
        timeout: Rare::absent(),
        budget: Rare::absent(),
        cache_ms: None,
        fallback: None,
        rollback: None,
        ..Task::clone(task)
    };
    // an instance follows from its item, not from the others
    if let Some(each) = &mut task.each {
        each.list = Expr::List(Vec::new());
        each.by = None;
        each.parallel = None;
        each.tolerate = crate::plan::Tolerate::Count(0);
    }
    Node::new(node.id.clone(), Body::Task(Box::new(task)))
}

/// Its clauses one by one, for who compares, and all of them to the letter.
fn says(plan: &Plan, node: &Node) -> Vec<Part> {
    let clauses = clauses::node(node, &shown(plan, node));
    let mut parts: Vec<_> = clauses
        .into_iter()
        .map(|(name, text)| Part::new(Kind::Clause, name, &text, &text))
        .collect();
    parts.push(Part::new(Kind::Clause, WORDING, &plan.hash_of(node.clone()), ""));
    parts
}

fn uses(plan: &Plan, outermost: &Plan, node: &Node, parts: &mut Vec<Part>) {
    let mut types = Vec::new();
    for name in capabilities(plan, node) {
        let Some(capability) = plan.capabilities.get(&name) else {
            continue;
        };
        let fields = capability.input.iter().chain(&capability.output);
        types.extend(fields.map(|param| param.ty.clone()));
        let capability = Capability {
            title: None,
            description: None,
            risks: Vec::new(),
            cost: Vec::new(),
            ..capability.clone()
        };
        parts.push(Part::new(
            Kind::Use,
            format_smolstr!("capability {name}"),
            &capability,
            "",
        ));
        for (agent, found) in agents(plan, node, &name) {
            parts.push(Part::new(
                Kind::Use,
                format_smolstr!("agent {agent}"),
                &found.runner,
                "",
            ));
        }
    }
    if is_judged(node)
        && let Some(judge) = &plan.judge
    {
        let text = match judge {
            Judge::Human => "human",
            Judge::Capability(name) => name,
        };
        parts.push(Part::new(Kind::Use, "judge", judge, text));
    }
    if let Some(dir) = &plan.dir {
        let text = shown(plan, node).expr(dir);
        parts.push(Part::new(Kind::Use, "dir", &text, &text));
    }
    if let Body::Task(task) = &node.body {
        types.extend(task.output.iter().map(|output| output.ty.clone()));
        let keys = task.remember.iter().map(|remember| &remember.key);
        for memory in keys.filter_map(|key| plan.memory.iter().find(|memory| memory.key == *key)) {
            types.push(memory.ty.clone());
            let text = memory.ty.to_string();
            parts.push(Part::new(
                Kind::Use,
                format_smolstr!("memory {}", memory.key),
                &text,
                &text,
            ));
        }
        if let Work::Call(name) = &task.work {
            called(outermost, name, parts);
        }
    }
    visit::node(node, &mut |expr, _| {
        expr.walk(&mut |part, _, _| {
            if let Expr::Cast(cast) = part {
                types.push(cast.1.clone());
            }
        });
    });
    records(plan, &types, parts);
    secrets(plan, node, parts);
}

/// The capabilities that a node's work calls, and its judge.
fn capabilities(plan: &Plan, node: &Node) -> BTreeSet<SmolStr> {
    let mut names = BTreeSet::new();
    match node.body.task().map(|task| &task.work) {
        Some(Work::Capability(name)) => drop(names.insert(name.clone())),
        Some(Work::Steps(steps)) => names.extend(steps.iter().map(|step| step.capability.clone())),
        _ => {}
    }
    if let Some(Judge::Capability(name)) = plan.judge.as_ref().filter(|_| is_judged(node)) {
        names.insert(name.clone());
    }
    names
}

/// Those who may do it.
fn agents<'p>(plan: &'p Plan, node: &'p Node, capability: &'p str) -> impl Iterator<Item = (&'p SmolStr, &'p Agent)> {
    let by = node.body.task().map_or(&[][..], |task| &task.by);
    plan.agents.iter().filter(move |(name, agent)| {
        let provides = agent.provides.iter().any(|provided| provided == capability);
        provides && (by.is_empty() || by.contains(name))
    })
}

fn is_judged(node: &Node) -> bool {
    let checks = match &node.body {
        Body::Task(task) => &task.expect,
        Body::Gate(gate) => &gate.checks,
        Body::Decision(_) => return false,
    };
    checks.iter().any(|check| matches!(check, Expectation::Prose { .. }))
}

/// The plan that is called, and those that it calls.
fn called(outermost: &Plan, name: &SmolStr, parts: &mut Vec<Part>) {
    let mut work = vec![name];
    let mut seen = BTreeSet::new();
    while let Some(name) = work.pop() {
        let Some(plan) = outermost.plans.get(name).filter(|_| seen.insert(name)) else {
            continue;
        };
        work.extend(plan.nodes.iter().filter_map(|node| match &node.body.task()?.work {
            Work::Call(name) => Some(name),
            _ => None,
        }));
        let mut plan = plan.clone();
        plan.nodes.iter_mut().for_each(|node| node.line = 0);
        parts.push(Part::new(Kind::Use, format_smolstr!("call {name}"), &plan, ""));
    }
}

/// The records that these types reach.
fn records(plan: &Plan, types: &[Type], parts: &mut Vec<Part>) {
    let mut wanted = Vec::new();
    types.iter().for_each(|ty| ty.records(&mut wanted));
    let mut seen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        let Some(def) = plan.types.get(&name) else { continue };
        if seen.insert(name.clone()) {
            def.fields.iter().for_each(|field| field.ty.records(&mut wanted));
            parts.push(Part::new(Kind::Use, format_smolstr!("type {name}"), def, ""));
        }
    }
}

/// By name and where they come from: what they are takes no part, not even as a hash.
fn secrets(plan: &Plan, node: &Node, parts: &mut Vec<Part>) {
    let read = reads(node);
    for secret in &plan.secrets {
        if !read.contains(&Ref::Secret(secret.name.clone())) {
            continue;
        }
        let from = match &secret.from {
            SecretSource::Env(name) => format!("env({name:?})"),
            SecretSource::File { path, .. } => format!("file({path:?})"),
        };
        parts.push(Part::new(
            Kind::Use,
            format_smolstr!("secrets.{}", secret.name),
            secret,
            &from,
        ));
    }
}

/// Of each node the routes, arms and fallbacks of other nodes that start it, with the conditions of the arms.
#[derive(Clone, Debug, Default)]
pub struct Leads(BTreeMap<NodeId, Vec<Part>>);

impl Leads {
    pub fn of(plan: &Plan) -> Self {
        let mut leads = Self::default();
        for from in &plan.nodes {
            for route in &from.routes {
                leads.add(route.to, format_smolstr!("on {} of {}", route.on, from.id), "");
            }
            match &from.body {
                Body::Task(task) => {
                    if let Some(fallback) = task.fallback {
                        leads.add(fallback, format_smolstr!("fallback of {}", from.id), "");
                    }
                }
                Body::Gate(_) => {}
                Body::Decision(decision) => leads.add_arms(plan, from, decision),
            }
        }
        leads
    }

    fn add(&mut self, to: NodeId, what: SmolStr, shown: &str) {
        let part = Part::new(Kind::Lead, what, &(), shown);
        self.0.entry(to).or_default().push(part);
    }

    /// The first true arm wins, so those before an arm are part of its condition.
    fn add_arms(&mut self, plan: &Plan, from: &Node, decision: &Decision) {
        let mut before = SmolStr::default();
        for (at, arm) in (1..).zip(&decision.arms) {
            let text = arm.when.as_ref().map(|when| shown(plan, from).expr(when));
            let text = text.unwrap_or_else(|| "else".to_owned());
            let what = format_smolstr!("arm {at} of {}", from.id);
            let part = Part::new(Kind::Lead, what, &(before, &text), &text);
            before = part.digest.clone();
            self.0.entry(arm.to).or_default().push(part);
        }
        for arm in &decision.hypotheses {
            self.add(arm.to, format_smolstr!("on {} of {}", arm.hypothesis, from.id), "");
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
