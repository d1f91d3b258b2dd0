//! What is said about the thing at a place, in Markdown: what it is, of what type, when it runs and what it may cost.

mod said;

use std::fmt::Display;
use std::path::Path;

use dsl_syntax::ast::{Block, Clause, Decl, Name, Span, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use self::said::{
    about_attribute, about_entry, about_form, about_group, about_member, about_said, about_setting, about_word,
};
use super::called::OF_NEEDS;
use super::declared::Asked;
use super::things::{Sort, Thing, thing_at};
use crate::analysis::Analysis;
use crate::check::{Cx, Meaning, NODE_STATUSES, What, node_outputs};
use crate::diagnostic::{BlockRef, Place, Target};
use crate::inputs::SourceFile;
use crate::places::{decl_of, start_of};
use crate::plans::file_plans;
use crate::reach::reached;
use crate::rules::RULES;
use crate::scope::{PlanScope, TypedField, scope};
use crate::signatures::{NodeSig, Work};

/// So many lines of a declaration are shown.
const LINES_MAX: usize = 16;

/// Markdown about the thing at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hover {
    pub span: Span,
    pub text: String,
}

impl Analysis {
    pub fn hover(&self, path: &Path, offset: u32) -> Option<Hover> {
        let (block, start, tree) = self.block_at(path, offset)?;
        let thing = thing_at(tree, offset - start)?;
        let span = match &thing {
            Thing::Keyword(_) => decl_of(&self.db, block)?.keyword,
            Thing::Clause(_, span) | Thing::Function(_, span) => *span,
            thing => thing.name()?,
        };
        Some(Hover {
            span: span.shifted(start),
            text: self.about(block, tree, &thing, offset - start)?,
        })
    }

    fn about(&self, block: BlockRef, tree: &Block, thing: &Thing<'_>, at: u32) -> Option<String> {
        let file = block.chunk.file(&self.db);
        let written = || self.about_declared(&mut Asked::default(), block, thing);
        match thing {
            Thing::Keyword(kind) => Some(format!("**{}**: {}", kind.keyword(), kind.doc())),
            Thing::Clause(row, _) => Some(format!("**{}**: {}", row.key.word(), row.doc)),
            Thing::Function(func, _) => Some(format!("```plan\n{}\n```\n{}", func.signature(), func.doc())),
            Thing::Form(name, _) => about_form(&name.text),
            Thing::Needs(is_any, _) => {
                let (form, doc) = OF_NEEDS[usize::from(!is_any)];
                Some(format!("```plan\n{form}\n```\n{doc}"))
            }
            Thing::Name(name) => {
                let known = self.about_name(file, block, name).or_else(written);
                known.or_else(|| about_word(&name.text))
            }
            Thing::Path(names) => {
                let known = self.about_path(file, block, names);
                let known = known.or_else(|| self.about_value(block, names, at)).or_else(written);
                let setting = || about_setting(tree, &names.last()?.text);
                known.or_else(setting).or_else(|| about_group(names))
            }
            Thing::Word(name, _) => self.about_word_of(block, tree, thing, name, at),
            Thing::Field(name) => written().or_else(|| self.about_field(block, name)),
            Thing::Member(name) => self.about_taken(block, thing, name),
            Thing::OneOf(name, all) => {
                let all: Vec<SmolStr> = all.iter().map(|one| one.text.clone()).collect();
                Some(written().unwrap_or_else(|| about_member(name, &all)))
            }
            Thing::Argument(_, name) | Thing::Event(name) | Thing::Fails(_, name) | Thing::Choosing(_, name) => {
                written().or_else(|| about_word(&name.text))
            }
            Thing::Said(name, key) => about_said(*key, &name.text).or_else(|| about_entry(tree, *key, &name.text)),
            Thing::Rule(name) => {
                let rule = RULES.iter().find(|rule| rule.name == name.text)?;
                Some(format!("**{}**: {}", rule.name, rule.summary()))
            }
            Thing::Import(_) => None,
        }
    }

