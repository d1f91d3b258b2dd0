//! `window/workDoneProgress`: how much of the workspace has been read, while it is.
//!
//! The client is asked for a place to show it first; until it answers, and if it refuses, what happens is not shown.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types::ProgressToken;

/// How many plans have been read, of how many; of none when all are.
pub(crate) type Loaded = (usize, usize);

/// Shows the latest state; begins when something is loaded, ends when all is.
pub(crate) fn show(client: &Client, shown: &mut Option<UnboundedSender<Loaded>>, loaded: Loaded) {
    let (done, of) = loaded;
    if done >= of {
        *shown = None;
        return;
    }
    let sender = shown.get_or_insert_with(|| {
        let (sender, states) = unbounded_channel();
        tokio::spawn(follow(client.clone(), states));
        sender
    });
    // nobody follows if the client refused
    _ = sender.send(loaded);
}

async fn follow(client: Client, mut states: UnboundedReceiver<Loaded>) {
    let token = ProgressToken::String("dslc/loading".to_owned());
    if client.create_work_done_progress(token.clone()).await.is_err() {
        return;
    }
    let progress = client.progress(token, "Reading plans").with_percentage(0).begin().await;
    while let Some(mut state) = states.recv().await {
        // only the latest is of interest
        while let Ok(newer) = states.try_recv() {
            state = newer;
        }
        let (done, of) = state;
        let percent = u32::try_from(done * 100 / of.max(1)).unwrap_or(100);
        progress.report_with_message(format!("{done} of {of}"), percent).await;
    }
    progress.finish().await;
}
