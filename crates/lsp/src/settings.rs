//! What the client said at the start: where its workspace is, what it can do, and what it wants to do itself.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use tower_lsp_server::ls_types::InitializeParams;

use crate::edge;
use crate::inlay_hint::Hints;
use crate::text::Encoding;

#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// Without one, each file's own folder counts.
    pub folders: Vec<PathBuf>,
    pub encoding: Encoding,
    pub has_related_information: bool,
    pub has_symbol_trees: bool,
    pub has_snippets: bool,
    /// A person may choose whether what is behind the cursor of a word stays.
    pub can_insert_or_replace: bool,
    pub can_watch_files: bool,
    pub can_refresh_lenses: bool,
    pub can_show_documents: bool,
    pub can_show_progress: bool,
    /// The client asks for diagnostics, and can be told to ask again: nothing is published to it.
    pub pulls_diagnostics: bool,
    /// The client shows `SCHEME:rule-name` as the rule's page, which it asks for with `dslc/rulePage`.
    pub rule_scheme: Option<String>,
    /// Commands that the client carries out itself: the server does not offer them.
    pub own_commands: BTreeSet<String>,
    /// There is a program to run plans with.
    pub can_run: bool,
    pub can_refresh_hints: bool,
    /// As the client wants them at first.
    pub hints: Hints,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    rule_scheme: Option<String>,
    commands: BTreeSet<String>,
    inlay_hints: Hints,
}

/// The client's own settings, when they have changed; absent of a client that has none.
pub(crate) fn changed_hints(settings: &Value) -> Option<Hints> {
    serde_json::from_value(settings.pointer("/dslc/inlayHints")?.clone()).ok()
}

impl Settings {
    pub(crate) fn new(params: &InitializeParams, can_run: bool) -> Self {
        let options: Options = params
            .initialization_options
            .clone()
            .and_then(|options| serde_json::from_value(options).ok())
            .unwrap_or_default();
        let client = Capabilities::of(params);
        Self {
            folders: folders(params),
            encoding: client.encoding(),
            has_related_information: client.can("/textDocument/publishDiagnostics/relatedInformation"),
            has_symbol_trees: client.can("/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
            has_snippets: client.can("/textDocument/completion/completionItem/snippetSupport"),
            can_insert_or_replace: client.can("/textDocument/completion/completionItem/insertReplaceSupport"),
            can_watch_files: client.can("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            can_refresh_lenses: client.can("/workspace/codeLens/refreshSupport"),
            can_show_documents: client.can("/window/showDocument/support"),
            can_show_progress: client.can("/window/workDoneProgress"),
            pulls_diagnostics: client.has("/textDocument/diagnostic")
                && client.can("/workspace/diagnostics/refreshSupport"),
            rule_scheme: options.rule_scheme,
            own_commands: options.commands,
            can_run,
            can_refresh_hints: client.can("/workspace/inlayHint/refreshSupport"),
            hints: options.inlay_hints,
        }
    }
}

/// The client's capabilities as the protocol names them: a path through them says what is meant.
struct Capabilities(Value);

impl Capabilities {
    fn of(params: &InitializeParams) -> Self {
        Self(serde_json::to_value(&params.capabilities).unwrap_or_default())
    }

    fn can(&self, what: &str) -> bool {
        self.0.pointer(what) == Some(&Value::Bool(true))
    }

    fn has(&self, what: &str) -> bool {
        self.0.pointer(what).is_some_and(Value::is_object)
    }

    fn encoding(&self) -> Encoding {
        let offered = self.0.pointer("/general/positionEncodings").and_then(Value::as_array);
        match offered {
            Some(offered) if offered.iter().any(|encoding| encoding == "utf-8") => Encoding::Utf8,
            _ => Encoding::Utf16,
        }
    }
}

#[expect(deprecated, reason = "clients of before 2018 send only `rootUri`")]
fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    let folders = params.workspace_folders.iter().flatten().map(|folder| &folder.uri);
    let mut paths: Vec<PathBuf> = folders.map(|uri| edge::path(uri).to_path_buf()).collect();
    if paths.is_empty() {
        paths.extend(params.root_uri.iter().map(|uri| edge::path(uri).to_path_buf()));
    }
    paths.retain(|path| path.is_absolute());
    paths
}
