//! Profiles: each line is a path into a plan and a value, checked as the clause at the end of the path is.
//!
//! A profile sets what a plan is run with: values, limits, who does it and how. What a plan *is* (its graph, its types,
//! its scripts) it cannot change, so that a plan that checks still does under every profile. Values read parameters and
//! what the run knows, but no outputs. Absent: using a profile ([`crate::under`]).

use dsl_syntax::ast::{Clause, Decl, Expr as Ast, Name, Rate, Span, Value};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind, Row};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Place, Reads};
use super::runners::{self, Interface};
use super::task::typed;
use super::{Cx, Seen, about, agents, capabilities, effects, flow, literals, rates, scripts, settings, shape};
use crate::rules;
use crate::scope::{Common, PlanShape, TypedField, scope};
use crate::signatures::{NodeKind, Work};
use crate::types::Problem;

/// What of a plan can be set; those with members are set member by member.
const OF_PLAN: &[K] = &[
    K::Owner,
    K::Labels,
    K::Params,
    K::Secrets,
    K::Budget,
    K::Limits,
    K::Retry,
    K::Timeout,
    K::Failure,
    K::Dir,
    K::Judge,
];
const OF_TASK: &[K] = &[
    K::When,
    K::Parallel,
    K::Tolerate,
    K::Input,
    K::Env,
    K::Dir,
    K::Shell,
    K::Retry,
    K::Timeout,
    K::Priority,
    K::Owner,
    K::Labels,
    K::Risks,
    K::Budget,
    K::By,
    K::Effects,
    K::Idempotent,
    K::Key,
    K::Cache,
    K::Optional,
];
const OF_GATE: &[K] = &[
    K::When,
    K::Approver,
    K::Quorum,
    K::Env,
    K::Dir,
    K::Shell,
    K::Effects,
    K::Timeout,
    K::Priority,
    K::Owner,
    K::Labels,
    K::Optional,
];
const OF_DECISION: &[K] = &[K::Owner, K::Labels];
const OF_HYPOTHESIS: &[K] = &[K::Prior];
pub(crate) const OF_CAPABILITY: &[K] = &[K::Effects, K::Risks, K::Cost, K::Idempotent, K::Runner];

/// What a profile can set of a plan.
pub(crate) const fn settable_of_plan() -> &'static [K] {
    OF_PLAN
}

/// What a profile can set of a node.
pub(crate) const fn settable_of_node(kind: NodeKind) -> &'static [K] {
    match kind {
        NodeKind::Task => OF_TASK,
        NodeKind::Gate => OF_GATE,
        NodeKind::Decision => OF_DECISION,
        NodeKind::Hypothesis => OF_HYPOTHESIS,
    }
}

/// Clauses that hold named values.
pub(crate) const WITH_MEMBERS: &[K] = &[K::Params, K::Secrets, K::Budget, K::Limits, K::Input, K::Env];

pub(super) fn check(cx: &Cx<'_>, decl: &Decl) {
    let Some(plan) = about::plan(cx, decl) else { return };
    shape::duplicate_names(cx, decl.clauses.iter().map(|clause| &clause.name), "the path");
    for clause in &decl.clauses {
        Line::new(cx, plan, clause).check();
    }
}

/// Whether a path is about a clause of the plan itself. Its own clauses come first, but `retry.timeout` can only be
/// about a node `retry`.
pub(crate) fn is_of_plan(path: &[&str], has_node: bool) -> bool {
    let row = path
        .first()
        .and_then(|first| table::find(table::clauses(DeclKind::Plan), first));
    row.is_some_and(|row| path.len() == 1 || WITH_MEMBERS.contains(&row.key) || !has_node)
}

