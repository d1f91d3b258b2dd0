//! Why a condition does not hold, in words: the part that fails, what was found instead, and on what way through the graph.
//!
//! Absent: deciding ([`super::judge`]).

use smol_str::SmolStr;

use super::attributes::{Attribute, Given};
use super::judge::{Judge, Of, Tri};
use super::model::{Claim, Condition, How, Op, Says, Selector};
use super::passes::{After, Step, Then, way_from, way_out, way_to};

/// Longer ways are shown without their middle.
const SHOWN_STEPS_MAX: usize = 8;
/// More members are not listed.
const LISTED_MAX: usize = 3;

/// Why something is not as a rule wants it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Why {
    /// The headline.
    pub message: String,
    pub help: Option<String>,
    pub repair: Option<Repair>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Repair {
    /// Give a clause that value.
    Set(Attribute, String),
    /// Need that node.
    Need(SmolStr),
}

impl Why {
    fn new(message: String) -> Self {
        Self {
            message,
            help: None,
            repair: None,
        }
    }

    fn help(mut self, help: String) -> Self {
        self.help = Some(help);
        self
    }
}

/// `a`, `b` or `c`
pub(super) fn several<'a>(names: impl Iterator<Item = &'a str>, last: &str) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., end] => format!("{} {last} {end}", front.join(", ")),
    }
}

/// Why the condition is not what it should be (true of what is required, false of what is denied), as its answer has shown.
pub(super) fn why(judge: &Judge<'_>, condition: &Condition, of: Of, wanted: bool) -> Why {
    let wrong: Tri = (!wanted).into();
    match condition {
        Condition::Not(inner) => why(judge, inner, of, !wanted),
        // of what is joined so that one part decides, the part that did
        Condition::All(parts) | Condition::Any(parts) => {
            let decides = matches!(condition, Condition::All(_)) == wanted;
            match parts.iter().find(|part| judge.holds(part, of) == wrong) {
                Some(part) if decides => why(judge, part, of, wanted),
                _ => whole(judge, condition, of, wanted),
            }
        }
        Condition::Claim(claim) => claim_why(judge, claim, of, wanted),
        Condition::Constant(_) | Condition::Unknown => whole(judge, condition, of, wanted),
    }
}

/// Without a single part to blame.
fn whole(judge: &Judge<'_>, condition: &Condition, of: Of, wanted: bool) -> Why {
    let text = text(condition);
    let name = name(judge, of);
    Why::new(if wanted {
        format!("{name} is not what the rule requires: `{text}`")
    } else {
        format!("{name} is what the rule denies: `{text}`")
    })
}

/// As deep as the condition.
fn text(condition: &Condition) -> String {
    let joined = |parts: &[Condition], word: &str| {
        let texts: Vec<String> = parts.iter().map(text).collect();
        texts.join(word)
    };
    match condition {
        Condition::Unknown => String::new(),
        Condition::Constant(value) => value.to_string(),
        Condition::Not(inner) => format!("not ({})", text(inner)),
        Condition::All(parts) => joined(parts, " and "),
        Condition::Any(parts) => joined(parts, " or "),
        Condition::Claim(claim) => claim.text.to_string(),
    }
}

fn name(judge: &Judge<'_>, of: Of) -> String {
    match of {
        Of::Plan => format!("`{}`", judge.subject.name),
        Of::Node(node) => format!("`{}`", judge.subject.node_name(node)),
    }
}

fn claim_why(judge: &Judge<'_>, claim: &Claim, of: Of, wanted: bool) -> Why {
    match &claim.says {
        Says::Compare { attribute, .. }
        | Says::Like { attribute, .. }
        | Says::Among { attribute, .. }
        | Says::Matches { attribute, .. }
        | Says::Same { one: attribute, .. }
        | Says::Absent { attribute, .. } => {
            let mut why = value_why(judge, *attribute, claim, of, wanted);
            why.repair = repair(&claim.says, wanted);
            why
        }
        Says::Graph { how, of: others } => match of {
            Of::Node(node) => graph_why(judge, *how, others, node, wanted),
            Of::Plan => plan_why(judge, *how, others, wanted),
        },
        Says::Flow { .. } => whole(judge, &Condition::Claim(Box::new(claim.clone())), of, wanted),
    }
}

