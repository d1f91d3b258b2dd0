//! Interpolations in scripts: where the shell would expand them, and what they become.
//!
//! Promise: a value is never code. `{{ expr }}` becomes a reference to an environment variable, quoted as its place
//! needs; its text is not spliced in. Where the shell does not expand (single quotes, quoted here-documents, comments)
//! `{{ … }}` is plain text and stays. Absent: running anything; other languages, in whose scripts `{{` means nothing.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use dsl_syntax::ast::{self, ExprKind, Raw, RawInterp};
use ir::plan::Binding;
use ir::types::Type;
use smol_str::{SmolStr, format_smolstr};
use tree_sitter::{Node, Parser, Tree};

mod heredoc;
mod parted;
mod prints;
mod redirects;
mod unquote;

use heredoc::{HereDoc, here_documents, without_quotes};
pub(crate) use parted::{can_join, can_part};
pub(crate) use prints::{Printed, printed};
use unquote::{in_block, unquoted};

use super::env::{Env, Lookup};
use super::infer::Checker;
use super::problem::{Quoting, Report, Unquoted};

/// Where in a script an interpolation stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In or as a word: split and globbed by the shell if it were not quoted.
    Bare,
    DoubleQuoted,
    /// In a here-document whose delimiter is not quoted.
    HereDoc,
    /// `$(( … ))`, `(( … ))`, `a[…]`, `${x:…}`, `[[ … -eq … ]]`, `let …`: the shell evaluates the *text* of what it
    /// finds there, so that only an integer is safe.
    Arithmetic,
    Comment,
    /// The shell takes it as it stands.
    Plain(Quoting),
}

/// Who reads a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// `bash`, `sh`, and what is like them.
    Shell,
    /// Anything else: `{{` is plain text, values come from the environment.
    Other,
}

/// A script as its interpreter gets it, and the variables it refers to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lowered {
    pub text: SmolStr,
    /// `DSLC_1`, …, in order of appearance.
    pub vars: Vec<Binding>,
}

/// Turns the interpolations of a script into variables.
pub fn lower_script(script: &Raw, language: Language, env: &dyn Env, report: &mut Report) -> Lowered {
    if language == Language::Other || script.interps.is_empty() {
        return Lowered {
            text: script.text.clone(),
            vars: Vec::new(),
        };
    }
    let (places, documents) = places_in(script);
    let mut lowering = Lowering {
        script,
        documents,
        env,
        report,
        vars: Vec::new(),
        types: Vec::new(),
        by_text: HashMap::new(),
        unquoted: HashMap::new(),
    };
    let mut text = String::with_capacity(script.text.len());
    let mut done = 0;
    for (interp, place) in script.interps.iter().zip(places) {
        text.push_str(&script.text[done..interp.start as usize]);
        done = interp.end as usize;
        match lowering.variable(interp, place) {
            Some(number) => push_reference(&mut text, place, number),
            None => text.push_str(&script.text[interp.start as usize..interp.end as usize]),
        }
    }
    text.push_str(&script.text[done..]);
    Lowered {
        text: text.into(),
        vars: lowering.vars,
    }
}

struct Lowering<'a> {
    script: &'a Raw,
    documents: Vec<HereDoc>,
    env: &'a dyn Env,
    report: &'a mut Report,
    vars: Vec<Binding>,
    /// Of `vars`.
    types: Vec<Type>,
    /// The number of the variable that holds an expression, by how it is written.
    by_text: HashMap<&'a str, usize>,
    /// What makes a quoted here-document expand its values and nothing else, by the number of the document.
    unquoted: HashMap<usize, Option<Unquoted>>,
}

impl<'a> Lowering<'a> {
    /// The number (from 1) of the variable for an interpolation; `None` where it stays as it is.
    fn variable(&mut self, interp: &'a RawInterp, place: Place) -> Option<usize> {
        match place {
            Place::Comment => None,
            Place::Plain(quoting) => {
                self.plain_text(interp, quoting);
                None
            }
            Place::Bare | Place::DoubleQuoted | Place::HereDoc | Place::Arithmetic => match &interp.expr {
                Ok(expr) => {
                    let number = self.value(interp, expr, place)?;
                    if ends_in_dollar(before(self.script, interp)) {
                        let text = written(self.script, interp);
                        self.report
                            .stray_dollar(interp.span, text, "remove it, or write `\\$` if it is meant");
                    }
                    Some(number)
                }
                Err(error) => {
                    self.report.syntax(error);
                    None
                }
            },
        }
    }

