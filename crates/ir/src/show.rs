//! Parts of a plan as the language writes them, for people who compare two plans. Absent: a promise that it parses.

use rust_decimal::Decimal;
use smol_str::SmolStr;

use crate::expr::{BinaryOp, Expr, Ref};
use crate::plan::{Backoff, Expectation, Money, Per, Plan, Rate, Retry, Script};
use crate::quantity::{render_duration, render_float, render_money, render_size, render_time};
use crate::value::Value;

/// Writes the expressions of one plan.
#[derive(Clone, Copy)]
pub struct Shown<'p> {
    pub plan: &'p Plan,
    /// What the item of `each` is called.
    pub item: &'p str,
    /// What a node is called now that was called otherwise.
    pub renamed: &'p dyn Fn(&'p str) -> &'p str,
}

impl<'p> Shown<'p> {
    pub fn node(&self, id: u32) -> &'p str {
        let node = self.plan.nodes.get(id as usize);
        node.map_or("?", |node| (self.renamed)(&node.id))
    }

    /// As deep as the expression, which [`crate::verify`] bounds.
    pub fn expr(&self, expr: &Expr) -> String {
        match expr {
            Expr::Const(value) => value_text(value),
            Expr::Ref(reference) => self.reference(reference),
            Expr::It(_) => "it".to_owned(),
            Expr::Not(inner) => format!("not {}", self.part(inner)),
            Expr::Neg(inner) => format!("-{}", self.part(inner)),
            Expr::Binary(binary) => {
                format!(
                    "{} {} {}",
                    self.part(&binary.lhs),
                    sign(binary.op),
                    self.part(&binary.rhs)
                )
            }
            Expr::And(sides) => format!("{} and {}", self.part(&sides.0), self.part(&sides.1)),
            Expr::Or(sides) => format!("{} or {}", self.part(&sides.0), self.part(&sides.1)),
            Expr::Coalesce(sides) => format!("{} ?? {}", self.part(&sides.0), self.part(&sides.1)),
            Expr::If(choice) => format!(
                "{} if {} else {}",
                self.part(&choice.then),
                self.part(&choice.cond),
                self.part(&choice.otherwise)
            ),
            Expr::IsNone(inner) => format!("{} is none", self.part(inner)),
            Expr::IsEmpty(inner) => format!("{} is empty", self.part(inner)),
            Expr::Field(access) => format!("{}.{}", self.part(&access.0), access.1),
            Expr::Index(pair) => format!("{}[{}]", self.part(&pair.0), self.expr(&pair.1)),
            Expr::List(items) => format!("[{}]", self.list(items)),
            Expr::Record(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| format!("{name}: {}", self.expr(value)));
                format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
            Expr::Call(call) => format!("{}({})", call.func.name(), self.list(&call.args)),
            Expr::Cast(cast) => format!("{} as {}", self.part(&cast.0), cast.1),
            Expr::Concat(parts) => {
                let parts = parts.iter().map(|part| match part {
                    Expr::Const(Value::String(text)) => text.to_string(),
                    part => format!("{{{{ {} }}}}", self.expr(part)),
                });
                format!("\"{}\"", parts.collect::<String>())
            }
        }
    }

    /// An operand: in brackets where it is an operation itself.
    fn part(&self, expr: &Expr) -> String {
        let text = self.expr(expr);
        match expr {
            Expr::Not(_)
            | Expr::Binary(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Coalesce(_)
            | Expr::If(_)
            | Expr::IsNone(_)
            | Expr::IsEmpty(_)
            | Expr::Cast(_) => format!("({text})"),
            _ => text,
        }
    }

    fn list(&self, items: &[Expr]) -> String {
        items.iter().map(|item| self.expr(item)).collect::<Vec<_>>().join(", ")
    }

    fn reference(&self, reference: &Ref) -> String {
        match reference {
            Ref::Param(name) => format!("params.{name}"),
            Ref::Output(id, name) => format!("{}.{name}", self.node(*id)),
            Ref::Status(id) => format!("{}.status", self.node(*id)),
            Ref::Attempts(id) => format!("{}.attempts", self.node(*id)),
            Ref::NodeDuration(id) => format!("{}.duration", self.node(*id)),
            Ref::NodeAgent(id) => format!("{}.agent", self.node(*id)),
            Ref::Choice(id) => format!("{}.choice", self.node(*id)),
            Ref::Error(id) => format!("{}.error", self.node(*id)),
            Ref::Each => self.item.to_owned(),
            Ref::Input(name) => format!("input.{name}"),
            Ref::Own(name) | Ref::World(name) => name.to_string(),
            Ref::Capture(capture) => capture.name().to_owned(),
            Ref::Memory(key) => format!("memory.{key}"),
            Ref::Secret(name) => format!("secrets.{name}"),
            Ref::Run(name) if name.starts_with("outputs.") => name.to_string(),
            Ref::Run(name) => format!("run.{name}"),
            Ref::Task(name) => format!("task.{name}"),
            Ref::Plan(name) => format!("plan.{name}"),
            Ref::Budget(name) => format!("budget.{name}"),
            Ref::Context(name) => format!("context.{name}"),
            Ref::Asked(asked) => {
                let node = self.node(asked.node);
                let instance = asked
                    .instance
                    .as_ref()
                    .map(|key| format!("[{key:?}]"))
                    .unwrap_or_default();
                format!("{}({node}{instance})", asked.what.name())
            }
        }
    }

    /// The text of a script with its interpolations where they were written.
    pub fn script(&self, script: &Script) -> String {
        let mut text = script.text.to_string();
        // the last first: DSLC_1 is the beginning of DSLC_10
        for var in script.vars.iter().rev() {
            let written = format!("{{{{ {} }}}}", self.expr(&var.value));
            text = text
                .replace(&format!("\"${{{}}}\"", var.name), &written)
                .replace(&format!("${{{}}}", var.name), &written);
        }
        text
    }

    pub fn expectation(&self, expectation: &Expectation) -> String {
        match expectation {
            Expectation::Check { text, .. } => text.to_string(),
            Expectation::Prose { text } => format!("\"{text}\""),
        }
    }
}

const fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::In => "in",
        BinaryOp::Matches => "matches",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::None => "none".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => render_float(*value),
        Value::String(text) => format!("{text:?}"),
        Value::Duration(ms) => render_duration(*ms),
        Value::Size(bytes) => render_size(*bytes),
        Value::Money(dollars) => format!("${}", render_money(*dollars)),
        Value::Time(ms) => format!("{:?}", render_time(*ms)),
        Value::File(file) => format!("file({:?})", file.path),
        Value::List(items) => {
            let items = items.iter().map(value_text);
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name}: {}", value_text(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

pub fn duration(ms: u64) -> String {
    render_duration(i64::try_from(ms).unwrap_or(i64::MAX))
}

pub fn money(money: &Money) -> String {
    format!("${}", render_money(money.0))
}

/// `20%`
pub fn percent(share: Decimal) -> String {
    format!("{}%", (share * Decimal::ONE_HUNDRED).normalize())
}

pub fn rates<T>(rates: &[Rate<T>], amount: impl Fn(&T) -> String) -> String {
    let rate = |rate: &Rate<T>| match rate.per {
        Per::Run => amount(&rate.amount),
        Per::Call => format!("{} per call", amount(&rate.amount)),
        Per::WindowMs(ms) => format!("{} per {}", amount(&rate.amount), duration(ms)),
    };
    rates.iter().map(rate).collect::<Vec<_>>().join(", ")
}

pub fn retry(retry: &Retry) -> String {
    let max = retry.max;
    let policy = match &retry.backoff {
        Backoff::Immediate => max.to_string(),
        Backoff::Linear { base_ms, step_ms } => {
            format!(
                "linear(max: {max}, base: {}, step: {})",
                duration(*base_ms),
                duration(*step_ms)
            )
        }
        Backoff::Exponential {
            base_ms,
            cap_ms,
            factor_milli,
            jitter,
        } => {
            let mut args = format!("max: {max}, base: {}", duration(*base_ms));
            if let Some(cap) = cap_ms {
                args.push_str(&format!(", cap: {}", duration(*cap)));
            }
            if *factor_milli != 2_000 {
                args.push_str(&format!(
                    ", factor: {}",
                    Decimal::new(*factor_milli as i64, 3).normalize()
                ));
            }
            if *jitter {
                args.push_str(", jitter: true");
            }
            format!("exponential({args})")
        }
    };
    match retry.on.as_slice() {
        [] => policy,
        modes => format!("{policy} on {}", names(modes)),
    }
}

pub fn names(names: &[SmolStr]) -> String {
    names.join(", ")
}
