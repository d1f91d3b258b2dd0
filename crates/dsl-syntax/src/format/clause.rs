//! Prints one logical line: its tokens with the house's spaces, its own line breaks, its comments, its raw block.

use super::hints::Hints;
use super::spacing::{Gap, Sign, operand_ends, space};
use crate::grammar::Tok;
use crate::raw;
use crate::token::{Kind, Token};

pub(super) const INDENT: usize = 2;

/// What the printer has to know about a clause besides its tokens.
pub(super) struct Clause<'a> {
    pub text: &'a str,
    pub tokens: &'a [Token],
    pub depth: usize,
    pub hints: &'a Hints,
    /// From this offset on, colons are those of attributes.
    pub attributes_from: Option<u32>,
}

/// Appends the clause, with its line end; returns whether it leaves a bracket open, as one that nobody knows may.
pub(super) fn print(clause: &Clause<'_>, out: &mut String) -> bool {
    Printer {
        clause,
        out,
        brackets: Vec::new(),
        strings: Vec::new(),
        level: 0,
        line: 0,
        fresh: true,
        printed: 0,
        before: None,
        previous: None,
        end: 0,
        sign: Sign::Other,
    }
    .run()
}

struct Printer<'a, 'o> {
    clause: &'a Clause<'a>,
    out: &'o mut String,
    brackets: Vec<Open>,
    /// The brackets that were open where each open string began; its text is printed as it is.
    strings: Vec<usize>,
    /// How much deeper than the clause the current line is.
    level: usize,
    /// The number of the current line.
    line: usize,
    /// Nothing stands on the line yet but its indentation.
    fresh: bool,
    /// How many tokens have been printed; a key and its colon are two.
    printed: usize,
    before: Option<Tok<'a>>,
    previous: Option<Tok<'a>>,
    end: u32,
    sign: Sign,
}

/// An open bracket.
struct Open {
    closer: Kind,
    /// Of the line that it stands on.
    level: usize,
    line: usize,
}

impl<'a> Printer<'a, '_> {
    fn run(mut self) -> bool {
        let tokens = self.clause.tokens;
        self.indent(0);
        let mut at = 0;
        while at < tokens.len() {
            let token = tokens[at];
            match token.kind {
                Kind::Space | Kind::Blank => {}
                Kind::Newline => break,
                Kind::Eol if tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Raw) => {}
                Kind::Eol => self.line_break(&tokens[at + 1..]),
                Kind::Comment => self.comment(token),
                Kind::Raw => {
                    self.out.push('\n');
                    self.raw(token);
                    return false;
                }
                _ => self.token(token),
            }
            at += 1;
        }
        self.out.push('\n');
        !self.brackets.is_empty()
    }

    fn token(&mut self, token: Token) {
        let next = Tok {
            kind: token.kind,
            text: &self.clause.text[token.range()],
        };
        if let Some(previous) = self.previous.filter(|_| !self.fresh) {
            if self.clause.hints.is_verbatim(token.start) {
                self.out
                    .push_str(&self.clause.text[self.end as usize..token.start as usize]);
            } else {
                if self.comma_belongs(next) {
                    self.out.push(',');
                }
                if self.gap(previous, next) {
                    self.out.push(' ');
                }
            }
        }
        self.out.push_str(next.text);
        self.sign = match next.kind {
            Kind::Minus if self.previous.is_none() => Sign::Item,
            Kind::Minus
                if !self
                    .previous
                    .is_some_and(|previous| operand_ends(previous, self.before)) =>
            {
                Sign::Unary
            }
            _ => Sign::Other,
        };
        match next.kind {
            Kind::StrStart | Kind::InterpStart => self.strings.push(self.brackets.len()),
            Kind::StrEnd | Kind::InterpEnd => {
                self.strings.pop();
            }
            kind if kind.is_closer() => {
                // one that fits no bracket closes none, as in the lexer
                if let Some(at) = self.brackets.iter().rposition(|open| open.closer == kind) {
                    self.brackets.truncate(at);
                }
            }
            kind => self.brackets.extend(kind.closer().map(|closer| Open {
                closer,
                level: self.level,
                line: self.line,
            })),
        }
        self.fresh = false;
        self.printed += 1;
        (self.before, self.previous, self.end) = (self.previous, Some(next), token.end);
    }

    fn comma_belongs(&self, next: Tok<'_>) -> bool {
        next.kind != Kind::Comma && self.clause.hints.commas.binary_search(&self.end).is_ok()
    }

    fn gap(&self, previous: Tok<'a>, next: Tok<'a>) -> bool {
        if next.kind == Kind::StrText || previous.kind == Kind::StrText {
            return false;
        }
        match (previous.kind, next.kind) {
            (Kind::StrStart | Kind::InterpEnd, Kind::InterpStart | Kind::StrEnd) => return false,
            (Kind::InterpStart, _) | (_, Kind::InterpEnd) => return true,
            _ => {}
        }
        if next.kind == Kind::RBracket && self.brackets.last().is_some_and(|open| open.line != self.line) {
            // `… } ]` closes what an earlier line opened.
            return true;
        }
        let in_attributes = self.brackets.is_empty() && self.clause.attributes_from.is_some_and(|from| from < self.end);
        if previous.kind == Kind::Comma && in_attributes {
            // A space would end the list.
            return false;
        }
        let attribute = previous.kind == Kind::Colon
            && self.brackets.is_empty()
            && (in_attributes
                || self
                    .before
                    .is_some_and(|word| matches!(word.text, "scope" | "severity"))
                    && self.printed > 2);
        space(&Gap {
            before_previous: self.before,
            previous,
            next,
            attribute,
            sign: self.sign,
        })
    }

    fn comment(&mut self, token: Token) {
        if !self.fresh {
            self.out.push_str("  ");
        }
        self.out.push_str(self.clause.text[token.range()].trim_end());
    }

    /// A line break that the author made inside brackets stays; blank lines there do not.
    fn line_break(&mut self, rest: &[Token]) {
        self.out.push('\n');
        self.line += 1;
        let next = rest
            .iter()
            .find(|token| !matches!(token.kind, Kind::Space | Kind::Blank | Kind::Eol));
        self.level = match self.brackets.last() {
            Some(open) if next.is_some_and(|token| token.kind == open.closer) => open.level,
            Some(open) => open.level + 1,
            None => 1,
        };
        self.indent(self.level);
        self.fresh = true;
    }

    fn raw(&mut self, token: Token) {
        let raw = raw::raw(self.clause.text, token.range());
        for line in raw.text.lines() {
            if !line.is_empty() {
                self.indent(1);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    fn indent(&mut self, level: usize) {
        self.out
            .extend(std::iter::repeat_n(' ', (self.clause.depth + level) * INDENT));
    }
}
