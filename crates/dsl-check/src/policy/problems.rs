//! What the plans of a file do against the policies that bind them, as diagnostics.
//!
//! One for each node and rule; the line of the policy is a label. What a rule asks a node about itself is judged chunk
//! by chunk, what it asks about other nodes and about the plan plan by plan. Places are symbolic, so no edit of a body
//! computes this again.

use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use super::attributes::Attribute;
use super::calls::reached;
use super::flows::Flows;
use super::judge::{Judge, Of, Tri};
use super::model::{Condition, End, Rule, Says, Selector, What};
use super::subject::Subject;
use super::words::{Repair, Why, why};
use super::{PlanAt, PolicyAt, binding, bindings, effects, limits, policies_in_reach};
use crate::around::plans_here;
use crate::diagnostic::{Diag, Place, Target};
use crate::inputs::{SourceChunk, SourceFile};
use crate::rules;
use crate::signatures::NodeKind;
use crate::under::PlanUnder;

/// What the nodes of a chunk say of themselves that policies do not allow.
#[salsa::tracked(returns(ref))]
pub(crate) fn policy_problems_of_nodes(db: &dyn salsa::Database, chunk: SourceChunk) -> Vec<Diag> {
    let mut found = Vec::new();
    let file = chunk.file(db);
    if policies_in_reach(db, file).is_empty() {
        return found;
    }
    let plans: Vec<Option<u32>> = plans_here(db, chunk).of_nodes().collect();
    let mut named: Vec<u32> = plans.iter().flatten().copied().collect();
    named.dedup();
    for plan in named {
        let policies = &bindings(db, file)[plan as usize];
        let policies: Vec<&PolicyAt> = policies.iter().collect();
        let Some(subject) = Subject::of_chunk(db, chunk, plan) else {
            continue;
        };
        let judge = Judge::new(&subject, Flows::none());
        let limits_use = policies.iter().any(|at| limits_use(at));
        let here = |node: &u32| plans[*node as usize] == Some(plan);
        for node in (0..plans.len() as u32).filter(here) {
            for at in &policies {
                let rules = at.policy.rules.iter().filter(|rule| rule.is_local());
                let picked = rules.filter(|rule| judge.picks(&rule.about, node) == Tri::Yes);
                found.extend(picked.filter_map(|rule| broken(&judge, at, rule, Of::Node(node))));
            }
            if limits_use && subject.sig(node).kind != NodeKind::Hypothesis {
                found.extend(effects::problems(&subject, node, &policies));
            }
        }
    }
    found
}

/// What the plans of a file do against policies, as wholes.
#[salsa::tracked(returns(ref))]
pub(crate) fn policy_problems(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let mut found = Vec::new();
    let policies = policies_in_reach(db, file);
    if policies.is_empty() {
        return found;
    }
    let mut rules = policies.iter().flat_map(|at| &*at.policy.rules);
    let asks_flow = rules.any(Rule::asks_flow);
    for (at, policies) in bindings(db, file).iter().enumerate() {
        let plan = PlanAt { file, at };
        let Some(subject) = Subject::new(db, plan).filter(|subject| !subject.is_empty()) else {
            continue;
        };
        let flows = if asks_flow { Flows::of(db, plan) } else { Flows::none() };
        let judge = Judge::new(&subject, flows);
        let policies: Vec<&PolicyAt> = policies.iter().collect();
        for at in &policies {
            let rules = at.policy.rules.iter().filter(|rule| !rule.is_local());
            rules.for_each(|rule| judge_rule(&judge, at, rule, &mut found));
        }
        if policies.iter().any(|at| limits_use(at)) {
            found.extend(effects::problem_of_judge(&subject, &policies));
            judge_calls(db, plan, &subject, &policies, &mut found);
        }
        limits::exceeded(&subject, &policies, &mut found);
    }
    found
}

/// What a plan does against policies as a profile leaves it. The plans that it calls are as they were, and so is what
/// flows where.
pub(crate) fn policy_problems_under(db: &dyn salsa::Database, plan: PlanAt, under: &PlanUnder) -> Vec<Diag> {
    let mut found = Vec::new();
    let policies = policies_in_reach(db, plan.file);
    if policies.is_empty() {
        return found;
    }
    let Some(subject) = Subject::under(db, plan, under) else {
        return found;
    };
    let policies = binding(&subject, policies);
    let mut rules = policies.iter().flat_map(|at| &*at.policy.rules);
    let flows = if rules.any(Rule::asks_flow) {
        Flows::of(db, plan)
    } else {
        Flows::none()
    };
    let judge = Judge::new(&subject, flows);
    for at in &policies {
        let rules = at.policy.rules.iter();
        rules.for_each(|rule| judge_rule(&judge, at, rule, &mut found));
    }
    if policies.iter().any(|at| limits_use(at)) {
        for node in subject.nodes() {
            found.extend(effects::problems(&subject, node, &policies));
        }
        found.extend(effects::problem_of_judge(&subject, &policies));
    }
    limits::exceeded(&subject, &policies, &mut found);
    found
}

fn limits_use(at: &PolicyAt) -> bool {
    at.policy.allow.capabilities.is_some() || at.policy.allow.limits_effects()
}

