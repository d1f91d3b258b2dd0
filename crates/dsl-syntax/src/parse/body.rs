//! Bodies: clauses, fields, attributes of headers, lines of profiles.

use std::ops::Range;

use smol_str::SmolStr;

use super::Parser;
use crate::ast::{Clause, Field, Name, Span, SyntaxError, SyntaxFix, SyntaxRule, Value};
use crate::grammar::span;
use crate::meant::{self, Keyword};
use crate::messages;
use crate::shape;
use crate::source::Row;
use crate::table::{self, ClauseKey, DeclKind, Shape};
use crate::token::Kind;

/// Shapes of clauses that start with a keyword and have no colon.
const fn starts_with_keyword(shape: Shape) -> bool {
    matches!(
        shape,
        Shape::Fail
            | Shape::Remember
            | Shape::Evidence
            | Shape::Route
            | Shape::Arm
            | Shape::ElseArm
            | Shape::Alert
            | Shape::Rule
            | Shape::Mock
            | Shape::Decide
    )
}

impl Parser<'_, '_> {
    /// The clauses of a body, by the rows of the table that may stand in it.
    pub(super) fn clauses(&mut self, body: Range<usize>, kind: DeclKind, table: &'static [table::Row]) -> Vec<Clause> {
        let siblings = self.siblings(body);
        let siblings = self.with_items_beside(siblings);
        let siblings = self.without_text_beside(siblings, table);
        siblings
            .into_iter()
            .filter_map(|(at, below)| self.clause(at, below, kind, table))
            .collect()
    }

    /// Gives `- item` lines to the empty key right above them, as if they were deeper than it.
    fn with_items_beside(&mut self, siblings: Vec<(usize, Range<usize>)>) -> Vec<(usize, Range<usize>)> {
        let mut out: Vec<(usize, Range<usize>)> = Vec::with_capacity(siblings.len());
        let mut taking = false;
        for (at, below) in siblings {
            let row = &self.rows[at];
            let is_item = self.tokens[row.tokens.start].0.kind == Kind::Minus;
            if !is_item {
                taking = false;
            } else if let Some((key, under)) = out.last_mut() {
                let key = &self.rows[*key];
                let ends = key.tokens.len() == 2 && self.tokens[key.tokens.start + 1].0.kind == Kind::Colon;
                if !taking && ends && under.start == under.end {
                    taking = true;
                    let word = self.tokens[key.tokens.start].0.text;
                    self.errors.push(messages::items_beside(word, row.first));
                }
                if taking {
                    under.end = below.end;
                    continue;
                }
            }
            out.push((at, below));
        }
        out
    }

    /// Takes away the lines right below a `run: |` without a text that are no clauses: they were meant to be it.
    fn without_text_beside(
        &mut self,
        mut siblings: Vec<(usize, Range<usize>)>,
        table: &'static [table::Row],
    ) -> Vec<(usize, Range<usize>)> {
        if !siblings.iter().any(|(at, below)| self.opens_text(*at, below, table)) {
            return siblings;
        }
        let mut open: Option<usize> = None;
        let mut taken: Vec<Span> = Vec::new();
        let mut beside: Vec<SyntaxError> = Vec::new();
        siblings.retain(|(at, below)| {
            let row = self.rows[*at].clone();
            let Some(key) = open.filter(|_| !self.is_clause(&row, table)) else {
                open = self.opens_text(*at, below, table).then_some(*at);
                return true;
            };
            let last = &self.rows[below.end - 1];
            taken.push(Span::new(row.span.start, last.span.end));
            if !self.rows[key].broken {
                let word = self.tokens[self.rows[key].tokens.start].0.text;
                beside.push(messages::text_beside(word, row.first));
            }
            self.rows[key].broken = true;
            false
        });
        // what the lexer makes of it is no mistake of its own
        self.errors.retain(|error| {
            let next = taken.partition_point(|line| line.end < error.span.end);
            taken.get(next).is_none_or(|line| error.span.start < line.start)
        });
        self.errors.extend(beside);
        siblings
    }

    /// `run: |` with nothing below it.
    fn opens_text(&self, at: usize, below: &Range<usize>, table: &'static [table::Row]) -> bool {
        let [(key, _), (colon, _), (bar, _)] = &self.tokens[self.rows[at].tokens.clone()] else {
            return false;
        };
        let shape = || table::find(table, key.text).map(|entry| entry.shape);
        below.is_empty()
            && bar.kind == Kind::Bar
            && colon.kind == Kind::Colon
            && matches!(shape(), Some(Shape::Script | Shape::Text))
    }

