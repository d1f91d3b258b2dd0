//! From a policy as written to a policy as judged; what is wrong with it is reported on the way.
//!
//! The same pass serves the diagnostics of the policy's own chunk and the compiled form, so what has been reported is
//! never judged by. Absent: what depends on the rest of the workspace (which kinds and capabilities there are), plans.

use dsl_syntax::ast::{Clause, Decl, Expr, ExprKind, Name, Rule as Written, Selector as WrittenSelector, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::conditions::Conditions;
use super::model::{Allow, Condition, Limits, Policy, Rule, Selector, What};
use crate::rules;
use crate::signatures::clause;
use crate::types::{Env, Lookup, Namespace, Problem, Report, literal_duration, literal_int, literal_money};

/// What a policy is compiled from, and where its mistakes go.
pub(crate) struct Compiler<'a> {
    /// The text of the block.
    pub text: &'a str,
    /// The kinds that there are; empty: not asked.
    pub kinds: &'a [SmolStr],
    pub report: &'a mut Report,
}

/// The names of a policy's literals: there are none.
pub(super) struct Nothing(pub ir::types::Types);

impl Nothing {
    pub fn new() -> Self {
        Self(ir::types::Types::default())
    }
}

impl Env for Nothing {
    fn types(&self) -> &ir::types::Types {
        &self.0
    }
    fn type_named(&self, _: &str) -> Option<ir::types::Type> {
        None
    }
    fn type_names(&self) -> Vec<SmolStr> {
        Vec::new()
    }
    fn first(&self, _: &str, _: Span, _: &mut Report) -> Lookup {
        Lookup::NotFound { candidates: Vec::new() }
    }
    fn member(&self, _: &Namespace, _: &Name, _: &mut Report) -> Lookup {
        Lookup::NotFound { candidates: Vec::new() }
    }
}

