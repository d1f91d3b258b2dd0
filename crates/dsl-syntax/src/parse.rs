//! The layout: headers, bodies, and which line belongs to what; driven by the table of declarations.
//!
//! Each clause is read by one rule of the [`Grammar`]. A clause that cannot be read costs that clause, a header costs
//! the header and keeps the body, and every mistake is reported once. Absent: meaning; an unknown clause is skipped and
//! left for the checker to name.

mod body;
mod reading;
mod values;

use std::ops::Range;
use std::sync::Arc;

use crate::ast::{
    Block, BlockKind, Clause, Decl, Expr, ExprKind, Item, Name, Span, StringPart, SyntaxError, SyntaxRule, Type,
    TypeKind, Use,
};
use crate::document::ChunkContext;
use crate::grammar::{Grammar, Lead, Rule, Tokens};
use crate::lexer::lex_inline;
use crate::meant::{self, Keyword};
use crate::messages;
use crate::shape;
use crate::source::{RawSource, Row, Source, Toks, significant};
use crate::table;
use crate::table::DeclKind;
use crate::token::Kind;

pub use reading::Reading;

/// The blocks of a chunk: a function of its text and context alone. Their lengths add up to the text's.
pub fn parse_chunk(text: &str, context: ChunkContext) -> Vec<Arc<Block>> {
    Reading::new(text.into(), context).into_blocks()
}

/// Lines in a row that begin no declaration are one mistake, most often text that should be deeper: the first says so.
/// Below a `run: |` that has no text, which has been said, they are its text, whatever they look like.
fn once_a_run(blocks: &mut [Arc<Block>], awaits_text: &[bool]) {
    let is_meant = |error: &SyntaxError| error.fix.is_some();
    let mut inside = false;
    let mut in_text = false;
    for (block, awaits_text) in blocks.iter_mut().zip(awaits_text) {
        let stray = block.item.is_none() && !block.errors.is_empty();
        if stray && in_text {
            Arc::make_mut(block).errors.clear();
        } else if stray && inside {
            Arc::make_mut(block).errors.retain(is_meant);
        }
        inside = stray;
        // of a clause that nobody knows only the checker says something
        in_text = (*awaits_text && !block.errors.is_empty()) || (stray && in_text);
    }
}

/// Whether the last line is a key whose text should stand below.
fn ends_in_bar(source: &Source, tokens: &Toks<'_>) -> bool {
    let last = source.rows.last().map(|row| &tokens[row.tokens.clone()]);
    last.is_some_and(|row| {
        let mut kinds = row.iter().rev().map(|(token, _)| token.kind);
        kinds.next() == Some(Kind::Bar) && kinds.next() == Some(Kind::Colon)
    })
}

/// Whether any declaration has a clause of that name.
fn is_clause(word: &str) -> bool {
    let mut kinds = DeclKind::ALL.iter();
    kinds.any(|kind| crate::table::find(table::clauses(*kind), word).is_some())
}

/// All blocks of a file with the offset of each.
pub fn parse_file(text: &str) -> Vec<(u32, Block)> {
    let document = crate::Document::new(text);
    let mut offset = 0;
    let mut out = Vec::new();
    for chunk in document.chunks() {
        for block in parse_chunk(&chunk.text, chunk.context) {
            let len = block.len;
            out.push((offset, Arc::unwrap_or_clone(block)));
            offset += len;
        }
    }
    out
}

/// One expression that stands in no clause: for the command line, and while one is being written.
pub fn parse_expr(text: &str) -> (Expr, Vec<SyntaxError>) {
    let (expr, errors) = parse_one(text, |grammar| &grammar.expr);
    let nothing = || Expr {
        kind: ExprKind::Error,
        span: Span::new(0, text.len() as u32),
    };
    (expr.unwrap_or_else(nothing), errors)
}

/// The same of a type.
pub fn parse_type(text: &str) -> (Type, Vec<SyntaxError>) {
    let (ty, errors) = parse_one(text, |grammar| &grammar.ty);
    let nothing = || Type {
        kind: TypeKind::Error,
        span: Span::new(0, text.len() as u32),
    };
    (ty.unwrap_or_else(nothing), errors)
}