// ---------- values ----------

fn value_why(judge: &Judge<'_>, attribute: Attribute, claim: &Claim, of: Of, wanted: bool) -> Why {
    let (name, what) = (name(judge, of), attribute.name());
    let text = &claim.text;
    let given = judge.given(attribute, of);
    let found = match &given {
        Given::Absent => format!("{name} has no `{what}`"),
        Given::Texts(texts) if texts.len() > 1 => format!("the `{what}` of {name} are {}", given.shown()),
        given => format!("the `{what}` of {name} is {}", given.shown()),
    };
    Why::new(if wanted {
        format!("{found}, expected `{text}`")
    } else {
        format!("{found}, which is denied: `{text}`")
    })
}

/// A value that would do, where there is no doubt which.
fn repair(says: &Says, wanted: bool) -> Option<Repair> {
    match says {
        Says::Compare {
            attribute,
            op: Op::Le | Op::Eq,
            to,
        } if wanted => {
            let settable = matches!(
                attribute,
                Attribute::Timeout | Attribute::Retry | Attribute::Owner | Attribute::Kind | Attribute::Approver
            );
            let value = match to {
                ir::Value::Duration(ms) => ir::quantity::render_duration(*ms),
                ir::Value::Int(value) => value.to_string(),
                ir::Value::String(text) => text.to_string(),
                _ => return None,
            };
            settable.then_some(Repair::Set(*attribute, value))
        }
        _ => None,
    }
}

// ---------- the graph ----------

/// The others by name where they are few, else as the rule describes them.
fn others_shown(judge: &Judge<'_>, others: &Selector, last: &str) -> (String, Vec<u32>) {
    let members: Vec<u32> = judge.members(others).certain().collect();
    let shown = match members.len() {
        1..=LISTED_MAX => several(members.iter().map(|&node| judge.subject.node_name(node).as_str()), last),
        _ => format!("any `{}`", others.text),
    };
    (shown, members)
}

fn graph_why(judge: &Judge<'_>, how: How, others: &Selector, node: u32, wanted: bool) -> Why {
    let name = format!("`{}`", judge.subject.node_name(node));
    let (shown, members) = others_shown(judge, others, "or");
    let may = &judge.members(others).may;
    let none = if members.is_empty() {
        ", of which this plan has none"
    } else {
        ""
    };
    let graph = judge.subject.graph();
    match (how, wanted) {
        (How::After, true) => after_why(judge, &name, &shown, &members, node, may),
        (How::After, false) => Why::new(format!("{name} starts only after {shown}, which is denied")),
        (How::Needs, true) => Why::new(format!("{name} waits for {}{none}", negated(&shown, others)))
            .help(format!("add one to the `needs:` of {name}")),
        (How::Needs, false) => {
            let way = way_from(graph, node, &judge.members(others).must);
            let first = way.first().map_or(node, |first| *first);
            let way = plain_way(judge, &way);
            Why::new(format!(
                "{name} waits for `{}`: {way}, which is denied",
                judge.subject.node_name(first)
            ))
        }
        (How::Reaches, true) => Why::new(format!("{name} leads to {}{none}", negated(&shown, others))),
        (How::Reaches, false) => {
            let way = way_to(graph, node, &judge.members(others).must);
            let last = way.last().map_or(node, |last| *last);
            let way = plain_way(judge, &way);
            Why::new(format!(
                "{name} leads to `{}`: {way}, which is denied",
                judge.subject.node_name(last)
            ))
        }
        (How::Before, true) => {
            let way = way_out(graph, node, may);
            let message = match way.len() {
                0 | 1 => format!("nothing follows {name}, expected {shown}{none}"),
                _ => format!(
                    "the run can go on from {name} without {shown}: {}{none}",
                    plain_way(judge, &way)
                ),
            };
            Why::new(message)
        }
        (How::Before, false) => Why::new(format!(
            "every way on from {name} leads through {shown}, which is denied"
        )),
    }
}

