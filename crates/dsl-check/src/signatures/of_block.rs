//! The signature of a block, from its syntax alone. What is wrong in it is reported where its clauses are checked.

use std::sync::Arc;

use dsl_syntax::ast::*;
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::clauses::{
    assigned, broken, clause, field, fields_of, global_keys, is_true, name_of, names_of, text, typed_of, without_spans,
};
use super::{
    AgentSig, CapabilitySig, NAMING, NeedSig, NodeKind, NodeSig, PlanSig, PolicySig, Price, RouteSig, RunnerSig, Sig,
    Ties, ToolSig, TypeSig, UseSig, Work,
};
use crate::builtin::host;
use crate::facts::EffectFact;
use crate::hashed::{hash_of, name_hash};
use crate::types::{Report, literal_value};
use crate::walk;

pub(crate) fn of_block(block: &Block) -> Sig {
    match &block.item {
        None => Sig::Nothing,
        Some(Item::Use(used)) => Sig::Use(UseSig {
            // one that does not end is no path yet
            path: used
                .path
                .as_ref()
                .filter(|_| {
                    block
                        .errors
                        .iter()
                        .all(|error| error.rule != SyntaxRule::UnterminatedString)
                })
                .and_then(StringLit::plain),
            alias: used.alias.as_ref().map(text),
            picked: used.picked.iter().map(text).collect(),
        }),
        Some(Item::Decl(decl)) => of_decl(decl, block),
    }
}

fn of_decl(decl: &Decl, block: &Block) -> Sig {
    let place = block.kind;
    let name = decl.name.as_ref().map(text);
    match decl.kind {
        DeclKind::Type => match name {
            Some(name) => Sig::Type(Arc::new(TypeSig {
                name,
                alias: decl.alias.clone().map(without_spans),
                fields: decl.fields.iter().map(field).collect(),
            })),
            None => Sig::Nothing,
        },
        DeclKind::Capability => match name {
            Some(name) => Sig::Capability(Arc::new(CapabilitySig {
                name,
                title: decl.title.as_ref().and_then(StringLit::plain),
                doc: decl.doc.clone(),
                input: fields_of(decl, K::Input).unwrap_or_default(),
                output: fields_of(decl, K::Output).unwrap_or_default(),
                idempotent: is_idempotent(decl),
                runner: runner(decl),
                prices: prices(decl),
                effects: crate::facts::effects(decl),
                risks: crate::facts::names(decl, K::Risks),
                broken: of_these(&broken(decl, block), &[K::Input, K::Output]),
            })),
            None => Sig::Nothing,
        },
        DeclKind::Agent => match name {
            Some(name) => Sig::Agent(Arc::new(AgentSig {
                name,
                provides: names_of(decl, K::Provides),
                call_cost_max: call_cost_max(decl),
                runner: runner(decl),
            })),
            None => Sig::Nothing,
        },
        DeclKind::Policy => match name {
            Some(name) => Sig::Policy(Arc::new(PolicySig { name })),
            None => Sig::Nothing,
        },
        DeclKind::Plan if place == BlockKind::PlanRest => {
            Sig::PlanRest(Arc::new(plan(decl, block, SmolStr::default())))
        }
        DeclKind::Plan => Sig::Plan(Arc::new(plan(decl, block, name.unwrap_or_default()))),
        DeclKind::Profile => Sig::Profile {
            name,
            of: decl.of.as_ref().map(text),
        },
        DeclKind::Test => Sig::Test {
            title: decl.title.as_ref().and_then(StringLit::plain),
            of: decl.of.as_ref().map(text),
        },
        DeclKind::Task | DeclKind::Gate | DeclKind::Decision | DeclKind::Hypothesis => {
            let broken = broken(decl, block);
            let sig = node(decl, &broken);
            let ties = Arc::new(ties(decl, block, &broken, &sig));
            Sig::Node {
                sig: Arc::new(sig),
                ties,
            }
        }
    }
}

fn runner(decl: &Decl) -> Option<RunnerSig> {
    let Value::Call(call) = &clause(decl, K::Runner)?.value else {
        return None;
    };
    runner_of(call)
}

/// The signature of a runner, wherever it is written.
pub(crate) fn runner_of(call: &Expr) -> Option<RunnerSig> {
    let ExprKind::Call { func, args } = &call.kind else {
        return None;
    };
    let mut secrets = Vec::new();
    walk::deep(call, &mut |inner| {
        if let ExprKind::Field { base, name } = &inner.kind
            && matches!(&base.kind, ExprKind::Name(first) if first == "secrets")
        {
            secrets.push(text(name));
        }
    });
    secrets.sort_unstable();
    secrets.dedup();
    Some(RunnerSig {
        kind: text(func),
        secrets,
        tool: if func.text == "mcp" { tool_of(args) } else { None },
        reaches: argument(args, "url").and_then(host).map(|host| EffectFact {
            name: "network".into(),
            args: [Some(host)].into(),
        }),
    })
}

