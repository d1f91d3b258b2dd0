//! The nodes of a plan in the order in which they can start; of those that could both be next, the one that stood first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use dsl_syntax::ast::Span;
use dsl_syntax::table::DeclKind;

use super::{Assist, AssistKind, Here, text_of};
use crate::analysis::Edge;
use crate::diagnostic::Edit;
use crate::graph::Topology;

pub(super) fn tasks(here: &Here<'_>) -> Option<Assist> {
    let (plan, node) = here.plan()?;
    let is_header = here.decl.kind == DeclKind::Plan && here.decl.name.is_some();
    let is_first = plan.clauses.is_empty() && node == Some(0);
    if !(is_header || is_first) || !here.is_in_header() {
        return None;
    }
    let order = sorted(here.topology()?)?;
    if order.is_sorted() {
        return None;
    }
    let mut edge = Edge::new(here.analysis);
    let mut end = None;
    let mut texts = Vec::with_capacity(order.len());
    for (block, _) in &plan.nodes {
        let (start, text) = (edge.block_start(*block), text_of(here.analysis, *block)?);
        // other lines between them would not know where to stay
        if end.is_some_and(|end| end != start) {
            return None;
        }
        end = Some(start + text.len() as u32);
        texts.push(text);
    }
    let mut text = String::new();
    for (place, &node) in texts.iter().zip(&order) {
        text.push_str(texts.get(node as usize)?.trim_end());
        text.push_str(&place[place.trim_end().len()..]);
    }
    let whole = Span::new(edge.block_start(plan.nodes.first()?.0), end?);
    Some(Assist {
        title: "sort tasks by dependency".to_owned(),
        kind: AssistKind::Rewrite,
        edits: vec![Edit {
            file: here.path().clone(),
            span: whole,
            text,
        }],
    })
}

/// `None`: the plan has a loop.
fn sorted(topology: &Topology) -> Option<Vec<u32>> {
    let count = topology.ties.len();
    let mut waits = vec![0u32; count];
    let mut next: Vec<Vec<u32>> = vec![Vec::new(); count];
    for edge in topology.edges.all() {
        waits[edge.waits as usize] += 1;
        next[edge.on as usize].push(edge.waits);
    }
    let free = (0..count as u32).filter(|&node| waits[node as usize] == 0);
    let mut ready: BinaryHeap<Reverse<u32>> = free.map(Reverse).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for &after in &next[node as usize] {
            waits[after as usize] -= 1;
            if waits[after as usize] == 0 {
                ready.push(Reverse(after));
            }
        }
    }
    (order.len() == count).then_some(order)
}