impl Compiler<'_> {
    pub fn policy(&mut self, decl: &Decl, name: SmolStr) -> Policy {
        let rules = decl.clauses.iter().filter_map(|clause| match &clause.value {
            Value::Rule(rule) => Some(rule),
            _ => None,
        });
        let rules: Vec<&Written> = rules.collect();
        self.duplicate_rules(&rules);
        Policy {
            name,
            applies: clause(decl, K::Applies).map(|clause| self.applies(clause)),
            allow: self.allow(nested(decl, K::Allow)),
            limit: self.limits(nested(decl, K::Limit)),
            rules: (0..).zip(rules).map(|(at, rule)| self.rule(rule, at)).collect(),
        }
    }

    fn duplicate_rules(&mut self, rules: &[&Written]) {
        for (at, rule) in rules.iter().enumerate() {
            let before = rules[..at].iter().find(|before| before.name.text == rule.name.text);
            if let Some(before) = before {
                let message = format!(
                    "there are two rules `{}` in this policy, expected different names",
                    rule.name.text
                );
                let problem = Problem::new(rules::DUPLICATE_NAME, rule.name.span, message);
                self.report.push(problem.label(before.name.span, "first here"));
            }
        }
    }

    /// `plan where …`
    fn applies(&mut self, clause: &Clause) -> Condition {
        let Value::Selector(written) = &clause.value else {
            return Condition::Unknown;
        };
        if written.what.text != "plan" {
            let message = format!("`applies` of a {}, expected `plan where …`", written.what.text);
            let problem = Problem::new(rules::TYPE_MISMATCH, written.what.span, message);
            self.report
                .push(problem.help("a policy binds whole plans; which nodes a rule is about says its `for:`"));
            return Condition::Unknown;
        }
        let selector = self.selector(written);
        selector.filter.unwrap_or(Condition::Constant(true))
    }

    /// As its text is on one line.
    pub fn shown(&self, span: Span) -> SmolStr {
        let text = self
            .text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").into()
    }

    pub fn selector(&mut self, written: &WrittenSelector) -> Selector {
        let what = What::from_word(&written.what.text).unwrap_or(What::Node);
        let filter = written
            .filter
            .as_ref()
            .map(|filter| Conditions::new(self, what).condition(filter));
        Selector {
            what,
            filter,
            text: self.shown(written.span),
        }
    }

    // ---- rules ----

    fn rule(&mut self, written: &Written, at: u32) -> Rule {
        let of = |key: K| written.clauses.iter().find(|clause| clause.key == Some(key));
        let about = match of(K::For).map(|clause| &clause.value) {
            Some(Value::Selector(selector)) => Some(self.selector(selector)),
            Some(_) => Some(nobody()),
            None => None,
        };
        let what = about.as_ref().map_or(What::Node, |about| about.what);
        let before = self.report.problems.len();
        let require = of(K::Require).and_then(|clause| self.demand(clause, what));
        let deny = of(K::Deny).and_then(|clause| self.demand(clause, what));
        let understood = self.report.problems.len() == before;
        let about = about.unwrap_or_else(|| self.about_all(written, [&require, &deny], understood));
        Rule {
            name: written.name.text.clone(),
            title: written.title.as_ref().and_then(|title| title.plain()),
            at,
            about,
            require,
            deny,
            warns: of(K::Severity).is_some_and(|clause| self.warns(clause)),
        }
    }

    fn demand(&mut self, clause: &Clause, what: What) -> Option<Condition> {
        match &clause.value {
            Value::Expr(expr) => Some(Conditions::new(self, what).condition(expr)),
            _ => None,
        }
    }

    /// A rule without `for`: where values flow is asked of every node, anything else of those that it names.
    fn about_all(&mut self, written: &Written, says: [&Option<Condition>; 2], understood: bool) -> Selector {
        if says.iter().any(|says| says.as_ref().is_some_and(Condition::asks_flow)) {
            return Selector {
                what: What::Node,
                filter: None,
                text: "node".into(),
            };
        }
        let broken = written.clauses.iter().any(|clause| clause.key.is_none());
        let demands = says.iter().any(|says| says.is_some());
        if understood && !broken && demands {
            let message = format!("the rule `{}` is about nothing, expected `for:`", written.name.text);
            let problem = Problem::new(rules::MISSING_CLAUSE, written.name.span, message);
            self.report
                .push(problem.help("add a line `for: task`, `for: gate where …` or `for: plan`"));
        }
        nobody()
    }

    fn warns(&mut self, clause: &Clause) -> bool {
        let Value::Names(names) = &clause.value else {
            return false;
        };
        let Some(name) = names.first() else { return false };
        if !matches!(name.text.as_str(), "error" | "warning") {
            let known = ["error", "warning"].map(SmolStr::from);
            let message = format!("`severity` is `{}`, expected `error` or `warning`", name.text);
            let near: Vec<SmolStr> = if name.text == "warn" {
                vec![known[1].clone()]
            } else {
                known.to_vec()
            };
            let problem = Problem::new(rules::UNRESOLVED_NAME, name.span, message);
            self.report.push(problem.nearest(&name.text, &near));
        }
        name.text == "warning"
    }

    // ---- allow, limit ----

    fn allow(&mut self, clauses: &[Clause]) -> Allow {
        let mut allow = Allow::default();
        for clause in clauses {
            match (clause.key, &clause.value) {
                (Some(K::Capabilities), Value::Names(names)) => {
                    allow.capabilities = Some(names.iter().map(|name| name.text.clone()).collect());
                }
                (Some(K::Network), Value::Items(items)) => allow.network = Some(self.texts(items)),
                (Some(K::Read), Value::Items(items)) => allow.read = Some(self.texts(items)),
                (Some(K::Write), Value::Items(items)) => allow.write = Some(self.texts(items)),
                _ => {}
            }
        }
        allow
    }

    fn texts(&mut self, items: &[Expr]) -> Box<[SmolStr]> {
        let text = |item: &Expr| match &item.kind {
            ExprKind::String(text) => text.plain(),
            _ => None,
        };
        let mut found = Vec::new();
        for item in items {
            match text(item) {
                Some(text) => found.push(text),
                None if matches!(item.kind, ExprKind::Error) => {}
                None => {
                    let message = "what a policy allows is known before a run, expected a constant string";
                    self.report.push(Problem::new(rules::TYPE_MISMATCH, item.span, message));
                }
            }
        }
        found.into()
    }

    fn limits(&mut self, clauses: &[Clause]) -> Limits {
        let mut limits = Limits::default();
        for clause in clauses {
            let Value::Expr(expr) = &clause.value else { continue };
            match clause.key {
                Some(K::Cost) => limits.cost = self.amount(expr),
                Some(K::Time) => {
                    let ms = literal_duration(expr, &Nothing::new(), self.report);
                    limits.time_ms = ms.and_then(|ms| self.bound(clause, ms));
                }
                Some(K::Tasks) => limits.tasks = self.count(clause, expr),
                Some(K::Tokens) => limits.tokens = self.count(clause, expr),
                _ => {}
            }
        }
        limits
    }

    fn amount(&mut self, expr: &Expr) -> Option<Decimal> {
        let amount = literal_money(expr, &Nothing::new(), self.report)?;
        if amount.is_sign_negative() && !amount.is_zero() {
            let message = "`cost` is negative, expected an amount to spend";
            self.report.push(Problem::new(rules::OUT_OF_RANGE, expr.span, message));
            return None;
        }
        Some(amount)
    }

    fn count(&mut self, clause: &Clause, expr: &Expr) -> Option<u64> {
        let count = literal_int(expr, &Nothing::new(), self.report)?;
        self.bound(clause, count)
    }

    fn bound(&mut self, clause: &Clause, value: i64) -> Option<u64> {
        let bound = u64::try_from(value).ok();
        if bound.is_none() {
            let message = format!("`{}` is negative, expected an upper bound", clause.name.text);
            self.report
                .push(Problem::new(rules::OUT_OF_RANGE, clause.span, message));
        }
        bound
    }
}

/// What a rule is about whose `for` could not be understood.
fn nobody() -> Selector {
    Selector {
        what: What::Node,
        filter: Some(Condition::Unknown),
        text: "node".into(),
    }
}

/// The clauses of the block `allow:` or `limit:`.
fn nested(decl: &Decl, key: K) -> &[Clause] {
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Clauses(clauses)) => clauses,
        _ => &[],
    }
}