/// What called plans do, each call once for each policy that does not bind the called plan itself.
fn judge_calls(
    db: &dyn salsa::Database,
    plan: PlanAt,
    subject: &Subject<'_>,
    policies: &[&PolicyAt],
    found: &mut Vec<Diag>,
) {
    for (call, called) in super::calls::calls(db, plan) {
        for at in policies.iter().filter(|at| limits_use(at)) {
            let problem = reached(db, called)
                .into_iter()
                .filter(|next| *next != plan)
                .find_map(|next| {
                    if super::policies_of(db, next).iter().any(|known| known.block == at.block) {
                        return None;
                    }
                    effects::problem_of_call(subject, call, &Subject::new(db, next)?, at)
                });
            found.extend(problem);
        }
    }
}

/// Judges everything that a rule is about.
fn judge_rule(judge: &Judge<'_>, at: &PolicyAt, rule: &Rule, found: &mut Vec<Diag>) {
    if rule.about.what == What::Plan {
        let about = rule
            .about
            .filter
            .as_ref()
            .map_or(Tri::Yes, |filter| judge.holds(filter, Of::Plan));
        if about == Tri::Yes {
            found.extend(broken(judge, at, rule, Of::Plan));
        }
        return;
    }
    let members = judge.members(&rule.about);
    for node in members.certain() {
        found.extend(broken(judge, at, rule, Of::Node(node)));
    }
}

/// Whether the rule is broken there, said once.
fn broken(judge: &Judge<'_>, at: &PolicyAt, rule: &Rule, of: Of) -> Option<Diag> {
    let not_met = rule
        .require
        .as_ref()
        .filter(|require| judge.holds(require, of) == Tri::No);
    let denied = || rule.deny.as_ref().filter(|deny| judge.holds(deny, of) == Tri::Yes);
    let (condition, wanted) = match not_met {
        Some(condition) => (condition, true),
        None => (denied()?, false),
    };
    Some(violation(judge, at, rule, of, (condition, wanted)))
}

fn violation(judge: &Judge<'_>, at: &PolicyAt, rule: &Rule, of: Of, (condition, wanted): (&Condition, bool)) -> Diag {
    let subject = judge.subject;
    if let (Of::Node(node), false) = (of, wanted)
        && let Some(diag) = flow_violation(judge, at, rule, node, condition)
    {
        return diag;
    }
    let line = Place {
        block: at.block,
        target: Target::Rule(rule.at),
    };
    let place = match of {
        Of::Node(node) => subject.place(node, Target::Name),
        Of::Plan => subject.plan_place().unwrap_or_else(|| line.clone()),
    };
    let Why { message, help, repair } = why(judge, condition, of, wanted);
    let mut diag = Diag::new(rules::POLICY_VIOLATION, place, message).label(line, says(at, rule));
    diag.help = help;
    diag.lowered = rule.warns;
    match (repair, of) {
        (Some(Repair::Set(attribute, value)), of) if may_set(judge, attribute, of) => {
            let title = format!("set `{}` to {value}", attribute.name());
            diag.set_clause(title, key(attribute), value)
        }
        (Some(Repair::Need(name)), Of::Node(node)) => {
            let title = format!("add `{name}` to the needs of `{}`", subject.node_name(node));
            diag.add_need(title, name)
        }
        _ => diag,
    }
}

/// A denied flow is a mistake at the input that receives it; of secrets it is a leak.
fn flow_violation(judge: &Judge<'_>, at: &PolicyAt, rule: &Rule, node: u32, condition: &Condition) -> Option<Diag> {
    let (from, to, text) = denied_flow(judge, node, condition)?;
    let arrival = judge.flows.arrives(judge, from, to, node)?;
    let line = Place {
        block: at.block,
        target: Target::Rule(rule.at),
    };
    let (rule_name, what) = match from {
        End::Secrets(_) => (rules::SECRET_LEAK, "secret"),
        _ => (rules::POLICY_VIOLATION, "value"),
    };
    let message = format!(
        "`{}` receives {}, a {what} that must not get there: `{text}`",
        judge.subject.node_name(node),
        arrival.origin(judge),
    );
    let mut diag = Diag::new(rule_name, arrival.place(judge)?, message)
        .label(line, says(at, rule))
        .note(format!("its way: {}", arrival.way(judge)));
    diag.lowered = rule.warns;
    Some(diag)
}

/// The flow that makes a denied condition true of the node; as deep as the condition.
fn denied_flow<'c>(
    judge: &Judge<'_>,
    node: u32,
    condition: &'c Condition,
) -> Option<(&'c End, &'c Selector, &'c SmolStr)> {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().find_map(|part| denied_flow(judge, node, part)),
        Condition::Claim(claim) => match &claim.says {
            Says::Flow {
                from,
                to: End::Nodes(to),
            } if judge.says(&claim.says, Of::Node(node)) == Tri::Yes => Some((from, to, &claim.text)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the thing has such a clause.
fn may_set(judge: &Judge<'_>, attribute: Attribute, of: Of) -> bool {
    match of {
        Of::Plan => attribute.is_of(What::Plan) && !judge.subject.header.clauses.is_empty(),
        Of::Node(node) => {
            let word = judge.subject.sig(node).kind.word();
            What::from_word(word).is_some_and(|what| attribute.is_of(what))
        }
    }
}

fn key(attribute: Attribute) -> K {
    match attribute {
        Attribute::Retry => K::Retry,
        Attribute::Owner => K::Owner,
        Attribute::Kind => K::Kind,
        Attribute::Approver => K::Approver,
        _ => K::Timeout,
    }
}

fn says(at: &PolicyAt, rule: &Rule) -> String {
    match &rule.title {
        Some(title) => format!("the policy `{}`: {title}", at.policy.name),
        None => format!("the policy `{}` has this rule", at.policy.name),
    }
}
