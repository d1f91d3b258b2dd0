//! What was meant by operators and calls as other languages write them.

use crate::ast::{Span, SyntaxError, SyntaxFix, SyntaxRule};
use crate::grammar::{Fault, Tokens, Want, span};
use crate::meant::between;
use crate::messages::{self, error, insert};
use crate::token::Kind;

/// What to write instead; a repair where that is certain.
type Instead = (String, Option<SyntaxFix>);

const ITEMS: &str = "there are no functions of one's own: each item is `it`, as in `xs | all(len(it) > 3)`";
const CHOICE: &str = "a choice is written `this if condition else that`";

/// What was meant where the grammar broke off in an expression.
pub(crate) fn slip(fault: &Fault<'_>, tokens: Tokens<'_>) -> Option<Instead> {
    let at = tokens.iter().position(|(_, place)| *place == fault.span)?;
    let (before, rest) = tokens.split_at(at);
    let kind = |tokens: Tokens<'_>, at: usize| tokens.get(at).map(|(token, _)| token.kind);
    let (found, place) = rest[0];
    let (place, expected) = (span(place), fault.expected);
    if found.kind == Kind::If && expected.has(Want::Expression) {
        return Some((CHOICE.to_owned(), None));
    }
    let last = before.last().map(|(token, place)| (*token, span(*place)))?;
    let is_near = |other: Span| other.end == place.start;
    match (last.0.kind, found.kind) {
        // `===`, `!==`
        (Kind::EqEq | Kind::NotEq, Kind::Assign) if is_near(last.1) => Some(change(last.1.cover(place), last.0.text)),
        // `x => x.a` among arguments, else `>=` the wrong way round
        (_, Kind::Assign | Kind::Arrow) if takes_item(tokens, at) => Some((ITEMS.to_owned(), None)),
        (_, Kind::Assign) if kind(rest, 1) == Some(Kind::Gt) && touch(tokens, at) && expected.has(Want::Operator) => {
            (!expected.has_kind(Kind::Arrow)).then(|| change(place.cover(span(rest[1].1)), ">="))
        }
        (_, Kind::Assign) if kind(rest, 1) == Some(Kind::Lt) && touch(tokens, at) && expected.has(Want::Operator) => {
            Some(change(place.cover(span(rest[1].1)), "<="))
        }
        (_, Kind::Assign) if expected.has(Want::Operator) && !expected.has_kind(Kind::Arrow) => {
            Some(("write `==` to compare".to_owned(), change(place, "==").1))
        }
        (_, Kind::Question) if expected.has(Want::Operator) => Some((CHOICE.to_owned(), None)),
        // `is "x"`, `is not "x"`
        (Kind::Is, _) if expected.has(Want::Empty) => Some(change(last.1, "==")),
        (Kind::Not, _) if expected.has(Want::Empty) => {
            let (_, is) = before.iter().nth_back(1).filter(|(token, _)| token.kind == Kind::Is)?;
            Some(change(span(*is).cover(last.1), "!="))
        }
        (_, Kind::Not) if expected.has(Want::Operator) => {
            let function = rest.get(1).and_then(|(word, _)| between(word.text))?;
            Some((format!("it is a function: `not {function}(x, y)`"), None))
        }
        (Kind::Name, Kind::Name) if matches!(last.0.text, "lambda" | "function" | "fn") => {
            Some((ITEMS.to_owned(), None))
        }
        (_, Kind::Name) if found.text == "like" && expected.has(Want::Operator) => Some(change(place, "matches")),
        (_, Kind::Name) if found.text == "between" && expected.has(Want::Operator) => {
            Some(("write `x >= low and x <= high`".to_owned(), None))
        }
        (_, Kind::DotDot) if before.iter().any(|(token, _)| token.kind == Kind::In) => {
            Some(("write `x >= low and x <= high`".to_owned(), None))
        }
        // `in (0, 1)`
        (_, Kind::Comma) if expected.has_kind(Kind::RParen) && is_in_brackets_alone(before) => {
            Some(("a list stands in square brackets: `[a, b]`".to_owned(), None))
        }
        (Kind::Name, Kind::LParen) if expected.has(Want::Operator) => method(tokens, at),
        (Kind::Name, Kind::StrStart) if is_near(last.1) && matches!(last.0.text, "f" | "F" | "r" | "b" | "u") => {
            let help = "`{{ … }}` fills in any string; there is nothing before the quotes".to_owned();
            let is_plain = rest.get(1).is_some_and(|(text, _)| !text.text.contains('{'));
            Some((help, is_plain.then(|| remove(last.1, last.0.text))))
        }
        (Kind::Name, Kind::StrStart | Kind::Name) if is_function(last.0.text) => Some((
            format!("a function takes its values in brackets: `{}(…)`", last.0.text),
            None,
        )),
        // `exit == 0,`
        (_, Kind::Comma) if expected.has(Want::Operator) && rest.len() == 1 => Some((
            "a line ends by itself, without `,`".to_owned(),
            Some(remove(place, ",")),
        )),
        (_, Kind::Name) if found.text == "for" && expected.has_kind(Kind::RBracket) => Some((
            "write `xs | map(…)` or `xs | where(…)`, where each item is `it`".to_owned(),
            None,
        )),
        (_, Kind::Colon) if expected.has_kind(Kind::RBracket) && !expected.has_kind(Kind::Comma) => Some((
            "an index is one number; `truncate(x, 3)` keeps the first letters".to_owned(),
            None,
        )),
        (Kind::Star, Kind::Star) => Some(("write `x * x`".to_owned(), None)),
        _ => None,
    }
}

/// Words that are functions here or elsewhere.
fn is_function(word: &str) -> bool {
    matches!(
        word,
        "len" | "length" | "size" | "count" | "exists" | "lower" | "upper" | "trim" | "lines" | "json" | "sum"
    )
}

