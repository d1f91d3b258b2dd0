//! What was meant by words and lines as other languages have them, and by slips of the fingers.
//!
//! Absent: words that are well formed here; `dsl-check` says what those were meant to be.

pub(crate) mod characters;
pub(crate) mod expressions;
mod fields;

use strsim::damerau_levenshtein;

pub(crate) use self::fields::field;
use self::fields::listed;

use crate::ast::{Span, SyntaxError, SyntaxFix, SyntaxRule};
use crate::grammar::{Fault, Tok, Tokens, Want, span};
use crate::lexer::meant_unit;
use crate::messages::error;
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

/// What to write instead of a declaration that others have and this language has not.
pub(crate) fn instead_of_declaration(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "secret" | "secrets" => "a plan names its secrets below `secrets:`, as `token: env(\"TOKEN\")`",
        "const" | "let" | "var" | "set" | "param" | "variable" => {
            "a value with a name is a parameter of a plan, below `params:`, as `name: type = value`"
        }
        "env" | "export" => "each task says what it needs: `env:` below the task",
        "trigger" | "schedule" | "cron" | "on" | "every" => {
            "a plan has no clock: start `dslc run` by one, such as that of CI"
        }
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
    // two slips make another word of a short one
    let slips_max = if word.len() > 4 { 2 } else { 1 };
    near.filter(|(distance, keyword)| (1..=slips_max).contains(distance) && *distance < keyword.len() - 1)
}

/// `use lib/safety.plan as safety`, where the path has no quotes: what the line says behind `use`.
pub(crate) fn bare_path(line: Tokens<'_>, text: &str) -> Option<(String, SyntaxFix)> {
    let from = line.iter().position(|(token, _)| token.text == "from");
    let path = &line[from.map_or(0, |from| from + 1)..];
    let alias = path.iter().position(|(token, _)| token.text == "as");
    let path = &path[..alias.unwrap_or(path.len())];
    let (_, start) = path.first()?;
    let (last, end) = path.last()?;
    let place = span(*start).cover(span(*end));
    let path = text.get(place.range())?;
    let is_path = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    let names_file = path.contains('/') || last.text == "plan" && path.contains('.');
    (is_path && names_file).then(|| {
        let text = format!("\"{path}\"");
        (
            "a path stands in double quotes".to_owned(),
            SyntaxFix {
                title: format!("write `{text}`"),
                span: place,
                text,
            },
        )
    })
}

/// What to do about a word behind the name in a header, if it is often meant as something that belongs there or below.
pub(crate) fn in_header(word: &str) -> Option<String> {
    let below = |key: &str| format!("it stands on a line of its own below: `{key}: …`");
    Some(match word {
        "by" | "using" | "kind" | "needs" => format!("in a header its value touches a colon: `{word}:…`"),
        "each" | "foreach" => "it stands on a line of its own below: `each: x in …`".to_owned(),
        "for" | "when" | "require" | "deny" => below(word),
        "after" | "depends" => below("needs"),
        "if" => below("when"),
        "on" => "it stands on a line of its own below: `on failure -> some-task`".to_owned(),
        "extends" | "inherits" | "implements" => "nothing is inherited: say here all that holds".to_owned(),
        _ => return None,
    })
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
        // `on failure: retry 3 times`
        (":", _) if fault.expected.has_kind(Kind::Arrow) && tokens.iter().any(|(token, _)| token.text == "retry") => {
            None
        }
        // `on failure: a`
        (":", _) if fault.expected.has_kind(Kind::Arrow) => Some(("write `->`".to_owned(), change(at, " ->"))),
        // `approve release by user/ana`
        ("by", _) if fault.expected.has(Want::As) => Some(("write `as`".to_owned(), change(at, "as"))),
        // `for: tasks`
        ("tasks" | "gates" | "decisions" | "plans" | "nodes", _) if fault.expected.has(Want::Selector) => {
            let one = found.text.trim_end_matches('s');
            Some((format!("write `{one}`"), change(at, one)))
        }
        // `supports cache if x > 1`
        ("if", _) if fault.expected.has(Want::When) => Some(("write `when`".to_owned(), change(at, "when"))),
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
        // `10 per minute`
        (unit, _) if fault.expected.has(Want::CallWord) && meant_unit(unit).is_some() => {
            let text = format!("1{}", meant_unit(unit)?);
            Some((format!("write `{text}`"), change(at, &text)))
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
