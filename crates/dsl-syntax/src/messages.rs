//! Sentences for what is wrong with a text: one function a problem. What was seen comes first, then what was expected.

use crate::NESTING_MAX;
use crate::ast::{Span, SyntaxError, SyntaxFix, SyntaxRule};
use crate::grammar::{At, Fault, Tok, Tokens, Want, span};
use crate::meant::{Keyword, WITHOUT_BRACKETS, between, expressions, in_header, instead_of_declaration, leads, slip};
use crate::source::Row;
use crate::table::{DeclKind, Shape};
use crate::token::Kind;

pub(crate) fn error(rule: SyntaxRule, message: String, span: Span, help: Option<String>) -> SyntaxError {
    SyntaxError {
        rule,
        message,
        span,
        help,
        fix: None,
    }
}

pub(crate) fn insert(at: u32, text: &str, title: &str) -> SyntaxFix {
    SyntaxFix {
        title: title.to_owned(),
        span: Span::new(at, at),
        text: text.to_owned(),
    }
}

/// A token as a message shows it.
pub(crate) fn shown(token: Tok<'_>) -> String {
    match token.kind {
        Kind::StrStart => "a string".to_owned(),
        Kind::Raw => "a raw block".to_owned(),
        Kind::StrText | Kind::StrEnd => "text".to_owned(),
        _ => {
            let short: String = token.text.chars().take(40).collect();
            if short.len() < token.text.len() {
                format!("`{short}…`")
            } else {
                format!("`{short}`")
            }
        }
    }
}

