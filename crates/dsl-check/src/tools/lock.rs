//! `dslc.lock`: the schema of every tool that plans use, as it was when somebody looked at it.
//!
//! Strict: what is not understood is an error with a place, because a lock that is half read protects nobody. Written
//! in one order, so that it does not change without a reason. Absent: where the file is.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

use serde::Deserialize;
use smol_str::SmolStr;
use toml::Spanned;

const VERSION: i64 = 1;

/// What all digests begin with.
pub(super) const DIGEST_PREFIX: &str = "blake3:";
const DIGEST_DIGITS: usize = 64;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lock {
    /// By server and tool, each once.
    pub tools: Vec<LockedTool>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LockedTool {
    /// The command of the server, its words separated by spaces, or its url.
    pub server: SmolStr,
    pub tool: SmolStr,
    /// A capability that uses it, for whoever reads the file.
    pub capability: SmolStr,
    /// `blake3:` and 64 digits.
    pub digest: SmolStr,
    /// When somebody looked at it.
    pub pinned: SmolStr,
}

/// Why a lock was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockError {
    /// One line, without the place.
    pub message: String,
    /// Bytes in the text, where known.
    pub span: Option<Range<usize>>,
}

impl std::fmt::Display for LockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LockError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: Spanned<i64>,
    #[serde(default)]
    tool: Vec<RawTool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTool {
    capability: SmolStr,
    server: SmolStr,
    tool: Spanned<SmolStr>,
    digest: Spanned<SmolStr>,
    pinned: Spanned<SmolStr>,
}

impl Lock {
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let raw: Raw = toml::from_str(text).map_err(|error| LockError {
            message: error.message().trim().replace('\n', " "),
            span: error.span(),
        })?;
        let wrong = |span: Range<usize>, message: String| LockError {
            message,
            span: Some(span),
        };
        if *raw.version.get_ref() != VERSION {
            let message = format!("`version` is {}, expected {VERSION}", raw.version.get_ref());
            return Err(wrong(raw.version.span(), message));
        }
        let mut lock = Self::default();
        let mut seen = BTreeSet::new();
        for tool in raw.tool {
            if !is_digest(tool.digest.get_ref()) {
                let message = format!("`digest` is no digest, expected `{DIGEST_PREFIX}` and {DIGEST_DIGITS} digits");
                return Err(wrong(tool.digest.span(), message));
            }
            if tool.pinned.get_ref().parse::<jiff::Timestamp>().is_err() {
                let message = "`pinned` is no time, expected one such as `2026-01-31T12:00:00Z`".to_owned();
                return Err(wrong(tool.pinned.span(), message));
            }
            if !seen.insert((tool.server.clone(), tool.tool.get_ref().clone())) {
                let message = format!("`{}` of this server is pinned twice", tool.tool.get_ref());
                return Err(wrong(tool.tool.span(), message));
            }
            lock.tools.push(LockedTool {
                server: tool.server,
                tool: tool.tool.into_inner(),
                capability: tool.capability,
                digest: tool.digest.into_inner(),
                pinned: tool.pinned.into_inner(),
            });
        }
        lock.tools.sort();
        Ok(lock)
    }

    pub fn get(&self, server: &str, tool: &str) -> Option<&LockedTool> {
        self.tools
            .iter()
            .find(|locked| locked.server == server && locked.tool == tool)
    }

    /// Pins a tool; one that has not changed keeps its time.
    pub fn pin(&mut self, tool: LockedTool) {
        match self
            .tools
            .iter_mut()
            .find(|known| known.server == tool.server && known.tool == tool.tool)
        {
            Some(known) if known.digest == tool.digest => known.capability = tool.capability,
            Some(known) => *known = tool,
            None => self.tools.push(tool),
        }
        self.tools.sort();
    }

    /// The file.
    pub fn to_text(&self) -> String {
        let mut text = String::from(
            "# The schemas of the tools that plans use: `dslc check --against LISTING --write-lock` writes it.\n",
        );
        let _ = writeln!(text, "version = {VERSION}");
        for tool in &self.tools {
            let _ = write!(
                text,
                "\n[[tool]]\ncapability = {}\nserver = {}\ntool = {}\ndigest = {}\npinned = {}\n",
                quoted(&tool.capability),
                quoted(&tool.server),
                quoted(&tool.tool),
                quoted(&tool.digest),
                quoted(&tool.pinned),
            );
        }
        text
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix(DIGEST_PREFIX).unwrap_or_default();
    digits.len() == DIGEST_DIGITS && digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}
