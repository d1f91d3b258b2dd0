//! The protocol's methods. A notification is one send to the writer; a request is one send too, of what to do with a
//! snapshot, and then waits for the outcome. No handler waits for the client.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use tokio::sync::oneshot;
use tower_lsp_server::Client;
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types::{
    CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionParams, CompletionResponse,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DocumentFormattingParams, DocumentHighlight, DocumentHighlightParams, DocumentLink, DocumentLinkParams,
    DocumentSymbolParams, DocumentSymbolResponse, ExecuteCommandParams, FoldingRange, FoldingRangeParams,
    GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams, InitializeParams, InitializeResult,
    InitializedParams, InlayHint, InlayHintParams, LSPAny, Location, MessageType, PrepareRenameResponse,
    ReferenceParams, RenameParams, SelectionRange, SelectionRangeParams, SemanticTokensParams,
    SemanticTokensRangeParams, SemanticTokensRangeResult, SemanticTokensResult, ShowDocumentParams, SignatureHelp,
    SignatureHelpParams, TextDocumentPositionParams, TextEdit, Uri, WorkspaceEdit, WorkspaceSymbolParams,
    WorkspaceSymbolResponse,
};

use crate::execute_command::{self, Asked};
use crate::outbox::Outbox;
use crate::program;
use crate::settings::Settings;
use crate::view::{Interrupted, Subject, View};
use crate::writer::Message;
use crate::{
    code_action, code_lens, completion, definition, disk, document_symbol, edge, formatting, graph, hover, initialize,
    inlay_hint, node_log, references, rule_page, semantic_tokens, signature_help, structure,
};

/// A client that never pauses, and never takes a question back, gets "content modified" in the end.
const ASKED_ANEW_MAX: usize = 16;

pub(crate) struct LanguageServer {
    client: Client,
    writer: Arc<Sender<Message>>,
    outbox: Outbox,
    program: Option<PathBuf>,
    can_watch_files: AtomicBool,
    can_show_documents: AtomicBool,
    was_shut_down: Arc<AtomicBool>,
}