fn parse_one<O>(
    text: &str,
    rule: impl for<'g, 't> Fn(&'g Grammar<'t>) -> &'g Rule<'t, O>,
) -> (Option<O>, Vec<SyntaxError>) {
    let (lexed, _) = lex_inline(text, 0, false);
    let mut tokens = Toks::new();
    significant(text, &lexed, &mut tokens);
    let mut errors = lexed.errors;
    let grammar = Grammar::new();
    match read(&grammar, rule(&grammar), &tokens, text.len() as u32) {
        Ok(found) => (Some(found), errors),
        Err(error) => {
            if errors.is_empty() {
                errors.push(error);
            }
            (None, errors)
        }
    }
}

/// Reads all of `tokens` with one rule, once it is known that the result is not too deep to be walked.
fn read<'t, O>(grammar: &Grammar<'t>, rule: &Rule<'t, O>, tokens: Tokens<'t>, end: u32) -> Result<O, SyntaxError> {
    shape::check_shape(tokens)?;
    grammar
        .read(rule, tokens, end)
        .map_err(|fault| messages::sentence(&fault, tokens))
}

/// Parses one block.
struct Parser<'g, 't> {
    text: &'t str,
    grammar: &'g Grammar<'t>,
    tokens: Tokens<'t>,
    rows: Vec<Row>,
    raws: Vec<RawSource>,
    errors: Vec<SyntaxError>,
    source: Source,
    /// The indentation of the plan's children, in its nodes.
    plan_indent: Option<u32>,
}

impl<'g, 't> Parser<'g, 't> {
    fn new(
        text: &'t str,
        grammar: &'g Grammar<'t>,
        tokens: Tokens<'t>,
        mut source: Source,
        plan_indent: Option<u32>,
    ) -> Self {
        let rows = std::mem::take(&mut source.rows);
        let raws = std::mem::take(&mut source.raws);
        let errors = std::mem::take(&mut source.errors);
        Self {
            text,
            grammar,
            tokens,
            rows,
            raws,
            errors,
            source,
            plan_indent,
        }
    }

    fn block(mut self, kind: BlockKind) -> Block {
        let (kind, item) = match kind {
            _ if self.rows.is_empty() => (BlockKind::Other, None),
            BlockKind::Use => (kind, Some(Item::Use(self.use_()))),
            BlockKind::Top | BlockKind::PlanNode => match self.decl() {
                Some(decl) => (kind, Some(Item::Decl(decl))),
                None => (BlockKind::Other, None),
            },
            BlockKind::PlanRest => (kind, Some(Item::Decl(self.plan_rest()))),
            BlockKind::Other => {
                let import = self.foreign_import();
                self.stray();
                (kind, import)
            }
        };
        self.errors.sort_by_key(|error| error.span);
        Block {
            kind,
            item,
            file_doc: self.source.file_doc,
            suppressions: self.source.suppressions,
            errors: self.errors,
            len: 0,
        }
    }

    fn use_(&mut self) -> Use {
        let row = self.rows[0].clone();
        let value = row.tokens.start + 1..row.tokens.end;
        let said = self.errors.len();
        let read = self.read(&row, self.grammar_use(), value.clone());
        if let Some(error) = self.errors.get_mut(said).filter(|error| error.help.is_none())
            && let Some((help, fix)) = meant::bare_path(&self.tokens[value], self.text)
        {
            error.help = Some(help);
            error.fix = Some(fix);
        }
        self.no_lines_below(0..self.rows.len(), "use");
        let empty = Use {
            path: None,
            alias: None,
            picked: Vec::new(),
            span: row.span,
        };
        Use {
            span: row.span,
            ..read.unwrap_or(empty)
        }
    }

