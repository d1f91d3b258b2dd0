//! The protocol's methods. A notification is one send to the writer; a request is one send too, of what to do with a
//! snapshot, and then waits for the outcome. No handler waits for the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use tokio::sync::oneshot;
use tower_lsp_server::Client;
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types::{
    CodeActionParams, CodeActionResponse, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DocumentFormattingParams, DocumentSymbolParams,
    DocumentSymbolResponse, GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams, InitializeParams,
    InitializeResult, InitializedParams, MessageType, TextEdit, Uri,
};

use crate::outbox::Outbox;
use crate::view::{Interrupted, Subject};
use crate::writer::Message;
use crate::{code_action, definition, document_symbol, edge, formatting, graph, hover, initialize, rule_page};

pub(crate) struct LanguageServer {
    client: Client,
    writer: Sender<Message>,
    outbox: Outbox,
    can_watch_files: AtomicBool,
    was_shut_down: Arc<AtomicBool>,
}

impl LanguageServer {
    pub(crate) fn new(client: Client, writer: Sender<Message>, outbox: Outbox, was_shut_down: Arc<AtomicBool>) -> Self {
        Self {
            client,
            writer,
            outbox,
            can_watch_files: AtomicBool::new(false),
            was_shut_down,
        }
    }

    fn send(&self, message: Message) {
        if self.writer.send(message).is_err() {
            self.outbox.log(
                MessageType::ERROR,
                "the workspace's thread has ended; restart the server".to_owned(),
            );
        }
    }

    /// Asks `question` about a snapshot of an open document, on another thread. An edit that overtakes it makes the answer
    /// "content modified"; a panic, an internal error.
    async fn ask<T, Q>(&self, uri: &Uri, question: Q) -> Result<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Subject<'_>) -> T + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let path = edge::path(uri);
        self.send(Message::Read(Box::new(move |view| {
            if sender.is_closed() {
                return; // the client has cancelled the request
            }
            let outcome = view.about(&path, question);
            drop(view);
            _ = sender.send(outcome);
        })));
        match answer.await {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Ok(None)) => Err(Error::invalid_params(format!("`{}` is not open", uri.as_str()))),
            Ok(Err(Interrupted::Overtaken)) => Err(Error::new(ErrorCode::ContentModified)),
            Ok(Err(Interrupted::Panicked(why))) => {
                self.outbox.log(MessageType::ERROR, format!("a request failed: {why}"));
                Err(Error {
                    message: format!("internal error: {why}").into(),
                    ..Error::internal_error()
                })
            }
            Err(_) => Err(Error::internal_error()),
        }
    }

    #[cfg(test)]
    pub(crate) async fn panic(&self, document: tower_lsp_server::ls_types::TextDocumentIdentifier) -> Result<()> {
        self.ask(&document.uri, |_| panic!("as asked")).await
    }

    #[cfg(test)]
    pub(crate) async fn panic_in_writer(&self) {
        self.send(Message::Panic);
    }

    /// The page of a rule, for `dslc/rulePage`.
    pub(crate) async fn rule_page(&self, params: rule_page::Params) -> Result<Option<String>> {
        Ok(rule_page::page(&params.rule))
    }

    /// A plan as nodes and edges, for `dslc/graph`.
    pub(crate) async fn graph(&self, params: graph::Params) -> Result<Option<graph::Graph>> {
        let uri = params.text_document.uri.clone();
        self.ask(&uri, move |subject| graph::graph(subject, &params)).await
    }
}

impl tower_lsp_server::LanguageServer for LanguageServer {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let settings = initialize::settings(&params);
        let result = initialize::result(&settings);
        self.can_watch_files.store(settings.can_watch_files, Ordering::SeqCst);
        self.send(Message::Initialize(settings));
        Ok(result)
    }

    async fn initialized(&self, _: InitializedParams) {
        if self.can_watch_files.load(Ordering::SeqCst) {
            let client = self.client.clone();
            tokio::spawn(async move { _ = client.register_capability(initialize::file_watchers()).await });
        }
    }

    async fn shutdown(&self) -> Result<()> {
        self.was_shut_down.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        self.send(edge::opened(params));
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        self.send(edge::changed(params));
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.send(Message::Close {
            path: edge::path(&params.text_document.uri),
        });
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        for change in params.changes {
            self.send(Message::ChangedOnDisk {
                path: edge::path(&change.uri),
            });
        }
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let at = params.text_document_position_params;
        let place = edge::place(at.position);
        self.ask(&at.text_document.uri, move |subject| hover::hover(subject, place))
            .await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        let at = params.text_document_position_params;
        let place = edge::place(at.position);
        self.ask(&at.text_document.uri, move |subject| {
            definition::definition(subject, place)
        })
        .await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        self.ask(&params.text_document.uri, |subject| {
            Some(document_symbol::symbols(subject))
        })
        .await
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        self.ask(&params.text_document.uri, formatting::format).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri.clone();
        self.ask(&uri, move |subject| Some(code_action::actions(subject, &params)))
            .await
    }
}
