//! The supervisor with real processes: what it starts, what it stops, and that nothing outlives anybody.
//!
//! The test binary is its own supervisor and its own driver that gets killed: two ignored tests that others start.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;

use super::{is_process, process_dir, start_process, supervisor_command};
use crate::procfs;
use crate::supervisor::{End, Event, Launched, Spawn, Supervisor, Watched, pipes, supervisor_main};

#[test]
fn supervisor_process() {
    if is_process() {
        let _ = supervisor_main();
    }
}

#[test]
fn driver_process() {
    let Some(dir) = process_dir() else { return };
    block_on(async {
        let mut supervisor = start().await;
        let script = "setsid sh -c 'echo $$ >$DSLC_TEST_DIR/a; sleep 1000' & \
                      (nohup sh -c 'echo $$ >$DSLC_TEST_DIR/b; trap \"\" TERM HUP; while :; do sleep 1; done' >/dev/null 2>&1 &) ; \
                      env -i setsid sh -c \"echo \\$\\$ >$DSLC_TEST_DIR/c; sleep 1000\" & \
                      echo $$ >$DSLC_TEST_DIR/d; sleep 1000";
        let _output = spawn(&mut supervisor, sh(1, script, &dir)).expect("sent");
        std::fs::write(dir.join("supervisor"), supervisor.pid().to_string()).expect("written");
        tokio::time::sleep(Duration::from_secs(1000)).await;
    });
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

async fn start() -> Supervisor {
    let (binary, args) = supervisor_command();
    let launched = Launched::new(&binary, &args).expect("started");
    Supervisor::up(launched, &binary).await.expect("a supervisor")
}

fn sh(id: u64, script: &str, dir: &Path) -> Spawn {
    let path = std::env::var("PATH").expect("PATH");
    Spawn {
        id,
        program: b"/bin/sh".to_vec(),
        argv: ["sh", "-c", script].map(|arg| arg.as_bytes().to_vec()).to_vec(),
        env: format!("PATH={path}\0DSLC_TEST_DIR={}\0", dir.display())
            .into_bytes()
            .into(),
        dir: dir.to_str().expect("a path").as_bytes().to_vec(),
    }
}

fn spawn(supervisor: &mut Supervisor, what: Spawn) -> std::io::Result<Watched> {
    let (output, ends) = pipes()?;
    supervisor.spawn(what, ends)?;
    output.watched()
}

async fn text(output: &mut Watched) -> (String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    output.stdout.read_to_string(&mut out).await.expect("read");
    output.stderr.read_to_string(&mut err).await.expect("read");
    (out, err)
}

/// Waits for the end of an attempt.
async fn ended(supervisor: &mut Supervisor, id: u64) -> (End, bool) {
    let wait = async {
        loop {
            for event in supervisor.events().await.expect("the supervisor lives") {
                match event {
                    Event::Ended {
                        id: which,
                        end,
                        stopped,
                    } if which == id => return (end, stopped),
                    Event::NotStarted { id: which, errno } if which == id => {
                        panic!("not started: {errno}")
                    }
                    _ => {}
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .expect("in time")
}

fn read_pid(path: &Path) -> u32 {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(pid) = std::fs::read_to_string(path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
        {
            return pid;
        }
        assert!(Instant::now() < until, "{} was not written", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn lives(pid: u32) -> bool {
    procfs::started_ticks(pid).is_some()
}

fn assert_dies(pid: u32, what: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while lives(pid) {
        assert!(Instant::now() < until, "{what} is still alive");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn output_and_exit_status_come_back() {
    let dir = tempfile::tempdir().expect("a folder");
    block_on(async {
        let mut supervisor = start().await;
        let mut output = spawn(
            &mut supervisor,
            sh(1, "pwd; echo oops >&2; read x || exit 7", dir.path()),
        )
        .expect("sent");
        assert_eq!(ended(&mut supervisor, 1).await, (End::Exited(7), false));
        let (out, err) = text(&mut output).await;
        assert_eq!(out.trim_end(), dir.path().to_str().expect("a path"));
        assert_eq!(err, "oops\n");
        let mut output = spawn(&mut supervisor, sh(2, "kill -11 $$", dir.path())).expect("sent");
        assert_eq!(ended(&mut supervisor, 2).await, (End::Signalled(11), false));
        assert_eq!(text(&mut output).await.0, "");
        supervisor.close().expect("ended");
    });
}

#[test]
fn a_missing_program_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    block_on(async {
        let mut supervisor = start().await;
        let what = Spawn {
            program: b"/nonexistent/program".to_vec(),
            ..sh(3, "", dir.path())
        };
        let mut output = spawn(&mut supervisor, what).expect("sent");
        let events = supervisor.events().await.expect("the supervisor lives");
        assert_eq!(
            events,
            [Event::NotStarted {
                id: 3,
                errno: rustix::io::Errno::NOENT.raw_os_error()
            }]
        );
        assert_eq!(text(&mut output).await.0, "", "its pipes are closed");
    });
}

#[test]
fn nothing_of_an_attempt_outlives_it() {
    let dir = tempfile::tempdir().expect("a folder");
    block_on(async {
        let mut supervisor = start().await;
        let script = "sleep 1000 & echo $! >group; setsid sh -c 'echo $$ >session; sleep 1000' & \
                      (nohup sh -c 'trap \"\" TERM HUP; echo $$ >daemon; while :; do sleep 1; done' >/dev/null 2>&1 &); \
                      while ! [ -s session ] || ! [ -s daemon ]; do sleep 0.01; done";
        // another one runs meanwhile and keeps what is its own
        let _other = spawn(
            &mut supervisor,
            sh(9, "setsid sh -c 'echo $$ >other; sleep 1000' & sleep 1000", dir.path()),
        )
        .expect("sent");
        let other = read_pid(&dir.path().join("other"));
        let mut output = spawn(&mut supervisor, sh(1, script, dir.path())).expect("sent");
        assert_eq!(ended(&mut supervisor, 1).await, (End::Exited(0), false));
        text(&mut output).await;
        for name in ["group", "session", "daemon"] {
            assert!(!lives(read_pid(&dir.path().join(name))), "{name} was left behind");
        }
        assert!(lives(other));
        supervisor.close().expect("ended");
        assert!(!lives(other), "closing ends the rest");
    });
}

#[test]
fn a_stop_is_gentle_first_and_then_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    block_on(async {
        let mut supervisor = start().await;
        let _polite = spawn(
            &mut supervisor,
            sh(
                1,
                "trap 'exit 3' TERM; echo $$ >polite; while :; do sleep 0.01; done",
                dir.path(),
            ),
        )
        .expect("sent");
        read_pid(&dir.path().join("polite"));
        supervisor.stop(1, 10_000).expect("sent");
        assert_eq!(ended(&mut supervisor, 1).await, (End::Exited(3), true));
        let _stubborn = spawn(
            &mut supervisor,
            sh(
                2,
                "trap '' TERM; echo $$ >stubborn; while :; do sleep 0.01; done",
                dir.path(),
            ),
        )
        .expect("sent");
        read_pid(&dir.path().join("stubborn"));
        supervisor.stop(2, 50).expect("sent");
        assert_eq!(ended(&mut supervisor, 2).await, (End::Signalled(9), true));
        // one that ended before
        supervisor.stop(2, 50).expect("sent");
        supervisor.close().expect("ended");
    });
}

#[test]
fn when_the_driver_is_killed_all_descendants_die() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut driver = start_process("supervisor::driver_process", dir.path());
    let pids = ["a", "b", "c", "d", "supervisor"].map(|name| (name, read_pid(&dir.path().join(name))));
    assert!(pids.iter().all(|(_, pid)| lives(*pid)));
    driver.kill().expect("killed");
    driver.wait().expect("reaped");
    for (name, pid) in pids {
        assert_dies(pid, name);
    }
}

#[test]
fn the_terminals_signals_do_not_reach_the_supervisor() {
    let dir = tempfile::tempdir().expect("a folder");
    block_on(async {
        let mut supervisor = start().await;
        for signal in [
            rustix::process::Signal::INT,
            rustix::process::Signal::TERM,
            rustix::process::Signal::HUP,
        ] {
            procfs::signal(supervisor.pid(), signal);
        }
        // and attempts take them as usual
        let mut output = spawn(&mut supervisor, sh(1, "kill -TERM $$; sleep 10", dir.path())).expect("sent");
        assert_eq!(ended(&mut supervisor, 1).await, (End::Signalled(15), false));
        text(&mut output).await;
    });
}

#[test]
fn what_signals_are_ignored_by_whoever_started_us_makes_no_difference() {
    let dir = tempfile::tempdir().expect("a folder");
    let (binary, mut args) = supervisor_command();
    args.insert(0, "--ignore-signal=QUIT,CHLD".into());
    block_on(async {
        let launched = Launched::new(&binary, &args).expect("started");
        let mut supervisor = Supervisor::up(launched, &binary).await.expect("a supervisor");
        for (id, signal) in [(1, 3), (2, 13)] {
            let _output = spawn(&mut supervisor, sh(id, &format!("kill -{signal} $$"), dir.path())).expect("sent");
            assert_eq!(ended(&mut supervisor, id).await, (End::Signalled(signal), false));
        }
        supervisor.close().expect("ended");
    });
}

#[test]
fn thousands_of_attempts_leave_no_descriptor_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    block_on(async {
        let mut supervisor = start().await;
        let count = |pid: u32| std::fs::read_dir(format!("/proc/{pid}/fd")).expect("there").count();
        let before = count(supervisor.pid());
        for id in 0..1000 {
            let what = Spawn {
                program: b"/bin/true".to_vec(),
                ..sh(id, "", dir.path())
            };
            let mut output = spawn(&mut supervisor, what).expect("sent");
            assert_eq!(ended(&mut supervisor, id).await, (End::Exited(0), false));
            text(&mut output).await;
        }
        assert_eq!(count(supervisor.pid()), before);
    });
}