    /// `import { a } from "b.plan"`, as other languages have it: an import that fails, of these names or of who knows what.
    fn foreign_import(&self) -> Option<Item> {
        const WORDS: &[&str] = &["import", "from", "include", "require"];
        let row = &self.rows[0];
        let mut tokens = self.tokens[row.tokens.clone()].iter().map(|(token, at)| (*token, *at));
        let (first, _) = tokens.next().filter(|_| row.indent == 0)?;
        let rest: Vec<_> = tokens.collect();
        let has = |text: &str| {
            rest.iter()
                .any(|(token, _)| token.kind != Kind::StrText && token.text == text)
        };
        let names_file = rest.iter().any(|(token, _)| token.kind == Kind::StrStart);
        let is_word = WORDS.contains(&first.text);
        let is_near = Keyword::meant(first.text).is_some_and(|meant| meant.text() == "use");
        if !names_file || !(is_word || is_near) {
            return None;
        }
        let picks = (has("from") || has("import") || first.text == "from") && !has("as") && !has("*");
        let names = rest.iter().filter(|(token, _)| token.kind == Kind::Name && picks);
        let names = names.filter(|(token, _)| !WORDS.contains(&token.text));
        let name = |(token, at): &(crate::grammar::Tok<'_>, _)| Name {
            text: token.text.into(),
            span: crate::grammar::span(*at),
        };
        Some(Item::Use(Use {
            path: None,
            alias: None,
            picked: names.map(name).collect(),
            span: row.span,
        }))
    }

    fn grammar_use(&self) -> &'g Rule<'t, Use> {
        &self.grammar.use_
    }

    fn decl(&mut self) -> Option<Decl> {
        let row = self.rows[0].clone();
        let (keyword, at) = self.tokens[row.tokens.start];
        let kind = match DeclKind::from_keyword(keyword.text) {
            Some(kind) => kind,
            None => {
                let meant = Keyword::meant(keyword.text)?;
                let at = crate::grammar::span(at);
                self.errors.push(messages::no_declaration(keyword, at, 0));
                DeclKind::from_keyword(meant.text())?
            }
        };
        if let Some(indent) = self.plan_indent.filter(|indent| *indent != row.indent) {
            self.errors.push(messages::misaligned(&row, row.indent, indent));
        }
        let (lead, attributes) = self.head(kind, &row);
        let body = 1..self.rows.len();
        let mut lines = self.rows[1..].iter();
        if let Some(line) = lines.find(|line| line.indent <= row.indent && !self.is_closer(line)) {
            self.errors
                .push(messages::misaligned(line, line.indent, row.indent + 2));
        }
        let mut decl = Decl {
            kind,
            keyword: crate::grammar::span(at),
            name: lead.name,
            title: lead.title,
            of: lead.of,
            alias: lead.alias,
            fields: Vec::new(),
            clauses: attributes,
            doc: row.doc.clone(),
            header: row.span,
            span: Span::new(
                row.span.start,
                self.rows.last().map_or(row.span.end, |last| last.span.end),
            ),
        };
        match kind {
            DeclKind::Type if decl.alias.is_some() => self.no_lines_below(0..self.rows.len(), "type"),
            DeclKind::Type => decl.fields = self.fields(body),
            DeclKind::Profile => decl.clauses.extend(self.overrides(body)),
            _ => {
                let clauses = self.clauses(body, kind, table::clauses(kind));
                decl.clauses.reserve_exact(clauses.len());
                decl.clauses.extend(clauses);
            }
        }
        // Trees stay as long as their text does.
        decl.clauses.shrink_to_fit();
        Some(decl)
    }

    /// Clauses of a plan below one of its nodes.
    fn plan_rest(&mut self) -> Decl {
        let clauses = self.clauses(0..self.rows.len(), DeclKind::Plan, table::clauses(DeclKind::Plan));
        let start = self.rows[0].span.start;
        let end = self.rows.last().map_or(start, |row| row.span.end);
        let here = Span::new(start, start);
        Decl {
            kind: DeclKind::Plan,
            keyword: here,
            name: None,
            title: None,
            of: None,
            alias: None,
            fields: Vec::new(),
            clauses,
            doc: None,
            header: here,
            span: Span::new(start, end),
        }
    }

    /// Text that begins no declaration: one error, however many lines it has.
    fn stray(&mut self) {
        let row = &self.rows[0];
        if !row.broken {
            let (token, at) = self.tokens[row.tokens.start];
            let at = crate::grammar::span(at);
            let colon = row.tokens.len() > 1 && self.tokens[row.tokens.start + 1].0.kind == Kind::Colon;
            self.errors.push(if row.indent == 0 && colon && is_clause(token.text) {
                messages::clause_at_margin(token.text, at)
            } else if row.indent == 0 && colon && token.kind == Kind::Name {
                messages::key_at_margin(token, at)
            } else {
                messages::no_declaration(token, at, row.indent)
            });
        }
    }

