//! The evaluator of expressions.
//!
//! Pure and bounded: the same scope and the same observations give the same value on every machine, and no expression
//! takes more than [`WORK_MAX`] steps or builds a text over [`TEXT_BYTES_MAX`], whatever it says. Whatever goes wrong is
//! an [`EvalError`] with a sentence, never a panic. Absent: clocks, files, randomness; the world answers through [`World`].

mod arith;
mod compare;
mod items;
mod meter;

use std::collections::BTreeMap;
use std::fmt;

use smol_str::SmolStr;

pub use crate::expr::{observes, refs};
pub(crate) use arith::{float, to_float, whole};
pub(crate) use compare::is_in;
pub(crate) use items::order_of;
pub(crate) use meter::Meter;
pub use meter::{ITEMS_MAX, TEXT_BYTES_MAX, WORK_MAX};

use crate::data;
use crate::expr::{BinaryOp, Call, EXPR_DEPTH_MAX, Expr, Ref};
use crate::func::{self, Func};
use crate::types::Types;
use crate::value::{VALUE_DEPTH_MAX, Value};

/// Where an expression is evaluated: what its names mean.
pub trait Scope {
    /// The value of a reference; `none` for what is absent, an error for what this scope does not have. Never asked
    /// for [`Ref::World`].
    fn get(&self, reference: &Ref) -> Result<Value, EvalError>;

    /// The plan's named records, which `x as T` needs.
    fn types(&self) -> &Types;
}

/// What an expression may look at. What it said is recorded by whoever implements it.
pub trait World {
    /// Stores a file, or the files of a pattern, as artifacts: [`Value::File`], or a list of them.
    fn file(&mut self, path: &str) -> Result<Value, String>;
    fn exists(&mut self, path: &str) -> Result<bool, String>;
    /// The BLAKE3 digest of a file, in hexadecimal.
    fn hash(&mut self, path: &str) -> Result<String, String>;
    /// `system.disk.free`, `network.online`: dotted.
    fn fact(&mut self, name: &str) -> Result<Value, String>;
}

/// A world that may not be looked at: every observation is an error.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoWorld;

impl World for NoWorld {
    fn file(&mut self, _path: &str) -> Result<Value, String> {
        Err("`file` cannot look at the world here".to_owned())
    }

    fn exists(&mut self, _path: &str) -> Result<bool, String> {
        Err("`exists` cannot look at the world here".to_owned())
    }

    fn hash(&mut self, _path: &str) -> Result<String, String> {
        Err("`hash` cannot look at the world here".to_owned())
    }

    fn fact(&mut self, name: &str) -> Result<Value, String> {
        Err(format!("`{name}` cannot look at the world here"))
    }
}

/// Why an expression has no value; the mode `expression-error` of a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvalError {
    /// One sentence, lower case, without a full stop.
    pub message: String,
}

impl EvalError {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EvalError {}

pub(crate) type Outcome = Result<Value, EvalError>;

pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, EvalError> {
    Err(EvalError::new(message))
}

/// The value of an expression.
pub fn eval(expr: &Expr, scope: &dyn Scope, world: &mut dyn World) -> Outcome {
    let mut evaluator = Evaluator {
        scope,
        world,
        items: Vec::new(),
        loaded: BTreeMap::new(),
        depth: 0,
        meter: Meter::default(),
    };
    let value = evaluator.eval(expr)?;
    if !value.fits_depth(VALUE_DEPTH_MAX) {
        return fail(format!("the value nests deeper than {VALUE_DEPTH_MAX} levels"));
    }
    Ok(value)
}

struct Evaluator<'e> {
    scope: &'e dyn Scope,
    world: &'e mut dyn World,
    /// The items of the enclosing per-item functions, innermost last.
    items: Vec<Value>,
    /// References read inside a per-item function: read once, not once an item.
    loaded: BTreeMap<&'e Ref, Value>,
    depth: usize,
    meter: Meter,
}

impl<'e> Evaluator<'e> {
    fn eval(&mut self, expr: &'e Expr) -> Outcome {
        if self.depth == EXPR_DEPTH_MAX {
            return fail(format!("the expression nests deeper than {EXPR_DEPTH_MAX} levels"));
        }
        self.meter.steps(1)?;
        self.depth += 1;
        let value = self.dispatch(expr);
        self.depth -= 1;
        value
    }

