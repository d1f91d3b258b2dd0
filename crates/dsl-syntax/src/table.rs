//! The table of declarations: which declarations there are, which clauses each may hold, what the value of a clause
//! looks like, whether it may repeat, and one line of documentation.
//!
//! The parser reads it to know what follows a key, the checker to say `unknown-clause`, `duplicate-clause` and
//! `missing-clause`, completion and hover to offer and explain, the docs to print the reference; the editor grammars
//! are tested against it. Adding a clause starts with a row here.

/// What can be declared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeclKind {
    Type,
    Capability,
    Agent,
    Policy,
    Plan,
    Profile,
    Test,
    Task,
    Gate,
    Decision,
    Hypothesis,
}

impl DeclKind {
    pub const ALL: [Self; 11] = [
        Self::Type,
        Self::Capability,
        Self::Agent,
        Self::Policy,
        Self::Plan,
        Self::Profile,
        Self::Test,
        Self::Task,
        Self::Gate,
        Self::Decision,
        Self::Hypothesis,
    ];

    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Capability => "capability",
            Self::Agent => "agent",
            Self::Policy => "policy",
            Self::Plan => "plan",
            Self::Profile => "profile",
            Self::Test => "test",
            Self::Task => "task",
            Self::Gate => "gate",
            Self::Decision => "decision",
            Self::Hypothesis => "hypothesis",
        }
    }

    /// As a sentence has it: `an agent`.
    pub fn with_article(self) -> String {
        let article = if self == Self::Agent { "an" } else { "a" };
        format!("{article} {}", self.keyword())
    }

    pub fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.keyword() == word)
    }

    /// Tasks, gates, decisions and hypotheses: what stands in a plan.
    pub const fn is_node(self) -> bool {
        matches!(self, Self::Task | Self::Gate | Self::Decision | Self::Hypothesis)
    }

    /// One line for hover, completion and the reference.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Type => "a record, an enumeration or an alias",
            Self::Capability => "a tool: typed input and output, effects, risks, how it is run",
            Self::Agent => "someone who provides capabilities, with limits and a circuit breaker",
            Self::Policy => "rules that plans must satisfy",
            Self::Plan => "a graph of tasks, gates and decisions, with parameters and outputs",
            Self::Profile => "overrides of a plan for one environment",
            Self::Test => "an evaluation case of a plan, in virtual time",
            Self::Task => "does one thing: a script, a capability call, a few calls in order, a plan, or nothing",
            Self::Gate => "lets the plan go on when its checks hold or a person approves",
            Self::Decision => "chooses which branch runs",
            Self::Hypothesis => "a possible explanation whose odds evidence changes",
        }
    }
}

/// What the value of a clause looks like.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Shape {
    /// An expression over the clause's scope.
    Expr,
    /// An expression without names: a number, a duration, `true`, an enumeration member.
    Literal,
    /// One name, dotted name or principal.
    Name,
    /// Names, dotted names or principals, separated by commas or spaces, or as `- item` lines.
    Names,
    /// Like `Names`, and patterns (`web.*`) too.
    Patterns,
    /// `a, b?, any(c, d), 2 of (e, f, g)`
    Needs,
    /// A string or a raw block of prose.
    Text,
    /// A raw block of script, or a one-line string.
    Script,
    /// `name: type = default` lines.
    Fields,
    /// `name: expr` lines.
    Assigns,
    /// `name: type = expr` lines.
    Typed,
    /// `key: type scope:run = default` lines.
    Memory,
    /// `- expr` lines, or one expression.
    Items,
    /// `x in expr by expr`
    Each,
    /// `3`, or a call, and `on mode, mode`.
    Retry,
    /// `web.search(query: q) -> hits` lines.
    Steps,
    /// `fail name when expr "message"`
    Fail,
    /// `remember key = expr`
    Remember,
    /// `supports H when expr by 4`
    Evidence,
    /// `on event -> node`
    Route,
    /// `when expr -> node`
    Arm,
    /// `else -> node`
    ElseArm,
    /// `- a "Title": "note"` lines.
    Options,
    /// `read("src/**"), network("host")`
    Effects,
    /// `$0.002 per call, $50 per 1h`
    Rates,
    /// `requests: 100 per 1m` lines.
    Limits,
    /// `5 failures in 1m, probe after 30s`
    Breaker,
    /// `shell("…")`
    Call,
    /// The `trigger:` block.
    Trigger,
    /// `alert "name" when expr severity:high`
    Alert,
    /// `task where expr`
    Selector,
    /// `rule name "Title"` and its clauses.
    Rule,
    /// An expression with graph predicates.
    Predicate,
    /// `mock web.search -> { … }`
    Mock,
    /// `approve gate as role/x`
    Decide,
    /// `"a", "b"`: strings.
    Strings,
}

