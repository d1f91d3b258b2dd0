//! What names mean at each kind of place in a plan.
//!
//! A [`Place`] is built for a clause: it says which groups of values can be read there, and answers the checker of types.
//! Nodes come from the block's view, so what is upstream has been decided already. Absent: expressions.

use dsl_syntax::ast::{Arg, Decl, Name, Span};
use dsl_syntax::table::ClauseKey as K;
use ir::expr::Capture;
use ir::types::{Type, Types};
use ir::{Expr, Ref};
use smol_str::SmolStr;

use super::outputs::{agent_type, error_type, members, node_outputs, outputs_unknown};
use super::view::Choice;
use super::{Cx, Seen, about};
use crate::amend;
use crate::diagnostic::AmendHow;
use crate::graph::Access;
use crate::rules;
use crate::scope::{PlanScope, TypedField};
use crate::signatures::{NodeKind, Work, clause};
use crate::types::{Env, Lookup, Meant, Namespace, Problem, Report, Typed};

const PARAMS: u32 = 0;
const MEMORY: u32 = 1;
const SECRETS: u32 = 2;
const RUN: u32 = 3;
const TASK: u32 = 4;
const PLAN: u32 = 5;
const BUDGET: u32 = 6;
const SYSTEM: u32 = 7;
const NETWORK: u32 = 8;
const INPUT: u32 = 9;
const OUTPUTS: u32 = 10;
const CONTEXT: u32 = 11;
/// Namespaces from here on are nodes, by their place in the view.
const NODES: u32 = 100;

pub(crate) const NODE_STATUSES: &[&str] = &[
    "pending",
    "ready",
    "running",
    "waiting",
    "blocked",
    "completed",
    "failed",
    "skipped",
    "cancelled",
];
pub(crate) const RUN_STATUSES: &[&str] = &[
    "pending",
    "running",
    "paused",
    "blocked",
    "completed",
    "failed",
    "cancelled",
];

/// What can be read of the run; from the fourth on only when it is over.
const RUN_MEMBERS: &[&str] = &["id", "started", "workspace", "status", "duration", "cost", "tokens"];

/// Whose secrets can be read where `run` cannot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Secrets {
    #[default]
    None,
    OfPlan,
    /// Of whichever plan it will be.
    Any,
}

/// Which groups a place may read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Reads {
    /// `params`, `memory`, `run`, `plan`, `budget`, `secrets`.
    pub run: bool,
    pub nodes: bool,
    /// `task.*`
    pub task: bool,
    /// `system.*`, `network.*`
    pub world: bool,
    /// `file`, `exists`, `hash`
    pub observes: bool,
    /// `run.cost`, `run.duration`, `run.status`, `outputs.x`
    pub outcome: bool,
    /// `context.x`, of whatever type its use needs.
    pub context: bool,
    /// `status(n)`, `ran(n)`, …
    pub test: bool,
    /// Inputs by their bare names too.
    pub bare_inputs: bool,
    pub secrets: Secrets,
    /// Members and kinds may stand bare: attributes of policies and unknown profiles.
    pub anything: bool,
}

impl Reads {
    pub const NOTHING: Self = Self {
        run: false,
        nodes: false,
        task: false,
        world: false,
        observes: false,
        outcome: false,
        context: false,
        test: false,
        bare_inputs: false,
        secrets: Secrets::None,
        anything: false,
    };
    /// What a clause of a plan reads.
    pub const PLAN: Self = Self {
        run: true,
        ..Self::NOTHING
    };
    /// What most clauses of a node read.
    pub const NODE: Self = Self {
        run: true,
        nodes: true,
        task: true,
        ..Self::NOTHING
    };
    /// `output`, `expect`, `checks`
    pub const OBSERVING: Self = Self {
        observes: true,
        ..Self::NODE
    };
    /// `requires`
    pub const REQUIRES: Self = Self {
        observes: true,
        world: true,
        ..Self::NODE
    };
}

/// What a script or a capability leaves behind.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Captures {
    None,
    Script,
    /// `result`, a record of these.
    Capability(Type),
}

