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
    /// Markdown: what it says, why, *Wrong*, *Right*.
    pub page: &'static str,
}

impl Rule {
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
    ($($($const:ident)? $name:literal $group:literal $severity:ident;)*) => {
        // those that only the parser and the checker of types raise go by their text
        $($(pub(crate) const $const: &str = $name;)?)*

        /// All rules, by group in the order of the reference.
        pub const RULES: &[Rule] = &[
            $(Rule {
                name: $name,
                group: $group,
                severity: Severity::$severity,
                page: include_str!(concat!("../rules/", $name, ".md")),
            }),*
        ];
    };
}

rules! {
    SYNTAX "syntax" "text" Error;
    "indentation" "text" Error;
    TAB_INDENTATION "tab-indentation" "text" Error;
    "unterminated-string" "text" Error;
    INVALID_LITERAL "invalid-literal" "text" Error;
    "not-utf8" "text" Error;
    "file-too-large" "text" Error;
    UNKNOWN_CLAUSE "unknown-clause" "shape" Error;
    DUPLICATE_CLAUSE "duplicate-clause" "shape" Error;
    MISSING_CLAUSE "missing-clause" "shape" Error;
    MISPLACED_CLAUSE "misplaced-clause" "shape" Error;
    CONFLICTING_CLAUSES "conflicting-clauses" "shape" Error;
    UNKNOWN_KIND "unknown-kind" "shape" Error;
    UNRESOLVED_NAME "unresolved-name" "names" Error;
    DUPLICATE_NAME "duplicate-name" "names" Error;
    UNRESOLVED_IMPORT "unresolved-import" "names" Error;
    AMBIGUOUS_IMPORT "ambiguous-import" "names" Error;
    TYPE_MISMATCH "type-mismatch" "types" Error;
    UNIT_MISMATCH "unit-mismatch" "types" Error;
    MISSING_INPUT "missing-input" "types" Error;
    UNKNOWN_INPUT "unknown-input" "types" Error;
    "missing-field" "types" Error;
    OUT_OF_RANGE "out-of-range" "types" Error;
    "not-optional-safe" "types" Error;
    UNKNOWN_FUNCTION "unknown-function" "types" Error;
    WRONG_ARGUMENTS "wrong-arguments" "types" Error;
    NOT_EXHAUSTIVE "not-exhaustive" "types" Error;
    "invalid-regex" "types" Error;
    "interpolation-in-quotes" "types" Error;
    DEPENDENCY_CYCLE "dependency-cycle" "graph" Error;
    UNDECLARED_DEPENDENCY "undeclared-dependency" "graph" Error;
    UNREACHABLE_NODE "unreachable-node" "graph" Error;
    IMPOSSIBLE_JOIN "impossible-join" "graph" Error;
    DEAD_ROUTE "dead-route" "graph" Warning;
    RECURSIVE_CALL "recursive-call" "graph" Error;
    WRITE_CONFLICT "write-conflict" "graph" Error;
    FALLBACK_MISMATCH "fallback-mismatch" "graph" Error;
    AGENT_LACKS_CAPABILITY "agent-lacks-capability" "capability" Error;
    ABSTRACT_CAPABILITY "abstract-capability" "capability" Error;
    NON_IDEMPOTENT_RETRY "non-idempotent-retry" "capability" Warning;
    UNHANDLED_DOUBT "unhandled-doubt" "capability" Warning;
    UNDECLARED_EFFECT "undeclared-effect" "capability" Error;
    CAPABILITY_DRIFT "capability-drift" "capability" Error;
    POLICY_VIOLATION "policy-violation" "policy" Error;
    CAPABILITY_DENIED "capability-denied" "policy" Error;
    EFFECT_DENIED "effect-denied" "policy" Error;
    LIMIT_EXCEEDED "limit-exceeded" "policy" Error;
    SECRET_LEAK "secret-leak" "policy" Error;
    BUDGET_EXCEEDED "budget-exceeded" "bounds" Error;
    TIMEOUT_EXCEEDS_PARENT "timeout-exceeds-parent" "bounds" Error;
    UNUSED_NAME "unused-name" "lints" Warning;
    UNUSED_OUTPUT "unused-output" "lints" Warning;
    REDUNDANT_NEED "redundant-need" "lints" Hint;
    MISSING_TIMEOUT "missing-timeout" "lints" Hint;
    UNVERIFIABLE_EXPECTATION "unverifiable-expectation" "lints" Hint;
    SHADOWED_NAME "shadowed-name" "lints" Warning;
    RACY_JOIN "racy-join" "lints" Warning;
    OPTIONAL_NEEDS_QUESTION "optional-needs-question" "lints" Warning;
    SHELL_LINT "shell-lint" "lints" Warning;
    UNUSED_SUPPRESSION "unused-suppression" "lints" Warning;
}

/// The rule of that name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// The rule that has this name, as the `&'static str` that diagnostics hold.
pub(crate) fn name(name: &str) -> &'static str {
    find(name).map_or(SYNTAX, |rule| rule.name)
}
