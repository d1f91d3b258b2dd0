//! Declarations and clauses: those that fit, in the order in which people write them, with the start of their values.

use dsl_syntax::ast::{Clause, Decl, Span, Value};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind, Row, Shape};
use smol_str::SmolStr;

use super::candidates::Candidates;
use super::{Completion, CompletionKind as Kind};
use crate::graph::sig_of;
use crate::places::decl_of;
use crate::plans::PlanBlocks;
use crate::signatures::{NodeKind, is_script_capability};

/// What an empty file can begin with.
pub(super) fn declarations(span: Span) -> Vec<Completion> {
    const USUAL_FIRST: [DeclKind; 11] = [
        DeclKind::Plan,
        DeclKind::Task,
        DeclKind::Gate,
        DeclKind::Decision,
        DeclKind::Type,
        DeclKind::Capability,
        DeclKind::Agent,
        DeclKind::Policy,
        DeclKind::Profile,
        DeclKind::Test,
        DeclKind::Hypothesis,
    ];
    let mut found: Vec<Completion> = USUAL_FIRST.into_iter().map(|kind| keyword(kind, span)).collect();
    found.push(import(span));
    number(&mut found);
    found
}

/// They keep the order that they have here.
fn number(found: &mut [Completion]) {
    for (one, order) in found.iter_mut().zip(1..) {
        one.order = order;
    }
}

fn keyword(kind: DeclKind, span: Span) -> Completion {
    let insert = match kind {
        DeclKind::Test => "test \"${1:what must hold}\" of ${2:plan}".to_owned(),
        DeclKind::Profile => "profile ${1:name} of ${2:plan}".to_owned(),
        DeclKind::Type => "type ${1:Name}".to_owned(),
        DeclKind::Capability => "capability ${1:name} \"${2:Title}\"\n  input:\n    $0".to_owned(),
        kind => format!("{} ${{1:name}} \"${{2:Title}}\"\n  $0", kind.keyword()),
    };
    Completion {
        detail: Some(kind.doc().to_owned()),
        doc: Some(format!("```plan\n{}\n```", shown(&insert))),
        insert: Some(insert),
        ..Completion::new(kind.keyword(), Kind::Keyword, span)
    }
}

fn import(span: Span) -> Completion {
    Completion {
        detail: Some("brings in the declarations of another file".to_owned()),
        doc: Some("```plan\nuse \"lib/web.plan\"\n```".to_owned()),
        insert: Some("use \"$1\"".to_owned()),
        ..Completion::new("use", Kind::Keyword, span)
    }
}

impl<'a> Candidates<'a> {
    /// Clauses that stand on lines of their own, and nodes.
    pub fn clauses(&mut self, rows: &'static [Row], nodes: bool) {
        let taken = self.taken(rows, nodes);
        let first = self.found.len();
        let is_wanted = |row: &&Row| fits(row, &taken) && (row.repeats || !self.beside.contains(&row.key.word()));
        let mut wanted: Vec<&'static Row> = rows
            .iter()
            .filter(is_wanted)
            .filter(|row| self.has_what(row.key))
            .collect();
        // a script says what it runs with, if at all, before it
        let has_script = taken.iter().any(|clause| clause.key == Some(K::Run));
        wanted.sort_by_key(|row| has_script && row.key == K::Using);
        for row in wanted {
            let insert = self.decided_by(row.key).unwrap_or_else(|| written(row));
            self.clause(row, insert);
        }
        if nodes {
            let nodes = DeclKind::ALL.into_iter().filter(|kind| kind.is_node());
            let span = self.span;
            self.found.extend(nodes.map(|kind| keyword(kind, span)));
        }
        number(&mut self.found[first..]);
    }

    /// Clauses that stand in the header: those of one short value.
    pub fn attributes(&mut self, rows: &'static [Row]) {
        let taken = self.taken(rows, false);
        let is_short = |row: &&Row| {
            matches!(
                row.shape,
                Shape::Name | Shape::Names | Shape::Literal | Shape::Needs | Shape::Retry
            )
        };
        let first = self.found.len();
        for row in rows.iter().filter(is_short).filter(|row| fits(row, &taken)) {
            self.clause(row, format!("{}:$0", row.key.word()));
        }
        number(&mut self.found[first..]);
    }

    /// Whether the plan has what a clause is about.
    fn has_what(&self, key: K) -> bool {
        let explains = |plan: &PlanBlocks| plan.nodes.iter().any(|(_, ties)| ties.kind == NodeKind::Hypothesis);
        match key {
            K::Approve | K::Reject => self.plan.is_none() || self.gate().is_some(),
            K::Supports | K::Refutes | K::From => self.plan.is_none_or(explains),
            K::Remember => self.shape.is_none_or(|shape| !shape.memory.is_empty()),
            _ => true,
        }
    }

    /// The first gate that somebody decides, and who may.
    fn gate(&self) -> Option<(SmolStr, SmolStr)> {
        let nodes = self.plan?.nodes.iter();
        let mut gates = nodes.filter(|(_, ties)| ties.kind == NodeKind::Gate);
        gates.find_map(|(block, gate)| {
            let approver = sig_of(self.db, *block)?.approvers.first()?.clone();
            Some((gate.name.clone(), approver))
        })
    }

    /// A decision in a test, as the plan allows it.
    fn decided_by(&self, key: K) -> Option<String> {
        let is_decision = matches!(key, K::Approve | K::Reject);
        let (gate, approver) = self.gate().filter(|_| is_decision)?;
        Some(format!("{} ${{1:{gate}}} as ${{2:{approver}}}", key.word()))
    }

