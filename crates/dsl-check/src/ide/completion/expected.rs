//! What the text before the cursor asks for, read from the lines alone, so that it works while the text is broken.
//!
//! Absent: what there is to offer, and what names mean.

use dsl_syntax::ast::Decl;
use dsl_syntax::table::{self, ClauseKey as K, DeclKind, Row, Shape};

use super::line::{in_string, indent_of, is_path, is_word, levels, trailing_word};
use super::words::{self, Word};

/// What the text before the cursor asks for.
#[derive(Clone, Copy)]
pub(super) enum Expected<'t> {
    /// A declaration of a file, or nodes of its implicit plan.
    Declarations,
    Clauses {
        rows: &'static [Row],
        /// Nodes can stand here too.
        nodes: bool,
    },
    /// Clauses in the header of a declaration.
    Attributes(&'static [Row]),
    Needs,
    /// Where a route leads.
    Target,
    /// `on`
    Event,
    /// `retry: 3 on`, `mock x fails`
    Mode,
    /// The value of a clause, as far as it is written.
    Value(&'static Row, &'t str),
    Expr(Sought<'t>),
    Type,
    Hypothesis,
    /// After `mock`.
    Mocked(&'t str),
    /// A field of what something answers instead of running.
    Answer(&'t str),
    /// After `approve` and `reject`.
    Decided(&'t str),
    MemoryKey,
    /// Named values that somebody takes.
    Inputs(Taker<'t>),
    Selector(&'t str),
    Predicate(&'t str),
    /// A path into the plan of a profile.
    Setting(&'t str),
    /// What the path is set to.
    SettingTo(&'t str, &'t str),
    /// What a profile or a test is of.
    PlanOf,
    /// The path of a file, and the names that are picked from it.
    Import(&'t str, &'t str),
    /// Names that are picked from a file.
    Picked(&'t str),
    /// The name of a rule.
    Rule,
    Words(&'static [Word]),
    Nothing,
}

/// An expression that is being written.
#[derive(Clone, Copy)]
pub(super) struct Sought<'t> {
    pub text: &'t str,
    /// The clause that it stands in.
    pub key: Option<K>,
    pub wants: Wants<'t>,
    /// The variable that goes over the items of a list, where both are on the same line.
    pub over: Option<(&'t str, &'t str)>,
    /// What may follow it on its line.
    pub then: &'static [Word],
}

/// Of what type an expression should be.
#[derive(Clone, Copy)]
pub(super) enum Wants<'t> {
    Anything,
    Bool,
    Duration,
    Money,
    Ratio,
    Path,
    /// One of whatever.
    List,
    /// The type is written before it.
    Written(&'t str),
    Input(Taker<'t>, &'t str),
}

/// Who takes named values.
#[derive(Clone, Copy)]
pub(super) enum Taker<'t> {
    /// What the node uses or calls.
    Work,
    Capability(&'t str),
    /// The plan of a test.
    Plan,
}

/// What is asked for at the end of a block's text; `kind` is what the block declares.
pub(super) fn expected<'t>(before: &'t str, decl: Option<&Decl>) -> Expected<'t> {
    let kind = decl.map(|decl| decl.kind);
    let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
    let rest = line.trim_start();
    let indent = line.len() - rest.len();
    let around = around(before, indent);
    if let Some(open) = line.rfind("{{").filter(|&open| !line[open..].contains("}}")) {
        return Expected::Expr(Sought {
            text: &line[open + 2..],
            key: kind.and_then(|kind| key_of(kind, &around, rest)),
            wants: Wants::Anything,
            over: None,
            then: &[],
        });
    }
    if rest.starts_with('#') {
        let is_rule = rest.strip_prefix("# allow(").is_some_and(is_word);
        return if is_rule { Expected::Rule } else { Expected::Nothing };
    }
    if let Some(import) = rest.strip_prefix("use ").filter(|_| indent == 0) {
        return match import.rsplit_once('"') {
            Some((before, path)) if in_string(import) => {
                let picked = before.trim_end().strip_suffix(" from");
                Expected::Import(path, picked.unwrap_or_default())
            }
            Some(_) => Expected::Nothing,
            None if is_picked(import) => Expected::Words(words::FROM),
            None => Expected::Picked(import),
        };
    }
    if in_string(rest) || around.iter().any(|outer| outer.raw) {
        return Expected::Nothing;
    }
    if indent == 0 {
        return match kind.filter(|kind| rest.starts_with(kind.keyword())) {
            Some(kind) => header(rest, kind),
            None if is_word(rest) => Expected::Declarations,
            None => Expected::Nothing,
        };
    }
    let Some(kind) = kind else {
        return Expected::Nothing;
    };
    let plan_indent = nodes_indent(before, decl);
    let after_keyword = rest.strip_prefix(kind.keyword());
    if kind.is_node() && indent <= plan_indent && after_keyword.is_some_and(|rest| rest.starts_with(' ')) {
        return header(rest, kind);
    }
    match around.as_slice() {
        [] if indent <= plan_indent && (kind == DeclKind::Plan || kind.is_node()) => {
            in_body(rest, DeclKind::Plan, table::clauses(DeclKind::Plan), true)
        }
        [] => match kind {
            DeclKind::Type => field(rest, None),
            DeclKind::Profile => match rest.split_once(':') {
                Some((path, value)) => Expected::SettingTo(path, value),
                None if is_path(rest) => Expected::Setting(rest),
                None => Expected::Nothing,
            },
            _ => in_body(rest, kind, table::clauses(kind), false),
        },
        [inner, ..] => within(rest, kind, inner.key),
    }
}

/// A name of an import, and a space behind it: the file comes next.
fn is_picked(names: &str) -> bool {
    let last = names.rsplit(',').next().unwrap_or_default().trim_start();
    is_begun(last)
}

/// How far nodes of the plan around are indented.
fn nodes_indent(text: &str, decl: Option<&Decl>) -> usize {
    match decl {
        Some(decl) if decl.kind.is_node() => {
            let before = text.get(..decl.keyword.start as usize).unwrap_or_default();
            before.len() - before.rfind('\n').map_or(0, |end| end + 1)
        }
        _ => {
            let mut inner = text.lines().skip(1).filter(|line| !line.trim().is_empty());
            inner.next().map_or(2, indent_of).max(1)
        }
    }
}

/// A line further up that the cursor's line stands in: `input:`, `run: |`.
struct Around<'t> {
    key: &'t str,
    /// The text below is raw.
    raw: bool,
}

/// The lines around the current one, inner first, without the header of the block.
fn around(before: &str, indent: usize) -> Vec<Around<'_>> {
    let mut found = Vec::new();
    let mut least = indent;
    let mut lines: Vec<&str> = before.lines().collect();
    if !before.ends_with('\n') {
        lines.pop();
    }
    let header = lines
        .iter()
        .position(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let first = header.map_or(lines.len(), |at| at + 1);
    for line in lines.iter().skip(first).rev() {
        let text = line.trim_start();
        let at = line.len() - text.len();
        if text.is_empty() || at >= least {
            continue;
        }
        least = at;
        let key = text.split([':', ' ']).next().unwrap_or_default();
        found.push(Around {
            key,
            raw: text.trim_end().ends_with('|'),
        });
    }
    found
}

/// The clause that a line belongs to.
fn key_of(kind: DeclKind, around: &[Around<'_>], rest: &str) -> Option<K> {
    let own = || rest.split([':', ' ']).next().unwrap_or_default();
    let word = around.last().map_or_else(own, |outer| outer.key);
    table::find(table::clauses(kind), word).map(|row| row.key)
}

/// In `task collect "Title" kind:research`, after the name.
fn header(rest: &str, kind: DeclKind) -> Expected<'_> {
    let last = rest.rsplit(' ').next().unwrap_or_default();
    let rows = table::clauses(kind);
    if let Some((key, value)) = last.split_once(':') {
        return table::find(rows, key).map_or(Expected::Nothing, |row| value_of(row, value));
    }
    let is_named = rest.split_whitespace().count() > 1 && rest.trim_end().len() < rest.len();
    let is_named = is_named || rest.split_whitespace().count() > 2;
    match kind {
        _ if !is_named || !is_word(last) => match (kind, rest.split_once('=')) {
            (DeclKind::Type, Some((_, ty))) => type_of(ty),
            _ => Expected::Nothing,
        },
        DeclKind::Type if let Some((_, ty)) = rest.split_once('=') => type_of(ty),
        DeclKind::Profile | DeclKind::Test => match rest.rsplit(' ').nth(1) {
            Some("of") => Expected::PlanOf,
            _ if rest.contains(" of ") => Expected::Nothing,
            _ => Expected::Words(words::OF),
        },
        _ => Expected::Attributes(rows),
    }
}

fn sought<'t>(text: &'t str, key: K, wants: Wants<'t>) -> Expected<'t> {
    Expected::Expr(Sought {
        text,
        key: Some(key),
        wants,
        over: None,
        then: &[],
    })
}

/// Words that end in a space: the next one begins.
fn is_begun(text: &str) -> bool {
    !text.trim().is_empty() && text.ends_with(' ')
}

/// `$5 per`, and what comes next.
pub(super) fn is_per(text: &str) -> bool {
    let last = text.rsplit(',').next().unwrap_or_default();
    last.contains(" per ")
}

/// What stands behind `when`, or that it can be written.
fn condition(after: &str, key: K) -> Expected<'_> {
    match after.split_once(" when ") {
        Some((_, text)) => Expected::Expr(Sought {
            text,
            key: Some(key),
            wants: Wants::Bool,
            over: None,
            then: match key {
                K::Alert => words::OF_ALERT,
                K::Supports => words::BY,
                _ => &[],
            },
        }),
        None if is_begun(after) => Expected::Words(words::WHEN),
        None => Expected::Nothing,
    }
}

/// A clause of a declaration, as far as it is written.
fn in_body<'t>(rest: &'t str, kind: DeclKind, rows: &'static [Row], nodes: bool) -> Expected<'t> {
    if is_word(rest) {
        return Expected::Clauses { rows, nodes };
    }
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let leads = after.contains("->");
    match first {
        "on" | "else" | "when" if leads => Expected::Target,
        "else" => Expected::Words(words::ARROW),
        "on" if is_begun(after) => Expected::Words(words::ARROW),
        "on" => Expected::Event,
        "when" => Expected::Expr(Sought {
            text: after,
            key: Some(K::When),
            wants: Wants::Bool,
            over: None,
            then: words::ARROW,
        }),
        "fail" => condition(after, K::Fail),
        "alert" if after.contains(" severity:") => Expected::Words(words::SEVERITIES),
        "alert" => condition(after, K::Alert),
        "supports" | "refutes" if after.contains(" by ") => Expected::Nothing,
        "supports" | "refutes" => match condition(after, K::Supports) {
            Expected::Nothing => Expected::Hypothesis,
            found => found,
        },
        "remember" => match after.split_once('=') {
            Some((_, expr)) => sought(expr, K::Remember, Wants::Anything),
            None => Expected::MemoryKey,
        },
        "approve" | "reject" => Expected::Decided(after),
        "mock" => match after.split_once("->") {
            Some((mocked, answer))
                if answer.contains('{') && is_word(answer.rsplit(['{', ',']).next().unwrap_or("").trim_start()) =>
            {
                Expected::Answer(mocked.trim())
            }
            Some(_) => Expected::Nothing,
            None => Expected::Mocked(after),
        },
        "rule" if kind == DeclKind::Policy => Expected::Nothing,
        _ => match rest.split_once(':') {
            Some((key, value)) => table::find(rows, key.trim()).map_or(Expected::Nothing, |row| value_of(row, value)),
            None => Expected::Nothing,
        },
    }
}

/// After `key:`.
pub(super) fn value_of<'t>(row: &'static Row, value: &'t str) -> Expected<'t> {
    match row.shape {
        Shape::Needs => Expected::Needs,
        Shape::Expr | Shape::Items => sought(value, row.key, wanted(row.key)),
        Shape::Predicate => Expected::Predicate(value),
        Shape::Selector => Expected::Selector(value),
        Shape::Each => match (value.split_once(" in "), value.split_once(" by ")) {
            (Some((var, rest)), Some((_, text))) => Expected::Expr(Sought {
                text,
                key: Some(K::By),
                wants: Wants::Anything,
                over: Some((var.trim(), rest.split(" by ").next().unwrap_or_default().trim())),
                then: &[],
            }),
            (Some((_, list)), _) => sought(list, K::Each, Wants::List),
            _ if is_begun(value) => Expected::Words(words::IN),
            _ => Expected::Nothing,
        },
        Shape::Retry if value.contains(" on ") => Expected::Mode,
        _ => Expected::Value(row, value),
    }
}

fn wanted(key: K) -> Wants<'static> {
    match key {
        K::When | K::Expect | K::Requires | K::Checks | K::Assumes => Wants::Bool,
        K::Timeout => Wants::Duration,
        K::Dir => Wants::Path,
        _ => Wants::Anything,
    }
}

/// `name: type = default`
fn field<'t>(rest: &'t str, key: Option<K>) -> Expected<'t> {
    let Some((_, value)) = rest.split_once(':') else {
        return Expected::Nothing;
    };
    match value.split_once('=') {
        Some((ty, text)) => Expected::Expr(Sought {
            text,
            key,
            wants: Wants::Written(ty),
            over: None,
            then: &[],
        }),
        None => type_of(value),
    }
}

/// Where a type begins: no bounds, no members of an enumeration, and nothing behind one that is complete.
fn type_of(text: &str) -> Expected<'_> {
    let head = text[..text.len() - trailing_word(text).len()].trim_end();
    match head.chars().next_back() {
        None | Some('[') => Expected::Type,
        _ => Expected::Nothing,
    }
}

/// In the lines of a clause.
fn within<'t>(rest: &'t str, kind: DeclKind, outer: &str) -> Expected<'t> {
    let Some(row) = table::find(table::clauses(kind), outer) else {
        return Expected::Nothing;
    };
    let item = rest.strip_prefix("- ").or_else(|| rest.strip_prefix('-'));
    match row.shape {
        Shape::Items => item.map_or(Expected::Nothing, |item| sought(item, row.key, Wants::Bool)),
        Shape::Needs if item.is_some() => Expected::Needs,
        Shape::Names | Shape::Patterns | Shape::Effects => {
            item.map_or(Expected::Nothing, |item| Expected::Value(row, item))
        }
        Shape::Fields | Shape::Typed => field(rest, Some(row.key)),
        Shape::Memory => memory(rest),
        Shape::Assigns => assigned(rest, row),
        Shape::Limits => match rest.split_once(':') {
            Some(("cost", value)) if is_per(value) && kind == DeclKind::Agent => Expected::Words(words::PERIODS),
            Some((_, value)) if is_per(value) => Expected::Words(&words::PERIODS[1..]),
            Some((_, value)) if is_begun(value) => Expected::Words(words::PER),
            Some(_) => Expected::Nothing,
            None if kind == DeclKind::Agent => Expected::Words(words::OF_AGENT_LIMITS),
            None => Expected::Words(words::OF_PLAN_LIMITS),
        },
        Shape::Steps => step(rest, row),
        Shape::Rule => in_body(rest, kind, table::RULE, false),
        Shape::Trigger => match table::nested(kind, row.key) {
            Some(rows) => in_body(rest, kind, rows, false),
            None => Expected::Nothing,
        },
        _ => Expected::Nothing,
    }
}