    /// The header's name, title and so on, and its attributes as clauses.
    fn head(&mut self, kind: DeclKind, row: &Row) -> (Lead, Vec<Clause>) {
        let split = self.attributes_start(row.tokens.start + 1..row.tokens.end);
        let rule = match kind {
            DeclKind::Type => &self.grammar.type_lead,
            DeclKind::Profile => &self.grammar.profile_lead,
            DeclKind::Test => &self.grammar.test_lead,
            _ => &self.grammar.lead,
        };
        let split = if kind == DeclKind::Type { row.tokens.end } else { split };
        if let Some(end) = self.lone_name(row, split, kind) {
            let colon = crate::grammar::span(self.tokens[end].1);
            let word = self.tokens[row.tokens.start].0.text;
            let needs = &self.tokens[end + 1..row.tokens.end];
            self.errors.push(messages::header_ends_in_colon(word, colon, needs));
            return (self.lead(rule, row, row.tokens.start + 1..end), Vec::new());
        }
        let lead = self.lead(rule, row, row.tokens.start + 1..split);
        (lead, self.attributes(row, split..row.tokens.end, kind))
    }

    /// Of `task build:`, where the name has the colon: the colon's place. What follows is no value, or `build` the name
    /// of an attribute.
    fn lone_name(&self, row: &Row, attributes: usize, kind: DeclKind) -> Option<usize> {
        let (name, value) = (self.tokens[row.tokens.clone()].get(1)?, attributes + 2);
        let is_first = attributes == row.tokens.start + 1;
        let is_apart = || {
            let colon = self.tokens[attributes + 1].1;
            self.tokens[value].1.start > colon.end && table::find(table::clauses(kind), name.0.text).is_none()
        };
        (is_first && (value == row.tokens.end || is_apart())).then_some(attributes + 1)
    }

    fn lead(&mut self, rule: &Rule<'t, Lead>, row: &Row, range: Range<usize>) -> Lead {
        let tokens: Tokens<'t> = &self.tokens[range.clone()];
        let end = if range.is_empty() {
            self.tokens[range.start - 1].1.end
        } else {
            self.tokens[range.end - 1].1.end
        };
        match read(self.grammar, rule, tokens, end) {
            Ok(lead) => lead,
            Err(error) => {
                if !row.broken {
                    let word = self.tokens[row.tokens.start].0.text;
                    self.errors.push(messages::bad_header(error, word, tokens, end));
                }
                // What can be kept of it: a name in first place, so that references to it still resolve.
                let name = tokens.first().filter(|(token, _)| token.kind == Kind::Name);
                Lead {
                    name: name.map(|(token, at)| Name {
                        text: token.text.into(),
                        span: crate::grammar::span(*at),
                    }),
                    ..Lead::default()
                }
            }
        }
    }

    /// Where the attributes begin: at the first `name:` that is not inside a string or brackets.
    fn attributes_start(&self, range: Range<usize>) -> usize {
        let mut open = 0usize;
        for at in range.clone() {
            match self.tokens[at].0.kind {
                Kind::StrStart | Kind::LParen | Kind::LBracket | Kind::LBrace => open += 1,
                Kind::StrEnd | Kind::RParen | Kind::RBracket | Kind::RBrace => open = open.saturating_sub(1),
                kind if open == 0 && kind.is_word() => {
                    let next = self.tokens[at + 1..range.end].first();
                    if next.is_some_and(|(next, _)| next.kind == Kind::Colon) {
                        return at;
                    }
                }
                _ => {}
            }
        }
        range.end
    }

    // ---------- reading ----------

    /// Reads a range of a row's tokens; reports what is wrong unless the lexer has.
    fn read<O>(&mut self, row: &Row, rule: &Rule<'t, O>, range: Range<usize>) -> Option<O> {
        let tokens: Tokens<'t> = &self.tokens[range];
        match read(self.grammar, rule, tokens, row.span.end) {
            Ok(value) => Some(value),
            Err(_) if row.broken => None,
            Err(error) => {
                let key = self.tokens[row.tokens.start].0.text;
                self.errors.push(if tokens.is_empty() {
                    messages::no_value(error, key)
                } else {
                    error
                });
                None
            }
        }
    }

