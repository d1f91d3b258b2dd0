//! Literals: numbers with their units, money, regular expressions, strings with expressions inside.

use super::{Lexer, Mode, visible};
use crate::NESTING_MAX;
use crate::ast::{Span, SyntaxError, SyntaxFix, SyntaxRule, Unit};
use crate::token::Kind;

impl Lexer<'_> {
    pub(super) fn number(&mut self) {
        let start = self.pos;
        let mut end = digits_end(self.bytes, start);
        let mut kind = Kind::Int;
        if let Some(fraction) = fraction_end(self.bytes, end) {
            end = fraction;
            kind = Kind::Float;
            if let Some(patch) = fraction_end(self.bytes, end) {
                end = patch;
                kind = Kind::Version;
            }
        }
        let unit = &self.text[end..unit_end(self.text, end)];
        if kind != Kind::Version && self.bytes.get(end) == Some(&b'%') {
            return self.take(Kind::Ratio, end + 1 - start);
        }
        if unit.is_empty() {
            return self.take(kind, end - start);
        }
        let len = end + unit.len() - start;
        if kind != Kind::Version && unit_from(unit).is_some() {
            return self.take(Kind::Quantity, len);
        }
        let literal = &self.text[start..start + len];
        let message = if kind == Kind::Version {
            format!("`{unit}` touches the version in `{literal}`, expected three numbers")
        } else {
            format!("`{unit}` in `{literal}` is no unit, expected one of {UNITS}")
        };
        self.error(SyntaxRule::InvalidLiteral, message, start, start + len, None);
        let number = &literal[..literal.len() - unit.len()];
        let meant = match (unit, meant_unit(unit)) {
            // `retry: 3x`
            ("x", _) if kind == Kind::Int => Some(("write the number alone".to_owned(), number.to_owned())),
            (_, Some(unit)) => Some((format!("did you mean `{unit}`?"), format!("{number}{unit}"))),
            (_, None) => in_one_unit(literal).map(|sum| (format!("a duration has one unit: `{sum}`"), sum)),
        };
        if let (Some((help, text)), Some(error)) = (meant, self.out.errors.last_mut()) {
            error.fix = Some(SyntaxFix {
                title: format!("change `{literal}` to `{text}`"),
                span: error.span,
                text,
            });
            error.help = Some(help);
        }
        self.take(Kind::Bad, len);
    }

    pub(super) fn money(&mut self) {
        let start = self.pos;
        if !self.bytes.get(start + 1).is_some_and(u8::is_ascii_digit) {
            let message = "`$` stands alone, expected an amount after it".into();
            let rest = &self.text[start + 1..];
            let is_name = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            let help = match rest.starts_with('{') {
                true if rest.starts_with("{{") => "an expression stands here by itself, without `${{ … }}`",
                true => "a name stands here by itself, without `${…}`",
                false if is_name => "a name stands here by itself, without `$`",
                false => "write `$10.00`",
            };
            self.error(SyntaxRule::InvalidLiteral, message, start, start + 1, Some(help));
            if let Some(error) = self.out.errors.last_mut().filter(|_| is_name) {
                error.fix = Some(SyntaxFix {
                    title: "remove `$`".to_owned(),
                    span: error.span,
                    text: String::new(),
                });
            }
            return self.take(Kind::Bad, 1);
        }
        let mut end = digits_end(self.bytes, start + 1);
        if let Some(fraction) = fraction_end(self.bytes, end) {
            end = fraction;
        }
        let unit = unit_end(self.text, end);
        if unit > end {
            let message = format!(
                "`{}` touches the amount `{}`",
                &self.text[end..unit],
                &self.text[start..end]
            );
            self.error(SyntaxRule::InvalidLiteral, message, start, unit, None);
            return self.take(Kind::Bad, unit - start);
        }
        self.take(Kind::Money, end - start);
    }

    pub(super) fn regex(&mut self) {
        let start = self.pos;
        let mut at = start + 1;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'/' => return self.take(Kind::Regex, at + 1 - start),
                b'\n' => break,
                b'\\' if self.bytes.get(at + 1).is_some_and(|&next| next != b'\n') => at += 2,
                _ => at += 1,
            }
        }
        let end = at - usize::from(self.bytes[at - 1] == b'\r');
        let message = "the regular expression is not closed on its line, expected `/`".into();
        self.error(SyntaxRule::InvalidLiteral, message, start, end, None);
        self.take(Kind::Bad, end - start);
    }

    /// Text up to the closing quote, an interpolation or the end of the line.
    pub(super) fn string_part(&mut self) {
        match self.bytes[self.pos] {
            b'"' => {
                self.modes.pop();
                return self.take(Kind::StrEnd, 1);
            }
            b'{' if self.bytes.get(self.pos + 1) == Some(&b'{') => {
                // Past the cap it is text; the clause is refused for its depth.
                if self.modes.len() < NESTING_MAX {
                    self.modes.push(Mode::Interp);
                }
                return self.take(Kind::InterpStart, 2);
            }
            _ => {}
        }
        let start = self.pos;
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'"' | b'\n' => break,
                b'{' if self.bytes.get(at + 1) == Some(&b'{') => break,
                b'\\' => at = self.escape(at),
                _ => at += 1,
            }
        }
        self.take(Kind::StrText, at - start);
    }

    /// Checks the escape at `at` and returns where it ends.
    fn escape(&mut self, at: usize) -> usize {
        match self.bytes.get(at + 1) {
            Some(b'n' | b't' | b'r' | b'"' | b'\\' | b'{') => at + 2,
            Some(b'u') if self.bytes.get(at + 2) == Some(&b'{') => {
                let hex = self.bytes[at + 3..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_hexdigit())
                    .count();
                let end = at + 3 + hex;
                if self.bytes.get(end) != Some(&b'}') {
                    let message = "`\\u{` is not closed, expected hexadecimal digits and `}`".into();
                    self.error(SyntaxRule::InvalidLiteral, message, at, end, Some("write `\\u{1F600}`"));
                    return end;
                }
                if unicode(&self.text[at + 3..end]).is_none() {
                    let message = format!("`{}` is no Unicode character", &self.text[at..=end]);
                    self.error(SyntaxRule::InvalidLiteral, message, at, end + 1, None);
                }
                end + 1
            }
            None | Some(b'\n') => at + 1,
            Some(_) => {
                let char = self.text[at + 1..].chars().next().unwrap_or(' ');
                let len = char.len_utf8();
                let message = format!("`\\{}` is no escape, expected one of {ESCAPES}", visible(char));
                self.error(
                    SyntaxRule::InvalidLiteral,
                    message,
                    at,
                    at + 1 + len,
                    Some("write `\\\\` for a backslash"),
                );
                at + 1 + len
            }
        }
    }

    /// Ends the strings that are still open where the line ends.
    pub(super) fn end_strings(&mut self) {
        let Some(at) = self.modes.iter().position(|mode| matches!(mode, Mode::Str(_))) else {
            return;
        };
        let Mode::Str(start) = self.modes[at] else {
            return;
        };
        // from the innermost outwards
        let open = self.modes[at..].iter().rev();
        let closers: Vec<&str> = open
            .map(|mode| match mode {
                Mode::Str(_) => "\"",
                Mode::Interp => "}}",
                Mode::Bracket(Kind::RParen) => ")",
                Mode::Bracket(Kind::RBracket) => "]",
                Mode::Bracket(_) => "}",
            })
            .collect();
        self.modes.truncate(at);
        let end = self.pos - usize::from(self.pos > start && self.bytes[self.pos - 1] == b'\r');
        let span = self.span(start, end);
        self.out.errors.push(SyntaxError {
            rule: SyntaxRule::UnterminatedString,
            message: "the string is not closed on its line, expected `\"`".into(),
            span,
            help: Some("close it, or write a raw block: `key: |`".into()),
            fix: (!self.ends_in_open_quotes()).then(|| SyntaxFix {
                title: "close the string".into(),
                span: Span::new(span.end, span.end),
                text: closers.concat(),
            }),
        });
        self.take(Kind::StrEnd, 0);
    }

    /// Whether a regular expression or single quotes are still open, which take in whatever is written behind them.
    fn ends_in_open_quotes(&self) -> bool {
        let Some(token) = self.out.tokens.last().filter(|token| token.kind == Kind::Bad) else {
            return false;
        };
        match &self.bytes[token.start as usize..self.pos] {
            [b'\'', inner @ ..] => !inner.ends_with(b"'"),
            bad => bad.starts_with(b"/"),
        }
    }
}

