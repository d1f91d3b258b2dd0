//! A client: sends, and notes when what it waits for arrived. A thread reads, so that the clock stops before JSON is parsed.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// For an answer that never comes.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    arrived: Receiver<(Instant, Vec<u8>)>,
    requests: i64,
    /// Of the document that is open.
    version: i64,
    uri: String,
    /// The version whose diagnostics came last, and when.
    diagnosed: (i64, Instant),
}

/// A place in a document: line and byte in it, from 0.
pub type Place = (usize, usize);

impl Client {
    /// Starts a server and shakes hands with it.
    pub fn start(server: &mut Command, root: &Path) -> io::Result<Self> {
        let mut child = server
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (sender, arrived) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::with_capacity(1 << 16, output);
            while let Ok(Some(body)) = read_frame(&mut output) {
                if sender.send((Instant::now(), body)).is_err() {
                    return;
                }
            }
        });
        let mut client = Self {
            input: child.stdin.take(),
            child,
            arrived,
            requests: 0,
            version: 0,
            uri: String::new(),
            diagnosed: (0, Instant::now()),
        };
        let capabilities = json!({
            "general": { "positionEncodings": ["utf-8"] },
            "textDocument": { "publishDiagnostics": { "versionSupport": true }, "diagnostic": {} },
            "workspace": { "diagnostics": {} },
        });
        let params = json!({ "processId": null, "rootUri": uri(root), "capabilities": capabilities });
        client.request("initialize", params)?;
        client.notify("initialized", json!({}))?;
        Ok(client)
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn notify(&mut self, method: &str, params: Value) -> io::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn send(&mut self, message: &Value) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        write_frame(input, message)
    }

    /// The result, and how long it took to come.
    pub fn request(&mut self, method: &str, params: Value) -> io::Result<(Value, Duration)> {
        self.requests += 1;
        let id = self.requests;
        let started = Instant::now();
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        let (arrived, mut answer) = self.wait(|message| message["id"] == id && message.get("method").is_none())?;
        match answer.get("error") {
            Some(error) => Err(io::Error::other(format!("{method}: {error}"))),
            None => Ok((answer["result"].take(), arrived - started)),
        }
    }

    /// Opens a document, and waits for its diagnostics.
    pub fn open(&mut self, path: &Path, text: &str) -> io::Result<Duration> {
        self.uri = uri(path);
        self.version = 1;
        let started = Instant::now();
        let document = json!({ "uri": self.uri, "languageId": "plan", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }))?;
        Ok(self.diagnosed(1)? - started)
    }

    /// Changes the document and gives the version that it has now.
    pub fn change(&mut self, (start, end): (Place, Place), new: &str) -> io::Result<i64> {
        self.version += 1;
        let range = json!({ "start": position(start), "end": position(end) });
        let params = json!({
            "textDocument": { "uri": self.uri, "version": self.version },
            "contentChanges": [{ "range": range, "text": new }],
        });
        self.notify("textDocument/didChange", params)?;
        Ok(self.version)
    }

    /// When the diagnostics of a version came.
    pub fn diagnosed(&mut self, version: i64) -> io::Result<Instant> {
        if self.diagnosed.0 != version {
            self.wait(|message| is_diagnosed(message) && message["params"]["version"] == version)?;
        }
        Ok(self.diagnosed.1)
    }

    pub fn document(&self) -> Value {
        json!({ "uri": self.uri })
    }

    /// The parameters of a request about a place in the document.
    pub fn at(&self, place: Place) -> Value {
        json!({ "textDocument": self.document(), "position": position(place) })
    }

    /// The next message that is wanted; those before it are answered if they ask for something, and dropped.
    fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> io::Result<(Instant, Value)> {
        loop {
            let arrived = self.arrived.recv_timeout(PATIENCE);
            let (at, body) = arrived.map_err(|_| io::Error::other("the server does not answer"))?;
            let message: Value = serde_json::from_slice(&body)?;
            if is_diagnosed(&message) {
                self.diagnosed = (message["params"]["version"].as_i64().unwrap_or_default(), at);
            }
            if wanted(&message) {
                return Ok((at, message));
            }
            if message["id"] != Value::Null && message["method"].is_string() {
                self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": null }))?;
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // a server that is hung up on ends
        self.input = None;
        _ = self.child.wait();
    }
}

fn is_diagnosed(message: &Value) -> bool {
    message["method"] == "textDocument/publishDiagnostics"
}

fn position((line, character): Place) -> Value {
    json!({ "line": line, "character": character })
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

pub fn write_frame(output: &mut impl Write, message: &Value) -> io::Result<()> {
    let body = message.to_string();
    let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    output.write_all(frame.as_bytes())?;
    output.flush()
}

/// The body of the next message; `None` at the end.
pub fn read_frame(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim().split_once(": ") {
            Some(("Content-Length", bytes)) => length = bytes.parse().map_err(io::Error::other)?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok(Some(body))
}
