//! `allow:` of policies against what the nodes of a plan use and declare to touch, those of called plans included.
//!
//! What the nodes of a called plan do is said at the call, unless the policy binds that plan too: then it is said
//! there. Paths of a policy are relative to the plan's folder; a constant `dir` of a task goes in front of what the
//! task declares. Absent: what a script really does.

use std::collections::HashSet;

use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use super::model::Allow;
use super::patterns::{covers_host, covers_name, covers_path, joined};
use super::subject::Subject;
use super::{PolicyAt, words};
use crate::diagnostic::{Diag, Place, Target};
use crate::facts::{Dir, EffectFact};
use crate::rules;
use crate::signatures::Work;

/// Folders of the system, which are always readable.
const SYSTEM: &[&str] = &["/bin", "/lib", "/lib64", "/sbin", "/usr"];

/// Something that a node does and a policy does not allow.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Denied {
    Capability(SmolStr),
    /// `network`, `read` or `write`, and what of it.
    Effect {
        kind: K,
        what: SmolStr,
        /// The capability that declares it; `None`: the node itself.
        of: Option<SmolStr>,
    },
    /// A script that declares nothing; of a capability, that.
    Undeclared(Option<SmolStr>),
}

impl Denied {
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Capability(_) => rules::CAPABILITY_DENIED,
            Self::Effect { .. } => rules::EFFECT_DENIED,
            Self::Undeclared(_) => rules::UNDECLARED_EFFECT,
        }
    }

    /// The line of the policy that denies it.
    fn line(&self, allow: &Allow) -> K {
        match self {
            Self::Capability(_) => K::Capabilities,
            Self::Effect { kind, .. } => *kind,
            Self::Undeclared(_) if allow.write.is_some() => K::Write,
            Self::Undeclared(_) if allow.read.is_some() => K::Read,
            Self::Undeclared(_) => K::Network,
        }
    }
}

/// What a node does that the policy does not allow, each thing once.
pub(super) fn denied(subject: &Subject<'_>, node: u32, allow: &Allow) -> Vec<Denied> {
    let mut found = Vec::new();
    let Some(facts) = subject.facts(node).filter(|facts| !facts.broken) else {
        return found;
    };
    if let Some(allowed) = &allow.capabilities {
        let uses = subject.uses(node);
        let denied = uses
            .into_iter()
            .filter(|name| !allowed.iter().any(|pattern| covers_name(pattern, name)));
        found.extend(denied.map(|name| Denied::Capability(name.into())));
        found.dedup();
    }
    if !allow.limits_effects() {
        return found;
    }
    if (subject.has_script(node) || subject.only_undoes(node)) && facts.effects.is_none() {
        found.push(Denied::Undeclared(None));
        return found;
    }
    let of_scripts = subject.undeclared(node).into_iter();
    found.extend(of_scripts.map(|name| Denied::Undeclared(Some(name.into()))));
    let own = facts
        .effects
        .iter()
        .flat_map(|effects| &**effects)
        .map(|effect| (effect, None));
    let of_capabilities = subject
        .capability_effects(node)
        .into_iter()
        .map(|(name, effect)| (effect, Some(name)));
    for (effect, of) in own.chain(of_capabilities) {
        let folder = Folder::of(subject, node, of.is_some());
        for (kind, what) in effect_denied(effect, allow, &folder) {
            let of = of.map(SmolStr::from);
            found.push(Denied::Effect { kind, what, of });
        }
    }
    let mut seen = HashSet::new();
    found.retain(|denied| seen.insert(denied.clone()));
    found
}

/// What the paths of a node's effects are relative to.
enum Folder {
    /// In front of them.
    Known(SmolStr),
    Unknown,
}

impl Folder {
    fn of(subject: &Subject<'_>, node: u32, of_capability: bool) -> Self {
        let dir = subject.facts(node).map(|facts| &facts.dir);
        match dir {
            Some(Dir::Constant(dir)) if !of_capability => Self::Known(dir.clone()),
            Some(Dir::Computed) if !of_capability => Self::Unknown,
            _ => Self::Known(SmolStr::default()),
        }
    }
}

/// The line of the policy and the parts of the effect that it does not cover.
fn effect_denied(effect: &EffectFact, allow: &Allow, folder: &Folder) -> Vec<(K, SmolStr)> {
    // what is known only while running is not judged here
    let args = effect.args.iter().flatten();
    let denied = |key: K, is_denied: &dyn Fn(&&SmolStr) -> bool| {
        let denied = args.filter(is_denied);
        denied.map(|arg| (key, arg.clone())).collect()
    };
    match effect.name.as_str() {
        "network" if allow.network.is_some() => {
            let hosts = patterns_of(&allow.network);
            denied(K::Network, &|host| {
                !hosts.iter().any(|pattern| covers_host(pattern, host))
            })
        }
        "read" if allow.read.is_some() => {
            // what may be written may be read
            let patterns = [patterns_of(&allow.read), patterns_of(&allow.write)].concat();
            denied(K::Read, &|path| {
                let is_system = SYSTEM.iter().any(|folder| covers_path(folder, path));
                !is_system && !path_covered(&patterns, path, folder)
            })
        }
        "write" if allow.write.is_some() => {
            let patterns = patterns_of(&allow.write);
            denied(K::Write, &|path| !path_covered(&patterns, path, folder))
        }
        _ => Vec::new(),
    }
}