fn digits_end(bytes: &[u8], start: usize) -> usize {
    start
        + bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'_')
            .count()
}

/// The end of `.digits` at `start`, if that stands there.
fn fraction_end(bytes: &[u8], start: usize) -> Option<usize> {
    let digit = bytes.get(start) == Some(&b'.') && bytes.get(start + 1).is_some_and(u8::is_ascii_digit);
    digit.then(|| digits_end(bytes, start + 1))
}

/// Where the letters that touch a number end. Letters of any alphabet, so that `5µs` is one unknown unit.
fn unit_end(text: &str, start: usize) -> usize {
    let mut chars = text[start..].char_indices();
    if !chars.next().is_some_and(|(_, c)| c.is_alphabetic() || c == '_') {
        return start;
    }
    chars
        .find(|(_, c)| !c.is_alphanumeric() && *c != '_')
        .map_or(text.len(), |(at, _)| start + at)
}

const ESCAPES: &str = r#"`\n` `\t` `\r` `\"` `\\` `\{` `\u{…}`"#;
const UNITS: &str = "ms s m h d w B KB MB GB TB KiB MiB GiB TiB";

/// The unit of this name.
pub fn unit_from(word: &str) -> Option<Unit> {
    Some(match word {
        "ms" => Unit::Ms,
        "s" => Unit::S,
        "m" => Unit::M,
        "h" => Unit::H,
        "d" => Unit::D,
        "w" => Unit::W,
        "B" => Unit::B,
        "KB" => Unit::KB,
        "MB" => Unit::MB,
        "GB" => Unit::GB,
        "TB" => Unit::TB,
        "KiB" => Unit::KiB,
        "MiB" => Unit::MiB,
        "GiB" => Unit::GiB,
        "TiB" => Unit::TiB,
        _ => return None,
    })
}

