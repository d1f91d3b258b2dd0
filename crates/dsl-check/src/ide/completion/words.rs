//! The words of the language that are no declarations, each with what it means.

use ir::plan::{EffectKind, RunnerKind};
use ir::types::Type;

/// A word, what is written for it if that is more, and what it means.
#[derive(Clone, Copy)]
pub(in crate::ide) struct Word {
    pub label: &'static str,
    pub insert: Option<&'static str>,
    pub meaning: &'static str,
}

const fn word(label: &'static str, meaning: &'static str) -> Word {
    Word {
        label,
        insert: None,
        meaning,
    }
}

const fn form(label: &'static str, insert: &'static str, meaning: &'static str) -> Word {
    Word {
        label,
        insert: Some(insert),
        meaning,
    }
}

pub(in crate::ide) const ARROW: &[Word] = &[form("->", "-> ", "which node starts")];
pub(in crate::ide) const STEP_ARROW: &[Word] = &[form("->", "-> ", "what later lines call the answer")];
pub(in crate::ide) const WHEN: &[Word] = &[form("when", "when ", "the condition")];
pub(in crate::ide) const IN: &[Word] = &[form("in", "in ", "the list whose items these are")];
pub(in crate::ide) const FROM: &[Word] = &[form("from", "from \"$0\"", "the file that declares these")];
pub(in crate::ide) const OF: &[Word] = &[form("of", "of ", "the plan that it is about")];
pub(in crate::ide) const BY: &[Word] = &[form("by", "by ${1:4}", "by how much the odds change")];
pub(in crate::ide) const SUCCESS: &[Word] = &[word("success", "it completed")];
pub(in crate::ide) const OF_GATE: &[Word] = &[
    word("approved", "somebody approved it, or its checks hold"),
    word("rejected", "somebody rejected it, or its checks do not hold"),
    word("timeout", "nobody decided in time"),
    word("failure", "it failed in a way that no other route of it names"),
];

/// What a built-in way to fail means.
pub(in crate::ide) fn mode(name: &str) -> &'static str {
    match name {
        "failure" => "it failed in a way that no other route of it names",
        "timeout" => "its time was up",
        "rate-limited" => "who does it said to come back later",
        "expectation" => "something that `expect:` says did not hold",
        "precondition" => "something that `requires:` says did not hold",
        "invalid-output" => "an output was not of its type",
        "expression-error" => "an expression had no value: a division by zero, an index out of range",
        "budget-exceeded" => "its budget, or that of its agent, was spent",
        "quota-exceeded" => "a quota of its agent was used up",
        "circuit-open" => "its agents failed too often of late",
        "denied" => "a policy or the sandbox refused it",
        "cancelled" => "it was cancelled",
        "in-doubt" => "a crash left it open how an attempt ended that must not be repeated",
        _ => "a way to fail",
    }
}

