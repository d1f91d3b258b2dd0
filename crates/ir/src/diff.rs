//! What changed between two plans, part by part, and what that means for those who use the plan.
//!
//! Who uses it: callers and runs (parameters, outputs, secrets), and whoever names its nodes (profiles, tests,
//! approvals). What they can no longer do is *breaking*, what they newly can is a *feature*, all else is a *fix*. A
//! node that says the same under another name was renamed. Absent: how the changes are shown.

pub(crate) mod clauses;
mod fits;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use smol_str::SmolStr;

use crate::plan::{Body, Effect, Param, Plan};
use crate::show::Shown;
use crate::types::Type;
use clauses::Clauses;
use fits::Fits;

/// What a change means; the worst is the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    Fix,
    Feature,
    Breaking,
}

impl Class {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fix => "fix",
            Self::Feature => "feature",
            Self::Breaking => "breaking",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum Kind {
    Added,
    Removed,
    /// Its old name; it says the same.
    Renamed {
        from: SmolStr,
    },
    Changed {
        clauses: Vec<ClauseChange>,
    },
}

/// One part of the plan that is not as it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Change {
    /// `plan`, `param`, `output`, `task`, `capability`, …
    pub what: &'static str,
    pub name: SmolStr,
    #[serde(flatten)]
    pub kind: Kind,
    pub class: Class,
}

/// A clause as it was and as it is; absent: it was not, or is no longer, there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ClauseChange {
    pub clause: SmolStr,
    pub old: Option<String>,
    pub new: Option<String>,
    pub class: Class,
}

/// The worst of the changes; `None`: there are none.
pub fn class(changes: &[Change]) -> Option<Class> {
    changes.iter().map(|change| change.class).max()
}

/// What changed, in the order of the plan: its clauses, its interface, what it uses, its nodes. Both plans have been verified.
pub fn diff(old: &Plan, new: &Plan) -> Vec<Change> {
    let same = |name| name;
    let before = Shown {
        plan: old,
        item: "",
        renamed: &same,
    };
    let now = Shown { plan: new, ..before };
    let fits = Fits { old, new };
    let mut changes = Vec::new();
    let own = changed(clauses::of_plan(old, &before), clauses::of_plan(new, &now), plan_clause);
    if old.name != new.name {
        changes.push(renamed("plan", &old.name, &new.name));
    }
    if !own.is_empty() {
        changes.push(as_changed("plan", &new.name, own));
    }
    types(&mut changes, &fits);
    params(&mut changes, &fits, &before, &now);
    outputs(&mut changes, &fits, &before, &now);
    memory(&mut changes, &fits);
    uses(&mut changes, &before, &now);
    nodes(&mut changes, &fits);
    plans(&mut changes, old, new);
    changes
}

fn as_changed(what: &'static str, name: &SmolStr, clauses: Vec<ClauseChange>) -> Change {
    Change {
        what,
        name: name.clone(),
        class: clauses.iter().map(|clause| clause.class).max().unwrap_or(Class::Fix),
        kind: Kind::Changed { clauses },
    }
}

fn renamed(what: &'static str, from: &SmolStr, to: &SmolStr) -> Change {
    Change {
        what,
        name: to.clone(),
        kind: Kind::Renamed { from: from.clone() },
        class: Class::Breaking,
    }
}

fn added(what: &'static str, name: &SmolStr, class: Class) -> Change {
    Change {
        what,
        name: name.clone(),
        kind: Kind::Added,
        class,
    }
}

fn removed(what: &'static str, name: &SmolStr, class: Class) -> Change {
    Change {
        what,
        name: name.clone(),
        kind: Kind::Removed,
        class,
    }
}

/// The clauses that differ, in the new order, those that are gone last.
fn changed(old: Clauses, new: Clauses, class: impl Fn(&str, Option<&str>, Option<&str>) -> Class) -> Vec<ClauseChange> {
    let before: HashMap<&SmolStr, &String> = old.iter().map(|(name, text)| (name, text)).collect();
    let now: HashMap<&SmolStr, &String> = new.iter().map(|(name, text)| (name, text)).collect();
    let gone = old.iter().filter(|(name, _)| !now.contains_key(name));
    let names = new.iter().chain(gone).map(|(name, _)| name);
    names
        .filter(|name| before.get(name) != now.get(name))
        .map(|name| {
            let (old, new) = (before.get(name).copied(), now.get(name).copied());
            ClauseChange {
                clause: name.clone(),
                class: class(name, old.map(String::as_str), new.map(String::as_str)),
                old: old.cloned(),
                new: new.cloned(),
            }
        })
        .collect()
}

