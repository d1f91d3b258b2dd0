//! Starting and resuming runs.
//!
//! Promise: what can be wrong with the request, the store or the supervisor is found before there is a run. A run is
//! resumed only when nothing of its earlier drivers is alive, its journal is sound, and this engine decides as the one
//! before did.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use engine::Engine;
use engine::event::{EventKind, RunStarted};
use ir::plan::{Inputs, Plan};
use ir::value::Value;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use smol_str::SmolStr;
use store::{NewRun, RunFolder, RunLock, RunMeta, Store, TornTail};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::attempt::Preparer;
use crate::clock::Alarm;
use crate::confine;
use crate::driver::{Driver, Journal, Work};
use crate::environment::{Inherited, Programs};
use crate::error::{ENGINE_VERSION, RunError};
use crate::history::{History, fold};
use crate::init;
use crate::lasting::Lasting;
use crate::procfs;
use crate::recover::{reap, run_dir};
use crate::reuse::{Shelf, recalled};
use crate::secrets::{Redactor, Secrets, Values, sweep};
use crate::sharing::Sharing;
use crate::signals::Signals;
use crate::supervisor::{Launched, Supervisor};
use crate::watch::{Ask, Control, Observer, Progress};
use crate::watch_inbox::InboxWatch;

/// How an attempt's processes have to end after SIGTERM.
pub const GRACE_MS: u64 = 10_000;

/// How long a driver stays with a run that only people can move. Decisions need no driver, and deadlines are kept by
/// the next one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Patience {
    /// Not at all.
    #[default]
    None,
    /// While some gate has a deadline, so that somebody is there when it is over.
    Deadlines,
    /// As long as some gate waits.
    Endless,
}

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The binary that is started as the supervisor, and its arguments: `dslc __supervise`.
    pub supervisor: PathBuf,
    pub supervisor_args: Vec<OsString>,
    /// Where `dslc` was started: `dir:` is relative to it.
    pub cwd: PathBuf,
    /// The workspace's root, or `cwd`.
    pub workspace: PathBuf,
    /// Instead of the plan's `limits.parallel`.
    pub parallel: Option<u32>,
    /// Absent: a random one.
    pub seed: Option<u64>,
    /// The file that was compiled, for people.
    pub source: Option<String>,
    pub who: String,
    /// Variables that scripts inherit besides the listed ones.
    pub pass_env: Vec<String>,
    /// Between SIGTERM and SIGKILL.
    pub grace_ms: u64,
    /// Starts attempts that are confined to their `effects:`: `dslc __exec`.
    pub confiner: Vec<OsString>,
    /// Refuse a plan whose `effects:` this system cannot enforce.
    pub strict_effects: bool,
    /// Whether to stay while only people can move the run.
    pub patience: Patience,
    /// Take SIGINT, SIGTERM and SIGHUP as [`Control::interrupt`].
    pub signals: bool,
}

impl Options {
    /// With the usual supervisor, `BINARY __supervise`, and everything else as it is by default.
    pub fn new(binary: PathBuf, cwd: PathBuf) -> Self {
        Self {
            confiner: vec![binary.clone().into(), "__exec".into()],
            strict_effects: false,
            supervisor: binary,
            supervisor_args: vec!["__supervise".into()],
            workspace: cwd.clone(),
            cwd,
            parallel: None,
            seed: None,
            source: None,
            who: std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned()),
            pass_env: Vec::new(),
            grace_ms: GRACE_MS,
            patience: Patience::default(),
            signals: false,
        }
    }
}

/// A run that this process has taken and that waits to be driven.
pub struct Running {
    tokio: Runtime,
    supervisor: Supervisor,
    journal: Journal,
    opening: Vec<EventKind>,
    /// Requests that are in the journal already.
    taken: BTreeSet<String>,
    folder: RunFolder,
    meta: RunMeta,
    lock: RunLock,
    options: Options,
    control: Control,
    asked: UnboundedReceiver<Ask>,
    recovery: Recovery,
    secrets: Values,
    /// What earlier runs remembered and this plan cannot use.
    unfit: Vec<String>,
}