    /// Whether the row begins as clauses do, known ones or not.
    fn is_clause(&self, row: &Row, table: &'static [table::Row]) -> bool {
        let first = self.tokens[row.tokens.start].0;
        let colon = self.tokens[row.tokens.clone()].get(1);
        let known = table::find(table, first.text).is_some_and(|entry| starts_with_keyword(entry.shape));
        let declares = DeclKind::from_keyword(first.text).is_some();
        known || declares || (first.kind.is_word() && colon.is_some_and(|(token, _)| token.kind == Kind::Colon))
    }

    fn clause(
        &mut self,
        at: usize,
        below: Range<usize>,
        kind: DeclKind,
        table: &'static [table::Row],
    ) -> Option<Clause> {
        self.without_word_before(at, table);
        let row = self.rows[at].clone();
        let (first, place) = self.tokens[row.tokens.start];
        if !first.kind.is_word() {
            if !row.broken {
                self.errors.push(messages::no_clause(first, span(place), kind));
            }
            return None;
        }
        let name = Name {
            text: SmolStr::new(first.text),
            span: span(place),
        };
        let colon = self
            .tokens
            .get(row.tokens.start + 1)
            .filter(|_| row.tokens.len() > 1)
            .is_some_and(|(it, _)| it.kind == Kind::Colon);
        let entry = table::find(table, first.text);
        let line = &self.text[row.span.range()];
        let declares = || DeclKind::from_keyword(first.text).or_else(|| meant::declaration(line));
        if entry.is_none() && !colon && declares().is_some() {
            self.errors
                .push(messages::nested_declaration(first.text, name.span, kind));
            return None;
        }
        if entry.is_none() && kind == DeclKind::Plan && self.is_misspelt_node(&row) {
            self.errors.push(messages::no_declaration(first, name.span, 0));
            return None;
        }
        let end = self.rows[below.end - 1].span.end.max(row.span.end);
        let mut clause = Clause {
            key: entry.map(|entry| entry.key),
            name,
            value: Value::Unknown,
            in_header: false,
            doc: row.doc.clone(),
            span: Span::new(row.span.start, end),
        };
        if let Some(entry) = entry {
            let value = self.value_start(&row, entry, colon);
            clause.value = self.value(entry.shape, &row, value, at, below, (kind, entry.key));
        } else {
            self.skip(
                &row,
                row.tokens.start..self.rows[below.end - 1].tokens.end.max(row.tokens.end),
            );
        }
        Some(clause)
    }

    /// Passes over the first word of `for each: …`: a name before a clause that is one without it.
    fn without_word_before(&mut self, at: usize, table: &'static [table::Row]) {
        let row = &mut self.rows[at];
        let [(word, from), (key, place), (colon, _), ..] = &self.tokens[row.tokens.clone()] else {
            return;
        };
        let is_known = |word: &str| table::find(table, word).is_some() || DeclKind::from_keyword(word).is_some();
        let is_spare = word.kind.is_word() && colon.kind == Kind::Colon && is_known(key.text) && !is_known(word.text);
        if !is_spare {
            return;
        }
        if !row.broken {
            self.errors
                .push(messages::word_before(word.text, key.text, span(*from), span(*place)));
        }
        row.tokens.start += 1;
    }

    /// Passes over what an unknown clause says. Deeper than the cap, even its tokens are not to be relied on.
    fn skip(&mut self, row: &Row, tokens: Range<usize>) {
        if let Err(error) = shape::check_depth(&self.tokens[tokens])
            && !row.broken
        {
            self.errors.push(error);
        }
    }

    /// `tsak build "Build"`: two words, of which the first is meant to be that of a node.
    fn is_misspelt_node(&self, row: &Row) -> bool {
        let [(first, _), (second, _), ..] = &self.tokens[row.tokens.clone()] else {
            return false;
        };
        let meant = Keyword::meant(first.text).and_then(|meant| DeclKind::from_keyword(meant.text()));
        second.kind == Kind::Name && meant.is_some_and(DeclKind::is_node)
    }