/// What was meant by a comparison, the last of the tokens, that follows another one.
pub(crate) fn chained(tokens: Tokens<'_>) -> Option<SyntaxError> {
    let (&(operator, place), before) = tokens.split_last()?;
    let (&(last, last_place), _) = before.split_last()?;
    let place = span(place);
    if (last.kind, operator.kind) == (Kind::Lt, Kind::Gt) && touch(tokens, before.len() - 1) {
        let place = span(last_place).cover(place);
        let (help, fix) = change(place, "!=");
        let message = "`<>` is no operator, expected `!=`".to_owned();
        return Some(with(fix, message, place, help));
    }
    if let Some(at) = (1..before.len()).find(|&at| before[at].0.kind == Kind::Assign && takes_item(before, at)) {
        let message = "found `=>`, expected an operator".to_owned();
        let place = span(before[at].1).cover(span(tokens[at + 1].1));
        return Some(with(None, message, place, ITEMS.to_owned()));
    }
    // `0 < x < 3`
    let is_order = |kind| matches!(kind, Kind::Lt | Kind::Le | Kind::Gt | Kind::Ge);
    let first = before.iter().rposition(|(token, _)| is_order(token.kind))?;
    let (first, middle) = before[first..].split_first()?;
    let is_path = |at: usize, kind: Kind| kind == if at.is_multiple_of(2) { Kind::Name } else { Kind::Dot };
    if !is_order(operator.kind)
        || !middle
            .iter()
            .enumerate()
            .all(|(at, (token, _))| is_path(at, token.kind))
    {
        return None;
    }
    let middle: String = middle.iter().map(|(token, _)| token.text).collect();
    let help = format!("write `… {} {middle} and {middle} {} …`", first.0.text, operator.text);
    let text = format!(" and {middle}");
    let fix = insert(span(last_place).end, &text, &format!("write `{}`", text.trim_start()));
    Some(SyntaxError {
        help: Some(help),
        fix: Some(fix),
        ..messages::chained(operator, place)
    })
}

/// `x.contains("a")`, broken off at the bracket.
fn method(tokens: Tokens<'_>, at: usize) -> Option<Instead> {
    let [receiver @ .., (dot, dot_place), (name, name_place)] = &tokens[..at] else {
        return None;
    };
    if dot.kind != Kind::Dot || receiver.is_empty() {
        return None;
    }
    let name = name.text;
    if (at + 1..tokens.len()).any(|at| takes_item(tokens, at)) {
        return Some((format!("write `… | {name}(…)`, where each item is `it`"), None));
    }
    let whole = span(*dot_place).cover(span(*name_place));
    let help = format!("a function stands before its value, `{name}(…)`, or behind a pipe, `… | {name}`");
    let fix = SyntaxFix {
        title: format!("write `| {name}`"),
        span: whole,
        text: format!(" | {name}"),
    };
    Some((help, may_be_piped(receiver).then_some(fix)))
}

/// Whether a pipe behind the tokens would take no more than the operand that they end in.
fn may_be_piped(tokens: Tokens<'_>) -> bool {
    let mut depth = 0usize;
    for (token, _) in tokens.iter().rev() {
        match token.kind {
            Kind::RParen | Kind::RBracket | Kind::RBrace => depth += 1,
            Kind::LParen | Kind::LBracket | Kind::LBrace if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            Kind::Plus | Kind::Minus | Kind::Star | Kind::Slash | Kind::Percent | Kind::StrEnd => return false,
            Kind::Dot | Kind::Int => {}
            kind if kind.is_word() => {}
            _ => return true,
        }
    }
    true
}

/// Whether the tokens end in an operand behind a round bracket that calls nothing.
fn is_in_brackets_alone(tokens: Tokens<'_>) -> bool {
    let mut depth = 0usize;
    for (at, (token, _)) in tokens.iter().enumerate().rev() {
        match token.kind {
            Kind::RParen | Kind::RBracket | Kind::RBrace => depth += 1,
            Kind::LParen if depth == 0 => return at == 0 || tokens[at - 1].0.kind != Kind::Name,
            Kind::LParen | Kind::LBracket | Kind::LBrace if depth > 0 => depth -= 1,
            Kind::Comma if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// Whether `=>` or `->` stands at `at`, behind a name that is the first of an argument: `all(x => …`.
fn takes_item(tokens: Tokens<'_>, at: usize) -> bool {
    let kind = |at: usize| tokens.get(at).map(|(token, _)| token.kind);
    let is_arrow = match kind(at) {
        Some(Kind::Assign) => kind(at + 1) == Some(Kind::Gt) && touch(tokens, at),
        other => other == Some(Kind::Arrow),
    };
    is_arrow && at >= 2 && kind(at - 1) == Some(Kind::Name) && matches!(kind(at - 2), Some(Kind::LParen | Kind::Comma))
}

/// Whether nothing stands between the token at `at` and the next.
fn touch(tokens: Tokens<'_>, at: usize) -> bool {
    tokens
        .get(at + 1)
        .is_some_and(|(_, next)| tokens[at].1.end == next.start)
}

fn change(span: Span, text: &str) -> Instead {
    let help = format!("write `{text}`");
    let fix = SyntaxFix {
        title: help.clone(),
        span,
        text: text.to_owned(),
    };
    (help, Some(fix))
}

fn remove(span: Span, text: &str) -> SyntaxFix {
    SyntaxFix {
        title: format!("remove `{text}`"),
        span,
        text: String::new(),
    }
}

fn with(fix: Option<SyntaxFix>, message: String, place: Span, help: String) -> SyntaxError {
    SyntaxError {
        fix,
        ..error(SyntaxRule::Syntax, message, place, Some(help))
    }
}
