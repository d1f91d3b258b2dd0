//! What a condition says about values that stay the same for a whole run: an over-approximation, by names and without spans.
//!
//! Only comparisons with constants are understood, and other conditions as wholes: `a.x == b.y` and its negation
//! exclude each other. A condition that may fail instead of being true or false says nothing. Absent: the graph.

use ir::expr::{Binary, BinaryOp};
use ir::func::Func;
use ir::types::Type;
use ir::{Expr, Ref, Value};
use smol_str::SmolStr;

use super::values::{Limit, Values, above, below};

/// How many values one condition speaks of.
const FACTS_MAX: usize = 16;
/// A longer text is no name for a value.
const TEXT_BYTES_MAX: usize = 120;

/// What holds whenever a condition is true.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Cond {
    /// It is never true; why.
    pub never: Option<SmolStr>,
    /// All of these hold.
    pub facts: Box<[(Subject, Values)]>,
}

/// What a condition speaks of. Nodes go by their names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Subject {
    /// How a node ended.
    Status(SmolStr),
    /// With which mode it failed.
    Mode(SmolStr),
    Value(ValueName),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ValueName {
    /// As a plan would write it.
    pub text: SmolStr,
    /// Constants that it is compared with are quoted.
    pub quoted: bool,
    /// The nodes that it is read from.
    pub nodes: Box<[SmolStr]>,
}

/// What the condition's place knows of values.
pub(crate) trait Scope {
    fn node(&self, at: u32) -> SmolStr;
    /// `None`: it may be anything.
    fn type_of(&self, read: &Ref) -> Option<Type>;
}

impl Cond {
    /// What holds when the condition turns out to be `truth`.
    pub fn of(expr: &Expr, truth: bool, scope: &dyn Scope) -> Self {
        Reader { scope }.read(expr, truth)
    }

    fn never(why: impl Into<SmolStr>) -> Self {
        Self {
            never: Some(why.into()),
            facts: Box::default(),
        }
    }

    fn fact(subject: Subject, values: Values) -> Self {
        Self {
            never: None,
            facts: [(subject, values)].into(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.never.is_none() && self.facts.is_empty()
    }

    /// What holds when both do.
    pub fn and(&self, other: &Self) -> Self {
        if self.never.is_some() {
            return self.clone();
        }
        if other.never.is_some() {
            return other.clone();
        }
        let mut facts = self.facts.to_vec();
        for (subject, values) in &other.facts {
            let Some((_, known)) = facts.iter_mut().find(|(known, _)| known == subject) else {
                if facts.len() < FACTS_MAX {
                    facts.push((subject.clone(), values.clone()));
                }
                continue;
            };
            match known.and(values) {
                Some(both) => *known = both,
                None => {
                    let (one, other) = (written(subject, known), written(subject, values));
                    return Self::never(format!("`{one}` and `{other}` exclude each other"));
                }
            }
        }
        Self {
            never: None,
            facts: facts.into(),
        }
    }

    /// What holds when an arm is taken, where this holds when none above it is.
    pub fn then(&self, arm: &Self) -> Self {
        match (&self.never, &arm.never) {
            (_, Some(_)) => arm.clone(),
            (Some(_), None) => Self::never("one of the arms above is always taken"),
            (None, None) => {
                let both = self.and(arm);
                match both.never {
                    Some(_) => Self::never("arms above are taken first"),
                    None => both,
                }
            }
        }
    }

    /// What holds when one of them does.
    fn or(&self, other: &Self) -> Self {
        if self.never.is_some() {
            return other.clone();
        }
        if other.never.is_some() {
            return self.clone();
        }
        let facts = self.facts.iter().filter_map(|(subject, values)| {
            let (_, others) = other.facts.iter().find(|(known, _)| known == subject)?;
            Some((subject.clone(), values.or(others)?))
        });
        Self {
            never: None,
            facts: facts.collect(),
        }
    }
}

/// Whether the condition is true or false, and never an error. A node whose condition is an error fails.
pub(crate) fn is_total(condition: &Expr) -> bool {
    let mut total = true;
    condition.walk(&mut |expr, _, _| {
        total &= match expr {
            Expr::Const(_) | Expr::Ref(_) | Expr::Field(_) | Expr::List(_) => true,
            Expr::Not(_) | Expr::And(_) | Expr::Or(_) | Expr::Coalesce(_) => true,
            Expr::IsNone(_) | Expr::IsEmpty(_) => true,
            Expr::Binary(binary) => !matches!(
                binary.op,
                BinaryOp::Matches | BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem
            ),
            Expr::Call(call) => call.func == Func::Len,
            _ => false,
        };
    });
    total
}

/// Conditions are as deep as the parser lets them be, so this may recurse.
struct Reader<'a> {
    scope: &'a dyn Scope,
}

impl Reader<'_> {
    fn read(&self, expr: &Expr, truth: bool) -> Cond {
        match expr {
            Expr::Const(Value::Bool(value)) if *value != truth => Cond::never(format!("it is `{value}`")),
            Expr::Not(inner) => self.read(inner, !truth),
            Expr::And(sides) if truth => self.read(&sides.0, true).and(&self.read(&sides.1, true)),
            Expr::And(sides) => self.read(&sides.0, false).or(&self.read(&sides.1, false)),
            Expr::Or(sides) if truth => self.read(&sides.0, true).or(&self.read(&sides.1, true)),
            Expr::Or(sides) => self.read(&sides.0, false).and(&self.read(&sides.1, false)),
            Expr::IsNone(value) => {
                let none = Value::None;
                self.about(
                    value,
                    if truth {
                        Values::only(none)
                    } else {
                        Values::except(none)
                    },
                )
            }
            Expr::Binary(binary) => self
                .comparison(binary, truth)
                .unwrap_or_else(|| self.whole(expr, truth)),
            expr => self.whole(expr, truth),
        }
    }

