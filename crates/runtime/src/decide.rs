//! Decisions of people about gates that wait for them.
//!
//! Promise: whoever is told that a decision counts finds it in the journal; of two that contradict each other one is told that it came
//! too late. Absent: knowing people. What they say they are is believed.

use engine::event::{EventKind, GateDecision};
use engine::{Engine, Weight};
use smol_str::SmolStr;
use store::RunFolder;

use crate::error::RunError;
use crate::history::fold;
use crate::request::{Asked, ask};

/// A decision about the gate of this name.
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
        let node = decision.weigh(folder, engine)?;
        Ok(node.map(|node| EventKind::Decided {
            node,
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
    /// The gate, if the decision counts; nothing, if it has been said already.
    fn weigh(&self, folder: &RunFolder, engine: &Engine) -> Result<Option<u32>, RunError> {
        let node = find_gate(folder, engine, &self.gate)?;
        match engine.weigh(node, &self.by, self.person.as_ref(), &self.decision) {
            Ok(Weight::Counts) => Ok(Some(node)),
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
fn find_gate(folder: &RunFolder, engine: &Engine, name: &str) -> Result<u32, RunError> {
    if let Some(node) = engine.find(name) {
        return Ok(node);
    }
    let waiting: Vec<String> = engine.asking().iter().map(|ask| ask.label.to_string()).collect();
    Err(RunError::NoSuchGate {
        run: folder.id().to_owned(),
        gate: name.to_owned(),
        waiting,
    })
}
