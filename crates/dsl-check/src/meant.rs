//! What a word was meant to be that stands for nothing here: the words of other tools, languages and declarations, and
//! slips of the fingers.
//!
//! The order is always the same: what it is called here, else the nearest name. Absent: saying what is wrong with it.

use dsl_syntax::ast::{Clause, Decl};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use crate::types::Problem;

/// The clause of a declaration that other declarations, or pipelines elsewhere, call this.
pub(crate) fn clause_called(kind: DeclKind, word: &str) -> Option<K> {
    let key = match (kind, plain(word).as_str()) {
        (DeclKind::Task, "checks") => K::Expect,
        (DeclKind::Gate, "expect" | "requires") => K::Checks,
        (DeclKind::Task, "outputs") => K::Output,
        (DeclKind::Plan, "output") => K::Outputs,
        (DeclKind::Task | DeclKind::Capability, "params") => K::Input,
        (DeclKind::Plan, "input" | "inputs" | "arguments" | "variables" | "vars") => K::Params,
        (DeclKind::Test, "input" | "inputs" | "params" | "with") => K::Given,
        (DeclKind::Test, "then") => K::Expect,
        (DeclKind::Agent, "tools" | "capabilities" | "skills") => K::Provides,
        (DeclKind::Capability, "returns" | "outputs" | "result") => K::Output,
        (DeclKind::Gate, "by") => K::Approver,
        (DeclKind::Decision, "otherwise") => K::Else,
        (DeclKind::Hypothesis, "probability" | "likelihood" | "confidence" | "odds") => K::Prior,
        (DeclKind::Capability, "permissions") => K::Effects,
        (DeclKind::Agent, "role" | "persona" | "goal" | "backstory") | (DeclKind::Plan, "goal" | "purpose") => {
            K::Description
        }
        (DeclKind::Gate, "choices" | "answers") => K::Options,
        (DeclKind::Agent, "rate_limit" | "quota" | "quotas") => K::Limits,
        (DeclKind::Policy, "scope" | "for" | "applies_to") => K::Applies,
        (DeclKind::Task, "idempotency_key") => K::Key,
        (DeclKind::Task, "agent" | "agents" | "assignee" | "assigned_to" | "actor") => K::By,
        (DeclKind::Task, "confirms" | "proves" | "corroborates") => K::Supports,
        (DeclKind::Task, "rejects" | "disproves" | "contradicts" | "rules_out") => K::Refutes,
        (DeclKind::Task, "undo" | "revert" | "compensate") => K::Rollback,
        (_, "depends_on" | "depends" | "dependencies" | "after" | "require") => K::Needs,
        (_, "command" | "cmd" | "script" | "exec" | "steps") => K::Run,
        (_, "retries" | "max_retries" | "attempts") => K::Retry,
        (_, "if" | "condition" | "only_if") => K::When,
        (_, "environment" | "vars" | "variables") => K::Env,
        (_, "inputs" | "with" | "args" | "arguments") => K::Input,
        (_, "for" | "foreach" | "for_each" | "matrix" | "loop" | "with_items") => K::Each,
        (_, "cwd" | "workdir" | "working_dir" | "working_directory") => K::Dir,
        (_, "uses" | "tool" | "capability") => K::Using,
        (_, "assert" | "asserts" | "expects" | "success" | "validate" | "verify" | "ensure") => K::Expect,
        (_, "parameters") => K::Params,
        (_, "desc" | "summary" | "about") => K::Description,
        (_, "concurrency" | "max_parallel") => K::Parallel,
        (_, "allow_failure" | "continue_on_error") => K::Optional,
        (_, "approvers" | "reviewer" | "reviewers") => K::Approver,
        _ => return None,
    };
    table::clauses(kind).iter().any(|row| row.key == key).then_some(key)
}

