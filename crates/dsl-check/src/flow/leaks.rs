//! `secret-leak`: a secret that is certainly printed or stored.
//!
//! Only the secret itself counts, alone or in a text, on whatever way it came; what a script answers that was given one
//! is its answer. Of a way that leaks, the first place is the mistake: what reads on from there is not said again.
//! Absent: flows that a policy denies.

use dsl_syntax::table::ClauseKey as K;

use super::graph::{FlowGraph, Origin, Spread};
use super::spot::{Level, Spot};
use crate::diagnostic::{Diag, Place};
use crate::inputs::SourceFile;
use crate::plans::{PlanBlocks, file_plans};
use crate::rules;
use crate::scope::{PlanScope, scope};
use crate::signatures::Work;

/// One way that ends where it must not.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Leak {
    pub place: Place,
    /// What it leaks: `secrets.token`
    of: String,
    end: End,
    /// What holds it there.
    holder: String,
    /// The whole way in words, if it is not plain to see.
    way: Option<String>,
    /// The plan that leaks it further on, and where.
    beyond: Option<(Place, End)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Shown,
    Stored,
    Printed,
}

impl End {
    const fn done(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Stored => "stored",
            Self::Printed => "printed",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Self::Shown => "leave it out; who needs it gets it in `input:` or `env:`",
            Self::Stored => "read the secret in the `input:` or `env:` of the task that needs it",
            Self::Printed => "take it out of what is printed, or pipe it to the command that reads it",
        }
    }
}

/// Secrets that the plans of a file print or store.
pub(crate) fn secret_leaks(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let scope = scope(db, file);
    let mut found = Vec::new();
    for (at, plan) in file_plans(db, file).plans.iter().enumerate() {
        let Some(shape) = scope.own.get(at).filter(|shape| has_secrets(shape)) else {
            continue;
        };
        if let Some(flow) = FlowGraph::of_plan(db, file, at) {
            found.extend(leaks(plan, &flow, &origins(shape), false).iter().map(diag));
        }
    }
    found
}

fn has_secrets(shape: &PlanScope) -> bool {
    !shape.secrets.is_empty() || shape.params.iter().any(|param| shape.is_secret(&param.name))
}

fn origins(shape: &PlanScope) -> Vec<Origin> {
    let params = shape.params.iter().filter(|param| shape.is_secret(&param.name));
    let params = params.map(|param| Origin::Param(param.name.clone()));
    shape
        .secrets
        .iter()
        .cloned()
        .map(Origin::Secret)
        .chain(params)
        .collect()
}

/// The ways of values from their origins that end where they are printed or stored; one for each end. `outside`: the
/// values are the caller's.
pub(crate) fn leaks(plan: &PlanBlocks, flow: &FlowGraph<'_>, origins: &[Origin], outside: bool) -> Vec<Leak> {
    let spread = flow.spread(origins, |spot, level| {
        level == Level::MayHold || end(flow, spot).is_some() || beyond(flow, spot).is_some()
    });
    let mut found = Vec::new();
    for (at, arrived) in spread.found.iter().enumerate() {
        if arrived.level == Level::MayHold {
            continue;
        }
        let at = at as u32;
        if let Some(end) = end(flow, &arrived.spot) {
            found.extend(leak(plan, flow, &spread, at, end, None));
        } else if let Some(beyond) = beyond(flow, &arrived.spot) {
            let last = beyond.beyond.as_ref();
            let beyond = last.map_or_else(|| (beyond.place.clone(), beyond.end), Clone::clone);
            found.extend(leak(plan, flow, &spread, at, beyond.1, Some(beyond)));
        }
    }
    if outside {
        found.truncate(1);
    }
    found
}

/// What a called plan does to a value that it is given.
fn beyond<'a>(flow: &FlowGraph<'a>, spot: &Spot) -> Option<&'a Leak> {
    match spot {
        Spot::Clause(node, sink) if sink.key == Some(K::Input) => flow.called(*node)?.leak_of(sink.entry.as_ref()?),
        _ => None,
    }
}

/// What happens to a value at a place where values end.
fn end(flow: &FlowGraph<'_>, spot: &Spot) -> Option<End> {
    let (at, sink) = match spot {
        // it prints what is certain to be there: its script says so
        Spot::Work(_) | Spot::Undone(_) => return Some(End::Printed),
        Spot::Clause(at, sink) => (*at, sink),
        _ => return None,
    };
    let node = flow.graph.nodes.get(at as usize);
    match (sink.key, node.map(|node| &node.work)) {
        (None | Some(K::Description | K::Fail | K::Expect | K::Requires | K::Checks | K::Assumes | K::Alert), _) => {
            Some(End::Shown)
        }
        (Some(K::Dir | K::Shell | K::Options), _) => Some(End::Shown),
        (Some(K::Output | K::Outputs | K::Remember | K::Memory | K::Each | K::Key), _) => Some(End::Stored),
        (Some(K::Input), Some(Work::Capability(capability))) => match capability.as_str() {
            "human.ask" => Some(End::Shown),
            "file.write" => Some(End::Stored),
            _ => None,
        },
        _ => None,
    }
}

fn leak(
    plan: &PlanBlocks,
    flow: &FlowGraph<'_>,
    spread: &Spread,
    at: u32,
    end: End,
    beyond: Option<(Place, End)>,
) -> Option<Leak> {
    let path = spread.path(at);
    let (first, last) = (path.first()?, path.last()?);
    let holder = match &last.spot {
        Spot::Undone(node) => format!("the rollback of `{}`", flow.graph.nodes[*node as usize].name),
        Spot::Work(node) => format!("the script of `{}`", flow.graph.nodes[*node as usize].name),
        spot => spot.says(flow.graph),
    };
    Some(Leak {
        place: spread.place(at, plan)?,
        of: first.spot.says(flow.graph),
        end,
        holder,
        way: (path.len() > 2).then(|| spread.says(at, flow.graph)),
        beyond,
    })
}

fn diag(leak: &Leak) -> Diag {
    let message = match (&leak.beyond, leak.end) {
        (Some(_), end) => format!("{} holds {}, which is {} further on", leak.holder, leak.of, end.done()),
        (None, End::Printed) => format!("{} prints {}, expected a secret to be in no log", leak.holder, leak.of),
        (None, end) => format!(
            "{} holds {}, expected no secret where it is {}",
            leak.holder,
            leak.of,
            end.done()
        ),
    };
    let mut diag = Diag::new(rules::SECRET_LEAK, leak.place.clone(), message).help(leak.end.help());
    if let Some((place, end)) = &leak.beyond {
        diag = diag.label(place.clone(), format!("{} here", end.done()));
    }
    match &leak.way {
        Some(way) => diag.note(format!("its way: {way}")),
        None => diag,
    }
}
