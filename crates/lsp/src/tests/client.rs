//! A small client: frames on a pipe, answers by id, everything else in the order in which it came.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

use crate::Tools;

/// Long, because tests may run on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Client {
    input: WriteHalf<DuplexStream>,
    output: BufReader<ReadHalf<DuplexStream>>,
    server: JoinHandle<i32>,
    next_id: i64,
    /// What came while something else was waited for.
    unread: VecDeque<Value>,
}

/// Runs a test with a server that has not been initialized.
pub fn with_server<F: Future<Output = ()>>(test: impl FnOnce(Client) -> F) {
    with_tools(Tools::default(), test);
}

/// The same with a server that has these programs.
pub fn with_tools<F: Future<Output = ()>>(tools: Tools, test: impl FnOnce(Client) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(theirs);
        let server = tokio::spawn(crate::serve(input, output, tools));
        let (output, input) = tokio::io::split(ours);
        test(Client {
            input,
            output: BufReader::new(output),
            server,
            next_id: 0,
            unread: VecDeque::new(),
        })
        .await;
    });
    runtime.shutdown_background();
}

/// Runs a test with a server that knows a client with all abilities.
pub fn with_session<F: Future<Output = ()>>(test: impl FnOnce(Client) -> F) {
    with_server(|mut client| async move {
        client.initialize(json!({})).await;
        test(client).await;
    });
}

/// The address of a file: of an absolute path, or of a name in a folder that is not there.
pub fn uri(name: &str) -> String {
    if name.starts_with('/') {
        format!("file://{name}")
    } else {
        format!("file:///plans/{name}")
    }
}

impl Client {
    pub async fn initialize(&mut self, general: Value) -> Value {
        let params = json!({
            "processId": null,
            "rootUri": "file:///plans",
            "capabilities": {
                "general": general,
                "textDocument": {
                    "publishDiagnostics": { "relatedInformation": true },
                    "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
                },
            },
            "initializationOptions": { "ruleScheme": "dslc-rule" },
        });
        let answer = self.request("initialize", params).await.expect("initialize");
        self.notify("initialized", json!({})).await;
        answer
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).await.expect("the server reads");
    }

    pub async fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_bytes(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
            .await;
    }

    pub async fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
            .await;
    }

    /// Sends a request and gives its id.
    pub async fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .await;
        id
    }

    /// The result, or the code of the error.
    pub async fn request(&mut self, method: &str, params: Value) -> Result<Value, i64> {
        let id = self.ask(method, params).await;
        self.answer(&json!(id)).await
    }

    pub async fn answer(&mut self, id: &Value) -> Result<Value, i64> {
        let message = self
            .wait_for(|message| message.get("method").is_none() && message["id"] == *id)
            .await;
        match message.get("error") {
            Some(error) => Err(error["code"].as_i64().expect("a code")),
            None => Ok(message["result"].clone()),
        }
    }

    /// Waits until the server asks for something, grants it, and gives what was asked.
    pub async fn grant(&mut self, method: &str) -> Value {
        let asked = self.wait_for(|message| message["method"] == method).await;
        self.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": null }))
            .await;
        asked
    }

    /// The next message that is wanted; the others stay unread, in order.
    pub async fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.unread.iter().position(&wanted) {
            return self.unread.remove(at).expect("found");
        }
        loop {
            let message = tokio::time::timeout(PATIENCE, self.receive())
                .await
                .expect("no answer in time");
            if wanted(&message) {
                return message;
            }
            self.unread.push_back(message);
        }
    }

    async fn receive(&mut self) -> Value {
        let mut header = String::new();
        self.output.read_line(&mut header).await.expect("a header");
        let length = header
            .trim()
            .strip_prefix("Content-Length: ")
            .and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or_else(|| panic!("not a header: {header:?}"))];
        self.output.read_line(&mut String::new()).await.expect("a blank line");
        self.output.read_exact(&mut body).await.expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }

    /// Whether such a message came while something else was waited for.
    pub fn has_unread(&self, method: &str) -> bool {
        self.unread.iter().any(|message| message["method"] == method)
    }

    /// The same of anything about a file.
    pub fn has_unread_about(&self, uri: &str) -> bool {
        self.unread.iter().any(|message| message["params"]["uri"] == uri)
    }

    pub async fn open(&mut self, name: &str, version: i32, text: &str) {
        let document = json!({ "uri": uri(name), "languageId": "plan", "version": version, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }))
            .await;
    }

    pub async fn change(&mut self, name: &str, version: i32, changes: Value) {
        let document = json!({ "uri": uri(name), "version": version });
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": changes }),
        )
        .await;
    }

    pub async fn close(&mut self, name: &str) {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(name) } }))
            .await;
    }

    /// The diagnostics of a version of a file, when they come; those of other versions before it are dropped.
    pub async fn diagnostics(&mut self, name: &str, version: i32) -> Vec<Value> {
        let message = self
            .wait_for(|message| {
                message["method"] == "textDocument/publishDiagnostics"
                    && message["params"]["uri"] == uri(name)
                    && message["params"]["version"] == version
            })
            .await;
        let all = message["params"]["diagnostics"].as_array().expect("a list");
        // hints (severity 4) are not what these tests are about
        all.iter().filter(|found| found["severity"] != 4).cloned().collect()
    }

    pub async fn hover(&mut self, name: &str, line: u32, character: u32) -> Result<Value, i64> {
        self.request("textDocument/hover", at(name, line, character)).await
    }

    /// Says `shutdown` and `exit`, and gives the exit code.
    pub async fn finish(mut self) -> i32 {
        assert_eq!(self.request("shutdown", Value::Null).await, Ok(Value::Null));
        self.notify("exit", Value::Null).await;
        self.exit_code().await
    }

    pub async fn exit_code(self) -> i32 {
        tokio::time::timeout(PATIENCE, self.server)
            .await
            .expect("the server ends")
            .expect("without a panic")
    }

    pub async fn hang_up(self) -> i32 {
        let Self {
            input, output, server, ..
        } = self;
        drop((input, output));
        tokio::time::timeout(PATIENCE, server)
            .await
            .expect("the server ends")
            .expect("without a panic")
    }
}

pub fn at(name: &str, line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": uri(name) }, "position": { "line": line, "character": character } })
}

/// A change of a range, as the protocol has it.
pub fn replace(start: (u32, u32), end: (u32, u32), text: &str) -> Value {
    json!({
        "range": {
            "start": { "line": start.0, "character": start.1 },
            "end": { "line": end.0, "character": end.1 },
        },
        "text": text,
    })
}

/// The rules of diagnostics.
pub fn rules(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics
        .iter()
        .filter_map(|diagnostic| diagnostic["code"].as_str())
        .collect()
}