    fn dispatch(&mut self, expr: &'e Expr) -> Outcome {
        match expr {
            Expr::Const(value) => self.copy(value),
            Expr::Ref(reference) => self.reference(reference),
            Expr::It(depth) => {
                let item = self.item(*depth)?.clone();
                self.meter.copied(&item)?;
                Ok(item)
            }
            Expr::Not(operand) => Ok(Value::Bool(!self.truth(operand)?)),
            Expr::Neg(operand) => arith::negate(self.eval(operand)?),
            Expr::Binary(binary) => self.binary(binary.op, &binary.lhs, &binary.rhs),
            Expr::And(pair) => Ok(Value::Bool(self.truth(&pair.0)? && self.truth(&pair.1)?)),
            Expr::Or(pair) => Ok(Value::Bool(self.truth(&pair.0)? || self.truth(&pair.1)?)),
            Expr::Coalesce(pair) => match self.eval(&pair.0)? {
                Value::None => self.eval(&pair.1),
                value => Ok(value),
            },
            Expr::If(branches) => {
                let branch = if self.truth(&branches.cond)? {
                    &branches.then
                } else {
                    &branches.otherwise
                };
                self.eval(branch)
            }
            Expr::IsNone(operand) => Ok(Value::Bool(self.eval(operand)?.is_none())),
            Expr::IsEmpty(operand) => is_empty(&self.eval(operand)?).map(Value::Bool),
            Expr::Field(access) => self.field(expr, &access.0, &access.1),
            Expr::Index(access) => self.index(&access.0, &access.1),
            Expr::List(items) => self.list(items),
            Expr::Record(fields) => self.record(fields),
            Expr::Call(call) => self.call(call),
            Expr::Cast(cast) => {
                let value = self.eval(&cast.0)?;
                data::check(value, &cast.1, self.scope.types())
                    .map_err(|error| EvalError::new(format!("as `{}`: {error}", cast.1)))
            }
            Expr::Concat(parts) => self.concat(parts),
        }
    }

    fn copy(&mut self, value: &Value) -> Outcome {
        self.meter.copied(value)?;
        Ok(value.clone())
    }

    fn truth(&mut self, expr: &'e Expr) -> Result<bool, EvalError> {
        match self.eval(expr)? {
            Value::Bool(value) => Ok(value),
            other => fail(format!("saw {}, expected `true` or `false`", other.kind())),
        }
    }

    fn item(&self, depth: u32) -> Result<&Value, EvalError> {
        let position = self.items.len().checked_sub(1 + depth as usize);
        position
            .and_then(|position| self.items.get(position))
            .ok_or_else(|| EvalError::new("`it` stands outside of a function about each item"))
    }

    fn reference(&mut self, reference: &'e Ref) -> Outcome {
        if !self.items.is_empty() {
            self.load(reference)?;
            if let Some(value) = self.loaded.get(reference) {
                self.meter.copied(value)?;
                return Ok(value.clone());
            }
        }
        let value = self.look_up(reference)?;
        self.meter.copied(&value)?;
        Ok(value)
    }

    fn load(&mut self, reference: &'e Ref) -> Result<(), EvalError> {
        if !self.loaded.contains_key(reference) {
            let value = self.look_up(reference)?;
            self.loaded.insert(reference, value);
        }
        Ok(())
    }

    fn look_up(&mut self, reference: &Ref) -> Outcome {
        match reference {
            Ref::World(name) => self.world.fact(name).map_err(EvalError::new),
            _ => self.scope.get(reference),
        }
    }

