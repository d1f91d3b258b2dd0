//! Preparing attempts: from what the engine wants to what the supervisor starts.
//!
//! A reason why something cannot be started is a sentence for people; the engine makes a failure of it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use engine::event::{AttemptId, Exec, Observation, StartAttempt, StopReason};
use rustix::io::Errno;
use store::RunFolder;
use tokio::sync::oneshot;

use crate::environment::{Programs, STRING_MAX_BYTES, as_json, as_text};
use crate::procfs::RUN_DIR_VARIABLE;
use crate::supervisor::{End, Spawn};

/// An attempt that was handed to the supervisor.
#[derive(Debug)]
pub struct Live {
    pub attempt: AttemptId,
    pub label: String,
    /// As the plan names it.
    pub program: String,
    /// Where it runs: `file`, `exists` and `hash` are relative to it.
    pub dir: PathBuf,
    pub started_boot_ms: u64,
    /// Of the boot clock.
    pub deadline_ms: Option<u64>,
    pub stop: Option<Stop>,
    /// What was seen before it started.
    pub observed: Vec<Observation>,
    /// Tells its output's reader that it ended.
    pub ended: Option<TellEnded>,
}

/// How it ended, and whether it was asked to.
pub type TellEnded = oneshot::Sender<(End, bool)>;

/// Why it was asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    Timeout,
    Asked(StopReason),
}

/// What attempts are prepared from.
pub struct Preparer {
    pub folder: RunFolder,
    pub run: String,
    /// What marks its processes.
    pub run_dir: String,
    /// Where `dslc` was started.
    pub cwd: PathBuf,
    pub inherited: Vec<(OsString, OsString)>,
    pub programs: Programs,
}

impl Preparer {
    /// The folder of an attempt.
    pub fn dir(&self, exec: &Exec) -> PathBuf {
        match &exec.dir {
            Some(dir) => self.cwd.join(dir),
            None => self.folder.work_dir(),
        }
    }

    /// What the supervisor is to start; the error says why nothing can be started.
    pub fn prepare(&mut self, id: u64, start: &StartAttempt, exec: &Exec, dir: &Path) -> Result<Spawn, String> {
        must_be_folder(dir)?;
        let env = self.environment(start, exec)?;
        let path = env
            .iter()
            .rev()
            .find(|(name, _)| name == "PATH")
            .map_or(OsStr::new(""), |(_, value)| value);
        let name = exec.argv.first().ok_or("there is no program to run")?;
        let program = self.programs.find(name, path, dir)?;
        for arg in &exec.argv {
            passable("the script", arg.as_bytes(), 0, "read the data from a file instead")?;
        }
        Ok(Spawn {
            id,
            program: program.into_os_string().into_vec(),
            argv: exec.argv.iter().map(|arg| arg.clone().into_bytes()).collect(),
            env: env
                .into_iter()
                .map(|(name, value)| (name.into_vec(), value.into_vec()))
                .collect(),
            dir: dir.as_os_str().as_bytes().to_vec(),
        })
    }

    /// Later entries win.
    fn environment(&self, start: &StartAttempt, exec: &Exec) -> Result<Vec<(OsString, OsString)>, String> {
        let artifacts = self.folder.artifacts();
        let mut env = self.inherited.clone();
        for (name, value) in &exec.env {
            let value = as_text(value, artifacts);
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(format!("`{name}` cannot be the name of an environment variable"));
            }
            passable(
                &format!("`${name}`"),
                value.as_bytes(),
                name.len() + 1,
                "read it from the file that $PLAN_INPUT names",
            )?;
            env.push((name.as_str().into(), value.into()));
        }
        let own = [
            ("DSLC_RUN", self.run.clone()),
            (RUN_DIR_VARIABLE, self.run_dir.clone()),
            ("DSLC_NODE", start.label.to_string()),
            ("DSLC_ATTEMPT", start.attempt.attempt.to_string()),
            ("DSLC_KEY", start.key.to_string()),
        ];
        env.extend(own.map(|(name, value)| (name.into(), value.into())));
        if !exec.input.is_empty() {
            env.push(("PLAN_INPUT".into(), self.write_input(start, exec)?.into()));
        }
        Ok(env)
    }

    fn write_input(&self, start: &StartAttempt, exec: &Exec) -> Result<PathBuf, String> {
        let artifacts = self.folder.artifacts();
        let input: serde_json::Map<String, serde_json::Value> = exec
            .input
            .iter()
            .map(|(name, value)| (name.to_string(), as_json(value, artifacts)))
            .collect();
        let path = self.folder.input_path(&start.label, start.attempt.attempt);
        let mut text = serde_json::Value::Object(input).to_string();
        text.push('\n');
        fs::write(&path, text).map_err(|error| format!("cannot write $PLAN_INPUT to `{}`: {error}", path.display()))?;
        Ok(path)
    }
}

fn must_be_folder(dir: &Path) -> Result<(), String> {
    let shown = dir.display();
    match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => Err(format!("`dir:` is `{shown}`, which is no folder")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("`dir:` is `{shown}`, and there is no such folder"))
        }
        Err(error) => Err(format!("`dir:` is `{shown}`, which cannot be entered: {error}")),
    }
}

/// What the system does not pass on is said before it is tried.
fn passable(what: &str, bytes: &[u8], overhead: usize, instead: &str) -> Result<(), String> {
    if bytes.contains(&0) {
        return Err(format!(
            "{what} holds a NUL character, which the system cannot pass; {instead}"
        ));
    }
    let len = bytes.len() + overhead;
    if len >= STRING_MAX_BYTES {
        return Err(format!(
            "{what} has {len} bytes, and the system passes fewer than {STRING_MAX_BYTES} in one string; {instead}"
        ));
    }
    Ok(())
}

/// Why the system did not start a program that was there.
pub fn not_started(program: &str, errno: i32) -> String {
    let errno = Errno::from_raw_os_error(errno);
    let why = match errno {
        Errno::TOOBIG => "its arguments and environment are together larger than the system allows".to_owned(),
        Errno::NOEXEC => "it is no program for this machine, or lacks its `#!` line".to_owned(),
        Errno::NOENT => "it, or the interpreter that it names, is not there".to_owned(),
        _ => std::io::Error::from(errno).to_string(),
    };
    format!("cannot start `{program}`: {why}")
}
