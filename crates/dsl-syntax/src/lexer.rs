//! Text to tokens, by hand: trivia, logical lines, raw blocks, strings with expressions inside.
//!
//! Lexing never fails and takes linear time whatever the bytes; what is no token becomes [`Kind::Bad`] with an error.
//! Absent: what a line means, and which lines belong together (the layout compares their indentation).

use crate::NESTING_MAX;
use crate::ast::{Span, SyntaxError, SyntaxFix, SyntaxRule, Unit};
use crate::token::{Kind, Lexed, Line, LineKind, Token};

/// How many columns a tab counts for, so that a file of tabs still has the shape its author saw.
const TAB_COLUMNS: u32 = 2;

/// Lexes whole lines.
pub fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer::new(text, 0);
    while lexer.pos < lexer.bytes.len() {
        lexer.line();
    }
    lexer.out
}

/// Lexes one expression that starts at `start`: all of the text if `stop` is `None`, else up to the `}}` that closes
/// the interpolation opened before `start`, at the latest at the end of the line. Returns where it ended.
pub(crate) fn lex_inline(text: &str, start: usize, interpolation: bool) -> (Lexed, Option<usize>) {
    let mut lexer = Lexer::new(text, start);
    if interpolation {
        lexer.modes.push(Mode::Interp);
    }
    while lexer.pos < lexer.bytes.len() {
        if lexer.bytes[lexer.pos] == b'\n' {
            if interpolation {
                break;
            }
            lexer.end_strings();
            lexer.take(Kind::Eol, 1);
            continue;
        }
        lexer.token();
        if interpolation && lexer.modes.is_empty() {
            let end = lexer.pos;
            lexer.out.tokens.pop();
            return (lexer.out, Some(end));
        }
    }
    lexer.end_strings();
    (lexer.out, None)
}

/// The indentation of a line: its columns and the bytes it takes.
pub(crate) fn indentation(line: &[u8]) -> (u32, usize) {
    let mut columns = 0;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns += TAB_COLUMNS,
            _ => return (columns, at),
        }
    }
    (columns, line.len())
}

/// Whether nothing but white space stands on the line (without its line feed).
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// The end of the line that `start` is in: the offset of its line feed, or of the end of the text.
pub(crate) fn line_end(bytes: &[u8], start: usize) -> usize {
    bytes[start..]
        .iter()
        .position(|&byte| byte == b'\n')
        .map_or(bytes.len(), |at| start + at)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Inside a bracket that this kind closes.
    Bracket(Kind),
    /// Inside a string that starts at this offset.
    Str(usize),
    Interp,
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    pos: usize,
    modes: Vec<Mode>,
    /// Columns before the clause that is being lexed.
    indent: u32,
    /// The last token that is no trivia, within the clause.
    previous: Option<Kind>,
    out: Lexed,
}

impl<'t> Lexer<'t> {
    fn new(text: &'t str, pos: usize) -> Self {
        let out = Lexed {
            tokens: Vec::with_capacity((text.len() - pos) / 4 + 1),
            ..Lexed::default()
        };
        Self {
            text,
            bytes: text.as_bytes(),
            pos,
            modes: Vec::new(),
            indent: 0,
            previous: None,
            out,
        }
    }

    // ---------- lines ----------

    /// One logical line.
    fn line(&mut self) {
        let first = self.out.tokens.len() as u32;
        let end = line_end(self.bytes, self.pos);
        let (indent, width) = indentation(&self.bytes[self.pos..end]);
        let kind = if is_blank(&self.bytes[self.pos..end]) {
            self.take(Kind::Blank, (end + 1).min(self.bytes.len()) - self.pos);
            LineKind::Blank
        } else {
            self.check_tabs(width);
            if width > 0 {
                self.take(Kind::Space, width);
            }
            if self.bytes[self.pos] == b'#' {
                self.comment_line(end)
            } else {
                self.clause(indent)
            }
        };
        let tokens = first..self.out.tokens.len() as u32;
        self.out.lines.push(Line {
            kind,
            indent,
            tokens,
        });
    }

    fn comment_line(&mut self, end: usize) -> LineKind {
        let doc = self.bytes[self.pos..end].starts_with(b"##");
        self.take(if doc { Kind::Doc } else { Kind::Comment }, end - self.pos);
        if end < self.bytes.len() {
            self.take(Kind::Eol, 1);
        }
        if doc {
            LineKind::Doc
        } else {
            LineKind::Comment
        }
    }

    /// A clause with its continuation lines, up to and including its line end.
    fn clause(&mut self, indent: u32) -> LineKind {
        self.indent = indent;
        self.previous = None;
        self.modes.clear();
        loop {
            if self.pos >= self.bytes.len() {
                self.end_strings();
                self.modes.clear();
                self.take(Kind::Newline, 0);
                return LineKind::Code;
            }
            if self.bytes[self.pos] == b'\n' {
                self.end_strings();
                if !self.continues() {
                    self.modes.clear();
                    self.take(Kind::Newline, 1);
                    return LineKind::Code;
                }
                self.continuation();
                continue;
            }
            self.token();
        }
    }

