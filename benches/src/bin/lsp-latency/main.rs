//! How long an editor waits for `dslc lsp`, over the wire: a client of our own, the real program, and beside it a server that
//! answers at once, for the share that pipes, frames and JSON have.
//!
//! `lsp-latency requests|rename|workspace|long SERVER PATH` are called by `cargo xtask bench lsp`, which makes the plans;
//! `lsp-latency null` is that other server. Absent: what an editor does with an answer.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal"
)]

mod client;
mod figures;
mod null;
mod process;
mod requests;
mod whole;

use std::io;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["null"] => null::serve(&mut io::stdin().lock(), &mut io::stdout().lock()),
        ["requests", server, plan, most @ ..] => requests::requests(server, Path::new(plan), most),
        ["rename", server, plan, most] => requests::rename(server, Path::new(plan), most),
        ["workspace", server, folder] => whole::workspace(server, Path::new(folder)),
        ["long", server, plan, changes] => whole::long(server, Path::new(plan), changes),
        _ => {
            eprintln!("usage: lsp-latency requests|rename|workspace|long SERVER PATH …; lsp-latency null");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
