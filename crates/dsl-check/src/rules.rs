//! The table of rules: one row each, and beside it (`rules/NAME.md`) the page that explains the rule and holds the examples
//! that the tests compile.
//!
//! A rule is listed here when this build can raise it, and not before.

use crate::diagnostic::Severity;

/// One rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Stable, kebab-case.
    pub name: &'static str,
    pub group: &'static str,
    /// Unless `[lint]` in `dslc.toml` says otherwise.
    pub severity: Severity,
    /// Whether a machine can repair it …
    pub repair: Repair,
    /// … and how, or why not.
    pub repaired: &'static str,
    /// Markdown: what it says, why, *Wrong*, *Right*.
    pub page: &'static str,
}

/// What a machine can do about a mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repair {
    /// At least where nothing else can be meant, unseen: `--fix`.
    Safe,
    /// When asked to guess: `--unsafe-fixes`.
    Asked,
    /// Nothing.
    None,
}

impl Rule {
    /// Whether a plan that breaks it would be another one than is written, or none: such a rule is always an error, which
    /// no comment and no setting silences.
    pub fn is_essential(&self) -> bool {
        match self.group {
            "text" | "names" => true,
            "shape" => self.name != UNKNOWN_KIND,
            "types" => !["not-optional-safe", NOT_EXHAUSTIVE, "interpolation-in-quotes"].contains(&self.name),
            "graph" => [DEPENDENCY_CYCLE, UNDECLARED_DEPENDENCY, RECURSIVE_CALL].contains(&self.name),
            "capability" => self.name == ABSTRACT_CAPABILITY,
            _ => false,
        }
    }

    /// The first sentence of the page, below its title, without its full stop.
    pub fn summary(&self) -> &'static str {
        let prose = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let line = self.page.lines().map(str::trim).find(prose).unwrap_or_default();
        line.split_once(". ")
            .map_or(line, |(first, _)| first)
            .trim_end_matches('.')
    }
}

macro_rules! rules {
    ($($($const:ident)? $name:literal $group:literal $severity:ident $repair:ident $repaired:literal;)*) => {
        // those that only the parser and the checker of types raise go by their text
        $($(pub(crate) const $const: &str = $name;)?)*

        /// All rules, by group in the order of the reference.
        pub const RULES: &[Rule] = &[
            $(Rule {
                name: $name,
                group: $group,
                severity: Severity::$severity,
                repair: Repair::$repair,
                repaired: $repaired,
                page: include_str!(concat!("../rules/", $name, ".md")),
            }),*
        ];
    };
}

