//! What editors ask: hover, definition, symbols; in the project's own types, with absolute byte spans.
//!
//! Absent: the language server's protocol.

mod assists;
mod candidates;
mod completion;
mod hierarchy;
mod hints;
mod lenses;
mod linked;
mod links;
mod moved;
mod nodes;
mod references;
mod tokens;
mod type_definition;

use std::path::Path;
use std::sync::Arc;

use dsl_syntax::ast::{Block, Clause, Decl, Expr as Ast, ExprKind, Item, Name, NeedKind, RouteOn, Span, Value};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind};
use ir::func::Func;
use smol_str::SmolStr;

use crate::analysis::{Analysis, Edge};
use crate::check::{Cx, NODE_STATUSES, node_outputs};
use crate::diagnostic::{BlockRef, Place, Target};
use crate::graph::graphs;
use crate::imports::{Space, declarations, declared, import_path, visible};
use crate::inputs::SourceFile;
use crate::places::{decl_of, name_span};
use crate::plans::file_plans;
use crate::reach::reached;
use crate::scope::{PlanScope, scope};
use crate::signatures::{NodeSig, Work};
use crate::trees::parse;
use crate::walk;

pub use assists::{Assist, AssistKind};
pub use completion::{Completion, CompletionKind};
pub use hierarchy::{HierarchyItem, HierarchyStep};
pub use hints::{Hint, HintOf};
pub use lenses::{Lens, LensOf};
pub use links::FileLink;
pub use nodes::NodeAt;
pub use references::{Location, References};
pub use tokens::{NameKind, NameToken};

/// Markdown about the thing at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hover {
    pub span: Span,
    pub text: String,
}

/// Where the thing at a place is declared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// The name that was asked about.
    pub origin: Span,
    pub file: Arc<Path>,
    /// The declared name.
    pub span: Span,
}

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