fn patterns_of(line: &Option<Box<[SmolStr]>>) -> Vec<&SmolStr> {
    line.iter().flat_map(|patterns| &**patterns).collect()
}

fn path_covered(patterns: &[&SmolStr], path: &str, folder: &Folder) -> bool {
    let path = match folder {
        Folder::Known(folder) => joined(folder, path),
        Folder::Unknown if path.starts_with('/') => path.to_owned(),
        Folder::Unknown => return true,
    };
    patterns.iter().any(|pattern| covers_path(pattern, &path))
}

// ---------- words ----------

/// One diagnostic for each kind of thing that a node does against policies; each of them has a label.
pub(super) fn problems(subject: &Subject<'_>, node: u32, policies: &[&PolicyAt]) -> Vec<Diag> {
    let mut found: Vec<(Denied, Diag)> = Vec::new();
    for at in policies {
        for denied in denied(subject, node, &at.policy.allow) {
            let line = Place {
                block: at.block,
                target: Target::Inner(K::Allow, denied.line(&at.policy.allow)),
            };
            let label = (line, allows(at, &denied));
            match found.iter_mut().find(|(known, _)| *known == denied) {
                Some((_, diag)) => diag.labels.push(label),
                None => {
                    let mut diag = problem(subject, node, &denied, at);
                    diag.labels.push(label);
                    found.push((denied, diag));
                }
            }
        }
    }
    found.into_iter().map(|(_, diag)| diag).collect()
}

/// Who judges the prose of a plan does so at the plan's wish, so what is true of its tasks is true of it.
pub(super) fn problem_of_judge(subject: &Subject<'_>, policies: &[&PolicyAt]) -> Option<Diag> {
    let judge = subject.judge().filter(|judge| *judge != "human")?;
    let place = subject.clause_place(Target::NameIn(K::Judge), |says| says.judge.is_some())?;
    let capability = subject.capability(judge)?;
    let name = subject.declared_name(judge);
    let mut labels = Vec::new();
    let mut first = None;
    for at in policies {
        let allow = &at.policy.allow;
        let is_denied = |allowed: &[SmolStr]| !allowed.iter().any(|pattern| covers_name(pattern, name));
        let denied = match allow.capabilities.as_deref() {
            Some(allowed) if is_denied(allowed) => Some(Denied::Capability(name.into())),
            _ => {
                let folder = Folder::Known(SmolStr::default());
                let mut effects = capability.effects.iter().flat_map(|effects| &**effects);
                let denied = effects.find_map(|effect| effect_denied(effect, allow, &folder).into_iter().next());
                denied.map(|(kind, what)| Denied::Effect {
                    kind,
                    what,
                    of: Some(name.into()),
                })
            }
        };
        if let Some(denied) = denied {
            let line = Place {
                block: at.block,
                target: Target::Inner(K::Allow, denied.line(allow)),
            };
            labels.push((line, allows(at, &denied)));
            first.get_or_insert(denied);
        }
    }
    let denied = first?;
    let message = match &denied {
        Denied::Effect { kind, what, .. } => {
            format!(
                "`{name}` judges this plan and {} `{what}`, which is not allowed",
                verb(*kind)
            )
        }
        _ => format!("`{name}` judges this plan, which is not allowed"),
    };
    let diag = Diag::new(denied.rule(), place, message);
    Some(
        labels
            .into_iter()
            .fold(diag, |diag, (line, says)| diag.label(line, says)),
    )
}

fn allows(at: &PolicyAt, denied: &Denied) -> String {
    let what = match denied {
        Denied::Capability(_) => "allows only these",
        Denied::Effect { .. } => "allows only this",
        Denied::Undeclared(_) => "limits what may be touched",
    };
    format!("the policy `{}` {what}", at.policy.name)
}

