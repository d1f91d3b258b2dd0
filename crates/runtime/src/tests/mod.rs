//! What the runtime promises, tried with real processes and real folders.

mod crash;
mod driver;
mod forecast;
mod plans;
mod reuse;
mod scopes;
mod supervisor;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ir::plan::{Inputs, Plan};
use store::{Durability, Store};

use crate::{Options, Unwatched};

/// How this binary runs one of its tests as a process of its own: that test does nothing in any other run.
pub fn process_command(test: &str) -> (PathBuf, Vec<OsString>) {
    let binary = std::env::current_exe().expect("this binary");
    let args = ["--exact", &format!("tests::{test}"), "--nocapture"].map(OsString::from);
    (binary, args.to_vec())
}

/// Whether this is the process of one test.
pub fn is_process() -> bool {
    std::env::args().any(|arg| arg == "--nocapture")
}

/// The test that is the supervisor of the others, as a command. Unlike `dslc` a test binary has a second thread, in which a
/// signal that only the supervisor blocks would be lost.
pub fn supervisor_command() -> (PathBuf, Vec<OsString>) {
    let (binary, args) = process_command("supervisor::supervisor_process");
    let block = ["--block-signal=CHLD".into(), binary.into()];
    ("/usr/bin/env".into(), block.into_iter().chain(args).collect())
}

/// The folder of the test that started this process; none in any other run.
pub fn process_dir() -> Option<PathBuf> {
    std::env::var_os("DSLC_TEST_DIR")
        .map(PathBuf::from)
        .filter(|_| is_process())
}

/// Starts a test as a process that works in a folder, to be killed.
pub fn start_process(test: &str, dir: &Path) -> Child {
    let (binary, args) = process_command(test);
    Command::new(binary)
        .args(args)
        .env("DSLC_TEST_DIR", dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process")
}

pub fn options(dir: &Path) -> Options {
    let (binary, args) = supervisor_command();
    Options {
        supervisor_args: args,
        ..Options::new(binary, dir.to_owned())
    }
}

pub fn store(dir: &Path) -> Store {
    Store::new(dir.join(".dslc"), Durability::Power)
}

/// Drives a plan in the folder of this process, to its end or its death.
pub fn drive_in_process(plan: impl FnOnce(&Path) -> Plan) {
    let Some(dir) = process_dir() else { return };
    let running = crate::start(&store(&dir), plan(&dir), Inputs::new(), options(&dir));
    let _ = running.and_then(|running| running.drive(&mut Unwatched));
}

pub fn wait_for_a_run(dir: &Path) {
    let until = Instant::now() + Duration::from_secs(20);
    while store(dir).find("last").is_err() {
        assert!(Instant::now() < until, "no run was made");
        std::thread::sleep(Duration::from_millis(1));
    }
}
