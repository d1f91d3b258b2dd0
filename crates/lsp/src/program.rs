//! Starting `dslc` itself: to run a plan in the background, and to run tests.
//!
//! The process reads the file, so what is not saved is refused. A test ends with its request: a client that cancels
//! stops it. A run does not: its driver lives on without the server.

use std::path::PathBuf;
use std::process::Stdio;

use serde::Serialize;
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types::MessageType;

use crate::execute_command::{Target, Verb};
use crate::view::Subject;

pub(crate) struct Job {
    program: PathBuf,
    args: Vec<String>,
    dir: PathBuf,
    verb: Verb,
}

/// What came of it.
#[derive(Serialize)]
pub(crate) struct Outcome {
    /// Absent: the process was killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    #[serde(skip)]
    verb: Verb,
}

/// What to start for an open document.
pub(crate) fn job(subject: &Subject<'_>, program: Option<PathBuf>, verb: Verb, target: &Target) -> Result<Job> {
    let program = program.ok_or_else(|| failed("there is no program to run plans with".to_owned()))?;
    let path = subject.path;
    let is_saved = std::fs::read(path).is_ok_and(|bytes| bytes == subject.document.text.as_str().as_bytes());
    if !is_saved {
        return Err(failed(format!(
            "save `{}` first: what runs is the file",
            path.display()
        )));
    }
    let file = path.to_string_lossy().into_owned();
    let args = match verb {
        Verb::Run => {
            let params = target.params.iter();
            let params = params.flat_map(|(name, value)| ["--param".to_owned(), format!("{name}={value}")]);
            let plan = target.plan().map(str::to_owned);
            let start = ["run".to_owned(), "--detach".to_owned(), file];
            start.into_iter().chain(plan).chain(params).collect()
        }
        Verb::Test => {
            let filter = target.test.iter();
            let filter = filter.flat_map(|test| ["--filter".to_owned(), test.clone()]);
            ["test".to_owned(), file].into_iter().chain(filter).collect()
        }
    };
    let root = Some(subject.view.snapshot.root()).filter(|root| root.is_dir());
    let dir = root.or(path.parent()).unwrap_or(path).to_path_buf();
    Ok(Job {
        program,
        args,
        dir,
        verb,
    })
}

impl Job {
    pub(crate) async fn run(self) -> Result<Outcome> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&self.args).current_dir(&self.dir).kill_on_drop(true);
        command.stdin(Stdio::null()).env("NO_COLOR", "1");
        let output = command.output().await;
        let output = output.map_err(|error| failed(format!("`{}` did not start: {error}", self.program.display())))?;
        Ok(Outcome {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            verb: self.verb,
        })
    }
}

impl Outcome {
    pub(crate) fn kind(&self) -> MessageType {
        match self.code {
            Some(0) => MessageType::INFO,
            _ => MessageType::ERROR,
        }
    }

    /// For the person: the run's name, the sum of the tests, or the complaint.
    pub(crate) fn headline(&self) -> String {
        let last = |text: &str| {
            text.lines()
                .rev()
                .map(str::trim)
                .find(|line| !line.is_empty())
                .map(str::to_owned)
        };
        let first = |text: &str| {
            text.lines()
                .map(str::trim)
                .find(|line| !line.is_empty())
                .map(str::to_owned)
        };
        let said = match (self.code, self.verb) {
            (Some(0), Verb::Run) => last(&self.stdout).map(|run| format!("runs in the background as {run}")),
            (_, Verb::Test) => last(&self.stdout).or_else(|| first(&self.stderr)),
            _ => first(&self.stderr).or_else(|| last(&self.stdout)),
        };
        said.unwrap_or_else(|| "dslc said nothing".to_owned())
    }
}

/// The protocol's code for a request that is well-formed and cannot be carried out.
const REQUEST_FAILED: i64 = -32803;

pub(crate) fn failed(why: String) -> Error {
    Error {
        code: ErrorCode::ServerError(REQUEST_FAILED),
        message: why.into(),
        data: None,
    }
}