impl Shape {
    /// Whether the value is made of the lines below its key, and of nothing else.
    pub const fn has_lines_only(self) -> bool {
        matches!(
            self,
            Self::Fields
                | Self::Assigns
                | Self::Typed
                | Self::Memory
                | Self::Steps
                | Self::Options
                | Self::Limits
                | Self::Trigger
        )
    }
}

/// One clause of one declaration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    pub key: ClauseKey,
    pub shape: Shape,
    /// May stand more than once (`on`, `fail`, `remember`).
    pub repeats: bool,
    /// The declaration is incomplete without it.
    pub required: bool,
    pub doc: &'static str,
}

const fn row(key: ClauseKey, shape: Shape, doc: &'static str) -> Row {
    Row {
        key,
        shape,
        repeats: false,
        required: false,
        doc,
    }
}
const fn many(key: ClauseKey, shape: Shape, doc: &'static str) -> Row {
    Row {
        key,
        shape,
        repeats: true,
        required: false,
        doc,
    }
}
const fn must(key: ClauseKey, shape: Shape, doc: &'static str) -> Row {
    Row {
        key,
        shape,
        repeats: false,
        required: true,
        doc,
    }
}

macro_rules! keys {
    ($($variant:ident $word:literal),* $(,)?) => {
        /// The key of a clause, one for each word.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum ClauseKey { $($variant),* }

        impl ClauseKey {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

keys! {
    Alert "alert", Allow "allow", Applies "applies", Approve "approve", Approver "approver", Assumes "assumes",
    Breaker "breaker", Budget "budget", By "by", Cache "cache", Call "call", Capabilities "capabilities", Checks "checks",
    Confidence "confidence", Cost "cost", Deny "deny", Description "description", Dir "dir", Do "do", Each "each",
    Effects "effects", Else "else", Env "env", Expect "expect", Fail "fail", Failure "failure", Fallback "fallback", For "for",
    From "from", Given "given", Idempotent "idempotent", Input "input", Intent "intent", Judge "judge", Key "key",
    Keywords "keywords", Kind "kind", Labels "labels", Limit "limit", Limits "limits", Memory "memory", Mock "mock",
    Needs "needs", Network "network", On "on", Optional "optional", Options "options", Output "output", Outputs "outputs",
    Owner "owner", Parallel "parallel", Params "params", Prior "prior", Priority "priority", Provides "provides",
    Quorum "quorum", Read "read", Refutes "refutes", Reject "reject", Remember "remember", Require "require",
    Requires "requires", Retry "retry", Risks "risks", Rollback "rollback", Rule "rule", Run "run", Runner "runner",
    Secrets "secrets", Severity "severity", Shell "shell", Supports "supports", Tasks "tasks", Time "time",
    Timeout "timeout", Tokens "tokens", Tolerate "tolerate", Trigger "trigger", Using "using", Version "version",
    When "when", Write "write",
}

use ClauseKey as K;
use Shape as S;

const CAPABILITY: &[Row] = &[
    row(K::Description, S::Text, "what it does, at length"),
    row(K::Input, S::Fields, "what it takes: typed fields with defaults"),
    row(K::Output, S::Fields, "what it gives: typed fields"),
    row(K::Effects, S::Effects, "what it touches outside the run"),
    row(K::Risks, S::Names, "what can go wrong, as names that policies can use"),
    row(K::Cost, S::Rates, "what a call costs, for bounds and budgets"),
    row(
        K::Idempotent,
        S::Literal,
        "whether calling it twice does no more than calling it once",
    ),
    row(
        K::Runner,
        S::Call,
        "how it is run; without it the capability is abstract",
    ),
];

const AGENT: &[Row] = &[
    row(K::Description, S::Text, "who this is, at length"),
    must(K::Provides, S::Names, "the capabilities it can carry out"),
    row(K::Limits, S::Limits, "its quotas: requests, tokens, concurrent, cost"),
    row(K::Breaker, S::Breaker, "when to stop calling it, and when to try again"),
    row(
        K::Runner,
        S::Call,
        "how it runs the abstract capabilities that it provides",
    ),
];

const POLICY: &[Row] = &[
    row(K::Description, S::Text, "why the policy exists"),
    row(
        K::Applies,
        S::Selector,
        "which plans it binds; without it, all of its reach",
    ),
    row(
        K::Allow,
        S::Trigger,
        "what may be used: capabilities, network, read, write",
    ),
    row(K::Limit, S::Trigger, "upper bounds: cost, time, tasks, tokens"),
    many(K::Rule, S::Rule, "a rule over nodes of the graph"),
];

/// Clauses of a policy's `allow:` block.
pub const ALLOW: &[Row] = &[
    row(K::Capabilities, S::Patterns, "capabilities that tasks may use"),
    row(K::Network, S::Strings, "hosts that may be reached"),
    row(K::Read, S::Strings, "paths that may be read"),
    row(K::Write, S::Strings, "paths that may be written"),
];

/// Clauses of a policy's `limit:` block.
pub const LIMIT: &[Row] = &[
    row(K::Cost, S::Literal, "the most that a run may cost"),
    row(K::Time, S::Literal, "the longest that a run may take"),
    row(K::Tasks, S::Literal, "the most tasks that a plan may have"),
    row(K::Tokens, S::Literal, "the most tokens that a run may use"),
];

/// Clauses of a policy's `rule`.
pub const RULE: &[Row] = &[
    row(K::For, S::Selector, "the nodes the rule is about"),
    row(K::Require, S::Predicate, "what must hold for each of them"),
    row(K::Deny, S::Predicate, "what must not hold"),
    row(K::Severity, S::Name, "`error` (the default) or `warning`"),
];

/// Clauses of a plan's `trigger:` block.
pub const TRIGGER: &[Row] = &[
    row(K::Intent, S::Names, "intents of a request that pick this plan"),
    row(K::Keywords, S::Names, "words of a request that pick this plan"),
    row(K::When, S::Expr, "a condition over `context`"),
    row(K::Confidence, S::Literal, "the least score that picks the plan"),
];

const PLAN: &[Row] = &[
    row(K::Version, S::Literal, "the plan's version, `1.2.0`"),
    row(K::Owner, S::Name, "who answers for it: `team/sre`"),
    row(K::Description, S::Text, "what it is for, at length"),
    row(K::Labels, S::Names, "names that policies can use"),
    row(K::Params, S::Fields, "typed parameters with defaults"),
    row(K::Outputs, S::Typed, "what a finished run gives: `name: type = expr`"),
    row(K::Memory, S::Memory, "durable facts: `key: type scope:run`"),
    row(K::Secrets, S::Assigns, "`name: env(\"VAR\")` or `name: file(\"path\")`"),
    row(
        K::Budget,
        S::Assigns,
        "the most a run may use: time, cost, tokens; `alert: 80%`",
    ),
    row(K::Limits, S::Limits, "parallel, queue, requests, tokens, cost"),
    row(K::Retry, S::Retry, "the default retry of the plan's tasks"),
    row(K::Timeout, S::Literal, "bounds the whole run"),
    row(
        K::Failure,
        S::Name,
        "`abort` (the default) or `continue` with independent branches",
    ),
    row(
        K::Dir,
        S::Expr,
        "the folder its scripts run in, unless a task says otherwise",
    ),
    row(
        K::Judge,
        S::Name,
        "who decides prose expectations: `human`, or a capability",
    ),
    row(K::Trigger, S::Trigger, "when a request should pick this plan"),
    many(K::Alert, S::Alert, "raised as an event while running"),
];

const PROFILE: &[Row] = &[];

const TEST: &[Row] = &[
    row(K::Given, S::Assigns, "the plan's parameters"),
    many(
        K::Mock,
        S::Mock,
        "what a capability or a script answers instead of running",
    ),
    many(K::Approve, S::Decide, "a person approves a gate"),
    many(K::Reject, S::Decide, "a person rejects a gate"),
    must(K::Expect, S::Items, "what must hold when the run has ended"),
];

const TASK: &[Row] = &[
    row(K::Kind, S::Name, "what sort of work this is"),
    row(K::Using, S::Name, "the capability that does it"),
    row(K::Needs, S::Needs, "what must be completed first"),
    row(K::When, S::Expr, "false: the task is skipped, and so is what needs it"),
    row(K::Each, S::Each, "one instance an item: `x in expr by x.id`"),
    row(K::Parallel, S::Literal, "how many instances of `each` run at once"),
    row(
        K::Tolerate,
        S::Literal,
        "how many instances may fail: a count or a ratio",
    ),
    row(K::Input, S::Assigns, "what the capability or script gets"),
    row(K::Env, S::Assigns, "environment variables of the script"),
    row(K::Dir, S::Expr, "the folder the script runs in"),
    row(
        K::Shell,
        S::Expr,
        "the shell of the script; the default is `bash -euo pipefail`",
    ),
    row(
        K::Run,
        S::Script,
        "a script; `{{ expr }}` becomes a quoted environment variable",
    ),
    row(K::Do, S::Steps, "capability calls in order, each a durable step"),
    row(K::Call, S::Name, "a plan to run as a part of this one"),
    row(K::Output, S::Typed, "what the task gives: `name: type = capture`"),
    many(
        K::Fail,
        S::Fail,
        "names a failure mode: `fail name when expr \"message\"`",
    ),
    row(
        K::Expect,
        S::Items,
        "what must hold afterwards: expressions, or prose for the judge",
    ),
    row(K::Requires, S::Items, "what must hold before it starts"),
    row(K::Retry, S::Retry, "further attempts after a failure"),
    row(K::Timeout, S::Expr, "bounds one attempt"),
    row(K::Priority, S::Literal, "ready tasks with a higher number start first"),
    row(K::Owner, S::Name, "who answers for it"),
    row(K::Labels, S::Names, "names that policies can use"),
    row(K::Risks, S::Names, "what can go wrong, as names that policies can use"),
    row(K::Assumes, S::Items, "what is taken for granted"),
    row(K::Description, S::Text, "what it does, at length"),
    row(K::Budget, S::Assigns, "the most it may use: time, cost, tokens"),
    row(K::By, S::Names, "which agents may do it, in order of preference"),
    row(
        K::Effects,
        S::Effects,
        "what the script touches: read, write, network, spend, destructive",
    ),
    row(
        K::Idempotent,
        S::Literal,
        "whether a doubtful attempt may be repeated after a crash",
    ),
    row(K::Key, S::Expr, "an idempotency key handed to the capability"),
    row(K::Cache, S::Literal, "how long an earlier run's result may be reused"),
    row(
        K::Fallback,
        S::Name,
        "the task whose outputs stand in for it if it fails for good",
    ),
    row(K::Rollback, S::Script, "undoes the task when the run aborts"),
    many(
        K::Remember,
        S::Remember,
        "writes memory when the task completes: `remember key = expr`",
    ),
    many(
        K::Supports,
        S::Evidence,
        "evidence for a hypothesis: `supports H when expr by 4`",
    ),
    many(
        K::Refutes,
        S::Evidence,
        "evidence against a hypothesis: `refutes H when expr by 4`",
    ),
    row(K::Optional, S::Literal, "its failure does not fail the run"),
    many(K::On, S::Route, "what starts when it settles: `on failure -> node`"),
];

const GATE: &[Row] = &[
    row(K::Needs, S::Needs, "what must be completed first"),
    row(K::When, S::Expr, "false: the gate is skipped, and so is what needs it"),
    row(
        K::Approver,
        S::Names,
        "who may decide; without it the gate is automatic",
    ),
    row(K::Quorum, S::Literal, "how many must approve"),
    row(
        K::Checks,
        S::Items,
        "what must hold: expressions, or prose for the approver",
    ),
    row(K::Run, S::Script, "a script that must succeed"),
    row(K::Env, S::Assigns, "environment variables of the script"),
    row(K::Dir, S::Expr, "the folder the script runs in"),
    row(K::Shell, S::Expr, "the shell of the script"),
    row(K::Effects, S::Effects, "what the script touches"),
    row(K::Timeout, S::Expr, "how long it waits"),
    row(K::Options, S::Options, "choices that the approver picks from"),
    row(K::Priority, S::Literal, "ready nodes with a higher number start first"),
    row(K::Owner, S::Name, "who answers for it"),
    row(K::Labels, S::Names, "names that policies can use"),
    row(K::Description, S::Text, "what it guards, at length"),
    row(K::Optional, S::Literal, "its rejection does not fail the run"),
    many(K::On, S::Route, "what starts when it settles: `on rejected -> node`"),
];

const DECISION: &[Row] = &[
    row(K::Needs, S::Needs, "what must be completed first"),
    row(K::From, S::Name, "`hypotheses`: picks the most likely one"),
    many(K::When, S::Arm, "an arm: `when expr -> node`; the first true one wins"),
    row(K::Else, S::ElseArm, "the arm taken when no other is: `else -> node`"),
    row(K::Owner, S::Name, "who answers for it"),
    row(K::Labels, S::Names, "names that policies can use"),
    row(K::Description, S::Text, "what is decided, at length"),
    many(K::On, S::Route, "`on HYPOTHESIS -> node`, or a route on its failure"),
];

const HYPOTHESIS: &[Row] = &[
    must(K::Prior, S::Literal, "how likely it is before any evidence: `40%`"),
    row(K::Description, S::Text, "what is supposed, at length"),
];

/// The clauses of a declaration, in the order the reference lists them. `Type` and `Profile` have none: a type holds
/// fields, a profile's lines are paths into its plan.
pub const fn clauses(kind: DeclKind) -> &'static [Row] {
    match kind {
        DeclKind::Type => &[],
        DeclKind::Capability => CAPABILITY,
        DeclKind::Agent => AGENT,
        DeclKind::Policy => POLICY,
        DeclKind::Plan => PLAN,
        DeclKind::Profile => PROFILE,
        DeclKind::Test => TEST,
        DeclKind::Task => TASK,
        DeclKind::Gate => GATE,
        DeclKind::Decision => DECISION,
        DeclKind::Hypothesis => HYPOTHESIS,
    }
}

/// The clauses inside a clause that is itself a block of clauses.
pub const fn nested(kind: DeclKind, key: ClauseKey) -> Option<&'static [Row]> {
    match (kind, key) {
        (DeclKind::Policy, ClauseKey::Allow) => Some(ALLOW),
        (DeclKind::Policy, ClauseKey::Limit) => Some(LIMIT),
        (DeclKind::Policy, ClauseKey::Rule) => Some(RULE),
        (DeclKind::Plan, ClauseKey::Trigger) => Some(TRIGGER),
        _ => None,
    }
}

/// Finds a clause of `rows` by its word.
pub fn find(rows: &'static [Row], word: &str) -> Option<&'static Row> {
    rows.iter().find(|row| row.key.word() == word)
}
