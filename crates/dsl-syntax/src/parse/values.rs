//! Values of clauses, one arm a shape of the table.

use std::ops::Range;

use super::Parser;
use crate::ast::{
    Assign, Decide, Name, Raw, RawInterp, Route, RouteOn, Rule as PolicyRule, Span, SyntaxError, SyntaxFix, SyntaxRule,
    Text, TypedAssign, Value,
};
use crate::grammar::{Rule, Want, span};
use crate::meant::{WITHOUT_BRACKETS, without_brackets};
use crate::messages;
use crate::source::Row;
use crate::table::{self, ClauseKey, DeclKind, Shape};
use crate::token::Kind;

/// Which clause of which declaration a value belongs to.
type Owner = (DeclKind, ClauseKey);

impl<'t> Parser<'_, 't> {
    /// The value of the clause in row `at`: tokens `value` of that row, and the rows `below`.
    pub(super) fn value(
        &mut self,
        shape: Shape,
        row: &Row,
        value: Range<usize>,
        at: usize,
        below: Range<usize>,
        owner: Owner,
    ) -> Value {
        if shape == Shape::Rule {
            return self.rule(row, value, below);
        }
        if !value.is_empty() {
            self.no_lines_of(at..below.end, shape, false);
            return self.inline_value(shape, row, value, owner);
        }
        match self.block_value(shape, below.clone(), owner) {
            Some(value) if !below.is_empty() => value,
            Some(_) => {
                self.no_value(row, "its lines below, indented", None);
                Value::Error
            }
            None => {
                self.no_lines_of(at..below.end, shape, true);
                if below.is_empty() {
                    // An empty slice makes the grammar say what it waits for.
                    return self.inline_value(shape, row, value, owner);
                }
                Value::Error
            }
        }
    }

    /// Reports the first of the lines below a clause whose value has none.
    fn no_lines_of(&mut self, rows: Range<usize>, shape: Shape, is_empty: bool) {
        if let Some(row) = self.rows.get(rows.start + 1).filter(|_| rows.len() > 1) {
            let above = &self.rows[rows.start];
            let key = self.tokens[above.tokens.start].0.text;
            let is_item = self.tokens[row.tokens.start].0.kind == Kind::Minus;
            let help = messages::without_lines(shape, key, is_empty, is_item, above.indent);
            self.errors
                .push(messages::too_deep_line(row, &format!("`{key}`"), help));
        }
    }

    fn no_value(&mut self, row: &Row, expected: &str, help: Option<String>) {
        if !row.broken {
            let end = Span::new(row.span.end, row.span.end);
            let message = format!(
                "`{}` has no value, expected {expected}",
                self.tokens[row.tokens.start].0.text
            );
            self.error(SyntaxRule::Syntax, message, end, help);
        }
    }

    // ---------- on the clause's line ----------

    /// A value that stands on the clause's own line.
    pub(super) fn inline_value(&mut self, shape: Shape, row: &Row, value: Range<usize>, owner: Owner) -> Value {
        let grammar = self.grammar;
        let out = match shape {
            Shape::Expr | Shape::Literal => self.read_expr(row, &grammar.expr, value).map(Value::Expr),
            Shape::Predicate => self.read_expr(row, &grammar.predicate, value).map(Value::Expr),
            Shape::Name => self
                .read(row, &grammar.name, value)
                .map(|name| Value::Names(vec![name])),
            Shape::Names => {
                let names = self.read(row, &grammar.names, value.clone()).map(Value::Names);
                self.help_in(row, "found `[`", WITHOUT_BRACKETS);
                if names.is_none()
                    && let Some(fix) = self.tokens.get(value).and_then(without_brackets)
                {
                    self.errors_in(row).for_each(|error| error.fix = Some(fix.clone()));
                }
                if owner.1 == ClauseKey::Approver {
                    self.help_in(row, "", "a principal is `role/…`, `user/…`, `team/…` or `agent/…`");
                }
                names
            }
            Shape::Patterns => self.read(row, &grammar.patterns, value).map(Value::Names),
            Shape::Needs => {
                let needs = self.read(row, &grammar.needs, value).map(Value::Needs);
                let help = "a need is the name of a node alone; its outputs are read where they are used";
                self.help_in(row, "found `.`", help);
                for operator in ["=", "==", ">", "<", "!="] {
                    let help = "a need is the name of a node alone; a condition stands in `when: …`";
                    self.help_in(row, &format!("found `{operator}`"), help);
                }
                needs
            }
            Shape::Text => self.text(row, value).map(Value::Text),
            Shape::Script => self.text(row, value).map(|text| {
                Value::Script(match text {
                    Text::Raw(raw) => raw,
                    Text::String(string) => Raw::of_string(&string, self.text),
                })
            }),
            Shape::Items => self
                .read_expr(row, &grammar.expr, value)
                .map(|item| Value::Items(vec![item])),
            Shape::Strings => self.read(row, &grammar.strings, value).map(Value::Items),
            Shape::Each => {
                let known = self.errors.len();
                let each = self.read(row, &grammar.each, value);
                for error in self.errors.iter_mut().skip(known) {
                    // a list alone is what one writes first: whatever is missing, it is the form that helps
                    error
                        .help
                        .get_or_insert_with(|| "write `each: x in …`, and `x` is the item".into());
                }
                each.map(Value::Each)
            }
            Shape::Retry => self.read(row, &grammar.retry, value).map(Value::Retry),
            Shape::Fail => self.read(row, &grammar.fail, value).map(Value::Fail),
            Shape::Remember => self.read(row, &grammar.remember, value).map(Value::Remember),
            Shape::Evidence => self.read(row, &grammar.evidence, value).map(Value::Evidence),
            Shape::Route => self.route(row, &grammar.route, value),
            Shape::Arm => self.route(row, &grammar.arm, value),
            Shape::ElseArm => self.route(row, &grammar.else_arm, value),
            Shape::Effects => {
                let effects = self.read(row, &grammar.effects, value).map(Value::Effects);
                let help = "paths and hosts stand in double quotes: `network(\"example.com\")`";
                self.help_in(row, "expected a string", help);
                self.help_in(
                    row,
                    "found `[`",
                    "write them without brackets: `network(\"a.com\"), write(\"out\")`",
                );
                effects
            }
            Shape::Rates => self.read(row, &grammar.rates, value).map(Value::Rates),
            Shape::Breaker => self.read(row, &grammar.breaker, value).map(Value::Breaker),
            Shape::Call => {
                let call = self.read(row, &grammar.call, value).map(Value::Call);
                self.help_in(
                    row,
                    "",
                    "a runner is `shell(…)`, `http(…)`, `mcp(…)`, `llm(…)` or `human(…)`",
                );
                call
            }
            Shape::Alert => self.read(row, &grammar.alert, value).map(Value::Alert),
            Shape::Selector => self.read(row, &grammar.selector, value).map(Value::Selector),
            Shape::Mock => self.read(row, &grammar.mock, value).map(Value::Mock),
            Shape::Decide => self.read(row, &grammar.decide, value).map(|decide| {
                Value::Decide(Decide {
                    approve: owner.1 == ClauseKey::Approve,
                    ..decide
                })
            }),
            Shape::Fields
            | Shape::Assigns
            | Shape::Typed
            | Shape::Memory
            | Shape::Steps
            | Shape::Options
            | Shape::Limits
            | Shape::Trigger
            | Shape::Rule => {
                self.lines_expected(row, value, shape, owner);
                None
            }
        };
        out.unwrap_or(Value::Error)
    }

    /// Adds a help to what is wrong in a row and says this, where there is none.
    fn help_in(&mut self, row: &Row, says: &str, help: &str) {
        for error in self.errors_in(row).filter(|error| error.message.contains(says)) {
            error.help.get_or_insert_with(|| help.to_owned());
        }
    }

    /// The errors of the row that was read last.
    fn errors_in(&mut self, row: &Row) -> impl Iterator<Item = &mut SyntaxError> {
        let place = row.span;
        let all = self.errors.iter_mut().rev();
        all.take_while(move |error| place.start <= error.span.start && error.span.end <= place.end)
    }

    /// Of a clause whose value is made of lines: it has none, or something stands where there should be nothing.
    fn lines_expected(&mut self, row: &Row, value: Range<usize>, shape: Shape, owner: Owner) {
        if value.is_empty() {
            self.no_value(row, "its lines below, indented", None);
        } else if !row.broken {
            let (token, place) = self.tokens[value.start];
            let message = format!(
                "found {} after `{}:`, expected its lines below, indented",
                messages::shown(token),
                owner.1.word()
            );
            let line = match shape {
                Shape::Fields => Some("name: type = default"),
                Shape::Typed => Some("name: type = value"),
                Shape::Assigns if owner.1 == ClauseKey::Secrets => Some("token: env(\"TOKEN\")"),
                Shape::Assigns if owner.1 == ClauseKey::Budget => Some("cost: $5.00"),
                Shape::Assigns => Some("name: value"),
                _ => None,
            };
            let nested = table::nested(owner.0, owner.1).and_then(|rows| rows.first());
            let help = match (line, nested) {
                _ if shape == Shape::Trigger && is_clock(token.text) => {
                    Some("a plan has no clock: start `dslc run` by one, such as that of CI".to_owned())
                }
                (Some(line), _) => Some(format!("write each below, as `{line}`")),
                (None, Some(first)) => Some(format!("write each below, as `{}: …`", first.key.word())),
                (None, None) => None,
            };
            self.error(SyntaxRule::Syntax, message, span(place), help);
        }
    }

    fn route(&mut self, row: &Row, rule: &Rule<'t, Route>, value: Range<usize>) -> Option<Value> {
        let word = span(self.tokens[row.tokens.start].1);
        let mut route = self.read(row, rule, value)?;
        if let RouteOn::Else(at) = &mut route.on {
            *at = word;
        }
        Some(Value::Route(Route {
            span: word.cover(route.span),
            ..route
        }))
    }

    /// A raw block or a string.
    fn text(&mut self, row: &Row, value: Range<usize>) -> Option<Text> {
        if let Some(raw) = self.raw_at(&value) {
            return Some(Text::Raw(self.finish_raw(raw)));
        }
        let bar = value.len() == 1 && self.tokens[value.start].0.kind == Kind::Bar;
        if bar {
            // `run: |` with nothing below it.
            let end = row.span.end;
            let key = self.tokens[row.tokens.start].0.text;
            let help = format!("indent its text deeper than `{key}`");
            self.no_value(row, "deeper lines below", Some(help));
            return (!row.broken).then(|| {
                Text::Raw(Raw {
                    text: "".into(),
                    interps: Vec::new(),
                    span: Span::new(end, end),
                    lines: Vec::new(),
                })
            });
        }
        if let Some(error) = self.without_quotes(row, &value) {
            // what the lexer makes of a line that is no expression is no mistake of its own
            let all = row.span;
            self.errors
                .retain(|error| error.span.start < all.start || all.end < error.span.end);
            self.errors.push(error);
            return None;
        }
        let before = self.errors.len();
        let is_empty = value.is_empty();
        let text = self.read(row, &self.grammar.string, value).map(Text::String);
        if let Some(error) = self.errors.get_mut(before).filter(|_| text.is_none()) {
            let key = self.tokens[row.tokens.start].0.text;
            let bare = if is_empty { "" } else { "put it in double quotes, or " };
            let help = || format!("{bare}write `{key}: |` and the text on deeper lines below");
            error.help.get_or_insert_with(help);
        }
        text
    }

    /// `run: make build`: words where a text must stand.
    fn without_quotes(&self, row: &Row, value: &Range<usize>) -> Option<SyntaxError> {
        let (first, place) = self.tokens.get(value.clone())?.first()?;
        if matches!(first.kind, Kind::StrStart | Kind::Raw) {
            return None;
        }
        let key = self.tokens[row.tokens.start].0.text;
        let (start, end) = (span(*place).start, span(self.tokens[value.end - 1].1).end);
        let mut written = String::new();
        let mut at = start;
        for (token, place) in &self.tokens[value.clone()] {
            let place = span(*place);
            written.extend(std::iter::repeat_n(' ', (place.start - at) as usize));
            written.push_str(token.text);
            at = place.end;
        }
        let message = format!("found {}, expected a string in double quotes", messages::shown(*first));
        if matches!(written.as_str(), ">" | ">-" | ">+" | "|-" | "|+") {
            return Some(SyntaxError {
                rule: SyntaxRule::Syntax,
                message,
                span: Span::new(start, end),
                help: Some(format!("text on several lines begins with `{key}: |`")),
                fix: Some(SyntaxFix {
                    title: "write `|`".to_owned(),
                    span: Span::new(start, end),
                    text: "|".to_owned(),
                }),
            });
        }
        let is_plain = !written.contains(['"', '\\', '\n']);
        let inside = |open: char, close: char| written.strip_prefix(open)?.strip_suffix(close);
        let quoted = inside('\'', '\'').filter(|inner| !inner.contains('\''));
        let quoted = quoted.or(inside('\u{201c}', '\u{201d}'));
        let written = quoted.unwrap_or(&written);
        Some(SyntaxError {
            rule: SyntaxRule::Syntax,
            message,
            span: span(*place),
            help: Some(format!(
                "put it in double quotes, or write `{key}: |` and the text on deeper lines below"
            )),
            fix: is_plain.then(|| SyntaxFix {
                title: "put it in double quotes".to_owned(),
                span: Span::new(start, end),
                text: format!("\"{written}\""),
            }),
        })
    }

    // ---------- on the lines below ----------

    /// A value that stands on the lines below its key; `None` if the shape has no such form.
    fn block_value(&mut self, shape: Shape, below: Range<usize>, owner: Owner) -> Option<Value> {
        let grammar = self.grammar;
        Some(match shape {
            Shape::Fields => Value::Fields(self.fields(below)),
            Shape::Assigns => Value::Assigns(self.assigns(below)),
            Shape::Typed => {
                let example = match owner.0 {
                    DeclKind::Plan => "some-task.output`",
                    _ => "trim(stdout)`; what a capability gives needs no line",
                };
                Value::Typed(self.typed(below, &grammar.typed, Some(example)))
            }
            Shape::Memory => {
                let said = self.errors.len();
                let keys = self.typed(below, &grammar.memory, None);
                let help = "say how long it is kept: `scope:run`, `scope:plan` or `scope:global` behind the type";
                let unscoped = |error: &&mut SyntaxError| error.message.contains(Want::Scope.text());
                for error in self.errors.iter_mut().skip(said).filter(unscoped) {
                    error.help.get_or_insert_with(|| help.to_owned());
                }
                Value::Typed(keys)
            }
            Shape::Limits => Value::Limits(self.lines(below, &grammar.limit)),
            Shape::Steps => Value::Steps(self.lines(below, &grammar.step)),
            Shape::Options => Value::Options(self.items(below, &grammar.option)),
            Shape::Items => Value::Items(self.items(below, &grammar.expr)),
            Shape::Strings => Value::Items(self.items(below, &grammar.expr)),
            Shape::Names => Value::Names(self.items(below, &grammar.names).into_iter().flatten().collect()),
            Shape::Patterns => Value::Names(self.items(below, &grammar.patterns).into_iter().flatten().collect()),
            Shape::Needs => Value::Needs(self.items(below, &grammar.needs).into_iter().flatten().collect()),
            Shape::Trigger => {
                let table = table::nested(owner.0, owner.1).unwrap_or(&[]);
                Value::Clauses(self.clauses(below, owner.0, table))
            }
            _ => return None,
        })
    }

    /// One value a line.
    fn lines<O>(&mut self, below: Range<usize>, rule: &Rule<'t, O>) -> Vec<O> {
        let mut out = Vec::new();
        for (at, under) in self.siblings(below) {
            self.no_lines_below_line(at..under.end, "a line");
            let row = self.rows[at].clone();
            out.extend(self.read(&row, rule, row.tokens.clone()));
        }
        out
    }

    /// `- item` lines.
    fn items<O>(&mut self, below: Range<usize>, rule: &Rule<'t, O>) -> Vec<O> {
        let mut out = Vec::new();
        for (at, under) in self.siblings(below) {
            self.no_lines_below(at..under.end, "an item");
            let row = self.rows[at].clone();
            let (first, place) = self.tokens[row.tokens.start];
            if first.kind == Kind::Minus {
                out.extend(self.read(&row, rule, row.tokens.start + 1..row.tokens.end));
            } else if !row.broken {
                let message = format!("found {}, expected `-` before an item", messages::shown(first));
                self.errors.push(SyntaxError {
                    fix: Some(messages::insert(span(place).start, "- ", "make it an item")),
                    ..messages::error(SyntaxRule::Syntax, message, span(place), Some("write `- …`".into()))
                });
            }
        }
        out
    }

    /// `name: expr` lines; the value may be a raw block.
    fn assigns(&mut self, below: Range<usize>) -> Vec<Assign> {
        let grammar = self.grammar;
        let mut out = Vec::new();
        for (at, under) in self.siblings(below) {
            self.no_lines_below_line(at..under.end, "a line");
            let row = self.rows[at].clone();
            let value = row.tokens.start + 2..row.tokens.end;
            let assign = if row.tokens.len() > 3 && self.raw_at(&value).is_some() {
                let (name, place) = self.tokens[row.tokens.start];
                let value = self.read_expr(&row, &grammar.expr, value);
                value.map(|value| Assign {
                    name: Name {
                        text: name.text.into(),
                        span: span(place),
                    },
                    value,
                    doc: None,
                    span: row.span,
                })
            } else {
                self.read(&row, &grammar.assign, row.tokens.clone())
            };
            out.extend(assign.map(|assign| Assign { doc: row.doc, ..assign }));
        }
        out
    }

    /// `name: type = value` lines; `example`: what the value may be, if it must be there.
    fn typed(&mut self, below: Range<usize>, rule: &Rule<'t, TypedAssign>, example: Option<&str>) -> Vec<TypedAssign> {
        let mut out = Vec::new();
        for (at, under) in self.siblings(below) {
            self.no_lines_below_line(at..under.end, "a line");
            let row = self.rows[at].clone();
            let line = self.read_field(&row, rule, example);
            out.extend(line.map(|line| TypedAssign { doc: row.doc, ..line }));
        }
        out
    }

    /// `rule name "Title"` with its clauses.
    fn rule(&mut self, row: &Row, head: Range<usize>, below: Range<usize>) -> Value {
        let lead = self.lead(&self.grammar.lead, row, head);
        let clauses = self.clauses(below, DeclKind::Policy, table::RULE);
        match lead.name {
            Some(name) => Value::Rule(PolicyRule {
                name,
                title: lead.title,
                clauses,
            }),
            None => Value::Error,
        }
    }

    // ---------- raw blocks ----------

    /// The raw block that these tokens are: a bar and its lines.
    pub(super) fn raw_at(&self, value: &Range<usize>) -> Option<usize> {
        let raw = value.len() == 2 && self.tokens[value.start + 1].0.kind == Kind::Raw;
        if !raw {
            None
        } else {
            self.raws.binary_search_by_key(&(value.start + 1), |raw| raw.token).ok()
        }
    }

    /// The raw block with its interpolations parsed; what is wrong in them is kept there, for the checker to judge.
    pub(super) fn finish_raw(&mut self, index: usize) -> Raw {
        let source = &mut self.raws[index];
        let mut raw = source.raw.clone();
        for interp in std::mem::take(&mut source.interps) {
            let end = interp.span.end.saturating_sub(if interp.closed { 2 } else { 0 });
            let expr = if !interp.closed {
                let message = "`{{` is not closed on its line, expected `}}`".into();
                Err(messages::error(SyntaxRule::Syntax, message, interp.span, None))
            } else if let Some(error) = interp.errors.into_iter().next() {
                Err(error)
            } else {
                super::read(self.grammar, &self.grammar.expr, &self.tokens[interp.tokens], end)
            };
            raw.interps.push(RawInterp {
                start: interp.text.start,
                end: interp.text.end,
                expr,
                span: interp.span,
            });
        }
        raw
    }
}

/// Words of those who want a plan to start by itself.
fn is_clock(word: &str) -> bool {
    matches!(
        word,
        "cron" | "schedule" | "every" | "hourly" | "daily" | "weekly" | "monthly" | "at"
    )
}
