//! Preparing attempts: from what the engine wants to what the supervisor starts.
//!
//! A reason why something cannot be started is a sentence for people; the engine makes a failure of it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use engine::event::{AttemptId, Exec, Observation, StartAttempt, StopReason};
use ir::value::Value;
use rustix::io::Errno;
use smol_str::SmolStr;
use store::RunFolder;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::calling::LiveCall;
use crate::confine::Confined;
use crate::environment::{Inherited, Programs, STRING_MAX_BYTES, Variables, as_json, as_text};
use crate::output::{HowEnded, Pump};
use crate::procfs::RUN_DIR_VARIABLE;
use crate::secrets::Secrets;
use crate::supervisor::Spawn;

/// An attempt that was handed to the supervisor.
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
    /// What was made for its confinement.
    pub confined: Option<Confined>,
    /// Who reads what it writes.
    pub reader: Option<Reader>,
    /// It is a call.
    pub call: Option<LiveCall>,
}

/// Who reads what an attempt writes.
pub enum Reader {
    /// Nobody yet: it may end soon.
    Later(Box<Pump>),
    /// A task, which is to be told of its end.
    Task(oneshot::Sender<HowEnded>),
}

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
    /// The run's own folder, for scripts.
    pub work_dir: PathBuf,
    pub inherited: Inherited,
    pub programs: Programs,
    pub secrets: Secrets,
    /// Starts confined attempts: `dslc __exec`. Absent: this system cannot.
    pub confiner: Option<Vec<OsString>>,
}

impl Preparer {
    /// The folder of an attempt.
    pub fn dir(&self, dir: Option<&str>) -> PathBuf {
        match dir {
            Some(dir) => self.cwd.join(dir),
            None => self.work_dir.clone(),
        }
    }

    /// What the supervisor is to start; the error says why nothing can be started.
    pub fn prepare(&mut self, id: u64, start: &StartAttempt, exec: &Exec, dir: &Path) -> Result<Prepared, String> {
        self.no_secret_in(&exec.argv)?;
        let mut own = self.variables(start, exec)?;
        let confined = self.confine(id, start, exec, dir)?;
        if let Some(confined) = &confined {
            let temp = confined.temp.as_os_str().as_bytes();
            // those of the plan come later, and win
            own.splice(0..0, ["TMPDIR", "HOME"].map(|name| (name.into(), temp.to_vec().into())));
        }
        let name = exec.argv.first().ok_or("there is no program to run")?;
        let program = self.programs.find(name, self.inherited.path(&own), dir);
        let program = program.map_err(|why| no_folder(dir).unwrap_or(why))?;
        for arg in &exec.argv {
            passable("the script", arg.as_bytes(), 0, "read the data from a file instead")?;
        }
        let argv = exec.argv.iter().map(|arg| OsString::from(arg.as_str())).collect();
        let (program, argv) = match (&confined, &self.confiner) {
            (Some(confined), Some(confiner)) => through(confiner, confined, program.into(), argv),
            _ => (program.into_os_string(), argv),
        };
        let spawn = Spawn {
            id,
            program: program.into_vec(),
            argv: argv.into_iter().map(OsString::into_vec).collect(),
            env: self.inherited.with(&own),
            dir: dir.as_os_str().as_bytes().to_vec(),
        };
        Ok(Prepared { spawn, confined })
    }

    /// For a script with `effects:`, on a system that can enforce them.
    fn confine(&self, id: u64, start: &StartAttempt, exec: &Exec, dir: &Path) -> Result<Option<Confined>, String> {
        let (Some(effects), Some(_)) = (&exec.effects, &self.confiner) else {
            return Ok(None);
        };
        if let Some(why) = no_folder(dir) {
            return Err(why);
        }
        let mut confined = Confined::prepare(effects, dir, self.folder.temp_dir().join(id.to_string()))?;
        let read = &mut confined.confinement.read;
        if !exec.input.is_empty() {
            read.push(self.folder.input_path(&start.label, start.attempt.attempt));
        }
        let artifacts = self.folder.artifacts();
        for value in exec.env.values().chain(exec.input.values()) {
            files_in(value, &mut |digest| read.push(artifacts.path(digest)));
        }
        Ok(Some(confined))
    }

