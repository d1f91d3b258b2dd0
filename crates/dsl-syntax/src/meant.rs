//! What was meant by words and lines as other languages have them, and by slips of the fingers.
//!
//! Absent: words that are well formed here; `dsl-check` says what those were meant to be.

pub(crate) mod characters;
pub(crate) mod expressions;

use strsim::damerau_levenshtein;

use crate::ast::{Span, SyntaxError, SyntaxFix, SyntaxRule};
use crate::grammar::{Fault, Tok, Tokens, Want, span};
use crate::lexer::{meant_unit, unit_from};
use crate::messages::{LINE_ENDS, error, insert};
use crate::table::DeclKind;
use crate::token::Kind;

/// The keyword that a word at the start of a declaration was meant to be: what it is called here, else the nearest.
pub(crate) enum Keyword {
    Called(&'static str),
    Near(&'static str),
}

impl Keyword {
    pub fn meant(word: &str) -> Option<Self> {
        match keyword_called(word) {
            Some(keyword) => Some(Self::Called(keyword)),
            None => keyword_near(word).map(|(_, keyword)| Self::Near(keyword)),
        }
    }

    pub const fn text(&self) -> &'static str {
        match self {
            Self::Called(keyword) | Self::Near(keyword) => keyword,
        }
    }

    pub fn help(&self) -> String {
        match self {
            Self::Called(keyword) => format!("it is called `{keyword}`"),
            Self::Near(keyword) => format!("did you mean `{keyword}`?"),
        }
    }
}

/// What a line declares whose first word is no keyword, but is meant to be one: `step build "Build"`. It has two words,
/// and after them at most a title or attributes; it is no prose.
pub(crate) fn declaration(line: &str) -> Option<DeclKind> {
    let (word, rest) = line.split_once(' ')?;
    if word.len() < 2 || !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
    let behind = after.trim_start();
    let is_over = behind.is_empty() || behind.starts_with('#');
    let goes_on = behind.len() < after.len() && (behind.starts_with('"') || is_attribute(behind));
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !(is_over || goes_on) {
        return None;
    }
    // `make all` is no slip for `gate all`
    let slip = || keyword_near(word).filter(|(slips, _)| *slips == 1);
    let meant = keyword_called(word).or_else(|| slip().map(|(_, keyword)| keyword));
    DeclKind::from_keyword(meant?)
}

/// Whether the text begins as `kind:research` does.
fn is_attribute(text: &str) -> bool {
    let word = text.len() - text.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
    word > 0 && text[word..].starts_with(':') && !text[word + 1..].starts_with(' ')
}

fn keyword_called(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    if let Some(kind) = DeclKind::from_keyword(&word) {
        return Some(kind.keyword());
    }
    Some(match word.as_str() {
        "step" | "job" | "stage" | "action" | "activity" | "todo" | "target" => "task",
        "workflow" | "pipeline" | "flow" | "dag" | "playbook" | "runbook" | "process" => "plan",
        "approval" | "approve" | "confirm" | "human" | "manual" | "checkpoint" | "review" => "gate",
        "condition" | "switch" | "branch" | "choice" | "choose" | "router" => "decision",
        "tool" | "function" | "func" | "skill" => "capability",
        "assistant" | "bot" => "agent",
        "import" | "include" | "require" => "use",
        "struct" | "class" | "record" | "interface" | "enum" => "type",
        "theory" | "assumption" => "hypothesis",
        "scenario" | "spec" => "test",
        _ => return None,
    })
}

/// The nearest keyword, and how many slips it is away: at most two.
fn keyword_near(word: &str) -> Option<(usize, &'static str)> {
    if word.len() > 16 {
        return None;
    }
    let keywords = DeclKind::ALL.iter().map(|kind| kind.keyword()).chain(["use"]);
    let near = keywords
        .map(|keyword| (damerau_levenshtein(keyword, word), keyword))
        .min();
    near.filter(|(distance, keyword)| (1..=2).contains(distance) && *distance < keyword.len() - 1)
}

// ---------- within a clause ----------

pub(crate) const WITHOUT_BRACKETS: &str = "write the names without brackets: `a, b`";

/// `[a, b]` as the names alone.
pub(crate) fn without_brackets(tokens: Tokens<'_>) -> Option<SyntaxFix> {
    let [(open, from), inside @ .., (close, to)] = tokens else {
        return None;
    };
    let is_closed = open.kind == Kind::LBracket && close.kind == Kind::RBracket;
    let names = listed(inside).filter(|_| is_closed)?.join(", ");
    Some(SyntaxFix {
        title: format!("write `{names}`"),
        span: span(*from).cover(span(*to)),
        text: names,
    })
}

/// The function that other languages write between two values.
pub(crate) fn between(word: &str) -> Option<&'static str> {
    Some(match word {
        "contains" => "contains",
        "starts_with" => "starts_with",
        "ends_with" => "ends_with",
        "includes" | "include" | "has" => "contains",
        "startswith" => "starts_with",
        "endswith" => "ends_with",
        _ => return None,
    })
}

/// Words that stand elsewhere for `->`.
pub(crate) fn leads(word: &str) -> bool {
    matches!(
        word,
        "then" | "goto" | "go" | "to" | "returns" | "return" | "gives" | "do" | "start"
    )
}