    fn value(&mut self, interp: &'a RawInterp, expr: &ast::Expr, place: Place) -> Option<usize> {
        let written = written(self.script, interp);
        let key = written.trim_start_matches('{').trim_end_matches('}').trim();
        let index = match self.by_text.get(key) {
            Some(index) => *index,
            None => {
                let typed = Checker::new(self.env, self.report).renderable(expr);
                if typed.is_error() {
                    return None;
                }
                let name = format_smolstr!("DSLC_{}", self.vars.len() + 1);
                self.vars.push(Binding {
                    name,
                    value: typed.expr,
                });
                self.types.push(typed.ty);
                self.by_text.insert(key, self.vars.len() - 1);
                self.vars.len() - 1
            }
        };
        if place == Place::Arithmetic && !matches!(self.types[index], Type::Int(_)) {
            self.report.text_in_arithmetic(interp.span, &self.types[index]);
            return None;
        }
        Some(index + 1)
    }

    /// Plain text that looks like a value of the plan is a mistake; anything else means what it says.
    fn plain_text(&mut self, interp: &RawInterp, quoting: Quoting) {
        if !is_value(self.env, interp) {
            return;
        }
        let unquoted = self.unquoted(interp).cloned();
        let text = written(self.script, interp);
        let lead = match quoting {
            // a string has two for one
            Quoting::Backslash if in_block(self.script, interp.start as usize) != Some(interp.span.start) => 2,
            Quoting::Backslash => 1,
            _ => u32::from(ends_in_dollar(before(self.script, interp)) && self.is_text(interp)),
        };
        let touched = || {
            let (before, behind) = (before(self.script, interp), &self.script.text[interp.end as usize..]);
            before.ends_with('\'') && behind.starts_with('\'')
        };
        let quoting = match quoting {
            Quoting::Single if touched() => Quoting::Alone,
            quoting => quoting,
        };
        self.report
            .interpolation_in_quotes(interp.span, text, quoting, unquoted, lead);
    }

    /// Neither the number of a column, as in `awk '{ print ${{ params.column }} }'`, nor a price.
    fn is_text(&self, interp: &RawInterp) -> bool {
        let mut silent = Report::default();
        let expr = interp.expr.as_ref().ok();
        expr.is_some_and(|expr| Checker::new(self.env, &mut silent).renderable(expr).ty.is_text())
    }

    /// Of the quoted here-document that an interpolation stands in.
    fn unquoted(&mut self, interp: &RawInterp) -> Option<&Unquoted> {
        let number = at(&self.documents, |document| &document.body, interp.start as usize)?;
        let document = self.documents.get(number).filter(|document| document.quoted)?;
        let (script, env) = (self.script, self.env);
        let repair = self.unquoted.entry(number);
        let repair = repair.or_insert_with(|| unquoted(script, document, |interp| is_value(env, interp)));
        repair.as_ref()
    }
}

/// Whether an interpolation looks like a value of the plan.
fn is_value(env: &dyn Env, interp: &RawInterp) -> bool {
    let name = interp.expr.as_ref().ok().and_then(first_name);
    name.is_some_and(|(name, span)| !matches!(env.first(name, span, &mut Report::default()), Lookup::NotFound { .. }))
}

fn written<'s>(script: &'s Raw, interp: &RawInterp) -> &'s str {
    &script.text[interp.start as usize..interp.end as usize]
}

fn before<'s>(script: &'s Raw, interp: &RawInterp) -> &'s str {
    &script.text[..interp.start as usize]
}

/// The name that an expression begins with.
fn first_name(expr: &ast::Expr) -> Option<(&SmolStr, ast::Span)> {
    let mut at = expr;
    loop {
        at = match &at.kind {
            ExprKind::Name(name) => return Some((name, at.span)),
            ExprKind::Paren(inner) => inner,
            ExprKind::Pipe { lhs, .. } | ExprKind::Binary { lhs, .. } => lhs,
            ExprKind::Field { base, .. } | ExprKind::Index { base, .. } => base,
            ExprKind::Unary { expr, .. } | ExprKind::Is { expr, .. } | ExprKind::Cast { expr, .. } => expr,
            ExprKind::If { then, .. } => then,
            ExprKind::Call { args, .. } => &args.first()?.value,
            _ => return None,
        }
    }
}

/// Appends the reference to variable `number`, so that what stands before it keeps its meaning.
fn push_reference(text: &mut String, place: Place, number: usize) {
    if place != Place::Arithmetic {
        protect_dollar(text);
        // Inside quotes a backslash before `{` is itself; before `$` it would not be.
        if place != Place::Bare && backslashes(text) % 2 == 1 {
            text.push('\\');
        }
    }
    match place {
        Place::Bare => text.push_str(&format!("\"${{DSLC_{number}}}\"")),
        _ => text.push_str(&format!("${{DSLC_{number}}}")),
    }
}

/// A `$` before `{{` is a dollar sign; before `"` or `${` it would begin something else.
fn protect_dollar(text: &mut String) {
    if ends_in_dollar(text) {
        text.insert(text.len() - 1, '\\');
    }
}

