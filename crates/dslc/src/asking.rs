//! What a run asks people, for people: the question, who may answer it until when, and the commands that do.

use std::fmt::Write;

use engine::event::{Ask, Wanted, WantedField};
use engine::{Engine, GateSnapshot, QuestionSnapshot, Recorded};
use serde::Serialize;
use smol_str::SmolStr;

use crate::outcome::argument;
use crate::printer::{bold, shown};
use crate::text;

/// Whoever types.
pub fn login() -> String {
    std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned())
}

/// Of `--because`: it is for a record, and says something.
pub fn reason(text: &str) -> Result<String, &'static str> {
    match text.trim().is_empty() {
        true => Err("it is empty, expected why"),
        false => Ok(text.to_owned()),
    }
}

/// A gate in the summary of a run.
#[derive(Serialize)]
pub struct Gate {
    id: SmolStr,
    /// `waiting`, `approved`, `rejected`, `timeout`, `cancelled`.
    status: &'static str,
    /// All of them, if there are several.
    approver: String,
    title: Option<String>,
    quorum: u32,
    options: Vec<SmolStr>,
    choice: Option<SmolStr>,
    asked: String,
    deadline: Option<String>,
    decisions: Vec<Decision>,
}

/// A question of a task in the summary of a run.
#[derive(Serialize)]
pub struct Question {
    /// `review`, `review[eu]`
    id: SmolStr,
    /// `waiting`, `answered`, `over`: nobody answered, and it waits no more.
    status: &'static str,
    question: String,
    title: Option<String>,
    options: Vec<String>,
    fields: Vec<WantedField>,
    asked: String,
    deadline: Option<String>,
    answer: Option<serde_json::Value>,
    by: Option<SmolStr>,
    because: Option<String>,
}

/// What tasks asked people, in plan order.
pub fn questions(engine: &Engine) -> Vec<Question> {
    let questions = engine.nodes().into_iter().flat_map(|node| node.questions);
    let question = |asked: QuestionSnapshot| {
        let wanted = asked.ask.question?;
        let status = match (&asked.answered, asked.waits) {
            (Some(_), _) => "answered",
            (None, true) => "waiting",
            (None, false) => "over",
        };
        Some(Question {
            id: asked.ask.label,
            status,
            question: wanted.text,
            title: asked.ask.title,
            options: wanted.options,
            fields: wanted.fields,
            asked: store::rfc3339(asked.asked_ms),
            deadline: asked.ask.deadline_ms.map(store::rfc3339),
            answer: asked
                .answered
                .as_ref()
                .map(|given| ir::data::to_plain_json(&given.answer)),
            by: asked.answered.as_ref().map(|given| given.by.clone()),
            because: asked.answered.and_then(|given| given.because),
        })
    };
    questions.filter_map(question).collect()
}

#[derive(Serialize)]
struct Decision {
    decision: &'static str,
    choice: Option<SmolStr>,
    by: SmolStr,
    who: SmolStr,
    because: Option<String>,
    time: String,
}

/// Gates that asked people, and tasks and instances whose prose they judge, in plan order.
pub fn gates(engine: &Engine) -> Vec<Gate> {
    let mut gates = Vec::new();
    for node in engine.nodes() {
        let of_node = (node.gate, node.error, node.settled_ms);
        let of_instances = node
            .instances
            .into_iter()
            .map(|one| (one.gate, one.error, one.settled_ms));
        for (asked, error, settled_ms) in std::iter::once(of_node).chain(of_instances) {
            let failed = error.as_ref().map(|error| error.kind.as_str());
            gates.extend(asked.map(|asked| gate(asked, failed, settled_ms.is_some())));
        }
    }
    gates
}

fn gate(asked: GateSnapshot, failed: Option<&str>, settled: bool) -> Gate {
    let decision = |recorded: Recorded| Decision {
        decision: recorded.decision.name(),
        choice: recorded.decision.choice().cloned(),
        who: recorded.who().clone(),
        by: recorded.by,
        because: recorded.because,
        time: store::rfc3339(recorded.time_ms),
    };
    Gate {
        status: status(&asked, failed, settled),
        id: asked.ask.label,
        approver: asked.ask.approvers.join(", "),
        title: asked.ask.title,
        quorum: asked.ask.quorum,
        options: asked.ask.options.into_iter().map(|option| option.name).collect(),
        choice: asked.decided.as_ref().and_then(|decided| decided.choice().cloned()),
        asked: store::rfc3339(asked.asked_ms),
        deadline: asked.ask.deadline_ms.map(store::rfc3339),
        decisions: asked.decisions.into_iter().map(decision).collect(),
    }
}