/// A word that is written otherwise here, of which it is certain what is meant.
pub(crate) fn slip(found: Tok<'_>, fault: &Fault<'_>, tokens: Tokens<'_>) -> Option<(String, SyntaxFix)> {
    let at = span(fault.span);
    let before = tokens.iter().rev().find(|(_, place)| span(*place).end <= at.start);
    let change = |span: Span, text: &str| SyntaxFix {
        title: format!("write `{}`", text.trim_start()),
        span,
        text: text.to_owned(),
    };
    let broken_off = || tokens.iter().position(|(_, place)| *place == fault.span);
    match (found.text, before) {
        // `needs: [a, b]`
        ("[", _) if fault.expected.has(Want::Need) => {
            Some((WITHOUT_BRACKETS.to_owned(), without_brackets(&tokens[broken_off()?..])?))
        }
        // `string[]`
        ("]", Some((open, _))) if open.kind == Kind::LBracket && fault.expected.has(Want::Type) => {
            let (item, from) = tokens[..broken_off()?].iter().nth_back(1)?;
            let text = format!("list[{}]", item.text);
            let is_name = item.kind == Kind::Name;
            is_name.then(|| (format!("write `{text}`"), change(span(*from).cover(at), &text)))
        }
        // `when x then a`
        (word, _) if leads(word) && fault.expected.has_kind(Kind::Arrow) => {
            Some(("write `->`".to_owned(), change(at, "->")))
        }
        // `on failure: a`
        (":", _) if fault.expected.has_kind(Kind::Arrow) => Some(("write `->`".to_owned(), change(at, " ->"))),
        // `for: task deploy`
        (name, _) if found.kind == Kind::Name && fault.expected.has(Want::Where) => {
            let text = format!("where id == {name}");
            Some((format!("write `{text}`"), change(at, &text)))
        }
        // `version: v1.2`
        (minor, Some((dot, _))) if dot.kind == Kind::Dot && found.kind == Kind::Int => {
            let (major, from) = tokens[..broken_off()?].iter().nth_back(1)?;
            let major = major
                .text
                .strip_prefix('v')
                .filter(|major| major.bytes().all(|byte| byte.is_ascii_digit()))?;
            let text = format!("{major}.{minor}.0");
            let is_whole = !major.is_empty() && broken_off()? + 1 == tokens.len();
            is_whole.then(|| {
                (
                    format!("a version is three numbers: `{text}`"),
                    change(span(*from).cover(at), &text),
                )
            })
        }
        ("of", _) if fault.expected.has_kind(Kind::In) => Some(("write `in`".to_owned(), change(at, "in"))),
        ("times", Some((number, place))) if number.kind == Kind::Int => {
            let whole = span(*place).cover(at);
            Some((format!("write `{}`", number.text), change(whole, number.text)))
        }
        (word, Some((number, place))) if matches!(number.kind, Kind::Int | Kind::Float) => {
            let (what, text) = match word.to_ascii_lowercase().as_str() {
                "dollar" | "dollars" | "usd" => ("an amount has its sign before it", format!("${}", number.text)),
                _ => (
                    "a unit touches its number",
                    format!("{}{}", number.text, meant_unit(word)?),
                ),
            };
            let fix = change(span(*place).cover(at), &text);
            Some((format!("{what}: `{text}`"), fix))
        }
        _ => None,
    }
}

/// `list<string>`
pub(crate) fn type_in_angles(tokens: Tokens<'_>) -> Option<SyntaxError> {
    let [.., (written, from), (open, at), (inner, _), (close, to)] = tokens else {
        return None;
    };
    let outer = match written.text {
        "list" | "List" | "array" | "Array" => "list",
        "secret" => "secret",
        _ => return None,
    };
    if (open.kind, inner.kind, close.kind) != (Kind::Lt, Kind::Name, Kind::Gt) {
        return None;
    }
    let message = "found `<`, expected the type inside in square brackets".to_owned();
    let text = format!("{outer}[{}]", inner.text);
    let help = format!("write `{text}`");
    Some(SyntaxError {
        fix: Some(SyntaxFix {
            title: help.clone(),
            span: span(*from).cover(span(*to)),
            text,
        }),
        ..error(SyntaxRule::Syntax, message, span(*at).cover(span(*to)), Some(help))
    })
}

// ---------- lines of fields ----------

/// What is wrong with a line `name: type = value`, and what it is here if other languages write it like that;
/// `example`: what the value may be, if it must be there.
pub(crate) fn field(found: SyntaxError, line: Tokens<'_>, example: Option<&str>) -> SyntaxError {
    let [(name, _), (colon, _), said @ ..] = line else {
        return found;
    };
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

/// A type as other languages write it.
fn type_meant(ty: Tokens<'_>) -> Option<String> {
    let words: Vec<&str> = ty.iter().take(8).map(|(token, _)| token.text).collect();
    let is_name = |word: &str| word.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let members = || members(ty.get(2..ty.len() - 1)?);
    Some(match words.as_slice() {
        ["optional" | "maybe" | "Optional", item] | [item, "optional"] if is_name(item) => format!("{item}?"),
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
fn listed(tokens: Tokens<'_>) -> Option<Vec<&str>> {
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
        _ => None,
    }
}
