//! The one thread that owns the workspace.
//!
//! Messages are handled in the order in which the client sent them. A change waits until readers have let go of their
//! snapshots, which they do at once when one is pending; a read gets a snapshot that holds exactly the changes before it,
//! and runs elsewhere. When the messages at hand are handled, the open documents are checked, elsewhere too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use shellcheck::Shellcheck;
use tokio::runtime::Handle;
use tower_lsp_server::ls_types::{MessageType, Uri};

use crate::disk;
use crate::documents::Documents;
use crate::history::{Foresee, History};
use crate::outbox::Outbox;
use crate::publish_diagnostics;
use crate::roots::{Root, Roots};
use crate::scripts::Scripts;
use crate::settings::Settings;
use crate::text_document_sync::{Change, Refusal};
use crate::view::{Interrupted, Turn, View, Views, panic_message};

/// Something that is done with a snapshot, on another thread.
pub(crate) type Job = Box<dyn FnOnce(Views) + Send>;

/// How long the typing must pause before files that nobody opened are looked at.
const PAUSE: Duration = Duration::from_millis(400);

pub(crate) enum Message {
    Initialize(Settings),
    Open {
        uri: Uri,
        path: Arc<Path>,
        version: i32,
        text: String,
    },
    Change {
        path: Arc<Path>,
        version: i32,
        changes: Vec<Change>,
    },
    Close {
        path: Arc<Path>,
    },
    ChangedOnDisk {
        path: Arc<Path>,
    },
    Folders {
        added: Vec<PathBuf>,
        removed: Vec<PathBuf>,
    },
    /// Plans below a root, to be read one after the other.
    Found {
        root: PathBuf,
        plans: Vec<PathBuf>,
    },
    /// What is open has been checked: there is time to read more.
    LoadMore,
    /// Nothing has changed for a while, if this is still the revision.
    Idle {
        revision: u64,
    },
    Read(Job),
    /// What shellcheck says is known of more scripts.
    ScriptsKnown,
    /// A run has written something in this store.
    StoreChanged {
        store: PathBuf,
    },
    /// More is known of how plans went.
    HistoryKnown,
    #[cfg(test)]
    Panic,
}

pub(crate) struct Writer {
    pub(crate) roots: Roots,
    pub(crate) documents: Documents,
    pub(crate) settings: Arc<Settings>,
    outbox: Outbox,
    runtime: Handle,
    /// To this thread.
    own: Weak<Sender<Message>>,
    /// `None`: shellcheck is not installed.
    scripts: Option<Scripts>,
    history: Option<History>,
    /// Counts what changed the workspace.
    revision: u64,
    turn: Turn,
}

/// Starts the thread; it ends when the last sender is gone.
pub(crate) fn start(
    outbox: Outbox,
    runtime: Handle,
    shellcheck: Option<Shellcheck>,
    foresee: Option<Foresee>,
) -> std::io::Result<Arc<Sender<Message>>> {
    let (sender, receiver) = channel();
    let sender = Arc::new(sender);
    let scripts = shellcheck.map(|shellcheck| Scripts::start(shellcheck, Arc::downgrade(&sender)));
    let scripts = scripts.transpose()?;
    let thread = std::thread::Builder::new().name("workspace".to_owned());
    let history = History::start(Arc::downgrade(&sender), foresee)?;
    let own = Arc::downgrade(&sender);
    let writer = Writer {
        roots: Roots::default(),
        documents: Documents::default(),
        settings: Arc::default(),
        outbox,
        runtime,
        own,
        scripts,
        history: Some(history),
        revision: 0,
        turn: Turn::default(),
    };
    thread.spawn(move || writer.run(&receiver))?;
    Ok(sender)
}

