//! The one thread that owns the workspace.
//!
//! Messages are handled in the order in which the client sent them. A change waits until readers have let go of their
//! snapshots, which they do at once when one is pending; a read gets a snapshot that holds exactly the changes before it,
//! and runs elsewhere. When the messages at hand are handled, the open documents are checked, elsewhere too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use dsl_check::Workspace;
use shellcheck::Shellcheck;
use tokio::runtime::Handle;
use tower_lsp_server::ls_types::{MessageType, Uri};

use crate::disk::{self, Disk};
use crate::documents::Documents;
use crate::history::History;
use crate::outbox::Outbox;
use crate::publish_diagnostics;
use crate::scripts::Scripts;
use crate::settings::Settings;
use crate::text_document_sync::{Change, Refusal};
use crate::view::{Interrupted, View, panic_message};

/// Something that is done with a snapshot, on another thread.
pub(crate) type Job = Box<dyn FnOnce(View) + Send>;

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
    pub(crate) workspace: Workspace,
    pub(crate) documents: Documents,
    pub(crate) settings: Arc<Settings>,
    outbox: Outbox,
    runtime: Handle,
    /// `None`: shellcheck is not installed.
    scripts: Option<Scripts>,
    history: Option<History>,
    /// Counts what changed the workspace.
    revision: u64,
}

/// Starts the thread; it ends when the last sender is gone.
pub(crate) fn start(
    outbox: Outbox,
    runtime: Handle,
    shellcheck: Option<Shellcheck>,
) -> std::io::Result<Arc<Sender<Message>>> {
    let (sender, receiver) = channel();
    let sender = Arc::new(sender);
    let scripts = shellcheck.map(|shellcheck| Scripts::start(shellcheck, Arc::downgrade(&sender)));
    let scripts = scripts.transpose()?;
    let thread = std::thread::Builder::new().name("workspace".to_owned());
    let history = History::start(Arc::downgrade(&sender))?;
    thread.spawn(move || Writer::new(outbox, runtime, scripts, history).run(&receiver))?;
    Ok(sender)
}

impl Writer {
    fn new(outbox: Outbox, runtime: Handle, scripts: Option<Scripts>, history: History) -> Self {
        Self {
            workspace: Workspace::new("/").with_loader(Disk),
            documents: Documents::default(),
            settings: Arc::default(),
            outbox,
            runtime,
            scripts,
            history: Some(history),
            revision: 0,
        }
    }

    fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            let before = self.revision;
            self.handle(message);
            while let Ok(message) = messages.try_recv() {
                self.handle(message);
            }
            if self.revision > before {
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
            _ => {}
        }
        self.revision += 1;
        match catch_unwind(AssertUnwindSafe(|| self.write(message))) {
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
    }

    /// Makes the workspace anew from what the client has open. A document that makes it fail again is left out.
    fn start_over(&mut self) {
        let root = self.workspace.root().to_path_buf();
        _ = self.enter(&root);
        for (path, document) in self.documents.clone().iter() {
            let text = document.text.as_str().as_bytes();
            if catch_unwind(AssertUnwindSafe(|| self.workspace.open_file(path, text))).is_err() {
                _ = self.enter(&root);
            }
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
            Message::Read(_) | Message::ScriptsKnown | Message::StoreChanged { .. } | Message::HistoryKnown => Ok(()),
            #[cfg(test)]
            Message::Panic => panic!("as asked"),
        }
    }

    fn initialize(&mut self, settings: Settings) -> Result<(), Refusal> {
        let root = settings.root.as_deref().map(disk::root_of);
        self.settings = Arc::new(settings);
        root.map_or(Ok(()), |root| self.enter(&root))
    }

    /// Starts over in the workspace at `root`.
    pub(crate) fn enter(&mut self, root: &Path) -> Result<(), Refusal> {
        self.workspace = Workspace::new(root).with_loader(Disk);
        self.read_config()
    }

    pub(crate) fn read_config(&mut self) -> Result<(), Refusal> {
        let config = disk::config(self.workspace.root())?;
        self.workspace.set_config(config);
        match self.workspace.missing_policies().first() {
            Some(missing) => Err(format!(
                "`policies` of `dslc.toml` names `{missing}`, but no such file is there"
            )),
            None => Ok(()),
        }
    }

    fn view(&self) -> View {
        View {
            snapshot: self.workspace.snapshot(),
            documents: self.documents.clone(),
            settings: self.settings.clone(),
            scripts: self.scripts.clone(),
            history: self.history.clone(),
        }
    }

    fn read(&self, job: Job) {
        let view = self.view();
        self.runtime.spawn_blocking(move || job(view));
    }

    /// Checks what is open. What was found is in the outbox before the snapshot is dropped, so before any later change.
    fn check(&self) {
        let (view, outbox, revision) = (self.view(), self.outbox.clone(), self.revision);
        self.runtime
            .spawn_blocking(move || match view.catch(publish_diagnostics::sheets) {
                Ok(sheets) => outbox.publish(revision, sheets),
                Err(Interrupted::Overtaken) => {}
                Err(Interrupted::Panicked(why)) => outbox.log(MessageType::ERROR, format!("checking failed: {why}")),
            });
    }
}