pub(in crate::ide) const FAILURE: &[Word] = &[
    word(
        "abort",
        "start nothing more, let what runs finish, undo what can be undone",
    ),
    word("continue", "finish what does not depend on it"),
];
pub(in crate::ide) const OF_RULE: &[Word] = &[
    word("error", "a plan that breaks the rule does not run"),
    word("warning", "a plan that breaks the rule is warned about"),
];
pub(in crate::ide) const SEVERITIES: &[Word] = &[
    word("low", "can wait"),
    word("high", "should be looked at soon"),
    word("critical", "somebody should look at once"),
];
pub(in crate::ide) const OF_ALERT: &[Word] = &[form("severity", "severity:${1:high}", "how bad it is, as a name")];
pub(in crate::ide) const HYPOTHESES: &[Word] = &[word("hypotheses", "the explanation whose odds are best decides")];
pub(in crate::ide) const HUMAN: &[Word] = &[word("human", "people are asked")];
pub(in crate::ide) const BOOLS: &[Word] = &[word("true", "yes"), word("false", "no")];
pub(in crate::ide) const BLOCK: &[Word] = &[form("|", "|\n  $0", "the lines below, as they are")];
pub(in crate::ide) const RETRIES: &[Word] = &[
    form("immediate", "immediate(max: ${1:2})", "again at once"),
    form(
        "linear",
        "linear(max: ${1:3}, base: ${2:1s}, step: ${3:1s})",
        "each wait longer by a step",
    ),
    form(
        "exponential",
        "exponential(max: ${1:3}, base: ${2:1s}, cap: ${3:30s})",
        "each wait a multiple of the one before",
    ),
    word("3", "so many further attempts, at once"),
];
pub(in crate::ide) const RETRY_ON: &[Word] = &[form("on", "on ${1:timeout}", "only after these ways to fail")];
pub(in crate::ide) const SCRIPTS: &[Word] = &[
    word("shell", "runs the script below with `bash -euo pipefail`"),
    word("bash", "runs the script below with `bash -euo pipefail`"),
    word("sh", "runs the script below with `sh -eu`"),
    word("python", "runs the script below with Python"),
];
pub(in crate::ide) const PRINCIPALS: &[Word] = &[
    form("role/", "role/${1:name}", "whoever has the role"),
    form("user/", "user/${1:name}", "one person"),
    form("team/", "team/${1:name}", "somebody of the team"),
    form("agent/", "agent/${1:name}", "a program"),
];
pub(in crate::ide) const SELECTED: &[Word] = &[
    word("task", "tasks"),
    word("gate", "gates"),
    word("decision", "decisions"),
    word("node", "tasks, gates and decisions"),
    word("plan", "the plan itself"),
];
pub(in crate::ide) const WHERE: &[Word] = &[form("where", "where ", "only those for which a condition holds")];
pub(in crate::ide) const PREDICATES: &[Word] = &[
    form(
        "after",
        "after(${1:gate})",
        "every path that reaches it passes one of these that completed",
    ),
    form("before", "before(${1:gate})", "every path from it passes one of these"),
    form(
        "reaches",
        "reaches(${1:task})",
        "some path from it leads to one of these",
    ),
    form(
        "needs",
        "needs(${1:task})",
        "it waits for one of these, directly or not",
    ),
    form(
        "flow",
        "flow(${1:secrets}, ${2:web.*})",
        "a value of the first reaches an input of the second",
    ),
];
pub(in crate::ide) const FLOW_ENDS: &[Word] = &[
    word("secrets", "all secrets; `secrets.name`: one"),
    form("params", "params.${1:name}", "a parameter"),
];
pub(in crate::ide) const SECRET_SOURCES: &[Word] = &[
    form("env", "env(\"${1:NAME}\")", "from an environment variable"),
    form(
        "file",
        "file(\"${1:path}\")",
        "from a file; with `key:` from one key of it",
    ),
];
pub(in crate::ide) const SCOPES: &[Word] = &[
    word("run", "forgotten when the run is over"),
    word("plan", "kept for later runs of the plan"),
    word("global", "kept for all plans"),
];
pub(in crate::ide) const SCOPE: &[Word] = &[form(
    "scope:",
    "scope:${1:plan}",
    "how long it is kept: run, plan or global",
)];
pub(in crate::ide) const BUDGET: &[Word] = &[
    form("time", "time: ", "the longest that it may take"),
    form("cost", "cost: ", "the most that it may cost"),
    form("tokens", "tokens: ", "the most tokens that it may use"),
    form("alert", "alert: ${1:80%}", "the share after which an event is raised"),
];
pub(in crate::ide) const OF_PLAN_LIMITS: &[Word] = &[
    form("parallel", "parallel: ", "how many tasks run at once"),
    form("queue", "queue: ", "how many may wait for a place"),
    form(
        "requests",
        "requests: ${1:100} per ${2:1m}",
        "calls in a window of time",
    ),
    form(
        "tokens",
        "tokens: ${1:100000} per ${2:1m}",
        "tokens in a window of time",
    ),
    form("cost", "cost: ${1:\\$50} per ${2:1h}", "money in a window of time"),
];
pub(in crate::ide) const OF_AGENT_LIMITS: &[Word] = &[
    form(
        "requests",
        "requests: ${1:100} per ${2:1m}",
        "calls in a window of time",
    ),
    form(
        "tokens",
        "tokens: ${1:100000} per ${2:1m}",
        "tokens in a window of time",
    ),
    form("concurrent", "concurrent: ", "how many calls at once"),
    form(
        "cost",
        "cost: ${1:\\$0.50} per ${2:call}",
        "money a call, or in a window of time",
    ),
];
pub(in crate::ide) const PER: &[Word] = &[
    form("per", "per ${1:1m}", "in each such window of time"),
    word("per call", "each time it is called"),
];
pub(in crate::ide) const PERIODS: &[Word] = &[
    word("call", "each time it is called"),
    word("1m", "in each minute"),
    word("1h", "in each hour"),
    word("1d", "in each day"),
];
pub(in crate::ide) const BREAKER: &[Word] = &[form(
    "failures",
    "${1:5} failures in ${2:1m}, probe after ${3:30s}",
    "when to stop calling it, and when to try again",
)];
pub(in crate::ide) const PROBE: &[Word] = &[form("probe after", "probe after ${1:30s}", "when to try again")];
pub(in crate::ide) const AFTER_MOCKED: &[Word] = &[
    form("->", "-> { $0 }", "what it answers"),
    form("fails", "fails ${1:failure}", "how it fails"),
    form("when", "when ", "only if a condition about its input holds"),
    form("by", "by ", "only if this agent does it"),
];
pub(in crate::ide) const MOCKED: &[Word] = &[
    form("task", "task ", "a script, by its task"),
    form(
        "judge",
        "judge -> ${1:true}",
        "what the judge says of expectations in prose",
    ),
];
pub(in crate::ide) const DECIDED: &[Word] = &[
    form("as", "as ", "who decides"),
    form("choosing", "choosing ", "which of the gate's options"),
    form("after", "after ${1:2h}", "how long it takes, in the run's own time"),
];
pub(in crate::ide) const ASKED_OF_RUNS: &[Word] = &[
    form("status", "status(${1:node})", "status(node): how a node ended"),
    form("ran", "ran(${1:node})", "ran(node): whether a node was started"),
    form(
        "attempts",
        "attempts(${1:node})",
        "attempts(node): how often it was tried",
    ),
    form(
        "remembered",
        "remembered(\"${1:key}\")",
        "remembered(\"key\"): what was written to memory",
    ),
];
/// What an operand can be followed by.
pub(in crate::ide) const OPERATORS: &[Word] = &[
    word("and", "both hold"),
    word("or", "one of them holds"),
    word("in", "is one of a list"),
    word("is none", "is absent"),
    word("is not none", "is there"),
    word("is empty", "has no items, or no characters"),
    word("is not empty", "has items, or characters"),
    form("matches", "matches /$1/", "fits a regular expression"),
    form(
        "if",
        "if ${1:condition} else ${2:other}",
        "this one if the condition holds",
    ),
    form("as", "as ", "checks that data is of a type"),
];
/// What an operand can be besides names.
pub(in crate::ide) const OPERANDS: &[Word] = &[
    word("true", "yes"),
    word("false", "no"),
    word("none", "nothing is there"),
    form("not", "not ", "the opposite"),
];

