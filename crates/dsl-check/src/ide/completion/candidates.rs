//! What is known at the cursor, and what has been found to offer there.
//!
//! Each kind of thing is found in a module of its own ([`super`]). Absent: what is asked for, the protocol.

use dsl_syntax::ast::{Decl, Span};
use smol_str::SmolStr;

use super::expected::{Expected, Taker};
use super::line::{leading_part, path_at_end, trailing_word};
use super::words::Word;
use super::{Completion, CompletionKind as Kind, Completions, clauses};
use crate::analysis::Analysis;
use crate::check::kinds;
use crate::diagnostic::BlockRef;
use crate::graph::sig_of;
use crate::inputs::{Database, SourceFile};
use crate::plans::{PlanBlocks, file_plans};
use crate::scope::{FileScope, PlanScope, scope};
use crate::signatures::{NodeSig, Ties};

/// Of more, the first are kept whose letters are written, in this order: nobody looks through as many, and an editor
/// asks again.
pub(super) const OFFERED_MAX: usize = 200;

pub(super) struct Candidates<'a> {
    pub decl: Option<&'a Decl>,
    /// Where the cursor is in its block.
    pub at_offset: u32,
    /// What stands behind the cursor on its line.
    pub rest: &'a str,
    /// With what the lines beside this one begin.
    pub beside: Vec<&'a str>,
    /// What is written of a word before the cursor, …
    pub word: &'a str,
    /// … the whole of it, and where that is.
    pub whole: String,
    pub span: Span,
    pub scope: &'a FileScope,
    /// The kinds of tasks that there are.
    pub kinds: Vec<SmolStr>,
    pub shape: Option<&'a PlanScope>,
    pub plan: Option<&'a PlanBlocks>,
    /// Its file, and its place in it.
    pub home: Option<(SourceFile, usize)>,
    /// The node that the cursor is in, …
    pub node: Option<&'a NodeSig>,
    /// … its index in the plan, …
    pub at: Option<usize>,
    /// … and how it is tied to others.
    pub ties: Option<&'a Ties>,
    pub file: SourceFile,
    pub db: &'a Database,
    pub found: Vec<Completion>,
    /// Something was left out that other letters would bring.
    pub is_part: bool,
}

impl<'a> Candidates<'a> {
    pub fn new(analysis: &'a Analysis, block: BlockRef, decl: Option<&'a Decl>, written: Written<'a>) -> Self {
        let db = &analysis.db;
        let here = block.chunk.file(db);
        let scope_here = scope(db, here);
        let about = decl.and_then(|decl| decl.of.as_ref());
        let (file, at, node) = match (file_plans(db, here).place(block), about) {
            (Some((plan, node)), _) => (here, Some(plan as usize), node),
            (None, Some(of)) => {
                let home = scope_here.about(&of.text).map_or(here, |plan| plan.file);
                (home, file_plans(db, home).named(&of.text), None)
            }
            (None, None) => (here, None, None),
        };
        let plan = at.and_then(|at| file_plans(db, file).plans.get(at));
        let shape = at.and_then(|at| scope(db, file).own.get(at));
        Self {
            decl,
            at_offset: 0,
            rest: "",
            beside: Vec::new(),
            word: written.word,
            whole: format!("{}{}", written.word, written.behind),
            span: written.span,
            scope: scope_here,
            kinds: kinds(db),
            shape: shape.map(|shape| &**shape),
            plan,
            home: at.map(|at| (file, at)),
            node: node.and_then(|_| sig_of(db, block)).map(|sig| &**sig),
            at: node.map(|node| node as usize),
            ties: plan.and_then(|plan| Some(&*plan.nodes.get(node? as usize)?.1)),
            file: here,
            db,
            found: Vec::new(),
            is_part: false,
        }
    }

    pub fn add(&mut self, expected: Expected<'_>) {
        match expected {
            Expected::Nothing => {}
            Expected::Declarations => self.found.extend(clauses::declarations(self.span)),
            Expected::Clauses { rows, nodes } => self.clauses(rows, nodes),
            Expected::Attributes(rows) => self.attributes(rows),
            Expected::Needs => self.needs(),
            Expected::Target => self.targets(),
            Expected::Event => self.events(),
            Expected::Mode => self.modes(self.node),
            Expected::Value(row, text) => self.values(row, text),
            Expected::Expr(sought) => self.expression(sought),
            Expected::Type => self.types(),
            Expected::Hypothesis => self.of_kind(crate::signatures::NodeKind::Hypothesis),
            Expected::Mocked(after) => self.mocked(after),
            Expected::Answer(mocked) => self.answer(mocked),
            Expected::Decided(after) => self.decided(after),
            Expected::MemoryKey => self.memory_keys(),
            Expected::Inputs(taker) => self.inputs(taker),
            Expected::Selector(text) => self.selector(text),
            Expected::Predicate(text) => self.predicate(text),
            Expected::Setting(path) => self.setting(path),
            Expected::SettingTo(path, text) => self.setting_to(path, text),
            Expected::PlanOf => self.plans_to_try(),
            Expected::Import(path, picked) => self.imports(path, picked),
            Expected::Picked(names) => self.names_to_pick(names),
            Expected::Rule => self.rules(),
            Expected::Words(words) => {
                let beside = std::mem::take(&mut self.beside);
                self.told_if(words, |word| !beside.contains(&word.label));
            }
        }
    }