    /// Whether the clause goes on after the line end at `pos`: a bracket is open, and the next line that is not blank
    /// is deeper, or closes the bracket at the clause's own indentation.
    fn continues(&self) -> bool {
        if self.modes.is_empty() {
            return false;
        }
        let mut start = self.pos + 1;
        while start < self.bytes.len() {
            let end = line_end(self.bytes, start);
            let line = &self.bytes[start..end];
            if is_blank(line) {
                start = end + 1;
                continue;
            }
            let (indent, width) = indentation(line);
            return indent > self.indent || (indent == self.indent && self.closes(line[width]));
        }
        false
    }

    fn closes(&self, byte: u8) -> bool {
        let kind = match byte {
            b')' => Kind::RParen,
            b']' => Kind::RBracket,
            b'}' => Kind::RBrace,
            _ => return false,
        };
        self.modes.contains(&Mode::Bracket(kind))
    }

    /// The line end, blank lines and indentation between two lines of a clause.
    fn continuation(&mut self) {
        self.take(Kind::Eol, 1);
        loop {
            let end = line_end(self.bytes, self.pos);
            let line = &self.bytes[self.pos..end];
            if is_blank(line) && end < self.bytes.len() {
                self.take(Kind::Blank, end + 1 - self.pos);
                continue;
            }
            let (_, width) = indentation(line);
            self.check_tabs(width);
            if width > 0 {
                self.take(Kind::Space, width);
            }
            return;
        }
    }

    fn check_tabs(&mut self, width: usize) {
        let indent = &self.bytes[self.pos..self.pos + width];
        if !indent.contains(&b'\t') {
            return;
        }
        let (columns, _) = indentation(indent);
        let span = self.span(self.pos, self.pos + width);
        self.out.errors.push(SyntaxError {
            rule: SyntaxRule::TabIndentation,
            message: "a tab in the indentation, expected spaces".into(),
            span,
            help: Some("indent by two spaces".into()),
            fix: Some(SyntaxFix {
                title: "indent by spaces".into(),
                span,
                text: " ".repeat(columns as usize),
            }),
        });
    }

    // ---------- tokens ----------

