//! What a word was meant to be that stands for nothing here: the words of other tools, languages and declarations, and
//! slips of the fingers.
//!
//! The order is always the same: what it is called here, else the nearest name. Absent: saying what is wrong with it.

mod clauses;

use smol_str::SmolStr;

pub(crate) use self::clauses::{clause_called, clauses_meant, instead_of_clause, instead_of_rule_clause};
use crate::types::Problem;

/// What a kind was meant to say, which here says what a task is for, not how it is done; and the capability that says it.
pub(crate) fn instead_of_kind(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    let script = "a kind says what a task is for; that it is a script is said by `run:`";
    let capability = "a kind says what a task is for; who does it is a capability, `using:some.capability`";
    Some(match plain(name).as_str() {
        "shell" | "sh" | "script" | "command" | "cmd" | "exec" | "run" | "terminal" => (script, Some("shell")),
        "bash" => (script, Some("bash")),
        "python" | "py" => (script, Some("python")),
        "agent" | "llm" | "ai" | "prompt" | "chat" | "model" | "tool" | "mcp" | "function" => (capability, None),
        "http" | "api" | "request" | "webhook" | "rest" => (
            "a kind says what a task is for; a request is a capability, `using:http.get` or `http.post`",
            None,
        ),
        "approval" | "human" | "manual" | "gate" => ("who approves stands in a `gate` with an `approver:`", None),
        "decision" | "branch" | "condition" | "switch" => ("a choice is a `decision` with `when … -> …` lines", None),
        "subplan" | "workflow" | "plan" => ("a task calls a plan: `call: some-plan`", None),
        _ => return None,
    })
}

/// What an event is called here that pipelines elsewhere call this.
pub(crate) fn event_called(name: &str) -> Option<&'static str> {
    Some(match plain(name).as_str() {
        "fail" | "fails" | "failed" | "error" | "errors" | "failures" => "failure",
        "succeeded" | "succeeds" | "ok" | "done" | "complete" | "completed" => "success",
        "timed_out" | "time_out" => "timeout",
        "approve" | "accepted" | "yes" => "approved",
        "reject" | "deny" | "denied" | "declined" | "no" => "rejected",
        _ => return None,
    })
}

/// What a status is called here that other tools call this.
pub(crate) fn status_called(name: &str) -> Option<&'static str> {
    Some(match plain(name).as_str() {
        "done" | "success" | "succeeded" | "ok" | "finished" | "passed" | "complete" => "completed",
        "fail" | "failure" | "error" | "errored" => "failed",
        "canceled" | "aborted" | "stopped" => "cancelled",
        "ignored" => "skipped",
        _ => return None,
    })
}

/// What a function is called here that other languages call this.
pub(crate) fn function_called(name: &str) -> Option<&'static str> {
    Some(match plain(name).as_str() {
        "length" | "size" | "strlen" | "length_of" => "len",
        "toupper" | "to_upper" | "uppercase" | "upcase" => "upper",
        "tolower" | "to_lower" | "lowercase" | "downcase" => "lower",
        "strip" | "trimmed" => "trim",
        "includes" | "has" | "include" => "contains",
        "startswith" | "has_prefix" => "starts_with",
        "endswith" | "has_suffix" => "ends_with",
        "tostring" | "to_string" | "str" => "string",
        "parseint" | "to_int" | "integer" | "number" => "int",
        "parsefloat" | "to_float" => "float",
        "parse_json" | "fromjson" | "from_json" => "json",
        "filter" | "select" => "where",
        "foreach" | "collect" => "map",
        "file_exists" | "is_file" => "exists",
        "some" | "exists_any" => "any",
        "every" => "all",
        "concat" => "join",
        "substring" | "substr" | "shorten" => "truncate",
        "ceiling" => "ceil",
        "minimum" => "min",
        "maximum" => "max",
        "sort" | "sorted" | "order_by" => "sort_by",
        _ => return None,
    })
}

/// What to write instead of a function or a name that others have and this language has not.
pub(crate) fn instead_of(name: &str) -> Option<&'static str> {
    Some(match plain(name).as_str() {
        "failure" | "failed" | "success" | "succeeded" | "cancelled" => {
            "a task follows how another ended by a route of that one: `on failure -> this-task`"
        }
        "now" | "today" | "date" | "time" | "timestamp" | "datetime" => {
            "no value changes by itself: `run.started` is when the run began"
        }
        "env" | "environ" | "process" => {
            "a plan reads the environment by its secrets: `token: env(\"TOKEN\")` below `secrets:`"
        }
        "never" | "infinite" | "unlimited" | "forever" => "leave the clause out: without it there is no bound",
        "random" | "rand" | "randint" | "uuid4" | "uuidv4" => {
            "no value changes by itself: `uuid(\"salt\")` differs from run to run, and is kept"
        }
        _ => return None,
    })
}

/// What to write instead of a node that others have and this language has not.
pub(crate) fn instead_of_node(name: &str) -> Option<&'static str> {
    Some(match plain(name).as_str() {
        "stop" | "abort" | "end" | "exit" | "finish" | "done" | "fail" | "nothing" => {
            "a run ends by itself when no node is left to start; remove what leads here"
        }
        "retry" => "a task is tried again by its `retry:`, as in `retry: 3 on timeout`",
        "continue" | "ignore" | "skip" => "a run goes on after a failure of a task that is `optional: true`",
        _ => return None,
    })
}

