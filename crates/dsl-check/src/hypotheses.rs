//! Hypotheses that a plan weighs and then has no answer for.
//!
//! A decision `from: hypotheses` goes where the likeliest one leads. If none of a plan's decisions has an arm for some
//! hypothesis, and none has an `else`, the run stands still once that one is the likeliest. Absent: the odds.

use std::collections::HashSet;

use crate::diagnostic::{AmendHow, Diag, Place, Target};
use crate::plans::PlanBlocks;
use crate::rules;
use crate::signatures::NodeKind;

pub(crate) fn unanswered(plan: &PlanBlocks) -> Option<Diag> {
    let mut decisions = plan.nodes.iter().filter(|(_, sig)| sig.from_hypotheses).peekable();
    decisions.peek()?;
    let mut answered = HashSet::new();
    let mut first = None;
    for (block, sig) in decisions {
        first.get_or_insert((block, sig));
        for route in &sig.routes {
            // an arm without an event is an `else`
            answered.insert(route.on.as_ref()?);
        }
    }
    let hypotheses = || {
        let nodes = plan.nodes.iter();
        nodes.filter(|(_, sig)| sig.kind == NodeKind::Hypothesis && !sig.name.is_empty())
    };
    let missing: Vec<_> = hypotheses().filter(|(_, sig)| !answered.contains(&sig.name)).collect();
    let (block, decision) = first?;
    let names: Vec<String> = missing.iter().map(|(_, sig)| format!("`{}`", sig.name)).collect();
    if names.is_empty() {
        return None;
    }
    let at = |block, target| Place { block, target };
    let message = format!(
        "no arm of `{}` is for {}, expected one or an `else`",
        decision.name,
        names.join(" or ")
    );
    let mut diag = Diag::new(rules::NOT_EXHAUSTIVE, at(*block, Target::Name), message);
    for (block, _) in missing.iter().take(4) {
        diag = diag.label(at(*block, Target::Name), "may be the likeliest");
    }
    let diag = diag.help("add a line `on HYPOTHESIS -> …` or `else -> …`");
    Some(match decision.routes.last() {
        Some(route) => {
            let line = format!("else -> {}", route.to);
            diag.amend(format!("add `{line}`"), AmendHow::Line(line))
        }
        None => diag,
    })
}
