//! Shape: which clauses stand where, how often, and which exclude each other. The table of declarations has the answers.
//!
//! Absent: what the values of clauses mean.

use std::collections::{HashMap, HashSet};

use dsl_syntax::ast::{BlockKind, Clause, Decl, Name, Rule, Span, Value};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind, Row, Shape};
use smol_str::SmolStr;

use super::Cx;
use crate::diagnostic::{AmendHow, Whose};
use crate::inputs::Project;
use crate::meant::{clause_called, instead_of_clause, instead_of_kind, instead_of_rule_clause, nearest};
use crate::rules;
use crate::signatures::{clause, is_script_capability, name_of};
use crate::types::Problem;

/// Kinds of tasks that are always known.
const KINDS: &[&str] = &[
    "research",
    "analyze",
    "design",
    "implement",
    "refactor",
    "test",
    "validate",
    "debug",
    "synthesize",
    "deploy",
];

/// Of more clauses only the first are listed.
const CLAUSES_SHOWN_MAX: usize = 12;

/// Only what runs has values to put into its title.
fn plain_title(cx: &Cx<'_>, decl: &Decl) {
    let runs = matches!(decl.kind, DeclKind::Task | DeclKind::Gate | DeclKind::Decision);
    let Some(title) = decl.title.as_ref().filter(|title| !runs && title.plain().is_none()) else {
        return;
    };
    let message = format!(
        "the title of {} is shown before anything runs, expected no `{{{{ … }}}}` in it",
        decl.kind.with_article()
    );
    let problem = Problem::new(rules::TYPE_MISMATCH, title.span, message);
    cx.push(problem.help("write `\\{{` if the braces are meant"));
}

pub(super) fn check(cx: &Cx<'_>, place: BlockKind, decl: &Decl) {
    let rows = table::clauses(decl.kind);
    plain_title(cx, decl);
    if decl.kind != DeclKind::Profile && decl.kind != DeclKind::Type {
        known_clauses(cx, decl, rows);
        duplicates(cx, &decl.clauses, rows, &name(decl));
        // A header that could not be read has been reported, and may have lost more than it seems.
        let has_header = match decl.kind {
            DeclKind::Test => decl.title.is_some() && decl.of.is_some(),
            _ => decl.name.is_some() && place != BlockKind::PlanRest,
        };
        if has_header {
            missing(cx, decl, rows);
        }
        nested(cx, decl);
    }
    match decl.kind {
        DeclKind::Task => conflicts_of_task(cx, decl),
        DeclKind::Gate => conflicts_of_gate(cx, decl),
        DeclKind::Decision => conflicts_of_decision(cx, decl),
        DeclKind::Type => fields_of_type(cx, decl),
        _ => {}
    }
    if decl.kind == DeclKind::Task {
        kind(cx, decl);
    }
}

/// How messages call a declaration.
fn name(decl: &Decl) -> String {
    match &decl.name {
        Some(name) => format!("`{}`", name.text),
        None => format!("this {}", decl.kind.keyword()),
    }
}