    /// The line, or the declaration, where a thing is declared.
    fn about_declared(&self, asked: &mut Asked, block: BlockRef, thing: &Thing<'_>) -> Option<String> {
        self.about_place(&self.declaration(asked, block, thing)?)
    }

    /// A name by itself in an expression.
    fn about_word_of(&self, block: BlockRef, tree: &Block, thing: &Thing<'_>, name: &Name, at: u32) -> Option<String> {
        let mut asked = Asked::default();
        if let Some(Meaning {
            what: What::Member(all),
            ..
        }) = asked.meaning(self, block, name.span)
        {
            let written = self.about_declared(&mut asked, block, thing);
            return Some(written.unwrap_or_else(|| about_member(name, &all)));
        }
        let names = std::slice::from_ref(name);
        let known = self.about_path(block.chunk.file(&self.db), block, names);
        known
            .or_else(|| self.about_value(block, names, at))
            .or_else(|| self.about_declared(&mut asked, block, thing))
            .or_else(|| match thing.sort() {
                Some(Sort::Kind) => about_entry(tree, K::Kind, &name.text),
                _ => about_attribute(tree, &name.text).or_else(|| about_word(&name.text)),
            })
    }

    /// The type of a field that nobody declares.
    fn about_field(&self, block: BlockRef, name: &Name) -> Option<String> {
        match Asked::default().meaning(self, block, name.span)?.what {
            What::Field { ty, .. } => Some(format!("```plan\n{}: {ty}\n```", name.text)),
            What::Member(_) => None,
        }
    }

    /// An entry of a clause: what somebody takes under that name, else the entry itself.
    fn about_taken(&self, block: BlockRef, thing: &Thing<'_>, name: &Name) -> Option<String> {
        let place = self.declaration(&mut Asked::default(), block, thing);
        let taken = place.filter(|place| *place != Place::at(block, name.span));
        let about = taken.and_then(|place| self.about_place(&place));
        about.or_else(|| self.about_member(block, name))
    }

