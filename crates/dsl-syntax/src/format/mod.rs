//! The formatter: one way to write a plan.
//!
//! It prints the token vector line by line, with the house's indentation, spaces and blank lines. Comments, scripts and
//! clauses that nobody knows stay what they are. Promise: what it returns means the same as what it was given and
//! formats to itself; text with errors, and any result that would break the promise, is refused.

mod clause;
mod guard;
mod hints;
mod spacing;

use std::fmt;

use self::clause::{Clause, INDENT};
use self::hints::Hints;
use crate::ast::{Block, Span, SyntaxError, SyntaxRule};
use crate::lexer::lex;
use crate::messages;
use crate::parse::parse_file;
use crate::token::{Kind, Lexed, Line, LineKind};

/// Why a text is not formatted.
#[derive(Clone, PartialEq, Debug)]
pub enum FormatError {
    /// It has errors; the first of them, its places counted from the start of the text.
    Syntax(Box<SyntaxError>),
    /// The result would differ in more than its looks. A mistake of the formatter; the text is left alone.
    Changed(&'static str),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => {
                write!(f, "text with errors is not formatted: {}", error.message)
            }
            Self::Changed(what) => write!(f, "formatting would change {what}, so the text is left as it is"),
        }
    }
}

impl std::error::Error for FormatError {}

/// The text in the house style.
pub fn format(text: &str) -> Result<String, FormatError> {
    let blocks = parse_file(text);
    for (offset, block) in &blocks {
        if let Some(error) = block.errors.first() {
            return Err(FormatError::Syntax(Box::new(error.clone().shifted(*offset))));
        }
    }
    let lexed = lex(text);
    // in a clause that nobody knows, the parser complains of nothing
    if let Some(error) = lexed.errors.first() {
        return Err(FormatError::Syntax(Box::new(error.clone())));
    }
    if let Some(at) = reached_from_above(&lexed, &blocks) {
        let message = "a line above is not closed, expected it to end before the declaration".to_owned();
        let error = messages::error(SyntaxRule::Syntax, message, Span::new(at, at), None);
        return Err(FormatError::Syntax(Box::new(error)));
    }
    let hints = Hints::of(&blocks);
    let printed = Printer {
        text,
        lexed: &lexed,
        hints: &hints,
        out: String::with_capacity(text.len() + 64),
    }
    .run();
    guard::same(text, &lexed, &blocks, &printed)?;
    Ok(printed)
}

/// The first block that a bracket or a bar of an unknown clause above would take in, if the text were one block.
fn reached_from_above(lexed: &Lexed, blocks: &[(u32, Block)]) -> Option<u32> {
    let mut starts = blocks.iter().map(|(start, _)| *start).peekable();
    lexed.lines.iter().find_map(|line| {
        let tokens = &lexed.tokens[line.tokens.start as usize..line.tokens.end as usize];
        let last = tokens.iter().rev().find(|token| !token.kind.is_trivia())?;
        while starts.next_if(|start| *start <= tokens[0].start).is_some() {}
        starts.peek().copied().filter(|start| *start < last.end)
    })
}

struct Printer<'a> {
    text: &'a str,
    lexed: &'a Lexed,
    hints: &'a Hints,
    out: String,
}

/// What is known of the lines above.
#[derive(Default)]
struct Above {
    /// The indentations of the clause above and of what it stands in; their number is the depth of what is below it.
    indents: Vec<u32>,
    /// The depth of the last line printed, and whether it was a clause.
    depth: usize,
    was_code: bool,
    /// The depth of the last clause printed, if it has a raw block, starts one or leaves a bracket open: what is deeper
    /// would be a line of it.
    open: Option<usize>,
    /// A blank line stands above.
    blank: bool,
}

impl<'a> Printer<'a> {
    fn run(mut self) -> String {
        let mut above = Above::default();
        let lines = &self.lexed.lines;
        let mut at = 0;
        while at < lines.len() {
            if lines[at].kind == LineKind::Blank {
                above.blank = true;
                at += 1;
                continue;
            }
            // A run of comments and the clause right below it, if there is one.
            let run = lines[at..]
                .iter()
                .take_while(|line| matches!(line.kind, LineKind::Comment | LineKind::Doc))
                .count();
            let code = lines.get(at + run).filter(|line| line.kind == LineKind::Code);
            self.run_of_lines(&lines[at..at + run], code, &mut above);
            at += run + usize::from(code.is_some());
        }
        self.out
    }

