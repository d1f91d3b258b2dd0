//! Raw blocks: the text below `key: |` without its indentation, and the `{{ … }}` in it.

use std::ops::Range;

use smol_str::SmolStr;

use crate::ast::{Raw, RawLine, Span};
use crate::lexer::{is_blank, lex_inline, line_end};
use crate::token::Lexed;

/// One `{{ … }}` of a raw block, its tokens not yet parsed.
pub(crate) struct Interp {
    /// In `Raw::text`, braces included.
    pub text: Range<u32>,
    /// In the block.
    pub span: Span,
    pub lexed: Lexed,
    pub closed: bool,
}

/// The raw block at `range` of `block`: the smallest indentation is removed, one line end closes it.
pub(crate) fn raw(block: &str, range: Range<usize>) -> Raw {
    let bytes = block.as_bytes();
    let dedent = lines(bytes, &range)
        .filter(|line| !is_blank(&bytes[line.clone()]))
        .map(|line| spaces(&bytes[line]))
        .min();
    let dedent = dedent.unwrap_or(0);
    let mut text = String::with_capacity(range.len() + 1);
    let mut raw_lines = Vec::new();
    for line in lines(bytes, &range) {
        let skip = spaces(&bytes[line.clone()]).min(dedent);
        raw_lines.push(RawLine {
            text_start: text.len() as u32,
            block_start: (line.start + skip) as u32,
        });
        let content = &block[line.start + skip..line.end];
        text.push_str(content.strip_suffix('\r').unwrap_or(content));
        text.push('\n');
    }
    let start = raw_lines.first().map_or(range.start as u32, |line| line.block_start);
    Raw {
        text: SmolStr::new(text),
        interps: Vec::new(),
        span: Span::new(start, range.end as u32),
        lines: raw_lines,
    }
}

/// Every `{{` of the raw block with the tokens up to its `}}`, which stands on the same line.
pub(crate) fn interps(block: &str, raw: &Raw) -> Vec<Interp> {
    let mut found = Vec::new();
    for line in &raw.lines {
        let end = line_end(block.as_bytes(), line.block_start as usize).min(raw.span.end as usize);
        let text = block[..end].trim_end_matches('\r');
        let mut at = line.block_start as usize;
        while let Some(open) = text.get(at..).and_then(|rest| rest.find("{{")).map(|open| at + open) {
            let (lexed, close) = lex_inline(text, open + 2, true);
            at = close.unwrap_or(text.len());
            let to_text = |offset: usize| line.text_start + (offset as u32 - line.block_start);
            found.push(Interp {
                text: to_text(open)..to_text(at),
                span: Span::new(open as u32, at as u32),
                lexed,
                closed: close.is_some(),
            });
        }
    }
    found
}

/// The lines in `range`, without their line feeds.
fn lines<'b>(bytes: &'b [u8], range: &Range<usize>) -> impl Iterator<Item = Range<usize>> + 'b {
    let (mut start, stop) = (range.start, range.end);
    let mut done = start >= stop;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let end = line_end(&bytes[..stop], start);
        let line = start..end;
        start = end + 1;
        done = end >= stop;
        Some(line)
    })
}

fn spaces(line: &[u8]) -> usize {
    line.iter().take_while(|byte| **byte == b' ').count()
}
