//! `dslc lsp`: the language server on standard input and output.

use std::collections::BTreeMap;

use ir::Plan;
use smol_str::SmolStr;
use store::{Forecast, RunFolder};

use crate::failure::{Exit, Failure};

/// Run the language server on standard input and output
#[derive(clap::Args)]
pub struct Args {
    /// Accepted because editors pass it; there is no other way to talk to it
    #[arg(long, hide = true)]
    stdio: bool,
}

pub fn run(_args: &Args) -> Result<Exit, Failure> {
    match ::lsp::serve_stdio(foresee) {
        0 => Ok(Exit::Fine),
        // The protocol's code for a client that left without saying so.
        _ => Err(Failure::new(Exit::PlanWrong, "")),
    }
}

/// A store that cannot be read has nothing to be reused.
fn foresee(last: &RunFolder, plan: Plan) -> BTreeMap<SmolStr, Forecast> {
    runtime::forecast(last, plan).unwrap_or_default()
}