impl Writer {
    fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            let before = self.revision;
            self.handle(message);
            while let Ok(message) = messages.try_recv() {
                self.handle(message);
            }
            if self.revision > before {
                self.outbox.changed(self.revision);
                self.check();
            }
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Read(job) => return self.read(job),
            Message::StoreChanged { store } => {
                return self.history.iter().for_each(|history| history.changed(&store));
            }
            Message::HistoryKnown if self.settings.can_refresh_lenses => return self.outbox.refresh_lenses(),
            Message::HistoryKnown => return,
            Message::Idle { revision } => return self.check_rest(revision),
            _ => {}
        }
        self.revision += 1;
        // what a client that asks cannot know of
        let is_news = matches!(
            message,
            Message::ScriptsKnown | Message::ChangedOnDisk { .. } | Message::Folders { .. } | Message::LoadMore
        );
        let written = catch_unwind(AssertUnwindSafe(|| {
            let outcome = self.write(message);
            self.roots.welcome(&self.documents);
            outcome
        }));
        match written {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => self.outbox.log(MessageType::WARNING, refusal),
            Err(panic) => {
                let why = panic_message(panic.as_ref());
                self.outbox.log(
                    MessageType::ERROR,
                    format!("a change failed, so the workspace was read anew: {why}"),
                );
                self.start_over();
            }
        }
        if is_news && self.settings.pulls_diagnostics && !self.roots.is_loading() {
            self.outbox.refresh_diagnostics();
        }
    }

    /// Makes the workspaces anew from what the client has open. A document that makes them fail again is left out.
    fn start_over(&mut self) {
        self.forget();
        for (path, document) in self.documents.clone().iter() {
            let text = document.text.as_str().as_bytes();
            let workspace = &mut self.roots.of(path).workspace;
            if catch_unwind(AssertUnwindSafe(|| workspace.open_file(path, text))).is_err() {
                self.forget();
            }
        }
        if catch_unwind(AssertUnwindSafe(|| self.roots.welcome(&self.documents))).is_err() {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.roots.empty();
        let roots: Vec<PathBuf> = self
            .roots
            .iter()
            .map(|root| root.workspace.root().to_path_buf())
            .collect();
        for root in roots {
            _ = self.read_config(&root);
            self.find_plans(&root);
        }
    }

    fn write(&mut self, message: Message) -> Result<(), Refusal> {
        match message {
            Message::Initialize(settings) => self.initialize(settings),
            Message::Open {
                uri,
                path,
                version,
                text,
            } => self.open(uri, &path, version, text),
            Message::Change { path, version, changes } => self.change(&path, version, changes),
            Message::Close { path } => {
                let document = self.close(&path)?;
                self.outbox
                    .publish(self.revision, publish_diagnostics::nothing(&document));
                Ok(())
            }
            Message::ChangedOnDisk { path } => self.changed_on_disk(&path),
            Message::Folders { added, removed } => self.change_folders(&added, &removed),
            Message::Found { root, plans } => {
                self.roots.found(&root, plans);
                Ok(())
            }
            Message::LoadMore => {
                self.load_some();
                Ok(())
            }
            Message::Read(_)
            | Message::ScriptsKnown
            | Message::StoreChanged { .. }
            | Message::HistoryKnown
            | Message::Idle { .. } => Ok(()),
            #[cfg(test)]
            Message::Panic => panic!("as asked"),
        }
    }

    fn initialize(&mut self, settings: Settings) -> Result<(), Refusal> {
        let folders = settings.folders.clone();
        self.settings = Arc::new(settings);
        self.change_folders(&folders, &[])
    }

    /// The client has other folders now; what is open moves to the root that it belongs to.
    fn change_folders(&mut self, added: &[PathBuf], removed: &[PathBuf]) -> Result<(), Refusal> {
        for folder in removed {
            self.roots.remove(&disk::root_of(folder));
        }
        let mut outcome = Ok(());
        for folder in added {
            let root = disk::root_of(folder);
            self.roots.add(&root, true);
            outcome = outcome.and(self.read_config(&root));
            self.find_plans(&root);
        }
        for (path, document) in self.documents.clone().iter() {
            outcome = outcome.and(self.admit(path));
            let root = &mut self.roots.of(path).workspace;
            if root.text(path).is_none_or(|text| text != document.text.as_str()) {
                root.open_file(path, document.text.as_str().as_bytes());
            }
        }
        outcome
    }

    /// A file outside of all folders has a root of its own.
    pub(crate) fn admit(&mut self, path: &Path) -> Result<(), Refusal> {
        match self.roots.admit(path) {
            Some(root) => {
                let root = root.workspace.root().to_path_buf();
                self.read_config(&root)
            }
            None => Ok(()),
        }
    }

    pub(crate) fn read_config(&mut self, root: &Path) -> Result<(), Refusal> {
        let config = disk::config(root)?;
        let Some(root) = self.roots.iter_mut().find(|one| one.workspace.root() == root) else {
            return Ok(());
        };
        root.workspace.set_config(config);
        match root.workspace.missing_policies().first() {
            Some(missing) => Err(format!(
                "`policies` of `dslc.toml` names `{missing}`, but no such file is there"
            )),
            None => Ok(()),
        }
    }

    /// Looks for the plans below a root of the client's, elsewhere.
    pub(crate) fn find_plans(&mut self, root: &Path) {
        let is_it = |one: &&Root| one.is_folder && one.workspace.root() == root;
        let config = self.roots.iter().find(is_it).map(|one| one.workspace.config().clone());
        let Some(config) = config else { return };
        let (root, own) = (root.to_path_buf(), self.own.clone());
        self.roots.search();
        self.runtime.spawn_blocking(move || {
            let plans = disk::plans_of(&root, &config);
            if let Some(writer) = own.upgrade() {
                // the thread ends with the server
                _ = writer.send(Message::Found { root, plans });
            }
        });
    }

    fn load_some(&mut self) {
        self.roots.load_some();
        if self.settings.can_show_progress {
            let (done, of) = self.roots.progress();
            self.outbox.show_loaded(done, of);
        }
    }

    fn views(&self) -> Views {
        let view = |root: &Root| View {
            snapshot: root.workspace.snapshot(),
            revision: self.revision,
            is_folder: root.is_folder,
            documents: self.documents.clone(),
            settings: self.settings.clone(),
            scripts: self.scripts.clone(),
            history: self.history.clone(),
        };
        Views {
            all: self.roots.iter().map(view).collect(),
            is_loading: self.roots.is_loading(),
            turn: self.turn.clone(),
        }
    }

    fn read(&self, job: Job) {
        let views = self.views();
        self.runtime.spawn_blocking(move || job(views));
    }

    /// Checks what is open. What was found is in the outbox before the snapshot is dropped, so before any later change.
    fn check(&self) {
        let (views, outbox, revision) = (self.views(), self.outbox.clone(), self.revision);
        let more = (self.roots.waiting() > 0).then(|| self.own.clone());
        let publishes = !self.settings.pulls_diagnostics;
        self.runtime.spawn_blocking(move || {
            let found = if publishes {
                views.catch(publish_diagnostics::sheets)
            } else {
                Ok(Vec::new())
            };
            match found {
                Ok(sheets) => outbox.publish(revision, sheets),
                // whoever did that has it checked again
                Err(Interrupted::Overtaken) => return,
                Err(Interrupted::Panicked(why)) => outbox.log(MessageType::ERROR, format!("checking failed: {why}")),
            }
            drop(views);
            if let Some(writer) = more.and_then(|own| own.upgrade()) {
                _ = writer.send(Message::LoadMore);
            }
        });
        if publishes && self.roots.iter().any(|root| root.is_folder) {
            let own = self.own.clone();
            self.runtime.spawn(async move {
                tokio::time::sleep(PAUSE).await;
                if let Some(writer) = own.upgrade() {
                    _ = writer.send(Message::Idle { revision });
                }
            });
        }
    }

    /// Checks what nobody opened, unless something has changed meanwhile, or will.
    fn check_rest(&self, revision: u64) {
        if revision != self.revision || self.roots.is_loading() {
            return;
        }
        let (views, outbox) = (self.views(), self.outbox.clone());
        self.runtime.spawn_blocking(move || {
            match views.catch(|views| views.in_turn(publish_diagnostics::sheets_of_rest)) {
                Ok(sheets) => outbox.publish_rest(revision, sheets),
                Err(Interrupted::Overtaken) => {}
                Err(Interrupted::Panicked(why)) => outbox.log(MessageType::ERROR, format!("checking failed: {why}")),
            }
        });
    }
}