/// What stands at an offset.
enum Thing<'a> {
    Keyword(DeclKind),
    Clause(&'static table::Row, Span),
    Function(Func, Span),
    /// The path up to the name at the offset: `collect`, `collect.sources`.
    Path(Vec<Name>),
    /// A name outside of expressions.
    Name(&'a Name),
    /// A parameter, output, input, … where it is declared.
    Member(&'a Name),
    Import(Span),
}

impl Analysis {
    pub fn hover(&self, path: &Path, offset: u32) -> Option<Hover> {
        let (block, start, tree) = self.block_at(path, offset)?;
        let at = offset - start;
        let file = block.chunk.file(&self.db);
        let (span, text) = match thing_at(tree, at)? {
            Thing::Keyword(kind) => (None, format!("**{}**: {}", kind.keyword(), kind.doc())),
            Thing::Clause(row, span) => (Some(span), format!("**{}**: {}", row.key.word(), row.doc)),
            Thing::Function(func, span) => (
                Some(span),
                format!("```plan\n{}\n```\n{}", func.signature(), func.doc()),
            ),
            Thing::Name(name) => (Some(name.span), self.about_name(file, block, name)?),
            Thing::Path(names) => (
                names.last().map(|name| name.span),
                self.about_path(file, block, &names)?,
            ),
            Thing::Member(_) | Thing::Import(_) => return None,
        };
        let span = span.or_else(|| decl_of(&self.db, block).map(|decl| decl.keyword))?;
        Some(Hover {
            span: span.shifted(start),
            text,
        })
    }

    pub fn definition(&self, path: &Path, offset: u32) -> Option<Definition> {
        let (block, start, tree) = self.block_at(path, offset)?;
        let file = block.chunk.file(&self.db);
        let mut edge = Edge::new(self);
        let (origin, place) = match thing_at(tree, offset - start)? {
            Thing::Name(name) => (name.span, self.place_of(file, block, &name.text)?),
            Thing::Member(name) => (name.span, Place::at(block, name.span)),
            Thing::Path(names) => {
                let origin = names.last()?.span;
                (origin, self.place_of_path(file, block, &names)?)
            }
            Thing::Import(origin) => {
                let target = self.import_at(file, tree)?;
                let file = target.path(&self.db).clone();
                return Some(Definition {
                    origin: origin.shifted(start),
                    file,
                    span: Span::default(),
                });
            }
            Thing::Keyword(_) | Thing::Clause(..) | Thing::Function(..) => return None,
        };
        let (file, span) = edge.span(&place);
        Some(Definition {
            origin: origin.shifted(start),
            file,
            span,
        })
    }

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
                    (dsl_syntax::ast::BlockKind::PlanNode, Some(plan)) => {
                        plan.span = plan.span.cover(symbol.span);
                        plan.children.push(symbol);
                    }
                    (dsl_syntax::ast::BlockKind::PlanRest, Some(plan)) => {
                        plan.span = plan.span.cover(symbol.span);
                        plan.children.extend(symbol.children);
                    }
                    _ => symbols.push(symbol),
                }
            }
        }
        symbols
    }

    pub(crate) fn block_at(&self, path: &Path, offset: u32) -> Option<(BlockRef, u32, &Block)> {
        let file = self.file(path)?;
        let mut start = 0;
        for &chunk in file.chunks(&self.db) {
            let len = chunk.text(&self.db).len() as u32;
            if offset > start + len {
                start += len;
                continue;
            }
            for (index, block) in parse(&self.db, chunk).iter().enumerate() {
                if offset < start + block.len
                    || (offset == start + block.len && index + 1 == parse(&self.db, chunk).len())
                {
                    return Some((
                        BlockRef {
                            chunk,
                            index: index as u32,
                        },
                        start,
                        block,
                    ));
                }
                start += block.len;
            }
        }
        None
    }

    fn import_at(&self, file: SourceFile, block: &Block) -> Option<SourceFile> {
        let Some(Item::Use(used)) = &block.item else {
            return None;
        };
        let text = used.path.as_ref()?.plain()?;
        let path = import_path(self.root(), file.path(&self.db), &text);
        self.project.files(&self.db).get(path.as_path()).copied()
    }

    /// The node of that name in the plan that the block belongs to.
    fn node(&self, file: SourceFile, block: BlockRef, name: &str) -> Option<(BlockRef, Arc<NodeSig>)> {
        let plans = file_plans(&self.db, file);
        let (file, plan) = match plans.place(block) {
            Some((plan, _)) => (file, plan as usize),
            None => {
                // a profile or test, about a plan that may be elsewhere
                let of = decl_of(&self.db, block)?.of.as_ref()?;
                let home = scope(&self.db, self.project, file).about(&of.text)?.file;
                (home, file_plans(&self.db, home).named(&of.text)?)
            }
        };
        let graph = graphs(&self.db, file).get(plan)?;
        let at = graph.find(name)? as usize;
        let (block, _) = file_plans(&self.db, file).plans.get(plan)?.nodes.get(at)?;
        Some((*block, graph.nodes.get(at)?.clone()))
    }

    /// Where a name is declared: a node, else a declaration of the file or of its imports.
    fn place_of(&self, file: SourceFile, block: BlockRef, name: &str) -> Option<Place> {
        if let Some((block, _)) = self.node(file, block, name) {
            return Some(Place {
                block,
                target: Target::Name,
            });
        }
        let seen = visible(&self.db, self.project, file);
        let spaces = [Space::Type, Space::Capability, Space::Agent, Space::Plan, Space::Policy];
        let (space, origin) = spaces
            .iter()
            .find_map(|&space| seen.get(space, name).map(|origin| (space, origin)))?;
        let key = (space, origin.name.clone());
        let declarations = declarations(&self.db, origin.file);
        let (block, _) = declarations
            .iter()
            .find(|(_, sig)| declared(sig).as_ref() == Some(&key))?;
        Some(Place {
            block: *block,
            target: Target::Name,
        })
    }

    fn place_of_path(&self, file: SourceFile, block: BlockRef, names: &[Name]) -> Option<Place> {
        let first = names.first()?;
        match (first.text.as_str(), names.get(1)) {
            ("params" | "memory" | "secrets", Some(member)) => {
                let plans = file_plans(&self.db, file);
                let (plan, _) = plans.place(block)?;
                plans.plans.get(plan as usize)?.clauses.iter().find_map(|&clauses| {
                    let decl = decl_of(&self.db, clauses)?;
                    let span = member_span(decl, &first.text, &member.text)?;
                    Some(Place::at(clauses, span))
                })
            }
            ("input", Some(member)) if self.node(file, block, "input").is_none() => {
                let span = member_span(decl_of(&self.db, block)?, "input", &member.text)?;
                Some(Place::at(block, span))
            }
            (name, Some(member)) => {
                let (node, _) = self.node(file, block, name)?;
                let span = decl_of(&self.db, node).and_then(|decl| member_span(decl, "output", &member.text));
                let target = span.map_or(Target::Name, Target::Span);
                Some(Place { block: node, target })
            }
            (name, None) => {
                let own = decl_of(&self.db, block).and_then(|decl| own_member(decl, name));
                own.map(|span| Place::at(block, span))
                    .or_else(|| self.place_of(file, block, name))
            }
        }
    }

    fn about_name(&self, file: SourceFile, block: BlockRef, name: &Name) -> Option<String> {
        if let Some((block, sig)) = self.node(file, block, &name.text) {
            return Some(self.about_node(file, block, &sig));
        }
        let scope = scope(&self.db, self.project, file);
        if let Some(capability) = scope.capabilities.get(&name.text) {
            let fields = |fields: &[crate::scope::TypedField]| {
                fields
                    .iter()
                    .map(|field| format!("\n    {}: {}", field.name, field.ty))
                    .collect::<String>()
            };
            return Some(format!(
                "```plan\ncapability {}\n  input:{}\n  output:{}\n```\n{}",
                name.text,
                fields(&capability.input),
                fields(&capability.output),
                capability.title.as_deref().unwrap_or_default()
            ));
        }
        let place = self.place_of(file, block, &name.text)?;
        let decl = decl_of(&self.db, place.block)?;
        let mut text = about_decl(decl);
        if let Some(worst) = self.worst_of_plan(place.block) {
            text.push_str(&format!("\n\nworst case {worst}"));
        }
        Some(text)
    }

    fn about_node(&self, file: SourceFile, block: BlockRef, sig: &NodeSig) -> String {
        let decl = decl_of(&self.db, block);
        let mut text = decl.map(about_decl).unwrap_or_default();
        let outputs = node_outputs(&**scope(&self.db, self.project, file), sig);
        for (name, ty) in outputs {
            let ty = if sig.each {
                format!("list[{ty}]")
            } else {
                ty.to_string()
            };
            text.push_str(&format!("\n- `{name}: {ty}`"));
        }
        if let Work::Capability(name) | Work::Call(name) = &sig.work {
            text.push_str(&format!("\n\nby `{name}`"));
        }
        text.push_str(&self.when_it_runs(block));
        if let Some(worst) = self.worst_of_node(file, block) {
            text.push_str(&format!("\n\nworst case {worst}"));
        }
        text
    }

    /// On what it depends whether a node runs.
    fn when_it_runs(&self, block: BlockRef) -> String {
        let file = block.chunk.file(&self.db);
        let Some((plan, Some(node))) = file_plans(&self.db, file).place(block) else {
            return String::new();
        };
        let Some(reached) = reached(&self.db, self.project, file).get(plan as usize) else {
            return String::new();
        };
        if reached.never_runs(node) {
            return "\n\nnever runs".into();
        }
        match reached.runs_if(node).as_slice() {
            [] => String::new(),
            conditions => format!("\n\nruns if {}", conditions.join(" and ")),
        }
    }

    fn about_path(&self, file: SourceFile, block: BlockRef, names: &[Name]) -> Option<String> {
        let first = names.first()?;
        let Some(member) = names.get(1) else {
            return self.about_name(file, block, first);
        };
        let decl = decl_of(&self.db, block)?;
        let cx = Cx::new(&self.db, self.project, block, decl);
        let typed = |ty: &dyn std::fmt::Display| format!("```plan\n{}.{}: {ty}\n```", first.text, member.text);
        if first.text == "params" {
            let field = cx.field(PlanScope::params, &member.text)?;
            let place = self.place_of_path(file, block, names);
            let doc = place.and_then(|place| self.doc_at(&place)).unwrap_or_default();
            return Some(format!("{}\n{doc}", typed(&field.ty)));
        }
        let (_, sig) = self.node(file, block, &first.text)?;
        if let Some((_, ty)) = node_outputs(&cx, &sig)
            .into_iter()
            .find(|(name, _)| *name == member.text)
        {
            return Some(if sig.each {
                typed(&format!("list[{ty}]"))
            } else {
                typed(&ty)
            });
        }
        Some(match member.text.as_str() {
            "status" => typed(&NODE_STATUSES.join(" | ")),
            "attempts" => typed(&"int"),
            "duration" => typed(&"duration"),
            "choice" => typed(&sig.options.join(" | ")),
            "error" => format!(
                "{}\nwhy it failed: `kind`, `message`, `exit`, `attempts`",
                typed(&"{ kind, message, exit, attempts }")
            ),
            _ => return None,
        })
    }

    /// The documentation of the field whose name stands at a place.
    fn doc_at(&self, place: &Place) -> Option<SmolStr> {
        let Target::Span(span) = place.target else {
            return None;
        };
        let decl = decl_of(&self.db, place.block)?;
        decl.clauses.iter().find_map(|clause| match &clause.value {
            Value::Fields(fields) => fields.iter().find(|field| field.name.span == span)?.doc.clone(),
            Value::Typed(typed) => typed.iter().find(|item| item.name.span == span)?.doc.clone(),
            _ => None,
        })
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

fn about_decl(decl: &Decl) -> String {
    let mut text = format!("```plan\n{}", decl.kind.keyword());
    if let Some(name) = &decl.name {
        text.push_str(&format!(" {}", name.text));
    }
    for clause in decl.clauses.iter().filter(|clause| clause.in_header) {
        if let Value::Names(names) = &clause.value {
            let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
            text.push_str(&format!(" {}:{}", clause.name.text, names.join(",")));
        }
    }
    for field in &decl.fields {
        text.push_str(&format!("\n  {}", field.name.text));
    }
    text.push_str("\n```");
    if let Some(title) = decl.title.as_ref().and_then(|title| title.plain()) {
        text.push_str(&format!("\n**{title}**"));
    }
    if let Some(doc) = &decl.doc {
        text.push_str(&format!("\n\n{doc}"));
    }
    text
}

/// The name of a field or output in a clause of a declaration.
fn member_span(decl: &Decl, key: &str, member: &str) -> Option<Span> {
    let clause = decl.clauses.iter().find(|clause| clause.name.text == key)?;
    match &clause.value {
        Value::Fields(fields) => fields
            .iter()
            .find(|field| field.name.text == member)
            .map(|field| field.name.span),
        Value::Typed(typed) => typed
            .iter()
            .find(|item| item.name.text == member || item.name.text.starts_with(&format!("{member}.")))
            .map(|item| item.name.span),
        Value::Assigns(assigns) => assigns
            .iter()
            .find(|assign| assign.name.text == member)
            .map(|assign| assign.name.span),
        _ => None,
    }
}

/// The names that a clause introduces: fields, outputs, inputs, variables.
fn members(value: &Value) -> Vec<&Name> {
    match value {
        Value::Fields(fields) => fields.iter().map(|field| &field.name).collect(),
        Value::Typed(typed) => typed.iter().map(|item| &item.name).collect(),
        Value::Assigns(assigns) => assigns.iter().map(|assign| &assign.name).collect(),
        Value::Each(each) => vec![&each.var],
        Value::Steps(steps) => steps.iter().filter_map(|step| step.bind.as_ref()).collect(),
        _ => Vec::new(),
    }
}

/// What a node reads by its bare name and declares itself: an output, a variable of `each`, the answer of a step.
fn own_member(decl: &Decl, name: &str) -> Option<Span> {
    let reads_bare = |clause: &&Clause| matches!(clause.key, Some(K::Output | K::Each | K::Do));
    let own = decl.clauses.iter().filter(reads_bare).filter(|_| decl.kind.is_node());
    own.flat_map(|clause| members(&clause.value))
        .find(|member| member.text == name)
        .map(|member| member.span)
}

/// The names beside one that a clause or a record type introduces.
fn siblings(decl: &Decl, name: Span) -> Option<Vec<&Name>> {
    let fields: Vec<&Name> = decl.fields.iter().map(|field| &field.name).collect();
    let lists = decl.clauses.iter().map(|clause| members(&clause.value));
    lists
        .chain([fields])
        .find(|names| names.iter().any(|one| one.span == name))
}

/// The path of a profile's line up to the name at the offset.
fn segments(path: &Name, at: u32) -> Vec<Name> {
    let mut start = path.span.start;
    let mut found = Vec::new();
    for part in path.text.split('.') {
        if start > at {
            break;
        }
        let end = start + part.len() as u32;
        found.push(Name {
            text: part.into(),
            span: Span::new(start, end),
        });
        start = end + 1;
    }
    found
}

fn thing_at(block: &Block, at: u32) -> Option<Thing<'_>> {
    let decl = match block.item.as_ref()? {
        Item::Use(used) => {
            if let Some(name) = used.picked.iter().find(|name| name.span.contains(at)) {
                return Some(Thing::Name(name));
            }
            let path = used.path.as_ref()?;
            return path.span.contains(at).then_some(Thing::Import(path.span));
        }
        Item::Decl(decl) => decl,
    };
    if decl.keyword.contains(at) && decl.name.as_ref().is_none_or(|name| !name.span.contains(at)) {
        return Some(Thing::Keyword(decl.kind));
    }
    if let Some(name) = decl.name.iter().chain(&decl.of).find(|name| name.span.contains(at)) {
        return Some(Thing::Name(name));
    }
    let mut expr = None;
    if let Some(title) = &decl.title {
        walk::string(title, &mut |outer| {
            walk::deep(outer, &mut |inner| expr = thing_in(inner, at).or(expr.take()));
        });
    }
    let mut ty = decl.alias.as_ref().and_then(|ty| type_at(ty, at));
    for field in &decl.fields {
        if field.name.span.contains(at) {
            return Some(Thing::Member(&field.name));
        }
        ty = ty.or_else(|| type_at(&field.ty, at));
    }
    if let Some(name) = ty {
        return Some(Thing::Name(name));
    }
    for clause in decl.clauses.iter().filter(|clause| clause.span.contains(at)) {
        if clause.name.span.contains(at) && decl.kind == DeclKind::Profile {
            return Some(Thing::Path(segments(&clause.name, at)));
        }
        if let Some(name) = members(&clause.value).into_iter().find(|name| name.span.contains(at)) {
            return Some(Thing::Member(name));
        }
        if clause.name.span.contains(at) {
            let row = table::find(table::clauses(decl.kind), &clause.name.text)?;
            return Some(Thing::Clause(row, clause.name.span));
        }
        if let Some(name) = name_in(&clause.value, at) {
            return (!is_of_words(clause)).then_some(Thing::Name(name));
        }
        walk::exprs(&clause.value, &mut |outer| {
            if outer.span.contains(at) {
                walk::deep(outer, &mut |inner| expr = thing_in(inner, at).or(expr.take()));
            }
        });
    }
    expr
}