    /// What it is told, besides what all inherit.
    fn variables<'a>(&self, start: &StartAttempt, exec: &'a Exec) -> Result<Variables<'a>, String> {
        let mut own = Variables::with_capacity(exec.env.len() + 8);
        for (name, value) in &exec.env {
            let mut value = self.revealed(value);
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(format!("`{name}` cannot be the name of an environment variable"));
            }
            passable(
                &format!("`${name}`"),
                value.as_bytes(),
                name.len() + 1,
                "read it from the file that $PLAN_INPUT names",
            )?;
            own.push((name.as_str().into(), std::mem::take(&mut *value).into_bytes().into()));
        }
        let told = [
            ("DSLC_RUN", self.run.clone()),
            (RUN_DIR_VARIABLE, self.run_dir.clone()),
            ("DSLC_NODE", start.label.to_string()),
            ("DSLC_ATTEMPT", start.attempt.attempt.to_string()),
            ("DSLC_KEY", start.key.to_string()),
        ];
        for (name, value) in told {
            passable(
                &format!("`${name}`"),
                value.as_bytes(),
                name.len() + 1,
                "give it another value",
            )?;
            own.push((name.into(), value.into_bytes().into()));
        }
        if !exec.input.is_empty() {
            let path = self.write_input(start, exec)?.into_os_string();
            own.push(("PLAN_INPUT".into(), path.into_vec().into()));
        }
        Ok(own)
    }

    /// As a script gets it, with the secrets that it names.
    fn revealed(&self, value: &Value) -> Zeroizing<String> {
        match value {
            Value::String(text) => self.secrets.reveal_text(text),
            value => {
                let revealed = self.secrets.reveal(value);
                let text = as_text(revealed.as_ref().unwrap_or(value), self.folder.artifacts());
                Zeroizing::new(text)
            }
        }
    }

    /// Arguments are there for every process to read.
    fn no_secret_in(&self, argv: &[SmolStr]) -> Result<(), String> {
        match argv.iter().find_map(|arg| self.secrets.named_in(arg)) {
            None => Ok(()),
            Some(name) => Err(format!(
                "`secrets.{name}` would be an argument of a program, which every process can read; pass it with `env:`"
            )),
        }
    }

    /// A secret is named there and not written down: its value is in the environment only.
    fn write_input(&self, start: &StartAttempt, exec: &Exec) -> Result<PathBuf, String> {
        let artifacts = self.folder.artifacts();
        let input: serde_json::Map<String, serde_json::Value> = exec
            .input
            .iter()
            .map(|(name, value)| (name.to_string(), as_json(&self.secrets.mask(value), artifacts)))
            .collect();
        let path = self.folder.input_path(&start.label, start.attempt.attempt);
        let mut text = serde_json::Value::Object(input).to_string();
        text.push('\n');
        fs::write(&path, text).map_err(|error| format!("cannot write $PLAN_INPUT to `{}`: {error}", path.display()))?;
        Ok(path)
    }
}

/// What the supervisor is to start, and what was made for it.
pub struct Prepared {
    pub spawn: Spawn,
    pub confined: Option<Confined>,
}

/// The program that confines itself and becomes the script.
fn through(
    confiner: &[OsString],
    confined: &Confined,
    program: OsString,
    argv: Vec<OsString>,
) -> (OsString, Vec<OsString>) {
    let args = confiner
        .iter()
        .cloned()
        .chain(confined.confinement.to_args())
        .chain([program])
        .chain(argv);
    (confiner[0].clone(), args.collect())
}

/// Values are nested at most 100 deep, so this may recurse.
pub fn files_in(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::File(file) => found(&file.digest),
        Value::List(items) => items.iter().for_each(|item| files_in(item, found)),
        Value::Record(fields) => fields.values().for_each(|field| files_in(field, found)),
        _ => {}
    }
}

/// Why nothing can be started in a folder. Asked where something was not started: to look before each start takes its time.
pub fn no_folder(dir: &Path) -> Option<String> {
    let shown = dir.display();
    match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => None,
        Ok(_) => Some(format!("`dir:` is `{shown}`, which is no folder")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some(format!("`dir:` is `{shown}`, and there is no such folder"))
        }
        Err(error) => Some(format!("`dir:` is `{shown}`, which cannot be entered: {error}")),
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
pub fn not_started(program: &str, dir: &Path, errno: i32) -> String {
    if let Some(why) = no_folder(dir) {
        return why;
    }
    let errno = Errno::from_raw_os_error(errno);
    let why = match errno {
        Errno::TOOBIG => "its arguments and environment are together larger than the system allows".to_owned(),
        Errno::NOEXEC => "it is no program for this machine, or lacks its `#!` line".to_owned(),
        Errno::NOENT => "it, or the interpreter that it names, is not there".to_owned(),
        _ => std::io::Error::from(errno).to_string(),
    };
    format!("cannot start `{program}`: {why}")
}
