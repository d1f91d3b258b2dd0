//! What must hold of any text. A property says what is wrong; a panic is wrong whatever it says.

use std::path::Path;

use dsl_check::{Diagnostic, Fix, Workspace};
use dsl_syntax::ast::Block;
use dsl_syntax::{Document, FormatError, format, parse_file, tokens};

use crate::random::Random;
use crate::{mutate, repairs};

/// What is fuzzed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Target {
    /// Tokens and chunks cover every byte
    Lexer,
    /// Trees and their errors lie within the text
    Parser,
    /// Formatting keeps the meaning and formats to itself
    Formatter,
    /// Diagnostics and fixes lie within the text; a safe fix of text that parses leaves text that parses
    Checker,
    /// After any edits, everything is as if it had been read afresh
    Incremental,
    /// Repaired as far as it goes, a plan has no more errors than before, needs no further repair, and formats
    Repair,
}

impl Target {
    pub const ALL: [Self; 6] = [
        Self::Lexer,
        Self::Parser,
        Self::Formatter,
        Self::Checker,
        Self::Incremental,
        Self::Repair,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Lexer => "lexer",
            Self::Parser => "parser",
            Self::Formatter => "formatter",
            Self::Checker => "checker",
            Self::Incremental => "incremental",
            Self::Repair => "repair",
        }
    }

    /// Everything that is promised of these bytes.
    pub fn holds(self, bytes: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(bytes);
        match self {
            Self::Lexer => lexer(&text),
            Self::Parser => parser(&text),
            Self::Formatter => formatter(&text),
            Self::Checker => checker(bytes),
            Self::Incremental => incremental(&text),
            Self::Repair => repairs::hold(bytes),
        }
    }
}

pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn lexer(text: &str) -> Result<(), String> {
    let mut end = 0;
    for token in tokens(text) {
        ensure(token.start == end && token.end >= token.start, || {
            format!("a gap before {token:?}")
        })?;
        ensure(text.is_char_boundary(token.end as usize), || {
            format!("{token:?} ends within a character")
        })?;
        end = token.end;
    }
    ensure(end as usize == text.len(), || {
        "the tokens do not cover the text".to_owned()
    })?;
    ensure(Document::new(text).text() == text, || {
        "the chunks are not the text".to_owned()
    })
}

fn parser(text: &str) -> Result<(), String> {
    let blocks = parse_file(text);
    let mut end = 0;
    for (at, block) in &blocks {
        ensure(*at == end, || format!("a gap before the block at {at}"))?;
        end += block.len;
        for error in &block.errors {
            let (start, stop) = (at + error.span.start, at + error.span.end);
            within(text, start, stop, || format!("the error {:?}", error.message))?;
            ensure(error.span.end <= block.len, || {
                format!("the error {:?} is outside of its block", error.message)
            })?;
        }
    }
    ensure(end as usize == text.len(), || {
        "the blocks do not cover the text".to_owned()
    })?;
    dsl_syntax::parse_expr(text);
    Ok(())
}

fn within(text: &str, start: u32, end: u32, what: impl Fn() -> String) -> Result<(), String> {
    let (start, end) = (start as usize, end as usize);
    ensure(start <= end && end <= text.len(), || {
        format!("{} is outside of the text", what())
    })?;
    ensure(text.is_char_boundary(start) && text.is_char_boundary(end), || {
        format!("{} splits a character", what())
    })
}

fn formatter(text: &str) -> Result<(), String> {
    let formatted = match format(text) {
        Ok(formatted) => formatted,
        Err(FormatError::Syntax(_)) => return Ok(()),
        Err(error @ FormatError::Changed(_)) => return Err(error.to_string()),
    };
    let again = format(&formatted);
    ensure(again.as_deref() == Ok(&*formatted), || {
        format!("formatted again it is {again:?}")
    })?;
    let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).count();
    ensure(comments(text) == comments(&formatted), || {
        "a comment was lost or made".to_owned()
    })
}

pub(crate) fn workspace(bytes: &[u8]) -> Workspace {
    let mut workspace = Workspace::new("/w");
    workspace.set_file("b.plan", b"type U = int\ncapability x.y\n  output:\n    n: int\n");
    workspace.set_file(FILE, bytes);
    workspace
}

pub(crate) const FILE: &str = "a.plan";

fn file() -> &'static Path {
    FILE.as_ref()
}

