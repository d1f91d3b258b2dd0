//! `textDocument/codeLens`: above plans and tests a way to run them, above every declaration how often it is used,
//! above nodes how they last went and whether the next run would reuse what they came to.
//!
//! Everything is answered at once: the uses of all names of a file are counted together, so there is nothing to resolve later.

use std::collections::HashMap;
use std::sync::Arc;

use dsl_check::{Lens, LensOf};
use serde_json::{Value, json};
use smol_str::SmolStr;
use tower_lsp_server::ls_types::{CodeLens, Command, Range};

use crate::edge;
use crate::execute_command::{LOG, REFERENCES, RUN, TEST};
use crate::history::{self, Forecasts, Runs, WentRun};
use crate::view::Subject;

pub(crate) fn lenses(subject: &Subject<'_>) -> Vec<CodeLens> {
    let (text, encoding) = (&subject.document.text, subject.view.settings.encoding);
    let runs = subject.view.runs();
    let mut of_plans: HashMap<SmolStr, OfPlan<'_>> = HashMap::new();
    let mut found = Vec::new();
    for lens in subject.view.snapshot.lenses(subject.path) {
        let range = edge::range(text, lens.span, encoding);
        let mut add = |title: String, command: &str, argument: Value| {
            found.push(CodeLens {
                range,
                command: Some(Command::new(title, command.to_owned(), Some(vec![argument]))),
                data: None,
            });
        };
        if let Some((title, command, argument)) = start(subject, &lens) {
            add(title.to_owned(), command, argument);
        }
        if let Some(uses) = lens.uses {
            add(references(uses), REFERENCES, place(subject, range));
        }
        if let LensOf::Node { plan, name } = &lens.what {
            let of_plan = of_plans
                .entry(plan.clone())
                .or_insert_with(|| OfPlan::new(subject, &runs, plan));
            if let Some(went) = of_plan.says(name) {
                let argument = json!({ "uri": subject.document.uri, "plan": plan, "node": name });
                add(went, LOG, argument);
            }
        }
    }
    found
}

/// How a plan went, and what its next run would find.
struct OfPlan<'r> {
    runs: Vec<&'r WentRun>,
    forecasts: Option<Arc<Forecasts>>,
}

impl<'r> OfPlan<'r> {
    fn new(subject: &Subject<'_>, runs: &'r Runs, plan: &str) -> Self {
        let runs = runs.of_plan(subject.path, plan);
        let forecasts = history::forecasts(subject.view, subject.path, plan, &runs);
        Self { runs, forecasts }
    }

    fn says(&self, node: &str) -> Option<String> {
        let went = history::in_short(&self.runs, node)?;
        let next = self.forecasts.as_ref().and_then(|forecasts| forecasts.get(node));
        Some(match next {
            Some(next) => format!("{went}; {}", history::next_in_short(next, store::now_ms())),
            None => went,
        })
    }
}

/// What can be started above a declaration, if there is a way to.
fn start(subject: &Subject<'_>, lens: &Lens) -> Option<(&'static str, &'static str, Value)> {
    let uri = &subject.document.uri;
    let (title, command, argument) = match &lens.what {
        LensOf::Plan(plan) => ("▶ Run", RUN, json!({ "uri": uri, "plan": plan })),
        LensOf::Test(test) => ("▶ Test", TEST, json!({ "uri": uri, "test": test })),
        LensOf::Node { .. } | LensOf::Other(_) => return None,
    };
    let settings = &subject.view.settings;
    let can = settings.can_run || settings.own_commands.contains(command);
    can.then_some((title, command, argument))
}

fn references(count: u32) -> String {
    match count {
        1 => "1 reference".to_owned(),
        count => format!("{count} references"),
    }
}

fn place(subject: &Subject<'_>, range: Range) -> Value {
    json!({ "uri": subject.document.uri, "position": range.start })
}
