//! How a command ends: an exit code, and for everything but success one sentence.

use std::fmt::Display;
use std::path::Path;

/// Exit codes, the same for every command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Fine = 0,
    /// The plan is wrong, or a format check differs.
    PlanWrong = 1,
    Usage = 2,
    RunFailed = 3,
    /// The run waits for a person, and nobody is there to ask.
    Waiting = 4,
    Internal = 5,
    Interrupted = 130,
}

/// Why a command ended early.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// Lower case, a line for each problem; empty when everything has been said already.
    pub message: String,
    /// Something to type.
    pub help: Option<String>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            help: None,
        }
    }
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Internal, message)
    }
    /// The diagnostics have been printed; there is nothing to add.
    pub fn plan_wrong() -> Self {
        Self::new(Exit::PlanWrong, "")
    }
    /// A file that the user named cannot be read.
    pub fn unreadable(path: &Path, error: impl Display) -> Self {
        Self::usage(format!("cannot read `{}`: {error}", path.display()))
    }
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The system's words for an error, without Rust's `(os error 2)`, in lower case.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::from("unknown error"),
    }
}