/// What to write instead of a clause that others have and this language has not.
pub(crate) fn instead_of_clause(kind: DeclKind, word: &str) -> Option<String> {
    Some(match (kind, plain(word).as_str()) {
        (DeclKind::Plan, "steps" | "tasks" | "jobs" | "stages" | "nodes") => {
            "each `task` stands in the plan by itself".to_owned()
        }
        (_, "name" | "title" | "question") | (DeclKind::Gate, "ask" | "prompt" | "message") => {
            format!("it stands in the header: `{} some-name \"…\"`", kind.keyword())
        }
        (DeclKind::Plan, "const" | "let" | "var" | "set" | "constants") => {
            "a value with a name is a parameter with a default, below `params:`: `name: type = value`".to_owned()
        }
        (DeclKind::Plan, "if" | "unless") => "a choice is a `decision`, or the `when:` of a task".to_owned(),
        (DeclKind::Plan, "for" | "foreach" | "loop" | "while" | "repeat") => {
            "a task is repeated by its `each:`".to_owned()
        }
        (DeclKind::Plan, "on" | "when") => {
            "a plan is started from outside, by `dslc run`; what follows a node is a route below that node".to_owned()
        }
        (DeclKind::Plan, "env" | "environment") => "each task says what it needs: `env:` below the task".to_owned(),
        (DeclKind::Plan, "use" | "import" | "include") => {
            "a file is imported at the margin, `use \"file.plan\"`; a plan is called by a task, `call: some-plan`"
                .to_owned()
        }
        (DeclKind::Task, "memory" | "save" | "store" | "memorize") => {
            "a task writes memory by `remember some-key = …`, and reads `memory.some-key`".to_owned()
        }
        (DeclKind::Plan, "parallel" | "concurrent") => {
            "tasks that do not need each other run at once; `limits:` says how many".to_owned()
        }
        (DeclKind::Plan, "schedule" | "cron" | "every") => {
            "a plan has no clock: start `dslc run` by one, such as that of CI".to_owned()
        }
        (DeclKind::Plan, "subplan" | "call") => "a task calls a plan: `call: some-plan`".to_owned(),
        (DeclKind::Task, "trigger_rule") => {
            "what follows a failure is a route of the task that fails: `on failure -> this-task`".to_owned()
        }
        (_, "end" | "done" | "fi" | "endif") => "leave it out: what belongs together is told by indentation".to_owned(),
        (
            DeclKind::Capability,
            "type" | "kind" | "server" | "transport" | "protocol" | "provider" | "implementation",
        ) => "how it is run is said by `runner:`, as `mcp(command: …, tool: …)`, `http(…)`, `llm(…)` or `shell(…)`"
            .to_owned(),
        (DeclKind::Capability, "method" | "url" | "headers" | "body" | "endpoint") => {
            "it stands in the runner: `runner: http(method: …, url: …, body: …)`".to_owned()
        }
        (DeclKind::Capability, "run" | "script" | "command" | "cmd" | "exec") => {
            "it stands in the runner: `runner: shell(\"…\")`".to_owned()
        }
        (DeclKind::Capability, "timeout" | "retry" | "retries" | "env") => {
            format!("each task that uses it says so: `{word}:` below the task")
        }
        (DeclKind::Agent, "memory") => "what is remembered belongs to a plan: its `memory:`".to_owned(),
        (DeclKind::Plan, "uses" | "tools" | "capabilities") => {
            "a task says what it uses: `using:some.capability`".to_owned()
        }
        (DeclKind::Plan, "agents" | "agent" | "by") => "a task says who does it: `by: some-agent`".to_owned(),
        (DeclKind::Plan, "max_cost" | "max_time" | "max_tokens" | "cost" | "deadline") => {
            "what a run may take stands below `budget:`, as `cost: $5.00` or `time: 2h`".to_owned()
        }
        (DeclKind::Test, "when") => "a test runs its plan by itself, with what `given:` says".to_owned(),
        (DeclKind::Capability | DeclKind::Agent, "model" | "prompt" | "system_prompt" | "instructions") => {
            "it stands in the runner: `runner: llm(model: …, url: …, prompt: …)`".to_owned()
        }
        (DeclKind::Capability | DeclKind::Agent, "temperature" | "max_tokens" | "top_p" | "system") => {
            "what else a model is told stands in the request of a runner `http(method: …, url: …, body: …)`".to_owned()
        }
        (DeclKind::Policy, "deny" | "forbid" | "require" | "requires" | "must") => {
            "it stands in a rule: `rule some-name`, and below it `for: …` and `require: …` or `deny: …`".to_owned()
        }
        (DeclKind::Policy, "max_cost" | "max_time" | "max_tasks" | "max_tokens" | "budget" | "timeout") => {
            "a bound stands below `limit:`, as `cost: $10.00`".to_owned()
        }
        (DeclKind::Plan, "policies" | "policy") => {
            "a policy says itself which plans it binds: `applies: plan where …`".to_owned()
        }
        (DeclKind::Decision, "then" | "case" | "cases" | "switch") => {
            "an arm is one line: `when some-condition -> some-node`".to_owned()
        }
        (DeclKind::Task, "ask" | "approval" | "approve" | "confirm" | "human") => {
            "a person is asked by a `gate` with an `approver:`".to_owned()
        }
        (DeclKind::Task, "sleep" | "wait" | "delay" | "pause") => {
            "waiting is work of a script: `run: \"sleep 60\"`".to_owned()
        }
        (DeclKind::Task, "cost" | "max_cost" | "max_tokens") => {
            "what it may take stands below `budget:`, as `cost: $5.00`".to_owned()
        }
        (DeclKind::Decision, "default") => "write `else -> some-node`".to_owned(),
        (DeclKind::Hypothesis, "evidence" | "test" | "check" | "checks") => {
            "evidence stands in the tasks that find it: `supports this-hypothesis when … by 4`".to_owned()
        }
        (DeclKind::Task, "finally" | "always" | "cleanup") => {
            "write two routes: `on success -> some-task` and `on failure -> some-task`".to_owned()
        }
        (DeclKind::Test, "of" | "plan") => "it stands in the header: `test \"…\" of some-plan`".to_owned(),
        (DeclKind::Task, "model" | "prompt" | "instructions") => {
            "a task uses a capability, and that has a runner: `runner: llm(model: …, url: …, prompt: …)`".to_owned()
        }
        (DeclKind::Task, "url" | "method" | "headers" | "body" | "endpoint") => {
            "a request is a capability: `using:http.get` or `http.post`, and what it gets stands below `input:`"
                .to_owned()
        }
        (_, "retry_delay" | "retry_backoff" | "backoff" | "retry_on" | "max_delay") => {
            "it stands in the retry: `retry: linear(max: 3, base: 5s) on timeout`, or `exponential(…)`".to_owned()
        }
        (DeclKind::Task, "secrets") => {
            "name it in the `secrets:` of the plan, and read `secrets.…` in `env:`".to_owned()
        }
        (_, "on_failure" | "onfailure" | "on_error" | "onerror" | "rescue") if kind.is_node() => {
            "write `on failure -> some-task`".to_owned()
        }
        (_, "on_success" | "onsuccess") if kind.is_node() => "write `on success -> some-task`".to_owned(),
        (_, "on_timeout" | "ontimeout") if kind.is_node() => "write `on timeout -> some-task`".to_owned(),
        _ => return None,
    })
}

