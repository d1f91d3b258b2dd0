//! What blocks say, as far as checks of a whole plan want to know: without spans, so that they change only when the plan does.
//!
//! The facts of a block are found while it is checked, so names have been resolved and constants folded by then. Checks
//! of whole plans (policies, bounds, flow of values, names that nobody uses) read only these, signatures and graphs;
//! their places are symbolic. Each has a query that takes from a chunk's facts the part that it wants, so that it runs
//! again only when that part changes. Absent: diagnostics, and anything that only the block itself wants to know.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use dsl_syntax::ast::{Clause, Decl, Expr, ExprKind, Name, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::expr::Capture;
use ir::plan::{Body, Node, Retry, Task};
use ir::types::Type;
use rust_decimal::Decimal;
use smol_str::SmolStr;

use crate::builtin::touches;
use crate::check::checked;
use crate::diagnostic::BlockRef;
use crate::flow::{Printed, is_within, prints, weighed};
use crate::inputs::{SourceChunk, SourceFile};
use crate::plans::file_plans;
use crate::reach::Cond;
use crate::signatures::{clause, is_true, name_of};
use crate::writes::{Writes, writes};

/// What one block says.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Facts {
    pub values: Arc<ValueFacts>,
    /// Of tasks, gates and decisions.
    pub node: Option<Box<NodeFacts>>,
    /// Of the clauses of a plan.
    pub plan: Option<Arc<ClauseFacts>>,
}

/// Where values go in a block.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ValueFacts {
    /// Every value that it reads, and in which clause; sorted, each once.
    pub reads: Box<[Read]>,
    /// Variables that its script prints; looked for only where it is given what may be a secret.
    pub prints: Box<[SmolStr]>,
    /// The same of its rollback.
    pub undo_prints: Box<[SmolStr]>,
    /// What each line of its `do:` binds.
    pub binds: Box<[Option<SmolStr>]>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Read {
    pub sink: Sink,
    pub source: Source,
    pub how: How,
}

/// What becomes of a value that is read. Of several uses in one sink the first of these counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum How {
    /// A script prints it.
    Printed,
    /// It goes on, as it is or in a text.
    Carried,
    /// It is compared, measured or tested, or what reads it is wrong.
    Weighed,
}

/// Where a value is read: a clause and, where the clause has named entries, the entry (`input.query`, an output, a memory key).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Sink {
    /// `None`: the title.
    pub key: Option<K>,
    pub entry: Option<SmolStr>,
    /// Of `do:`, which of its lines.
    pub step: Option<u32>,
}

/// A value of the scope.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Source {
    Param(SmolStr),
    Secret(SmolStr),
    Memory(SmolStr),
    /// An output of another node, its `choice`, or what the run knows of it (`status`, `attempts`, `duration`, `agent`).
    Node(SmolStr, SmolStr),
    /// `node.error`
    Error(SmolStr),
    /// The variable of the block's own `each`.
    Each,
    Input(SmolStr),
    /// An own output, or a name that an earlier line of `do:` bound.
    Own(SmolStr),
    /// `stdout`, `stderr`, `exit`, `result`, …
    Capture(Capture),
}

/// What a task, gate or decision says of itself. Names are as written.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct NodeFacts {
    pub kind: Option<SmolStr>,
    pub owner: Option<SmolStr>,
    pub labels: Box<[SmolStr]>,
    pub risks: Box<[SmolStr]>,
    pub approvers: Box<[SmolStr]>,
    /// `using:`, the script capabilities included.
    pub using: Option<SmolStr>,
    /// The capabilities of `do:` lines, in order.
    pub steps: Box<[SmolStr]>,
    /// What capabilities of the language are asked to touch, as far as that is written down; each with the capability.
    pub touches: Box<[(SmolStr, EffectFact)]>,
    /// It has a script that undoes it.
    pub undoes: bool,
    /// `None`: it does not say.
    pub effects: Option<Box<[EffectFact]>>,
    pub timeout: Timeout,
    /// Its own; the plan's default is in the plan's facts.
    pub retry: Option<Retry>,
    /// The longest that the waits between its attempts take together.
    pub waits_ms: u64,
    /// A milestone that can fail, because it expects something.
    pub judged: bool,
    pub each: Option<EachFacts>,
    pub optional: bool,
    pub idempotent: bool,
    /// `None`: it does not say.
    pub quorum: Option<u32>,
    pub budget: Budget,
    /// What its `when` asks for; `None`: nothing that is understood.
    pub when: Option<Arc<Cond>>,
    /// When a decision takes its arms, one for each route clause; of none or of others than decisions, nothing.
    pub arms: Arc<[Cond]>,
    pub dir: Dir,
    /// It has a clause that could not be read, so it may say more than this.
    pub broken: bool,
    /// Paths, artifacts and memory keys; `None`: none that are known.
    pub writes: Option<Arc<Writes>>,
}