/// "no `gate where …`", "neither `a` nor `b`"
fn negated(shown: &str, others: &Selector) -> String {
    if shown.starts_with("any ") {
        format!("no `{}`", others.text)
    } else {
        format!(
            "no {}",
            shown.replace("` or `", "` and no `").replace("`, `", "`, no `")
        )
    }
}

fn after_why(judge: &Judge<'_>, name: &str, shown: &str, members: &[u32], node: u32, may: &[bool]) -> Why {
    if members.is_empty() {
        let message = format!("{name} can start without {shown}, of which this plan has none");
        return Why::new(message).help(format!("add one, and name it in the `needs:` of {name}"));
    }
    let graph = judge.subject.graph();
    let after = After::new(graph, may);
    let way = after.way_around(node);
    let message = match way.as_slice() {
        [] | [_] => format!("{name} can start without {shown}: it waits for nothing"),
        steps => format!("{name} can start without {shown}: {}", way_shown(judge, steps)),
    };
    let mut why = Why::new(message);
    // a need on a member that waits for the node would make a loop
    let free: Vec<u32> = members
        .iter()
        .copied()
        .filter(|&member| member != node && way_from(graph, member, &only(graph.nodes.len(), node)).is_empty())
        .take(2)
        .collect();
    if let [one] = free.as_slice() {
        let one = judge.subject.node_name(*one);
        why = why.help(format!("add `{one}` to the `needs:` of {name}"));
        why.repair = Some(Repair::Need(one.clone()));
    }
    why
}

fn only(count: usize, node: u32) -> Vec<bool> {
    let mut only = vec![false; count];
    only[node as usize] = true;
    only
}

fn plan_why(judge: &Judge<'_>, how: How, others: &Selector, wanted: bool) -> Why {
    let name = format!("`{}`", judge.subject.name);
    let (shown, members) = others_shown(judge, others, "or");
    let graph = judge.subject.graph();
    if how == How::Reaches {
        return Why::new(match (wanted, members.first()) {
            (false, Some(&first)) => format!("{name} has `{}`, which is denied", judge.subject.node_name(first)),
            _ => format!("{name} has no `{}`", others.text),
        });
    }
    if members.is_empty() {
        return Why::new(format!("{name} has no `{}`", others.text));
    }
    let may = &judge.members(others).may;
    let around = judge
        .starts()
        .into_iter()
        .filter(|&start| !may[start as usize])
        .map(|start| way_out(graph, start, may))
        .find(|way| !way.is_empty());
    Why::new(match around {
        Some(way) => format!("{name} can run past {shown}: {}", plain_way(judge, &way)),
        None => format!("every way through {name} leads through {shown}, which is denied"),
    })
}

// ---------- ways ----------

fn plain_way(judge: &Judge<'_>, nodes: &[u32]) -> String {
    let steps: Vec<Step> = nodes
        .iter()
        .map(|&node| Step {
            node,
            then: Then::Completes,
        })
        .collect();
    way_shown(judge, &steps)
}

fn way_shown(judge: &Judge<'_>, steps: &[Step]) -> String {
    let shown = |step: &Step| {
        let name = judge.subject.node_name(step.node);
        match step.then {
            Then::Starts | Then::Completes => format!("`{name}`"),
            Then::Fails => format!("`{name}` fails"),
            Then::IsSkipped => format!("`{name}` is skipped"),
        }
    };
    let mut words: Vec<String> = Vec::new();
    if steps.len() > SHOWN_STEPS_MAX {
        let (front, back) = (SHOWN_STEPS_MAX / 2, SHOWN_STEPS_MAX / 2 - 1);
        words.extend(steps[..front].iter().map(shown));
        words.push(format!("{} more", steps.len() - front - back));
        words.extend(steps[steps.len() - back..].iter().map(shown));
    } else {
        words.extend(steps.iter().map(shown));
    }
    words.join(" → ")
}
