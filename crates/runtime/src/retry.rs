//! Trying failed nodes of a run again, because a person says so.
//!
//! Promise: an ask that was accepted is on disk as one event, so a crash leaves the run as it was or with all that
//! follows from it. The same ask again changes nothing. Absent: deciding what follows (the engine), and driving.

use engine::event::EventKind;
use engine::{Engine, Weight};
use ir::plan::NodeId;
use store::RunFolder;

use crate::error::RunError;
use crate::request::{Asked, ask};

/// Has the nodes of these names tried again; an instance stands for its node.
pub fn retry(folder: &RunFolder, names: &[String], because: Option<&str>, by: &str) -> Result<Asked, RunError> {
    ask(folder, |engine| {
        let mut nodes = Vec::new();
        for name in names {
            let node = find(folder, engine, name)?;
            match engine.weigh_retry(node) {
                Ok(Weight::Counts) => nodes.push(node),
                Ok(Weight::Said) => {}
                Err(refusal) => {
                    return Err(RunError::NotRetried {
                        node: name.clone(),
                        refusal,
                    });
                }
            }
        }
        Ok((!nodes.is_empty()).then(|| EventKind::RetryAsked {
            nodes,
            because: because.map(str::to_owned),
            by: by.to_owned(),
        }))
    })
}

/// The error names those that could be tried again.
fn find(folder: &RunFolder, engine: &Engine, name: &str) -> Result<NodeId, RunError> {
    let found = engine.find_unit(name);
    found.map(|(node, _)| node).ok_or_else(|| RunError::NoSuchNode {
        run: folder.id().to_owned(),
        node: name.to_owned(),
        failed: failed(engine),
    })
}

/// Nodes of the plan that failed, were cancelled or undone, and may be tried again.
pub fn failed(engine: &Engine) -> Vec<String> {
    let failed = |node: &engine::NodeSnapshot| node.status == engine::event::NodeStatus::Failed;
    let nodes = engine.nodes().into_iter().filter(failed);
    let own = nodes.filter(|node| engine.outermost_node(node.node) == node.node && node.handled != Some(true));
    let may = own.filter(|node| engine.weigh_retry(node.node) == Ok(Weight::Counts));
    may.map(|node| node.id.to_string()).collect()
}