/// The groups of values, and what is in them.
pub(in crate::ide) const GROUPS: &[(&str, &str)] = &[
    ("params", "the plan's parameters"),
    ("memory", "facts that are kept between runs"),
    ("secrets", "the plan's secrets"),
    ("run", "the run: `id`, `started`, `workspace`"),
    ("task", "this attempt: `id`, `key`, `attempt`, `agent`"),
    ("plan", "the plan: `name`, `version`"),
    ("budget", "the plan's budget: `time`, `cost`, `tokens`"),
    ("input", "what the task is given"),
    ("system", "the machine: `disk`, `memory`, `cpus`, `os`, `arch`"),
    ("network", "the network: `online`"),
    ("outputs", "what the plan gave"),
    ("context", "what is known of the request"),
];

/// Units that may follow a number, with values that are often written.
pub(in crate::ide) fn units(ty: &Type) -> &'static [(&'static str, &'static str)] {
    match ty.required() {
        Type::Duration => DURATIONS,
        Type::Size => SIZES,
        Type::Float(_) => RATIOS,
        _ => &[],
    }
}

pub(in crate::ide) const DURATIONS: &[(&str, &str)] = &[
    ("s", "seconds"),
    ("m", "minutes"),
    ("h", "hours"),
    ("d", "days"),
    ("w", "weeks"),
    ("ms", "milliseconds"),
];
pub(in crate::ide) const SIZES: &[(&str, &str)] = &[
    ("KB", "1000 bytes"),
    ("MB", "1000² bytes"),
    ("GB", "1000³ bytes"),
    ("KiB", "1024 bytes"),
    ("MiB", "1024² bytes"),
    ("GiB", "1024³ bytes"),
    ("B", "bytes"),
];
pub(in crate::ide) const RATIOS: &[(&str, &str)] = &[("%", "hundredths")];