/// What a resume found of the driver before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recovery {
    /// Bytes of an interrupted write that were cut from the journal.
    pub torn: Option<TornTail>,
    /// Processes of the run that were still alive, and were killed.
    pub killed: usize,
    /// Attempts that were in flight, as `build` or `deep-dive[key]`.
    pub lost: Vec<String>,
}

/// A run that nobody drives any more.
#[derive(Debug)]
pub struct Finished {
    pub folder: RunFolder,
    pub meta: RunMeta,
    /// In its last state.
    pub engine: Engine,
    /// It was left at once, and attempts with it: to be resumed.
    pub interrupted: bool,
}

/// The process that will start a run's attempts, on its way up.
pub struct Supervision(io::Result<Launched>);

/// Starts it early: it comes up while a plan is read.
pub fn supervision(options: &Options) -> Supervision {
    Supervision(Launched::new(&options.supervisor, &options.supervisor_args))
}

/// Makes a run of a plan. Nothing of it runs before [`Running::drive`].
pub fn start(store: &Store, plan: Plan, given: Inputs, options: Options) -> Result<Running, RunError> {
    start_under(supervision(&options), store, plan, given, options)
}

/// The same under a supervisor that was started with these options.
pub fn start_under(
    supervision: Supervision,
    store: &Store,
    plan: Plan,
    given: Inputs,
    options: Options,
) -> Result<Running, RunError> {
    let inputs = checked(&plan, given, &options)?;
    let secrets = Values::read(&plan, &options.cwd).map_err(RunError::Secrets)?;
    let (memory, unfit) = recalled(store, &plan)?;
    let (tokio, supervisor) = supervised(supervision, &options)?;
    let (folder, meta, lock) = store.create_run(&plan, new_run(&plan, inputs, &options))?;
    let tail = folder.read()?.finish()?;
    let engine = Engine::new(Arc::new(plan));
    let opening = opening(&engine, &meta, memory, driver_started(&supervisor));
    let journal = Journal::new(engine, folder.append(&lock, &tail)?, 0);
    let (control, asked) = Control::new();
    let (taken, recovery) = Default::default();
    Ok(Running {
        tokio,
        supervisor,
        journal,
        opening,
        taken,
        folder,
        meta,
        lock,
        options,
        control,
        asked,
        recovery,
        secrets,
        unfit,
    })
}

/// Makes a run of a plan that [`resume`] starts, in another process.
pub fn create(store: &Store, plan: &Plan, given: Inputs, options: &Options) -> Result<RunFolder, RunError> {
    let inputs = checked(plan, given, options)?;
    Values::read(plan, &options.cwd).map_err(RunError::Secrets)?;
    let (folder, ..) = store.create_run(plan, new_run(plan, inputs, options))?;
    Ok(folder)
}

/// Whether this version can run all that the plan says.
pub fn runnable(plan: &Plan) -> Result<(), RunError> {
    let not_carried_out = crate::adapters::not_carried_out(plan);
    match not_carried_out.is_empty() {
        true => Ok(()),
        false => Err(RunError::NotRunnable(not_carried_out)),
    }
}

/// What the plan is given, if it can be run with that.
pub(crate) fn checked(plan: &Plan, given: Inputs, options: &Options) -> Result<Inputs, RunError> {
    ir::verify::verify(plan).map_err(|error| RunError::BadPlan(error.to_string()))?;
    runnable(plan)?;
    must_be_enforced(plan, options)?;
    engine::complete_inputs(plan, given).map_err(RunError::Inputs)
}

fn new_run(plan: &Plan, inputs: Inputs, options: &Options) -> NewRun {
    let parallel = options
        .parallel
        .or(plan.limits.parallel)
        .unwrap_or_else(processors)
        .max(1);
    NewRun {
        inputs,
        seed: options.seed.unwrap_or_else(store::random),
        parallel,
        engine: ENGINE_VERSION.to_owned(),
        source: options.source.clone(),
        who: options.who.clone(),
        cwd: options.cwd.clone(),
        workspace: options.workspace.clone(),
    }
}