fn known_clauses(cx: &Cx<'_>, decl: &Decl, rows: &'static [Row]) {
    let kind = decl.kind;
    let what = kind.with_article();
    let near: Vec<SmolStr> = rows.iter().map(|row| row.key.word().into()).collect();
    let there: HashSet<K> = decl.clauses.iter().filter_map(|clause| clause.key).collect();
    let is_command = matches!(kind, DeclKind::Task | DeclKind::Gate) && !there.contains(&K::Run);
    let takes_input = kind == DeclKind::Task && [K::Using, K::Call].iter().any(|key| there.contains(key));
    for unknown in decl.clauses.iter().filter(|clause| clause.key.is_none()) {
        let Name { text: word, span } = &unknown.name;
        let here = clause_called(kind, word);
        let homes: Vec<String> = DeclKind::ALL
            .into_iter()
            .filter(|other| *other != kind && table::find(table::clauses(*other), word).is_some())
            .map(DeclKind::with_article)
            .collect();
        // what may repeat has room for another
        let is_there = |key: &K| there.contains(key) && rows.iter().any(|row| row.key == *key && !row.repeats);
        let is_near = || nearest(word, &near).first().is_some_and(|best| best.len() > 3);
        if homes.is_empty() || is_near() {
            let message = format!("{what} has no clause `{word}`");
            let problem = Problem::new(rules::UNKNOWN_CLAUSE, *span, message);
            let problem = match instead_of_clause(kind, word) {
                Some(help) => problem.help(help),
                None => match here.filter(|here| is_there(here)) {
                    Some(here) => problem.help(format!("it is called `{0}`, and there is one already", here.word())),
                    None => problem.meant(word, here.map(K::word), &near),
                },
            };
            let behind = || cx.text().get(span.end as usize..).unwrap_or_default();
            if problem.help.is_none() && is_command && !behind().starts_with(':') {
                cx.push(problem.help(format!("if it is a command, it stands in `run: \"{word} …\"`")));
                continue;
            }
            cx.push(match problem.help {
                Some(_) => problem,
                None if takes_input => {
                    problem.help("if it is for what the task uses or calls, it stands below `input:`")
                }
                None => problem.help(those_of(&what, rows, &there)),
            });
        } else {
            let message = format!("`{word}` stands in {what}, expected in {}", homes.join(" or "));
            let problem = Problem::new(rules::MISPLACED_CLAUSE, *span, message);
            cx.push(match here {
                Some(here) if !there.contains(&here) => {
                    let here = here.word();
                    let edits = vec![(*span, here.to_owned())];
                    let problem = problem.help(format!("in {what} it is `{here}`"));
                    problem.fix(format!("change `{word}` to `{here}`"), false, edits)
                }
                _ => match instead_of_clause(kind, word) {
                    Some(help) => problem.help(help),
                    None => problem,
                },
            });
        }
    }
}

/// The first clauses of `rows` that are not there yet.
fn those_of(what: &str, rows: &'static [Row], there: &HashSet<K>) -> String {
    let mut left = rows.iter().filter(|row| row.repeats || !there.contains(&row.key));
    let shown: Vec<String> = left
        .by_ref()
        .take(CLAUSES_SHOWN_MAX)
        .map(|row| format!("`{}`", row.key.word()))
        .collect();
    let more = if left.next().is_some() { ", …" } else { "" };
    format!("{what} has {}{more}", shown.join(", "))
}

fn duplicates(cx: &Cx<'_>, clauses: &[Clause], rows: &'static [Row], whose: &str) {
    let mut first: HashMap<K, Span> = HashMap::new();
    for clause in clauses {
        let Some(key) = clause.key else { continue };
        let row = rows.iter().find(|row| row.key == key);
        if row.is_some_and(|row| row.repeats) {
            continue;
        }
        if let Some(before) = first.insert(key, clause.name.span) {
            let message = format!("{whose} has `{}` twice", clause.name.text);
            let problem = Problem::new(rules::DUPLICATE_CLAUSE, clause.name.span, message);
            let problem = problem.label(before, "first here");
            let edits = vec![(cx.whole_lines(clause.span), String::new())];
            cx.push(match row.map(|row| row.shape) {
                Some(Shape::Items) => problem.help(format!("write both below one `{}:`, each as `- …`", key.word())),
                Some(shape) if shape.has_lines_only() => {
                    problem.help(format!("write the lines of both below one `{}:`", key.word()))
                }
                Some(Shape::Needs | Shape::Names | Shape::Effects) => problem.help(format!(
                    "write both after one `{}:`, with a comma between them",
                    key.word()
                )),
                _ => problem.fix("remove this one", false, edits),
            });
            first.insert(key, before);
        }
    }
}