fn argument<'a>(args: &'a [Arg], name: &str) -> Option<&'a Expr> {
    let is_named = |arg: &&Arg| arg.name.as_ref().is_some_and(|given| given.text == name);
    Some(walk::unparen(&args.iter().find(is_named)?.value))
}

fn tool_of(args: &[Arg]) -> Option<ToolSig> {
    let given = |name: &str| argument(args, name);
    let plain = |expr: &Expr| match &expr.kind {
        ExprKind::String(text) => text.plain(),
        _ => None,
    };
    let server = match given("command").map(|command| &command.kind) {
        Some(ExprKind::List(words)) => {
            let words: Option<Vec<SmolStr>> = words.iter().map(plain).collect();
            words?.join(" ").into()
        }
        _ => plain(given("url")?)?,
    };
    Some(ToolSig {
        server,
        tool: plain(given("tool")?)?,
    })
}

fn plan(decl: &Decl, block: &Block, name: SmolStr) -> PlanSig {
    let broken = broken(decl, block);
    PlanSig {
        name,
        params: fields_of(decl, K::Params).unwrap_or_default(),
        outputs: typed_of(decl, K::Outputs).unwrap_or_default(),
        memory: typed_of(decl, K::Memory).unwrap_or_default(),
        global: global_keys(decl),
        secrets: assigned(decl, K::Secrets),
        budget: assigned(decl, K::Budget),
        labels: names_of(decl, K::Labels),
        retry: match clause(decl, K::Retry).map(|clause| &clause.value) {
            Some(Value::Retry(retry)) => retried_modes(retry),
            _ => None,
        },
        broken: of_these(&broken, &NAMING),
        has_judge: clause(decl, K::Judge).is_some(),
        has_version: clause(decl, K::Version).is_some(),
    }
}

fn of_these(found: &[K], keys: &[K]) -> Vec<K> {
    keys.iter().copied().filter(|key| found.contains(key)).collect()
}

/// The modes that a clause retries; empty: all. `None`: it retries nothing.
pub(crate) fn retried_modes(retry: &Retry) -> Option<Vec<SmolStr>> {
    let never = matches!(&retry.policy.kind, ExprKind::Int(count) if count == "0");
    (!never).then(|| retry.on.iter().map(text).collect())
}

/// Doing it twice is worse than doing it once.
pub(crate) fn is_harmful(effect: &Effect) -> bool {
    matches!(effect.name.text.as_str(), "destructive" | "spend")
}

fn is_idempotent(decl: &Decl) -> bool {
    match clause(decl, K::Idempotent).map(|clause| &clause.value) {
        Some(Value::Expr(expr)) => !matches!(expr.kind, ExprKind::Bool(false)),
        Some(_) => true,
        None => match clause(decl, K::Effects).map(|clause| &clause.value) {
            Some(Value::Effects(effects)) => !effects.iter().any(is_harmful),
            _ => true,
        },
    }
}

/// `cost:` of a capability.
pub(crate) fn prices(decl: &Decl) -> Box<[Price]> {
    let Some(Value::Rates(rates)) = clause(decl, K::Cost).map(|clause| &clause.value) else {
        return Box::default();
    };
    let price = |rate: &Rate| {
        let per_ms = match &rate.per {
            Some(RatePer::Duration(per)) => Some(duration_ms(per)?),
            Some(RatePer::Call(_)) | None => None,
        };
        let dollars = dollars(&rate.amount)?;
        Some(Price { dollars, per_ms })
    };
    rates.iter().filter_map(price).collect()
}

/// `cost: $0.50 per call` of an agent's limits.
fn call_cost_max(decl: &Decl) -> Option<Decimal> {
    let Value::Limits(lines) = &clause(decl, K::Limits)?.value else {
        return None;
    };
    let rates = lines
        .iter()
        .filter(|line| line.name.text == "cost")
        .flat_map(|line| &line.rates);
    let of_call = rates.filter(|rate| matches!(rate.per, Some(RatePer::Call(_))));
    of_call.filter_map(|rate| dollars(&rate.amount)).min()
}

/// What is wrong with a literal is reported where the clause is checked.
fn constant(expr: &Expr) -> Option<ir::Value> {
    let (value, _) = literal_value(walk::unparen(expr), &mut Report::default())?;
    Some(value)
}

fn dollars(expr: &Expr) -> Option<Decimal> {
    match constant(expr)? {
        ir::Value::Money(dollars) => Some(dollars),
        _ => None,
    }
}