/// Takes over a run that nobody drives.
pub fn resume(folder: &RunFolder, options: Options) -> Result<Running, RunError> {
    let lock = folder.lock()?;
    let History {
        meta,
        engine,
        tail,
        last_ms,
        taken,
        last_driver,
    } = fold(folder, |_, _| {})?;
    if let Some(end) = engine.end() {
        return Err(RunError::Ended {
            run: meta.run,
            status: end.status,
        });
    }
    must_be_enforced(engine.plan(), &options)?;
    let secrets = Values::read(engine.plan(), &meta.cwd).map_err(RunError::Secrets)?;
    let earlier = engine.earlier_plans().into_iter();
    let secrets = earlier.fold(secrets, |secrets, plan| secrets.and_readable(plan, &meta.cwd));
    let killed = reap(folder, last_driver.as_ref())?;
    let (tokio, supervisor) = supervised(supervision(&options), &options)?;

    // one that was made and not started starts now
    let (memory, unfit) = match engine.run() {
        None => recalled(&folder.store(), engine.plan())?,
        Some(_) => Default::default(),
    };
    let opening = opening(&engine, &meta, memory, driver_started(&supervisor));
    let lost = engine
        .in_flight()
        .into_iter()
        .map(|lost| lost.label.to_string())
        .collect();
    let recovery = Recovery {
        torn: tail.torn.clone(),
        killed,
        lost,
    };
    let journal = Journal::new(engine, folder.append(&lock, &tail)?, last_ms);
    let (control, asked) = Control::new();
    Ok(Running {
        tokio,
        supervisor,
        journal,
        opening,
        taken,
        folder: folder.clone(),
        meta,
        lock,
        options,
        control,
        asked,
        recovery,
        secrets,
        unfit,
    })
}

impl Running {
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    pub fn meta(&self) -> &RunMeta {
        &self.meta
    }

    pub fn engine(&self) -> &Engine {
        &self.journal.engine
    }

    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// The process that starts its attempts.
    pub fn supervisor_pid(&self) -> u32 {
        self.supervisor.pid()
    }

    /// What a resume found; of a new run nothing.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Drives until the run is over, paused or blocked, or is left at once. Nothing that it started is alive when this returns.
    pub fn drive(self, observer: &mut dyn Observer) -> Result<Finished, RunError> {
        let Self {
            tokio,
            supervisor,
            journal,
            opening,
            taken,
            folder,
            meta,
            lock,
            options,
            asked,
            secrets,
            unfit,
            ..
        } = self;
        raise_descriptor_limit();
        let secrets = Secrets::new(secrets, &meta.run, meta.seed);
        let redactor = secrets.redactor().clone();
        if !secrets.is_empty() {
            keep_out_of_core_files();
        }
        let support = confine::support();
        for text in confine::shortfalls(journal.engine.plan(), support)
            .into_iter()
            .chain(unfit)
        {
            observer.progress(&journal.engine, Progress::Warning(&text));
        }
        // of a driver that was killed
        let _ = std::fs::remove_dir_all(folder.temp_dir());
        let (journal, driven, interrupted) = tokio.block_on(async {
            let (to_driver, from_attempts) = unbounded_channel();
            tokio::spawn(init::reap_orphans(supervisor.pid()));
            let signals = if options.signals {
                Signals::hear()
            } else {
                Ok(Signals::Ignored)
            };
            let mut driver = Driver {
                sharing: Sharing::new(journal.syncs()),
                journal,
                watch: InboxWatch::new(folder.inbox().path()),
                preparer: Preparer {
                    folder: folder.clone(),
                    run: meta.run.clone(),
                    run_dir: run_dir(&folder),
                    cwd: meta.cwd.clone(),
                    work_dir: std::path::absolute(folder.work_dir())
                        .map_err(RunError::system("tell the folder it is in"))?,
                    inherited: Inherited::new(&options.pass_env),
                    programs: Programs::default(),
                    secrets,
                    confiner: (support.files || support.network).then(|| options.confiner.clone()),
                },
                shelf: Shelf::new(folder.store()),
                folder: folder.clone(),
                supervisor,
                supervisor_binary: options.supervisor,
                grace_ms: options.grace_ms,
                patience: options.patience,
                taken,
                observer: &mut *observer,
                asked,
                signals: signals.map_err(RunError::system("listen for signals"))?,
                alarm: Alarm::new().map_err(RunError::system("make a timer"))?,
                to_driver,
                from_attempts,
                lasting: Lasting::new(),
                work: Work::default(),
            };
            let driven = driver.drive(opening).await;
            let interrupted = driver.ended_at_once();
            let Driver {
                journal, supervisor, ..
            } = driver;
            let closed = supervisor.close().map_err(RunError::system("wait for the supervisor"));
            Ok::<_, RunError>((journal, driven.and(closed), interrupted))
        })?;
        if let Err(error) = driven {
            // a supervisor that was killed could not take its children along; what remains is found again by a resume
            let _ = reap(&folder, None);
            return Err(error);
        }
        if journal.engine.end().is_some() {
            clean_work_folder(&folder, &redactor, &journal.engine, &mut *observer);
        }
        // only now may another driver take the run
        drop(lock);
        Ok(Finished {
            folder,
            meta,
            engine: journal.engine,
            interrupted,
        })
    }
}