/// The thing that an expression itself is at the offset, not its parts.
fn thing_in<'a>(expr: &'a Ast, at: u32) -> Option<Thing<'a>> {
    match &expr.kind {
        ExprKind::Name(text) if expr.span.contains(at) => Some(Thing::Path(vec![Name {
            text: text.clone(),
            span: expr.span,
        }])),
        ExprKind::Field { name, .. } if name.span.contains(at) => walk::path(expr).map(Thing::Path),
        ExprKind::Call { func, .. } | ExprKind::Pipe { func, .. } if func.span.contains(at) => {
            Func::from_name(&func.text).map(|known| Thing::Function(known, func.span))
        }
        ExprKind::Cast { ty, .. } => type_at(ty, at).map(Thing::Name),
        _ => None,
    }
}

/// The name of a type at the offset.
fn type_at(ty: &dsl_syntax::ast::Type, at: u32) -> Option<&Name> {
    match &ty.kind {
        dsl_syntax::ast::TypeKind::Named { name, arg, .. } => {
            if name.span.contains(at) {
                return Some(name);
            }
            arg.as_ref().and_then(|arg| type_at(arg, at))
        }
        _ => None,
    }
}

/// What it lists are words of the plan's own, and people: nothing that is declared.
fn is_of_words(clause: &Clause) -> bool {
    matches!(
        clause.key,
        Some(
            K::Kind
                | K::Labels
                | K::Risks
                | K::Owner
                | K::Approver
                | K::Failure
                | K::Severity
                | K::Intent
                | K::Keywords
        )
    )
}