/// The sentence for a clause that the grammar could not read.
pub(crate) fn sentence(fault: &Fault<'_>, tokens: Tokens<'_>) -> SyntaxError {
    let at = span(fault.span);
    let open = unclosed(tokens, fault);
    if let Some((opener, place)) = open.last() {
        let closer = opener.kind.closer().map_or("`)`", Kind::describe);
        let message = format!(
            "`{}` is not closed, expected {closer} on its line or a deeper one",
            opener.text
        );
        let closers = open.iter().rev().filter_map(|(opener, _)| opener.kind.closer());
        let closers: String = closers.map(|closer| closer.describe().trim_matches('`')).collect();
        let end = tokens.last().map_or(at.end, |(_, last)| last.end);
        return SyntaxError {
            fix: Some(insert(end, &closers, "close it")),
            ..error(SyntaxRule::Syntax, message, span(*place), None)
        };
    }
    let expected = fault.expected.describe();
    let Some(found) = fault.found else {
        let message = format!("{LINE_ENDS}, expected {expected}");
        let help = match tokens.last() {
            _ if fault.expected.has(Want::Of) => Some("write `of some-plan` after it"),
            Some((last, _)) if last.text == "fails" => Some("say how it fails: `fails timeout`"),
            _ => None,
        };
        return error(SyntaxRule::Syntax, message, at, help.map(str::to_owned));
    };
    let message = format!("found {}, expected {expected}", shown(found));
    if let Some((help, fix)) = expressions::slip(fault, tokens) {
        return SyntaxError {
            fix,
            ..error(SyntaxRule::Syntax, message, at, Some(help))
        };
    }
    let help = match found.kind {
        Kind::Not if fault.expected.has(Want::Operator) => Some("write `not a in b`".to_owned()),
        Kind::Minus if fault.expected.has_kind(Kind::Arrow) => Some("write `->`".to_owned()),
        kind if compares(kind) && fault.expected.has_kind(Kind::Arrow) && leads_on(tokens) => {
            Some("a condition stands in `when … -> some-node`".to_owned())
        }
        Kind::Colon
            if fault.expected.has_kind(Kind::Arrow) && tokens.iter().any(|(token, _)| token.text == "retry") =>
        {
            Some("a task is tried again by its `retry:`, as in `retry: 3 on timeout`".to_owned())
        }
        Kind::Assign | Kind::Gt | Kind::Colon if fault.expected.has_kind(Kind::Arrow) => Some("write `->`".to_owned()),
        Kind::Name if fault.expected.has_kind(Kind::Arrow) && !leads(found.text) => {
            Some(format!("write `-> {}`", found.text))
        }
        Kind::Comma if leads_on(tokens) => Some(ONE_NODE.to_owned()),
        Kind::LBracket if leads_on(tokens) && fault.expected.has(Want::Name) => Some(ONE_NODE.to_owned()),
        Kind::LBracket if fault.expected.has(Want::Need) => Some(WITHOUT_BRACKETS.to_owned()),
        Kind::StrStart if fault.expected.has(Want::Literal) => Some("write it without quotes".to_owned()),
        Kind::StrStart if fault.expected.has(Want::Type) => {
            Some("the members of an enumeration stand without quotes: `a | b`".to_owned())
        }
        Kind::StrStart if fault.expected.has(Want::Need) || fault.expected.has(Want::Name) => {
            Some("write the name without quotes".to_owned())
        }
        Kind::Minus if fault.expected.has(Want::Name) && tokens.first().is_some_and(|first| first.1 == fault.span) => {
            Some("each line is `name: …`, without `-`".to_owned())
        }
        Kind::LBrace
            if tokens
                .iter()
                .any(|(token, at)| token.kind == Kind::LBrace && at.end == fault.span.start) =>
        {
            Some("an expression stands here by itself, without `{{ … }}`".to_owned())
        }
        Kind::Name if fault.expected.has(Want::On) && matches!(found.text, "with" | "backoff" | "exponential") => {
            Some("waits that grow are written `exponential(max: 3, base: 1s)`".to_owned())
        }
        Kind::Name if fault.expected.has(Want::When) && found.text == "by" => {
            Some("say when it does: `when … by 4`".to_owned())
        }
        Kind::Name if fault.expected.has(Want::Operator) => {
            between(found.text).map(|function| format!("it is a function: `{function}(x, y)`"))
        }
        kind if kind.is_word() && fault.expected.has(Want::Title) => {
            let title = || "a title stands in quotes behind the name".to_owned();
            Some(in_header(found.text).unwrap_or_else(title))
        }
        Kind::LBrace if fault.expected.has(Want::Title) => Some(NO_BRACES.to_owned()),
        Kind::LParen if fault.expected.has(Want::Title) => {
            Some("what it takes stands below `input:`, what it gives below `output:`".to_owned())
        }
        Kind::Star if fault.expected.has(Want::Name) => Some("name each of them".to_owned()),
        Kind::Name if fault.expected.has(Want::String) && !fault.expected.has(Want::Expression) => {
            Some("put it in double quotes".to_owned())
        }
        _ => None,
    };
    let slip = slip(found, fault, tokens);
    let help = help.or_else(|| slip.as_ref().map(|(help, _)| help.clone()));
    SyntaxError {
        fix: slip.map(|(_, fix)| fix),
        ..error(SyntaxRule::Syntax, message, at, help)
    }
}

/// Whether an arrow stands among the tokens.
fn leads_on(tokens: Tokens<'_>) -> bool {
    tokens.iter().any(|(token, _)| token.kind == Kind::Arrow)
}

const fn compares(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::EqEq | Kind::NotEq | Kind::Lt | Kind::Le | Kind::Gt | Kind::Ge
    )
}

const ONE_NODE: &str = "it leads to one node; write a line for each";

pub(crate) const LINE_ENDS: &str = "found the end of the line";

/// The sentence for a key with nothing after it, from that for an empty clause.
pub(crate) fn no_value(found: SyntaxError, key: &str) -> SyntaxError {
    let expected = found.message.strip_prefix(LINE_ENDS).unwrap_or_default();
    SyntaxError {
        message: format!("`{key}` has nothing after it{expected}"),
        ..found
    }
}