    fn clause(&mut self, row: &'static Row, insert: String) {
        let item = self.push(row.key.word(), Kind::Clause);
        item.doc = Some(form(row, &insert));
        item.detail = Some(row.doc.to_owned());
        item.insert = Some(insert);
    }

    /// The clauses that are there already.
    fn taken(&self, rows: &'static [Row], nodes: bool) -> Vec<&'a Clause> {
        // the one whose key is being written anew is none of them
        let is_written = |clause: &Clause| !self.word.is_empty() && clause.name.span.contains(self.at_offset);
        match self.decl {
            Some(decl) if !nodes => {
                let of_decl = rows == table::clauses(decl.kind);
                let others = decl.clauses.iter().filter(|clause| !is_written(clause));
                others.filter(|_| of_decl).collect()
            }
            _ => {
                let blocks = self.plan.map_or(&[][..], |plan| &plan.clauses);
                let decls = blocks.iter().filter_map(|block| decl_of(self.db, *block));
                let is_here = |decl: &Decl| self.decl.is_some_and(|here| std::ptr::eq(here, decl));
                let others = |decl: &'a Decl| {
                    let clauses = decl.clauses.iter();
                    clauses.filter(move |clause| !(is_here(decl) && is_written(clause)))
                };
                decls.flat_map(others).collect()
            }
        }
    }
}

/// Whether a clause can be written beside those that are there.
fn fits(row: &Row, taken: &[&Clause]) -> bool {
    let has = |keys: &[K]| {
        taken
            .iter()
            .any(|clause| clause.key.is_some_and(|key| keys.contains(&key)))
    };
    let uses_capability = || {
        let using = taken.iter().find(|clause| clause.key == Some(K::Using));
        let name = using.and_then(|clause| match &clause.value {
            Value::Names(names) => names.first(),
            _ => None,
        });
        name.is_some_and(|name| !is_script_capability(&name.text))
    };
    if !row.repeats && has(&[row.key]) {
        return false;
    }
    match row.key {
        // a task does one thing
        K::Run => !has(&[K::Do, K::Call]) && !uses_capability(),
        K::Do => !has(&[K::Run, K::Call, K::Using]),
        K::Call => !has(&[K::Run, K::Do, K::Using]),
        K::Using => !has(&[K::Do, K::Call]),
        K::Parallel | K::Tolerate => has(&[K::Each]),
        K::Env | K::Shell => has(&[K::Run, K::Rollback]),
        K::Cache => has(&[K::Run, K::Using, K::Do]),
        K::Quorum | K::Options => has(&[K::Approver]),
        K::When => row.shape != Shape::Arm || !has(&[K::From]),
        K::From => !has(&[K::When]),
        _ => true,
    }
}

/// A clause with the start of its value.
fn written(row: &Row) -> String {
    let key = row.key.word();
    match (row.key, row.shape) {
        (K::On, _) => "on ${1:failure} -> $0".to_owned(),
        (K::When, Shape::Arm) => "when $1 -> $0".to_owned(),
        (K::Else, _) => "else -> $0".to_owned(),
        (K::Fail, _) => "fail ${1:mode} when $0".to_owned(),
        (K::Remember, _) => "remember ${1:key} = $0".to_owned(),
        (K::Supports | K::Refutes, _) => format!("{key} ${{1:hypothesis}} when ${{2:condition}} by ${{3:4}}"),
        (K::Alert, _) => "alert \"${1:name}\" when $0".to_owned(),
        (K::Rule, _) => "rule ${1:name} \"${2:Title}\"\n  for: ${3:task}\n  require: $0".to_owned(),
        (K::Approve | K::Reject, _) => format!("{key} ${{1:gate}} as ${{2:role/name}}"),
        (K::Mock, _) => format!("{key} $0"),
        (_, Shape::Each) => format!("{key}: ${{1:item}} in $0"),
        (_, Shape::Script) => format!("{key}: |\n  $0"),
        (_, Shape::Items) => format!("{key}:\n  - $0"),
        (_, Shape::Options) => format!("{key}:\n  - ${{1:name}} \"${{2:Title}}\"$0"),
        (
            _,
            Shape::Fields
            | Shape::Typed
            | Shape::Assigns
            | Shape::Memory
            | Shape::Limits
            | Shape::Steps
            | Shape::Trigger,
        ) => format!("{key}:\n  $0"),
        _ => format!("{key}: $0"),
    }
}

/// A clause as it is written, and what its number is.
fn form(row: &Row, snippet: &str) -> String {
    let number = match (row.required, row.repeats) {
        (true, _) => "\n\nIt has to be there.",
        (_, true) => "\n\nIt may stand more than once.",
        _ => "",
    };
    format!("```plan\n{}\n```\n{}{number}", shown(snippet), row.doc)
}

/// A snippet as a person reads it: an ellipsis for what is to be filled in.
fn shown(snippet: &str) -> String {
    let mut shown = String::new();
    let mut rest = snippet;
    while let Some((before, stop)) = rest.split_once('$') {
        shown.push_str(before);
        // `${1:name}`, `$1`
        let (text, after) = match stop.strip_prefix('{').and_then(|stop| stop.split_once('}')) {
            Some((stop, after)) => (stop.split_once(':').map_or("…", |(_, text)| text), after),
            None => ("…", stop.trim_start_matches(|c: char| c.is_ascii_digit())),
        };
        shown.push_str(text);
        rest = after;
    }
    shown + rest
}