/// The longest capability that a path begins with.
pub(crate) fn capability_of(scope: &Common, path: &str) -> Option<SmolStr> {
    let leads = |name: &&SmolStr| {
        let rest = path.strip_prefix(name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let names = scope.capabilities.keys().filter(leads);
    names.max_by_key(|name| name.len()).cloned()
}

/// One line of a profile.
struct Line<'a, 'db> {
    cx: &'a Cx<'db>,
    plan: &'db PlanShape,
    path: Vec<&'a str>,
    clause: &'a Clause,
}

/// Whose clause it is that a path leads to.
struct Owner<'a> {
    /// As messages call it.
    whose: String,
    rows: &'static [Row],
    can: &'static [K],
    /// What is left of the path.
    rest: &'a [&'a str],
    /// How much of the path is before that.
    before: usize,
}

impl<'a, 'db> Line<'a, 'db> {
    fn new(cx: &'a Cx<'db>, plan: &'db PlanShape, clause: &'a Clause) -> Self {
        Self {
            cx,
            plan,
            path: clause.name.text.split('.').collect(),
            clause,
        }
    }

    fn check(&self) {
        let first = self.path[0];
        let node = self.cx.view.get(first).map(|(_, seen)| seen);
        if is_of_plan(&self.path, node.is_some()) {
            self.of_plan();
        } else if let Some(seen) = node {
            self.of_node(seen);
        } else if let Some(name) = capability_of(self.cx.scope, &self.clause.name.text) {
            self.of_capability(&name);
        } else {
            self.unknown(first);
        }
    }

    fn unknown(&self, first: &str) {
        let mut known: Vec<SmolStr> = OF_PLAN.iter().map(|key| key.word().into()).collect();
        known.extend(about::nodes(self.cx, self.plan, None));
        known.extend(self.cx.scope.capabilities.keys().cloned());
        let message = format!("the plan `{}` has no clause or node `{first}`", self.plan.plan.name);
        let problem = Problem::new(rules::UNRESOLVED_NAME, self.segment(0), message);
        let plan = &self.plan.plan;
        let groups = [
            ("params", plan.params.iter().any(|param| param.name == first)),
            ("budget", settings::BUDGET.contains(&first)),
            ("secrets", plan.secrets.iter().any(|secret| secret == first)),
        ];
        self.cx.push(match groups.iter().find(|(_, has)| *has) {
            Some((group, _)) => {
                let whole = format!("{group}.{first}");
                let edits = vec![(self.segment(0), whole.clone())];
                let title = format!("change `{first}` to `{whole}`");
                problem
                    .help(format!("did you mean `{whole}`?"))
                    .fix(title, false, edits)
            }
            None => problem.nearest(first, &known),
        });
    }

    /// Where a part of the path stands; where it has spaces, the whole.
    fn segment(&self, at: usize) -> Span {
        let name = &self.clause.name;
        if name.span.end - name.span.start != name.text.len() as u32 {
            return name.span;
        }
        let before: usize = self.path[..at].iter().map(|part| part.len() + 1).sum();
        let start = name.span.start + before as u32;
        Span::new(start, start + self.path.get(at).map_or(0, |part| part.len()) as u32)
    }