    /// `subject == constant` and its kin.
    fn comparison(&self, binary: &Binary, truth: bool) -> Option<Cond> {
        use BinaryOp::{Eq, Ge, Gt, In, Le, Lt, Ne};
        if binary.op == In {
            let members: Box<[Value]> = match &binary.rhs {
                Expr::Const(Value::List(members)) => members.as_slice().into(),
                Expr::List(items) => items.iter().map(constant).collect::<Option<_>>()?,
                _ => return None,
            };
            let values = if truth {
                Values::OneOf(members)
            } else {
                Values::NoneOf(members)
            };
            return Some(self.about(&binary.lhs, values));
        }
        let (subject, op, value) = match (constant(&binary.lhs), constant(&binary.rhs)) {
            (None, Some(value)) => (&binary.lhs, binary.op, value),
            (Some(value), None) => {
                let mirrored = match binary.op {
                    Lt => Gt,
                    Le => Ge,
                    Gt => Lt,
                    Ge => Le,
                    op => op,
                };
                (&binary.rhs, mirrored, value)
            }
            _ => return None,
        };
        let whole = self.is_whole(subject);
        let values = match (op, truth) {
            (Eq, true) | (Ne, false) => Values::only(value),
            (Ne, true) | (Eq, false) => Values::except(value),
            (Lt, true) | (Ge, false) => below(&value, false, whole)?,
            (Le, true) | (Gt, false) => below(&value, true, whole)?,
            (Gt, true) | (Le, false) => above(&value, false, whole)?,
            (Ge, true) | (Lt, false) => above(&value, true, whole)?,
            _ => return None,
        };
        Some(self.about(subject, values))
    }

    fn is_whole(&self, subject: &Expr) -> bool {
        match subject {
            Expr::Ref(read) => matches!(self.scope.type_of(read), Some(Type::Int(_))),
            Expr::Call(call) => call.func == Func::Len,
            _ => false,
        }
    }

