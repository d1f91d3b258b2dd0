//! What shellcheck says of the scripts of open documents: asked on a thread of its own once the typing pauses, shown
//! when it is known.
//!
//! Nothing waits for it. What is known of a script is shown at once, whatever else is edited; what has been edited is
//! asked again.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use dsl_check::{Analysis, Diagnostic, ShellScript};
use shellcheck::Shellcheck;

use crate::writer::Message;

/// How long the typing must pause.
const PAUSE: Duration = Duration::from_millis(400);
/// Scripts of longer documents are not looked at: finding them would be felt at every key.
const TEXT_BYTES_MAX: usize = 512 << 10;

#[derive(Clone)]
pub(crate) struct Scripts {
    known: Arc<Mutex<Shellcheck>>,
    wanted: Sender<Vec<ShellScript>>,
}

impl Scripts {
    /// `writer` is told when more is known; it is not kept alive for that.
    pub(crate) fn start(shellcheck: Shellcheck, writer: Weak<Sender<Message>>) -> std::io::Result<Self> {
        let known = Arc::new(Mutex::new(shellcheck));
        let (wanted, asked) = channel();
        let scripts = Self { known, wanted };
        let known = scripts.known.clone();
        let thread = std::thread::Builder::new().name("shellcheck".to_owned());
        thread.spawn(move || answer(&known, &asked, &writer))?;
        Ok(scripts)
    }

    /// What is known of the scripts of a document, and the scripts.
    pub(crate) fn diagnostics(
        &self,
        snapshot: &Analysis,
        path: &Path,
        text: &str,
    ) -> (Vec<Diagnostic>, Vec<ShellScript>) {
        if text.len() > TEXT_BYTES_MAX {
            return (Vec::new(), Vec::new());
        }
        let scripts = snapshot.shell_scripts(path);
        let known = lock(&self.known);
        let found = scripts
            .iter()
            .flat_map(|script| snapshot.shell_diagnostics(path, script, known.findings(script)));
        (found.collect(), scripts)
    }

    /// Asks about those that nothing is known of, some time.
    pub(crate) fn want(&self, scripts: Vec<ShellScript>) {
        let is_known = |question: shellcheck::Question| question.is_empty();
        if !lock(&self.known).question(scripts.iter()).is_none_or(is_known) {
            // the thread ends with the server
            _ = self.wanted.send(scripts);
        }
    }
}

fn lock(known: &Mutex<Shellcheck>) -> MutexGuard<'_, Shellcheck> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(known: &Mutex<Shellcheck>, asked: &Receiver<Vec<ShellScript>>, writer: &Weak<Sender<Message>>) {
    while let Ok(mut scripts) = asked.recv() {
        loop {
            match asked.recv_timeout(PAUSE) {
                Ok(newer) => scripts = newer,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let Some(question) = lock(known).question(scripts.iter()) else {
            continue;
        };
        let answer = question.ask();
        {
            let mut known = lock(known);
            known.learn(answer);
            known.keep(scripts.iter());
        }
        let Some(writer) = writer.upgrade() else { return };
        if writer.send(Message::ScriptsKnown).is_err() {
            return;
        }
    }
}
