//! What stands between standard input and the protocol library: frames are read here, and only whole JSON-RPC messages
//! are passed on.
//!
//! The library's own reader ends the session at the first frame that it can't decode. Here such a frame is replaced by a
//! request for [`UNREADABLE`], which the service answers with the right error, and reading goes on at the next frame.
//! Nothing here knows what a message means.

use serde_json::{Value, json};
use tokio::io::{self, AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Request, Response};

/// The method that stands in for a message that could not be read; its parameters are the error to answer.
pub(crate) const UNREADABLE: &str = "$/dslc/unreadable";

/// A plan of 16 MiB in which every byte is escaped is still shorter.
const BODY_BYTES_MAX: u64 = 128 * 1024 * 1024;
const HEADER_LINE_BYTES_MAX: u64 = 4096;

enum Frame {
    Body(Vec<u8>),
    Bad(&'static str),
    End,
}

/// Copies messages from `input` to `output` until the input ends or nobody reads the output any more.
pub(crate) async fn pass_messages(input: impl AsyncRead + Unpin, mut output: impl AsyncWrite + Unpin) {
    let mut input = BufReader::new(input);
    loop {
        let message = match read_frame(&mut input).await {
            Ok(Frame::Body(body)) => match check(&body) {
                Ok(()) => body,
                Err(stand_in) => stand_in,
            },
            Ok(Frame::Bad(why)) => stand_in(&Value::Null, ErrorCode::ParseError, why),
            Ok(Frame::End) | Err(_) => return,
        };
        let header = format!("Content-Length: {}\r\n\r\n", message.len());
        if output.write_all(header.as_bytes()).await.is_err() || output.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// Reads header lines up to a blank one, then the body. Lines that are no header are skipped, so that reading finds its
/// way back after garbage.
async fn read_frame(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Frame> {
    let mut length = None;
    let mut seen_any = false;
    loop {
        let Some(line) = read_header_line(input).await? else {
            return Ok(Frame::End);
        };
        match header(&line) {
            Header::ContentLength(bytes) => length = Some(bytes),
            Header::Other => seen_any = true,
            Header::Blank => match length {
                Some(Ok(bytes)) => return read_body(input, bytes).await,
                Some(Err(())) => {
                    return Ok(Frame::Bad("`Content-Length` is not a number of bytes"));
                }
                None if seen_any => return Ok(Frame::Bad("a header without `Content-Length`")),
                None => {}
            },
        }
    }
}

async fn read_header_line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let bytes = input.take(HEADER_LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    Ok((bytes > 0).then_some(line))
}

enum Header {
    ContentLength(Result<u64, ()>),
    Other,
    Blank,
}

fn header(line: &[u8]) -> Header {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Header::Blank;
    }
    match line.iter().position(|byte| *byte == b':') {
        Some(colon) if line[..colon].eq_ignore_ascii_case(b"content-length") => {
            let digits = str::from_utf8(&line[colon + 1..]).unwrap_or_default().trim();
            Header::ContentLength(digits.parse().map_err(|_| ()))
        }
        _ => Header::Other,
    }
}

async fn read_body(input: &mut (impl AsyncBufRead + Unpin), bytes: u64) -> io::Result<Frame> {
    let mut limited = input.take(bytes);
    if bytes > BODY_BYTES_MAX {
        io::copy(&mut limited, &mut io::sink()).await?;
        return Ok(Frame::Bad("the message is longer than 128 MiB"));
    }
    let mut body = Vec::new();
    limited.read_to_end(&mut body).await?;
    Ok(if body.len() as u64 == bytes {
        Frame::Body(body)
    } else {
        Frame::End
    })
}

/// Whether the library will be able to decode the message; if not, the message to give it instead.
fn check(body: &[u8]) -> Result<(), Vec<u8>> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Err(stand_in(
            &Value::Null,
            ErrorCode::ParseError,
            "the message is not JSON in UTF-8",
        ));
    };
    let refuse = |why: &str| Err(stand_in(&value["id"], ErrorCode::InvalidRequest, why));
    if value["jsonrpc"] != "2.0" {
        return refuse("expected an object with `\"jsonrpc\": \"2.0\"`");
    }
    let is_response = value.get("method").is_none() && (value.get("result").is_some() || value.get("error").is_some());
    let readable = if is_response {
        serde_json::from_slice::<Response>(body).is_ok()
    } else {
        value["method"].is_string() && serde_json::from_slice::<Request>(body).is_ok()
    };
    if readable {
        Ok(())
    } else {
        refuse("expected a request, a notification or a response")
    }
}

fn stand_in(id: &Value, code: ErrorCode, message: &str) -> Vec<u8> {
    let id = if id.is_string() || id.is_i64() {
        id
    } else {
        &Value::Null
    };
    let mut error = Error::new(code);
    error.message = message.to_owned().into();
    json!({ "jsonrpc": "2.0", "id": id, "method": UNREADABLE, "params": error })
        .to_string()
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages that come out when `input` goes in.
    fn passed(input: &[u8]) -> Vec<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut output = std::io::Cursor::new(Vec::new());
        runtime.block_on(pass_messages(input, &mut output));
        let mut rest = output.get_ref().as_slice();
        let mut messages = Vec::new();
        while let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
            let length: usize = str::from_utf8(&rest[16..end]).unwrap().parse().unwrap();
            messages.push(serde_json::from_slice(&rest[end + 4..end + 4 + length]).unwrap());
            rest = &rest[end + 4 + length..];
        }
        messages
    }

    fn frame(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    const GOOD: &str = r#"{"jsonrpc":"2.0","id":7,"method":"shutdown"}"#;

    /// What a message is answered with, and that the next one still gets through.
    fn refused(body: &str) -> (Value, i64) {
        let messages = passed(format!("{}{}", frame(body), frame(GOOD)).as_bytes());
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert_eq!(messages[0]["method"], UNREADABLE, "{messages:?}");
        assert_eq!(messages[1]["id"], 7);
        (
            messages[0]["id"].clone(),
            messages[0]["params"]["code"].as_i64().unwrap(),
        )
    }

    #[test]
    fn what_is_not_a_message_is_refused_and_the_next_one_is_read() {
        assert_eq!(refused("{"), (Value::Null, -32700));
        assert_eq!(refused(""), (Value::Null, -32700));
        assert_eq!(refused(&"[".repeat(100_000)), (Value::Null, -32700));
        assert_eq!(refused("[]"), (Value::Null, -32600));
        assert_eq!(refused("3"), (Value::Null, -32600));
        assert_eq!(refused(r#"{"jsonrpc":"1.0","id":3,"method":"x"}"#), (json!(3), -32600));
        assert_eq!(refused(r#"{"jsonrpc":"2.0","id":"a"}"#), (json!("a"), -32600));
        assert_eq!(
            refused(r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#),
            (Value::Null, -32600)
        );
        assert_eq!(
            refused(r#"{"jsonrpc":"2.0","id":1,"error":{"oops":1}}"#),
            (json!(1), -32600)
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        let mut input = b"Content-Length: 2\r\n\r\n\xff\xfe".to_vec();
        input.extend_from_slice(frame(GOOD).as_bytes());
        let messages = passed(&input);
        assert_eq!(messages[0]["params"]["code"], -32700);
        assert_eq!(messages[1]["id"], 7);
    }

    #[test]
    fn reading_finds_its_way_back_after_a_broken_header() {
        let messages = passed(format!("hello\r\n\r\n{}", frame(GOOD)).as_bytes());
        assert_eq!(messages[0]["params"]["message"], "a header without `Content-Length`");
        assert_eq!(messages[1]["id"], 7);
        let messages = passed(format!("Content-Length: many\r\n\r\n{}", frame(GOOD)).as_bytes());
        assert_eq!(messages[0]["params"]["code"], -32700);
        assert_eq!(messages[1]["id"], 7);
        let typed = format!(
            "content-length: {}\r\nContent-Type: application/vscode-jsonrpc\r\n\r\n{GOOD}",
            GOOD.len()
        );
        assert_eq!(passed(typed.as_bytes())[0]["id"], 7);
    }

    #[test]
    fn a_message_that_is_cut_off_ends_the_session() {
        assert!(passed(b"Content-Length: 100\r\n\r\n{}").is_empty());
    }

    #[test]
    fn requests_notifications_and_responses_pass_unchanged() {
        for body in [
            GOOD,
            r#"{"jsonrpc":"2.0","method":"exit"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
        ] {
            let expected: Value = serde_json::from_str(body).unwrap();
            assert_eq!(passed(frame(body).as_bytes()), [expected]);
        }
    }
}
