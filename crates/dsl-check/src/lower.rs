//! From a plan without errors to the IR.
//!
//! The checks lower each block as they check it; here the blocks of one plan are put together: ids, lines, the defaults that the
//! plan gives its tasks, needs that come from routes `on success`, and what the toolchain cannot run yet. Absent: opinions of its own.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;

use dsl_syntax::ast::{Decl, Span};
use ir::plan::{FailurePolicy, Need, Node, Plan, Unsupported};
use ir::types::{Type, Types};
use smol_str::SmolStr;

use crate::analysis::{Analysis, Edge};
use crate::check::{Cx, NodeParts, PlanParts, Unready, lower_node, lower_plan_block, with_default_retry};
use crate::diagnostic::{BlockRef, Diagnostic, Severity};
use crate::graph::{PlanGraph, graphs};
use crate::imports::visible;
use crate::inputs::SourceFile;
use crate::plans::{PlanBlocks, file_plans};
use crate::scope::{implicit_name, scope};

/// Why there is no compiled plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CompileError {
    /// The workspace has no such file.
    NoFile,
    /// The file has no plan of that name; these are there.
    NoPlan { plan: SmolStr, plans: Vec<SmolStr> },
    /// The file has no plan at all.
    Empty,
    /// The file has several plans, and none was named.
    WhichPlan { plans: Vec<SmolStr> },
    /// The errors of the file and of what it imports.
    Errors(Vec<Diagnostic>),
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |plans: &[SmolStr]| {
            plans
                .iter()
                .map(|plan| format!("`{plan}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self {
            Self::NoFile => f.write_str("there is no such file"),
            Self::NoPlan { plan, plans } => write!(f, "there is no plan `{plan}`, expected one of {}", list(plans)),
            Self::Empty => f.write_str("the file has no plan"),
            Self::WhichPlan { plans } => write!(
                f,
                "the file has several plans, expected the name of one: {}",
                list(plans)
            ),
            Self::Errors(errors) => match errors.len() {
                1 => f.write_str("the plan has an error"),
                count => write!(f, "the plan has {count} errors"),
            },
        }
    }
}

impl std::error::Error for CompileError {}

impl Analysis {
    /// The IR of a plan; of the only one of the file if none is named.
    pub fn compile(&self, path: &Path, plan: Option<&str>) -> Result<Plan, CompileError> {
        let file = self.file(path).ok_or(CompileError::NoFile)?;
        let errors = self.errors(file);
        if !errors.is_empty() {
            return Err(CompileError::Errors(errors));
        }
        let at = self.choose(file, plan)?;
        let plan = self.lower(file, at);
        debug_assert!(ir::verify::verify(&plan).is_ok(), "{:?}", ir::verify::verify(&plan));
        Ok(plan)
    }

    /// The errors of a file and of all that it imports.
    fn errors(&self, file: SourceFile) -> Vec<Diagnostic> {
        let mut seen = BTreeSet::from([file.path(&self.db).clone()]);
        let mut queue = VecDeque::from([file]);
        let mut errors = Vec::new();
        while let Some(at) = queue.pop_front() {
            let found = self.diagnostics(at.path(&self.db));
            errors.extend(
                found
                    .into_iter()
                    .filter(|diagnostic| diagnostic.severity == Severity::Error),
            );
            let imports = &visible(&self.db, self.project, at).files;
            queue.extend(
                imports
                    .iter()
                    .copied()
                    .filter(|next| seen.insert(next.path(&self.db).clone())),
            );
        }
        errors
    }

    fn choose(&self, file: SourceFile, wanted: Option<&str>) -> Result<usize, CompileError> {
        let plans = &file_plans(&self.db, file).plans;
        let implicit = implicit_name(file.path(&self.db));
        let name = |plan: &PlanBlocks| {
            if plan.clauses.is_empty() {
                implicit.clone()
            } else {
                plan.name.clone()
            }
        };
        let real: Vec<usize> = (0..plans.len())
            .filter(|&at| !plans[at].clauses.is_empty() || !plans[at].nodes.is_empty())
            .collect();
        let names = || real.iter().map(|&at| name(&plans[at])).collect::<Vec<_>>();
        match (wanted, real.as_slice()) {
            (_, []) => Err(CompileError::Empty),
            (None, [only]) => Ok(*only),
            (None, _) => Err(CompileError::WhichPlan { plans: names() }),
            (Some(wanted), _) => real
                .iter()
                .copied()
                .find(|&at| name(&plans[at]) == wanted)
                .ok_or_else(|| CompileError::NoPlan {
                    plan: wanted.into(),
                    plans: names(),
                }),
        }
    }