/// What to write instead of a clause that rules have elsewhere.
pub(crate) fn instead_of_rule_clause(word: &str) -> Option<&'static str> {
    Some(match plain(word).as_str() {
        "when" | "if" | "where" | "applies" | "on" | "match" => {
            "which nodes it is about stands in `for: task where kind == deploy`"
        }
        "must" | "assert" | "check" | "expect" | "allow" | "ensure" => {
            "what has to hold stands in `require: …`, what may not in `deny: …`"
        }
        "message" | "title" | "description" | "name" => "it stands in the header: `rule some-name \"…\"`",
        "level" | "enforcement" | "action" => "how bad it is to break it stands in `severity: warning`",
        _ => return None,
    })
}

/// The clauses of a declaration, each with what it is, or was meant to be.
pub(crate) fn clauses_meant(decl: &Decl) -> impl Iterator<Item = (K, &Clause)> {
    let meant = |word: &str| clause_called(decl.kind, word).or_else(|| clause_near(decl.kind, word));
    decl.clauses
        .iter()
        .filter_map(move |clause| Some((clause.key.or_else(|| meant(&clause.name.text))?, clause)))
}

fn clause_near(kind: DeclKind, word: &str) -> Option<K> {
    let rows = table::clauses(kind);
    let words: Vec<SmolStr> = rows.iter().map(|row| row.key.word().into()).collect();
    let near = nearest(word, &words);
    table::find(rows, near.first()?).map(|row| row.key)
}

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
        let problem = self.nearest(name, candidates);
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
fn is_slip(name: &str, meant: &str) -> bool {
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
