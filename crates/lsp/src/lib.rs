//! The language server: what `dslc lsp` runs.
//!
//! Features are plain functions over dsl-check, one file per request, named as the protocol names it; the protocol's
//! types appear at the edge only. One thread owns the workspace ([`writer`]), notifications are one send to it, reads
//! run on snapshots elsewhere and are answered "content modified" when an edit overtakes them. Whatever the client
//! sends, the server answers or ignores it, and goes on. Nothing here prints.

mod bounds_page;
mod call_hierarchy;
mod code_action;
mod code_lens;
mod completion;
mod definition;
mod diagnostic;
mod disk;
mod document_symbol;
mod documents;
mod edge;
mod execute_command;
mod formatting;
mod graph;
mod history;
mod hover;
mod initialize;
mod inlay_hint;
mod linked_editing_range;
mod node_log;
mod outbox;
mod program;
mod progress;
mod publish_diagnostics;
mod range_formatting;
mod references;
mod roots;
mod rule_page;
mod scripts;
mod semantic_tokens;
mod server;
mod service;
mod settings;
mod signature_help;
mod structure;
#[cfg(test)]
mod tests;
mod text;
mod text_document_sync;
mod token_delta;
mod type_definition;
mod view;
mod will_rename_files;
mod wire;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shellcheck::Shellcheck;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tower_lsp_server::{LspService, Server};

pub use crate::history::Foresee;
use crate::outbox::Outbox;
use crate::server::LanguageServer;
use crate::service::InOrder;

/// Messages that may be handled at once. The library's own default of 4 lets four slow requests hold up every edit.
const CONCURRENCY: usize = 64;
/// What may wait between the reader of frames and the server.
const PIPE_BYTES: usize = 64 * 1024;

/// Serves a client on standard input and output until it says `exit` or hangs up. Gives the exit code of the process:
/// 0 after a `shutdown`, otherwise 1, as the protocol wants it.
pub fn serve_stdio(foresee: Foresee) -> i32 {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return 1;
    };
    let tools = Tools {
        shellcheck: Shellcheck::installed(),
        program: std::env::current_exe().ok(),
        foresee: Some(foresee),
    };
    let code = runtime.block_on(serve(tokio::io::stdin(), tokio::io::stdout(), tools));
    // A read of standard input may still be under way; it must not keep the process alive.
    runtime.shutdown_background();
    code
}

/// What the server uses if it is there.
#[derive(Default)]
pub struct Tools {
    pub shellcheck: Option<Shellcheck>,
    /// `dslc` itself: runs plans and their tests.
    pub program: Option<PathBuf>,
    /// What the next run would find among the results of earlier ones.
    pub foresee: Option<Foresee>,
}

/// Serves a client on any pair of streams; see [`serve_stdio`].
pub async fn serve(input: impl AsyncRead + Unpin + Send + 'static, output: impl AsyncWrite, tools: Tools) -> i32 {
    let Tools {
        shellcheck,
        program,
        foresee,
    } = tools;
    let (messages_in, messages) = tokio::io::duplex(PIPE_BYTES);
    let reader = tokio::spawn(wire::pass_messages(input, messages_in));
    let outbox = Outbox::default();
    let Ok(writer) = writer::start(outbox.clone(), Handle::current(), shellcheck, foresee) else {
        return 1;
    };
    let was_shut_down = Arc::new(AtomicBool::new(false));
    let mut sender = None;
    let service = LspService::build(|client| {
        sender = Some(tokio::spawn(outbox.clone().send_to(client.clone())));
        LanguageServer::new(client, writer, outbox, program, was_shut_down.clone())
    })
    .custom_method("dslc/rulePage", LanguageServer::rule_page)
    .custom_method("dslc/graph", LanguageServer::graph);
    #[cfg(test)]
    let service = service
        .custom_method("test/panic", LanguageServer::panic)
        .custom_method("test/panicInWriter", LanguageServer::panic_in_writer);
    let (service, socket) = service.finish();
    Server::new(messages, output, socket)
        .concurrency_level(CONCURRENCY)
        .serve(InOrder(service))
        .await;
    reader.abort();
    sender.inspect(|sender| sender.abort());
    if was_shut_down.load(Ordering::SeqCst) { 0 } else { 1 }
}