/// Values of a type that are often written.
pub(in crate::ide) fn usual(ty: &Type) -> &'static [Word] {
    const DURATION: &[Word] = &[
        word("30s", "30 seconds"),
        word("5m", "5 minutes"),
        word("1h", "one hour"),
        word("1d", "one day"),
    ];
    const SIZE: &[Word] = &[word("10MB", "10 · 1000² bytes"), word("1GiB", "1024³ bytes")];
    const MONEY: &[Word] = &[
        form("$1.00", "\\$1.00", "one dollar"),
        form("$10.00", "\\$10.00", "ten dollars"),
    ];
    const RATIO: &[Word] = &[word("80%", "0.8"), word("20%", "0.2")];
    const VERSION: &[Word] = &[word("1.0.0", "a version")];
    const TIME: &[Word] = &[form(
        "\"2026-01-31T12:00:00Z\"",
        "\"${1:2026-01-31T12:00:00Z}\"",
        "a point in time",
    )];
    const URL: &[Word] = &[form("\"https://…\"", "\"https://${1:example.org}\"", "an address")];
    const REGEX: &[Word] = &[form("/^…$/", "/^${1:[a-z]+}\\$/", "a regular expression")];
    match ty.required() {
        Type::Duration => DURATION,
        Type::Size => SIZE,
        Type::Money => MONEY,
        Type::Float(_) => RATIO,
        Type::Version => VERSION,
        Type::Time => TIME,
        Type::Url => URL,
        Type::Regex => REGEX,
        Type::Principal => PRINCIPALS,
        Type::Bool => BOOLS,
        _ => &[],
    }
}

pub(in crate::ide) fn type_meaning(name: &str) -> &'static str {
    match name {
        "string" => "text; `string(3..200)` bounds its length, `string(/^[a-z]+$/)` its form",
        "int" => "a whole number; `int(0..10)` bounds it",
        "float" => "a number; ratios such as `80%` too",
        "bool" => "`true` or `false`",
        "duration" => "`250ms`, `30s`, `5m`, `4h`, `2d`, `1w`",
        "size" => "`500B`, `10KB`, `2GiB`",
        "money" => "`$10.00`, decimal",
        "time" => "a point in time, `\"2026-01-31T12:00:00Z\"`",
        "url" => "`\"https://example.org\"`",
        "path" => "the path of a file or folder",
        "regex" => "`/^[a-z]+$/`",
        "version" => "`1.2.0`",
        "principal" => "who: `role/release`, `user/alice`, `team/sre`",
        "json" => "data of any form; `as T` checks it",
        "file" => "a file, kept by its content",
        "dir" => "a folder, kept by its content",
        "list" => "items of one type; `list[T](5..)` bounds how many",
        "map" => "values of one type by text keys",
        "secret" => "a value that is never printed, logged or stored",
        _ => "a type",
    }
}