fn problem(subject: &Subject<'_>, node: u32, denied: &Denied, at: &PolicyAt) -> Diag {
    let name = subject.node_name(node);
    let allow = &at.policy.allow;
    match denied {
        Denied::Capability(capability) => {
            let message = format!("`{name}` uses `{capability}`, which is not allowed");
            let listed = listed(allow.capabilities.as_deref().unwrap_or_default());
            Diag::new(
                denied.rule(),
                subject.place(node, user(subject, node, capability)),
                message,
            )
            .help(format!("allowed are {listed}"))
        }
        Denied::Effect { kind, what, of } => {
            let verb = verb(*kind);
            let patterns = match kind {
                K::Network => &allow.network,
                K::Read => &allow.read,
                _ => &allow.write,
            };
            let help = format!("allowed are {}", listed(patterns.as_deref().unwrap_or_default()));
            let (message, target) = match of {
                None => (
                    format!("`{name}` {verb} `{what}`, which is not allowed"),
                    Target::Effect(kind.word().into(), what.clone()),
                ),
                Some(capability) => (
                    format!("`{name}` uses `{capability}`, which {verb} `{what}`, which is not allowed"),
                    user(subject, node, capability),
                ),
            };
            Diag::new(denied.rule(), subject.place(node, target), message).help(help)
        }
        Denied::Undeclared(None) => undeclared(subject, node, allow),
        Denied::Undeclared(Some(capability)) => {
            let message =
                format!("`{name}` uses `{capability}`, whose script declares no effects, so it may touch anything");
            let place = subject.place(node, user(subject, node, capability));
            Diag::new(rules::UNDECLARED_EFFECT, place, message).help(format!(
                "add a line `effects: {}` to `{capability}`, with what it touches",
                skeleton(allow)
            ))
        }
    }
}

fn undeclared(subject: &Subject<'_>, node: u32, allow: &Allow) -> Diag {
    let name = subject.node_name(node);
    let (what, key) = match subject.only_undoes(node) {
        true => ("rollback", K::Rollback),
        false => ("script", K::Run),
    };
    let message = format!("the {what} of `{name}` declares no effects, so it may touch anything");
    let skeleton = skeleton(allow);
    Diag::new(
        rules::UNDECLARED_EFFECT,
        subject.place(node, Target::Clause(key)),
        message,
    )
    .help(format!("add a line `effects: {skeleton}`, with what it touches"))
    .set_clause(
        format!("declare the effects that the policy allows `{name}`"),
        K::Effects,
        skeleton,
    )
}

/// The most that the policy allows, as a clause of effects.
fn skeleton(allow: &Allow) -> String {
    let kinds = [
        ("network", &allow.network),
        ("read", &allow.read),
        ("write", &allow.write),
    ];
    let effects = kinds.iter().filter_map(|(kind, patterns)| {
        let patterns = patterns.as_deref().filter(|patterns| !patterns.is_empty())?;
        let quoted: Vec<String> = patterns.iter().map(|pattern| format!("\"{pattern}\"")).collect();
        Some(format!("{kind}({})", quoted.join(", ")))
    });
    let effects: Vec<String> = effects.collect();
    if effects.is_empty() {
        "read(\".\")".to_owned()
    } else {
        effects.join(", ")
    }
}

/// Where the node names the capability.
fn user(subject: &Subject<'_>, node: u32, capability: &str) -> Target {
    let sig = subject.sig(node);
    let written = subject.written_uses(node);
    let written = written
        .into_iter()
        .find(|name| subject.declared_name(name) == capability);
    match (&sig.work, subject.facts(node).and_then(|facts| facts.using.as_ref())) {
        (Work::Steps(_), _) => Target::Step(written.unwrap_or(capability).into()),
        (Work::Script, None) => Target::Clause(K::Run),
        _ if capability == "shell" && subject.only_undoes(node) => Target::Clause(K::Rollback),
        _ => Target::NameIn(K::Using),
    }
}

fn verb(kind: K) -> &'static str {
    match kind {
        K::Network => "reaches",
        K::Read => "reads",
        _ => "writes",
    }
}

fn listed(patterns: &[SmolStr]) -> String {
    if patterns.is_empty() {
        return "none".to_owned();
    }
    words::several(patterns.iter().map(SmolStr::as_str), "and")
}

/// The first thing that a called plan does and the policy of the caller does not allow, said at the call.
pub(super) fn problem_of_call(subject: &Subject<'_>, call: u32, called: &Subject<'_>, at: &PolicyAt) -> Option<Diag> {
    let first = |node| Some((node, denied(called, node, &at.policy.allow).into_iter().next()?));
    let (node, denied) = called.nodes().find_map(first)?;
    let (caller, plan, task) = (subject.node_name(call), &called.name, called.node_name(node));
    let does = match &denied {
        Denied::Capability(capability) => format!("uses `{capability}`, which is not allowed"),
        Denied::Effect { kind, what, of: None } => format!("{} `{what}`, which is not allowed", verb(*kind)),
        Denied::Effect {
            kind,
            what,
            of: Some(capability),
        } => format!(
            "uses `{capability}`, which {} `{what}`, which is not allowed",
            verb(*kind)
        ),
        Denied::Undeclared(None) => "runs a script that declares no effects".to_owned(),
        Denied::Undeclared(Some(capability)) => {
            format!("uses `{capability}`, whose script declares no effects")
        }
    };
    let message = format!("`{caller}` calls `{plan}`, whose `{task}` {does}");
    let line = Place {
        block: at.block,
        target: Target::Inner(K::Allow, denied.line(&at.policy.allow)),
    };
    let diag = Diag::new(denied.rule(), subject.place(call, Target::Call), message);
    Some(
        diag.label(line, allows(at, &denied))
            .label(called.place(node, Target::Name), "in the called plan"),
    )
}