fn missing(cx: &Cx<'_>, decl: &Decl, rows: &'static [Row]) {
    let broken = decl.clauses.iter().any(|clause| clause.key.is_none());
    for row in rows
        .iter()
        .filter(|row| row.required && !broken && clause(decl, row.key).is_none())
    {
        let span = decl.name.as_ref().map_or(decl.header, |name| name.span);
        let message = format!("{} has no `{}`, expected {}", name(decl), row.key.word(), row.doc);
        let problem = Problem::new(rules::MISSING_CLAUSE, span, message);
        let problem = problem.help(format!("add a line `{}: …`", row.key.word()));
        cx.push(match row.key {
            K::Prior => {
                let how = AmendHow::Set(K::Prior, "50%".to_owned());
                problem.amend("take it to be as likely as not: `prior: 50%`", Whose::Here, how)
            }
            K::Expect => {
                let how = AmendHow::Line("expect:\n    - run.status == completed".to_owned());
                problem.amend("expect that the run completes", Whose::Here, how)
            }
            _ => problem,
        });
    }
    let of = matches!(decl.kind, DeclKind::Gate) && clause(decl, K::Checks).is_none();
    if of && clause(decl, K::Run).is_none() && clause(decl, K::Approver).is_none() && !broken {
        let span = decl.name.as_ref().map_or(decl.header, |name| name.span);
        let message = format!(
            "{} has nothing that decides, expected `checks`, `run` or `approver`",
            name(decl)
        );
        let problem = Problem::new(rules::MISSING_CLAUSE, span, message);
        let how = AmendHow::Set(K::Approver, "role/owner".to_owned());
        cx.push(problem.help("add a line `approver: role/…`, or `checks:`").amend(
            "ask a person: `approver: role/owner`",
            Whose::Here,
            how,
        ));
    }
    let arms = decl.kind == DeclKind::Decision
        && !decl
            .clauses
            .iter()
            .any(|clause| matches!(clause.key, Some(K::When | K::On | K::Else)));
    if arms && !broken {
        let span = decl.name.as_ref().map_or(decl.header, |name| name.span);
        let message = format!("{} has no arm, expected at least one `when … -> node`", name(decl));
        cx.push(Problem::new(rules::MISSING_CLAUSE, span, message));
    }
}

/// Clauses that are blocks of clauses.
fn nested(cx: &Cx<'_>, decl: &Decl) {
    for clause in &decl.clauses {
        let Some(rows) = clause.key.and_then(|key| table::nested(decl.kind, key)) else {
            continue;
        };
        let (clauses, what) = match &clause.value {
            Value::Clauses(clauses) => (clauses, format!("`{}`", clause.name.text)),
            Value::Rule(rule) => (&rule.clauses, "a rule".to_owned()),
            _ => continue,
        };
        for inner in clauses {
            if !inner.key.is_some_and(|key| rows.iter().any(|row| row.key == key)) {
                let word = inner.name.text.as_str();
                let near: Vec<SmolStr> = rows.iter().map(|row| row.key.word().into()).collect();
                let message = format!("{what} has no clause `{word}`");
                let problem = Problem::new(rules::UNKNOWN_CLAUSE, inner.name.span, message).nearest(word, &near);
                let of_rule = || matches!(clause.value, Value::Rule(_)).then(|| instead_of_rule_clause(word));
                cx.push(match problem.help {
                    Some(_) => problem,
                    None => match of_rule().flatten() {
                        Some(help) => problem.help(help),
                        None => problem.help(those_of(&what, rows, &HashSet::new())),
                    },
                });
            }
        }
        duplicates(cx, clauses, rows, &what);
        if let Value::Rule(rule) = &clause.value {
            says_something(cx, rule);
        }
    }
}

fn says_something(cx: &Cx<'_>, rule: &Rule) {
    let says = |clause: &Clause| matches!(clause.key, None | Some(K::Require | K::Deny));
    if !rule.clauses.iter().any(says) {
        let message = format!(
            "the rule `{}` demands nothing, expected `require` or `deny`",
            rule.name.text
        );
        cx.push(Problem::new(rules::MISSING_CLAUSE, rule.name.span, message).help("add a line `require: …`"));
    }
}