/// The brackets left open where a parse broke off at the end for want of what closes the innermost.
fn unclosed<'t>(tokens: Tokens<'t>, fault: &Fault<'t>) -> Vec<(Tok<'t>, At)> {
    let mut open: Vec<(Tok<'t>, At)> = Vec::new();
    for &(token, place) in tokens {
        if token.kind.closer().is_some() {
            open.push((token, place));
        } else if open
            .last()
            .is_some_and(|(opener, _)| opener.kind.closer() == Some(token.kind))
        {
            open.pop();
        }
    }
    let innermost = open.last().and_then(|(opener, _)| opener.kind.closer());
    match innermost {
        Some(closer) if fault.found.is_none() && fault.expected.has_kind(closer) => open,
        _ => Vec::new(),
    }
}

// ---------- shape of expressions ----------

pub(crate) fn too_deep(place: At) -> SyntaxError {
    let message = format!("the expression nests deeper than {NESTING_MAX} levels, operators in a row included");
    error(
        SyntaxRule::Syntax,
        message,
        span(place),
        Some("name a part of it as an output of a task, and use that".into()),
    )
}

pub(crate) fn chained(token: Tok<'_>, place: Span) -> SyntaxError {
    let message = format!(
        "`{}` follows another comparison, expected `and` or `or` between them",
        token.text
    );
    error(
        SyntaxRule::Syntax,
        message,
        place,
        Some("write `a < b and b < c`".into()),
    )
}

/// `a == not b`
pub(crate) fn not_as_operand(operator: Tok<'_>, place: At) -> SyntaxError {
    let message = format!("`not` follows `{}`, expected it in brackets", operator.text);
    let help = format!("write `a {} (not b)`", operator.text);
    error(SyntaxRule::Syntax, message, span(place), Some(help))
}

/// `a is none + 1`
pub(crate) fn test_as_operand(token: Tok<'_>, place: At, test: &str) -> SyntaxError {
    let message = format!("`{}` follows `{test}`, expected `and` or `or` after it", token.text);
    let help = format!("to go on with the answer, put the test in brackets: `(a {test})`");
    error(SyntaxRule::Syntax, message, span(place), Some(help))
}

/// `"build"` at the front, where the text is a name.
fn quoted_name<'t>(tokens: Tokens<'t>) -> Option<(&'t str, Span)> {
    let [(_, start), (text, _), (close, end), ..] = tokens else {
        return None;
    };
    let is_name = text.text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    (text.kind == Kind::StrText && close.kind == Kind::StrEnd && is_name)
        .then(|| (text.text, span(*start).cover(span(*end))))
}

// ---------- layout ----------

/// A clause that is not below the declaration that it is meant for.
pub(crate) fn clause_at_margin(word: &str, at: Span) -> SyntaxError {
    let message = format!("`{word}` stands at the margin, expected it deeper than the declaration it belongs to");
    let help = format!("write `  {word}: …`");
    error(SyntaxRule::Indentation, message, at, Some(help))
}

/// `- item` lines that are not deeper than their key.
pub(crate) fn items_beside(key: &str, at: Span) -> SyntaxError {
    let message = format!("the items of `{key}` stand beside it, expected them deeper");
    error(
        SyntaxRule::Indentation,
        message,
        at,
        Some("indent them by two more".into()),
    )
}

/// `task build:`; `rest`: what follows the colon.
pub(crate) fn header_ends_in_colon(word: &str, colon: Span, rest: Tokens<'_>) -> SyntaxError {
    let message = format!("found `:`, expected the header of the {word} to end without it");
    if let Some((first, _)) = rest.first() {
        let help = match first.kind {
            Kind::Name => format!("what it waits for stands below: `needs: {}`", first.text),
            _ => "what belongs to it stands on deeper lines below, as `name: …`".to_owned(),
        };
        return error(SyntaxRule::Syntax, message, colon, Some(help));
    }
    SyntaxError {
        fix: Some(SyntaxFix {
            title: "remove the colon".into(),
            span: colon,
            text: String::new(),
        }),
        ..error(SyntaxRule::Syntax, message, colon, Some("remove the colon".into()))
    }
}

const BEGIN: &str = "begin with `plan some-name \"Its title\"`, and indent what belongs to it";