fn duration_ms(expr: &Expr) -> Option<u64> {
    match constant(expr)? {
        ir::Value::Duration(ms) => u64::try_from(ms).ok().filter(|&ms| ms > 0),
        _ => None,
    }
}

fn node(decl: &Decl, broken: &[K]) -> NodeSig {
    let kind = match decl.kind {
        DeclKind::Gate => NodeKind::Gate,
        DeclKind::Decision => NodeKind::Decision,
        DeclKind::Hypothesis => NodeKind::Hypothesis,
        _ => NodeKind::Task,
    };
    let mut modes = Vec::new();
    let mut evidence = Vec::new();
    for clause in &decl.clauses {
        match &clause.value {
            Value::Fail(fail) => modes.push(text(&fail.mode)),
            Value::Evidence(item) => evidence.push(text(&item.hypothesis)),
            _ => {}
        }
    }
    let options = match clause(decl, K::Options).map(|clause| &clause.value) {
        Some(Value::Options(options)) => options.iter().map(|option| text(&option.name)).collect(),
        _ => Vec::new(),
    };
    NodeSig {
        name: decl.name.as_ref().map(text).unwrap_or_default(),
        kind,
        fallback: name_of(decl, K::Fallback),
        each: clause(decl, K::Each).is_some(),
        optional: is_true(decl, K::Optional),
        work: work(decl),
        outputs: typed_of(decl, K::Output),
        modes,
        options,
        by: names_of(decl, K::By),
        evidence,
        input: assigned(decl, K::Input).into(),
        env: assigned(decl, K::Env).into(),
        approvers: names_of(decl, K::Approver).into(),
        outputs_broken: broken.contains(&K::Output),
    }
}

fn ties(decl: &Decl, block: &Block, broken: &[K], sig: &NodeSig) -> Ties {
    let is_broken_clause = |clause: &Clause| matches!(clause.value, Value::Error | Value::Unknown);
    let is_decision = sig.kind == NodeKind::Decision;
    let routes = decl.clauses.iter().filter_map(|clause| match &clause.value {
        Value::Route(route) => Some(RouteSig {
            on: match &route.on {
                RouteOn::Event(event) => Some(text(event)),
                RouteOn::When(_) | RouteOn::Else(_) => None,
            },
            to: text(&route.to),
        }),
        _ => None,
    });
    let needs = match clause(decl, K::Needs).map(|clause| &clause.value) {
        Some(Value::Needs(needs)) => needs.iter().map(need).collect(),
        _ => Vec::new(),
    };
    let mut ties = Ties {
        name: sig.name.clone(),
        kind: sig.kind,
        in_plan: block.kind == BlockKind::PlanNode,
        needs,
        conditional: !is_decision && clause(decl, K::When).is_some(),
        optional: sig.optional,
        routes: routes.collect(),
        fallback: sig.fallback.clone(),
        from_hypotheses: is_decision && clause(decl, K::From).is_some() && !decl.clauses.iter().any(is_broken_clause),
        needs_broken: broken.contains(&K::Needs),
        hash: 0,
        name_hash: name_hash(&sig.name),
        word: crate::words::hash(&sig.name),
        leads: Box::default(),
    };
    let routes = ties.routes.iter().map(|route| &route.to);
    let names = routes
        .chain(&ties.fallback)
        .chain(ties.needs.iter().flat_map(NeedSig::names));
    ties.leads = names.map(|name| name_hash(name)).collect();
    ties.hash = hash_of(&ties);
    ties
}

/// Capabilities that run a script of the plan's own.
pub(crate) fn is_script_capability(name: &str) -> bool {
    matches!(name, "shell" | "bash" | "sh" | "python")
}

fn work(decl: &Decl) -> Work {
    let using = name_of(decl, K::Using).filter(|name| !is_script_capability(name));
    if clause(decl, K::Run).is_some() {
        Work::Script
    } else if let Some(name) = using {
        Work::Capability(name)
    } else if let Some(name) = name_of(decl, K::Call) {
        Work::Call(name)
    } else if let Some(steps) = clause(decl, K::Do) {
        Work::Steps(match &steps.value {
            Value::Steps(steps) => steps.iter().map(|step| text(&step.capability)).collect(),
            _ => Box::default(),
        })
    } else {
        Work::Nothing
    }
}

fn need(need: &Need) -> NeedSig {
    match &need.kind {
        NeedKind::Node { name, optional } => NeedSig::Node {
            name: text(name),
            optional: *optional,
        },
        NeedKind::Any(of) => NeedSig::Quorum {
            count: 1,
            of: of.iter().map(text).collect(),
        },
        NeedKind::Quorum { count, of, .. } => NeedSig::Quorum {
            count: *count,
            of: of.iter().map(text).collect(),
        },
    }
}