rules! {
    SYNTAX "syntax" "text" Error Asked "puts in the colon, bracket or space that can stand nowhere else, takes out the one too many";
    "indentation" "text" Error Asked "gives a line the indentation of those beside it";
    TAB_INDENTATION "tab-indentation" "text" Error Safe "makes spaces of the tabs, in all of the file";
    "unterminated-string" "text" Error Asked "closes the string at the end of its line";
    INVALID_LITERAL "invalid-literal" "text" Error Asked "writes the unit as it is written here: `5min` is `5m`";
    "not-utf8" "text" Error None "the bytes do not say which encoding they are in";
    "file-too-large" "text" Error None "where to split a plan is its author's choice";
    UNKNOWN_CLAUSE "unknown-clause" "shape" Error Safe "writes the nearest clause; unseen only where it is one slip away from one";
    DUPLICATE_CLAUSE "duplicate-clause" "shape" Error Asked "removes the later one";
    MISSING_CLAUSE "missing-clause" "shape" Error Asked "adds what may stand there to begin with: a person who approves, even odds, the expectation that the run completes";
    MISPLACED_CLAUSE "misplaced-clause" "shape" Error Asked "calls it what it is called in this declaration: the `checks` of a task are its `expect`";
    CONFLICTING_CLAUSES "conflicting-clauses" "shape" Error Asked "removes the clause that means nothing without another; puts `else` last; lets a mock that never ends answer once";
    UNKNOWN_KIND "unknown-kind" "shape" Error Safe "writes the nearest kind; unseen only where it is one slip away from one";
    UNRESOLVED_NAME "unresolved-name" "names" Error Safe "writes the nearest name; unseen only where it is one slip away from one. Adds a secret that a capability needs";
    DUPLICATE_NAME "duplicate-name" "names" Error Asked "gives the later one a free name; takes out what is listed twice";
    UNRESOLVED_IMPORT "unresolved-import" "names" Error Asked "picks the nearest name, or the nearest file";
    AMBIGUOUS_IMPORT "ambiguous-import" "names" Error None "which of the two is meant, only the author knows";
    TYPE_MISMATCH "type-mismatch" "types" Error Asked "converts: quotes put on or taken off, `string(…)`, `int(…)`, `as T`, a list of one; takes the quotes off a member unseen";
    UNIT_MISMATCH "unit-mismatch" "types" Error Asked "gives a plain number a unit: `timeout: 30` is `30s`";
    MISSING_INPUT "missing-input" "types" Error Asked "hands on the parameter of the same name; in a test, gives some value of the type";
    UNKNOWN_INPUT "unknown-input" "types" Error Safe "writes the nearest input; unseen only where it is one slip away from one";
    "missing-field" "types" Error None "what the field holds, only the author knows";
    OUT_OF_RANGE "out-of-range" "types" Error Asked "takes the nearest value that is allowed, swaps bounds, removes a sign";
    "not-optional-safe" "types" Error Asked "takes an empty value where there is none: `x ?? \"\"`";
    UNKNOWN_FUNCTION "unknown-function" "types" Error Safe "writes the nearest function, or what one of another language is called here; unseen only where it is one slip away from one";
    WRONG_ARGUMENTS "wrong-arguments" "types" Error Safe "writes the nearest parameter; unseen only where it is one slip away from one";
    NOT_EXHAUSTIVE "not-exhaustive" "types" Error Asked "adds an `else` that leads where the last arm does";
    "invalid-regex" "types" Error Asked "matches the pattern as plain text";
    "interpolation-in-quotes" "types" Error Asked "closes the quotes around the interpolation, removes the backslash before it";
    DEPENDENCY_CYCLE "dependency-cycle" "graph" Error Asked "takes out the need where the loop is reported, if it is one";
    UNDECLARED_DEPENDENCY "undeclared-dependency" "graph" Error Safe "adds the node to `needs:`";
    UNREACHABLE_NODE "unreachable-node" "graph" Error Asked "takes out the need that the rest contradicts";
    IMPOSSIBLE_JOIN "impossible-join" "graph" Error Asked "needs any of them instead of all";
    DEAD_ROUTE "dead-route" "graph" Warning Asked "removes the route or arm";
    RECURSIVE_CALL "recursive-call" "graph" Error None "which of the calls is too many, only the author knows";
    WRITE_CONFLICT "write-conflict" "graph" Error Asked "lets one wait for the other";
    FALLBACK_MISMATCH "fallback-mismatch" "graph" Error None "how the fallback comes by the missing output, only the author knows";
    AGENT_LACKS_CAPABILITY "agent-lacks-capability" "capability" Error Asked "names the agent that can do it, or lets this one provide it";
    ABSTRACT_CAPABILITY "abstract-capability" "capability" Error None "how it is carried out, only the author knows";
    NON_IDEMPOTENT_RETRY "non-idempotent-retry" "capability" Warning Asked "does not retry it";
    UNHANDLED_DOUBT "unhandled-doubt" "capability" Warning Asked "leads where a failure of the node leads";
    UNDECLARED_EFFECT "undeclared-effect" "capability" Error Asked "declares the most that the policy allows";
    CAPABILITY_DRIFT "capability-drift" "capability" Error None "the declaration and what uses it change together; `dslc check --against FILE --write-lock` pins the tool anew";
    POLICY_VIOLATION "policy-violation" "policy" Error Asked "sets the clause that the rule asks for, or adds the need";
    CAPABILITY_DENIED "capability-denied" "policy" Error None "a repair would lift the policy or drop the work";
    EFFECT_DENIED "effect-denied" "policy" Error None "a repair would lift the policy or hide the effect";
    LIMIT_EXCEEDED "limit-exceeded" "policy" Error Asked "lowers the budget or timeout to the limit";
    SECRET_LEAK "secret-leak" "policy" Error None "which way the secret should not go, only the author knows";
    BUDGET_EXCEEDED "budget-exceeded" "bounds" Error Asked "raises the budget to the worst case";
    TIMEOUT_EXCEEDS_PARENT "timeout-exceeds-parent" "bounds" Error Asked "raises the plan's timeout, or lowers the task's";
    UNUSED_NAME "unused-name" "lints" Warning Safe "removes it; unseen only what an import picks";
    UNUSED_OUTPUT "unused-output" "lints" Warning Asked "removes it";
    REDUNDANT_NEED "redundant-need" "lints" Hint Safe "removes it";
    MISSING_TIMEOUT "missing-timeout" "lints" Hint Asked "adds `timeout: 10m`";
    UNVERIFIABLE_EXPECTATION "unverifiable-expectation" "lints" Hint Asked "lets a person judge";
    SHADOWED_NAME "shadowed-name" "lints" Warning Asked "gives the variable another name, wherever it is read";
    RACY_JOIN "racy-join" "lints" Warning Asked "waits for all of them";
    OPTIONAL_NEEDS_QUESTION "optional-needs-question" "lints" Warning Asked "writes the `?`";
    "stray-dollar" "lints" Warning Asked "removes the `$`";
    SHELL_LINT "shell-lint" "lints" Warning Asked "makes the replacements that shellcheck proposes";
    UNUSED_SUPPRESSION "unused-suppression" "lints" Warning Safe "removes it";
}

/// The rule of that name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Whether only policies raise it.
pub(crate) fn of_policies(name: &str) -> bool {
    [
        UNDECLARED_EFFECT,
        POLICY_VIOLATION,
        CAPABILITY_DENIED,
        EFFECT_DENIED,
        LIMIT_EXCEEDED,
    ]
    .contains(&name)
}

/// The rule that has this name, as the `&'static str` that diagnostics hold.
pub(crate) fn name(name: &str) -> &'static str {
    find(name).map_or(SYNTAX, |rule| rule.name)
}