/// The scope of one place.
pub(crate) struct Place<'a, 'db> {
    pub cx: &'a Cx<'db>,
    pub reads: Reads,
    pub each: Option<(SmolStr, Type)>,
    pub input: &'a [(SmolStr, Type)],
    pub own: &'a [(SmolStr, Type)],
    /// Whether those are the outputs of the node.
    pub own_outputs: bool,
    pub captures: Captures,
    pub known: &'a [Expr],
    /// The agents that `by:` names.
    pub agents: &'a [SmolStr],
}

impl<'a, 'db> Place<'a, 'db> {
    pub fn new(cx: &'a Cx<'db>, reads: Reads) -> Self {
        Self {
            cx,
            reads,
            each: None,
            input: &[],
            own: &[],
            own_outputs: false,
            captures: Captures::None,
            known: &[],
            agents: &[],
        }
    }

    /// The same scope, to be changed.
    pub fn of(other: &Self) -> Self {
        Self {
            cx: other.cx,
            reads: other.reads,
            each: other.each.clone(),
            input: other.input,
            own: other.own,
            own_outputs: other.own_outputs,
            captures: other.captures.clone(),
            known: other.known,
            agents: other.agents,
        }
    }

    fn groups(&self) -> Vec<&'static str> {
        let mut groups = Vec::new();
        if self.reads.run {
            groups.extend(["params", "memory", "run", "plan", "budget", "secrets"]);
        }
        if self.reads.task {
            groups.push("task");
        }
        if self.reads.world {
            groups.extend(["system", "network"]);
        }
        if !self.input.is_empty() {
            groups.push("input");
        }
        if self.reads.test {
            groups.push("outputs");
        }
        if self.reads.secrets != Secrets::None {
            groups.push("secrets");
        }
        groups
    }

    fn group(&self, name: &str) -> Option<u32> {
        let id = match name {
            "params" => PARAMS,
            "memory" => MEMORY,
            "secrets" => SECRETS,
            "run" => RUN,
            "task" => TASK,
            "plan" => PLAN,
            "budget" => BUDGET,
            "system" => SYSTEM,
            "network" => NETWORK,
            "input" => INPUT,
            "outputs" => OUTPUTS,
            _ => return None,
        };
        self.groups().contains(&name).then_some(id)
    }

    fn capture(&self, name: &str) -> Option<Lookup> {
        let (ty, capture) = match (&self.captures, name) {
            (Captures::Script, "stdout") => (Type::STRING, Capture::Stdout),
            (Captures::Script, "stderr") => (Type::STRING, Capture::Stderr),
            (Captures::Script, "exit") => (Type::INT, Capture::Exit),
            (Captures::Capability(ty), "result") => (ty.clone(), Capture::Result),
            (Captures::Script | Captures::Capability(_), "duration") => (Type::Duration, Capture::Duration),
            _ => return None,
        };
        Some(Lookup::value(ty, Ref::Capture(capture)))
    }

    fn capture_names(&self) -> &'static [&'static str] {
        match self.captures {
            Captures::None => &[],
            Captures::Script => &["stdout", "stderr", "exit", "duration"],
            Captures::Capability(_) => &["result", "duration"],
        }
    }

    /// A node by its name; says so if it is not upstream.
    fn node(&self, name: &str, span: Span, report: &mut Report) -> Option<Lookup> {
        if !self.reads.nodes {
            return None;
        }
        let (at, seen) = self.cx.view.get(name)?;
        if seen.sig.kind == NodeKind::Hypothesis {
            let message = format!("`{name}` is a hypothesis, which has no values");
            report.push(Problem::new(rules::TYPE_MISMATCH, span, message));
            return Some(Lookup::Silenced);
        }
        if seen.access == Access::No {
            if self.reader().is_some_and(|reader| reader.text == name) {
                let message = format!("`{name}` reads itself: its own outputs and captures are bare names");
                let problem = Problem::new(rules::UNRESOLVED_NAME, span, message);
                let behind = self.cx.text().get(span.end as usize..);
                report.push(match behind.is_some_and(|behind| behind.starts_with('.')) {
                    true => {
                        let whole = Span::new(span.start, span.end + 1);
                        problem.help(format!("leave `{name}.` out")).fix(
                            format!("remove `{name}.`"),
                            false,
                            vec![(whole, String::new())],
                        )
                    }
                    false => problem,
                });
                return Some(Lookup::Silenced);
            }
            self.undeclared(name, span, report);
        }
        Some(Lookup::Namespace(Namespace {
            path: name.into(),
            id: NODES + at,
        }))
    }

    /// The name of the declaration that is being checked.
    fn reader(&self) -> Option<&Name> {
        self.cx.decl()?.name.as_ref()
    }

    fn undeclared(&self, name: &str, span: Span, report: &mut Report) {
        let Some(decl) = self.cx.decl() else {
            return;
        };
        let reader = decl.name.as_ref().map_or("this", |name| name.text.as_str());
        let problem = Problem::new(
            rules::UNDECLARED_DEPENDENCY,
            span,
            format!("`{reader}` reads `{name}`, which it does not need, directly or through others"),
        );
        let problem = match self.with_need(decl, name) {
            // Safe: without the need the value cannot be read at all. Whether it makes a loop, only the graph can tell.
            Some(edit) => problem.fix(format!("add `{name}` to the needs of `{reader}`"), true, vec![edit]),
            None => problem,
        };
        report.push(problem.help(format!("add `{name}` to `needs:`")));
    }

    /// The edit of the declaration that adds a need, if its header is clear enough to add to.
    fn with_need(&self, decl: &Decl, name: &str) -> Option<(Span, String)> {
        let is_clear = clause(decl, K::Needs).is_some() || !self.cx.header_is_broken();
        let how = AmendHow::Need(name.into());
        is_clear.then(|| amend::edit(decl, self.cx.text(), &how))?
    }

    fn node_member(&self, at: u32, name: &Name) -> Lookup {
        let Some((_, seen)) = self.cx.view.nodes.get(at as usize) else {
            return Lookup::Silenced;
        };
        let id = self.cx.node_id(at);
        let sig = &*seen.sig;
        let maybe = |ty: Type| {
            if self.reads.test {
                // an absent value fails its expectation
                crate::types::without_optional(ty)
            } else if seen.access == Access::Maybe {
                ty.optional()
            } else {
                ty
            }
        };
        match name.text.as_str() {
            "status" => return Lookup::value(members(NODE_STATUSES), Ref::Status(id)),
            "attempts" => return Lookup::value(Type::INT, Ref::Attempts(id)),
            "duration" => return Lookup::value(maybe(Type::Duration), Ref::NodeDuration(id)),
            "agent" if !matches!(sig.work, Work::Script | Work::Nothing) => {
                return Lookup::value(maybe(agent_type(&sig.by)), Ref::NodeAgent(id));
            }
            "choice" if !sig.options.is_empty() => {
                return Lookup::value(maybe(Type::Enum(sig.options.clone())), Ref::Choice(id));
            }
            "error" => {
                let ty = error_type(sig);
                let ty = if seen.error == Access::Always || self.reads.test {
                    ty
                } else {
                    ty.optional()
                };
                return Lookup::value(ty, Ref::Error(id));
            }
            _ => {}
        }
        let outputs = self.outputs(seen);
        if outputs_unknown(self.cx, sig) && !outputs.iter().any(|(output, _)| *output == name.text) {
            return Lookup::Silenced;
        }
        match outputs.iter().find(|(output, _)| *output == name.text) {
            Some((output, ty)) => {
                let ty = if sig.each { Type::list(ty.clone()) } else { ty.clone() };
                Lookup::value(maybe(ty), Ref::Output(id, output.clone()))
            }
            None => {
                let mut candidates: Vec<SmolStr> = outputs.into_iter().map(|(name, _)| name).collect();
                let of_all = ["status", "attempts", "duration", "error"].map(SmolStr::from);
                candidates.extend(
                    of_all
                        .into_iter()
                        .filter(|name| !candidates.contains(name))
                        .collect::<Vec<_>>(),
                );
                if !sig.options.is_empty() {
                    candidates.push("choice".into());
                }
                Lookup::NotFound { candidates }
            }
        }
    }

    /// The outputs of a node, of one instance if it fans out.
    fn outputs(&self, seen: &Seen) -> Vec<(SmolStr, Type)> {
        node_outputs(self.cx, &seen.sig)
    }

    fn run_member(&self, name: &str) -> Option<Type> {
        Some(match name {
            "id" => Type::STRING,
            "started" => Type::Time,
            "workspace" => Type::Path,
            "status" if self.reads.outcome => members(RUN_STATUSES),
            "duration" if self.reads.outcome => Type::Duration,
            "cost" if self.reads.outcome => Type::Money,
            "tokens" if self.reads.outcome => Type::INT,
            _ => return None,
        })
    }

    fn memory(&self, path: &str, name: &Name) -> Lookup {
        let key = match path.strip_prefix("memory.") {
            Some(prefix) => SmolStr::from(format!("{prefix}.{}", name.text)),
            None => name.text.clone(),
        };
        if let Some(field) = self.cx.field(PlanScope::memory, &key) {
            let ty = if field.has_default {
                field.ty.clone()
            } else {
                field.ty.clone().optional()
            };
            return Lookup::value(ty, Ref::Memory(key));
        }
        let declared = &self.cx.whole_plan().memory;
        let prefix = format!("{key}.");
        if declared.iter().any(|field| field.name.starts_with(&prefix)) {
            return Lookup::Namespace(Namespace {
                path: format!("memory.{key}").into(),
                id: MEMORY,
            });
        }
        Lookup::NotFound {
            candidates: names(declared),
        }
    }

    fn world(&self, path: &str, name: &Name) -> Lookup {
        let full = format!("{path}.{}", name.text);
        let ty = match full.as_str() {
            "system.disk" | "system.memory" => {
                return Lookup::Namespace(Namespace {
                    path: full.into(),
                    id: SYSTEM,
                });
            }
            "system.disk.free" | "system.disk.total" | "system.memory.free" | "system.memory.total" => Type::Size,
            "system.cpus" => Type::INT,
            "system.os" | "system.arch" => Type::STRING,
            "network.online" => Type::Bool,
            _ => {
                let all: &[&str] = match path {
                    "system" => &["disk", "memory", "cpus", "os", "arch"],
                    "network" => &["online"],
                    _ => &["free", "total"],
                };
                return Lookup::NotFound {
                    candidates: all.iter().map(|name| SmolStr::from(*name)).collect(),
                };
            }
        };
        Lookup::value(ty, Ref::World(full.into()))
    }

    pub(super) fn nodes_near(&self, name: &str) -> Vec<SmolStr> {
        if self.reads.test {
            about::all_nodes(self.cx)
        } else {
            self.cx.nodes_near(name)
        }
    }
}

