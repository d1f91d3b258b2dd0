//! What profiles and tests have in common: the plan that they are about, and its nodes.

use dsl_syntax::ast::{Decl, Name, Span};
use smol_str::SmolStr;

use super::{Cx, Seen};
use crate::rules;
use crate::scope::PlanShape;
use crate::signatures::NodeKind;
use crate::types::Problem;

/// The plan that a profile or test is about.
pub(super) fn plan<'db>(cx: &Cx<'db>, decl: &Decl) -> Option<&'db PlanShape> {
    let name = decl.of.as_ref()?;
    let found = cx.whole_scope().about(&name.text).map(|shape| &**shape);
    if found.is_none() && !cx.scope.excuses(&name.text) {
        let known = cx.whole_scope().about_names();
        let message = format!("there is no plan `{}`", name.text);
        cx.push(Problem::new(rules::UNRESOLVED_NAME, name.span, message).nearest(&name.text, &known));
    }
    found
}

/// The names of its nodes of a kind; of all kinds without one.
pub(super) fn nodes(cx: &Cx<'_>, shape: &PlanShape, kind: Option<NodeKind>) -> Vec<SmolStr> {
    let plans = crate::plans::file_plans(cx.db(), shape.file);
    let plan = plans.named(&shape.plan.name).and_then(|at| plans.plans.get(at));
    let nodes = plan.into_iter().flat_map(|plan| &plan.nodes);
    nodes
        .filter(|(_, sig)| kind.is_none_or(|kind| sig.kind == kind))
        .map(|(_, sig)| sig.name.clone())
        .collect()
}

/// All nodes of the plan that is being checked, for "did you mean".
pub(super) fn all_nodes(cx: &Cx<'_>) -> Vec<SmolStr> {
    let scope = cx.whole_scope();
    let mut shapes = scope.plans.values();
    let shape = shapes.find(|shape| shape.plan.name == cx.plan.name);
    let shape = shape.or_else(|| scope.about(&cx.plan.name));
    shape.map_or_else(Vec::new, |shape| nodes(cx, shape, None))
}

/// A node of the plan; `None` was reported.
pub(super) fn node<'db>(cx: &Cx<'db>, shape: &PlanShape, name: &Name, kind: NodeKind) -> Option<&'db Seen> {
    let found = cx.view.get(&name.text).map(|(_, seen)| seen);
    match found {
        Some(seen) if seen.sig.kind == kind => Some(seen),
        Some(seen) => {
            let message = format!(
                "`{}` is a {}, expected a {}",
                name.text,
                seen.sig.kind.word(),
                kind.word()
            );
            cx.push(Problem::new(rules::TYPE_MISMATCH, name.span, message));
            None
        }
        None => {
            let message = format!("the plan has no {} `{}`", kind.word(), name.text);
            let known = nodes(cx, shape, Some(kind));
            cx.push(Problem::new(rules::UNRESOLVED_NAME, name.span, message).nearest(&name.text, &known));
            None
        }
    }
}

/// Something that `whose` does not have.
pub(super) fn has_no(cx: &Cx<'_>, span: Span, whose: &str, name: &str, known: &[SmolStr]) {
    const LISTED_MAX: usize = 12;
    let message = format!("{whose} has no `{name}`");
    let mut problem = Problem::new(rules::UNRESOLVED_NAME, span, message).nearest(name, known);
    if problem.help.is_none() && !known.is_empty() && known.len() <= LISTED_MAX {
        let listed: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        problem = problem.help(format!("it has {}", listed.join(", ")));
    }
    cx.push(problem);
}