    /// Reads a line `name: type = value`; `example`: what the value may be, if it must be there.
    fn read_field<O>(&mut self, row: &Row, rule: &Rule<'t, O>, example: Option<&str>) -> Option<O> {
        let said = self.errors.len();
        let read = self.read(row, rule, row.tokens.clone());
        if self.errors.len() > said
            && let Some(error) = self.errors.pop()
        {
            let tokens = &self.tokens[row.tokens.clone()];
            self.errors.push(meant::field(error, tokens, example));
        }
        read
    }

    /// An expression, or the text of a raw block in its place.
    fn read_expr(&mut self, row: &Row, rule: &Rule<'t, Expr>, range: Range<usize>) -> Option<Expr> {
        if let Some(raw) = self.raw_at(&range) {
            let raw = self.finish_raw(raw);
            return Some(self.raw_string(raw));
        }
        self.read(row, rule, range)
    }

    /// The parts of a raw block that stands where an expression is expected.
    fn raw_string(&mut self, raw: crate::ast::Raw) -> Expr {
        let mut parts = Vec::new();
        let mut at = 0;
        for interp in raw.interps {
            if interp.start as usize > at {
                parts.push(StringPart::Text(raw.text[at..interp.start as usize].into()));
            }
            at = interp.end as usize;
            match interp.expr {
                Ok(expr) => parts.push(StringPart::Interp(expr, interp.span)),
                Err(error) => self.errors.push(error),
            }
        }
        if at < raw.text.len() {
            parts.push(StringPart::Text(raw.text[at..].into()));
        }
        let string = crate::ast::StringLit { parts, span: raw.span };
        Expr {
            span: string.span,
            kind: ExprKind::String(string),
        }
    }

    // ---------- lines ----------

    /// The rows below `at`, within `range`: those that are deeper.
    fn below(&self, at: usize, range: &Range<usize>) -> Range<usize> {
        let indent = self.rows[at].indent;
        let deeper = self.rows[at + 1..range.end]
            .iter()
            .take_while(|row| row.indent > indent)
            .count();
        at + 1..at + 1 + deeper
    }

    /// Reports the first of the lines below the first row of `range`, where none may be.
    fn no_lines_below(&mut self, range: Range<usize>, key: &str) {
        if let Some(row) = self.rows.get(range.start + 1).filter(|_| range.len() > 1) {
            let help = format!("indent it by {}, as the line above", self.rows[range.start].indent);
            let error = messages::too_deep_line(row, key, help);
            self.errors.push(error);
        }
    }

    /// The same of a `name: …` line; of an item in its place the lines below are no mistake of their own.
    fn no_lines_below_line(&mut self, range: Range<usize>, key: &str) {
        if self.tokens[self.rows[range.start].tokens.start].0.kind != Kind::Minus {
            self.no_lines_below(range, key);
        }
    }

    /// The rows of a body that stand side by side, each with what is below it. Rows that are aligned with nothing are
    /// reported, the first of them only, and taken as siblings.
    fn siblings(&mut self, range: Range<usize>) -> Vec<(usize, Range<usize>)> {
        let mut out = Vec::new();
        let mut at = range.start;
        let Some(indent) = self.rows.get(at).filter(|_| !range.is_empty()).map(|row| row.indent) else {
            return out;
        };
        let mut complained = false;
        while at < range.end {
            let is_astray = self.rows[at].indent != indent && !self.is_closer(&self.rows[at]);
            if is_astray && !complained {
                complained = true;
                let error = messages::misaligned(&self.rows[at], self.rows[at].indent, indent);
                self.errors.push(error);
            }
            let below = self.below(at, &range);
            let next = below.end;
            out.push((at, below));
            at = next;
        }
        out
    }

    /// A bracket that closes nothing is wrong wherever it stands.
    fn is_closer(&self, row: &Row) -> bool {
        let (first, _) = self.tokens[row.tokens.start];
        matches!(first.kind, Kind::RBrace | Kind::RBracket | Kind::RParen)
    }

    fn error(&mut self, rule: SyntaxRule, message: String, span: Span, help: Option<String>) {
        self.errors.push(SyntaxError {
            rule,
            message,
            span,
            help,
            fix: None,
        });
    }
}