/// The name outside of expressions at the offset.
fn name_in(value: &Value, at: u32) -> Option<&Name> {
    let here = |name: &&Name| name.span.contains(at);
    match value {
        Value::Names(names) => names.iter().find(here),
        Value::Needs(needs) => needs.iter().find_map(|need| match &need.kind {
            NeedKind::Node { name, .. } => Some(name).filter(here),
            NeedKind::Any(of) | NeedKind::Quorum { of, .. } => of.iter().find(here),
        }),
        Value::Route(route) => match &route.on {
            RouteOn::Event(event) if event.span.contains(at) => Some(event),
            _ => Some(&route.to).filter(here),
        },
        Value::Evidence(evidence) => Some(&evidence.hypothesis).filter(here),
        Value::Steps(steps) => steps.iter().map(|step| &step.capability).find(here),
        Value::Fields(fields) => fields.iter().find_map(|field| type_at(&field.ty, at)),
        Value::Typed(typed) => typed.iter().find_map(|item| type_at(&item.ty, at)),
        Value::Mock(mock) => match &mock.target {
            dsl_syntax::ast::MockTarget::Task(name) | dsl_syntax::ast::MockTarget::Capability(name) => {
                Some(name).filter(here)
            }
        },
        Value::Decide(decide) => Some(&decide.gate).filter(here),
        _ => None,
    }
}