/// Whether the text ends in a `$` that has no backslash, and is not the end of `$$`.
fn ends_in_dollar(text: &str) -> bool {
    let before = text.trim_end_matches('$');
    let run = text.len() - before.len();
    let escaped = usize::from(run > 0 && backslashes(before) % 2 == 1);
    (run - escaped) % 2 == 1
}

fn backslashes(text: &str) -> usize {
    text.len() - text.trim_end_matches('\\').len()
}

// ---- places ----

/// The place of each interpolation of a shell script.
pub fn places(script: &Raw) -> Vec<Place> {
    places_in(script).0
}

/// And the here-documents among which they stand.
fn places_in(script: &Raw) -> (Vec<Place>, Vec<HereDoc>) {
    if script.interps.is_empty() {
        return (Vec::new(), Vec::new());
    }
    if is_plain(script) {
        return (vec![Place::Bare; script.interps.len()], Vec::new());
    }
    let words = with_words(script);
    let documents = here_documents(&words);
    let outside = Outside::of(&words, &documents);
    let place = |interp: &RawInterp| {
        let range = interp.start as usize..interp.end as usize;
        if at(&documents, |document| &document.operator, range.start).is_some() {
            return Place::Plain(Quoting::Delimiter);
        }
        let place = match at(&documents, |document| &document.body, range.start) {
            Some(number) => in_document(&words, &documents[number], range.clone()),
            None => outside.place(range.clone()),
        };
        match place {
            Place::Bare if backslashes(&words[..range.start]) % 2 == 1 => Place::Plain(Quoting::Backslash),
            place => place,
        }
    };
    let places = script.interps.iter().map(place).collect();
    (places, documents)
}

/// The number of the document whose part of that kind has this place; the parts follow each other.
fn at(documents: &[HereDoc], part: impl Fn(&HereDoc) -> &Range<usize>, place: usize) -> Option<usize> {
    let number = documents.partition_point(|document| part(document).end <= place);
    let found = documents.get(number)?;
    part(found).contains(&place).then_some(number)
}

/// Whether no character of the script could make a place other than bare: no need to parse it.
fn is_plain(script: &Raw) -> bool {
    let mut done = 0;
    let mut parts = Vec::with_capacity(script.interps.len() + 1);
    for interp in &script.interps {
        parts.push(&script.text[done..interp.start as usize]);
        done = interp.end as usize;
    }
    parts.push(&script.text[done..]);
    let special = ['\'', '"', '`', '#', '\\', '[', '(', ':'];
    let calculates = ["<<", "let ", "declare ", "local ", "typeset "];
    parts
        .iter()
        .all(|part| !part.contains(special) && !calculates.iter().any(|word| part.contains(word)))
}

/// The script with a word as long as each interpolation in its place.
fn with_words(script: &Raw) -> String {
    let mut words = String::with_capacity(script.text.len());
    for interp in &script.interps {
        words.push_str(&script.text[words.len()..interp.start as usize]);
        words.extend(std::iter::repeat_n('x', (interp.end - interp.start) as usize));
    }
    words.push_str(&script.text[words.len()..]);
    words
}

/// A script without its here-documents, parsed.
struct Outside {
    text: String,
    tree: Option<Tree>,
}

impl Outside {
    /// An operator becomes a redirection from a word, a body blank lines, all as long as they were.
    fn of(words: &str, documents: &[HereDoc]) -> Self {
        let mut text = words.as_bytes().to_vec();
        for document in documents {
            let operator = &mut text[document.operator.clone()];
            operator.fill(b'x');
            operator[0] = b'<';
            text[document.body.clone()]
                .iter_mut()
                .filter(|byte| **byte != b'\n')
                .for_each(|byte| *byte = b' ');
        }
        let text = String::from_utf8(text).unwrap_or_default();
        Self {
            tree: parse(&text),
            text,
        }
    }

    fn place(&self, range: Range<usize>) -> Place {
        let root = self.tree.as_ref().map(Tree::root_node);
        let node = root.and_then(|root| root.descendant_for_byte_range(range.start, range.end));
        node.map_or(Place::Bare, |node| place_of(node, &self.text))
    }
}

/// In the body of a here-document: in the text itself, or in a substitution.
fn in_document(words: &str, document: &HereDoc, range: Range<usize>) -> Place {
    if document.quoted {
        return Place::Plain(Quoting::HereDoc);
    }
    let body = &words[document.body.clone()];
    if !["$(", "`", "$[", "${"].iter().any(|opening| body.contains(opening)) {
        return Place::HereDoc;
    }
    // To the shell a body is a quoted string in which quotes are themselves; as one it is read.
    const HEAD: &str = ": \"";
    let text = format!("{HEAD}{}\"\n", without_quotes(body));
    let tree = parse(&text);
    let start = HEAD.len() + range.start - document.body.start;
    let root = tree.as_ref().map(Tree::root_node);
    let node = root.and_then(|root| root.descendant_for_byte_range(start, start + range.len()));
    match node.map_or(Place::HereDoc, |node| place_of(node, &text)) {
        Place::DoubleQuoted if node.is_some_and(is_outermost_string) => Place::HereDoc,
        place => place,
    }
}