/// `key: type scope:run = default`
fn memory(rest: &str) -> Expected<'_> {
    let Some((_, value)) = rest.split_once(':') else {
        return Expected::Nothing;
    };
    let last = value.rsplit(' ').next().unwrap_or_default();
    match value.split_once(" scope:") {
        _ if value.contains('=') => field(rest, Some(K::Memory)),
        _ if last.starts_with("scope:") => Expected::Words(words::SCOPES),
        Some(_) => Expected::Nothing,
        None if is_begun(value) => Expected::Words(words::SCOPE),
        None => type_of(value),
    }
}

/// `name: expr`
fn assigned<'t>(rest: &'t str, row: &'static Row) -> Expected<'t> {
    let Some((name, value)) = rest.split_once(':') else {
        return match row.key {
            _ if !is_word(rest) => Expected::Nothing,
            K::Budget => Expected::Words(words::BUDGET),
            K::Input => Expected::Inputs(Taker::Work),
            K::Given => Expected::Inputs(Taker::Plan),
            _ => Expected::Nothing,
        };
    };
    let wants = match (row.key, name) {
        (K::Budget, "time") => Wants::Duration,
        (K::Budget, "cost") => Wants::Money,
        (K::Budget, "alert") => Wants::Ratio,
        (K::Input, name) => Wants::Input(Taker::Work, name),
        (K::Given, name) => Wants::Input(Taker::Plan, name),
        _ => Wants::Anything,
    };
    match row.key {
        K::Secrets => Expected::Value(row, value),
        key => sought(value, key, wants),
    }
}

/// `web.search(query: params.query) -> hits`
fn step<'t>(rest: &'t str, row: &'static Row) -> Expected<'t> {
    let levels = levels(rest);
    let Some(capability) = levels.get(1).and_then(|level| level.called()) else {
        return match rest.trim_end().ends_with(')') {
            _ if is_path(rest) => Expected::Value(row, rest),
            true if is_begun(rest) => Expected::Words(words::STEP_ARROW),
            _ => Expected::Nothing,
        };
    };
    let arguments = levels[1].inside();
    match levels[1].named_part() {
        Some((name, value)) => sought(value, K::Do, Wants::Input(Taker::Capability(capability), name)),
        None if levels.len() == 2 => Expected::Inputs(Taker::Capability(capability)),
        None => sought(arguments, K::Do, Wants::Anything),
    }
}
