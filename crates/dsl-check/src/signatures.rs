//! What a chunk shows to the rest: names, kinds, needs, routes, declared types — without a single span.
//!
//! This is the firewall: editing the body of a task leaves its signature equal, and nothing else is computed again.
//! [`mentions`] is the other half of a chunk's public face: which names its blocks mention. Both are pure.

use std::sync::Arc;

use dsl_syntax::ast::{self, *};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use rust_decimal::Decimal;
use smol_str::SmolStr;

use crate::facts::EffectFact;
use crate::hashed::{hash_of, name_hash};
use crate::inputs::SourceChunk;
use crate::trees::outline;
use crate::types::{Report, literal_value};
use crate::walk;

/// What a chunk shows to the rest, the same after an edit of a body.
#[derive(Debug)]
pub(crate) struct Shown {
    /// One for each block, in order.
    pub signatures: Box<[Sig]>,
    /// Parts of the same that are asked for by themselves, of all chunks of a file. Shared, so that whoever has all of them sees at
    /// once that a chunk's are still the same.
    pub pieces: Arc<[Piece]>,
    /// What is no node, by block.
    pub declarations: Arc<[(u32, Sig)]>,
    /// The tasks that call plans, by block, with the names that they call.
    pub calls: Arc<[(u32, SmolStr)]>,
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.signatures == other.signatures
    }
}

impl Shown {
    pub fn new(signatures: Box<[Sig]>) -> Self {
        let piece = |sig: &Sig| match sig {
            Sig::Plan(plan) => Piece::Plan(plan.name.clone()),
            Sig::PlanRest(_) => Piece::PlanRest,
            Sig::Node { ties, .. } => Piece::Node(ties.clone()),
            _ => Piece::Other,
        };
        let all = || (0..).zip(&signatures);
        let declared = all().filter(|(_, sig)| !matches!(sig, Sig::Nothing | Sig::Node { .. }));
        let calls = all().filter_map(|(index, sig)| match sig {
            Sig::Node { sig, .. } => match &sig.work {
                Work::Call(name) => Some((index, name.clone())),
                _ => None,
            },
            _ => None,
        });
        Self {
            pieces: signatures.iter().map(piece).collect(),
            declarations: declared.map(|(index, sig)| (index, sig.clone())).collect(),
            calls: calls.collect(),
            signatures,
        }
    }
}

/// A block, as far as the layout of plans depends on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    Other,
    Plan(SmolStr),
    PlanRest,
    Node(Arc<Ties>),
}

#[salsa::tracked(returns(deref))]
pub(crate) fn shown(db: &dyn salsa::Database, chunk: SourceChunk) -> Arc<Shown> {
    outline(db, chunk).shown.clone()
}

/// One for each block, in order.
pub(crate) fn signatures(db: &dyn salsa::Database, chunk: SourceChunk) -> &[Sig] {
    &shown(db, chunk).signatures
}