    /// Where the value of a clause begins: after its colon or its keyword. A missing colon is reported and passed over.
    fn value_start(&mut self, row: &Row, entry: &table::Row, colon: bool) -> Range<usize> {
        let start = row.tokens.start + 1;
        if starts_with_keyword(entry.shape) {
            let said = &self.tokens[start..row.tokens.end];
            let leads_on = || said.iter().any(|(token, _)| token.kind == Kind::Arrow);
            let is_route = matches!(entry.shape, Shape::Route | Shape::Arm | Shape::ElseArm);
            if !colon || said.len() == 1 || is_route && !leads_on() {
                return start..row.tokens.end;
            }
            if !row.broken {
                let colon = span(said[0].1);
                self.errors.push(messages::colon_after_keyword(entry.key.word(), colon));
            }
            return start + 1..row.tokens.end;
        }
        // of what has lines only, they are missing
        let says_it_all = !entry.shape.has_lines_only() || row.tokens.len() == 1;
        if !colon && !row.broken && says_it_all {
            let key = span(self.tokens[row.tokens.start].1);
            let word = entry.key.word();
            self.errors.push(SyntaxError {
                rule: SyntaxRule::Syntax,
                message: format!("`{word}` without a colon, expected `{word}:`"),
                span: key,
                help: Some(format!("write `{word}:`")),
                fix: Some(SyntaxFix {
                    title: "add the colon".into(),
                    span: Span::new(key.end, key.end),
                    text: ":".into(),
                }),
            });
        }
        start + usize::from(colon)..row.tokens.end
    }

    // ---------- headers ----------