    /// That a value is one of those.
    fn about(&self, value: &Expr, values: Values) -> Cond {
        let Some(subject) = self.subject(value) else {
            return Cond::default();
        };
        let ty = match value {
            Expr::Ref(read) => self.scope.type_of(read),
            _ => None,
        };
        if ty == Some(Type::Error) {
            return Cond::default();
        }
        let Some(possible) = ty.as_ref().and_then(Values::of_type) else {
            return Cond::fact(subject, values);
        };
        match possible.and(&values) {
            Some(values) => Cond::fact(subject, values),
            None => Cond::never(format!(
                "`{}` is never so: it is `{}`",
                written(&subject, &values),
                ty.map(|ty| ty.to_string()).unwrap_or_default()
            )),
        }
    }

    /// A condition that is not looked into: it and its negation exclude each other.
    fn whole(&self, expr: &Expr, truth: bool) -> Cond {
        let (expr, truth) = match expr {
            Expr::Binary(binary) => {
                let opposite = match binary.op {
                    BinaryOp::Ne => BinaryOp::Eq,
                    BinaryOp::Ge => BinaryOp::Lt,
                    BinaryOp::Gt => BinaryOp::Le,
                    op => op,
                };
                let turned = Binary {
                    op: opposite,
                    ..(**binary).clone()
                };
                (Expr::Binary(turned.into()), truth == (opposite == binary.op))
            }
            expr => (expr.clone(), truth),
        };
        match self.subject(&expr) {
            Some(subject) => Cond::fact(subject, Values::only(Value::Bool(truth))),
            None => Cond::default(),
        }
    }

    /// What an expression is called, if it is the same wherever it is read.
    fn subject(&self, expr: &Expr) -> Option<Subject> {
        match expr {
            Expr::Ref(Ref::Status(node)) => return Some(Subject::Status(self.scope.node(*node))),
            Expr::Field(field) if field.1 == "kind" => {
                if let Expr::Ref(Ref::Error(node)) = &field.0 {
                    return Some(Subject::Mode(self.scope.node(*node)));
                }
            }
            _ => {}
        }
        let quoted = match expr {
            Expr::Ref(read) => !matches!(
                self.scope.type_of(read).as_ref().map(Type::required),
                Some(Type::Enum(_))
            ),
            _ => true,
        };
        let mut reads = false;
        ir::expr::refs(expr, &mut |_| reads = true);
        let mut nodes = Vec::new();
        let text = self.text(expr, &mut nodes).filter(|_| reads)?;
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        nodes.sort_unstable();
        nodes.dedup();
        Some(Subject::Value(ValueName {
            text: text.into(),
            quoted,
            nodes: nodes.into(),
        }))
    }

    fn text(&self, expr: &Expr, nodes: &mut Vec<SmolStr>) -> Option<String> {
        let mut of_node = |node: u32, member: &str| {
            let name = self.scope.node(node);
            let text = format!("{name}.{member}");
            nodes.push(name);
            Some(text)
        };
        Some(match expr {
            Expr::Const(value) => constant_text(value, true)?,
            Expr::Ref(read) => match read {
                Ref::Param(name) => format!("params.{name}"),
                Ref::Run(name) => format!("run.{name}"),
                Ref::Plan(name) => format!("plan.{name}"),
                Ref::Budget(name) => format!("budget.{name}"),
                Ref::Output(node, output) => of_node(*node, output)?,
                Ref::Status(node) => of_node(*node, "status")?,
                Ref::Attempts(node) => of_node(*node, "attempts")?,
                Ref::NodeDuration(node) => of_node(*node, "duration")?,
                Ref::NodeAgent(node) => of_node(*node, "agent")?,
                Ref::Choice(node) => of_node(*node, "choice")?,
                Ref::Error(node) => of_node(*node, "error")?,
                // memory may change, the others mean something else in every node
                _ => return None,
            },
            Expr::Field(field) => format!("{}.{}", self.operand(&field.0, nodes)?, field.1),
            Expr::Coalesce(sides) => {
                format!(
                    "({} ?? {})",
                    self.operand(&sides.0, nodes)?,
                    self.operand(&sides.1, nodes)?
                )
            }
            Expr::IsEmpty(value) => format!("{} is empty", self.operand(value, nodes)?),
            Expr::Call(call) if !call.func.per_item() && !call.func.observes() => {
                let args: Option<Vec<String>> = call.args.iter().map(|arg| self.text(arg, nodes)).collect();
                format!("{}({})", call.func.name(), args?.join(", "))
            }
            Expr::Binary(binary) => {
                let op = match binary.op {
                    BinaryOp::Eq => "==",
                    BinaryOp::Lt => "<",
                    BinaryOp::Le => "<=",
                    BinaryOp::In => "in",
                    BinaryOp::Matches => "matches",
                    _ => return None,
                };
                format!(
                    "{} {op} {}",
                    self.operand(&binary.lhs, nodes)?,
                    self.operand(&binary.rhs, nodes)?
                )
            }
            _ => return None,
        })
    }