/// What a block of a plan's own clauses says of time, money and slots.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct ClauseFacts {
    pub budget: Budget,
    pub timeout_ms: Option<u64>,
    /// `limits.parallel`
    pub parallel: Option<u32>,
    /// The default of its tasks, …
    pub retry: Option<Retry>,
    pub owner: Option<SmolStr>,
    pub labels: Box<[SmolStr]>,
    pub version: Option<SmolStr>,
    /// `abort` or `continue`; `None`: it does not say.
    pub failure: Option<SmolStr>,
    pub judge: Option<SmolStr>,
    pub dir: Dir,
    /// It has a clause that could not be read, so it may say more than this.
    pub broken: bool,
    /// … and the longest that its waits take together.
    pub waits_ms: u64,
}

/// `budget:` of a plan or a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Budget {
    pub time_ms: Option<u64>,
    /// Dollars.
    pub cost: Option<Decimal>,
    pub tokens: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct EffectFact {
    pub name: SmolStr,
    /// Paths or hosts; an interpolated one as `None`.
    pub args: Box<[Option<SmolStr>]>,
}

/// `dir:` of a script or a plan.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Dir {
    #[default]
    None,
    Constant(SmolStr),
    /// Known only when it runs.
    Computed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Timeout {
    #[default]
    None,
    /// Milliseconds.
    Constant(u64),
    /// Known only when it starts.
    Computed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EachFacts {
    /// The most items there can be, where the type of the list or a constant says so.
    pub items_max: Option<u64>,
    /// They are written down, so that there are just as many.
    pub listed: bool,
    pub parallel: Option<u32>,
}

/// What the clauses of a plan say, block by block.
pub(crate) type PlanClauses = Vec<(BlockRef, Arc<ClauseFacts>)>;

/// Of each plan of a file, what its clauses say: nothing of its nodes.
#[salsa::tracked(returns(ref))]
pub(crate) fn clause_facts(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<PlanClauses>> {
    let of_block = |block: &BlockRef| {
        let facts = &facts(db, block.chunk)[block.index as usize];
        Some((*block, facts.plan.clone()?))
    };
    let plans = file_plans(db, file).plans.iter();
    Arc::new(
        plans
            .map(|plan| plan.clauses.iter().filter_map(of_block).collect())
            .collect(),
    )
}

/// Where values go in each block of the chunk.
#[salsa::tracked(returns(ref))]
fn value_facts(db: &dyn salsa::Database, chunk: SourceChunk) -> Arc<[Arc<ValueFacts>]> {
    let facts = facts(db, chunk).iter();
    facts.map(|facts| facts.values.clone()).collect()
}

/// Where values go in the blocks of a plan.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PlanValues {
    pub nodes: Vec<Arc<ValueFacts>>,
    /// Of the blocks that hold the plan's own clauses.
    pub clauses: Vec<Arc<ValueFacts>>,
}

/// One for each plan of the file.
#[salsa::tracked(returns(ref))]
pub(crate) fn file_values(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<PlanValues>> {
    let of_block = |block: &BlockRef| value_facts(db, block.chunk)[block.index as usize].clone();
    let plans = file_plans(db, file).plans.iter().map(|plan| PlanValues {
        nodes: plan.nodes.iter().map(|(block, _)| of_block(block)).collect(),
        clauses: plan.clauses.iter().map(of_block).collect(),
    });
    Arc::new(plans.collect())
}

/// The facts of a file's plans: the same plans, and the same nodes, as in [`file_plans`].
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct PlanFacts {
    pub nodes: Vec<Arc<Facts>>,
    /// Of the blocks that hold the plan's own clauses.
    pub clauses: Vec<Arc<Facts>>,
}

/// One for each plan of the file.
#[salsa::tracked(returns(ref))]
pub(crate) fn file_facts(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<PlanFacts>> {
    let of_block = |block: &BlockRef| facts(db, block.chunk)[block.index as usize].clone();
    let plans = file_plans(db, file).plans.iter().map(|plan| PlanFacts {
        nodes: plan.nodes.iter().map(|(block, _)| of_block(block)).collect(),
        clauses: plan.clauses.iter().map(of_block).collect(),
    });
    Arc::new(plans.collect())
}

/// One for each block of the chunk: apart from its diagnostics, for who asks about all nodes of a plan.
#[salsa::tracked(returns(ref))]
fn facts(db: &dyn salsa::Database, chunk: SourceChunk) -> Arc<[Arc<Facts>]> {
    checked(db, chunk).facts.clone()
}

/// What is noted while a block is checked.
#[derive(Default)]
pub(crate) struct Noted {
    reads: RefCell<Vec<(Span, Source)>>,
    items_max: Cell<Option<u64>>,
    listed: Cell<bool>,
    budget: Cell<Budget>,
    plan: RefCell<Option<Box<ClauseFacts>>>,
    secret: Cell<bool>,
    when: RefCell<Option<Arc<Cond>>>,
    arms: RefCell<Vec<Cond>>,
}

impl Noted {
    pub fn read(&self, span: Span, source: Source) {
        self.reads.borrow_mut().push((span, source));
    }

    /// Where a value is read so far, each place once.
    pub fn spans_of(&self, source: &Source) -> Vec<Span> {
        let reads = self.reads.borrow();
        let found = reads.iter().filter(|(_, read)| read == source);
        let spans: BTreeSet<Span> = found.map(|(span, _)| *span).collect();
        spans.into_iter().collect()
    }

    /// It reads a secret, or a parameter that may be one.
    pub fn secret(&self) {
        self.secret.set(true);
    }

    /// The list that the block's `each` goes over: its type, or its being written down, may bound it.
    pub fn each(&self, list: &Expr, ty: &Type) {
        self.listed.set(matches!(list.kind, ExprKind::List(_)));
        self.items_max.set(match (&list.kind, ty) {
            (ExprKind::List(items), _) => Some(items.len() as u64),
            (_, Type::List(list)) => list.len.as_ref().and_then(|len| len.hi.as_ref()?.parse().ok()),
            _ => None,
        });
    }

    pub fn budget(&self, budget: Budget) {
        self.budget.set(budget);
    }

    /// What a block of plan clauses says; its budget has been noted.
    pub fn clauses(&self, timeout_ms: Option<u64>, parallel: Option<u32>, retry: Option<Retry>) {
        self.plan.replace(Some(Box::new(ClauseFacts {
            budget: self.budget.get(),
            timeout_ms,
            parallel,
            waits_ms: waits_ms(retry.as_ref()),
            retry,
            ..ClauseFacts::default()
        })));
    }

    /// What the node's `when` asks for.
    pub fn when(&self, cond: Cond) {
        *self.when.borrow_mut() = (!cond.is_empty()).then(|| Arc::new(cond));
    }

    /// When the decision takes its next arm.
    pub fn arm(&self, cond: Cond) {
        self.arms.borrow_mut().push(cond);
    }

    /// When the decision takes the arm of its n-th route clause.
    pub fn arm_at(&self, at: usize) -> Cond {
        self.arms.borrow().get(at).cloned().unwrap_or_default()
    }

    fn reads(&self, decl: &Decl, printed: &[Span], broken: &[Span]) -> Box<[Read]> {
        let reads = self.reads.take();
        let weighed = if reads.is_empty() { Vec::new() } else { weighed(decl) };
        let how = |span: Span| {
            let is_broken = broken.iter().any(|broken| broken.contains(span.start));
            if is_broken || is_within(&weighed, span) {
                How::Weighed
            } else if printed.iter().any(|value| value.contains(span.start)) {
                How::Printed
            } else {
                How::Carried
            }
        };
        let reads = reads.into_iter().map(|(span, source)| Read {
            sink: sink(decl, span),
            source,
            how: how(span),
        });
        let mut reads: Vec<Read> = reads.collect();
        reads.sort_unstable();
        reads.dedup_by(|later, first| later.sink == first.sink && later.source == first.source);
        reads.into()
    }
}

/// The facts of a block that has been checked. `typed`: what it was lowered to, if it is a node. `wrong`: what is wrong
/// in it; values that are read there go no further, so that one mistake is not two. `unreadable`: so is the block in
/// part.
pub(crate) fn of_decl(decl: &Decl, noted: Noted, typed: Option<&Node>, wrong: &[Span], unreadable: bool) -> Facts {
    let unreadable = unreadable || decl.clauses.iter().any(|clause| clause.key.is_none());
    let printed = |key| {
        if noted.secret.get() {
            prints(decl, key)
        } else {
            Printed::default()
        }
    };
    let (run, rollback) = (printed(K::Run), printed(K::Rollback));
    let values = [run.values, rollback.values].concat();
    let printed_names = |variables: Vec<(SmolStr, Span)>| variables.into_iter().map(|(name, _)| name).collect();
    let of_plan = |plan: Box<ClauseFacts>| {
        Arc::new(ClauseFacts {
            owner: name_of(decl, K::Owner),
            labels: names(decl, K::Labels),
            version: version(decl),
            failure: name_of(decl, K::Failure),
            judge: name_of(decl, K::Judge),
            dir: dir(decl),
            broken: unreadable,
            ..*plan
        })
    };
    Facts {
        values: Arc::new(ValueFacts {
            reads: noted.reads(decl, &values, wrong),
            prints: printed_names(run.variables),
            undo_prints: printed_names(rollback.variables),
            binds: binds(decl),
        }),
        plan: noted.plan.take().map(of_plan),
        node: typed.map(|typed| {
            Box::new(NodeFacts {
                broken: unreadable,
                ..of_node(decl, typed, noted)
            })
        }),
    }
}

fn binds(decl: &Decl) -> Box<[Option<SmolStr>]> {
    match clause(decl, K::Do).map(|clause| &clause.value) {
        Some(Value::Steps(steps)) => steps
            .iter()
            .map(|step| step.bind.as_ref().map(|name| name.text.clone()))
            .collect(),
        _ => Box::default(),
    }
}

fn of_node(decl: &Decl, typed: &Node, noted: Noted) -> NodeFacts {
    let steps = match clause(decl, K::Do).map(|clause| &clause.value) {
        Some(Value::Steps(steps)) => steps.iter().map(|step| step.capability.text.clone()).collect(),
        _ => Box::default(),
    };
    let task = match &typed.body {
        Body::Task(task) => Some(&**task),
        _ => None,
    };
    NodeFacts {
        touches: touches(decl),
        undoes: clause(decl, K::Rollback).is_some(),
        kind: name_of(decl, K::Kind),
        owner: name_of(decl, K::Owner),
        labels: names(decl, K::Labels),
        risks: names(decl, K::Risks),
        approvers: names(decl, K::Approver),
        using: name_of(decl, K::Using),
        steps,
        effects: effects(decl),
        timeout: match &typed.body {
            Body::Task(task) => timeout(task.timeout.as_ref()),
            Body::Gate(gate) => timeout(gate.timeout.as_ref()),
            Body::Decision(_) => Timeout::None,
        },
        retry: task.and_then(|task| Option::clone(&task.retry)),
        waits_ms: waits_ms(task.and_then(|task| task.retry.as_ref())),
        judged: task.is_some_and(can_fail),
        each: task.and_then(|task| task.each.as_ref()).map(|each| EachFacts {
            items_max: noted.items_max.get(),
            listed: noted.listed.get(),
            parallel: each.parallel,
        }),
        optional: is_true(decl, K::Optional),
        idempotent: task.is_none_or(|task| task.idempotent),
        quorum: quorum(decl),
        budget: noted.budget.get(),
        dir: dir(decl),
        broken: false,
        when: noted.when.into_inner(),
        arms: noted.arms.into_inner().into(),
        writes: writes(decl),
    }
}

fn quorum(decl: &Decl) -> Option<u32> {
    match &clause(decl, K::Quorum)?.value {
        Value::Expr(Expr {
            kind: ExprKind::Int(count),
            ..
        }) => count.parse().ok(),
        _ => None,
    }
}

fn version(decl: &Decl) -> Option<SmolStr> {
    match &clause(decl, K::Version)?.value {
        Value::Expr(expr) => match &expr.kind {
            ExprKind::Version(text) => Some(text.clone()),
            ExprKind::String(text) => text.plain(),
            _ => None,
        },
        _ => None,
    }
}

fn dir(decl: &Decl) -> Dir {
    match clause(decl, K::Dir).map(|clause| &clause.value) {
        None => Dir::None,
        Some(Value::Expr(expr)) => match &expr.kind {
            ExprKind::String(text) => text.plain().map_or(Dir::Computed, Dir::Constant),
            _ => Dir::Computed,
        },
        Some(_) => Dir::Computed,
    }
}

fn waits_ms(retry: Option<&Retry>) -> u64 {
    retry.map_or(0, |retry| retry.backoff.longest_delays_ms(retry.max))
}

/// Whether something about a task can fail, even if it runs nothing.
fn can_fail(task: &Task) -> bool {
    let expects = !task.expect.is_empty() || !task.requires.is_empty() || !task.fail.is_empty();
    expects || !task.input.is_empty() || !task.output.is_empty() || !task.remember.is_empty()
}

fn timeout(expr: Option<&ir::Expr>) -> Timeout {
    match expr {
        None => Timeout::None,
        Some(ir::Expr::Const(ir::Value::Duration(ms))) => Timeout::Constant(ms.unsigned_abs()),
        Some(_) => Timeout::Computed,
    }
}

pub(crate) fn names(decl: &Decl, key: K) -> Box<[SmolStr]> {
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Names(names)) => names.iter().map(|name| name.text.clone()).collect(),
        _ => Box::default(),
    }
}

pub(crate) fn effects(decl: &Decl) -> Option<Box<[EffectFact]>> {
    let Value::Effects(effects) = &clause(decl, K::Effects)?.value else {
        return None;
    };
    let effects = effects.iter().map(|effect| EffectFact {
        name: effect.name.text.clone(),
        args: effect.args.iter().map(|arg| arg.plain()).collect(),
    });
    Some(effects.collect())
}

/// The clause, and the entry of it, that a place of the block belongs to.
fn sink(decl: &Decl, span: Span) -> Sink {
    let found = holding(&decl.clauses, |clause| clause.span, span);
    Sink {
        key: found.and_then(|clause| clause.key),
        entry: found.and_then(|clause| entry(clause, span)),
        step: found.and_then(|clause| match &clause.value {
            Value::Steps(steps) => holding_at(steps, |step| step.span, span).map(|at| at as u32),
            _ => None,
        }),
    }
}

/// The part that a span lies in.
fn holding<T>(parts: &[T], span_of: impl Fn(&T) -> Span, span: Span) -> Option<&T> {
    holding_at(parts, span_of, span).map(|at| &parts[at])
}

/// The same, by its number. Parts are found by their order in the text, if they have it: a profile may have put others
/// between them.
fn holding_at<T>(parts: &[T], span_of: impl Fn(&T) -> Span, span: Span) -> Option<usize> {
    let holds = |part: &T| {
        let outer = span_of(part);
        outer.start <= span.start && span.end <= outer.end
    };
    let begun = parts.partition_point(|part| span_of(part).start <= span.start);
    let last = begun.checked_sub(1).filter(|&last| holds(&parts[last]));
    last.or_else(|| parts.iter().position(holds))
}

/// What an entry of a clause goes by.
fn entry(clause: &Clause, span: Span) -> Option<SmolStr> {
    let text = |name: &Name| Some(name.text.clone());
    match &clause.value {
        Value::Assigns(assigns) => text(&holding(assigns, |assign| assign.span, span)?.name),
        Value::Typed(typed) => text(&holding(typed, |item| item.span, span)?.name),
        Value::Fields(fields) => text(&holding(fields, |field| field.span, span)?.name),
        Value::Steps(steps) => {
            let step = holding(steps, |step| step.span, span)?;
            let arg = holding(&step.args, |arg| arg.value.span, span)?;
            text(arg.name.as_ref()?)
        }
        Value::Fail(fail) => text(&fail.mode),
        Value::Remember(remember) => text(&remember.key),
        Value::Evidence(evidence) => text(&evidence.hypothesis),
        Value::Override(_) => text(&clause.name),
        _ => None,
    }
}