pub(in crate::ide) const fn runner(kind: RunnerKind) -> Word {
    match kind {
        RunnerKind::Shell => form("shell", "shell(\"$1\")", "a script"),
        RunnerKind::Http => form("http", "http(url: \"$1\")", "a request to a server"),
        RunnerKind::Mcp => form("mcp", "mcp(command: [\"$1\"], tool: \"$2\")", "a tool of an MCP server"),
        RunnerKind::Llm => form(
            "llm",
            "llm(model: \"$1\", url: \"$2\", prompt: \"$3\")",
            "a language model behind an OpenAI-style endpoint",
        ),
        RunnerKind::Human => form("human", "human(ask: \"$1\")", "a person"),
        RunnerKind::Builtin => form("builtin", "builtin($1)", "a capability of the language"),
    }
}

pub(in crate::ide) const fn effect(kind: EffectKind) -> Word {
    match kind {
        EffectKind::Read => form("read", "read(\"$1\")", "reads files: a folder, or a pattern"),
        EffectKind::Write => form("write", "write(\"$1\")", "writes files: a folder, or a pattern"),
        EffectKind::Network => form("network", "network(\"$1\")", "talks to a host"),
        EffectKind::Spend => word("spend", "costs money"),
        EffectKind::Destructive => word("destructive", "does what cannot be undone"),
    }
}

const MAX: Word = form("max", "max: ", "so many further attempts");
const BASE: Word = form("base", "base: ", "the first wait");
const OF_LINEAR: &[Word] = &[MAX, BASE, form("step", "step: ", "so much longer each time")];
const OF_EXPONENTIAL: &[Word] = &[
    MAX,
    BASE,
    form("cap", "cap: ", "no wait is longer"),
    form(
        "factor",
        "factor: ",
        "so many times longer each time; 2, unless it says otherwise",
    ),
    form(
        "jitter",
        "jitter: ",
        "whether waits vary by chance, so that not all come back at once",
    ),
];
const OF_HTTP: &[Word] = &[
    form("url", "url: ", "where to"),
    form("method", "method: ", "GET, POST, …"),
    form("headers", "headers: { $0 }", "fields of the request"),
    form("body", "body: ", "what is sent"),
    form("result", "result: ", "what of the answer is the result"),
];
const OF_MCP: &[Word] = &[
    form("command", "command: [\"$0\"]", "the program that is the server"),
    form("url", "url: ", "where the server is"),
    form("tool", "tool: ", "which of its tools"),
];
const OF_LLM: &[Word] = &[
    form("model", "model: ", "which model"),
    form("url", "url: ", "where the endpoint is"),
    form("prompt", "prompt: ", "what it is asked"),
    form("key", "key: ", "the secret that it is called with"),
];
const OF_HUMAN: &[Word] = &[form("ask", "ask: ", "the question")];
const OF_FILE: &[Word] = &[form("key", "key: \"$0\"", "one key of the file")];

/// The named arguments of what a clause calls.
pub(in crate::ide) fn arguments(called: &str) -> &'static [Word] {
    match called {
        "immediate" => &OF_LINEAR[..1],
        "linear" => OF_LINEAR,
        "exponential" => OF_EXPONENTIAL,
        "http" => OF_HTTP,
        "mcp" => OF_MCP,
        "llm" => OF_LLM,
        "human" => OF_HUMAN,
        "file" => OF_FILE,
        _ => &[],
    }
}
