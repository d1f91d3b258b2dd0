//! The protocol's methods, each handed on in one line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tower_lsp_server::Client;
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types::{InitializeParams, InitializeResult, ServerInfo};

pub(crate) struct LanguageServer {
    _client: Client,
    was_shut_down: Arc<AtomicBool>,
}

impl LanguageServer {
    pub(crate) fn new(client: Client, was_shut_down: Arc<AtomicBool>) -> Self {
        Self { _client: client, was_shut_down }
    }
}

impl tower_lsp_server::LanguageServer for LanguageServer {
    async fn initialize(&self, _params: InitializeParams) -> Result<InitializeResult> {
        let server_info =
            ServerInfo { name: "dslc".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
        Ok(InitializeResult { server_info: Some(server_info), ..Default::default() })
    }

    async fn shutdown(&self) -> Result<()> {
        self.was_shut_down.store(true, Ordering::SeqCst);
        Ok(())
    }
}