    /// What was found, or as much of it as a person looks at.
    pub fn offered(mut self) -> Completions {
        let behind = self.whole.len() - self.word.len();
        let rest = self.rest.get(behind..).unwrap_or_default();
        for one in &mut self.found {
            one.insert.take_if(|insert| goes_on(one.kind, insert, rest));
        }
        if self.found.len() > OFFERED_MAX {
            self.is_part = true;
            let written = self.word.to_lowercase();
            self.found.retain(|one| has_letters(&one.label, &written));
            self.found.truncate(OFFERED_MAX);
        }
        Completions {
            found: self.found,
            is_part: self.is_part,
        }
    }

    pub fn push(&mut self, label: impl Into<String>, kind: Kind) -> &mut Completion {
        let at = self.found.len();
        self.found.push(Completion::new(label, kind, self.span));
        &mut self.found[at]
    }

    /// Words, each with what it means, in their order.
    pub fn told(&mut self, words: &[Word]) {
        self.told_if(words, |_| true);
    }

    pub fn told_if(&mut self, words: &[Word], fits: impl Fn(&Word) -> bool) {
        for (word, order) in words.iter().zip(1..).filter(|(word, _)| fits(word)) {
            let item = self.push(word.label, Kind::Word);
            item.detail = Some(word.meaning.to_owned());
            item.insert = word.insert.map(ToOwned::to_owned);
            item.order = order;
        }
    }

    /// The fields that somebody takes.
    pub fn taken_by(&self, taker: Taker<'_>) -> &'a [crate::scope::TypedField] {
        use crate::signatures::Work;
        let capability = |name: &str| self.scope.capabilities.get(name).map_or(&[][..], |found| &found.input);
        match (taker, self.node.map(|node| &node.work)) {
            (Taker::Plan, _) => self.shape.map_or(&[], |shape| &shape.params),
            (Taker::Capability(name), _) => capability(name),
            (Taker::Work, Some(Work::Capability(name))) => capability(name),
            (Taker::Work, Some(Work::Call(name))) => {
                let plan = self.scope.plans.get(name);
                plan.map_or(&[], |found| &found.plan.params)
            }
            (Taker::Work, _) => &[],
        }
    }
}

/// Whether a label has these letters, in this order, as editors filter.
pub(super) fn has_letters(label: &str, written: &str) -> bool {
    let mut letters = label.chars().flat_map(char::to_lowercase);
    written.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

/// Whether what an item would insert beyond its name stands there already.
fn goes_on(kind: Kind, insert: &str, rest: &str) -> bool {
    match rest.trim_start().chars().next() {
        None => false,
        Some(_) if matches!(kind, Kind::Keyword | Kind::Clause) => true,
        Some(next) => rest.starts_with(next) && matches!(next, ':' | '(' | '.' | '[') && insert.contains(next),
    }
}

/// What is written of a word: before the cursor, behind it, and where all of it is.
#[derive(Clone, Copy, Default)]
pub(super) struct Written<'t> {
    pub word: &'t str,
    pub behind: &'t str,
    pub span: Span,
}

/// The word at the cursor, as far as what is offered replaces it: some names have dots. Before a word none is written, but behind a dot.
pub(super) fn word_of<'t>(expected: Expected<'t>, before: &'t str, rest: &'t str, at: u32) -> Written<'t> {
    let has_dots = matches!(
        expected,
        Expected::Value(..)
            | Expected::Mocked(_)
            | Expected::MemoryKey
            | Expected::Picked(_)
            | Expected::Selector(_)
            | Expected::Predicate(_)
    );
    let (word, behind) = match expected {
        Expected::Import(path, _) => (path, rest.find('"').unwrap_or(rest.len())),
        _ if has_dots => (path_at_end(before), leading_part(rest, true)),
        _ => (trailing_word(before), leading_part(rest, false)),
    };
    let is_on_word = !word.is_empty() || before.ends_with('.');
    let behind = if is_on_word { &rest[..behind] } else { "" };
    Written {
        word,
        behind,
        span: Span::new(at - word.len() as u32, at + behind.len() as u32),
    }
}