/// A line at the margin that begins with no keyword.
pub(crate) fn no_declaration(token: Tok<'_>, at: Span, indent: u32) -> SyntaxError {
    if indent > 0 {
        let message = format!(
            "{} is indented under nothing, expected a declaration at the margin",
            shown(token)
        );
        return error(SyntaxRule::Indentation, message, at, None);
    }
    if DeclKind::from_keyword(token.text).is_some() {
        let message = format!("expected a name after {}", shown(token));
        let help = format!("write `{} some-name`", token.text);
        return error(SyntaxRule::Syntax, message, at, Some(help));
    }
    let meant = Keyword::meant(token.text);
    let message = match token.kind {
        Kind::Name => format!(
            "{} is no declaration, expected a word like `task`, `plan` or `use`",
            shown(token)
        ),
        _ => format!("found {}, expected a declaration", shown(token)),
    };
    match meant {
        Some(meant) if token.kind == Kind::Name => SyntaxError {
            fix: Some(SyntaxFix {
                title: format!("write `{}`", meant.text()),
                span: at,
                text: meant.text().to_owned(),
            }),
            ..error(SyntaxRule::Syntax, message, at, Some(meant.help()))
        },
        _ => {
            let help = instead_of_declaration(token.text).unwrap_or(BEGIN);
            error(SyntaxRule::Syntax, message, at, Some(help.to_owned()))
        }
    }
}

/// `name: Release` before any declaration.
pub(crate) fn key_at_margin(token: Tok<'_>, at: Span) -> SyntaxError {
    if let Some(kind) = DeclKind::from_keyword(token.text) {
        let message = format!("`:` after {}, expected its name", shown(token));
        let help = format!("a header has no colon: `{} some-name`", kind.keyword());
        return error(SyntaxRule::Syntax, message, at, Some(help));
    }
    let message = format!(
        "{} is no declaration, expected a word like `task`, `plan` or `use`",
        shown(token)
    );
    let one = token.text.strip_suffix('s').and_then(DeclKind::from_keyword);
    let help = match one {
        Some(kind) => format!("each is declared by itself: `{} some-name`", kind.keyword()),
        None => BEGIN.to_owned(),
    };
    error(SyntaxRule::Syntax, message, at, Some(help))
}

const NO_BRACES: &str = "leave the braces out: what belongs to it stands on deeper lines below";

/// A line in a body that begins with no word.
pub(crate) fn no_clause(token: Tok<'_>, at: Span, kind: DeclKind) -> SyntaxError {
    let message = format!("found {}, expected a clause of the {}", shown(token), kind.keyword());
    let help = matches!(token.kind, Kind::LBrace | Kind::RBrace).then(|| NO_BRACES.to_owned());
    error(SyntaxRule::Syntax, message, at, help)
}

/// A declaration below another one that it cannot be part of.
pub(crate) fn nested_declaration(word: &str, at: Span, inside: DeclKind) -> SyntaxError {
    let message = format!(
        "`{word}` stands inside {}, expected it beside the {}",
        inside.with_article(),
        inside.keyword()
    );
    error(
        SyntaxRule::Indentation,
        message,
        at,
        Some("give both the same indentation".into()),
    )
}

/// `for each: x in xs`
pub(crate) fn word_before(word: &str, key: &str, at: Span, key_at: Span) -> SyntaxError {
    SyntaxError {
        fix: Some(SyntaxFix {
            title: format!("remove `{word}`"),
            span: Span::new(at.start, key_at.start),
            text: String::new(),
        }),
        ..error(
            SyntaxRule::Syntax,
            format!("`{word}` before `{key}:`, expected the clause alone"),
            at,
            Some(format!("write `{key}:`")),
        )
    }
}

/// A line deeper than its siblings, or less deep.
pub(crate) fn misaligned(row: &Row, found: u32, expected: u32) -> SyntaxError {
    let message = format!("indented by {found}, expected {expected} as the lines beside it");
    SyntaxError {
        fix: Some(SyntaxFix {
            title: format!("indent by {expected}"),
            span: Span::new(row.first.start - row.margin, row.first.start),
            text: " ".repeat(expected as usize),
        }),
        ..error(SyntaxRule::Indentation, message, row.first, None)
    }
}

/// A line below a clause that is complete without it.
pub(crate) fn too_deep_line(row: &Row, key: &str, help: String) -> SyntaxError {
    let message = format!("the line is deeper than {key} above, which has no lines of its own");
    error(SyntaxRule::Indentation, message, row.first, Some(help))
}