fn status(gate: &GateSnapshot, failed: Option<&str>, settled: bool) -> &'static str {
    match (&gate.decided, failed) {
        (Some(decided), _) => decided.name(),
        (None, Some(_)) => "timeout",
        (None, None) if settled => "cancelled",
        (None, None) => "waiting",
    }
}

/// Who may say something: those of a gate, or anybody.
pub fn who(ask: &Ask) -> String {
    match ask.approvers.as_slice() {
        [] => "anybody".to_owned(),
        approvers => shown(&approvers.join(" or ")),
    }
}

/// The question of a gate or a task as people read it, and what to type; `approved` have said yes to a gate.
pub fn question(ask: &Ask, approved: usize, run: &str, now_ms: i64) -> String {
    let mut text = format!("  {}", bold(&shown(&ask.label), None));
    // Infallible: writing to a string.
    if let Some(title) = &ask.title {
        let _ = write!(text, "  {}", shown(title));
    }
    let _ = write!(text, "  ({}", who(ask));
    if ask.quorum > 1 {
        let _ = write!(text, ", {approved} of {} have approved", ask.quorum);
    }
    if let Some(deadline_ms) = ask.deadline_ms {
        let _ = match deadline_ms - now_ms {
            ..=0 => write!(text, ", time is up"),
            left_ms => write!(text, ", {} left", text::duration(left_ms)),
        };
    }
    text.push_str(")\n");
    if let Some(wanted) = &ask.question {
        let _ = writeln!(text, "    {}", shown(&wanted.text));
        for option in &wanted.options {
            let _ = writeln!(text, "    - {}", shown(option));
        }
        let _ = writeln!(text, "    {}", answer_command(ask, wanted, run));
        return text;
    }
    for check in &ask.checks {
        let saw = check.saw.as_deref().map_or(String::new(), |saw| format!("  ({saw})"));
        let mark = if check.prose { "?" } else { "✓" };
        let _ = writeln!(text, "    {mark} {}{}", shown(&check.text), shown(&saw));
    }
    for option in &ask.options {
        let title = option.title.as_deref().unwrap_or_default();
        let note = option.note.as_deref().map_or(String::new(), |note| format!(": {note}"));
        let _ = writeln!(text, "    {}  {}{}", option.name, shown(title), shown(&note));
    }
    for command in commands(ask, run) {
        let _ = writeln!(text, "    {command}");
    }
    text
}

/// What to type.
pub fn commands(ask: &Ask, run: &str) -> Vec<String> {
    match &ask.question {
        Some(wanted) => vec![answer_command(ask, wanted, run)],
        None => decision_commands(ask, run).into(),
    }
}

/// `dslc answer RUN review good=… notes=…  # good: bool, notes: string?`
fn answer_command(ask: &Ask, wanted: &Wanted, run: &str) -> String {
    let fields = &wanted.fields;
    let names: Vec<String> = fields.iter().map(|field| format!("{}=…", field.name)).collect();
    let ty = |field: &WantedField| {
        let mark = if field.optional { "?" } else { "" };
        format!("{}: {}{mark}", field.name, field.ty)
    };
    let types: Vec<String> = fields.iter().map(ty).collect();
    format!(
        "dslc answer {run} {} {}  # {}",
        argument(&ask.label),
        names.join(" "),
        types.join(", ")
    )
}

fn decision_commands(ask: &Ask, run: &str) -> [String; 2] {
    let by = ask.approvers.first().map_or("user/…", SmolStr::as_str);
    let about = format!("{run} {} --as {}", argument(&ask.label), argument(by));
    let names: Vec<&str> = ask.options.iter().map(|option| option.name.as_str()).collect();
    let choose = if names.is_empty() {
        String::new()
    } else {
        format!(" --choose {}", names.join("|"))
    };
    [
        format!("dslc approve {about}{choose} --because \"…\""),
        format!("dslc reject {about} --because \"…\""),
    ]
}
