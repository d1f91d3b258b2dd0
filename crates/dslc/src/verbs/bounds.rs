//! `dslc bounds`: what a plan takes and costs at worst, where the time goes, and what has no bound.
//!
//! The figures are the checker's; here they are only set out. A plan over its limits is shown like any other. Absent:
//! what a run did.

use clap::ValueEnum;
use dsl_check::{Bounds, Diagnostic, NodeBounds, People, money, span};
use serde_json::{Value, json};

use super::compile::{Opened, Source};
use crate::failure::{Exit, Failure};
use crate::printer::{Paint, Printer, bold, shown};
use crate::workspace::Place;

/// Show what a plan takes and costs at worst
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  dslc bounds deploy.plan\n  dslc bounds flows.plan deploy --format json | jq .cost"
)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// How wide the bar of the whole critical path is.
const BAR_WIDTH: u64 = 20;

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let bounds = Opened::new(&args.source, &place, printer, matters)?.bounds(&args.source)?;
    match args.format {
        Format::Text => printer.out(&text(&bounds)),
        Format::Json => printer.raw_line(&format!("{:#}", as_json(&bounds))),
    }
    Ok(Exit::Fine)
}

/// That a limit is exceeded is what is shown here.
pub fn matters(found: &Diagnostic) -> bool {
    let rule = dsl_check::rules::find(found.rule);
    rule.is_none_or(|rule| !matches!(rule.group, "bounds" | "policy"))
}

/// `at worst 1h 5m and $2.20`
pub fn in_a_line(bounds: &Bounds) -> String {
    let open = |what: fn(&dsl_check::Unbounded) -> bool| bounds.unbounded.iter().filter(|node| what(node)).count();
    let part = |figure: String, open: usize| match open {
        0 => figure,
        1 => format!("{figure} and more, as a node has no bound"),
        open => format!("{figure} and more, as {open} nodes have no bound"),
    };
    let time = part(span(bounds.time_ms), open(|node| node.time));
    let mut parts = vec![time];
    if !bounds.cost.is_zero() {
        parts.push(part(money(bounds.cost), open(|node| node.cost)));
    }
    match bounds.people {
        People::Nobody => {}
        People::UpTo(ms) => parts.push(format!("waiting for people up to {}", span(ms))),
        People::Open => parts.push("waiting for people as long as it takes".to_owned()),
    }
    format!("at worst {}", parts.join("; "))
}

fn text(bounds: &Bounds) -> String {
    let mut page = Page::default();
    page.line(&format!("{} {}", bold("plan", None), bounds.plan));
    totals(bounds, &mut page);
    path(bounds, &mut page);
    people(bounds, &mut page);
    unbounded(bounds, &mut page);
    capabilities(bounds, &mut page);
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(&shown_line(line));
        self.text.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        self.text.push('\n');
        self.line(&bold(heading, None));
    }

    /// Columns as wide as their widest cell; the last is not padded.
    fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |at: usize| {
            rows.iter()
                .filter_map(|row| row.get(at))
                .map(|cell| wide(cell))
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let mut line = String::from(" ");
            for (at, cell) in row.iter().enumerate() {
                line.push(' ');
                line.push_str(cell);
                line.push_str(&" ".repeat(widths[at] - wide(cell) + 1));
            }
            self.line(line.trim_end());
        }
    }
}

/// The printer's own colours stay.
fn shown_line(line: &str) -> String {
    let parts: Vec<String> = line.split('\u{1b}').map(shown).collect();
    parts.join("\u{1b}")
}

fn wide(cell: &str) -> usize {
    console::measure_text_width(cell)
}

