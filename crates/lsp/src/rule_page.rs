//! `dslc/rulePage`, a request of our own: the page of a rule as Markdown, for clients that show it behind a diagnostic.

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Params {
    pub rule: String,
}

pub(crate) fn page(rule: &str) -> Option<String> {
    dsl_check::rules::find(rule).map(|rule| rule.page.to_owned())
}