    /// `kind:research using:web.search` as clauses.
    pub(super) fn attributes(&mut self, row: &Row, range: Range<usize>, kind: DeclKind) -> Vec<Clause> {
        let mut out = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let (first, place) = self.tokens[at];
            let colon = at + 1 < range.end && self.tokens[at + 1].0.kind == Kind::Colon;
            if !first.kind.is_word() || !colon {
                if !row.broken {
                    let message = format!(
                        "found {}, expected an attribute like `kind:research` or the end of the line",
                        messages::shown(first)
                    );
                    self.error(SyntaxRule::Syntax, message, span(place), None);
                }
                return out;
            }
            let end = self.attribute_end(at + 2, range.end);
            out.push(self.attribute(row, at, end, kind));
            at = end;
        }
        out
    }

    /// An attribute's value ends at the first space that is in no bracket. A space right after the colon is passed over.
    fn attribute_end(&self, start: usize, end: usize) -> usize {
        let mut open = 0usize;
        for at in start..end {
            let (token, place) = self.tokens[at];
            if at > start && open == 0 && self.tokens[at - 1].1.end < place.start {
                return at;
            }
            match token.kind {
                Kind::LParen | Kind::LBracket | Kind::LBrace | Kind::StrStart => open += 1,
                Kind::RParen | Kind::RBracket | Kind::RBrace | Kind::StrEnd => open = open.saturating_sub(1),
                _ => {}
            }
        }
        end
    }

    fn attribute(&mut self, row: &Row, at: usize, end: usize, kind: DeclKind) -> Clause {
        let (first, place) = self.tokens[at];
        let colon = span(self.tokens[at + 1].1);
        let name = Name {
            text: SmolStr::new(first.text),
            span: span(place),
        };
        let last = span(self.tokens[end - 1].1);
        if end > at + 2 && self.tokens[at + 2].1.start > colon.end {
            let gap = Span::new(colon.end, self.tokens[at + 2].1.start);
            self.errors.push(messages::space_after_colon(first.text, gap));
        }
        let entry = table::find(table::clauses(kind), first.text);
        let value = match entry {
            None => {
                self.skip(row, at..end);
                // else the next comment would become its text as soon as the lines are moved
                if end == at + 3 && self.tokens[at + 2].0.kind == Kind::Bar {
                    let message = format!("`{}: |` has no text below it", first.text);
                    self.error(SyntaxRule::Syntax, message, last, None);
                }
                Value::Unknown
            }
            Some(entry) if starts_with_keyword(entry.shape) => {
                let message = format!("`{}` in the header, expected it on a line of its own below", first.text);
                self.error(SyntaxRule::Syntax, message, name.span, None);
                Value::Error
            }
            Some(entry) => {
                let row = Row {
                    span: Span::new(name.span.start, last.end),
                    tokens: at..end,
                    doc: None,
                    ..row.clone()
                };
                self.inline_value(entry.shape, &row, at + 2..end, (kind, entry.key))
            }
        };
        Clause {
            key: entry.map(|it| it.key),
            value,
            in_header: true,
            doc: None,
            span: name.span.cover(last),
            name,
        }
    }

    // ---------- lines of types and profiles ----------

    pub(super) fn fields(&mut self, body: Range<usize>) -> Vec<Field> {
        let rule = &self.grammar.field;
        let mut out = Vec::new();
        for (at, below) in self.siblings(body) {
            self.no_lines_below_line(at..below.end, "a field");
            let row = self.rows[at].clone();
            if let Some(line) = self.read_field(&row, rule, None) {
                out.push(Field {
                    doc: row.doc,
                    ..Field::from(line)
                });
            }
        }
        out
    }

    /// `research.input.depth: moderate`
    pub(super) fn overrides(&mut self, body: Range<usize>) -> Vec<Clause> {
        let mut out = Vec::new();
        for (at, below) in self.siblings(body) {
            let row = self.rows[at].clone();
            let Some(colon) = self.path_end(&row) else {
                continue;
            };
            let path = &self.tokens[row.tokens.start..colon];
            let text: String = path.iter().map(|(token, _)| token.text).collect();
            let place = span(path[0].1).cover(span(path[path.len() - 1].1));
            let shape = override_shape(&text);
            let end = self.rows[below.end - 1].span.end.max(row.span.end);
            let key = (DeclKind::Profile, ClauseKey::Run);
            let value = if self.opens_group(&row, colon, &below) {
                let error = messages::group_in_profile(&text, self.rows[below.start].first);
                self.errors.push(error);
                Value::Error
            } else {
                self.value(shape, &row, colon + 1..row.tokens.end, at, below, key)
            };
            let value = if value == Value::Error {
                value
            } else {
                Value::Override(Box::new(value))
            };
            out.push(Clause {
                key: None,
                name: Name {
                    text: text.into(),
                    span: place,
                },
                value,
                in_header: false,
                doc: row.doc.clone(),
                span: Span::new(row.span.start, end),
            });
        }
        out
    }

    /// `params:` with lines `name: …` below it, which a profile writes in one.
    fn opens_group(&self, row: &Row, colon: usize, below: &Range<usize>) -> bool {
        let named = |row: &Row| {
            let [(name, _), (colon, _), ..] = &self.tokens[row.tokens.clone()] else {
                return false;
            };
            name.kind.is_word() && colon.kind == Kind::Colon
        };
        colon + 1 == row.tokens.end && self.rows[below.clone()].first().is_some_and(named)
    }

    /// The index of the colon after a path of names and dots.
    fn path_end(&mut self, row: &Row) -> Option<usize> {
        for (step, at) in row.tokens.clone().enumerate() {
            let (token, place) = self.tokens[at];
            match token.kind {
                Kind::Dot if step % 2 == 1 => {}
                kind if kind.is_word() && step % 2 == 0 => {}
                Kind::Colon if step % 2 == 1 => return Some(at),
                _ => {
                    if !row.broken {
                        let what = if step == 0 {
                            "a path like `research.retry`"
                        } else {
                            "`.` or `:`"
                        };
                        let message = format!("found {}, expected {what}", messages::shown(token));
                        let help = match token.kind {
                            Kind::Assign => Some("write `:`".to_owned()),
                            _ if step > 0 => Some("each line is a path and its value, as in `timeout: 10m`".to_owned()),
                            _ => None,
                        };
                        self.error(SyntaxRule::Syntax, message, span(place), help);
                    }
                    return None;
                }
            }
        }
        if !row.broken {
            let end = Span::new(row.span.end, row.span.end);
            let message = "found the end of the line, expected `:` and a value".into();
            self.error(SyntaxRule::Syntax, message, end, None);
        }
        None
    }
}

/// What stands after a profile's path: what the clause it ends in takes. Below `input`, `env` and the like stand the
/// author's own names, which take expressions.
fn override_shape(path: &str) -> Shape {
    let mut segments = path.rsplit('.');
    let last = segments.next().unwrap_or_default();
    if matches!(
        segments.next(),
        Some("input" | "env" | "params" | "secrets" | "budget" | "limits" | "output" | "outputs")
    ) {
        return if path.contains("limits.") {
            Shape::Rates
        } else {
            Shape::Expr
        };
    }
    let kinds = [
        DeclKind::Task,
        DeclKind::Plan,
        DeclKind::Gate,
        DeclKind::Capability,
        DeclKind::Agent,
    ];
    let row = kinds.iter().find_map(|kind| table::find(table::clauses(*kind), last));
    match row.map(|row| row.shape) {
        Some(
            Shape::Name | Shape::Names | Shape::Needs | Shape::Retry | Shape::Rates | Shape::Call | Shape::Effects,
        ) => row.map_or(Shape::Expr, |row| row.shape),
        Some(Shape::Text | Shape::Script | Shape::Items | Shape::Breaker | Shape::Each) => {
            row.map_or(Shape::Expr, |row| row.shape)
        }
        _ => Shape::Expr,
    }
}