fn plan_clause(name: &str, old: Option<&str>, new: Option<&str>) -> Class {
    match name {
        // whoever runs it has to supply it
        _ if name.starts_with("secrets.") && new.is_some() => Class::Breaking,
        "failure" => Class::Breaking,
        _ if old.is_none() && (name.starts_with("trigger") || name.starts_with("alert")) => Class::Feature,
        "labels" | "judge" => Class::Feature,
        _ => Class::Fix,
    }
}

fn types(changes: &mut Vec<Change>, fits: &Fits<'_>) {
    for (name, record) in &fits.new.types.0 {
        let Some(before) = fits.old.types.get(name) else {
            changes.push(added("type", name, Class::Feature));
            continue;
        };
        let field = |fields: &[crate::types::FieldDef]| -> Clauses {
            fields
                .iter()
                .map(|field| (field.name.clone(), field.ty.to_string()))
                .collect()
        };
        let class = |name: &str, _: Option<&str>, _: Option<&str>| match (before.field(name), record.field(name)) {
            (None, Some(ty)) if ty.is_optional() => Class::Feature,
            // values flow both ways, so neither may lose anything
            (Some(old), Some(new)) if fits.input(old, new) && fits.output(new, old) => Class::Feature,
            _ => Class::Breaking,
        };
        let fields = changed(field(&before.fields), field(&record.fields), class);
        if !fields.is_empty() {
            changes.push(as_changed("type", name, fields));
        }
    }
    // what needed it says so itself
    let gone = fits
        .old
        .types
        .0
        .keys()
        .filter(|name| fits.new.types.get(name).is_none());
    changes.extend(gone.map(|name| removed("type", name, Class::Fix)));
}

fn params(changes: &mut Vec<Change>, fits: &Fits<'_>, before: &Shown<'_>, now: &Shown<'_>) {
    let is_free = |param: &Param| param.default.is_some() || param.ty.is_optional();
    for param in &fits.new.params {
        let Some(old) = fits.old.params.iter().find(|old| old.name == param.name) else {
            let class = if is_free(param) {
                Class::Feature
            } else {
                Class::Breaking
            };
            changes.push(added("param", &param.name, class));
            continue;
        };
        let class = |name: &str, _: Option<&str>, _: Option<&str>| match name {
            "type" if fits.input(&old.ty, &param.ty) => Class::Feature,
            "type" => Class::Breaking,
            "default" if !is_free(param) => Class::Breaking,
            "default" if old.default.is_none() => Class::Feature,
            _ => Class::Fix,
        };
        let found = changed(clauses::param(old, before), clauses::param(param, now), class);
        if !found.is_empty() {
            changes.push(as_changed("param", &param.name, found));
        }
    }
    let gone = |old: &&Param| fits.new.params.iter().all(|param| param.name != old.name);
    let gone = fits.old.params.iter().filter(gone);
    changes.extend(gone.map(|old| removed("param", &old.name, Class::Breaking)));
}

fn outputs(changes: &mut Vec<Change>, fits: &Fits<'_>, before: &Shown<'_>, now: &Shown<'_>) {
    for output in &fits.new.outputs {
        let Some(old) = fits.old.outputs.iter().find(|old| old.name == output.name) else {
            changes.push(added("output", &output.name, Class::Feature));
            continue;
        };
        let texts = |ty: &Type, value: String| vec![("type".into(), ty.to_string()), ("value".into(), value)];
        let class = |name: &str, _: Option<&str>, _: Option<&str>| match name {
            "type" if fits.output(&output.ty, &old.ty) => Class::Feature,
            "type" => Class::Breaking,
            _ => Class::Fix,
        };
        let (old_texts, new_texts) = (
            texts(&old.ty, before.expr(&old.value)),
            texts(&output.ty, now.expr(&output.value)),
        );
        let found = changed(old_texts, new_texts, class);
        if !found.is_empty() {
            changes.push(as_changed("output", &output.name, found));
        }
    }
    let gone = fits
        .old
        .outputs
        .iter()
        .filter(|old| fits.new.outputs.iter().all(|output| output.name != old.name));
    changes.extend(gone.map(|old| removed("output", &old.name, Class::Breaking)));
}