/// A name that may mean a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mention {
    pub name: SmolStr,
    /// It stands in an expression, which wants to know whether the node has completed by then …
    pub is_read: bool,
    /// … or its error.
    pub error_is_read: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Sig {
    /// Comments, or nothing that could be understood.
    Nothing,
    Use(UseSig),
    Type(Arc<TypeSig>),
    Capability(Arc<CapabilitySig>),
    Agent(Arc<AgentSig>),
    Policy(Arc<PolicySig>),
    Plan(Arc<PlanSig>),
    /// Further clauses of the plan above.
    PlanRest(Arc<PlanSig>),
    Node {
        sig: Arc<NodeSig>,
        ties: Arc<Ties>,
    },
    Profile {
        name: Option<SmolStr>,
        of: Option<SmolStr>,
    },
    Test {
        title: Option<SmolStr>,
        of: Option<SmolStr>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct UseSig {
    pub path: Option<SmolStr>,
    pub alias: Option<SmolStr>,
    pub picked: Vec<SmolStr>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TypeSig {
    pub name: SmolStr,
    pub alias: Option<ast::Type>,
    pub fields: Vec<FieldSig>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FieldSig {
    pub name: SmolStr,
    pub ty: ast::Type,
    pub has_default: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CapabilitySig {
    pub name: SmolStr,
    pub title: Option<SmolStr>,
    pub doc: Option<SmolStr>,
    pub input: Vec<FieldSig>,
    pub output: Vec<FieldSig>,
    pub idempotent: bool,
    /// Without one it is abstract.
    pub runner: Option<RunnerSig>,
    pub prices: Box<[Price]>,
    /// `None`: it does not say.
    pub effects: Option<Box<[EffectFact]>>,
    pub risks: Box<[SmolStr]>,
}

/// One part of what a call costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Price {
    pub dollars: Decimal,
    /// Milliseconds that this pays for; `None`: the whole call.
    pub per_ms: Option<u64>,
}

/// How a capability is run, as far as others want to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RunnerSig {
    /// `shell`, `http`, `mcp`, …
    pub kind: SmolStr,
    /// The secrets that it reads: a plan that uses it must have them.
    pub secrets: Vec<SmolStr>,
    /// The tool that it calls on an MCP server.
    pub tool: Option<ToolSig>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ToolSig {
    /// The command, its words separated by spaces, or the url.
    pub server: SmolStr,
    pub tool: SmolStr,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AgentSig {
    pub name: SmolStr,
    pub provides: Vec<SmolStr>,
    /// A call that may cost more is refused.
    pub call_cost_max: Option<Decimal>,
    pub runner: Option<RunnerSig>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PolicySig {
    pub name: SmolStr,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PlanSig {
    /// Empty where the header is broken, and for `PlanRest`.
    pub name: SmolStr,
    pub params: Vec<FieldSig>,
    pub outputs: Vec<FieldSig>,
    pub memory: Vec<FieldSig>,
    /// The keys of `memory` that all plans share.
    pub global: Vec<SmolStr>,
    pub secrets: Vec<SmolStr>,
    pub budget: Vec<SmolStr>,
    pub labels: Vec<SmolStr>,
    /// The modes on which its tasks are retried; empty: on all; `None`: they are not.
    pub retry: Option<Vec<SmolStr>>,
    pub has_judge: bool,
    /// There is a syntax error in the parameters.
    pub params_broken: bool,
    /// The same of the secrets.
    pub secrets_broken: bool,
    pub has_version: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum NodeKind {
    #[default]
    Task,
    Gate,
    Decision,
    Hypothesis,
}

impl NodeKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Gate => "gate",
            Self::Decision => "decision",
            Self::Hypothesis => "hypothesis",
        }
    }
}

/// What others may see of a node: nothing of whom it waits for, so that typing its needs checks none of them again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct NodeSig {
    /// Empty where the header is broken.
    pub name: SmolStr,
    pub kind: NodeKind,
    pub fallback: Option<SmolStr>,
    pub each: bool,
    pub optional: bool,
    pub work: Work,
    /// `None`: the clause is not there.
    pub outputs: Option<Vec<FieldSig>>,
    pub modes: Vec<SmolStr>,
    pub options: Vec<SmolStr>,
    pub by: Vec<SmolStr>,
    pub evidence: Vec<SmolStr>,
    /// The names of what it is given, and of its script's variables.
    pub input: Box<[SmolStr]>,
    pub env: Box<[SmolStr]>,
    pub approvers: Box<[SmolStr]>,
    /// There is a syntax error in the outputs, so what is not among them may be meant to be.
    pub outputs_broken: bool,
}

/// How a node is tied to others: all that graphs are made of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Ties {
    pub name: SmolStr,
    pub kind: NodeKind,
    /// Indented under a `plan`, not bare in the file.
    pub in_plan: bool,
    pub needs: Vec<NeedSig>,
    pub conditional: bool,
    pub optional: bool,
    pub routes: Vec<RouteSig>,
    pub fallback: Option<SmolStr>,
    /// A decision by the likeliest hypothesis.
    pub from_hypotheses: bool,
    /// There is a syntax error in the needs.
    pub needs_broken: bool,
    /// Of all the rest, …
    pub hash: u64,
    /// … of the name, in two ways, …
    pub name_hash: u64,
    pub word: u32,
    /// … and of the names that it leads to: of its routes, of its fallback, of its needs.
    pub leads: Box<[u64]>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Work {
    Script,
    Capability(SmolStr),
    Call(SmolStr),
    /// The capabilities of its steps.
    Steps(Box<[SmolStr]>),
    #[default]
    Nothing,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum NeedSig {
    Node { name: SmolStr, optional: bool },
    Quorum { count: u32, of: Vec<SmolStr> },
}

impl NeedSig {
    pub fn names(&self) -> impl Iterator<Item = &SmolStr> {
        let (one, many) = match self {
            Self::Node { name, .. } => (Some(name), &[][..]),
            Self::Quorum { of, .. } => (None, of.as_slice()),
        };
        one.into_iter().chain(many)
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct RouteSig {
    /// `None`: an arm of a decision.
    pub on: Option<SmolStr>,
    pub to: SmolStr,
}

pub(crate) fn of_block(block: &Block) -> Sig {
    match &block.item {
        None => Sig::Nothing,
        Some(Item::Use(used)) => Sig::Use(UseSig {
            path: used.path.as_ref().and_then(StringLit::plain),
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
            let sig = node(decl, block);
            let ties = Arc::new(ties(decl, block, &sig));
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
    })
}

fn tool_of(args: &[Arg]) -> Option<ToolSig> {
    let given = |name: &str| {
        args.iter()
            .find(|arg| arg.name.as_ref().is_some_and(|given| given.text == name))
            .map(|arg| walk::unparen(&arg.value))
    };
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
        params_broken: is_broken(decl, block, K::Params),
        secrets_broken: is_broken(decl, block, K::Secrets),
        has_judge: clause(decl, K::Judge).is_some(),
        has_version: clause(decl, K::Version).is_some(),
    }
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

/// Whether the parser found something wrong in that clause.
fn is_broken(decl: &Decl, block: &Block, key: K) -> bool {
    clause(decl, key).is_some_and(|clause| {
        matches!(clause.value, Value::Error) || block.errors.iter().any(|error| clause.span.contains(error.span.start))
    })
}

fn node(decl: &Decl, block: &Block) -> NodeSig {
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
        outputs_broken: is_broken(decl, block, K::Output),
    }
}

fn ties(decl: &Decl, block: &Block, sig: &NodeSig) -> Ties {
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
        needs_broken: is_broken(decl, block, K::Needs),
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

/// The first clause with that key.
pub(crate) fn clause(decl: &Decl, key: K) -> Option<&Clause> {
    decl.clauses.iter().find(|clause| clause.key == Some(key))
}

pub(crate) fn name_of(decl: &Decl, key: K) -> Option<SmolStr> {
    match &clause(decl, key)?.value {
        Value::Names(names) => names.first().map(text),
        _ => None,
    }
}

/// The keys of `memory:` with the scope `global`.
fn global_keys(decl: &Decl) -> Vec<SmolStr> {
    let Some(Value::Typed(keys)) = clause(decl, K::Memory).map(|clause| &clause.value) else {
        return Vec::new();
    };
    let is_global = |key: &&TypedAssign| key.scope.as_ref().is_some_and(|scope| scope.text == "global");
    keys.iter().filter(is_global).map(|key| text(&key.name)).collect()
}

/// The names of `name: expr` lines.
fn assigned(decl: &Decl, key: K) -> Vec<SmolStr> {
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Assigns(assigns)) => assigns.iter().map(|assign| text(&assign.name)).collect(),
        _ => Vec::new(),
    }
}

fn names_of(decl: &Decl, key: K) -> Vec<SmolStr> {
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Names(names)) => names.iter().map(text).collect(),
        _ => Vec::new(),
    }
}

pub(crate) fn is_true(decl: &Decl, key: K) -> bool {
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Expr(expr)) => matches!(expr.kind, ExprKind::Bool(true)),
        _ => false,
    }
}

fn fields_of(decl: &Decl, key: K) -> Option<Vec<FieldSig>> {
    match &clause(decl, key)?.value {
        Value::Fields(fields) => Some(fields.iter().map(field).collect()),
        _ => Some(Vec::new()),
    }
}

fn typed_of(decl: &Decl, key: K) -> Option<Vec<FieldSig>> {
    match &clause(decl, key)?.value {
        Value::Typed(typed) => Some(
            typed
                .iter()
                .map(|item| FieldSig {
                    name: text(&item.name),
                    ty: without_spans(item.ty.clone()),
                    has_default: item.value.is_some(),
                })
                .collect(),
        ),
        _ => Some(Vec::new()),
    }
}

fn field(field: &Field) -> FieldSig {
    FieldSig {
        name: text(&field.name),
        ty: without_spans(field.ty.clone()),
        has_default: field.default.is_some(),
    }
}

fn text(name: &Name) -> SmolStr {
    name.text.clone()
}

/// The type with every span at zero, so that moving it changes nothing.
fn without_spans(mut ty: ast::Type) -> ast::Type {
    clear_type(&mut ty);
    ty
}

fn clear_type(ty: &mut ast::Type) {
    ty.span = Span::default();
    match &mut ty.kind {
        TypeKind::Enum(names) => names.iter_mut().for_each(|name| name.span = Span::default()),
        TypeKind::Named { name, arg, refine, .. } => {
            name.span = Span::default();
            if let Some(arg) = arg {
                clear_type(arg);
            }
            match refine {
                Some(Refine::Range { lo, hi, span }) => {
                    *span = Span::default();
                    lo.iter_mut().chain(hi).for_each(|bound| clear_bound(bound));
                }
                Some(Refine::Regex(name)) => name.span = Span::default(),
                None => {}
            }
        }
        TypeKind::Error => {}
    }
}

/// Bounds are literals, possibly negated.
fn clear_bound(bound: &mut Expr) {
    bound.span = Span::default();
    if let ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) = &mut bound.kind {
        clear_bound(expr);
    }
}

/// The names that a block mentions, sorted.
pub(crate) fn mentions(block: &Block) -> Box<[Mention]> {
    let Some(Item::Decl(decl)) = &block.item else {
        return Box::default();
    };
    let mut found = Vec::new();
    let mut names = Vec::new();
    for clause in &decl.clauses {
        // words that no node goes by
        if !matches!(clause.key, Some(K::Kind | K::Labels | K::Risks)) {
            names_in(&clause.value, &mut names);
        }
        if decl.kind == DeclKind::Profile {
            names.extend(clause.name.text.split('.').next().map(SmolStr::from));
        }
        walk::exprs(&clause.value, &mut |expr| reads_in(expr, &mut found));
    }
    if let Some(title) = &decl.title {
        walk::string(title, &mut |expr| reads_in(expr, &mut found));
    }
    found.extend(names.into_iter().map(|name| Mention {
        name,
        is_read: false,
        error_is_read: false,
    }));
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by(|later, first| {
        let same = later.name == first.name;
        if same {
            first.is_read |= later.is_read;
            first.error_is_read |= later.error_is_read;
        }
        same
    });
    found.into_boxed_slice()
}

/// The names that an expression reads.
fn reads_in(expr: &Expr, found: &mut Vec<Mention>) {
    let mut read = |name: &SmolStr, error_is_read| {
        found.push(Mention {
            name: name.clone(),
            is_read: true,
            error_is_read,
        });
    };
    walk::deep(expr, &mut |inner| match &inner.kind {
        ExprKind::Name(name) => read(name, false),
        ExprKind::Field { base, name } if name.text == "error" => {
            if let ExprKind::Name(node) = &base.kind {
                read(node, true);
            }
        }
        _ => {}
    });
}

/// Names of nodes that stand outside of expressions.
fn names_in(value: &Value, names: &mut Vec<SmolStr>) {
    match value {
        Value::Needs(needs) => {
            for need in needs {
                match &need.kind {
                    NeedKind::Node { name, .. } => names.push(text(name)),
                    NeedKind::Any(of) | NeedKind::Quorum { of, .. } => names.extend(of.iter().map(text)),
                }
            }
        }
        Value::Names(list) => names.extend(list.iter().map(text)),
        Value::Route(route) => {
            names.push(text(&route.to));
            if let RouteOn::Event(event) = &route.on {
                names.push(text(event));
            }
        }
        Value::Evidence(evidence) => names.push(text(&evidence.hypothesis)),
        Value::Mock(mock) => {
            if let MockTarget::Task(name) = &mock.target {
                names.push(text(name));
            }
        }
        Value::Decide(decide) => names.push(text(&decide.gate)),
        _ => {}
    }
}
