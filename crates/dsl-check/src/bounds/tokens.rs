//! Tokens over a budget: what the budgets of tasks let them use together, over that of their plan, and what a plan that
//! is called uses, over that of the task.
//!
//! Absent: what a capability really uses, which nothing declares.

use super::node::Worst;
use super::problems::{LABELS_MAX, Limits, budget_entry, budget_value};
use crate::diagnostic::{Diag, Place, Target};
use crate::facts::Budget;
use crate::rules;

impl Limits<'_> {
    pub(super) fn tokens(&self, found: &mut Vec<Diag>) {
        let limit = self.bounds.clauses.budget.tokens;
        let block = self.clause(|facts| facts.budget.tokens.is_some());
        let (Some(limit), Some(tokens), Some(block)) = (limit, self.bounds.whole.tokens, block) else {
            return;
        };
        let place = Place {
            block,
            target: budget_entry("tokens"),
        };
        let diag = exceeded(&self.whose(), (tokens, limit), place);
        found.extend(diag.map(|diag| self.token_labels(diag)));
    }

    /// A task that calls a plan which may use more.
    pub(super) fn own_tokens(&self, node: u32, worst: &Worst, budget: Budget, found: &mut Vec<Diag>) {
        if let (Some(limit), Some(tokens)) = (budget.tokens, worst.uncapped_tokens) {
            let whose = format!("`{}`", self.sig(node).name);
            let place = self.at(node, budget_entry("tokens"));
            found.extend(exceeded(&whose, (tokens, limit), place));
        }
    }

    /// The nodes that may use most.
    pub(super) fn token_labels(&self, mut diag: Diag) -> Diag {
        let tokens = self.bounds.nodes.iter().map(|worst| worst.tokens.unwrap_or_default());
        let mut most: Vec<(u64, u32)> = tokens.zip(0..).filter(|(tokens, _)| *tokens > 0).collect();
        most.sort_by_key(|&(tokens, node)| (std::cmp::Reverse(tokens), node));
        for (tokens, node) in most.into_iter().take(LABELS_MAX) {
            diag = diag.label(self.at(node, Target::Name), format!("up to {tokens} tokens"));
        }
        diag
    }
}

fn exceeded(whose: &str, (tokens, limit): (u64, u64), place: Place) -> Option<Diag> {
    let message = format!("{whose} may use {tokens} tokens, expected at most its budget of {limit}");
    (tokens > limit).then(|| {
        Diag::new(rules::BUDGET_EXCEEDED, place, message).fix_at(
            format!("raise the budget to {tokens}"),
            false,
            budget_value("tokens"),
            tokens.to_string(),
        )
    })
}