    /// One token (a raw block: several); `pos` is not at a line end.
    fn token(&mut self) {
        if let Some(Mode::Str(_)) = self.modes.last() {
            return self.string_part();
        }
        let byte = self.bytes[self.pos];
        match byte {
            b' ' | b'\t' | b'\r' => {
                let len = self.run(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
                self.take(Kind::Space, len);
            }
            b'#' if !self.modes.contains(&Mode::Interp) => {
                let end = line_end(self.bytes, self.pos);
                let end = end - usize::from(end > self.pos && self.bytes[end - 1] == b'\r');
                self.take(Kind::Comment, end - self.pos);
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.word(),
            b'0'..=b'9' => self.number(),
            b'$' => self.money(),
            b'"' => {
                self.modes.push(Mode::Str(self.pos));
                self.take(Kind::StrStart, 1);
            }
            b'/' if !self.previous.is_some_and(Kind::ends_operand) => self.regex(),
            b'|' => self.bar(),
            _ => self.punctuation(byte),
        }
    }

    fn punctuation(&mut self, byte: u8) {
        let next = self.bytes.get(self.pos + 1).copied();
        let (kind, len) = match (byte, next) {
            (b'(', _) => (Kind::LParen, 1),
            (b'[', _) => (Kind::LBracket, 1),
            (b'{', _) => (Kind::LBrace, 1),
            (b')', _) => (Kind::RParen, 1),
            (b']', _) => (Kind::RBracket, 1),
            (b'}', Some(b'}')) if self.modes.last() == Some(&Mode::Interp) => {
                self.modes.pop();
                return self.take(Kind::InterpEnd, 2);
            }
            (b'}', _) => (Kind::RBrace, 1),
            (b',', _) => (Kind::Comma, 1),
            (b':', _) => (Kind::Colon, 1),
            (b'.', Some(b'.')) => (Kind::DotDot, 2),
            (b'.', _) => (Kind::Dot, 1),
            (b'?', Some(b'?')) => (Kind::Coalesce, 2),
            (b'?', _) => (Kind::Question, 1),
            (b'+', _) => (Kind::Plus, 1),
            (b'-', Some(b'>')) => (Kind::Arrow, 2),
            (b'-', _) => (Kind::Minus, 1),
            (b'*', _) => (Kind::Star, 1),
            (b'/', _) => (Kind::Slash, 1),
            (b'%', _) => (Kind::Percent, 1),
            (b'=', Some(b'=')) => (Kind::EqEq, 2),
            (b'=', _) => (Kind::Assign, 1),
            (b'!', Some(b'=')) => (Kind::NotEq, 2),
            (b'<', Some(b'=')) => (Kind::Le, 2),
            (b'<', _) => (Kind::Lt, 1),
            (b'>', Some(b'=')) => (Kind::Ge, 2),
            (b'>', _) => (Kind::Gt, 1),
            _ => return self.unknown(),
        };
        self.brackets(kind);
        self.take(kind, len);
    }

    /// Keeps the open brackets. Past the cap nothing is pushed: the parser refuses such a clause anyway.
    fn brackets(&mut self, kind: Kind) {
        if let Some(closer) = kind.closer() {
            if self.modes.len() < NESTING_MAX {
                self.modes.push(Mode::Bracket(closer));
            }
        } else if kind.is_closer() {
            // A closer that fits no bracket of this interpolation leaves the others open: the parser complains.
            let own = self
                .modes
                .iter()
                .rposition(|mode| !matches!(mode, Mode::Bracket(_)))
                .map_or(0, |at| at + 1);
            if let Some(at) = self.modes[own..]
                .iter()
                .rposition(|mode| *mode == Mode::Bracket(kind))
            {
                self.modes.truncate(own + at);
            }
        }
    }

    /// Characters that start no token, with what the author may have meant.
    fn unknown(&mut self) {
        let rest = &self.text[self.pos..];
        let (len, help) = if rest.starts_with("&&") {
            (2, Some("write `and`"))
        } else if rest.starts_with('!') {
            (1, Some("write `not`"))
        } else if rest.starts_with('\'') {
            let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
            (
                line[1..]
                    .find('\'')
                    .map_or(line.trim_end_matches('\r').len(), |at| at + 2),
                Some("strings stand in double quotes: `\"…\"`"),
            )
        } else {
            let known = |c: char| {
                c.is_ascii_alphanumeric() || " \t\r\n\"#()[]{},:.?|+-*/%=<>!$_'&".contains(c)
            };
            let len = rest.find(known).unwrap_or(rest.len());
            (
                if len == 0 {
                    rest.chars().next().map_or(1, char::len_utf8)
                } else {
                    len
                },
                None,
            )
        };
        let shown: String = rest[..len].chars().take(20).map(visible).collect();
        let message = format!("`{shown}` has no meaning outside of strings and comments");
        self.error(SyntaxRule::Syntax, message, self.pos, self.pos + len, help);
        self.take(Kind::Bad, len);
    }

    /// A pipe, the bar of an enumeration, or the start of a raw block.
    fn bar(&mut self) {
        if self.bytes.get(self.pos + 1) == Some(&b'|') {
            self.error(
                SyntaxRule::Syntax,
                "`||` is no operator".into(),
                self.pos,
                self.pos + 2,
                Some("write `or`"),
            );
            return self.take(Kind::Bad, 2);
        }
        let opens_raw = self.previous == Some(Kind::Colon) && self.modes.is_empty();
        self.take(Kind::Bar, 1);
        if !opens_raw {
            return;
        }
        let end = line_end(self.bytes, self.pos);
        let rest = &self.bytes[self.pos..end];
        let (_, width) = indentation(rest);
        if is_blank(rest) || rest[width] == b'#' {
            self.raw_block(end);
        }
    }

    /// The rest of the key's line, and all lines that are deeper than it.
    fn raw_block(&mut self, end: usize) {
        let mut start = end + 1;
        let mut content_end = None;
        while start < self.bytes.len() {
            let end = line_end(self.bytes, start);
            let line = &self.bytes[start..end];
            if !is_blank(line) {
                if indentation(line).0 <= self.indent {
                    break;
                }
                content_end = Some(end);
            }
            start = end + 1;
        }
        let Some(content_end) = content_end else {
            return;
        };
        if self.pos < end {
            let (_, width) = indentation(&self.bytes[self.pos..end]);
            if width > 0 {
                self.take(Kind::Space, width);
            }
            if self.pos < end {
                self.take(
                    if self.bytes[self.pos] == b'#' {
                        Kind::Comment
                    } else {
                        Kind::Space
                    },
                    end - self.pos,
                );
            }
        }
        self.take(Kind::Eol, 1);
        self.take(Kind::Raw, content_end - self.pos);
    }

    fn word(&mut self) {
        let start = self.pos;
        let end = name_end(self.bytes, start);
        let word = &self.text[start..end];
        let principal = matches!(word, "role" | "user" | "agent" | "team")
            && self.bytes.get(end) == Some(&b'/')
            && self
                .bytes
                .get(end + 1)
                .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        if principal {
            return self.take(Kind::Principal, name_end(self.bytes, end + 1) - start);
        }
        let kind = match word {
            "true" => Kind::True,
            "false" => Kind::False,
            "none" => Kind::None,
            "and" => Kind::And,
            "or" => Kind::Or,
            "not" => Kind::Not,
            "in" => Kind::In,
            "is" => Kind::Is,
            "if" => Kind::If,
            "else" => Kind::Else,
            _ => Kind::Name,
        };
        self.take(kind, end - start);
        // `title matches /re/`: not reserved, but no operand either.
        if word == "matches"
            && self.text[end..]
                .trim_start_matches([' ', '\t'])
                .starts_with('/')
        {
            self.previous = None;
        }
    }

    fn number(&mut self) {
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
        self.error(
            SyntaxRule::InvalidLiteral,
            message,
            start,
            start + len,
            None,
        );
        self.take(Kind::Bad, len);
    }

    fn money(&mut self) {
        let start = self.pos;
        if !self.bytes.get(start + 1).is_some_and(u8::is_ascii_digit) {
            let message = "`$` stands alone, expected an amount after it".into();
            self.error(
                SyntaxRule::InvalidLiteral,
                message,
                start,
                start + 1,
                Some("write `$10.00`"),
            );
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

    fn regex(&mut self) {
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

    // ---------- strings ----------

    /// Text up to the closing quote, an interpolation or the end of the line.
    fn string_part(&mut self) {
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
                    let message =
                        "`\\u{` is not closed, expected hexadecimal digits and `}`".into();
                    self.error(
                        SyntaxRule::InvalidLiteral,
                        message,
                        at,
                        end,
                        Some("write `\\u{1F600}`"),
                    );
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
                let message = format!(
                    "`\\{}` is no escape, expected one of {ESCAPES}",
                    visible(char)
                );
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
    fn end_strings(&mut self) {
        let Some(at) = self
            .modes
            .iter()
            .position(|mode| matches!(mode, Mode::Str(_)))
        else {
            return;
        };
        let Mode::Str(start) = self.modes[at] else {
            return;
        };
        self.modes.truncate(at);
        let end = self.pos - usize::from(self.pos > start && self.bytes[self.pos - 1] == b'\r');
        let span = self.span(start, end);
        self.out.errors.push(SyntaxError {
            rule: SyntaxRule::UnterminatedString,
            message: "the string is not closed on its line, expected `\"`".into(),
            span,
            help: Some("close it, or write a raw block: `key: |`".into()),
            fix: Some(SyntaxFix {
                title: "close the string".into(),
                span: Span::new(span.end, span.end),
                text: "\"".into(),
            }),
        });
        self.take(Kind::StrEnd, 0);
    }

    // ---------- helpers ----------

    fn run(&self, belongs: impl Fn(u8) -> bool) -> usize {
        self.bytes[self.pos..]
            .iter()
            .take_while(|&&byte| belongs(byte))
            .count()
    }

    fn take(&mut self, kind: Kind, len: usize) {
        let start = self.pos as u32;
        self.pos += len;
        self.out.tokens.push(Token {
            kind,
            start,
            end: self.pos as u32,
        });
        if !kind.is_trivia() {
            self.previous = Some(kind);
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(start as u32, end as u32)
    }

    fn error(
        &mut self,
        rule: SyntaxRule,
        message: String,
        start: usize,
        end: usize,
        help: Option<&str>,
    ) {
        let span = self.span(start, end);
        self.out.errors.push(SyntaxError {
            rule,
            message,
            span,
            help: help.map(str::to_owned),
            fix: None,
        });
    }
}

/// Where the name that starts at `start` ends: words joined by single hyphens.
pub(crate) fn name_end(bytes: &[u8], start: usize) -> usize {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut at = start;
    loop {
        at += bytes[at..].iter().take_while(|byte| part(byte)).count();
        if bytes.get(at) != Some(&b'-') || !bytes.get(at + 1).is_some_and(part) {
            return at;
        }
        at += 1;
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
    let digit =
        bytes.get(start) == Some(&b'.') && bytes.get(start + 1).is_some_and(u8::is_ascii_digit);
    digit.then(|| digits_end(bytes, start + 1))
}

/// Where the letters that touch a number end. Letters of any alphabet, so that `5µs` is one unknown unit.
fn unit_end(text: &str, start: usize) -> usize {
    let mut chars = text[start..].char_indices();
    if !chars
        .next()
        .is_some_and(|(_, c)| c.is_alphabetic() || c == '_')
    {
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

/// A character as a message shows it.
fn visible(char: char) -> String {
    if char.is_control() || char == '\u{feff}' {
        char.escape_unicode().to_string()
    } else {
        char.to_string()
    }
}

/// The character with this hexadecimal number.
pub(crate) fn unicode(hex: &str) -> Option<char> {
    u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)
}