fn checker(bytes: &[u8]) -> Result<(), String> {
    let workspace = workspace(bytes);
    let found = workspace.diagnostics(file());
    let text = workspace.text(file()).unwrap_or_default();
    for diagnostic in &found {
        if !text.is_empty() {
            diagnostic_is_sound(&text, diagnostic)?;
        }
    }
    ensure(found == self::workspace(bytes).diagnostics(file()), || {
        "checked twice, it differs".to_owned()
    })?;
    for plan in workspace.plans(file()) {
        let compiled = workspace.compile(file(), Some(&plan.name));
        let errors = found
            .iter()
            .any(|diagnostic| diagnostic.severity == dsl_check::Severity::Error);
        ensure(compiled.is_ok() || errors || plan.name.is_empty(), || {
            format!("no error, but `{}` does not compile: {:?}", plan.name, compiled.err())
        })?;
    }
    // what follows a misspelt name has not been read before
    let is_read = |diagnostic: &&Diagnostic| diagnostic.rule != "unknown-clause";
    let fixes = found.iter().filter(is_read).flat_map(|diagnostic| &diagnostic.fixes);
    for fix in fixes.filter(|fix| fix.safe) {
        fix_is_sound(&text, fix)?;
    }
    Ok(())
}

fn diagnostic_is_sound(text: &str, diagnostic: &Diagnostic) -> Result<(), String> {
    let what = || format!("{}: {:?}", diagnostic.rule, diagnostic.message);
    within(text, diagnostic.span.start, diagnostic.span.end, what)?;
    for label in diagnostic.labels.iter().filter(|label| label.file == diagnostic.file) {
        within(text, label.span.start, label.span.end, || {
            format!("a label of {}", what())
        })?;
    }
    for edit in diagnostic.fixes.iter().flat_map(|fix| &fix.edits) {
        within(text, edit.span.start, edit.span.end, || format!("a fix of {}", what()))?;
    }
    ensure(
        !diagnostic.message.is_empty() && !diagnostic.message.contains('\n'),
        || format!("the message is not one line: {}", what()),
    )
}

/// Applied alone, a safe fix of text that parses leaves text that parses. Where the parser stumbles anyway, one mistake
/// may hide another.
fn fix_is_sound(text: &str, fix: &Fix) -> Result<(), String> {
    let mut edits = fix.edits.clone();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let overlap = edits.windows(2).any(|pair| pair[0].span.end > pair[1].span.start);
    ensure(!overlap, || format!("the edits of {:?} overlap", fix.title))?;
    let mut fixed = text.to_owned();
    for edit in edits.iter().rev() {
        fixed.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    let errors = |text: &str| {
        parse_file(text)
            .iter()
            .map(|(_, block): &(u32, Block)| block.errors.len())
            .sum::<usize>()
    };
    ensure(errors(text) > 0 || errors(&fixed) == 0, || {
        format!("{:?} parses worse: {fixed:?}", fix.title)
    })
}

const EDITS: usize = 6;

/// The edits follow from the text, so that the text alone is the case.
fn incremental(text: &str) -> Result<(), String> {
    // the mark is no part of what is edited
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let seed = text
        .bytes()
        .fold(7u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut random = Random::new(seed);
    let mut edited = workspace(text.as_bytes());
    edited.open_file(FILE, text.as_bytes());
    let mut text = text.to_owned();
    for _ in 0..EDITS {
        let (start, end) = mutate::range(&text, &mut random);
        let end = if random.one_in(3) { end } else { start };
        let (from, to) = mutate::range(&text, &mut random);
        let new = match random.below(3) {
            0 => text[from..to].to_owned(),
            1 => random
                .pick(&[
                    "x",
                    "\n",
                    "\"",
                    "  task z\n",
                    "{{",
                    "  needs: a\n",
                    "# allow(unused-name): x\n",
                ])
                .to_owned(),
            _ => String::new(),
        };
        text.replace_range(start..end, &new);
        if text.starts_with('\u{feff}') {
            // nor is one that comes to stand at the start: read afresh it would be left out
            return Ok(());
        }
        let accepted = edited.edit(FILE, start..end, &new);
        ensure(accepted.is_ok(), || {
            format!("the edit {start}..{end} {new:?} was refused")
        })?;
        ensure(edited.text(file()).as_deref() == Some(&*text), || {
            format!("the text after {start}..{end} {new:?}")
        })?;
        let (warm, cold) = (
            edited.diagnostics(file()),
            workspace(text.as_bytes()).diagnostics(file()),
        );
        ensure(warm == cold, || {
            let only = |of: &[Diagnostic], not: &[Diagnostic]| -> Vec<String> {
                let missing = of.iter().filter(|diagnostic| !not.contains(diagnostic));
                missing
                    .map(|diagnostic| format!("{:?} {}", diagnostic.span, diagnostic.message))
                    .collect()
            };
            format!(
                "after {start}..{end} {new:?}: only warm {:?}, only cold {:?}",
                only(&warm, &cold),
                only(&cold, &warm)
            )
        })?;
    }
    Ok(())
}
