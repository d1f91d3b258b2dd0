//! `dslc.log`: the file with what a node printed when it last ran.

use std::path::PathBuf;

use store::{Durability, Log, Store};
use tower_lsp_server::jsonrpc::{Error, Result};

use crate::execute_command::Target;
use crate::program::failed;
use crate::view::Subject;

pub(crate) fn newest(subject: &Subject<'_>, target: &Target) -> Result<PathBuf> {
    let node = target.node.as_deref();
    let node = node.ok_or_else(|| Error::invalid_params("expected one argument, an object with `uri` and `node`"))?;
    let runs = subject.view.runs();
    let runs = runs.of_plan(subject.path, target.plan.as_deref().unwrap_or_default());
    let store = Store::new(subject.view.store(), Durability::Process);
    let ran = runs.iter().filter(|run| run.node(node).is_some());
    let mut folders = ran.filter_map(|run| store.find(&run.id).ok());
    let folder = folders.next().ok_or_else(|| failed(format!("`{node}` has not run")))?;
    let logs = folder.logs().unwrap_or_default();
    let is_its_own = |log: &&Log| {
        let rest = log.label.strip_prefix(node);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
    };
    // the last attempt, of a fan-out that of the last instance
    let log = logs.iter().rev().find(is_its_own);
    log.map(|log| log.path.clone())
        .ok_or_else(|| failed(format!("`{node}` printed nothing")))
}