/// What a literal is called here that other languages call this.
pub(crate) fn literal_called(name: &str) -> Option<&'static str> {
    Some(match plain(name).as_str() {
        "true" | "yes" => "true",
        "false" | "no" => "false",
        "none" | "null" | "nil" | "undefined" => "none",
        _ => return None,
    })
}

/// What a name is called here that other languages call this.
pub(crate) fn name_called(name: &str) -> Option<&'static str> {
    Some(match plain(name).as_str() {
        "exit_code" | "exitcode" | "return_code" | "returncode" => "exit",
        _ => return None,
    })
}

/// What a type is called here that other languages call this.
pub(crate) fn type_called(name: &str) -> Option<&'static str> {
    Some(match plain(name).as_str() {
        "integer" | "long" | "uint" | "i64" | "u64" => "int",
        "number" | "double" | "decimal" | "real" | "f64" | "percent" => "float",
        "str" | "text" | "varchar" => "string",
        "boolean" => "bool",
        "date" | "datetime" | "timestamp" => "time",
        "uri" | "link" => "url",
        "filepath" | "filename" => "path",
        "any" | "object" | "dict" => "json",
        "bytes" => "size",
        "timedelta" | "interval" | "seconds" => "duration",
        "semver" => "version",
        "currency" | "dollars" | "usd" => "money",
        _ => return None,
    })
}

/// A word as the tables have it.
fn plain(word: &str) -> String {
    word.to_ascii_lowercase().replace('-', "_")
}

impl Problem {
    /// "it is called" where `here` is among the candidates, else "did you mean".
    #[must_use]
    pub(crate) fn meant(self, name: &str, here: Option<&str>, candidates: &[SmolStr]) -> Self {
        match here.filter(|here| candidates.iter().any(|known| known == here)) {
            Some(here) => self.called(name, here),
            None => self.nearest(name, candidates),
        }
    }

    /// "it is called", with a fix.
    #[must_use]
    pub(crate) fn called(self, name: &str, here: &str) -> Self {
        let edits = vec![(self.span, here.to_owned())];
        let title = format!("change `{name}` to `{here}`");
        self.help(format!("it is called `{here}`")).fix(title, false, edits)
    }

    /// "did you mean", or how it comes to be: `keyword` declares it.
    #[must_use]
    pub(crate) fn nearest_or_declared(self, keyword: &str, name: &str, candidates: &[SmolStr]) -> Self {
        let mut problem = self.nearest(name, candidates);
        // what is spelt with other capitals may be declared elsewhere: `Version` is a type of somebody's, `version` is of the language
        for fix in &mut problem.fixes {
            fix.safe &= fix.edits.iter().all(|(_, text)| !text.eq_ignore_ascii_case(name));
        }
        match problem.help.is_none() {
            true => problem.help(format!("declare it (`{keyword} {name}`), or import the file that does")),
            false => problem,
        }
    }

    /// "did you mean", with a fix; a safe one where only one name is near and the other can be nothing but a slip.
    #[must_use]
    pub fn nearest(self, name: &str, candidates: &[SmolStr]) -> Self {
        let near = nearest(name, candidates);
        let Some(best) = near.first() else {
            return self;
        };
        let span = self.span;
        let listed = near
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(" or ");
        let title = format!("change `{name}` to `{best}`");
        let edits = vec![(span, best.to_string())];
        let safe = near.len() == 1 && is_slip(name, best);
        self.help(format!("did you mean {listed}?")).fix(title, safe, edits)
    }
}

/// One slip of the fingers in a word: names that are short, or differ in a digit, are often two names.
pub(crate) fn is_slip(name: &str, meant: &str) -> bool {
    const LETTERS_MIN: usize = 4;
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    name.chars().count() >= LETTERS_MIN
        && strsim::damerau_levenshtein(name, meant) == 1
        && digits(name) == digits(meant)
}

/// How many near names a message offers.
const NEAREST_MAX: usize = 3;
/// Longer names are not compared: the cost is the product of two lengths.
const COMPARED_BYTES_MAX: usize = 128;

/// The candidates that a slip of the fingers turns into `name`, nearest first.
///
/// A plan may have thousands of names and as many mistakes, so what cannot be near is told by its length and letters alone.
pub fn nearest<'a>(name: &str, candidates: &'a [SmolStr]) -> Vec<&'a SmolStr> {
    let distance_max = (name.chars().count() / 3).max(1);
    let of_name = letters(name);
    let mut near: Vec<(usize, &SmolStr)> = candidates
        .iter()
        // The name itself, where it stands for something of another kind, is no help.
        .filter(|candidate| *candidate != name)
        // A character takes up to four bytes.
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= distance_max * 4)
        .filter(|candidate| candidate.len() <= COMPARED_BYTES_MAX && name.len() <= COMPARED_BYTES_MAX)
        // One slip adds and removes one letter at most.
        .filter(|candidate| (letters(candidate) ^ of_name).count_ones() as usize <= distance_max * 2)
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= distance_max)
        .collect();
    near.sort();
    near.dedup();
    near.into_iter()
        .take(NEAREST_MAX)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// Which characters occur, a bit for each of 64 kinds.
fn letters(name: &str) -> u64 {
    name.chars().fold(0, |bits, c| bits | 1 << (c as u32 % 64))
}