    fn value(&self) -> &'a Value {
        match &self.clause.value {
            Value::Override(value) => value,
            value => value,
        }
    }

    fn expr(&self, check: impl FnOnce(&'a Ast)) {
        if let Value::Expr(expr) = self.value() {
            check(expr);
        }
    }

    fn typed(&self, ty: &Type, reads: Reads) {
        self.expr(|expr| {
            typed(self.cx, expr, ty, &Place::new(self.cx, reads));
        });
    }

    fn names(&self, check: impl FnOnce(&'a [Name])) {
        if let Value::Names(names) = self.value() {
            check(names);
        }
    }

    fn labels(&self, what: &str) {
        self.names(|names| shape::duplicate_names(self.cx, names.iter(), what));
    }

    fn rates(&self) -> &'a [Rate] {
        match self.value() {
            Value::Rates(rates) => rates,
            _ => &[],
        }
    }

    /// The clause and the member that the rest of the path names; `None` was reported.
    fn target<'p>(&self, owner: &Owner<'p>) -> Option<(K, Option<&'p str>)> {
        let at = owner.before;
        let [word, members @ ..] = owner.rest else {
            let listed = words(owner.can);
            let message = format!("{} is no clause, expected one of its clauses", owner.whose);
            let problem = Problem::new(rules::UNRESOLVED_NAME, self.clause.name.span, message);
            self.cx.push(problem.help(format!(
                "write `{}.CLAUSE: …`, where CLAUSE is one of {listed}",
                self.clause.name.text
            )));
            return None;
        };
        let Some(row) = table::find(owner.rows, word) else {
            let known: Vec<SmolStr> = owner.can.iter().map(|key| key.word().into()).collect();
            about::has_no(self.cx, self.segment(at), &owner.whose, word, &known);
            return None;
        };
        if !owner.can.contains(&row.key) {
            let message = format!("a profile cannot change `{word}` of {}", owner.whose);
            let problem = Problem::new(rules::MISPLACED_CLAUSE, self.clause.name.span, message);
            self.cx
                .push(problem.help(format!("it can change {}", words(owner.can))));
            return None;
        }
        match (WITH_MEMBERS.contains(&row.key), members) {
            (true, [member]) => Some((row.key, Some(member))),
            (false, []) => Some((row.key, None)),
            // lines below it have been reported
            (true, []) if self.clause.value == Value::Error => None,
            (true, []) => {
                let message = format!("`{word}` holds named values, expected one of them");
                let problem = Problem::new(rules::TYPE_MISMATCH, self.segment(at), message);
                self.cx
                    .push(problem.help(format!("write `{}.NAME: …`", self.clause.name.text)));
                None
            }
            (_, [.., last]) => {
                let owner = self.path[..self.path.len() - 1].join(".");
                let message = format!("`{owner}` has no `{last}`: it is one value");
                self.cx.push(Problem::new(
                    rules::UNRESOLVED_NAME,
                    self.segment(self.path.len() - 1),
                    message,
                ));
                None
            }
        }
    }

    fn no_member(&self, whose: &str, name: &str, known: &[SmolStr]) {
        about::has_no(self.cx, self.segment(self.path.len() - 1), whose, name, known);
    }

    /// A value for one of these fields.
    fn field(&self, whose: &str, name: &str, fields: &[TypedField], reads: Reads) {
        match fields.iter().find(|field| field.name == name) {
            Some(field) => self.typed(&field.ty, reads),
            None => {
                let known: Vec<SmolStr> = fields.iter().map(|field| field.name.clone()).collect();
                self.no_member(whose, name, &known);
            }
        }
    }

    fn of_plan(&self) {
        let cx = self.cx;
        let owner = Owner {
            whose: format!("the plan `{}`", self.plan.plan.name),
            rows: table::clauses(DeclKind::Plan),
            can: OF_PLAN,
            rest: &self.path,
            before: 0,
        };
        let Some((key, member)) = self.target(&owner) else {
            return;
        };
        match (key, member) {
            (K::Params, Some(name)) if !self.plan.plan.is_broken(K::Params) => {
                self.field(&owner.whose, name, &self.plan.plan.params, Reads::NOTHING);
            }
            (K::Secrets, Some(name)) => self.secret(&owner.whose, name),
            (K::Budget, Some(name)) => self.budget(name),
            (K::Limits, Some(name)) => match rates::OF_PLAN.iter().find(|limit| limit.name == name) {
                Some(limit) => rates::check(cx, limit, self.rates()),
                None => {
                    let known: Vec<SmolStr> = rates::OF_PLAN.iter().map(|limit| limit.name.into()).collect();
                    self.no_member("`limits`", name, &known);
                }
            },
            (K::Retry, _) => self.retry(None),
            (K::Timeout, _) => self.expr(|expr| {
                literals::duration(cx, expr, "`timeout`");
            }),
            (K::Failure, _) => self.names(|names| {
                names.first().and_then(|name| settings::failure(cx, name));
            }),
            (K::Dir, _) => self.expr(|expr| {
                scripts::text(cx, expr, &Type::Path, &Place::new(cx, Reads::PLAN));
            }),
            (K::Judge, _) => self.names(|names| drop(settings::judge(cx, names))),
            (K::Labels, _) => self.labels("the label"),
            _ => {}
        }
    }

    fn secret(&self, whose: &str, name: &str) {
        let plan = &self.plan.plan;
        if plan.secrets.iter().any(|secret| secret == name) {
            self.expr(|expr| drop(settings::secret(self.cx, expr)));
        } else if !plan.is_broken(K::Secrets) {
            self.no_member(whose, name, &plan.secrets);
        }
    }

    fn budget(&self, name: &str) {
        match settings::BUDGET.contains(&name) {
            true => self.expr(|expr| {
                settings::budget_entry(self.cx, name, expr);
            }),
            false => self.no_member("a budget", name, &settings::BUDGET.map(SmolStr::from)),
        }
    }

    fn retry(&self, modes: Option<&[SmolStr]>) {
        if let Value::Retry(retry) = self.value() {
            literals::retry_value(self.cx, retry, modes);
        }
    }

    fn of_node(&self, seen: &Seen) {
        let sig = &seen.sig;
        let (kind, can) = match sig.kind {
            NodeKind::Task => (DeclKind::Task, OF_TASK),
            NodeKind::Gate => (DeclKind::Gate, OF_GATE),
            NodeKind::Decision => (DeclKind::Decision, OF_DECISION),
            NodeKind::Hypothesis => (DeclKind::Hypothesis, OF_HYPOTHESIS),
        };
        let owner = Owner {
            whose: format!("the {} `{}`", sig.kind.word(), sig.name),
            rows: table::clauses(kind),
            can,
            rest: &self.path[1..],
            before: 1,
        };
        let Some((key, member)) = self.target(&owner) else {
            return;
        };
        if let Some(why) = excluded(seen, key) {
            let message = format!("`{}` of {}: {why}", key.word(), owner.whose);
            self.cx
                .push(Problem::new(rules::CONFLICTING_CLAUSES, self.clause.name.span, message));
            return;
        }
        match (key, member) {
            (K::Input, Some(name)) => self.input(seen, &owner.whose, name),
            (K::Env, Some(name)) => {
                if sig.env.iter().any(|known| known == name) {
                    self.rendered();
                } else {
                    self.no_member(&format!("`env` of {}", owner.whose), name, &sig.env);
                }
            }
            (K::Budget, Some(name)) => self.budget(name),
            (K::Retry, _) => self.retry(Some(&sig.modes)),
            _ => self.setting(seen, key),
        }
    }

    /// The clauses of nodes that hold one value.
    fn setting(&self, seen: &Seen, key: K) {
        let cx = self.cx;
        let place = Place::new(cx, Reads::PLAN);
        let most = i64::from(u32::MAX);
        match key {
            K::When => self.typed(&Type::Bool, Reads::PLAN),
            K::Timeout => self.expr(|expr| {
                literals::timeout(cx, expr, &place);
            }),
            K::Cache => self.expr(|expr| {
                literals::duration(cx, expr, "`cache`");
            }),
            K::Parallel | K::Quorum => self.expr(|expr| {
                literals::int(cx, expr, 1, most, &format!("`{}`", key.word()));
            }),
            K::Priority => self.expr(|expr| {
                literals::int(cx, expr, -most, most, "`priority`");
            }),
            K::Tolerate => self.expr(|expr| {
                literals::tolerated(cx, expr);
            }),
            K::Prior => self.expr(|expr| _ = settings::prior(cx, expr)),
            K::Idempotent | K::Optional => self.expr(|expr| {
                literals::bool(cx, expr);
            }),
            K::Dir => self.expr(|expr| {
                scripts::text(cx, expr, &Type::Path, &place);
            }),
            K::Key => self.rendered(),
            K::Labels => self.labels("the label"),
            K::Risks => self.labels("the risk"),
            K::Approver => self.names(|names| {
                flow::approvers(cx, names);
            }),
            K::By => self.names(|names| self.by(seen, names)),
            K::Effects => self.effects(),
            _ => {}
        }
    }

    fn effects(&self) {
        if let Value::Effects(list) = self.value() {
            effects::check_list(self.cx, list);
        }
    }

    fn rendered(&self) {
        self.expr(|expr| {
            scripts::rendered(self.cx, expr, &Place::new(self.cx, Reads::PLAN));
        });
    }

    /// An input of the task: of what it calls, or that its script has.
    fn input(&self, seen: &Seen, whose: &str, name: &str) {
        // what the task calls means what it means where the plan stands
        self.cx.at_home(self.plan, |home| {
            let line = Line {
                cx: home,
                plan: self.plan,
                path: self.path.clone(),
                clause: self.clause,
            };
            let schema = match &seen.sig.work {
                Work::Capability(called) => match home.scope.capabilities.get(called) {
                    Some(found) => found.input.as_slice(),
                    None => return,
                },
                Work::Call(called) => match home.whole_scope().plans.get(called) {
                    Some(found) => found.plan.params.as_slice(),
                    None => return,
                },
                _ if seen.sig.input.iter().any(|known| known == name) => return line.rendered(),
                _ => return line.no_member(&format!("`input` of {whose}"), name, &seen.sig.input),
            };
            line.field(whose, name, schema, Reads::PLAN);
        });
    }

    /// Agents that can do what the task does.
    fn by(&self, seen: &Seen, names: &[Name]) {
        shape::duplicate_names(self.cx, names.iter(), "the agent");
        let home = scope(self.cx.db(), self.plan.file);
        let called: Vec<_> = match &seen.sig.work {
            Work::Capability(name) => vec![name],
            Work::Steps(names) => names.iter().collect(),
            _ => Vec::new(),
        };
        let needed: Vec<_> = called
            .into_iter()
            .filter_map(|name| Some((name.clone(), home.capabilities.get(name)?.id.clone())))
            .collect();
        for name in names {
            agents::known(self.cx, name);
            agents::lacks_for(self.cx, name, &seen.sig.name, &needed);
        }
    }

    fn of_capability(&self, name: &str) {
        let Some(capability) = self.cx.scope.capabilities.get(name) else {
            return;
        };
        let before = name.split('.').count();
        let owner = Owner {
            whose: format!("the capability `{name}`"),
            rows: table::clauses(DeclKind::Capability),
            can: OF_CAPABILITY,
            rest: &self.path[before..],
            before,
        };
        let Some((key, _)) = self.target(&owner) else { return };
        match (key, self.value()) {
            (K::Runner, Value::Call(call)) => {
                let interface = Interface {
                    in_plan: true,
                    ..capabilities::interface(Some(capability))
                };
                runners::check(self.cx, call, &interface);
            }
            (K::Cost, Value::Rates(rates)) => capabilities::cost(self.cx, rates),
            (K::Effects, _) => self.effects(),
            (K::Risks, _) => self.labels("the risk"),
            (K::Idempotent, _) => self.expr(|expr| {
                literals::bool(self.cx, expr);
            }),
            _ => {}
        }
    }
}

/// Why a clause cannot stand in this node, whatever its value.
fn excluded(seen: &Seen, key: K) -> Option<&'static str> {
    let sig = &seen.sig;
    let is_script = sig.work == Work::Script;
    match key {
        K::Parallel | K::Tolerate if !sig.each => Some("it is about the instances of a fan-out"),
        K::Quorum if sig.approvers.is_empty() => Some("an automatic gate has nobody to ask"),
        K::Approver if sig.approvers.is_empty() => Some("its checks decide, not a person"),
        K::Env | K::Shell if !is_script => Some("only a script has it"),
        K::Dir | K::Effects if sig.kind == NodeKind::Gate && !is_script => Some("only a script has it"),
        _ => None,
    }
}

fn words(keys: &[K]) -> String {
    let words: Vec<String> = keys.iter().map(|key| format!("`{}`", key.word())).collect();
    words.join(", ")
}