/// The later of two clauses that exclude each other is the mistake.
fn conflict(cx: &Cx<'_>, a: Option<&Clause>, b: Option<&Clause>, why: &str) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return false;
    };
    let (first, later) = if a.span.start <= b.span.start { (a, b) } else { (b, a) };
    let message = format!("`{}` beside `{}`: {why}", later.name.text, first.name.text);
    cx.push(Problem::new(rules::CONFLICTING_CLAUSES, later.name.span, message).label(first.name.span, "already here"));
    true
}

fn requires(cx: &Cx<'_>, decl: &Decl, key: K, needed: &[K], why: &str) {
    let Some(found) = clause(decl, key) else {
        return;
    };
    if needed.iter().all(|needed| clause(decl, *needed).is_none()) {
        let message = format!("`{}` without `{}`: {why}", found.name.text, needed[0].word());
        let problem = Problem::new(rules::CONFLICTING_CLAUSES, found.name.span, message);
        let edits = vec![(cx.whole_lines(found.span), String::new())];
        cx.push(problem.fix(format!("remove `{}`", found.name.text), false, edits));
    }
}

fn conflicts_of_task(cx: &Cx<'_>, decl: &Decl) {
    let one = "a task does one thing";
    let run = clause(decl, K::Run);
    let steps = clause(decl, K::Do);
    let call = clause(decl, K::Call);
    let using = clause(decl, K::Using);
    // One that does not exist may be a shell misspelt.
    let capability = name_of(decl, K::Using).filter(|name| !is_script_capability(name));
    let unknown = capability
        .as_ref()
        .is_some_and(|name| !cx.scope.capabilities.contains_key(name));
    let _ = conflict(cx, run, steps, one) || conflict(cx, run, call, one);
    let _ = conflict(cx, steps, call, one);
    if capability.is_some() {
        let _ = unknown
            || conflict(cx, using, run, "a script runs with `shell`, `bash`, `sh` or `python`")
            || conflict(cx, using, steps, one)
            || conflict(cx, using, call, one);
    } else if let (Some(using), None, None, None) = (using, run, steps, call)
        && name_of(decl, K::Using).is_some()
    {
        let message = format!("{} uses a shell but has no `run`, expected its script", name(decl));
        cx.push(Problem::new(rules::MISSING_CLAUSE, using.name.span, message).help("add a block `run: |`"));
    }
    if !conflict(
        cx,
        clause(decl, K::Cache),
        call,
        "the tasks of that plan have results of their own",
    ) {
        let work = [K::Run, K::Using, K::Do];
        requires(cx, decl, K::Cache, &work, "there is no work whose result could be kept");
    }
    for key in [K::Env, K::Shell] {
        requires(cx, decl, key, &[K::Run, K::Rollback], "only a script has it");
    }
    for key in [K::Parallel, K::Tolerate] {
        requires(cx, decl, key, &[K::Each], "it is about the instances of a fan-out");
    }
}

fn conflicts_of_gate(cx: &Cx<'_>, decl: &Decl) {
    for key in [K::Quorum, K::Options] {
        requires(cx, decl, key, &[K::Approver], "an automatic gate has nobody to ask");
    }
    for key in [K::Env, K::Shell, K::Dir, K::Effects] {
        requires(cx, decl, key, &[K::Run], "only a script has it");
    }
}

