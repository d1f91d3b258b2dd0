//! `dslc events`: the journal of a run, one event a line.

use engine::Engine;
use engine::event::{AttemptId, Event, EventKind, How, Timer};
use store::Entry;

use crate::failure::{Exit, Failure};
use crate::history::{History, RunArgs};
use crate::printer::{Printer, shown};
use crate::text;

/// Print the journal of a run, one event a line
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// As in the journal: JSON, with the commands that each event caused
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    History::read_with(args.run.folder()?, |entry, event, engine| {
        if args.json {
            printer.raw_line(&json(entry));
        } else {
            printer.line(&line(entry, event, engine));
        }
    })?;
    Ok(Exit::Fine)
}

/// All of it but the name of its inbox file is JSON as it stands, or has nothing to escape.
pub fn json(entry: &Entry) -> String {
    format!(
        r#"{{"seq":{},"time":"{}","event":{},"commands":{},"hash":"{}"}}"#,
        entry.seq,
        entry.time(),
        entry.event(),
        entry.commands(),
        entry.hash()
    )
}

fn line(entry: &Entry, event: &Event, engine: &Engine) -> String {
    shown(&format!(
        "{:>6}  {}  {}",
        entry.seq,
        entry.time(),
        describe(&event.kind, engine)
    ))
}

pub fn describe(event: &EventKind, engine: &Engine) -> String {
    let of = |attempt: &AttemptId| {
        let undo = if attempt.undo { "undo of " } else { "" };
        let label = label(engine, attempt.node, attempt.instance);
        format!("{undo}{label} #{}", attempt.attempt)
    };
    match event {
        EventKind::RunStarted(started) => format!("run started, {} at a time, seed {}", started.parallel, started.seed),
        EventKind::DriverStarted { pid, .. } => format!("driver started, process {pid}"),
        EventKind::AttemptEnded { attempt, ended } => {
            let took = i64::try_from(ended.duration_ms).unwrap_or(i64::MAX);
            format!(
                "attempt ended  {}: {}, {}",
                of(attempt),
                how(&ended.how),
                text::duration(took)
            )
        }
        EventKind::AttemptLost { attempt } => format!("attempt lost  {}", of(attempt)),
        EventKind::TimerFired { timer } => fired(timer, engine),
        EventKind::BudgetRaised { budget, by } => format!("budget raised by {by}: {}", raised(budget)),
        EventKind::LookedUp {
            node,
            instance,
            found,
            missed,
            ..
        } => {
            let came = match (found, missed) {
                (Some(found), _) => format!("the result of run {} stands in", found.run),
                (None, Some(missed)) => missed.clone(),
                (None, None) => "no result was kept".to_owned(),
            };
            format!("looked up  {}: {came}", label(engine, *node, *instance))
        }
        EventKind::Remembered { node } => {
            let facts = engine.facts(*node).into_iter().map(|fact| fact.slot.to_string());
            let facts = facts.collect::<Vec<_>>().join(", ");
            format!("remembered  {}: {facts}", label(engine, *node, None))
        }
        EventKind::PauseAsked { undriven: true } => {
            "held still: nobody drives it, and it is asked for something".to_owned()
        }
        EventKind::PauseAsked { undriven: false } => "pause asked".to_owned(),
        EventKind::ResumeAsked { undriven: true } => "held no longer: nothing could start".to_owned(),
        EventKind::ResumeAsked { undriven: false } => "resume asked".to_owned(),
        EventKind::CancelAsked { because, rollback } => {
            let rollback = if *rollback { ", with a rollback" } else { "" };
            let because = because.as_ref().map(|because| format!(": {because}"));
            format!("cancel asked{rollback}{}", because.unwrap_or_default())
        }
        EventKind::Replanned(revision) => {
            format!(
                "plan changed  revision {} by {}: {}",
                revision.number, revision.by, revision.because
            )
        }
        EventKind::RetryAsked { nodes, because, by } => {
            let names: Vec<String> = nodes.iter().map(|node| label(engine, *node, None)).collect();
            let because = because.as_ref().map(|because| format!(": {because}"));
            format!(
                "retry asked  {} by {by}{}",
                names.join(", "),
                because.unwrap_or_default()
            )
        }
        EventKind::Resolved {
            node,
            instance,
            resolution,
            because,
            by,
        } => {
            format!(
                "resolved  {}: {resolution:?} by {by}: {because}",
                label(engine, *node, *instance)
            )
        }
        EventKind::Answered {
            node,
            instance,
            by,
            answer,
            because,
        } => {
            let because = because.as_ref().map(|because| format!(": {because}"));
            let answer = ir::data::to_plain_json(answer);
            let label = label(engine, *node, *instance);
            format!("answered  {label} by {by}, {answer}{}", because.unwrap_or_default())
        }
        EventKind::Decided {
            node,
            instance,
            by,
            person,
            decision,
            because,
        } => {
            let as_whom = person
                .as_ref()
                .map_or_else(|| by.to_string(), |person| format!("{person} as {by}"));
            let because = because
                .as_ref()
                .map(|because| format!(": {because}"))
                .unwrap_or_default();
            format!("{decision}  {} by {as_whom}{because}", label(engine, *node, *instance))
        }
    }
}

fn fired(timer: &Timer, engine: &Engine) -> String {
    let what = match timer {
        Timer::Plan => return "the plan's time is up".to_owned(),
        Timer::Budget => return "time to look at the budget".to_owned(),
        Timer::Alert => return "time to look at the alerts".to_owned(),
        Timer::Account { .. } => "time to try again",
        Timer::Backoff { .. } => "time for a further attempt",
        Timer::Gate { .. } | Timer::Answer { .. } | Timer::Call { .. } => "time is up",
    };
    format!("{what}  {}", engine.about(timer))
}

fn label(engine: &Engine, node: u32, instance: Option<u32>) -> String {
    let name = engine.name(node, instance);
    name.map_or_else(|| format!("node {node}"), |name| name.to_string())
}

/// `cost $20.00, time 1h`
fn raised(to: &ir::plan::Budget) -> String {
    let cost = to
        .cost
        .map(|cost| format!("cost ${}", ir::quantity::render_money(cost.0)));
    let tokens = to.tokens.map(|tokens| format!("tokens {tokens}"));
    let time = to.time_ms.map(|ms| {
        format!(
            "time {}",
            ir::quantity::render_duration(i64::try_from(ms).unwrap_or(i64::MAX))
        )
    });
    [cost, tokens, time]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

pub fn how(how: &How) -> String {
    match how {
        How::Answered(_) => "answered".to_owned(),
        How::CallFailed { mode, message } => format!("failed, {mode}: {message}"),
        How::Exited(code) => format!("exit {code}"),
        How::Signalled(signal) => format!("ended by signal {signal}"),
        How::TimedOut => "timed out".to_owned(),
        How::NotStarted(why) => format!("not started: {why}"),
        How::Nothing => "nothing to run".to_owned(),
        How::Interrupted => "interrupted".to_owned(),
        How::Cancelled => "cancelled".to_owned(),
    }
}
