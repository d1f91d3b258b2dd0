//! Decisions of people about gates that wait for them, and about prose that they judge.
//!
//! Promise: whoever is told that a decision counts finds it in the journal; of two that contradict each other one is
//! told that it came too late. Absent: knowing people. What they say they are is believed.

use engine::event::{EventKind, GateDecision};
use engine::{Engine, Weight};
use ir::plan::NodeId;
use smol_str::SmolStr;
use store::RunFolder;

use crate::error::RunError;
use crate::history::fold;
use crate::request::{Asked, ask};

/// A decision about the gate, the task or the instance of this name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    pub gate: String,
    /// The principal as which it is made.
    pub by: SmolStr,
    /// Who it is, if the principal is a role of several.
    pub person: Option<SmolStr>,
    pub decision: GateDecision,
    pub because: Option<String>,
}

/// Makes a decision about a gate.
pub fn decide(folder: &RunFolder, decision: &Decision) -> Result<Asked, RunError> {
    let asked = ask(folder, |engine| {
        let about = decision.weigh(folder, engine)?;
        Ok(about.map(|(node, instance)| EventKind::Decided {
            node,
            instance,
            by: decision.by.clone(),
            person: decision.person.clone(),
            decision: decision.decision.clone(),
            because: decision.because.clone(),
        }))
    })?;
    // somebody else's may have been first in the driver's inbox
    if let Asked::Taken(_) = &asked {
        decision.weigh(folder, &fold(folder, |_, _| {})?.engine)?;
    }
    Ok(asked)
}

impl Decision {
    /// What it is about, if the decision counts; nothing, if it has been said already.
    fn weigh(&self, folder: &RunFolder, engine: &Engine) -> Result<Option<(NodeId, Option<u32>)>, RunError> {
        let (node, instance) = find_gate(folder, engine, &self.gate)?;
        match engine.weigh(node, instance, &self.by, self.person.as_ref(), &self.decision) {
            Ok(Weight::Counts) => Ok(Some((node, instance))),
            Ok(Weight::Said) => Ok(None),
            Err(refusal) => Err(RunError::Refused {
                run: folder.id().to_owned(),
                gate: self.gate.clone(),
                decision: self.decision.clone(),
                refusal,
            }),
        }
    }
}

/// The gate of a name; the error tells those that wait, or else those that there are.
fn find_gate(folder: &RunFolder, engine: &Engine, name: &str) -> Result<(NodeId, Option<u32>), RunError> {
    if let Some(found) = engine.find_unit(name) {
        return Ok(found);
    }
    let waiting: Vec<String> = engine.asking().iter().map(|ask| ask.label.to_string()).collect();
    Err(RunError::NoSuchGate {
        run: folder.id().to_owned(),
        gate: name.to_owned(),
        waiting,
    })
}