fn conflicts_of_decision(cx: &Cx<'_>, decl: &Decl) {
    let from = clause(decl, K::From);
    let why = "the likeliest hypothesis decides, so its arms are `on HYPOTHESIS -> node`";
    conflict(cx, from, clause(decl, K::When), why);
    let last_when = decl.clauses.iter().rev().find(|clause| clause.key == Some(K::When));
    if let (Some(otherwise), Some(when)) = (clause(decl, K::Else), last_when)
        && otherwise.span.start < when.span.start
    {
        let message = "an arm after `else` is never taken, expected `else` last";
        let problem = Problem::new(rules::CONFLICTING_CLAUSES, when.name.span, message);
        let problem = problem.label(otherwise.name.span, "`else` is here");
        let line = |span: Span| cx.text().get(span.range());
        let (from, to) = (cx.whole_lines(otherwise.span), cx.whole_lines(when.span));
        cx.push(match line(from) {
            Some(moved) if moved.ends_with('\n') && line(to).is_some_and(|last| last.ends_with('\n')) => {
                let edits = vec![(from, String::new()), (Span::new(to.end, to.end), moved.to_owned())];
                problem.fix("move `else` to the end", false, edits)
            }
            _ => problem,
        });
    }
}

fn fields_of_type(cx: &Cx<'_>, decl: &Decl) {
    duplicate_names(cx, decl.fields.iter().map(|field| &field.name), "the field");
    for field in &decl.fields {
        if let Some(default) = &field.default {
            let message = format!(
                "the field `{}` of a type has a default, expected one in `params:`, `memory:` or `input:`",
                field.name.text
            );
            let help = format!(
                "make it optional, and say what it is where it is read: `….{} ?? …`",
                field.name.text
            );
            cx.push(Problem::new(rules::MISPLACED_CLAUSE, default.span, message).help(help));
        }
    }
}

/// Names that must differ; the later one is the mistake.
pub(super) fn duplicate_names<'a>(cx: &Cx<'_>, names: impl Iterator<Item = &'a dsl_syntax::ast::Name>, what: &str) {
    let mut first: HashMap<&str, Span> = HashMap::new();
    let mut previous: Option<Span> = None;
    for name in names {
        match first.get(name.text.as_str()) {
            Some(before) => {
                let message = format!("{what} `{}` is there twice", name.text);
                let problem = Problem::new(rules::DUPLICATE_NAME, name.span, message).label(*before, "first here");
                let listed = previous.and_then(|previous| Some((previous, cx.between(previous, name.span)?)));
                cx.push(match listed {
                    // of a list of names nothing else hangs on the second one
                    Some((previous, ", " | "," | " ")) => {
                        let edits = vec![(Span::new(previous.end, name.span.end), String::new())];
                        problem.fix(format!("remove the second `{}`", name.text), true, edits)
                    }
                    _ => problem,
                });
            }
            None => {
                first.insert(&name.text, name.span);
            }
        }
        previous = Some(name.span);
    }
}

/// The kinds of tasks that there are here.
pub(crate) fn kinds(db: &dyn salsa::Database) -> Vec<SmolStr> {
    let always = KINDS.iter().map(|kind| SmolStr::from(*kind));
    always
        .chain(Project::get(db).config(db).kinds.iter().cloned())
        .collect()
}

fn kind(cx: &Cx<'_>, decl: &Decl) {
    let Some((key, Value::Names(names))) = clause(decl, K::Kind).map(|clause| (&clause.name, &clause.value)) else {
        return;
    };
    let Some(name) = names.first() else { return };
    if KINDS.contains(&name.text.as_str()) {
        return;
    }
    let known = kinds(cx.db());
    if known.contains(&name.text) {
        return;
    }
    let problem = Problem::new(
        rules::UNKNOWN_KIND,
        name.span,
        format!("there is no kind `{}`", name.text),
    );
    let mut problem = match instead_of_kind(&name.text) {
        Some((help, Some(using))) if clause(decl, K::Using).is_none() => {
            let edits = vec![(key.span, "using".to_owned()), (name.span, using.to_owned())];
            problem.help(help).fix(format!("write `using:{using}`"), false, edits)
        }
        Some((help, _)) => problem.help(help),
        None => problem.nearest(&name.text, &known),
    };
    if problem.help.is_none() {
        problem = problem.help(format!(
            "known are {}; more can be listed in `dslc.toml`, `[kinds] extra`",
            known.join(", ")
        ));
    }
    cx.push(problem);
}
