//! Here-documents: where their bodies are, and whether the shell expands in them.
//!
//! The grammar that reads the rest of a script loses its way after several of its forms (two on a line, `<<END |`,
//! `<<END;`), so they are found here and cut out of what it gets to see. Only quotes, comments and substitutions are
//! followed, as far as it takes to tell an operator from text. Absent: everything else about shells.

use std::ops::Range;

/// One here-document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct HereDoc {
    /// From `<<` to the end of the delimiter.
    pub(super) operator: Range<usize>,
    /// The delimiter as it is written, and as it ends the body.
    pub(super) word: Range<usize>,
    pub(super) delimiter: String,
    /// The lines of the body, and the one that ends it.
    pub(super) body: Range<usize>,
    /// A quoted delimiter: nothing is expanded.
    pub(super) quoted: bool,
}

/// The here-documents of a script, in order of their bodies.
pub(super) fn here_documents(script: &str) -> Vec<HereDoc> {
    if !script.contains("<<") {
        return Vec::new();
    }
    let mut scanner = Scanner::new(script, Around::Code);
    while scanner.at < script.len() {
        scanner.step();
    }
    scanner.found
}

/// The body of a here-document with something else for each quote that is only text: all but those in substitutions.
pub(super) fn without_quotes(body: &str) -> String {
    let mut scanner = Scanner::new(body, Around::Double);
    let mut text = body.as_bytes().to_vec();
    while scanner.at < body.len() {
        if scanner.around.len() == 1 && text[scanner.at] == b'"' {
            text[scanner.at] = b'_';
            scanner.at += 1;
        } else {
            scanner.step();
        }
    }
    String::from_utf8(text).unwrap_or_default()
}

/// What the scanner is inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// Commands: the script, `$( … )`, `( … )`.
    Code,
    /// Commands between backquotes.
    Back,
    /// `"…"`
    Double,
}

/// An operator whose body comes after the line.
struct Open {
    operator: Range<usize>,
    word: Range<usize>,
    delimiter: String,
    quoted: bool,
    /// `<<-`
    strips_tabs: bool,
}

struct Scanner<'s> {
    script: &'s str,
    text: &'s [u8],
    at: usize,
    /// Innermost last; never empty.
    around: Vec<Around>,
    open: Vec<Open>,
    found: Vec<HereDoc>,
}

impl<'s> Scanner<'s> {
    fn new(script: &'s str, around: Around) -> Self {
        Self {
            script,
            text: script.as_bytes(),
            at: 0,
            around: vec![around],
            open: Vec::new(),
            found: Vec::new(),
        }
    }

    fn step(&mut self) {
        match self.around.last() {
            Some(Around::Double) => self.in_quotes(),
            _ => self.in_code(),
        }
    }

    fn in_quotes(&mut self) {
        match self.text[self.at] {
            b'\\' => self.at += 2,
            b'"' => self.leave(),
            b'`' => self.enter(Around::Back, 1),
            b'$' if self.rest().starts_with("$(") => self.substitution(),
            _ => self.at += 1,
        }
    }

    fn in_code(&mut self) {
        match self.text[self.at] {
            b'\\' => self.at += 2,
            b'\'' => self.single_quotes(),
            b'"' => self.enter(Around::Double, 1),
            b'`' if self.around.last() == Some(&Around::Back) => self.leave(),
            b'`' => self.enter(Around::Back, 1),
            b'#' if self.at_word_start() => self.skip_to(b'\n'),
            b'$' if self.rest().starts_with("$(") => self.substitution(),
            b'(' => self.parenthesis(),
            b')' if self.around.len() > 1 && self.around.last() == Some(&Around::Code) => self.leave(),
            b'<' if self.rest().starts_with("<<<") => self.at += 3,
            b'<' if self.rest().starts_with("<<") => self.operator(),
            b'\n' => {
                self.at += 1;
                self.bodies();
            }
            _ => self.at += 1,
        }
    }

