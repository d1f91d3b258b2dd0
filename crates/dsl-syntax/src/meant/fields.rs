//! What was meant by lines `name: type = value` as other languages write them.

use crate::ast::{Span, SyntaxError, SyntaxFix};
use crate::grammar::{Tok, Tokens, span};
use crate::lexer::unit_from;
use crate::messages::{LINE_ENDS, insert};
use crate::token::Kind;

/// What is wrong with a line `name: type = value`, and what it is here if other languages write it like that;
/// `example`: what the value may be, if it must be there.
pub(crate) fn field(found: SyntaxError, line: Tokens<'_>, example: Option<&str>) -> SyntaxError {
    if let [(name, _), (mark, at), (colon, _), ty @ ..] = line
        && (mark.kind, colon.kind) == (Kind::Question, Kind::Colon)
    {
        return optional_name(found, name.text, span(*at), ty);
    }
    let [(name, at), (colon, next), said @ ..] = line else {
        return found;
    };
    // `query string`
    if colon.kind == Kind::Name && name.kind.is_word() && span(*next) == found.span {
        return SyntaxError {
            help: Some(format!("write `{}: {} …`", name.text, colon.text)),
            fix: Some(insert(span(*at).end, ":", "add the colon")),
            ..found
        };
    }
    if colon.kind != Kind::Colon || found.fix.is_some() {
        return found;
    }
    let value = said.iter().position(|(token, _)| token.kind == Kind::Assign);
    let (ty, value) = said.split_at(value.unwrap_or(said.len()));
    let (Some((_, from)), Some((_, to))) = (ty.first(), ty.last()) else {
        return found;
    };
    let place = span(*from).cover(span(*to));
    let name = name.text;
    if found.span.start >= place.end {
        return match example.filter(|_| value.is_empty() && found.message.starts_with(LINE_ENDS)) {
            Some(example) => SyntaxError {
                message: format!("`{name}` has a type and no value, expected `= …` after it"),
                help: Some(format!("say what it is, as in `{name}: string = {example}")),
                ..found
            },
            None => found,
        };
    }
    if let Some(text) = type_meant(ty) {
        let rest = if value.is_empty() { "" } else { " = …" };
        return SyntaxError {
            help: Some(format!("write `{name}: {text}{rest}`")),
            fix: Some(SyntaxFix {
                title: format!("write `{text}`"),
                span: place,
                text,
            }),
            ..found
        };
    }
    if let ([(_, _), (word, at), _, ..], []) = (ty, value)
        && matches!(word.text, "default" | "defaults" | "is" | "or")
    {
        return SyntaxError {
            help: Some(format!("a default stands after `=`: `{name}: {} = …`", ty[0].0.text)),
            fix: Some(SyntaxFix {
                title: "write `=`".to_owned(),
                span: span(*at),
                text: "=".to_owned(),
            }),
            ..found
        };
    }
    if let Some(at) = ty.iter().position(|(_, place)| span(*place) == found.span)
        && found.message.ends_with("`=`")
        && is_value(&ty[at..])
    {
        return SyntaxError {
            help: Some("a value stands after `=`".to_owned()),
            fix: Some(insert(found.span.start, "= ", "write `=`")),
            ..found
        };
    }
    if let Some((text, is_certain)) = type_of(ty).filter(|_| value.is_empty()) {
        let help = format!("its type stands before the value: `{name}: {text} = …`");
        return SyntaxError {
            help: Some(help),
            fix: is_certain.then(|| insert(place.start, &format!("{text} = "), "write its type")),
            ..found
        };
    }
    found
}

/// `name?: type`, where the mark stands at `at`.
fn optional_name(found: SyntaxError, name: &str, at: Span, ty: Tokens<'_>) -> SyntaxError {
    let fix = match ty {
        [(ty, place)] if ty.kind == Kind::Name => Some(SyntaxFix {
            title: format!("write `{}?`", ty.text),
            span: at.cover(span(*place)),
            text: format!(": {}?", ty.text),
        }),
        _ => None,
    };
    SyntaxError {
        help: Some(format!(
            "what may be absent has its mark behind the type: `{name}: type?`"
        )),
        fix,
        ..found
    }
}

/// A type as other languages write it.
fn type_meant(ty: Tokens<'_>) -> Option<String> {
    let words: Vec<&str> = ty.iter().take(8).map(|(token, _)| token.text).collect();
    let is_name = |word: &str| word.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let members = || members(ty.get(2..ty.len() - 1)?);
    Some(match words.as_slice() {
        ["optional" | "maybe" | "Optional", item] | [item, "optional"] | [item, ",", "optional"] if is_name(item) => {
            format!("{item}?")
        }
        // what has no `?` must be there
        [item, "required" | "mandatory"] | [item, ",", "required" | "mandatory"] | ["required", item]
            if is_name(item) =>
        {
            (*item).to_owned()
        }
        [low, "..", high] if is_number(low) && is_number(high) => {
            let is_whole = !low.contains('.') && !high.contains('.');
            format!("{}({low}..{high})", if is_whole { "int" } else { "float" })
        }
        ["list" | "array" | "set", "of", item] | [item, "list" | "array"] | ["list" | "array", item]
            if is_name(item) =>
        {
            format!("list[{item}]")
        }
        [
            "map" | "dict" | "Map" | "Dict" | "Record",
            "<" | "[",
            key,
            ",",
            item,
            ">" | "]",
        ] if is_name(key) && is_name(item) => {
            format!("map[{item}]")
        }
        ["Optional", "<" | "[", item, ">" | "]"] if is_name(item) => format!("{item}?"),
        [item, ">=", low] if is_name(item) && is_number(low) => format!("{item}({low}..)"),
        [item, "<=", high] if is_name(item) && is_number(high) => format!("{item}(..{high})"),
        [item, low, ".." | "-" | "to", high] if is_name(item) && is_number(low) && is_number(high) => {
            format!("{item}({low}..{high})")
        }
        ["int", ">", low] => format!("int({}..)", low.parse::<i64>().ok()?.checked_add(1)?),
        [
            "enum" | "Enum" | "oneof" | "one_of" | "choice" | "Literal",
            "(" | "[" | "{" | "<",
            ..,
        ] => members()?,
        [..] if ty.len() > 1 => self::members(ty)?,
        _ => return None,
    })
}

