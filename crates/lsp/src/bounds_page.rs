//! `dslc.bounds`: the worst case of a plan as a page of Markdown, from the text as it is in the editor. `dslc bounds` has more.

use std::fmt::Write;

use dsl_check::{Bounds, People, span};
use tower_lsp_server::jsonrpc::Result;

use crate::execute_command::Target;
use crate::program::failed;
use crate::view::Subject;

pub(crate) fn page(subject: &Subject<'_>, target: &Target) -> Result<String> {
    let snapshot = &subject.view.snapshot;
    match snapshot.bounds(subject.path, target.plan()) {
        Ok(bounds) => Ok(text(&bounds)),
        Err(why) => Err(failed(why.to_string())),
    }
}

fn text(bounds: &Bounds) -> String {
    let mut page = format!("# At worst: `{}`\n\n| what | at most |\n| --- | --- |\n", bounds.plan);
    row(&mut page, "time", &bounds.time());
    if !bounds.cost.is_zero() || bounds.unbounded.iter().any(|node| node.cost) {
        row(&mut page, "cost", &bounds.cost());
    }
    if let Some(tokens) = bounds.tokens {
        row(&mut page, "tokens", &tokens.to_string());
    }
    match bounds.people {
        People::Nobody => {}
        People::UpTo(ms) => row(&mut page, "waiting for people", &span(ms)),
        People::Open => row(&mut page, "waiting for people", "as long as it takes"),
    }
    let path: Vec<_> = bounds.path.iter().filter(|step| step.time_ms > 0).collect();
    if !path.is_empty() {
        page.push_str("\n## Critical path\n\n| node | time |\n| --- | --- |\n");
        path.iter()
            .for_each(|step| row(&mut page, &format!("`{}`", step.node), &span(step.time_ms)));
    }
    if !bounds.unbounded.is_empty() {
        page.push_str("\n## Unbounded\n\n");
        for node in &bounds.unbounded {
            // Infallible: writing to a string.
            _ = writeln!(page, "- `{}`: {}", node.node, node.why);
        }
    }
    page
}

fn row(page: &mut String, what: &str, figure: &str) {
    // Infallible: writing to a string.
    _ = writeln!(page, "| {what} | {figure} |");
}
