//! A client on pipes. A thread reads, so that the server never waits for us.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use plan_tests::dslc;
use serde_json::{Value, json};

/// Long, because tests may run on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Client {
    server: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// What came while something else was waited for.
    unread: VecDeque<Value>,
    requests: i64,
}

impl Client {
    /// A server in a folder, which has been shaken hands with.
    pub fn new(root: &Path) -> Self {
        let mut client = Self::start(Command::new(dslc()));
        client.initialize(root);
        client
    }

    /// A server that has not heard anything yet.
    pub fn start(mut program: Command) -> Self {
        program
            .arg("lsp")
            .env("DSLC_SHELLCHECK", "")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut server = program.spawn().expect("dslc starts");
        let output = server.stdout.take().expect("a pipe");
        let (sender, messages) = channel();
        std::thread::spawn(move || read(output, &sender));
        Self {
            input: server.stdin.take(),
            server,
            messages,
            unread: VecDeque::new(),
            requests: 0,
        }
    }

    pub fn initialize(&mut self, root: &Path) {
        let capabilities = json!({
            "general": { "positionEncodings": ["utf-16"] },
            "textDocument": {
                "publishDiagnostics": { "relatedInformation": true, "versionSupport": true },
                "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
            },
        });
        let params = json!({ "processId": null, "rootUri": uri(root), "capabilities": capabilities });
        self.request("initialize", params).expect("initialize");
        self.notify("initialized", json!({}));
    }

    pub fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let input = self.input.as_mut().expect("not hung up");
        input.write_all(frame.as_bytes()).expect("the server reads");
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and gives its id.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.requests += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.requests, "method": method, "params": params }));
        self.requests
    }

    /// The result, or the code of the error.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, i64> {
        let id = self.ask(method, params);
        self.answer(id)
    }

    pub fn answer(&mut self, id: i64) -> Result<Value, i64> {
        let mut message = self.wait_for(|message| message["id"] == id && message.get("method").is_none());
        match message.get("error") {
            Some(error) => Err(error["code"].as_i64().expect("a code")),
            None => Ok(message["result"].take()),
        }
    }

    /// The next message that is wanted; the others stay unread, in order.
    pub fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.unread.iter().position(&wanted) {
            return self.unread.remove(at).expect("found");
        }
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect("an answer in time");
            if wanted(&message) {
                return message;
            }
            self.unread.push_back(message);
        }
    }

    /// Everything that has come and nobody has asked for.
    pub fn rest(&mut self) -> Vec<Value> {
        let unread = std::mem::take(&mut self.unread);
        unread.into_iter().chain(self.messages.try_iter()).collect()
    }

    pub fn open(&mut self, path: &Path, version: i64, text: &str) {
        let document = json!({ "uri": uri(path), "languageId": "plan", "version": version, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub fn change(&mut self, path: &Path, version: i64, changes: Value) {
        let document = json!({ "uri": uri(path), "version": version });
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": changes }),
        );
    }

    pub fn close(&mut self, path: &Path) {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } }));
    }

    pub fn changed_on_disk(&mut self, path: &Path, kind: u8) {
        let change = json!({ "uri": uri(path), "type": kind });
        self.notify("workspace/didChangeWatchedFiles", json!({ "changes": [change] }));
    }

    /// The diagnostics of a version of a file, when they come.
    pub fn diagnostics(&mut self, path: &Path, version: impl Into<Value>) -> Value {
        let version = version.into();
        let mut sheet = self.wait_for(|message| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri(path)
                && message["params"]["version"] == version
        });
        sheet["params"]["diagnostics"].take()
    }

    pub fn symbols(&mut self, path: &Path) -> Value {
        let answer = self.request(
            "textDocument/documentSymbol",
            json!({ "textDocument": { "uri": uri(path) } }),
        );
        answer.expect("symbols")
    }

    /// Says `shutdown` and `exit`; the server must go with 0.
    pub fn finish(mut self) {
        assert_eq!(self.request("shutdown", Value::Null), Ok(Value::Null));
        self.notify("exit", Value::Null);
        assert_eq!(self.end().code(), Some(0));
    }

    /// Closes the pipe without a word.
    pub fn hang_up(mut self) -> ExitStatus {
        self.input = None;
        self.end()
    }

    pub fn end(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.server.try_wait().expect("a child") {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Client {
    /// Of a test that failed, nothing stays.
    fn drop(&mut self) {
        _ = self.server.kill();
        _ = self.server.wait();
    }
}

fn read(output: ChildStdout, messages: &Sender<Value>) {
    let mut output = BufReader::new(output);
    while let Some(message) = frame(&mut output) {
        if messages.send(message).is_err() {
            return;
        }
    }
}

/// The next message; `None` at the end.
fn frame(output: &mut impl BufRead) -> Option<Value> {
    let mut header = String::new();
    output.read_line(&mut header).ok()?;
    let length = header.trim().strip_prefix("Content-Length: ")?.parse().ok()?;
    output.read_line(&mut String::new()).ok()?;
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).expect("JSON"))
}

pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

pub fn at(path: &Path, line: usize, character: usize) -> Value {
    json!({ "textDocument": { "uri": uri(path) }, "position": { "line": line, "character": character } })
}

/// A change of a range of lines and columns.
pub fn replace(start: (usize, usize), end: (usize, usize), text: &str) -> Value {
    let place = |(line, character)| json!({ "line": line, "character": character });
    json!({ "range": { "start": place(start), "end": place(end) }, "text": text })
}

/// The rules of diagnostics, without hints.
pub fn rules(diagnostics: &Value) -> Vec<&str> {
    let all = diagnostics.as_array().expect("a list").iter();
    all.filter(|found| found["severity"] != 4)
        .filter_map(|found| found["code"].as_str())
        .collect()
}