/// What to do about lines below a clause that has none; `is_empty`: nothing stands on its own line.
pub(crate) fn without_lines(shape: Shape, key: &str, is_empty: bool, is_item: bool, indent: u32) -> String {
    match shape {
        Shape::Script | Shape::Text if is_empty && is_item => format!("write `{key}: |`, and the lines without `-`"),
        Shape::Script | Shape::Text if is_empty => format!("write `{key}: |` above its text"),
        Shape::Retry if is_empty => format!("write it on one line: `{key}: exponential(max: 3, base: 1s)`"),
        _ if is_empty && is_item => format!("write them on one line: `{key}: a, b`"),
        _ if is_empty => format!("write its value on the line of `{key}:`"),
        Shape::Needs | Shape::Names | Shape::Patterns if is_item => {
            "write it on the line above, after a comma".to_owned()
        }
        _ => format!("indent it by {indent}, as the line above"),
    }
}

/// `params:` with `name: …` lines below it, in a profile.
pub(crate) fn group_in_profile(path: &str, at: Span) -> SyntaxError {
    let message = format!("a line below `{path}:`, expected each with its whole path");
    error(
        SyntaxRule::Syntax,
        message,
        at,
        Some(format!("write `{path}.some-name: …`")),
    )
}

/// The text of `run: |` that is no deeper than its key.
pub(crate) fn text_beside(key: &str, at: Span) -> SyntaxError {
    let message = format!("the text of `{key}` stands beside it, expected it deeper");
    error(
        SyntaxRule::Indentation,
        message,
        at,
        Some(format!("indent its lines deeper than `{key}`")),
    )
}

/// `supports: cache when …`
pub(crate) fn colon_after_keyword(word: &str, colon: Span) -> SyntaxError {
    SyntaxError {
        fix: Some(SyntaxFix {
            title: "remove the colon".into(),
            span: colon,
            text: String::new(),
        }),
        ..error(
            SyntaxRule::Syntax,
            format!("found `:` after `{word}`, expected what it says without one"),
            colon,
            Some(format!("write `{word} …`")),
        )
    }
}

/// `kind: research` in a header.
pub(crate) fn space_after_colon(name: &str, gap: Span) -> SyntaxError {
    let message = format!("a space after `{name}:` in the header, expected the value to touch the colon");
    SyntaxError {
        fix: Some(SyntaxFix {
            title: "remove the space".into(),
            span: gap,
            text: String::new(),
        }),
        ..error(SyntaxRule::Syntax, message, gap, Some(format!("write `{name}:value`")))
    }
}

/// A header whose name or title could not be read.
pub(crate) fn bad_header(found: SyntaxError, word: &str, tokens: Tokens<'_>, end: u32) -> SyntaxError {
    match tokens.first() {
        _ if word == DeclKind::Test.keyword() => found,
        None => error(
            SyntaxRule::Syntax,
            format!("`{word}` has no name, expected one after it"),
            Span::new(end, end),
            Some(format!("write `{word} some-name`")),
        ),
        Some((token, at)) if token.kind == Kind::StrStart => {
            let message = format!("`{word}` has a title and no name, expected the name first");
            match quoted_name(tokens) {
                Some((name, span)) => SyntaxError {
                    fix: Some(SyntaxFix {
                        title: format!("write `{name}`"),
                        span,
                        text: name.to_owned(),
                    }),
                    ..error(
                        SyntaxRule::Syntax,
                        message,
                        span,
                        Some(format!("write `{word} {name}`")),
                    )
                },
                None => error(
                    SyntaxRule::Syntax,
                    message,
                    span(*at),
                    Some(format!("write `{word} some-name \"…\"`")),
                ),
            }
        }
        // `gate approve "Approve" by ana`
        Some(_) if found.help.is_none() && found.message.ends_with(Want::End.text()) => {
            let after = tokens.iter().find(|(_, at)| span(*at) == found.span);
            let help = match after.map(|(token, _)| token.text) {
                Some("by") if word == DeclKind::Gate.keyword() => {
                    Some("who decides is its `approver:role/…`".to_owned())
                }
                after => after.and_then(in_header),
            };
            let below = || "what belongs to it stands on deeper lines below, as `name: …`".to_owned();
            let help = help.unwrap_or_else(below);
            SyntaxError {
                help: Some(help),
                ..found
            }
        }
        _ => found,
    }
}
