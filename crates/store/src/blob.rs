//! Large strings leave the journal: the text of an event in which each string over 4 KiB is `{"$blob":{…}}` and its bytes are
//! an artifact.
//!
//! Works on JSON text, so the order of keys and the form of numbers stay byte for byte. A key `$blob` of somebody's data gets
//! one more `$` on the way in and loses it on the way out, so data never turns into a reference.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::artifacts::{Artifacts, Stored};
use crate::error::StoreError;

/// Strings with more bytes than this are stored as artifacts.
pub const INLINE_MAX_BYTES: usize = 4096;

const OPEN: &str = "{\"$blob\":";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    digest: String,
    size: u64,
}

/// What to do with the bytes of a large string.
pub trait Sink {
    fn put(&mut self, bytes: &[u8]) -> Result<Stored, StoreError>;
}

impl Sink for &Artifacts {
    fn put(&mut self, bytes: &[u8]) -> Result<Stored, StoreError> {
        Artifacts::put(self, bytes)
    }
}

/// Only computes what the reference would be: a replay writes nothing.
pub struct HashOnly;

impl Sink for HashOnly {
    fn put(&mut self, bytes: &[u8]) -> Result<Stored, StoreError> {
        Ok(Stored {
            digest: blake3::hash(bytes).to_hex().to_string(),
            size: bytes.len() as u64,
        })
    }
}

/// Replaces large strings by references.
pub fn swap_out(json: &str, mut sink: impl Sink) -> Result<Cow<'_, str>, StoreError> {
    if json.len() <= INLINE_MAX_BYTES && !json.contains("$blob\"") {
        return Ok(Cow::Borrowed(json));
    }
    let mut out = String::with_capacity(json.len().min(INLINE_MAX_BYTES * 4));
    let mut copied = 0;
    for token in Strings::new(json) {
        let text = &json[token.start..token.end];
        if token.is_key {
            if dollars_then_blob(text) {
                out.push_str(&json[copied..=token.start]);
                out.push('$');
                copied = token.start + 1;
            }
        } else if text.len() > INLINE_MAX_BYTES + 2 {
            let decoded: String = serde_json::from_str(text).map_err(encode)?;
            if decoded.len() > INLINE_MAX_BYTES {
                let stored = sink.put(decoded.as_bytes())?;
                out.push_str(&json[copied..token.start]);
                out.push_str(OPEN);
                out.push_str(
                    &serde_json::to_string(&Reference {
                        digest: stored.digest,
                        size: stored.size,
                    })
                    .map_err(encode)?,
                );
                out.push('}');
                copied = token.end;
            }
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(json));
    }
    out.push_str(&json[copied..]);
    Ok(Cow::Owned(out))
}

/// Puts the strings back.
pub fn swap_in<'a>(json: &'a str, artifacts: &Artifacts) -> Result<Cow<'a, str>, StoreError> {
    if !json.contains("$blob\"") {
        return Ok(Cow::Borrowed(json));
    }
    let mut out = String::with_capacity(json.len());
    let mut copied = 0;
    for token in Strings::new(json) {
        if token.start < copied || !token.is_key || !dollars_then_blob(&json[token.start..token.end]) {
            continue;
        }
        if json[token.start..token.end].starts_with("\"$$") {
            out.push_str(&json[copied..=token.start]);
            copied = token.start + 2;
            continue;
        }
        let open = token.start - 1;
        let rest = json.get(open + OPEN.len()..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Reference>();
        let reference = stream.next().and_then(Result::ok).ok_or_else(|| bad_reference(rest))?;
        let end = open + OPEN.len() + stream.byte_offset();
        if !json[open..].starts_with(OPEN) || json.as_bytes().get(end) != Some(&b'}') {
            return Err(bad_reference(rest));
        }
        let bytes = artifacts.get(&reference.digest)?;
        let text = String::from_utf8(bytes).map_err(|_| StoreError::ArtifactChanged {
            path: artifacts.path(&reference.digest),
            digest: reference.digest,
        })?;
        out.push_str(&json[copied..open]);
        out.push_str(&serde_json::to_string(&text).map_err(encode)?);
        copied = end + 1;
    }
    out.push_str(&json[copied..]);
    Ok(Cow::Owned(out))
}

fn encode(error: serde_json::Error) -> StoreError {
    StoreError::Encode {
        what: error.to_string(),
    }
}

fn bad_reference(rest: &str) -> StoreError {
    let seen: String = rest.chars().take(40).collect();
    StoreError::Encode {
        what: format!("`$blob` stands before `{seen}`, expected a digest and a size"),
    }
}

/// `"$blob"`, `"$$blob"`, … with its quotes.
fn dollars_then_blob(quoted: &str) -> bool {
    quoted.starts_with("\"$") && quoted.trim_start_matches(['"', '$']) == "blob\""
}

/// The strings of a JSON text, with their quotes.
struct Strings<'a> {
    bytes: &'a [u8],
    at: usize,
}

struct StringToken {
    start: usize,
    end: usize,
    is_key: bool,
}

impl<'a> Strings<'a> {
    fn new(json: &'a str) -> Self {
        Self {
            bytes: json.as_bytes(),
            at: 0,
        }
    }
}

impl Iterator for Strings<'_> {
    type Item = StringToken;

    fn next(&mut self) -> Option<StringToken> {
        let start = self.at + self.bytes.get(self.at..)?.iter().position(|&byte| byte == b'"')?;
        let mut end = start + 1;
        while *self.bytes.get(end)? != b'"' {
            end += if self.bytes[end] == b'\\' { 2 } else { 1 };
        }
        end += 1;
        self.at = end;
        // serde_json writes no space before a colon
        Some(StringToken {
            start,
            end,
            is_key: self.bytes.get(end) == Some(&b':'),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Durability;

    fn artifacts(dir: &tempfile::TempDir) -> Artifacts {
        Artifacts::new(dir.path().join("artifacts"), Durability::Process)
    }

    #[test]
    fn large_strings_go_out_and_come_back_byte_for_byte() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = artifacts(&dir);
        let big = "ä\"\\\n".repeat(2000);
        let json = format!(
            "{{\"z\":1.50,\"a\":[{},\"small\"],\"b\":true}}",
            serde_json::to_string(&big).expect("a string")
        );
        let out = swap_out(&json, &store).expect("out").into_owned();
        assert!(out.len() < 300, "{out}");
        assert!(out.starts_with("{\"z\":1.50,\"a\":[{\"$blob\":{\"digest\":\""));
        assert_eq!(swap_out(&json, HashOnly).expect("out"), out);
        assert_eq!(swap_in(&out, &store).expect("in"), json);
    }

    #[test]
    fn data_that_looks_like_a_reference_stays_data() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = artifacts(&dir);
        let digest = "0".repeat(64);
        for json in [
            format!("{{\"$blob\":{{\"digest\":\"{digest}\",\"size\":5}}}}"),
            "{\"$$blob\":1,\"$blob\":2,\"blob\":3,\"x\":\"{\\\"$blob\\\":1}\"}".to_owned(),
        ] {
            let out = swap_out(&json, &store).expect("out").into_owned();
            assert_ne!(out, json);
            assert_eq!(swap_in(&out, &store).expect("in"), json);
        }
    }

    #[test]
    fn a_missing_blob_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let json = serde_json::to_string(&vec!["x".repeat(5000)]).expect("json");
        let out = swap_out(&json, HashOnly).expect("out").into_owned();
        assert!(matches!(
            swap_in(&out, &artifacts(&dir)),
            Err(StoreError::NoArtifact { .. })
        ));
    }
}
