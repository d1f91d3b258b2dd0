//! What a plan says, as lines that two parsers can be compared by: declarations, keys and the structure of values.
//!
//! Names and atoms are the text of the plan; expressions stand with their operator first, so that precedence shows. Strings
//! are their interpolations. Here is the compiler's reading; `reading.rs` has tree-sitter's.

use dsl_syntax::ast::{
    Arg, Block, Clause, Decl, Effect, Expr, ExprKind, Field, Item, LimitLine, Mock, MockReplyKind, MockTarget, Name,
    Need, NeedKind, Rate, RatePer, Raw, Refine, Retry, RouteOn, Selector, Span, StringLit, StringPart, Text, Type,
    TypeKind, TypedAssign, Value,
};
use dsl_syntax::parse_file;

/// What a line is to its reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Declaration,
    Clause,
    /// A field of a record, or a line of a profile: a name of the author's.
    Field,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Declaration => "declaration",
            Self::Clause => "clause",
            Self::Field => "field",
        }
    }
}

/// One declaration or clause.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub depth: usize,
    pub role: Role,
    /// Where its keyword or key stands.
    pub at: usize,
    pub key: String,
    /// `None`: the declaration has no such clause, so the compiler skips the value.
    pub value: Option<String>,
}

impl Line {
    /// Whether both say the same; a value that one of them skips is not held against the other.
    pub fn agrees(&self, other: &Self) -> bool {
        let here = (self.depth, self.role, self.at, &self.key) == (other.depth, other.role, other.at, &other.key);
        here && (self.value.is_none() || other.value.is_none() || self.value == other.value)
    }
}

/// The compiler's reading, or nothing if it finds a syntax error.
pub fn of(text: &str) -> Option<Vec<Line>> {
    let blocks = parse_file(text);
    if blocks.iter().any(|(_, block)| !block.errors.is_empty()) {
        return None;
    }
    let mut lines = Vec::new();
    for (offset, block) in &blocks {
        let source = &text[*offset as usize..*offset as usize + block.len as usize];
        Outline {
            source,
            offset: *offset as usize,
            lines: &mut lines,
        }
        .block(block);
    }
    Some(lines)
}

struct Outline<'a> {
    /// The text of the block.
    source: &'a str,
    offset: usize,
    lines: &'a mut Vec<Line>,
}