fn names(fields: &[TypedField]) -> Vec<SmolStr> {
    fields.iter().map(|field| field.name.clone()).collect()
}

fn strings(words: &[&str]) -> Vec<SmolStr> {
    words.iter().map(|word| SmolStr::from(*word)).collect()
}

impl Env for Place<'_, '_> {
    fn types(&self) -> &Types {
        &self.cx.scope.types
    }

    fn type_named(&self, name: &str) -> Option<Type> {
        let found = self.cx.scope.named.get(name).cloned();
        found.or_else(|| self.cx.scope.excuses(name).then_some(Type::Error))
    }

    fn type_names(&self) -> Vec<SmolStr> {
        self.cx.scope.named.keys().cloned().collect()
    }

    fn first(&self, name: &str, span: Span, report: &mut Report) -> Lookup {
        let found = self.find_first(name, span, report);
        self.note(span, &found);
        found
    }

    fn member(&self, of: &Namespace, name: &Name, report: &mut Report) -> Lookup {
        let mut found = self.find_member(of, name);
        let is_of_node = of.id >= NODES && matches!(found, Lookup::NotFound { .. });
        if is_of_node && matches!(name.text.as_str(), "output" | "outputs") {
            let message = format!("`{}` has no `{}`", of.path, name.text);
            let problem = Problem::new(rules::UNRESOLVED_NAME, name.span, message);
            report.push(problem.help(format!("an output is read by its name alone: `{}.NAME`", of.path)));
            found = Lookup::Silenced;
        }
        self.note(name.span, &found);
        found
    }