fn memory(changes: &mut Vec<Change>, fits: &Fits<'_>) {
    let text = |key: &crate::plan::MemoryKey| -> Clauses {
        vec![
            ("type".into(), key.ty.to_string()),
            ("scope".into(), format!("{:?}", key.scope).to_lowercase()),
        ]
    };
    for key in &fits.new.memory {
        match fits.old.memory.iter().find(|old| old.key == key.key) {
            None => changes.push(added("memory", &key.key, Class::Feature)),
            Some(old) => {
                let found = changed(text(old), text(key), |_, _, _| Class::Breaking);
                if !found.is_empty() {
                    changes.push(as_changed("memory", &key.key, found));
                }
            }
        }
    }
    let gone = fits
        .old
        .memory
        .iter()
        .filter(|old| fits.new.memory.iter().all(|key| key.key != old.key));
    changes.extend(gone.map(|old| removed("memory", &old.key, Class::Breaking)));
}

/// Capabilities, agents, policies.
fn uses(changes: &mut Vec<Change>, before: &Shown<'_>, now: &Shown<'_>) {
    let (old, new) = (before.plan, now.plan);
    let texts = |plan: &Plan, shown: &Shown<'_>| -> BTreeMap<SmolStr, Clauses> {
        let all = plan.capabilities.iter();
        all.map(|(name, found)| (name.clone(), clauses::capability(found, shown)))
            .collect()
    };
    let wider = |name: &str| {
        let effects = |plan: &Plan| plan.capabilities.get(name).and_then(|found| found.effects.clone());
        widens(effects(old).as_deref(), effects(new).as_deref())
    };
    named(
        changes,
        "capability",
        texts(old, before),
        texts(new, now),
        |name, clause| match clause {
            "effects" if wider(name) => Class::Breaking,
            _ => Class::Fix,
        },
    );
    let texts = |plan: &Plan, shown: &Shown<'_>| -> BTreeMap<SmolStr, Clauses> {
        let all = plan.agents.iter();
        all.map(|(name, found)| (name.clone(), clauses::agent(found, shown)))
            .collect()
    };
    named(changes, "agent", texts(old, before), texts(new, now), |_, _| Class::Fix);
    let texts = |plan: &Plan| -> BTreeMap<SmolStr, Clauses> {
        let all = plan.policies.iter();
        all.map(|found| (found.name.clone(), clauses::policy(found))).collect()
    };
    named(changes, "policy", texts(old), texts(new), |_, _| Class::Fix);
}

fn named(
    changes: &mut Vec<Change>,
    what: &'static str,
    mut old: BTreeMap<SmolStr, Clauses>,
    new: BTreeMap<SmolStr, Clauses>,
    class: impl Fn(&str, &str) -> Class,
) {
    for (name, texts) in new {
        match old.remove(&name) {
            None => changes.push(added(what, &name, Class::Feature)),
            Some(before) => {
                let found = changed(before, texts, |clause, _, _| class(&name, clause));
                if !found.is_empty() {
                    changes.push(as_changed(what, &name, found));
                }
            }
        }
    }
    changes.extend(old.keys().map(|name| removed(what, name, Class::Fix)));
}

/// Whether more is touched than before; a block that does not say may touch anything.
fn widens(old: Option<&[Effect]>, new: Option<&[Effect]>) -> bool {
    let each = |effects: &[Effect]| -> BTreeSet<(u8, SmolStr)> {
        let mut all = BTreeSet::new();
        for effect in effects {
            if effect.args.is_empty() {
                all.insert((effect.kind as u8, SmolStr::default()));
            }
            all.extend(effect.args.iter().map(|arg| (effect.kind as u8, arg.clone())));
        }
        all
    };
    match (old, new) {
        (_, None) => old.is_some(),
        (None, Some(_)) => false,
        (Some(old), Some(new)) => !each(new).is_subset(&each(old)),
    }
}

const fn word(body: &Body) -> &'static str {
    match body {
        Body::Task(_) => "task",
        Body::Gate(_) => "gate",
        Body::Decision(_) => "decision",
    }
}