    pub(super) fn about_name(&self, file: SourceFile, block: BlockRef, name: &Name) -> Option<String> {
        if let Some((block, sig)) = self.node(block, &name.text) {
            return Some(self.about_node(file, block, &sig));
        }
        let scope = scope(&self.db, file);
        if let Some(capability) = scope
            .capabilities
            .get(&name.text)
            .filter(|found| found.id.file.is_none())
        {
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
        let mut text = match decl.kind {
            DeclKind::Plan => about_decl(decl),
            _ => self.as_written(place.block, decl),
        };
        if decl.kind == DeclKind::Plan {
            text.push_str(&self.params_of(file, &name.text));
        }
        if let Some(worst) = self.worst_of_plan(place.block) {
            text.push_str(&format!("\n\nworst case {worst}"));
        }
        Some(text)
    }

    fn about_node(&self, file: SourceFile, block: BlockRef, sig: &NodeSig) -> String {
        let decl = decl_of(&self.db, block);
        let mut text = match decl {
            Some(decl) if decl.kind == DeclKind::Task => about_decl(decl),
            Some(decl) => self.as_written(block, decl),
            None => String::new(),
        };
        let mut outputs = node_outputs(&**scope(&self.db, file), sig);
        if let Some(own) = &sig.outputs {
            // what every script leaves behind besides goes without saying
            outputs.retain(|(name, _)| own.iter().any(|own| own.name == *name));
        }
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

    /// A declaration as it is written, if it is short, and its documentation.
    fn as_written(&self, block: BlockRef, decl: &Decl) -> String {
        let start = start_of(&self.db, block);
        let text = block.chunk.text(&self.db);
        let span = decl.keyword.cover(decl.span);
        let whole = text.get((start + span.start) as usize..(start + span.end) as usize);
        let lines: Vec<&str> = whole.unwrap_or_default().trim_end().lines().collect();
        // the first line begins at its keyword, the others with all their indentation
        let indents = lines.iter().skip(1).filter(|line| !line.trim().is_empty());
        let least = indents
            .map(|line| line.len() - line.trim_start().len())
            .min()
            .unwrap_or(2);
        let mut shown: Vec<String> = Vec::new();
        for (at, line) in lines.iter().take(LINES_MAX).enumerate() {
            let line = if at == 0 {
                *line
            } else {
                line.get(least.saturating_sub(2)..).unwrap_or("")
            };
            shown.push(line.trim_end().to_owned());
        }
        if lines.len() > LINES_MAX {
            shown.push("  …".to_owned());
        }
        let doc = decl.doc.as_ref().map(|doc| format!("\n\n{doc}")).unwrap_or_default();
        format!("```plan\n{}\n```{doc}", shown.join("\n"))
    }

    /// What a plan takes.
    fn params_of(&self, file: SourceFile, name: &str) -> String {
        let scope = scope(&self.db, file);
        let params = scope.plans.get(name).map_or(&[][..], |shape| &shape.plan.params);
        let line = |field: &TypedField| format!("\n- `{}: {}`", field.name, field.ty);
        params.iter().map(line).collect()
    }

    /// A parameter, an output, a field where it is declared: its line, and its documentation.
    fn about_member(&self, block: BlockRef, name: &Name) -> Option<String> {
        let start = (start_of(&self.db, block) + name.span.start) as usize;
        let line = block.chunk.text(&self.db).get(start..)?.lines().next()?;
        let doc = self.doc_at(&Place::at(block, name.span)).unwrap_or_default();
        Some(format!("```plan\n{}\n```\n{doc}", line.trim_end()))
    }

    /// A line of a declaration somewhere else: whose it is, the line, and its documentation.
    fn about_place(&self, place: &Place) -> Option<String> {
        let Target::Span(span) = place.target else {
            return Some(self.as_written(place.block, decl_of(&self.db, place.block)?));
        };
        let decl = decl_of(&self.db, place.block)?;
        let text = place.block.chunk.text(&self.db);
        let at = (start_of(&self.db, place.block) + span.start) as usize;
        let from = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
        let line = text.get(from..)?.lines().next()?.trim();
        let mut shown = match &decl.name {
            Some(name) if !decl.header.contains(span.start) => format!("{} {}\n", decl.kind.keyword(), name.text),
            _ => String::new(),
        };
        let clause = decl.clauses.iter().find(|clause| clause.span.contains(span.start));
        let is_below = |clause: &&Clause| {
            text.get((at - span.start as usize) + clause.name.span.end as usize..at)
                .is_some_and(|between| between.contains('\n'))
        };
        match clause.filter(is_below) {
            Some(clause) => shown.push_str(&format!("  {}:\n    {line}", clause.name.text)),
            None if shown.is_empty() => shown.push_str(line),
            None => shown.push_str(&format!("  {line}")),
        }
        let doc = self.doc_at(place).unwrap_or_default();
        Some(format!("```plan\n{shown}\n```\n{doc}"))
    }

    /// The type of any other value: a variable, a capture, a field of either.
    fn about_value(&self, block: BlockRef, names: &[Name], at: u32) -> Option<String> {
        let path: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
        let path = path.join(".");
        let ty = self.type_at(block, &path, at)?;
        Some(format!("```plan\n{path}: {ty}\n```"))
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
        // what completion offers is not written in the block
        cx.look_beyond();
        let typed = |ty: &dyn Display| format!("```plan\n{}.{}: {ty}\n```", first.text, member.text);
        if first.text == "params" {
            let field = cx.field(PlanScope::params, &member.text)?;
            let place = self.member_of_plan(self.plan_of(block)?, "params", &member.text);
            let doc = place.and_then(|place| self.doc_at(&place)).unwrap_or_default();
            return Some(format!("{}\n{doc}", typed(&field.ty)));
        }
        if names.len() > 2 {
            return None;
        }
        let (_, sig) = self.node(block, &first.text)?;
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
        decl.clauses
            .iter()
            .find_map(|clause| match &clause.value {
                Value::Fields(fields) => fields.iter().find(|field| field.name.span == span)?.doc.clone(),
                Value::Typed(typed) => typed.iter().find(|item| item.name.span == span)?.doc.clone(),
                _ => None,
            })
            .or_else(|| decl.fields.iter().find(|field| field.name.span == span)?.doc.clone())
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