/// A core file would hold the secrets. Attempts may leave theirs: their supervisor was started before.
fn keep_out_of_core_files() {
    let none = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    let _ = setrlimit(Resource::Core, none);
}

/// The run is over, so nothing reads these files any more but people.
fn clean_work_folder(folder: &RunFolder, redactor: &Arc<Redactor>, engine: &Engine, observer: &mut dyn Observer) {
    let (cleaned, failed) = sweep(&folder.work_dir(), redactor);
    for path in cleaned {
        let text = format!("`{}` held a secret, which was taken out of it", path.display());
        observer.progress(engine, Progress::Warning(&text));
    }
    for (path, error) in failed {
        let text = format!(
            "`{}` may hold a secret and cannot be rewritten: {error}",
            path.display()
        );
        observer.progress(engine, Progress::Warning(&text));
    }
}

/// `--strict-effects`
fn must_be_enforced(plan: &Plan, options: &Options) -> Result<(), RunError> {
    if !options.strict_effects || !confine::has_effects(plan) {
        return Ok(());
    }
    match confine::support().shortfall() {
        None => Ok(()),
        Some(why) => Err(RunError::NotEnforced(why)),
    }
}

/// What a driver that takes a run tells the engine first: that it is there, and which attempts the one before left.
pub fn opening(engine: &Engine, meta: &RunMeta, memory: BTreeMap<SmolStr, Value>, driver: EventKind) -> Vec<EventKind> {
    let mut opening = Vec::new();
    // of a new run, or where the driver before died between making the folder and its first event
    if engine.run().is_none() {
        opening.push(run_started(meta, memory));
    }
    opening.push(driver);
    let in_flight = engine.in_flight().into_iter();
    opening.extend(in_flight.map(|lost| EventKind::AttemptLost { attempt: lost.attempt }));
    opening
}

fn run_started(meta: &RunMeta, memory: BTreeMap<SmolStr, Value>) -> EventKind {
    EventKind::RunStarted(RunStarted {
        run: meta.run.as_str().into(),
        inputs: meta.inputs.clone(),
        seed: meta.seed,
        parallel: meta.parallel,
        workspace: meta.workspace.to_string_lossy().into_owned(),
        memory,
    })
}

fn driver_started(supervisor: &Supervisor) -> EventKind {
    let pid = std::process::id();
    EventKind::DriverStarted {
        boot_id: procfs::boot_id().into(),
        pid,
        pid_started: procfs::started_ticks(pid).unwrap_or(0),
        supervisor_pid: supervisor.pid(),
        supervisor_started: supervisor.started_ticks(),
    }
}

/// Waits until it is up.
fn supervised(supervision: Supervision, options: &Options) -> Result<(Runtime, Supervisor), RunError> {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::system("start the event loop"))?;
    let up = async { Supervisor::up(supervision.0?, &options.supervisor).await };
    let supervisor = tokio.block_on(up).map_err(|source| RunError::NoSupervisor {
        binary: options.supervisor.clone(),
        source,
    })?;
    Ok((tokio, supervisor))
}

/// Each attempt needs two descriptors here, and the usual limit is meant for programs that wait for all of theirs at
/// once. Attempts keep the usual one: their supervisor was started before.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // without it fewer run at once, which is said then
    let _ = setrlimit(Resource::Nofile, raised);
}

fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}