fn totals(bounds: &Bounds, page: &mut Page) {
    let limits = &bounds.limits;
    let mut rows = Vec::new();
    let over_time = [limits.time_ms, limits.timeout_ms]
        .into_iter()
        .flatten()
        .any(|limit| bounds.time_ms > limit);
    let mut time = vec!["time".to_owned(), figure(&bounds.time(), over_time)];
    let allowed = [("budget", limits.time_ms), ("timeout", limits.timeout_ms)];
    let allowed = allowed
        .into_iter()
        .filter_map(|(what, ms)| Some(format!("{what} {}", span(ms?))));
    time.push(allowed.collect::<Vec<_>>().join(", "));
    rows.push(time);
    let over_cost = limits.cost.is_some_and(|limit| bounds.cost > limit);
    rows.push(vec![
        "cost".to_owned(),
        figure(&bounds.cost(), over_cost),
        limits
            .cost
            .map_or_else(String::new, |limit| format!("budget {}", money(limit))),
    ]);
    if bounds.tokens.is_some() || limits.tokens.is_some() {
        let tokens = bounds.tokens.map_or_else(
            || "not known".to_owned(),
            |tokens| format!("{tokens} by budgets of tasks"),
        );
        let limit = limits
            .tokens
            .map_or_else(String::new, |limit| format!("budget {limit}"));
        rows.push(vec!["tokens".to_owned(), tokens, limit]);
    }
    if bounds.people.is_some() {
        rows.push(vec![
            "people".to_owned(),
            waiting(bounds.people),
            "not counted in the time".to_owned(),
        ]);
    }
    rows.push(vec!["at once".to_owned(), at_once(bounds), widest_of(bounds)]);
    page.table(&rows);
    if bounds.critical_path_ms < bounds.time_ms {
        let slots = bounds.limits.parallel.unwrap_or(1);
        page.line(&format!(
            "  all attempts take {}, and {slots} run at once; the critical path alone takes {}",
            span(bounds.work_ms),
            span(bounds.critical_path_ms)
        ));
    }
    if bounds.most_ms > bounds.time_ms {
        page.line(&format!(
            "  no order of starting takes longer than {}",
            span(bounds.most_ms)
        ));
    }
    if limits.parallel.is_none() {
        page.line("  with a slot for everything, as `limits.parallel` is not set");
    }
}

fn figure(text: &str, over: bool) -> String {
    bold(text, if over { Some(Paint::Red) } else { None })
}

fn waiting(people: People) -> String {
    match people {
        People::Nobody => String::new(),
        People::UpTo(ms) => format!("up to {}", span(ms)),
        People::Open => "as long as it takes".to_owned(),
    }
}

fn at_once(bounds: &Bounds) -> String {
    match (bounds.widest, bounds.limits.parallel) {
        (None, None) => "as many as there are items".to_owned(),
        (None, Some(slots)) => format!("{slots} of as many as there are items"),
        (Some(count), Some(slots)) if count > u64::from(slots) => format!("{slots} of {count}"),
        (Some(count), _) => count.to_string(),
    }
}

fn widest_of(bounds: &Bounds) -> String {
    const NAMED_MAX: usize = 4;
    let mut names: Vec<&str> = bounds
        .widest_nodes
        .iter()
        .take(NAMED_MAX)
        .map(|name| name.as_str())
        .collect();
    let more = format!("{} more", bounds.widest_nodes.len().saturating_sub(NAMED_MAX));
    if bounds.widest_nodes.len() > NAMED_MAX {
        names.push(&more);
    }
    if names.is_empty() {
        return String::new();
    }
    format!("on level {}, the widest: {}", bounds.widest_level, names.join(", "))
}

fn path(bounds: &Bounds, page: &mut Page) {
    let whole = bounds.critical_path_ms.max(1);
    if bounds.critical_path_ms == 0 {
        return;
    }
    page.heading("critical path");
    let mut rows = Vec::new();
    for step in bounds.path.iter().filter(|step| step.time_ms > 0) {
        let share = u128::from(step.time_ms) * 100 / u128::from(whole);
        let bar = (u128::from(step.time_ms) * u128::from(BAR_WIDTH)).div_ceil(u128::from(whole));
        let node = bounds.nodes.iter().find(|node| node.node == step.node);
        let terms = node.and_then(|node| node.time_terms.clone()).unwrap_or_default();
        let by = step.by.as_ref().map_or_else(String::new, |by| format!(" ({by})"));
        rows.push(vec![
            format!("{}{by}", bold(&step.node, None)),
            span(step.time_ms),
            format!("{share:>3} %"),
            "█".repeat(usize::try_from(bar).unwrap_or_default()),
            terms,
        ]);
    }
    page.table(&rows);
}

