//! `initialize`: what the client can do, where its workspace is, and what the server offers.

use std::path::PathBuf;

use serde::Deserialize;
use tower_lsp_server::ls_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CompletionOptions,
    DidChangeWatchedFilesRegistrationOptions, DocumentLinkOptions, FileSystemWatcher, FoldingRangeProviderCapability,
    GlobPattern, HoverProviderCapability, InitializeParams, InitializeResult, OneOf, PositionEncodingKind,
    Registration, RenameOptions, SelectionRangeProviderCapability, SemanticTokensFullOptions, SemanticTokensOptions,
    SemanticTokensServerCapabilities, ServerCapabilities, ServerInfo, SignatureHelpOptions, TextDocumentSyncCapability,
    TextDocumentSyncKind, TextDocumentSyncOptions, WorkDoneProgressOptions,
};

use crate::edge;
use crate::semantic_tokens;
use crate::text::Encoding;

/// What the client said at the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The first workspace folder; without one, each file's own folder counts.
    pub root: Option<PathBuf>,
    pub encoding: Encoding,
    pub has_related_information: bool,
    pub has_symbol_trees: bool,
    pub has_snippets: bool,
    pub can_watch_files: bool,
    /// The client shows `SCHEME:rule-name` as the rule's page, which it asks for with `dslc/rulePage`.
    pub rule_scheme: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    rule_scheme: Option<String>,
}

pub(crate) fn settings(params: &InitializeParams) -> Settings {
    let general = params.capabilities.general.as_ref();
    let text_document = params.capabilities.text_document.as_ref();
    let has_utf8 = general
        .and_then(|general| general.position_encodings.as_ref())
        .is_some_and(|encodings| encodings.contains(&PositionEncodingKind::UTF8));
    let options: Options = params
        .initialization_options
        .clone()
        .and_then(|options| serde_json::from_value(options).ok())
        .unwrap_or_default();
    Settings {
        root: root(params),
        encoding: if has_utf8 { Encoding::Utf8 } else { Encoding::Utf16 },
        has_related_information: text_document
            .and_then(|text_document| text_document.publish_diagnostics.as_ref()?.related_information)
            .unwrap_or(false),
        has_symbol_trees: text_document
            .and_then(|text_document| {
                text_document
                    .document_symbol
                    .as_ref()?
                    .hierarchical_document_symbol_support
            })
            .unwrap_or(false),
        has_snippets: text_document
            .and_then(|text_document| {
                text_document
                    .completion
                    .as_ref()?
                    .completion_item
                    .as_ref()?
                    .snippet_support
            })
            .unwrap_or(false),
        can_watch_files: params
            .capabilities
            .workspace
            .as_ref()
            .and_then(|workspace| workspace.did_change_watched_files.as_ref()?.dynamic_registration)
            .unwrap_or(false),
        rule_scheme: options.rule_scheme,
    }
}

#[expect(deprecated, reason = "clients of before 2018 send only `rootUri`")]
fn root(params: &InitializeParams) -> Option<PathBuf> {
    let folder = params
        .workspace_folders
        .as_ref()
        .and_then(|folders| folders.first())
        .map(|folder| &folder.uri);
    folder
        .or(params.root_uri.as_ref())
        .map(|uri| edge::path(uri).to_path_buf())
}

pub(crate) fn result(settings: &Settings) -> InitializeResult {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        ..Default::default()
    };
    let quick_fixes = CodeActionOptions {
        code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
        resolve_provider: Some(false),
        ..Default::default()
    };
    let capabilities = ServerCapabilities {
        position_encoding: Some(match settings.encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(quick_fixes)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some([".", ":", " ", ">", "|", "{"].map(str::to_owned).to_vec()),
            ..Default::default()
        }),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: Some(["(", ","].map(str::to_owned).to_vec()),
            ..Default::default()
        }),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        selection_range_provider: Some(SelectionRangeProviderCapability::Simple(true)),
        document_link_provider: Some(DocumentLinkOptions {
            resolve_provider: Some(false),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        inlay_hint_provider: Some(OneOf::Left(true)),
        semantic_tokens_provider: Some(SemanticTokensServerCapabilities::SemanticTokensOptions(
            SemanticTokensOptions {
                legend: semantic_tokens::legend(),
                range: Some(true),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..Default::default()
            },
        )),
        ..Default::default()
    };
    let server_info = ServerInfo {
        name: "dslc".to_owned(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
    };
    InitializeResult {
        capabilities,
        server_info: Some(server_info),
        ..Default::default()
    }
}

/// What the client is asked to watch: files that may be imported, and the workspace's settings.
pub(crate) fn file_watchers() -> Vec<Registration> {
    let watch = |pattern: &str| FileSystemWatcher {
        glob_pattern: GlobPattern::String(pattern.to_owned()),
        kind: None,
    };
    let watchers = vec![watch("**/*.plan"), watch("**/dslc.toml")];
    vec![Registration {
        id: "files".to_owned(),
        method: "workspace/didChangeWatchedFiles".to_owned(),
        register_options: serde_json::to_value(DidChangeWatchedFilesRegistrationOptions { watchers }).ok(),
    }]
}