/// Whether the string around a word is the one that the script begins with.
fn is_outermost_string(word: Node<'_>) -> bool {
    let strings = std::iter::successors(word.parent(), Node::parent);
    strings
        .map(|node| node.kind())
        .filter(|kind| matches!(*kind, "string" | "command_substitution"))
        .count()
        == 1
}

fn parse(text: &str) -> Option<Tree> {
    thread_local! {
        static READER: RefCell<Option<Reader>> = RefCell::new(Reader::new());
    }
    READER.with_borrow_mut(|reader| reader.as_mut()?.read(text))
}

/// A parser, and what it read last: the scripts around one that is being edited are read again with it, and are as they were.
struct Reader {
    parser: Parser,
    recent: VecDeque<(String, Tree)>,
}

impl Reader {
    /// So many scripts are remembered, …
    const RECENT_MAX: usize = 32;
    /// … if they have no more bytes than that.
    const BYTES_MAX: usize = 4096;

    /// The grammar is built in: it fits the library, or the tests fail.
    fn new() -> Option<Self> {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
        let recent = VecDeque::with_capacity(Self::RECENT_MAX);
        Some(Self { parser, recent })
    }

    fn read(&mut self, text: &str) -> Option<Tree> {
        if let Some((_, tree)) = self.recent.iter().find(|(known, _)| known == text) {
            return Some(tree.clone());
        }
        let tree = self.parser.parse(text, None)?;
        if text.len() <= Self::BYTES_MAX {
            self.recent.truncate(Self::RECENT_MAX - 1);
            self.recent.push_front((text.to_owned(), tree.clone()));
        }
        Some(tree)
    }
}

/// The innermost construct around a word that says how the shell reads it.
fn place_of(word: Node<'_>, text: &str) -> Place {
    let mut at = Some(word);
    let mut compares_numbers = false;
    let mut quoted = false;
    while let Some(node) = at {
        match node.kind() {
            "raw_string" => return Place::Plain(Quoting::Single),
            "ansi_c_string" => return Place::Plain(Quoting::AnsiC),
            "comment" => return Place::Comment,
            "string" => quoted = true,
            "arithmetic_expansion" | "subscript" => return Place::Arithmetic,
            "expansion" if is_offset(node, word) => return Place::Arithmetic,
            "compound_statement" | "test_command" if begins(node, text, "((") => {
                return Place::Arithmetic;
            }
            "test_command" if compares_numbers && begins(node, text, "[[") => {
                return Place::Arithmetic;
            }
            "c_style_for_statement" => return Place::Arithmetic,
            "binary_expression" => compares_numbers |= compares_as_numbers(node, text),
            "command" | "declaration_command" if calculates(node, text) => {
                return Place::Arithmetic;
            }
            // Commands of their own: what is around them does not matter.
            "command_substitution" | "process_substitution" | "do_group" | "compound_statement" | "subshell" => break,
            _ => {}
        }
        at = node.parent();
    }
    if quoted { Place::DoubleQuoted } else { Place::Bare }
}

fn begins(node: Node<'_>, text: &str, with: &str) -> bool {
    text[node.start_byte()..].starts_with(with)
}

/// `${x:HERE}`, `${x:0:HERE}`
fn is_offset(expansion: Node<'_>, word: Node<'_>) -> bool {
    let mut cursor = expansion.walk();
    let mut after_colon = false;
    for child in expansion.children(&mut cursor) {
        if child.start_byte() <= word.start_byte() && word.end_byte() <= child.end_byte() {
            return after_colon;
        }
        after_colon |= child.kind() == ":";
    }
    false
}

fn compares_as_numbers(node: Node<'_>, text: &str) -> bool {
    let operator = node
        .child_by_field_name("operator")
        .map(|operator| &text[operator.byte_range()]);
    matches!(operator, Some("-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge"))
}

/// `let …`, `declare -i …`: built-in commands that evaluate their arguments.
fn calculates(command: Node<'_>, text: &str) -> bool {
    if command.kind() == "command" {
        return command
            .child_by_field_name("name")
            .is_some_and(|name| &text[name.byte_range()] == "let");
    }
    let mut cursor = command.walk();
    command.children(&mut cursor).any(|option| {
        let option = &text[option.byte_range()];
        option.starts_with('-') && option.contains('i')
    })
}