    fn rest(&self) -> &str {
        self.script.get(self.at..).unwrap_or_default()
    }

    fn enter(&mut self, around: Around, width: usize) {
        self.around.push(around);
        self.at += width;
    }

    fn leave(&mut self) {
        self.around.pop();
        self.at += 1;
    }

    fn skip_to(&mut self, end: u8) {
        self.at = self.text[self.at..]
            .iter()
            .position(|byte| *byte == end)
            .map_or(self.text.len(), |found| self.at + found);
    }

    fn at_word_start(&self) -> bool {
        self.at == 0
            || matches!(
                self.text[self.at - 1],
                b' ' | b'\t' | b'\n' | b';' | b'|' | b'&' | b'(' | b')'
            )
    }

    /// `'…'`, and `$'…'` in which a backslash escapes.
    fn single_quotes(&mut self) {
        let escapes = self.at > 0 && self.text[self.at - 1] == b'$';
        self.at += 1;
        while self.at < self.text.len() && self.text[self.at] != b'\'' {
            self.at += if escapes && self.text[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
    }

    fn substitution(&mut self) {
        self.at += 1;
        self.parenthesis();
    }

    /// `(`: a sum, in which `<<` shifts, or commands.
    fn parenthesis(&mut self) {
        match self.sum_length() {
            Some(length) => self.at += length,
            None => self.enter(Around::Code, 1),
        }
    }

    /// The length of `(( … ))` on this line, if that is what begins here.
    fn sum_length(&self) -> Option<usize> {
        let rest = self.rest();
        if !rest.starts_with("((") {
            return None;
        }
        let mut depth = 0_usize;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' if depth == 1 => return rest[..at].ends_with(')').then_some(at + 1),
                b')' => depth -= 1,
                b'\n' => return None,
                _ => {}
            }
        }
        None
    }

    /// `<<END`, `<<-'END'`, `<< \END`
    fn operator(&mut self) {
        let start = self.at;
        self.at += 2;
        let strips_tabs = self.text.get(self.at) == Some(&b'-');
        self.at += usize::from(strips_tabs);
        while matches!(self.text.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let word = self.at;
        let mut delimiter = Vec::new();
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'|' | b'&' | b'<' | b'>' | b'(' | b')' => break,
                b'\\' => {
                    delimiter.extend(self.text.get(self.at + 1));
                    self.at += 2;
                }
                quote @ (b'\'' | b'"') => {
                    let quote = *quote;
                    let inside = self.at + 1;
                    self.at = inside;
                    self.skip_to(quote);
                    delimiter.extend(&self.text[inside..self.at]);
                    self.at += 1;
                }
                byte => {
                    delimiter.push(*byte);
                    self.at += 1;
                }
            }
        }
        self.at = self.at.min(self.text.len());
        if self.at > word {
            let quoted = self.text[word..self.at]
                .iter()
                .any(|byte| matches!(byte, b'\'' | b'"' | b'\\'));
            let delimiter = String::from_utf8_lossy(&delimiter).into_owned();
            self.open.push(Open {
                operator: start..self.at,
                word: word..self.at,
                delimiter,
                quoted,
                strips_tabs,
            });
        }
    }

    /// The bodies of the line's operators, one after the other.
    fn bodies(&mut self) {
        for open in std::mem::take(&mut self.open) {
            let start = self.at;
            while self.at < self.text.len() {
                let line_start = self.at;
                self.skip_to(b'\n');
                let line = &self.script[line_start..self.at];
                self.at = (self.at + 1).min(self.text.len());
                let line = if open.strips_tabs {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                if line == open.delimiter {
                    break;
                }
            }
            self.found.push(HereDoc {
                operator: open.operator,
                word: open.word,
                delimiter: open.delimiter,
                body: start..self.at,
                quoted: open.quoted,
            });
        }
    }
}
