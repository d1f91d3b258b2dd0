//! `dslc lsp`: the language server on standard input and output.

use crate::failure::{Exit, Failure};

/// Run the language server on standard input and output
#[derive(clap::Args)]
pub struct Args {
    /// Accepted because editors pass it; there is no other way to talk to it
    #[arg(long, hide = true)]
    stdio: bool,
}

pub fn run(_args: &Args) -> Result<Exit, Failure> {
    match ::lsp::serve_stdio() {
        0 => Ok(Exit::Fine),
        // The protocol's code for a client that left without saying so.
        _ => Err(Failure::new(Exit::PlanWrong, "")),
    }
}