    fn observes(&self) -> bool {
        self.reads.observes
    }

    fn known(&self) -> &[Expr] {
        self.known
    }

    /// Of an `any(…)` or a quorum so many members have completed.
    fn one_is_there(&self, value: &Expr, absent: &[Expr]) -> bool {
        let gives = |member: &SmolStr, value: &Expr| match (self.cx.view.get(member), value) {
            (Some((at, seen)), Expr::Ref(Ref::Output(of, output))) if *of == self.cx.node_id(at) => {
                let mut outputs = self.outputs(seen).into_iter();
                outputs.any(|(name, ty)| name == *output && !ty.is_optional())
            }
            _ => false,
        };
        self.cx.view.choices.iter().any(|Choice { sure, members }| {
            let is_out = |member: &&SmolStr| absent.iter().any(|value| gives(member, value));
            members.iter().any(|member| gives(member, value))
                && members.iter().filter(|member| !is_out(member)).count() <= *sure
        })
    }

    fn meant(&self, name: Span, meant: Meant<'_>) {
        self.cx.meant(name, meant);
    }

    fn call(&self, func: &Name, args: &[Arg], report: &mut Report) -> Option<Typed> {
        self.find_call(func, args, report)
    }
}

impl Place<'_, '_> {
    /// Remembers what is read, for checks of the whole plan.
    fn note(&self, span: Span, found: &Lookup) {
        if let Lookup::Found {
            expr: Expr::Ref(read), ..
        } = found
        {
            self.cx.note(span, read);
        }
    }

