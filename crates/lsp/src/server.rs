//! The protocol's methods. A notification is one send to the writer; a request is one send too, of what to do with a
//! snapshot, and then waits for the outcome. No handler waits for the client.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tower_lsp_server::Client;
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types::{
    CallHierarchyIncomingCall, CallHierarchyIncomingCallsParams, CallHierarchyItem, CallHierarchyOutgoingCall,
    CallHierarchyOutgoingCallsParams, CallHierarchyPrepareParams, CodeActionParams, CodeActionResponse, CodeLens,
    CodeLensParams, CompletionItem, CompletionParams, CompletionResponse, DidChangeConfigurationParams,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DocumentDiagnosticParams, DocumentDiagnosticReportResult,
    DocumentFormattingParams, DocumentHighlight, DocumentHighlightParams, DocumentLink, DocumentLinkParams,
    DocumentOnTypeFormattingParams, DocumentRangeFormattingParams, DocumentSymbolParams, DocumentSymbolResponse,
    ExecuteCommandParams, FoldingRange, FoldingRangeParams, GotoDefinitionParams, GotoDefinitionResponse, Hover,
    HoverParams, InitializeParams, InitializeResult, InitializedParams, InlayHint, InlayHintParams, LSPAny,
    LinkedEditingRangeParams, LinkedEditingRanges, Location, MessageType, PrepareRenameResponse, ReferenceParams,
    RenameFilesParams, RenameParams, SelectionRange, SelectionRangeParams, SemanticTokensDeltaParams,
    SemanticTokensFullDeltaResult, SemanticTokensParams, SemanticTokensRangeParams, SemanticTokensRangeResult,
    SemanticTokensResult, ShowDocumentParams, SignatureHelp, SignatureHelpParams, TextDocumentPositionParams, TextEdit,
    Uri, WorkspaceDiagnosticParams, WorkspaceDiagnosticReport, WorkspaceDiagnosticReportResult, WorkspaceEdit,
    WorkspaceFolder, WorkspaceSymbolParams, WorkspaceSymbolResponse,
};

use crate::inlay_hint::Hints;
use crate::outbox::Outbox;
use crate::settings::{self, Settings};
use crate::token_delta::Told;
use crate::view::{Interrupted, Subject, Views};
use crate::writer::Message;
use crate::{
    call_hierarchy, code_action, code_lens, completion, definition, diagnostic, disk, document_symbol, edge,
    execute_command, formatting, graph, hover, initialize, inlay_hint, linked_editing_range, range_formatting,
    references, rule_page, semantic_tokens, signature_help, structure, type_definition, will_rename_files,
};

/// A client that never pauses, and never takes a question back, gets "content modified" in the end.
const ASKED_ANEW_MAX: usize = 16;

