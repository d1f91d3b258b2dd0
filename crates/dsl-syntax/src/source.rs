//! Between lexer and parser: the tokens of a chunk that mean something, in rows, with docs and suppressions taken out
//! of the comments.
//!
//! All of it is made before parsing starts, because the grammar borrows the tokens.

use std::ops::Range;

use chumsky::span::SimpleSpan;
use smol_str::SmolStr;

use crate::ast::{Name, Raw, Span, Suppression, SyntaxError};
use crate::grammar::{At, Tok, span};
use crate::lexer::{lex, name_end};
use crate::raw::{self, Interp};
use crate::token::{Kind, Lexed, LineKind};

/// A line of code: where it stands and its tokens.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub indent: u32,
    /// In the chunk's tokens.
    pub tokens: Range<usize>,
    /// The `##` lines right above.
    pub doc: Option<SmolStr>,
    /// From the first token to the last.
    pub span: Span,
    /// The first token.
    pub first: Span,
    /// The white space before it, in bytes.
    pub margin: u32,
    /// The lexer has complained about something in it; a parse error would only repeat that.
    pub broken: bool,
}

/// A raw block and the tokens of its interpolations.
pub(crate) struct RawSource {
    /// The index of its token.
    pub token: usize,
    pub raw: Raw,
    pub interps: Vec<InterpSource>,
}

pub(crate) struct InterpSource {
    pub text: Range<u32>,
    pub span: Span,
    pub tokens: Range<usize>,
    pub errors: Vec<SyntaxError>,
    pub closed: bool,
}

/// A block, ready to be parsed.
pub(crate) struct Source {
    pub rows: Vec<Row>,
    pub raws: Vec<RawSource>,
    pub file_doc: Option<SmolStr>,
    pub suppressions: Vec<Suppression>,
    pub errors: Vec<SyntaxError>,
}

pub(crate) type Toks<'t> = Vec<(Tok<'t>, At)>;

/// Lexes one block and appends its tokens to those of the chunk.
pub(crate) fn source<'t>(text: &'t str, out: &mut Toks<'t>) -> Source {
    let lexed = lex(text);
    let mut source = Source {
        rows: Vec::new(),
        raws: Vec::new(),
        file_doc: None,
        suppressions: Vec::new(),
        errors: Vec::new(),
    };
    rows(text, &lexed, &mut source, out);
    for raw in &mut source.raws {
        for Interp {
            text: range,
            span,
            lexed,
            closed,
        } in raw::interps(text, &raw.raw)
        {
            let tokens = significant(text, &lexed, out);
            raw.interps.push(InterpSource {
                text: range,
                span,
                tokens,
                errors: lexed.errors,
                closed,
            });
        }
    }
    source.errors = lexed.errors;
    source
}

/// Appends the tokens of an expression.
pub(crate) fn significant<'t>(text: &'t str, lexed: &Lexed, out: &mut Toks<'t>) -> Range<usize> {
    let first = out.len();
    for token in lexed
        .tokens
        .iter()
        .filter(|token| !token.kind.is_trivia() && token.kind != Kind::Newline)
    {
        out.push((
            Tok {
                kind: token.kind,
                text: &text[token.range()],
            },
            SimpleSpan::from(token.start..token.end),
        ));
    }
    first..out.len()
}

fn rows<'t>(text: &'t str, lexed: &Lexed, source: &mut Source, out: &mut Toks<'t>) {
    let mut doc: Vec<&str> = Vec::new();
    let mut doc_at_margin = false;
    let mut errors = lexed.errors.iter().map(|error| error.span.start).peekable();
    for line in &lexed.lines {
        let tokens = &lexed.tokens[line.tokens.start as usize..line.tokens.end as usize];
        for token in tokens.iter().filter(|token| token.kind == Kind::Comment) {
            source.suppressions.extend(suppression(text, token.range()));
        }
        match line.kind {
            LineKind::Doc => {
                let comment = tokens.iter().find(|token| token.kind == Kind::Doc);
                let comment = comment.map_or("", |token| &text[token.range()]).trim_start_matches('#');
                doc.push(comment.strip_prefix(' ').unwrap_or(comment).trim_end());
                doc_at_margin = line.indent == 0;
            }
            LineKind::Blank => {
                if doc_at_margin && !doc.is_empty() && source.file_doc.is_none() {
                    source.file_doc = Some(joined(&doc));
                }
                doc.clear();
            }
            LineKind::Comment => {}
            LineKind::Code => {
                let mut row = row(text, line.indent, tokens, source, out);
                let end = tokens.last().map_or(0, |token| token.end);
                while errors.next_if(|at| *at < row.span.start).is_some() {}
                while errors.next_if(|at| *at <= end).is_some() {
                    row.broken = true;
                }
                row.doc = (!doc.is_empty()).then(|| joined(&doc));
                doc.clear();
                // A line of nothing but trivia says nothing.
                if !row.tokens.is_empty() {
                    source.rows.push(row);
                }
            }
        }
    }
    if doc_at_margin && !doc.is_empty() && source.file_doc.is_none() {
        source.file_doc = Some(joined(&doc));
    }
}

fn row<'t>(text: &'t str, indent: u32, tokens: &[crate::token::Token], source: &mut Source, out: &mut Toks<'t>) -> Row {
    let first = out.len();
    for token in tokens
        .iter()
        .filter(|token| !token.kind.is_trivia() && token.kind != Kind::Newline)
    {
        if token.kind == Kind::Raw {
            let raw = raw::raw(text, token.range());
            source.raws.push(RawSource {
                token: out.len(),
                raw,
                interps: Vec::new(),
            });
        }
        out.push((
            Tok {
                kind: token.kind,
                text: &text[token.range()],
            },
            SimpleSpan::from(token.start..token.end),
        ));
    }
    let (start, end) = match (out.get(first), out.last()) {
        (Some((_, start)), Some((_, end))) => (span(*start), span(*end)),
        _ => Default::default(),
    };
    let margin = tokens
        .first()
        .filter(|token| token.kind == Kind::Space)
        .map_or(0, |token| token.end - token.start);
    Row {
        indent,
        tokens: first..out.len(),
        doc: None,
        span: start.cover(end),
        first: start,
        margin,
        broken: false,
    }
}

fn joined(doc: &[&str]) -> SmolStr {
    SmolStr::new(doc.join("\n"))
}

/// `# allow(rule-name): reason`, and what may be meant so: `# Allow(…)`, `# dslc: allow(…)`, `# allow rule-name`, several names.
fn suppression(text: &str, range: Range<usize>) -> Option<Suppression> {
    let comment = &text[range.clone()];
    let body = comment.trim_start_matches('#').trim_start();
    let starts = |text: &str, word: &str| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let plain = match starts(body, "dslc") {
        true => body[4..].trim_start_matches([':', ' ']),
        false => body,
    };
    let rest = starts(plain, "allow").then(|| &plain[5..])?;
    let named = rest.trim_start_matches(['(', ' ', ':']);
    let start = range.end - named.len();
    let end = name_end(text.as_bytes(), start).min(range.end);
    if end == start || named.len() == rest.len() {
        return None;
    }
    let after = &text[end..range.end];
    let reason = after
        .trim_start_matches([')', ' '])
        .strip_prefix(':')
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    Some(Suppression {
        rule: Name {
            text: SmolStr::new(&text[start..end]),
            span: Span::new(start as u32, end as u32),
        },
        reason: reason.map(SmolStr::new),
        is_formed: body.starts_with("allow(") && rest.len() == named.len() + 1 && after.starts_with(')'),
        span: Span::new(range.start as u32, range.end as u32),
    })
}