/// `a | b` of names or strings with bars or commas between them.
fn members(tokens: Tokens<'_>) -> Option<String> {
    let names = listed(tokens).filter(|names| names.len() > 1)?;
    Some(names.join(" | "))
}

/// Names, some of them perhaps in quotes, with bars or commas between them.
pub(super) fn listed(tokens: Tokens<'_>) -> Option<Vec<&str>> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let mut names = Vec::new();
    let mut rest = tokens;
    loop {
        let name;
        (name, rest) = match rest {
            [(open, _), (text, _), (close, _), rest @ ..]
                if (open.kind, text.kind, close.kind) == (Kind::StrStart, Kind::StrText, Kind::StrEnd) =>
            {
                (text.text, rest)
            }
            [(name, _), rest @ ..] if name.kind == Kind::Name => (name.text, rest),
            _ => return None,
        };
        names.push(name);
        rest = match rest {
            [] => return names.iter().all(|name| is_name(name)).then_some(names),
            [(between, _), rest @ ..] if matches!(between.kind, Kind::Bar | Kind::Comma) => rest,
            _ => return None,
        };
    }
}

/// Whether the tokens begin as a value does and no type can.
fn is_value(tokens: Tokens<'_>) -> bool {
    match tokens {
        [(name, _), (next, _), ..] if name.kind == Kind::Name => matches!(next.kind, Kind::LParen | Kind::Dot),
        [(first, _), ..] => {
            matches!(
                first.kind,
                Kind::Int | Kind::Float | Kind::Quantity | Kind::Money | Kind::Ratio | Kind::Version | Kind::Principal
            ) || matches!(first.kind, Kind::StrStart | Kind::True | Kind::False | Kind::LBrace)
        }
        [] => false,
    }
}

/// The type of a value that stands where its type should; and whether the two together are right.
fn type_of(value: Tokens<'_>) -> Option<(String, bool)> {
    let of = |token: Tok<'_>| {
        Some(match token.kind {
            Kind::Int => "int",
            Kind::Float | Kind::Ratio => "float",
            Kind::True | Kind::False => "bool",
            Kind::Money => "money",
            Kind::Version => "version",
            Kind::Principal => "principal",
            Kind::StrStart => "string",
            Kind::Quantity => {
                let unit = token.text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                match unit_from(unit)?.is_duration() {
                    true => "duration",
                    false => "size",
                }
            }
            _ => return None,
        })
    };
    let (first, _) = *value.first()?;
    let (last, _) = *value.last()?;
    let strings = value.iter().filter(|(token, _)| token.kind == Kind::StrStart).count();
    match (first.kind, last.kind) {
        (Kind::StrStart, Kind::StrEnd) if strings == 1 => Some(("string".to_owned(), true)),
        (Kind::LBracket, Kind::RBracket) => {
            let (item, _) = value[1];
            let known = of(item);
            Some((format!("list[{}]", known.unwrap_or("string")), known.is_some()))
        }
        (Kind::LBrace, Kind::RBrace) => Some(("json".to_owned(), false)),
        _ if value.len() == 1 => of(first).map(|ty| (ty.to_owned(), true)),
        (Kind::Name, Kind::RParen) if value[1].0.kind == Kind::LParen && closes(&value[1..]) => {
            type_given_by(first.text).map(|ty| (ty.to_owned(), true))
        }
        _ => None,
    }
}

/// Whether the bracket that the tokens begin with is closed by their last.
fn closes(tokens: Tokens<'_>) -> bool {
    let mut depth = 0usize;
    let first = tokens.iter().position(|(token, _)| {
        match token.kind {
            Kind::LParen | Kind::LBracket | Kind::LBrace => depth += 1,
            Kind::RParen | Kind::RBracket | Kind::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    first.is_some_and(|at| at + 1 == tokens.len())
}

/// What a function gives whatever it is given; none whose name is a type.
fn type_given_by(function: &str) -> Option<&'static str> {
    Some(match function {
        "len" | "count" => "int",
        "trim" | "lower" | "upper" | "join" | "replace" | "truncate" => "string",
        "lines" | "split" => "list[string]",
        "exists" | "contains" | "starts_with" | "ends_with" | "any" | "all" => "bool",
        _ => return None,
    })
}
