//! Text to tokens, by hand: trivia, logical lines, raw blocks, strings with expressions inside.
//!
//! Lexing never fails and takes linear time whatever the bytes; what is no token becomes [`Kind::Bad`] with an error.
//! Absent: what a line means, and which lines belong together (the layout compares their indentation).

mod literals;

use crate::NESTING_MAX;
use crate::ast::{Span, SyntaxError, SyntaxFix, SyntaxRule};
use crate::meant::characters;
use crate::token::{Kind, Lexed, Line, LineKind, Token};

pub use literals::unit_from;
pub(crate) use literals::{meant_unit, unicode};

/// How many columns a tab counts for, so that a file of tabs still has the shape its author saw.
const TAB_COLUMNS: u32 = 2;

/// Lexes whole lines.
pub fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer::new(text, 0);
    lexer.out.tokens.reserve(text.len() / 4 + 1);
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
            // A stray carriage return takes no column.
            b'\r' => {}
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
        Self {
            text,
            bytes: text.as_bytes(),
            pos,
            modes: Vec::new(),
            indent: 0,
            previous: None,
            out: Lexed::default(),
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
        self.out.lines.push(Line { kind, indent, tokens });
    }

    fn comment_line(&mut self, end: usize) -> LineKind {
        let doc = self.bytes[self.pos..end].starts_with(b"##");
        self.take(if doc { Kind::Doc } else { Kind::Comment }, end - self.pos);
        if end < self.bytes.len() {
            self.take(Kind::Eol, 1);
        }
        if doc { LineKind::Doc } else { LineKind::Comment }
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
            if let Some(at) = self.modes[own..].iter().rposition(|mode| *mode == Mode::Bracket(kind)) {
                self.modes.truncate(own + at);
            }
        }
    }

    /// Characters that start no token, with what the author may have meant.
    fn unknown(&mut self) {
        let rest = &self.text[self.pos..];
        let len = if rest.starts_with("&&") {
            2
        } else if rest.starts_with('!') {
            1
        } else if let Some(char @ (';' | '~' | '@')) = rest.chars().next() {
            rest.len() - rest.trim_start_matches(char).len()
        } else if let Some(inner) = rest.strip_prefix('\'') {
            // to the next one or the end of the line, whichever comes first: of many, each looks no further than the next
            match inner.find(['\'', '\n']) {
                Some(at) if inner.as_bytes()[at] == b'\'' => at + 2,
                end => 1 + inner[..end.unwrap_or(inner.len())].trim_end_matches('\r').len(),
            }
        } else {
            let known = |c: char| c.is_ascii_alphanumeric() || " \t\r\n\"#()[]{},:.?|+-*/%=<>!$_'&".contains(c);
            match rest.find(known).unwrap_or(rest.len()) {
                0 => rest.chars().next().map_or(1, char::len_utf8),
                len => len,
            }
        };
        let shown: String = rest[..len].chars().take(20).map(visible).collect();
        let message = format!("`{shown}` has no meaning outside of strings and comments");
        self.unknown_text(message, len);
    }

    /// Reports text that is no token, and what it was meant to be.
    fn unknown_text(&mut self, message: String, len: usize) {
        let range = self.pos..self.pos + len;
        let meant = characters::meant(self.text, range.clone());
        self.error(SyntaxRule::Syntax, message, range.start, range.end, None);
        if let (Some((help, change)), Some(error)) = (meant, self.out.errors.last_mut()) {
            error.fix = change.map(|(range, text)| SyntaxFix {
                title: help.to_owned(),
                span: Span::new(range.start as u32, range.end as u32),
                text,
            });
            error.help = Some(help.to_owned());
        }
        self.take(Kind::Bad, len);
    }

    /// A pipe, the bar of an enumeration, or the start of a raw block.
    fn bar(&mut self) {
        if self.bytes.get(self.pos + 1) == Some(&b'|') {
            return self.unknown_text("`||` is no operator".into(), 2);
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
        if word == "matches" && self.text[end..].trim_start_matches([' ', '\t']).starts_with('/') {
            self.previous = None;
        }
    }

    // ---------- helpers ----------

    fn run(&self, belongs: impl Fn(u8) -> bool) -> usize {
        self.bytes[self.pos..].iter().take_while(|&&byte| belongs(byte)).count()
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

    fn error(&mut self, rule: SyntaxRule, message: String, start: usize, end: usize, help: Option<&str>) {
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

/// A character as a message shows it.
/// Spaces that are none, marks without width and what reorders text are written out.
fn visible(char: char) -> String {
    let is_hidden = matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if char.is_control() || is_hidden || (char.is_whitespace() && !char.is_ascii()) {
        char.escape_unicode().to_string()
    } else {
        char.to_string()
    }
}