fn people(bounds: &Bounds, page: &mut Page) {
    if bounds.waits.is_empty() {
        return;
    }
    page.heading("waiting for people");
    let rows: Vec<Vec<String>> = bounds
        .waits
        .iter()
        .map(|(node, people)| vec![bold(node, None), waiting(*people)])
        .collect();
    page.table(&rows);
}

fn unbounded(bounds: &Bounds, page: &mut Page) {
    if bounds.unbounded.is_empty() {
        return;
    }
    page.heading("unbounded");
    let row = |node: &dsl_check::Unbounded| {
        let what = match (node.time, node.cost) {
            (true, true) => "time and cost",
            (true, false) => "time",
            _ => "cost",
        };
        vec![
            bold(&node.node, Some(Paint::Yellow)),
            what.to_owned(),
            node.why.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = bounds.unbounded.iter().map(row).collect();
    page.table(&rows);
}

fn capabilities(bounds: &Bounds, page: &mut Page) {
    if bounds.capabilities.is_empty() {
        return;
    }
    page.heading("calls, of everything that can run");
    let row = |total: &dsl_check::CapabilityTotal| {
        let calls = match total.calls {
            None => "unbounded".to_owned(),
            Some(1) => "1 call".to_owned(),
            Some(calls) => format!("{calls} calls"),
        };
        let cost = if total.cost.is_zero() {
            String::new()
        } else {
            money(total.cost)
        };
        vec![total.name.to_string(), calls, cost]
    };
    let rows: Vec<Vec<String>> = bounds.capabilities.iter().map(row).collect();
    page.table(&rows);
}

/// The fields are described in docs/bounds.md.
fn as_json(bounds: &Bounds) -> Value {
    let dollars = |dollars: &rust_decimal::Decimal| ir::quantity::render_money(*dollars);
    let limits = &bounds.limits;
    json!({
        "plan": bounds.plan,
        "time_ms": bounds.time_ms,
        "time_bounded": !bounds.unbounded.iter().any(|node| node.time),
        "most_ms": bounds.most_ms,
        "critical_path_ms": bounds.critical_path_ms,
        "work_ms": bounds.work_ms,
        "cost": dollars(&bounds.cost),
        "cost_bounded": !bounds.unbounded.iter().any(|node| node.cost),
        "tokens": bounds.tokens,
        "people": people_json(bounds.people),
        "limits": {
            "timeout_ms": limits.timeout_ms,
            "time_ms": limits.time_ms,
            "cost": limits.cost.as_ref().map(dollars),
            "tokens": limits.tokens,
            "parallel": limits.parallel,
        },
        "critical_path": bounds.path.iter().map(|step| json!({
            "node": step.node,
            "by": step.by,
            "start_ms": step.start_ms,
            "time_ms": step.time_ms,
        })).collect::<Vec<_>>(),
        "widest": { "level": bounds.widest_level, "attempts": bounds.widest, "nodes": bounds.widest_nodes },
        "unbounded": bounds.unbounded.iter().map(|node| json!({
            "node": node.node,
            "time": node.time,
            "cost": node.cost,
            "why": node.why,
        })).collect::<Vec<_>>(),
        "capabilities": bounds.capabilities.iter().map(|total| json!({
            "name": total.name,
            "calls": total.calls,
            "cost": dollars(&total.cost),
        })).collect::<Vec<_>>(),
        "nodes": bounds.nodes.iter().map(node_json).collect::<Vec<_>>(),
    })
}

fn node_json(node: &NodeBounds) -> Value {
    json!({
        "node": node.node,
        "time_ms": node.time_ms,
        "cost": node.cost.map(ir::quantity::render_money),
        "attempts": node.attempts,
        "items": node.items,
        "people": people_json(node.people),
    })
}

/// Milliseconds, `null` for nobody, `"unbounded"`.
fn people_json(people: People) -> Value {
    match people {
        People::Nobody => Value::Null,
        People::UpTo(ms) => ms.into(),
        People::Open => "unbounded".into(),
    }
}
