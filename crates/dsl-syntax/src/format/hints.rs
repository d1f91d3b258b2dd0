//! What the printer takes from the tree: which lines are headers, which attributes move below them, which names a
//! comma belongs between, where a blank line must stand, and what is left as it is.

use crate::ast::{Block, BlockKind, Clause, Decl, Item, Name, Need, NeedKind, Span, Value};
use crate::table::{ClauseKey, DeclKind};

/// Facts by place, all sorted by offset in the file.
#[derive(Default)]
pub(super) struct Hints {
    headers: Vec<Header>,
    pub commas: Vec<u32>,
    /// Scripts, and what clauses say that nobody knows: no house has a style for them.
    verbatim: Vec<Span>,
}

/// The header line of a declaration or an import.
pub(super) struct Header {
    start: u32,
    /// Colons from here on are those of attributes.
    pub lead_end: u32,
    /// Attributes that move to lines below.
    pub below: Vec<Span>,
    /// A blank line must stand above.
    pub separated: bool,
    /// Of a node of the plan above, whatever lines stand between the two.
    pub in_plan: bool,
}

/// What kind of work it is and who does it are read first; unknown attributes are left alone.
pub(super) fn stays_in_header(clause: &Clause) -> bool {
    matches!(clause.key, None | Some(ClauseKey::Kind | ClauseKey::Using))
}

impl Hints {
    pub fn of(blocks: &[(u32, Block)]) -> Self {
        let mut hints = Self::default();
        let mut previous = None;
        for (offset, block) in blocks {
            let this = match &block.item {
                Some(Item::Use(_)) if block.kind != BlockKind::Use => previous,
                Some(Item::Use(import)) => {
                    hints.header_line(import.span.start + offset, import.span.end + offset, Vec::new());
                    Some(None)
                }
                Some(Item::Decl(decl)) if block.kind != BlockKind::PlanRest => {
                    // Hypotheses, like imports, may stand close together.
                    let close = decl.kind == DeclKind::Hypothesis && previous == Some(Some(DeclKind::Hypothesis));
                    hints.declaration(decl, *offset);
                    if let Some(header) = hints.headers.last_mut() {
                        header.separated = previous.is_some() && !close;
                        header.in_plan = block.kind == BlockKind::PlanNode;
                    }
                    Some(Some(decl.kind))
                }
                Some(Item::Decl(decl)) => {
                    hints.clauses(&decl.clauses, *offset);
                    previous
                }
                None => previous,
            };
            previous = this;
        }
        hints.commas.sort_unstable();
        hints.verbatim.sort_unstable();
        hints
    }

    /// Whether what stands before this token stays as it is.
    pub fn is_verbatim(&self, token: u32) -> bool {
        let next = self.verbatim.partition_point(|kept| kept.end <= token);
        self.verbatim.get(next).is_some_and(|kept| kept.start < token)
    }

    pub fn header(&self, start: u32) -> Option<&Header> {
        self.headers
            .binary_search_by_key(&start, |header| header.start)
            .ok()
            .map(|at| &self.headers[at])
    }

    fn header_line(&mut self, start: u32, lead_end: u32, below: Vec<Span>) {
        self.headers.push(Header {
            start,
            lead_end,
            below,
            separated: false,
            in_plan: false,
        });
    }

    fn declaration(&mut self, decl: &Decl, offset: u32) {
        let attributes = || decl.clauses.iter().filter(|clause| clause.in_header);
        let lead_end = attributes().next().map_or(decl.header.end, |first| first.span.start);
        let below = attributes()
            .filter(|clause| !stays_in_header(clause))
            .map(|clause| clause.span.shifted(offset))
            .collect();
        self.header_line(decl.keyword.start + offset, lead_end + offset, below);
        self.clauses(&decl.clauses, offset);
    }

    fn clauses(&mut self, clauses: &[Clause], offset: u32) {
        for clause in clauses {
            if clause.value == Value::Unknown {
                self.verbatim.push(clause.span.shifted(offset));
            }
            self.value(&clause.value, offset);
        }
    }

    fn value(&mut self, value: &Value, offset: u32) {
        match value {
            Value::Names(names) => self.names(names, offset),
            Value::Needs(needs) => self.needs(needs, offset),
            Value::Retry(retry) => self.names(&retry.on, offset),
            Value::Clauses(clauses) => self.clauses(clauses, offset),
            Value::Override(value) => self.value(value, offset),
            Value::Script(script) => self.verbatim.push(script.span.shifted(offset)),
            _ => {}
        }
    }

    fn needs(&mut self, needs: &[Need], offset: u32) {
        self.between(needs.iter().map(|need| need.span), offset);
        for need in needs {
            if let NeedKind::Any(names) | NeedKind::Quorum { of: names, .. } = &need.kind {
                self.names(names, offset);
            }
        }
    }

    fn names(&mut self, names: &[Name], offset: u32) {
        self.between(names.iter().map(|name| name.span), offset);
    }

    /// A comma belongs after all but the last.
    fn between(&mut self, spans: impl ExactSizeIterator<Item = Span>, offset: u32) {
        let last = spans.len().saturating_sub(1);
        self.commas.extend(spans.take(last).map(|span| span.end + offset));
    }
}