/// `1h30m` in the smallest of its units.
fn in_one_unit(literal: &str) -> Option<String> {
    let mut sum = 0_u64;
    let mut smallest = ("", u64::MAX);
    let mut rest = literal;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let unit = [
            ("ms", 1),
            ("s", 1000),
            ("m", 60_000),
            ("h", 3_600_000),
            ("d", 86_400_000),
        ]
        .into_iter()
        .find(|(known, _)| *known == unit)?;
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(unit.1)?)?;
        smallest = if unit.1 < smallest.1 { unit } else { smallest };
        rest = after;
    }
    Some(format!("{}{}", sum / smallest.1, smallest.0))
}

/// The unit that a word is elsewhere; `M` may be minutes or megabytes, so it is neither.
pub(crate) fn meant_unit(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "m" if word == "m" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "w" | "week" | "weeks" => "w",
        "b" | "byte" | "bytes" => "B",
        "kb" => "KB",
        "mb" => "MB",
        "gb" => "GB",
        "tb" => "TB",
        "kib" => "KiB",
        "mib" => "MiB",
        "gib" => "GiB",
        "tib" => "TiB",
        _ => return None,
    })
}

/// The character with this hexadecimal number.
pub(crate) fn unicode(hex: &str) -> Option<char> {
    u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)
}