fn nodes(changes: &mut Vec<Change>, fits: &Fits<'_>) {
    let (old, new) = (fits.old, fits.new);
    let names = renames(old, new);
    let same = |name| name;
    let rename = |name| names.get(name).copied().unwrap_or(name);
    let before = Shown {
        plan: old,
        item: "",
        renamed: &rename,
    };
    let now = Shown {
        plan: new,
        item: "",
        renamed: &same,
    };
    let known: HashMap<&str, _> = old.nodes.iter().map(|node| (rename(&node.id), node)).collect();
    for node in &new.nodes {
        let what = word(&node.body);
        let Some(was) = known.get(node.id.as_str()) else {
            changes.push(added(what, &node.id, Class::Feature));
            continue;
        };
        if was.id != node.id {
            changes.push(renamed(what, &was.id, &node.id));
        }
        let class = |name: &str, old: Option<&str>, new: Option<&str>| node_clause(fits, was, node, name, old, new);
        let found = changed(clauses::node(was, &before), clauses::node(node, &now), class);
        if !found.is_empty() {
            changes.push(as_changed(what, &node.id, found));
        }
    }
    let there: BTreeSet<&str> = new.nodes.iter().map(|node| node.id.as_str()).collect();
    let gone = old.nodes.iter().filter(|node| !there.contains(rename(&node.id)));
    changes.extend(gone.map(|node| removed(word(&node.body), &node.id, Class::Breaking)));
}

fn node_clause(
    fits: &Fits<'_>,
    was: &crate::plan::Node,
    is: &crate::plan::Node,
    name: &str,
    old: Option<&str>,
    new: Option<&str>,
) -> Class {
    let effects = |body: &Body| match body {
        Body::Task(task) => Option::clone(&task.effects),
        Body::Gate(gate) => gate.effects.clone(),
        Body::Decision(_) => None,
    };
    if let Some(output) = name.strip_prefix("output.") {
        let ty = |node: &crate::plan::Node| {
            let task = node.body.task()?;
            task.output
                .iter()
                .find(|found| found.name == output)
                .map(|found| found.ty.clone())
        };
        return match (ty(was), ty(is)) {
            (Some(old), Some(new)) if old == new => Class::Fix,
            (Some(old), Some(new)) if fits.output(&new, &old) => Class::Feature,
            (None, Some(_)) => Class::Feature,
            _ => Class::Breaking,
        };
    }
    match name {
        "effects" if widens(effects(&was.body).as_deref(), effects(&is.body).as_deref()) => Class::Breaking,
        "options" => Class::Breaking,
        _ if name.starts_with("fail ") && new.is_none() => Class::Breaking,
        _ if name.starts_with("fail ") && old.is_none() => Class::Feature,
        "needs" | "when" | "arms" | "each" | "approver" | "quorum" | "using" | "call" | "by" | "optional" => {
            Class::Feature
        }
        _ if name.starts_with("on ") || name.starts_with("remember ") => Class::Feature,
        _ => Class::Fix,
    }
}

/// Old names of nodes that are gone to new names of nodes that say just the same and no other does.
fn renames<'p>(old: &'p Plan, new: &'p Plan) -> HashMap<&'p str, &'p str> {
    let there: BTreeSet<&str> = new.nodes.iter().map(|node| node.id.as_str()).collect();
    let known: BTreeSet<&str> = old.nodes.iter().map(|node| node.id.as_str()).collect();
    let same = |name| name;
    let texts = |plan: &'p Plan, others: &BTreeSet<&str>| {
        let shown = Shown {
            plan,
            item: "",
            renamed: &same,
        };
        let mut found: HashMap<Clauses, Vec<&'p str>> = HashMap::new();
        for node in plan.nodes.iter().filter(|node| !others.contains(node.id.as_str())) {
            let mut says = clauses::node(node, &shown);
            if says.iter().any(|(name, _)| !matches!(name.as_str(), "needs" | "kind")) {
                says.push(("".into(), word(&node.body).to_owned()));
                found.entry(says).or_default().push(&node.id);
            }
        }
        found
    };
    let mut gone = texts(old, &there);
    let come = texts(new, &known);
    let pairs = come.into_iter().filter_map(|(says, to)| {
        let from = gone.remove(&says)?;
        match (from.as_slice(), to.as_slice()) {
            ([from], [to]) => Some((*from, *to)),
            _ => None,
        }
    });
    pairs.collect()
}

/// Called plans: their interface is checked by their callers, so what changes in them is no more than a fix here.
fn plans(changes: &mut Vec<Change>, old: &Plan, new: &Plan) {
    for (name, plan) in &new.plans {
        match old.plans.get(name) {
            None => changes.push(added("called plan", name, Class::Feature)),
            Some(before) => {
                let inside = diff(before, plan).into_iter().map(|change| {
                    let name = SmolStr::from(format!("{name}: {}", change.name));
                    let class = Class::Fix;
                    Change { name, class, ..change }
                });
                changes.extend(inside);
            }
        }
    }
    let gone = old.plans.keys().filter(|name| !new.plans.contains_key(*name));
    changes.extend(gone.map(|name| removed("called plan", name, Class::Fix)));
}