    fn binary(&mut self, op: BinaryOp, lhs: &'e Expr, rhs: &'e Expr) -> Outcome {
        let lhs = self.eval(lhs)?;
        let rhs = self.eval(rhs)?;
        match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                arith::apply(op, lhs, rhs, &mut self.meter)
            }
            _ => compare::apply(op, &lhs, &rhs, &mut self.meter).map(Value::Bool),
        }
    }

    /// A chain of fields from `it` or a reference is walked in place: only what it ends at is copied.
    fn field(&mut self, whole: &'e Expr, base: &'e Expr, name: &'e SmolStr) -> Outcome {
        if let Some((root, names)) = chain(whole) {
            if let Expr::Ref(reference) = root {
                self.load(reference)?;
            }
            let root = match root {
                Expr::Ref(reference) => self.loaded.get(reference).unwrap_or(&Value::None),
                Expr::It(depth) => self.item(*depth)?,
                _ => &Value::None,
            };
            let value = names
                .iter()
                .rev()
                .try_fold(root, |value, name| field_of(value, name))?
                .clone();
            self.meter.copied(&value)?;
            return Ok(value);
        }
        match self.eval(base)? {
            Value::Record(mut fields) => Ok(fields.remove(name).unwrap_or(Value::None)),
            other => field_of(&other, name).cloned(),
        }
    }

    fn index(&mut self, base: &'e Expr, index: &'e Expr) -> Outcome {
        let base = self.eval(base)?;
        let index = self.eval(index)?;
        match (base, index) {
            (Value::List(mut items), Value::Int(at)) => match usize::try_from(at) {
                Ok(i) if i < items.len() => Ok(items.swap_remove(i)),
                _ => fail(format!("there is no item {at} in a list of {}", items.len())),
            },
            (Value::Record(mut fields), Value::String(key)) => fields
                .remove(&key)
                .ok_or_else(|| EvalError::new(format!("there is no key `{key}`"))),
            (Value::List(_), index) => fail(format!("the index of a list is {}, expected an int", index.kind())),
            (Value::Record(_), index) => fail(format!("the key of a map is {}, expected a string", index.kind())),
            (base, _) => fail(format!("{} has no items, expected a list or a map", base.kind())),
        }
    }

    fn list(&mut self, items: &'e [Expr]) -> Outcome {
        let items = items.iter().map(|item| self.eval(item));
        Ok(Value::List(items.collect::<Result<_, _>>()?))
    }

    fn record(&mut self, fields: &'e [(SmolStr, Expr)]) -> Outcome {
        let fields = fields.iter().map(|(key, field)| Ok((key.clone(), self.eval(field)?)));
        Ok(Value::Record(fields.collect::<Result<_, EvalError>>()?))
    }

    fn concat(&mut self, parts: &'e [Expr]) -> Outcome {
        let mut text = String::new();
        for part in parts {
            let value = self.eval(part)?;
            let rendered = data::render_cow(&value);
            self.meter.text(text.len(), rendered.len())?;
            text.push_str(&rendered);
        }
        Ok(Value::from(text))
    }

    fn call(&mut self, call: &'e Call) -> Outcome {
        if call.func.per_item() {
            return self.per_item(call);
        }
        let args = call
            .args
            .iter()
            .map(|arg| self.eval(arg))
            .collect::<Result<Vec<_>, _>>()?;
        match call.func {
            Func::File | Func::Exists | Func::Hash => func::world::call(call.func, args, self.world),
            Func::Uuid => func::world::uuid(args, self.scope),
            _ => func::call(call.func, args, &mut self.meter),
        }
    }
}

/// The root and the names, outermost first, of `root.a.b`, where the root can be borrowed.
fn chain(expr: &Expr) -> Option<(&Expr, Vec<&SmolStr>)> {
    let mut names = Vec::new();
    let mut at = expr;
    while let Expr::Field(access) = at {
        names.push(&access.1);
        at = &access.0;
    }
    matches!(at, Expr::Ref(_) | Expr::It(_)).then_some((at, names))
}

/// A key that is not there is `none`, as is a field of `none`: the checker has asked for these to be handled.
fn field_of<'v>(value: &'v Value, name: &str) -> Result<&'v Value, EvalError> {
    match value {
        Value::Record(fields) => Ok(fields.get(name).unwrap_or(&Value::None)),
        Value::None => Ok(&Value::None),
        other => fail(format!("{} has no field `{name}`, expected a record", other.kind())),
    }
}

fn is_empty(value: &Value) -> Result<bool, EvalError> {
    match value {
        Value::None => Ok(true),
        Value::String(text) => Ok(text.is_empty()),
        Value::List(items) => Ok(items.is_empty()),
        Value::Record(fields) => Ok(fields.is_empty()),
        Value::File(file) => Ok(file.size == 0),
        other => fail(format!(
            "{} is never empty, expected a string, list, map or file",
            other.kind()
        )),
    }
}
