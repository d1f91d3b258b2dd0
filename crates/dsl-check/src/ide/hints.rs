//! What is true of a node and not written at it: outputs that it has from elsewhere, and what it waits for because
//! others lead to it.
//!
//! The language infers no needs (reading what is not needed is a mistake), but routes and fallbacks are waited for, and
//! they are written at the other end. Absent: what a node takes at worst ([`Analysis::worst_cases`]).

use std::ops::Range;
use std::path::Path;

use dsl_syntax::ast::{Decl, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::types::Type;
use smol_str::SmolStr;

use crate::analysis::{Analysis, Edge};
use crate::check::node_outputs;
use crate::diagnostic::BlockRef;
use crate::graph::{Source, Topology, sig_of, topologies};
use crate::inputs::SourceFile;
use crate::places::decl_of;
use crate::plans::file_plans;
use crate::scope::scope;
use crate::signatures::{NodeSig, Work, clause};

/// So many outputs are listed.
const OUTPUTS_MAX: usize = 3;
/// A longer type is cut.
const TYPE_CHARS_MAX: usize = 40;

/// Something to be shown behind a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hint {
    pub at: u32,
    pub text: String,
    pub what: HintOf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HintOf {
    /// The types of outputs.
    Outputs,
    /// The others that lead to a node.
    Dependencies,
}

impl Analysis {
    /// Of the nodes whose header ends in a range of the text, in its order.
    pub fn node_hints(&self, path: &Path, within: Range<u32>) -> Vec<Hint> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        let mut edge = Edge::new(self);
        let mut found = Vec::new();
        for (plan, topology) in file_plans(&self.db, file)
            .plans
            .iter()
            .zip(topologies(&self.db, file).iter())
        {
            for (node, (block, _)) in (0..).zip(&plan.nodes) {
                let start = edge.block_start(*block);
                let (true, Some(decl)) = (start < within.end, decl_of(&self.db, *block)) else {
                    continue;
                };
                if start + decl.span.cover(decl.header).end < within.start {
                    continue;
                }
                found.extend(self.hints_of(file, *block, decl, start));
                if let Some(text) = led_to(topology, node) {
                    found.push(Hint {
                        at: start + decl.header.end,
                        text,
                        what: HintOf::Dependencies,
                    });
                }
            }
        }
        found.retain(|hint| within.contains(&hint.at) || within.end == hint.at);
        found
    }

    fn hints_of(&self, file: SourceFile, block: BlockRef, decl: &Decl, start: u32) -> Vec<Hint> {
        let hint = |at: u32, text| Hint {
            at: start + at,
            text,
            what: HintOf::Outputs,
        };
        let of_node = sig_of(&self.db, block).and_then(|sig| self.unwritten_outputs(file, sig));
        let mut found: Vec<Hint> = of_node.map(|text| hint(decl.header.end, text)).into_iter().collect();
        if let Some(Value::Steps(steps)) = clause(decl, K::Do).map(|clause| &clause.value) {
            let capabilities = &scope(&self.db, file).capabilities;
            let answer = |name: &str| {
                let output = &capabilities.get(name)?.output;
                let fields = output.iter().map(|field| (field.name.clone(), field.ty.clone()));
                Some(format!(": {{ {} }}", listed(fields.collect())?))
            };
            let bound = steps
                .iter()
                .filter_map(|step| Some((step.bind.as_ref()?, &step.capability.text)));
            found.extend(bound.filter_map(|(name, capability)| Some(hint(name.span.end, answer(capability)?))));
        }
        found
    }

    /// The outputs of who does the work, where the node has none of its own; of a fan-out the lists that others see.
    fn unwritten_outputs(&self, file: SourceFile, sig: &NodeSig) -> Option<String> {
        let is_known = sig.outputs.is_some() || !matches!(sig.work, Work::Capability(_) | Work::Call(_));
        if is_known && !(sig.each && sig.outputs.is_some()) {
            return None;
        }
        let declared = |name: &str| {
            sig.outputs
                .as_ref()
                .is_none_or(|own| own.iter().any(|own| own.name == name))
        };
        let outputs = node_outputs(&**scope(&self.db, file), sig).into_iter();
        // a script has `stdout` and the like besides its own
        let outputs = outputs
            .filter(|(name, _)| declared(name))
            .map(|(name, ty)| match sig.each {
                true => (name, Type::list(ty)),
                false => (name, ty),
            });
        listed(outputs.collect()).map(|listed| format!("→ {listed}"))
    }
}

/// `items: list[Source], count: int`.
fn listed(outputs: Vec<(SmolStr, Type)>) -> Option<String> {
    let more = outputs.len().saturating_sub(OUTPUTS_MAX);
    let shown = outputs.iter().take(OUTPUTS_MAX);
    let mut shown: Vec<String> = shown.map(|(name, ty)| format!("{name}: {}", short(ty))).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    (!shown.is_empty()).then(|| shown.join(", "))
}

fn short(ty: &Type) -> String {
    let text = ty.to_string();
    match text.char_indices().nth(TYPE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// `after collect: no-results`, as the routes of others say; nothing if nobody leads to the node.
fn led_to(topology: &Topology, node: u32) -> Option<String> {
    let leads = topology.sources(node).iter().map(|source| lead(topology, source));
    let leads: Vec<String> = leads.collect();
    (!leads.is_empty()).then(|| format!("← {}", leads.join(", ")))
}

fn lead(topology: &Topology, source: &Source) -> String {
    let ties = &topology.ties[source.node as usize];
    let on = source
        .route
        .and_then(|route| ties.routes.get(route as usize))
        .map(|route| &route.on);
    match on {
        None => format!("fallback of {}", ties.name),
        Some(None) => format!("chosen by {}", ties.name),
        Some(Some(event)) => format!("{event} of {}", ties.name),
    }
}
