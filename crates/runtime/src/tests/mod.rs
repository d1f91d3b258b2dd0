//! What the runtime promises, tried with real processes and real folders.

mod crash;
mod driver;
mod plans;
mod scopes;
mod supervisor;

use std::ffi::OsString;
use std::path::PathBuf;

/// The ignored test that is the supervisor.
pub const SUPERVISOR: &str = "supervisor_process";

/// How this binary runs one of its ignored tests as a process of its own.
pub fn supervisor_command(test: &str) -> (PathBuf, Vec<OsString>) {
    let binary = std::env::current_exe().expect("this binary");
    let args = [
        "--ignored",
        "--exact",
        &format!("tests::supervisor::{test}"),
        "--nocapture",
    ]
    .map(OsString::from);
    (binary, args.to_vec())
}