    /// In brackets where it needs them: two expressions never have one text.
    fn operand(&self, expr: &Expr, nodes: &mut Vec<SmolStr>) -> Option<String> {
        let text = self.text(expr, nodes)?;
        Some(match expr {
            Expr::Binary(_) | Expr::IsEmpty(_) => format!("({text})"),
            _ => text,
        })
    }
}

fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Const(value) => Some(value.clone()),
        _ => None,
    }
}

/// The condition as a plan would write it.
pub(crate) fn written(subject: &Subject, values: &Values) -> String {
    let (name, quoted) = match subject {
        Subject::Status(node) => (format!("{node}.status"), false),
        Subject::Mode(node) => (format!("{node}.error.kind"), false),
        Subject::Value(value) => (value.text.to_string(), value.quoted),
    };
    comparison(&name, quoted, values)
}

pub(crate) fn comparison(name: &str, quoted: bool, values: &Values) -> String {
    let text = |value: &Value| constant_text(value, quoted).unwrap_or_else(|| value.kind().to_owned());
    let list = |values: &[Value]| values.iter().map(text).collect::<Vec<_>>().join(", ");
    match values {
        Values::OneOf(values) => match &**values {
            [Value::Bool(true)] => name.to_owned(),
            [Value::Bool(false)] => format!("not {name}"),
            [Value::None] => format!("{name} is none"),
            [value] => format!("{name} == {}", text(value)),
            values => format!("{name} in [{}]", list(values)),
        },
        Values::NoneOf(values) => match &**values {
            [Value::None] => format!("{name} is not none"),
            [value] => format!("{name} != {}", text(value)),
            values => format!("not {name} in [{}]", list(values)),
        },
        Values::Between(lo, hi) => {
            let side = |limit: &Option<Limit>, strict: &str| {
                let limit = limit.as_ref()?;
                let equal = if limit.inclusive { "=" } else { "" };
                Some(format!("{name} {strict}{equal} {}", text(&limit.at)))
            };
            let sides: Vec<String> = [side(lo, ">"), side(hi, "<")].into_iter().flatten().collect();
            sides.join(" and ")
        }
    }
}

/// A constant as a plan would write it, where that is short.
fn constant_text(value: &Value, quoted: bool) -> Option<String> {
    use ir::quantity::{render_duration, render_float, render_money, render_size, render_time};
    Some(match value {
        Value::None => "none".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => render_float(*float),
        Value::String(text) if quoted => format!("{text:?}"),
        Value::String(text) => text.to_string(),
        Value::Duration(ms) => render_duration(*ms),
        Value::Size(bytes) => render_size(*bytes),
        Value::Money(dollars) => format!("${}", render_money(*dollars)),
        Value::Time(ms) => render_time(*ms),
        Value::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(|item| constant_text(item, quoted)).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::File(_) | Value::Record(_) => return None,
    })
}