    fn lower(&self, file: SourceFile, at: usize) -> Plan {
        let blocks = &file_plans(&self.db, file).plans[at];
        let graph = &graphs(&self.db, file)[at];
        let scope = scope(&self.db, self.project, file);
        let mut lines = Lines::new(self, file);
        let mut unsupported = Vec::new();
        let mut plan = Plan::new(scope.own.get(at).map(|plan| plan.name.clone()).unwrap_or_default());
        let mut retry = None;
        let mut failure = FailurePolicy::Abort;
        for &block in &blocks.clauses {
            let Some(decl) = self.decl(block) else {
                continue;
            };
            let parts = lower_plan_block(&self.cx(block, decl, graph), decl);
            unsupported.extend(lines.unsupported(block, None, &parts.unready));
            failure = parts.failure.unwrap_or(failure);
            retry = retry.or_else(|| parts.retry.clone());
            add(&mut plan, parts);
        }
        plan.failure = failure;
        let bound = scope.own.get(at).and_then(|plan| scope.policy_for(plan));
        if blocks.clauses.is_empty() && bound.is_some() {
            unsupported.push(Unsupported {
                what: "policy".into(),
                node: None,
                line: 1,
                blocks: true,
            });
        }
        for (block, _) in &blocks.nodes {
            let Some(decl) = self.decl(*block) else {
                continue;
            };
            let NodeParts {
                node,
                unready,
                own_retry,
            } = lower_node(&self.cx(*block, decl, graph), decl);
            let id = node.is_some().then_some(plan.nodes.len() as u32);
            unsupported.extend(lines.unsupported(*block, id, &unready));
            if let Some(mut node) = node {
                node.line = lines.line(*block, decl.keyword);
                if let (false, Some(retry)) = (own_retry, &retry) {
                    with_default_retry(&mut node, retry);
                }
                plan.nodes.push(node);
            }
        }
        needs_of_routes(&mut plan.nodes);
        plan.types = used_types(&plan, &scope.types);
        plan.unsupported = unsupported;
        plan
    }

    fn cx<'a>(&'a self, block: BlockRef, decl: &Decl, graph: &'a PlanGraph) -> Cx<'a> {
        let mut cx = Cx::new(&self.db, self.project, block, decl);
        cx.graph = Some(graph);
        cx
    }
}

fn add(plan: &mut Plan, parts: PlanParts) {
    plan.title = plan.title.take().or(parts.title);
    plan.version = plan.version.take().or(parts.version);
    plan.owner = plan.owner.take().or(parts.owner);
    plan.labels.extend(parts.labels);
    plan.params.extend(parts.params);
    plan.outputs.extend(parts.outputs);
    plan.memory.extend(parts.memory);
    plan.dir = plan.dir.take().or(parts.dir);
    plan.parallel = plan.parallel.or(parts.parallel);
    plan.timeout_ms = plan.timeout_ms.or(parts.timeout_ms);
}

/// `on success -> v` is also a need of `v`.
fn needs_of_routes(nodes: &mut [Node]) {
    let mut needs = Vec::new();
    for (from, node) in nodes.iter().enumerate() {
        needs.extend(
            node.routes
                .iter()
                .filter(|route| route.on == "success")
                .map(|route| (from as u32, route.to)),
        );
    }
    for (from, to) in needs {
        let Some(node) = nodes.get_mut(to as usize) else {
            continue;
        };
        let need = Need::Node {
            node: from,
            optional: false,
        };
        if !node.needs.contains(&need) {
            node.needs.push(need);
        }
    }
}

/// The records that the plan's own types reach.
fn used_types(plan: &Plan, all: &Types) -> Types {
    if all.0.is_empty() {
        return Types::default();
    }
    let mut wanted = Vec::new();
    let mut collect = |ty: &Type| records_in(ty, &mut wanted);
    plan.params.iter().for_each(|param| collect(&param.ty));
    plan.outputs.iter().for_each(|output| collect(&output.ty));
    plan.memory.iter().for_each(|key| collect(&key.ty));
    // casts name types too: they are found in the text form, where a record stands as `{"record":"Name"}`
    let parts = (&plan.nodes, &plan.params, &plan.outputs, &plan.memory);
    let text = serde_json::to_string(&parts).unwrap_or_default();
    let named = text.split("{\"record\":\"").skip(1);
    wanted.extend(
        named
            .filter_map(|rest| rest.split_once("\"}"))
            .map(|(name, _)| SmolStr::new(name)),
    );
    let mut used = Types::default();
    while let Some(name) = wanted.pop() {
        let Some(def) = all.get(&name) else { continue };
        if used.0.insert(name, def.clone()).is_none() {
            def.fields.iter().for_each(|field| records_in(&field.ty, &mut wanted));
        }
    }
    used
}

/// As deep as the type, which the parser bounds.
fn records_in(ty: &Type, found: &mut Vec<SmolStr>) {
    match ty {
        Type::Record(name) => found.push(name.clone()),
        Type::List(list) => records_in(&list.item, found),
        Type::Map(inner) | Type::Optional(inner) | Type::Secret(inner) => records_in(inner, found),
        Type::Fields(fields) => fields.values().for_each(|ty| records_in(ty, found)),
        _ => {}
    }
}

/// Line numbers of a file.
struct Lines<'a> {
    edge: Edge<'a>,
    starts: Vec<u32>,
}

impl<'a> Lines<'a> {
    fn new(analysis: &'a Analysis, file: SourceFile) -> Self {
        let text = analysis.text(file.path(&analysis.db)).unwrap_or_default();
        let starts = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at as u32 + 1)
            .collect();
        Self {
            edge: Edge::new(analysis),
            starts,
        }
    }

    /// Counted from 1.
    fn line(&mut self, block: BlockRef, span: Span) -> u32 {
        let at = self.edge.block_start(block) + span.start;
        self.starts.partition_point(|&start| start <= at) as u32 + 1
    }

    fn unsupported(&mut self, block: BlockRef, node: Option<u32>, unready: &Unready) -> Vec<Unsupported> {
        unready
            .found
            .iter()
            .map(|(what, span, blocks)| Unsupported {
                what: what.clone(),
                node,
                line: self.line(block, *span),
                blocks: *blocks,
            })
            .collect()
    }
}