pub(crate) struct LanguageServer {
    client: Client,
    writer: Arc<Sender<Message>>,
    outbox: Outbox,
    /// `dslc` itself.
    pub(crate) program: Option<PathBuf>,
    /// What the client knows of tokens.
    told: Told,
    /// Which the client wants; they may change while it is open.
    hints: Mutex<Hints>,
    can_refresh_hints: AtomicBool,
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
            told: Told::default(),
            hints: Mutex::default(),
            can_refresh_hints: AtomicBool::new(false),
            can_watch_files: AtomicBool::new(false),
            can_show_documents: AtomicBool::new(false),
            was_shut_down,
        }
    }

    fn hints(&self) -> MutexGuard<'_, Hints> {
        self.hints.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(crate) fn tell(&self, kind: MessageType, line: String) {
        let client = self.client.clone();
        tokio::spawn(async move { client.show_message(kind, line).await });
    }

    /// Has the client open a file, if it can.
    pub(crate) fn show(&self, path: &Path) {
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
    pub(crate) async fn ask<T, Q>(&self, uri: &Uri, question: Q) -> Result<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Subject<'_>) -> T + Send + 'static,
    {
        let path = edge::path(uri);
        let answer = self.read(move |views| views.about(&path, question)).await?;
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
    pub(crate) async fn ask_workspace<T, Q>(&self, question: Q) -> Result<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Views) -> T + Send + 'static,
    {
        self.read(move |views| views.catch(question)).await
    }

    async fn read<T, R>(&self, read: R) -> Result<T>
    where
        T: Send + 'static,
        R: FnOnce(&Views) -> std::result::Result<T, Interrupted> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        self.send(Message::Read(Box::new(move |views| {
            if sender.is_closed() {
                return; // the client has cancelled the request
            }
            let outcome = read(&views);
            drop(views);
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
        self.can_refresh_hints
            .store(settings.can_refresh_hints, Ordering::SeqCst);
        *self.hints() = settings.hints;
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
        self.told.forget(&params.text_document.uri);
        self.send(Message::Close {
            path: edge::path(&params.text_document.uri),
        });
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        let Some(hints) = settings::changed_hints(&params.settings) else {
            return;
        };
        *self.hints() = hints;
        if self.can_refresh_hints.load(Ordering::SeqCst) {
            let client = self.client.clone();
            // nobody waits for the answer
            tokio::spawn(async move { client.inlay_hint_refresh().await });
        }
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

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let paths = |folders: Vec<WorkspaceFolder>| {
            let paths = folders.into_iter().map(|folder| edge::path(&folder.uri).to_path_buf());
            paths.filter(|path| path.is_absolute()).collect()
        };
        self.send(Message::Folders {
            added: paths(params.event.added),
            removed: paths(params.event.removed),
        });
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

    async fn completion_resolve(&self, mut item: CompletionItem) -> Result<CompletionItem> {
        if let Some(unresolved) = completion::unresolved(&item) {
            let uri = unresolved.uri.clone();
            let found = self.ask_while_typing(&uri, move |subject| completion::documentation(subject, &unresolved));
            // of a document that is no longer there nothing is known
            item.documentation = found.await.unwrap_or_default();
        }
        Ok(item)
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
        .await?
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
            .ask_workspace(move |views| {
                let symbols = views
                    .all
                    .iter()
                    .map(|view| structure::workspace_symbols(view, &params.query));
                symbols.flatten().collect::<Vec<_>>()
            })
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
        let wanted = *self.hints();
        self.ask(&params.text_document.uri, move |subject| {
            Some(inlay_hint::hints(subject, params.range, wanted))
        })
        .await
    }

    async fn semantic_tokens_full(&self, params: SemanticTokensParams) -> Result<Option<SemanticTokensResult>> {
        let uri = params.text_document.uri;
        let tokens = self.ask(&uri, |subject| semantic_tokens::tokens(subject, None)).await?;
        Ok(Some(self.told.keep(uri, tokens).into()))
    }

    async fn semantic_tokens_full_delta(
        &self,
        params: SemanticTokensDeltaParams,
    ) -> Result<Option<SemanticTokensFullDeltaResult>> {
        let uri = params.text_document.uri;
        let tokens = self.ask(&uri, |subject| semantic_tokens::tokens(subject, None)).await?;
        Ok(Some(self.told.change(uri, &params.previous_result_id, tokens)))
    }

    async fn goto_type_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        let at = params.text_document_position_params;
        let place = edge::place(at.position);
        self.ask(&at.text_document.uri, move |subject| {
            type_definition::type_definition(subject, place)
        })
        .await
    }

    async fn prepare_call_hierarchy(
        &self,
        params: CallHierarchyPrepareParams,
    ) -> Result<Option<Vec<CallHierarchyItem>>> {
        let at = params.text_document_position_params;
        let place = edge::place(at.position);
        self.ask(&at.text_document.uri, move |subject| {
            call_hierarchy::prepare(subject, place)
        })
        .await
    }

    async fn incoming_calls(
        &self,
        params: CallHierarchyIncomingCallsParams,
    ) -> Result<Option<Vec<CallHierarchyIncomingCall>>> {
        let path = edge::path(&params.item.uri);
        self.ask_workspace(move |views| call_hierarchy::incoming(views.of(&path), &params.item))
            .await
    }

    async fn outgoing_calls(
        &self,
        params: CallHierarchyOutgoingCallsParams,
    ) -> Result<Option<Vec<CallHierarchyOutgoingCall>>> {
        let path = edge::path(&params.item.uri);
        self.ask_workspace(move |views| call_hierarchy::outgoing(views.of(&path), &params.item))
            .await
    }

    async fn linked_editing_range(&self, params: LinkedEditingRangeParams) -> Result<Option<LinkedEditingRanges>> {
        let at = params.text_document_position_params;
        let place = edge::place(at.position);
        self.ask(&at.text_document.uri, move |subject| {
            linked_editing_range::ranges(subject, place)
        })
        .await
    }

    async fn range_formatting(&self, params: DocumentRangeFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        self.ask(&params.text_document.uri, move |subject| {
            range_formatting::format_range(subject, params.range)
        })
        .await
    }

    async fn on_type_formatting(&self, params: DocumentOnTypeFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        let at = params.text_document_position;
        self.ask(&at.text_document.uri, move |subject| {
            range_formatting::format_on_type(subject, at.position)
        })
        .await
    }

    async fn will_rename_files(&self, params: RenameFilesParams) -> Result<Option<WorkspaceEdit>> {
        self.ask_workspace(move |views| will_rename_files::edits(views, &params.files))
            .await
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        let report = self.ask(&params.text_document.uri, move |subject| {
            diagnostic::of_document(subject, params.previous_result_id.as_deref())
        });
        Ok(report.await?.into())
    }

    async fn workspace_diagnostic(&self, params: WorkspaceDiagnosticParams) -> Result<WorkspaceDiagnosticReportResult> {
        let items = diagnostic::of_workspace_when_new(self, self.outbox.revisions(), params).await?;
        Ok(WorkspaceDiagnosticReport { items }.into())
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
        execute_command::execute(self, params).await.map(Some)
    }
}
