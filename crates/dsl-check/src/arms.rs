//! The arms of a plan's decisions in the plan's own words, for pictures.
//!
//! Read from the text at the edge, when somebody asks. Absent: what the arms mean.

use std::path::Path;

use dsl_syntax::ast::{RouteOn, Value};
use smol_str::SmolStr;

use crate::analysis::Analysis;
use crate::diagnostic::BlockRef;
use crate::graph::BUILTIN_MODES;
use crate::places::{decl_of, start_of};
use crate::plans::file_plans;
use crate::signatures::NodeKind;

/// One arm of a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArmText {
    pub decision: SmolStr,
    pub to: SmolStr,
    /// The condition on one line, `else`, or a hypothesis.
    pub says: String,
}

impl Analysis {
    /// In plan order; nothing of a plan that is not there.
    pub fn arms(&self, path: &Path, plan: Option<&str>) -> Vec<ArmText> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        let Ok(at) = self.choose(file, plan) else {
            return Vec::new();
        };
        let nodes = file_plans(&self.db, file).plans[at].nodes.iter();
        let decisions = nodes.filter(|(_, sig)| sig.kind == NodeKind::Decision);
        decisions
            .flat_map(|(block, sig)| self.arms_of(*block, &sig.name))
            .collect()
    }

    pub(crate) fn arms_of(&self, block: BlockRef, decision: &SmolStr) -> Vec<ArmText> {
        let clauses = decl_of(&self.db, block).map_or(&[][..], |decl| &decl.clauses);
        let routes = clauses.iter().filter_map(|clause| match &clause.value {
            Value::Route(route) => Some(route),
            _ => None,
        });
        let arm = |route: &dsl_syntax::ast::Route| {
            let says = match &route.on {
                RouteOn::When(expr) => self.on_one_line(block, expr.span)?,
                RouteOn::Else(_) => "else".to_owned(),
                RouteOn::Event(event) if is_event(&event.text) => return None,
                RouteOn::Event(event) => event.text.to_string(),
            };
            Some(ArmText {
                decision: decision.clone(),
                to: route.to.text.clone(),
                says,
            })
        };
        routes.filter_map(arm).collect()
    }

    fn on_one_line(&self, block: BlockRef, span: dsl_syntax::ast::Span) -> Option<String> {
        let start = start_of(&self.db, block);
        let text = block.chunk.text(&self.db);
        let slice = text.get((start + span.start) as usize..(start + span.end) as usize)?;
        Some(slice.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// What a decision's route may be on besides hypotheses.
fn is_event(event: &str) -> bool {
    event == "success" || BUILTIN_MODES.contains(&event)
}
