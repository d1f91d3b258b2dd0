//! What an unknown clause was meant to be, so that what follows from it is not said again.
//!
//! Absent: saying that it is unknown.

use dsl_syntax::ast::{Clause, Decl};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use crate::types::problem::nearest;

/// What a clause is called here that pipelines elsewhere call this.
pub(crate) fn elsewhere(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().replace('-', "_").as_str() {
        "depends_on" | "depends" | "dependencies" | "after" | "require" => "needs",
        "command" | "cmd" | "script" | "exec" | "steps" => "run",
        "retries" | "max_retries" | "attempts" => "retry",
        "if" | "condition" | "only_if" => "when",
        "environment" | "vars" | "variables" => "env",
        "inputs" | "with" | "args" | "arguments" => "input",
        "for" | "foreach" | "for_each" | "matrix" | "loop" | "with_items" => "each",
        "cwd" | "workdir" | "working_dir" | "working_directory" => "dir",
        "uses" | "tool" | "capability" => "using",
        "assert" | "asserts" | "expects" | "success" => "expect",
        "parameters" | "arguments_of" => "params",
        "desc" | "summary" | "about" => "description",
        "concurrency" | "max_parallel" => "parallel",
        "allow_failure" | "continue_on_error" => "optional",
        "approvers" | "reviewer" | "reviewers" => "approver",
        _ => return None,
    })
}

/// What a clause of other declarations is called in this one.
pub(crate) fn called(kind: DeclKind, word: &str) -> Option<K> {
    Some(match (kind, word) {
        (DeclKind::Task, "checks") => K::Expect,
        (DeclKind::Gate, "expect" | "requires") => K::Checks,
        (DeclKind::Task, "outputs") => K::Output,
        (DeclKind::Plan, "output") => K::Outputs,
        (DeclKind::Task | DeclKind::Capability, "params") => K::Input,
        (DeclKind::Plan, "input" | "inputs" | "arguments" | "variables" | "vars") => K::Params,
        (DeclKind::Test, "input" | "params") => K::Given,
        _ => return None,
    })
}

/// What to write instead of a clause that others have and this language has not.
pub(crate) fn instead(kind: DeclKind, word: &str) -> Option<String> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    Some(match (kind, word.as_str()) {
        (DeclKind::Plan, "steps" | "tasks" | "jobs" | "stages" | "nodes") => {
            "each `task` stands in the plan by itself".to_owned()
        }
        (_, "name" | "title" | "question") => format!("it stands in the header: `{} some-name \"…\"`", kind.keyword()),
        (_, "on_failure" | "onfailure" | "on_error" | "onerror" | "rescue") if kind.is_node() => {
            "write `on failure -> some-task`".to_owned()
        }
        (_, "on_success" | "onsuccess") if kind.is_node() => "write `on success -> some-task`".to_owned(),
        (_, "on_timeout" | "ontimeout") if kind.is_node() => "write `on timeout -> some-task`".to_owned(),
        _ => return None,
    })
}

/// The first unknown clause that was meant to be this one.
pub(crate) fn clause_meant(decl: &Decl, key: K) -> Option<&Clause> {
    let mut unknown = decl.clauses.iter().filter(|clause| clause.key.is_none());
    unknown.find(|clause| meant(decl.kind, &clause.name.text) == Some(key))
}

fn meant(kind: DeclKind, word: &str) -> Option<K> {
    let rows = table::clauses(kind);
    let key = |word: &str| table::find(rows, word).map(|row| row.key);
    called(kind, word)
        .or_else(|| elsewhere(word).and_then(key))
        .or_else(|| {
            let words: Vec<SmolStr> = rows.iter().map(|row| row.key.word().into()).collect();
            nearest(word, &words).first().and_then(|near| key(near))
        })
}