impl LanguageServer {
    pub(crate) fn new(
        client: Client,
        writer: Arc<Sender<Message>>,
        outbox: Outbox,
        program: Option<PathBuf>,
        was_shut_down: Arc<AtomicBool>,
    ) -> Self {
        Self {
            client,
            writer,
            outbox,
            program,
            can_watch_files: AtomicBool::new(false),
            can_show_documents: AtomicBool::new(false),
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

    /// Shows the person a line.
    fn tell(&self, kind: MessageType, line: String) {
        let client = self.client.clone();
        tokio::spawn(async move { client.show_message(kind, line).await });
    }

    /// Has the client open a file, if it can.
    fn show(&self, path: &Path) {
        let Some(uri) = edge::uri(path).filter(|_| self.can_show_documents.load(Ordering::SeqCst)) else {
            return;
        };
        let client = self.client.clone();
        let params = ShowDocumentParams {
            uri,
            external: None,
            take_focus: Some(true),
            selection: None,
        };
        tokio::spawn(async move { client.show_document(params).await });
    }

    /// Asks `question` about a snapshot of an open document, on another thread. An edit that overtakes it makes the answer
    /// "content modified"; a panic, an internal error.
    async fn ask<T, Q>(&self, uri: &Uri, question: Q) -> Result<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Subject<'_>) -> T + Send + 'static,
    {
        let path = edge::path(uri);
        let answer = self.read(move |view| view.about(&path, question)).await?;
        answer.ok_or_else(|| Error::invalid_params(format!("`{}` is not open", uri.as_str())))
    }

    /// The same, but an edit that overtakes the question has it asked anew, of the text as it is then. For what an editor asks
    /// once and then keeps while the typing goes on: it would show nothing if the first answer were "content modified".
    async fn ask_while_typing<T, Q>(&self, uri: &Uri, question: Q) -> Result<T>
    where
        T: Send + 'static,
        Q: Fn(&Subject<'_>) -> T + Clone + Send + 'static,
    {
        for _ in 0..ASKED_ANEW_MAX {
            match self.ask(uri, question.clone()).await {
                Err(error) if error.code == ErrorCode::ContentModified => {}
                answer => return answer,
            }
        }
        self.ask(uri, question).await
    }

    /// The same about all files.
    async fn ask_workspace<T, Q>(&self, question: Q) -> Result<T>
    where
        T: Send + 'static,
        Q: FnOnce(&View) -> T + Send + 'static,
    {
        self.read(move |view| view.catch(question)).await
    }

    async fn read<T, R>(&self, read: R) -> Result<T>
    where
        T: Send + 'static,
        R: FnOnce(&View) -> std::result::Result<T, Interrupted> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        self.send(Message::Read(Box::new(move |view| {
            if sender.is_closed() {
                return; // the client has cancelled the request
            }
            let outcome = read(&view);
            drop(view);
            _ = sender.send(outcome);
        })));
        match answer.await {
            Ok(Ok(answer)) => Ok(answer),
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
        let settings = Settings::new(&params, self.program.is_some());
        let result = initialize::result(&settings);
        self.can_watch_files.store(settings.can_watch_files, Ordering::SeqCst);
        self.can_show_documents
            .store(settings.can_show_documents, Ordering::SeqCst);
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
            let path = edge::path(&change.uri);
            self.send(match disk::store_of(&path) {
                Some(store) => Message::StoreChanged {
                    store: store.to_path_buf(),
                },
                None => Message::ChangedOnDisk { path },
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

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let at = params.text_document_position;
        let place = edge::place(at.position);
        self.ask_while_typing(&at.text_document.uri, move |subject| {
            Some(completion::completion(subject, place))
        })
        .await
    }

    async fn signature_help(&self, params: SignatureHelpParams) -> Result<Option<SignatureHelp>> {
        let at = params.text_document_position_params;
        let place = edge::place(at.position);
        self.ask_while_typing(&at.text_document.uri, move |subject| {
            signature_help::signature_help(subject, place)
        })
        .await
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let at = params.text_document_position;
        let place = edge::place(at.position);
        let with_declaration = params.context.include_declaration;
        self.ask(&at.text_document.uri, move |subject| {
            references::references(subject, place, with_declaration)
        })
        .await
    }

    async fn document_highlight(&self, params: DocumentHighlightParams) -> Result<Option<Vec<DocumentHighlight>>> {
        let at = params.text_document_position_params;
        let place = edge::place(at.position);
        self.ask(&at.text_document.uri, move |subject| {
            references::highlights(subject, place)
        })
        .await
    }

    async fn prepare_rename(&self, at: TextDocumentPositionParams) -> Result<Option<PrepareRenameResponse>> {
        let place = edge::place(at.position);
        self.ask(&at.text_document.uri, move |subject| {
            references::prepare_rename(subject, place)
        })
        .await
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        let at = params.text_document_position;
        let place = edge::place(at.position);
        let edit = self
            .ask(&at.text_document.uri, move |subject| {
                references::rename(subject, place, &params.new_name)
            })
            .await?;
        edit.map(Some)
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        let found = self
            .ask_workspace(move |view| structure::workspace_symbols(view, &params.query))
            .await?;
        Ok(Some(found.into()))
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        self.ask(&params.text_document.uri, |subject| Some(structure::folding(subject)))
            .await
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        let places: Vec<_> = params.positions.into_iter().map(edge::place).collect();
        self.ask(&params.text_document.uri, move |subject| {
            Some(structure::selections(subject, &places))
        })
        .await
    }

    async fn document_link(&self, params: DocumentLinkParams) -> Result<Option<Vec<DocumentLink>>> {
        self.ask(&params.text_document.uri, |subject| Some(structure::links(subject)))
            .await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        self.ask(&params.text_document.uri, move |subject| {
            Some(inlay_hint::hints(subject, params.range))
        })
        .await
    }

    async fn semantic_tokens_full(&self, params: SemanticTokensParams) -> Result<Option<SemanticTokensResult>> {
        self.ask(&params.text_document.uri, |subject| {
            Some(semantic_tokens::tokens(subject, None).into())
        })
        .await
    }

    async fn semantic_tokens_range(
        &self,
        params: SemanticTokensRangeParams,
    ) -> Result<Option<SemanticTokensRangeResult>> {
        self.ask(&params.text_document.uri, move |subject| {
            Some(semantic_tokens::tokens(subject, Some(params.range)).into())
        })
        .await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri.clone();
        self.ask(&uri, move |subject| Some(code_action::actions(subject, &params)))
            .await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        self.ask(&params.text_document.uri, |subject| Some(code_lens::lenses(subject)))
            .await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        match execute_command::parse(params)? {
            Asked::Log(target) => {
                let uri = target.uri.clone();
                let log = self
                    .ask(&uri, move |subject| node_log::newest(subject, &target))
                    .await??;
                self.show(&log);
                Ok(serde_json::to_value(log).ok())
            }
            Asked::Explain(rule) => execute_command::explain(&rule).map(Some),
            Asked::Look(look, target) => {
                let uri = target.uri.clone();
                let answer = self.ask(&uri, move |subject| execute_command::answer(subject, look, &target));
                answer.await?.map(Some)
            }
            Asked::Start(verb, target) => {
                let (uri, program) = (target.uri.clone(), self.program.clone());
                let job = self.ask(&uri, move |subject| program::job(subject, program, verb, &target));
                let outcome = job.await??.run().await?;
                self.tell(outcome.kind(), outcome.headline());
                Ok(serde_json::to_value(outcome).ok())
            }
        }
    }
}
