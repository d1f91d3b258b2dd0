//! What is said about the thing at a place, in Markdown: what it is, of what type, when it runs and what it may cost.

use std::fmt::Display;
use std::path::Path;

use dsl_syntax::ast::{Decl, Name, Span, Value};
use smol_str::SmolStr;

use super::things::{Thing, thing_at};
use crate::analysis::Analysis;
use crate::check::{Cx, NODE_STATUSES, node_outputs};
use crate::diagnostic::{BlockRef, Place, Target};
use crate::inputs::SourceFile;
use crate::places::decl_of;
use crate::plans::file_plans;
use crate::reach::reached;
use crate::scope::{PlanScope, TypedField, scope};
use crate::signatures::{NodeSig, Work};

/// Markdown about the thing at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hover {
    pub span: Span,
    pub text: String,
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

    pub(super) fn about_name(&self, file: SourceFile, block: BlockRef, name: &Name) -> Option<String> {
        if let Some((block, sig)) = self.node(file, block, &name.text) {
            return Some(self.about_node(file, block, &sig));
        }
        let scope = scope(&self.db, file);
        if let Some(capability) = scope.capabilities.get(&name.text) {
            let fields = |fields: &[TypedField]| {
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
        let outputs = node_outputs(&**scope(&self.db, file), sig);
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
        let Some(reached) = reached(&self.db, file).get(plan as usize) else {
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

    pub(super) fn about_path(&self, file: SourceFile, block: BlockRef, names: &[Name]) -> Option<String> {
        let first = names.first()?;
        let Some(member) = names.get(1) else {
            return self.about_name(file, block, first);
        };
        let decl = decl_of(&self.db, block)?;
        let cx = Cx::new(&self.db, block, decl);
        let typed = |ty: &dyn Display| format!("```plan\n{}.{}: {ty}\n```", first.text, member.text);
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