    fn run_of_lines(&mut self, comments: &[Line], code: Option<&Line>, above: &mut Above) {
        let own_depths: Vec<usize> = comments.iter().map(|line| above.depth_at(line.indent)).collect();
        let header = code.and_then(|line| self.hints.header(self.first_offset(line)));
        if header.is_some_and(|header| header.in_plan) {
            above.indents.truncate(1);
        }
        let code_depth = code.map(|line| above.enter(line.indent));
        // Comments right above a header go with it, unless they are deeper; those must not come to touch it either. One
        // that allows something there goes with it wherever it stands.
        let attached = comments
            .iter()
            .rev()
            .take_while(|line| code.is_some_and(|code| line.indent <= code.indent))
            .count();
        let allows = comments.iter().position(|line| self.is_suppression(line));
        let detached = match (comments.len() - attached, allows) {
            (detached, Some(allows)) if code.is_some() => detached.min(allows),
            (detached, _) => detached,
        };
        let separated = header.is_some_and(|header| header.separated || detached > 0);
        for (index, line) in comments.iter().enumerate() {
            // A comment that stands further out than the clause below is moved in to it.
            let depth = match code_depth.filter(|depth| above.open.is_none_or(|open| *depth <= open)) {
                // one that documents nothing does not begin to
                Some(code) if (detached..comments.len() - attached).contains(&index) && line.kind == LineKind::Doc => {
                    own_depths[index].max(code + 1)
                }
                Some(code) if index >= detached => code,
                code => own_depths[index].max(code.unwrap_or(0)),
            };
            self.blank_above(above, depth, separated && index == detached);
            self.comment(line, depth);
            above.printed(depth, false);
        }
        if let (Some(line), Some(depth)) = (code, code_depth) {
            self.blank_above(above, depth, separated && detached == comments.len());
            let is_allowed = comments[detached..].iter().any(|line| self.is_suppression(line));
            let leaves_open = self.clause(line, depth, is_allowed);
            above.printed(depth, true);
            let mut ends = self.tokens(line).iter().rev().map(|token| token.kind);
            let last = ends.find(|kind| !kind.is_trivia() && *kind != Kind::Newline);
            above.open = (leaves_open || matches!(last, Some(Kind::Bar | Kind::Raw))).then_some(depth);
        }
    }

    /// One blank line where there was one or where one must be; none at the start of the text or of a body.
    fn blank_above(&mut self, above: &Above, depth: usize, wanted: bool) {
        let opens_body = above.was_code && depth > above.depth;
        if !self.out.is_empty() && (wanted || above.blank && !opens_body) {
            self.out.push('\n');
        }
    }

    fn comment(&mut self, line: &Line, depth: usize) {
        self.out.extend(std::iter::repeat_n(' ', depth * INDENT));
        for token in self
            .tokens(line)
            .iter()
            .filter(|token| matches!(token.kind, Kind::Comment | Kind::Doc))
        {
            self.out.push_str(self.text[token.range()].trim_end());
        }
        self.out.push('\n');
    }

    /// `# allow(rule)`: it is about the line below it, and about nothing that would be moved away from there.
    fn is_suppression(&self, line: &Line) -> bool {
        let comment = self.tokens(line).iter().find(|token| token.kind == Kind::Comment);
        comment.is_some_and(|token| {
            self.text[token.range()]
                .trim_start_matches(['#', ' '])
                .starts_with("allow(")
        })
    }

    /// Returns whether it leaves a bracket open.
    fn clause(&mut self, line: &Line, depth: usize, is_allowed: bool) -> bool {
        let (text, tokens, hints) = (self.text, self.tokens(line), self.hints);
        let header = self.hints.header(self.first_offset(line));
        let clause = Clause {
            text,
            tokens,
            depth,
            hints,
            attributes_from: header.map(|header| header.lead_end),
        };
        let Some(header) = header.filter(|header| !header.below.is_empty() && !is_allowed) else {
            return clause::print(&clause, &mut self.out);
        };
        let moved = |start: u32| {
            header
                .below
                .iter()
                .any(|attribute| attribute.start <= start && start < attribute.end)
        };
        let kept: Vec<_> = tokens.iter().filter(|token| !moved(token.start)).copied().collect();
        let mut leaves_open = clause::print(
            &Clause {
                tokens: &kept,
                ..clause
            },
            &mut self.out,
        );
        for attribute in &header.below {
            let inside = |start: u32| attribute.start <= start && start < attribute.end;
            let own: Vec<_> = tokens.iter().filter(|token| inside(token.start)).copied().collect();
            leaves_open |= clause::print(
                &Clause {
                    tokens: &own,
                    depth: depth + 1,
                    attributes_from: None,
                    ..clause
                },
                &mut self.out,
            );
        }
        leaves_open
    }

    fn tokens(&self, line: &Line) -> &'a [crate::token::Token] {
        &self.lexed.tokens[line.tokens.start as usize..line.tokens.end as usize]
    }

    /// Where the first token of the line that is no space stands.
    fn first_offset(&self, line: &Line) -> u32 {
        self.tokens(line)
            .iter()
            .find(|token| token.kind != Kind::Space)
            .map_or(0, |token| token.start)
    }
}

impl Above {
    /// How deep a comment with this indentation stands below what is above it.
    fn depth_at(&self, indent: u32) -> usize {
        self.indents.iter().take_while(|above| **above < indent).count()
    }

    /// The depth of a clause with this indentation, which is what stands above from here on.
    fn enter(&mut self, indent: u32) -> usize {
        while self.indents.last().is_some_and(|above| *above >= indent) {
            self.indents.pop();
        }
        self.indents.push(indent);
        self.indents.len() - 1
    }

    fn printed(&mut self, depth: usize, was_code: bool) {
        (self.depth, self.was_code, self.blank) = (depth, was_code, false);
    }
}

impl SyntaxError {
    /// The same error seen from the start of the file, for a block at `offset`.
    pub fn shifted(mut self, offset: u32) -> Self {
        self.span = self.span.shifted(offset);
        if let Some(fix) = &mut self.fix {
            fix.span = fix.span.shifted(offset);
        }
        self
    }
}