    fn find_first(&self, name: &str, span: Span, report: &mut Report) -> Lookup {
        if let Some((_, ty)) = self.each.as_ref().filter(|(var, _)| var == name) {
            return Lookup::value(ty.clone(), Ref::Each);
        }
        if let Some((own, ty)) = self.own.iter().find(|(own, _)| own == name) {
            return Lookup::value(ty.clone(), Ref::Own(own.clone()));
        }
        if let Some(found) = self.capture(name) {
            return found;
        }
        if let Some(id) = self.group(name) {
            return Lookup::Namespace(Namespace { path: name.into(), id });
        }
        if self.reads.bare_inputs
            && let Some((input, ty)) = self.input.iter().find(|(input, _)| input == name)
        {
            return Lookup::value(ty.clone(), Ref::Input(input.clone()));
        }
        if self.reads.context && name == "context" {
            return Lookup::Namespace(Namespace {
                path: name.into(),
                id: CONTEXT,
            });
        }
        if self.reads.anything || self.cx.has_unknown_variables(name) {
            return Lookup::Silenced;
        }
        if let Some(found) = self.node(name, span, report) {
            return found;
        }
        if self.own_outputs && self.cx.own_outputs_unknown() {
            return Lookup::Silenced;
        }
        let mut candidates: Vec<SmolStr> = self.groups().into_iter().map(SmolStr::from).collect();
        candidates.extend(self.each.iter().map(|(var, _)| var.clone()));
        candidates.extend(self.own.iter().map(|(own, _)| own.clone()));
        candidates.extend(strings(self.capture_names()));
        if self.reads.bare_inputs {
            candidates.extend(self.input.iter().map(|(input, _)| input.clone()));
        }
        if self.reads.nodes {
            candidates.extend(self.nodes_near(name));
        }
        candidates.extend(self.in_group(name));
        Lookup::NotFound { candidates }
    }

    /// A field of the plan.
    fn of_plan(&self, group: fn(&PlanScope) -> &[TypedField], name: &str, r: impl FnOnce(SmolStr) -> Ref) -> Lookup {
        match self.cx.field(group, name) {
            Some(field) => Lookup::value(field.ty.clone(), r(field.name.clone())),
            None => Lookup::NotFound {
                candidates: names(group(self.cx.whole_plan())),
            },
        }
    }

