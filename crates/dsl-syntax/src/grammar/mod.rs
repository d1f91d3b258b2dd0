//! The grammar of what stands in one clause, written with chumsky: expressions, types, and a parser a shape of clause.
//!
//! A [`Grammar`] is built once for a chunk and reads slices of its tokens, one clause at a time. What is no part of it:
//! layout. Headers, bodies and which line belongs where are the business of [`crate::parse`].

mod clauses;
mod expr;
mod fault;
mod types;

use chumsky::input::MappedInput;
use chumsky::prelude::*;
use smol_str::SmolStr;

use crate::ast::{Name, Span, StringLit, StringPart};
use crate::token::Kind;

pub use clauses::{Grammar, Lead};
pub use fault::{Fault, Want};

/// A token that means something, with its text.
#[derive(Clone, Copy, Debug)]
pub struct Tok<'t> {
    pub kind: Kind,
    pub text: &'t str,
}

/// Tokens are compared by kind: `just` asks for a kind, and words are told apart by filters.
impl PartialEq for Tok<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// A place in the block, as chumsky carries it.
pub type At = SimpleSpan<u32>;
/// The tokens of one clause.
pub type Tokens<'t> = &'t [(Tok<'t>, At)];
pub type Input<'t> = MappedInput<'t, Tok<'t>, At, Tokens<'t>>;
type Extra<'t> = extra::Err<Fault<'t>>;
/// A grammar rule.
pub type Rule<'t, O> = Boxed<'t, 't, Input<'t>, O, Extra<'t>>;

pub(crate) fn span(at: At) -> Span {
    Span::new(at.start, at.end)
}

/// One token of this kind.
fn just_kind<'t>(kind: Kind) -> impl Parser<'t, Input<'t>, Tok<'t>, Extra<'t>> + Clone {
    just(Tok { kind, text: "" })
}

/// A contextual keyword.
fn word<'t>(text: &'static str, want: Want) -> impl Parser<'t, Input<'t>, Span, Extra<'t>> + Clone {
    any()
        .filter(move |token: &Tok<'t>| token.kind.is_word() && token.text == text)
        .map_with(|_, e| span(e.span()))
        .labelled(want)
}

/// A name that is no reserved word.
fn name<'t>() -> impl Parser<'t, Input<'t>, Name, Extra<'t>> + Clone {
    select! { Tok { kind: Kind::Name, text } = e => Name { text: SmolStr::new(text), span: span(e.span()) } }
        .labelled(Want::Name)
}

/// A name where reserved words are names too.
fn any_word<'t>() -> impl Parser<'t, Input<'t>, Name, Extra<'t>> + Clone {
    any()
        .filter(|token: &Tok<'t>| token.kind.is_word())
        .map_with(|token: Tok<'t>, e| Name {
            text: SmolStr::new(token.text),
            span: span(e.span()),
        })
        .labelled(Want::Name)
}

/// `web.search`: names joined by dots that touch them.
fn dotted<'t>() -> impl Parser<'t, Input<'t>, Name, Extra<'t>> + Clone {
    name().foldl(just_kind(Kind::Dot).ignore_then(any_word()).repeated(), |head, part| {
        Name {
            text: SmolStr::from_iter([head.text.as_str(), ".", part.text.as_str()]),
            span: head.span.cover(part.span),
        }
    })
}

/// `role/release`
fn principal<'t>() -> impl Parser<'t, Input<'t>, Name, Extra<'t>> + Clone {
    select! { Tok { kind: Kind::Principal, text } = e => Name { text: SmolStr::new(text), span: span(e.span()) } }
        .labelled(Want::Principal)
}

/// A string whose interpolations are `expr`s.
fn string<'t>(
    expr: impl Parser<'t, Input<'t>, crate::ast::Expr, Extra<'t>> + Clone + 't,
) -> impl Parser<'t, Input<'t>, StringLit, Extra<'t>> + Clone {
    let text = select! { Tok { kind: Kind::StrText, text } => StringPart::Text(unescape(text)) };
    let interpolation = expr
        .delimited_by(just_kind(Kind::InterpStart), just_kind(Kind::InterpEnd))
        .map_with(|expr, e| StringPart::Interp(expr, span(e.span())));
    just_kind(Kind::StrStart)
        .labelled(Want::String)
        .ignore_then(choice((text, interpolation)).repeated().collect::<Vec<_>>())
        .then_ignore(just_kind(Kind::StrEnd))
        .map_with(|parts, e| StringLit {
            parts,
            span: span(e.span()),
        })
}

/// The text that escapes stand for. Wrong ones, which the lexer has reported, stay as they are.
pub(crate) fn unescape(text: &str) -> SmolStr {
    if !text.contains('\\') {
        return SmolStr::new(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(char) = rest.chars().next() else {
            out.push('\\');
            break;
        };
        let mut len = char.len_utf8();
        match char {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            '"' | '\\' | '{' => out.push(char),
            'u' => {
                let hex = rest
                    .strip_prefix("u{")
                    .and_then(|rest| rest.split_once('}'))
                    .map(|(hex, _)| hex);
                match hex.and_then(|hex| crate::lexer::unicode(hex).zip(Some(hex.len()))) {
                    Some((char, hex_len)) => {
                        out.push(char);
                        len = hex_len + 3;
                    }
                    None => out.push_str("\\u"),
                }
            }
            other => out.extend(['\\', other]),
        }
        rest = &rest[len..];
    }
    out.push_str(rest);
    SmolStr::new(out)
}