impl Outline<'_> {
    fn block(&mut self, block: &Block) {
        use dsl_syntax::ast::BlockKind::{Other, PlanNode, PlanRest, Top, Use};
        match (&block.item, block.kind) {
            (Some(Item::Use(item)), _) => {
                let path = item.path.as_ref().map(|path| self.string(path));
                let words = item.picked.iter().chain(&item.alias).map(name).chain(path);
                let value = words.collect::<Vec<_>>().join(" ");
                self.line(0, Role::Declaration, item.span, "use", Some(value));
            }
            (Some(Item::Decl(decl)), Top | Other | Use) => self.decl(0, decl),
            (Some(Item::Decl(decl)), PlanNode) => self.decl(1, decl),
            (Some(Item::Decl(decl)), PlanRest) => decl.clauses.iter().for_each(|clause| self.clause(1, clause)),
            (None, _) => {}
        }
    }

    fn line(&mut self, depth: usize, role: Role, at: Span, key: &str, value: Option<String>) {
        self.lines.push(Line {
            depth,
            role,
            at: self.offset + at.start as usize,
            key: key.to_owned(),
            value,
        });
    }

    fn decl(&mut self, depth: usize, decl: &Decl) {
        let title = decl.title.as_ref().map(|title| self.string(title));
        let names = decl.name.iter().chain(&decl.of).map(name);
        let alias = decl.alias.as_ref().map(|ty| self.ty(ty));
        let value = names.chain(title).chain(alias).collect::<Vec<_>>().join(" ");
        self.line(depth, Role::Declaration, decl.keyword, decl.kind.keyword(), Some(value));
        for field in &decl.fields {
            let value = self.field(field);
            self.line(depth + 1, Role::Field, field.name.span, &field.name.text, Some(value));
        }
        for clause in &decl.clauses {
            self.clause(depth + 1, clause);
        }
    }

    fn clause(&mut self, depth: usize, clause: &Clause) {
        let role = if matches!(clause.value, Value::Override(_)) {
            Role::Field
        } else {
            Role::Clause
        };
        let value = match &clause.value {
            Value::Unknown => None,
            Value::Clauses(_) | Value::Rule(_) => Some(String::new()),
            value => Some(self.value(value)),
        };
        match &clause.value {
            Value::Clauses(clauses) => {
                self.line(depth, role, clause.name.span, &clause.name.text, value);
                clauses.iter().for_each(|clause| self.clause(depth + 1, clause));
            }
            Value::Rule(rule) => {
                let title = rule.title.as_ref().map(|title| self.string(title));
                let head = std::iter::once(name(&rule.name)).chain(title).collect::<Vec<_>>();
                self.line(depth, role, clause.name.span, &clause.name.text, Some(head.join(" ")));
                rule.clauses.iter().for_each(|clause| self.clause(depth + 1, clause));
            }
            _ => self.line(depth, role, clause.name.span, &clause.name.text, value),
        }
    }

    // ---------- values ----------

    fn value(&self, value: &Value) -> String {
        match value {
            Value::Error | Value::Unknown | Value::Clauses(_) | Value::Rule(_) => String::new(),
            Value::Expr(expr) | Value::Call(expr) => self.expr(expr),
            Value::Names(names) => joined(names, name),
            Value::Needs(needs) => joined(needs, need),
            Value::Text(Text::String(string)) => self.string(string),
            Value::Text(Text::Raw(_)) => "raw".to_owned(),
            Value::Script(raw) => self.script(raw),
            Value::Fields(fields) => joined(fields, |field| format!("{}: {}", field.name.text, self.field(field))),
            Value::Assigns(lines) => joined(lines, |line| format!("{}: {}", line.name.text, self.expr(&line.value))),
            Value::Typed(lines) => joined(lines, |line| self.typed(line)),
            Value::Items(items) => joined(items, |item| self.expr(item)),
            Value::Each(each) => {
                let by = each.by.iter().map(|by| format!(" by {}", self.expr(by)));
                format!(
                    "{} in {}{}",
                    each.var.text,
                    self.expr(&each.list),
                    by.collect::<String>()
                )
            }
            Value::Retry(retry) => self.retry(retry),
            Value::Steps(steps) => joined(steps, |step| {
                let bind = step.bind.iter().map(|bind| format!(" -> {}", bind.text));
                let call = format!("{}{}", step.capability.text, self.args(&step.args));
                call + &bind.collect::<String>()
            }),
            Value::Fail(fail) => {
                let message = fail.message.iter().map(|message| format!(" {}", self.string(message)));
                let when = self.expr(&fail.when);
                format!("{} {when}{}", fail.mode.text, message.collect::<String>())
            }
            Value::Remember(remember) => format!("{} = {}", remember.key.text, self.expr(&remember.value)),
            Value::Evidence(evidence) => {
                let (when, by) = (self.expr(&evidence.when), self.expr(&evidence.by));
                format!("{} {when} by {by}", evidence.hypothesis.text)
            }
            Value::Route(route) => match &route.on {
                RouteOn::Event(event) => format!("{} -> {}", event.text, route.to.text),
                RouteOn::When(when) => format!("{} -> {}", self.expr(when), route.to.text),
                RouteOn::Else(_) => format!("-> {}", route.to.text),
            },
            Value::Options(options) => joined(options, |option| {
                let strings = option.title.iter().chain(&option.note);
                let strings = strings.map(|string| format!(" {}", self.string(string)));
                option.name.text.to_string() + &strings.collect::<String>()
            }),
            Value::Effects(effects) => joined(effects, |effect| self.effect(effect)),
            Value::Rates(rates) => joined(rates, |rate| self.rate(rate)),
            Value::Limits(lines) => joined(lines, |line| self.limit(line)),
            Value::Breaker(breaker) => {
                let (within, probe) = (self.expr(&breaker.within), self.expr(&breaker.probe));
                format!("{} in {within} after {probe}", breaker.failures)
            }
            Value::Alert(alert) => {
                let severity = alert.severity.iter().map(|severity| format!(" {}", severity.text));
                let (name, when) = (self.string(&alert.name), self.expr(&alert.when));
                format!("{name} {when}{}", severity.collect::<String>())
            }
            Value::Selector(selector) => self.selector(selector),
            Value::Mock(mock) => self.mock(mock),
            Value::Decide(decide) => {
                let option = decide.choosing.iter().map(|option| format!(" {}", option.text));
                let after = decide.after.iter().map(|after| format!(" after {}", self.expr(after)));
                let rest = option.chain(after).collect::<String>();
                format!("{} {}{rest}", decide.gate.text, decide.principal.text)
            }
            Value::Override(value) => self.value(value),
        }
    }

    fn field(&self, field: &Field) -> String {
        let default = field.default.iter().map(|value| format!(" = {}", self.expr(value)));
        self.ty(&field.ty) + &default.collect::<String>()
    }

    fn typed(&self, line: &TypedAssign) -> String {
        let scope = line.scope.iter().map(|scope| format!(" {}", scope.text));
        let value = line.value.iter().map(|value| format!(" = {}", self.expr(value)));
        let rest = scope.chain(value).collect::<String>();
        format!("{}: {}{rest}", line.name.text, self.ty(&line.ty))
    }

    fn retry(&self, retry: &Retry) -> String {
        let modes = retry.on.iter().map(|mode| format!(" {}", mode.text));
        self.expr(&retry.policy) + &modes.collect::<String>()
    }

    fn effect(&self, effect: &Effect) -> String {
        if effect.args.is_empty() {
            return effect.name.text.to_string();
        }
        format!("{}({})", effect.name.text, joined(&effect.args, |arg| self.string(arg)))
    }

    fn rate(&self, rate: &Rate) -> String {
        let amount = self.expr(&rate.amount);
        match &rate.per {
            None => amount,
            Some(RatePer::Call(_)) => format!("(per {amount} call)"),
            Some(RatePer::Duration(per)) => format!("(per {amount} {})", self.expr(per)),
        }
    }

    fn limit(&self, line: &LimitLine) -> String {
        format!("{}: {}", line.name.text, joined(&line.rates, |rate| self.rate(rate)))
    }

    fn mock(&self, mock: &Mock) -> String {
        let target = match &mock.target {
            MockTarget::Task(name) => format!("task {}", name.text),
            MockTarget::Capability(name) => name.text.to_string(),
        };
        let by = mock.by.iter().map(|by| format!(" by {}", by.text));
        let when = mock.when.iter().map(|when| format!(" when {}", self.expr(when)));
        let replies = mock.replies.iter().map(|reply| {
            let times = reply.times.map(|times| format!(" times {times}")).unwrap_or_default();
            match &reply.kind {
                MockReplyKind::Value(value) => format!(" -> {}{times}", self.expr(value)),
                MockReplyKind::Fails(mode) => format!(" fails {}{times}", mode.text),
            }
        });
        target + &by.chain(when).chain(replies).collect::<String>()
    }

    /// The places in a script where something is interpolated.
    fn script(&self, raw: &Raw) -> String {
        if self.source[..raw.span.start as usize].ends_with('"') {
            let interps = raw.interps.iter().filter_map(|interp| interp.expr.as_ref().ok());
            let interps = interps.map(|expr| format!(" {}", self.expr(expr)));
            return format!("(string{})", interps.collect::<String>());
        }
        let interps = raw.interps.iter().map(|interp| self.text(interp.span));
        std::iter::once("script").chain(interps).collect::<Vec<_>>().join(" ")
    }

    fn string(&self, string: &StringLit) -> String {
        if !self.text(string.span).starts_with('"') {
            return "raw".to_owned();
        }
        let interps = string.parts.iter().filter_map(|part| match part {
            StringPart::Text(_) => None,
            StringPart::Interp(expr, _) => Some(format!(" {}", self.expr(expr))),
        });
        format!("(string{})", interps.collect::<String>())
    }

    fn text(&self, span: Span) -> &str {
        &self.source[span.start as usize..span.end as usize]
    }

    // ---------- types ----------

    fn ty(&self, ty: &Type) -> String {
        match &ty.kind {
            TypeKind::Error => String::new(),
            TypeKind::Enum(members) => format!("(enum {})", joined(members, name)),
            TypeKind::Named {
                name,
                arg,
                refine,
                optional,
            } => {
                let arg = arg.iter().map(|arg| format!("[{}]", self.ty(arg)));
                let refine = refine.iter().map(|refine| format!("({})", self.refine(refine)));
                let mark = optional.then(|| "?".to_owned());
                name.text.to_string() + &arg.chain(refine).chain(mark).collect::<String>()
            }
        }
    }

    fn refine(&self, refine: &Refine) -> String {
        let bound = |bound: &Option<Box<Expr>>| bound.as_ref().map(|it| self.expr(it)).unwrap_or_default();
        match refine {
            Refine::Regex(name) => self.text(name.span).to_owned(),
            Refine::Range { lo, hi, .. } => format!("{}..{}", bound(lo), bound(hi)),
        }
    }

    // ---------- expressions ----------

    fn expr(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::String(string) => self.string(string),
            ExprKind::ItField(name) => format!(".{}", name.text),
            ExprKind::List(items) => format!("[{}]", joined(items, |item| self.expr(item))),
            ExprKind::Record(pairs) => {
                let pair = |(key, value): &(dsl_syntax::ast::RecordKey, Expr)| {
                    format!("{}: {}", self.text(key.span), self.expr(value))
                };
                format!("{{{}}}", joined(pairs, pair))
            }
            ExprKind::Call { func, args } => format!("{}{}", func.text, self.args(args)),
            ExprKind::Pipe { lhs, func, args } => {
                format!("(| {} {}{})", self.expr(lhs), func.text, self.args(args))
            }
            ExprKind::Field { base, name } => format!("{}.{}", self.expr(base), name.text),
            ExprKind::Index { base, index } => format!("{}[{}]", self.expr(base), self.expr(index)),
            ExprKind::Unary { op, expr } => {
                let op = if *op == dsl_syntax::ast::UnaryOp::Not {
                    "not"
                } else {
                    "-"
                };
                format!("({op} {})", self.expr(expr))
            }
            ExprKind::Binary { op_span, lhs, rhs, .. } => {
                format!("({} {} {})", self.text(*op_span), self.expr(lhs), self.expr(rhs))
            }
            ExprKind::Is { expr, not, what } => {
                let not = if *not { "not " } else { "" };
                let what = if *what == dsl_syntax::ast::IsWhat::None {
                    "none"
                } else {
                    "empty"
                };
                format!("(is {} {not}{what})", self.expr(expr))
            }
            ExprKind::Cast { expr, ty } => format!("(as {} {})", self.expr(expr), self.ty(ty)),
            ExprKind::If { then, cond, otherwise } => {
                let (then, cond, otherwise) = (self.expr(then), self.expr(cond), self.expr(otherwise));
                format!("(if {cond} {then} {otherwise})")
            }
            ExprKind::Selector(selector) => self.selector(selector),
            ExprKind::Paren(inner) => format!("({})", self.expr(inner)),
            _ => self.text(expr.span).to_owned(),
        }
    }

    fn selector(&self, selector: &Selector) -> String {
        match &selector.filter {
            None => selector.what.text.to_string(),
            Some(filter) => format!("(where {} {})", selector.what.text, self.expr(filter)),
        }
    }

    fn args(&self, args: &[Arg]) -> String {
        let arg = |arg: &Arg| {
            let name = arg.name.iter().map(|name| format!("{}: ", name.text));
            name.collect::<String>() + &self.expr(&arg.value)
        };
        format!("({})", joined(args, arg))
    }
}

fn name(name: &Name) -> String {
    name.text.to_string()
}

fn need(need: &Need) -> String {
    match &need.kind {
        NeedKind::Node { name, optional } => format!("{}{}", name.text, if *optional { "?" } else { "" }),
        NeedKind::Any(names) => format!("any({})", joined(names, name)),
        NeedKind::Quorum { count, of, .. } => format!("{count} of ({})", joined(of, name)),
    }
}

fn joined<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(" ")
}
