//! The declarations of a file as a tree.

use std::path::Path;

use dsl_syntax::ast::{BlockKind, Decl, Item, Name, Span, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use crate::analysis::{Analysis, Edge};
use crate::diagnostic::BlockRef;
use crate::places::name_span;
use crate::trees::parse;

/// A declaration, with those inside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    pub name: SmolStr,
    pub title: Option<SmolStr>,
    pub kind: SymbolKind,
    /// The whole declaration; of a plan, its nodes too.
    pub span: Span,
    pub name_span: Span,
    pub children: Vec<Symbol>,
}

/// What a symbol stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymbolKind {
    Declaration(DeclKind),
    /// Of a plan: what it is given. Its outputs are among its nodes' readers, so they are listed too.
    Parameter,
    Output,
    /// Of a record.
    Field,
}

impl Analysis {
    /// The declarations of a file, nodes under their plans.
    pub fn symbols(&self, path: &Path) -> Vec<Symbol> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        let mut edge = Edge::new(self);
        let mut symbols: Vec<Symbol> = Vec::new();
        for &chunk in file.chunks(&self.db) {
            for (index, block) in parse(&self.db, chunk).iter().enumerate() {
                let Some(Item::Decl(decl)) = &block.item else {
                    continue;
                };
                let start = edge.block_start(BlockRef {
                    chunk,
                    index: index as u32,
                });
                let symbol = symbol(decl, start);
                match (block.kind, symbols.last_mut()) {
                    (BlockKind::PlanNode, Some(plan)) => {
                        plan.span = plan.span.cover(symbol.span);
                        plan.children.push(symbol);
                    }
                    (BlockKind::PlanRest, Some(plan)) => {
                        plan.span = plan.span.cover(symbol.span);
                        plan.children.extend(symbol.children);
                    }
                    _ => symbols.push(symbol),
                }
            }
        }
        symbols
    }
}

fn symbol(decl: &Decl, start: u32) -> Symbol {
    let title = decl.title.as_ref().and_then(|title| title.plain());
    let name = decl
        .name
        .as_ref()
        .map(|name| name.text.clone())
        .or_else(|| title.clone());
    Symbol {
        name: name.unwrap_or_else(|| decl.kind.keyword().into()),
        title,
        kind: SymbolKind::Declaration(decl.kind),
        span: decl.span.cover(decl.header).shifted(start),
        name_span: name_span(decl).shifted(start),
        children: entries(decl, start),
    }
}

/// The fields of a record, the parameters and outputs of a plan.
fn entries(decl: &Decl, start: u32) -> Vec<Symbol> {
    let entry = |name: &Name, span: Span, kind: SymbolKind| Symbol {
        name: name.text.clone(),
        title: None,
        kind,
        span: span.shifted(start),
        name_span: name.span.shifted(start),
        children: Vec::new(),
    };
    let mut found: Vec<Symbol> = decl
        .fields
        .iter()
        .map(|field| entry(&field.name, field.span, SymbolKind::Field))
        .collect();
    for clause in &decl.clauses {
        match (clause.key, &clause.value) {
            (Some(K::Params), Value::Fields(fields)) => {
                let params = fields.iter();
                found.extend(params.map(|field| entry(&field.name, field.span, SymbolKind::Parameter)));
            }
            (Some(K::Outputs), Value::Typed(typed)) => {
                let outputs = typed.iter();
                found.extend(outputs.map(|item| entry(&item.name, item.span, SymbolKind::Output)));
            }
            _ => {}
        }
    }
    found
}
