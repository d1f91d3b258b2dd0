//! A run as its journal tells it: the events folded by the engine, whoever drives it now.
//!
//! Absent: driving, and changing anything.

use std::path::Path;
use std::sync::Arc;

use engine::Engine;
use engine::event::Event;
use runtime::RunError;
use store::{Durability, Entry, ErrorClass, Holder, RunFolder, RunMeta, Store, StoreError, TornTail};

use crate::failure::{Exit, Failure};
use crate::summary::Facts;
use crate::workspace::Place;

/// What verbs about a run take.
#[derive(clap::Args)]
pub struct RunArgs {
    /// The run: its name, the beginning of it, or of its last part; `last` is the newest
    #[arg(value_name = "RUN")]
    pub run: String,
    #[command(flatten)]
    pub store: StoreArg,
}

#[derive(clap::Args)]
pub struct StoreArg {
    /// Where runs are stored [default: `.dslc` at the workspace's root]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<std::path::PathBuf>,
}

impl StoreArg {
    pub fn open(&self, durability: Durability) -> Result<Store, Failure> {
        Ok(self.open_in(&Place::find()?, durability))
    }
    pub fn open_in(&self, place: &Place, durability: Durability) -> Store {
        Store::new(place.store(self.store.as_deref()), durability)
    }
}

impl RunArgs {
    /// The run's folder, for reading.
    pub fn folder(&self) -> Result<RunFolder, Failure> {
        Ok(self.store.open(Durability::default())?.find(&self.run)?)
    }
}

/// A run up to the end of its journal.
pub struct History {
    pub folder: RunFolder,
    pub meta: RunMeta,
    pub engine: Engine,
    pub driven_by: Option<Holder>,
    /// Bytes behind the last event that are none.
    pub torn: Option<TornTail>,
}

impl History {
    pub fn read(folder: RunFolder) -> Result<Self, Failure> {
        Self::read_with(folder, |_, _, _| {})
    }

    /// Folds the journal, showing each line and event to `see` after the engine has taken it.
    pub fn read_with(folder: RunFolder, mut see: impl FnMut(&Entry, &Event, &Engine)) -> Result<Self, Failure> {
        // Before the journal, so that a run that ends meanwhile is not shown as interrupted.
        let driven_by = folder.driven_by()?;
        let meta = folder.meta()?;
        let mut engine = Engine::new(Arc::new(folder.plan(&meta)?));
        let mut reader = folder.read()?;
        while let Some(entry) = reader.next_entry()? {
            let mut event = parse(&entry, folder.path())?;
            runtime::with_plan(&folder, &mut event.kind)?;
            engine.apply(&event);
            see(&entry, &event, &engine);
        }
        let torn = reader.tail().torn.clone();
        Ok(Self {
            folder,
            meta,
            engine,
            driven_by,
            torn,
        })
    }

    /// What `show` prints.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            meta: &self.meta,
            engine: &self.engine,
            driven: self.driven_by.is_some(),
        }
    }
}

pub fn parse(entry: &Entry, folder: &Path) -> Result<Event, Failure> {
    Event::from_json(entry.event()).map_err(|error| {
        let line = entry.seq;
        let what = format!(
            "event {line} in `{}` is none that this dslc knows: {error}",
            folder.display()
        );
        Failure::new(Exit::PlanWrong, what)
    })
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(exit(error.class()), error.to_string())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        if let RunError::Store(error) = error {
            return error.into();
        }
        let help = matches!(error, RunError::NotRunnable(_)).then(|| {
            "the plan is right: `dslc check` knows these clauses, this version of `dslc run` does not".to_owned()
        });
        Self {
            exit: exit(error.class()),
            message: error.to_string(),
            help,
        }
    }
}

fn exit(class: ErrorClass) -> Exit {
    match class {
        ErrorClass::Usage => Exit::Usage,
        ErrorClass::Unusable => Exit::Internal,
        ErrorClass::Corrupt => Exit::PlanWrong,
    }
}