    /// The name in the group that has it, where that can be read.
    fn in_group(&self, name: &str) -> Option<SmolStr> {
        let plan = self.cx.whole_plan();
        let groups = self.groups();
        let has = |fields: &[TypedField]| fields.iter().any(|field| field.name == name);
        let found = [
            ("params", has(&plan.params)),
            ("memory", has(&plan.memory)),
            ("secrets", plan.secrets.iter().any(|secret| secret == name)),
            ("input", self.input.iter().any(|(input, _)| input == name)),
        ];
        let found = found.iter().find(|(group, has)| *has && groups.contains(group));
        found.map(|(group, _)| SmolStr::from(format!("{group}.{name}")))
    }

    /// What is not found may stand where a syntax error is: that is one mistake.
    fn unless_broken(&self, key: K, found: Lookup) -> Lookup {
        match found {
            Lookup::NotFound { .. } if self.cx.whole_plan().is_broken(key) => Lookup::Silenced,
            found => found,
        }
    }

    fn find_member(&self, of: &Namespace, name: &Name) -> Lookup {
        let plan = self.cx.plan;
        let word = name.text.as_str();
        match of.id {
            PARAMS => self.unless_broken(K::Params, self.of_plan(PlanScope::params, word, Ref::Param)),
            MEMORY => self.unless_broken(K::Memory, self.memory(&of.path, name)),
            SECRETS if plan.secrets.contains(&name.text) || self.reads.secrets == Secrets::Any => {
                Lookup::value(Type::Secret(Box::new(Type::STRING)), Ref::Secret(name.text.clone()))
            }
            SECRETS if plan.is_broken(K::Secrets) => Lookup::Silenced,
            SECRETS => Lookup::NotFound {
                candidates: plan.secrets.clone(),
            },
            RUN => match self.run_member(word) {
                Some(ty) => Lookup::value(ty, Ref::Run(name.text.clone())),
                None => Lookup::NotFound {
                    candidates: strings(&RUN_MEMBERS[..if self.reads.outcome { 7 } else { 3 }]),
                },
            },
            TASK => match word {
                "id" | "key" => Lookup::value(Type::STRING, Ref::Task(name.text.clone())),
                "attempt" => Lookup::value(Type::INT, Ref::Task(name.text.clone())),
                "agent" => Lookup::value(agent_type(self.agents), Ref::Task(name.text.clone())),
                _ => Lookup::NotFound {
                    candidates: strings(&["id", "key", "attempt", "agent"]),
                },
            },
            PLAN => match word {
                "name" => Lookup::value(Type::STRING, Ref::Plan(name.text.clone())),
                "version" if plan.has_version => Lookup::value(Type::Version, Ref::Plan(name.text.clone())),
                "version" => Lookup::value(Type::Version.optional(), Ref::Plan(name.text.clone())),
                _ => Lookup::NotFound {
                    candidates: strings(&["name", "version"]),
                },
            },
            BUDGET => {
                let ty = match word {
                    "time" => Type::Duration,
                    "cost" => Type::Money,
                    "tokens" => Type::INT,
                    _ => {
                        return Lookup::NotFound {
                            candidates: plan.budget.clone(),
                        };
                    }
                };
                if plan.budget.contains(&name.text) {
                    Lookup::value(ty, Ref::Budget(name.text.clone()))
                } else {
                    Lookup::NotFound {
                        candidates: plan.budget.clone(),
                    }
                }
            }
            SYSTEM | NETWORK => self.world(&of.path, name),
            // it has the type that its use needs
            CONTEXT => Lookup::value(Type::Error, Ref::Context(name.text.clone())),
            INPUT => match self.input.iter().find(|(input, _)| *input == name.text) {
                Some((input, ty)) => Lookup::value(ty.clone(), Ref::Input(input.clone())),
                None => Lookup::NotFound {
                    candidates: self.input.iter().map(|(name, _)| name.clone()).collect(),
                },
            },
            OUTPUTS => {
                let output = |name| Ref::Run(format!("outputs.{name}").into());
                self.unless_broken(K::Outputs, self.of_plan(PlanScope::outputs, word, output))
            }
            node => self.node_member(node - NODES, name),
        }
    }
}
