//! The functions that take an expression about each item: `where map sort_by any all count sum`.
//!
//! While the expression is evaluated the item is `it`; the functions nest, and each level has its own.

use std::cmp::Ordering;

use super::compare::no_order;
use super::{EvalError, Evaluator, Outcome, arith, fail};
use crate::expr::{Call, Expr};
use crate::func::Func;
use crate::value::Value;

impl<'e> Evaluator<'e> {
    pub(super) fn per_item(&mut self, call: &'e Call) -> Outcome {
        let func = call.func;
        let (list, each) = match call.args.as_slice() {
            [list, each] => (list, Some(each)),
            [list] if func == Func::Sum => (list, None),
            args => {
                return fail(format!(
                    "`{}` takes a list and an expression, saw {} arguments",
                    func.name(),
                    args.len()
                ));
            }
        };
        let items = match self.eval(list)? {
            Value::List(items) => items,
            other => {
                return fail(format!("`{}` takes a list, saw {}", func.name(), other.kind()));
            }
        };
        match (func, each) {
            (Func::Sum, each) => self.sum(items, each),
            (Func::Map, Some(each)) => self.map(items, each),
            (Func::SortBy, Some(each)) => self.sort_by(items, each),
            (Func::Where, Some(each)) => self.filter(items, each),
            (Func::Any, Some(each)) => self.find(items, each, true).map(Value::Bool),
            (Func::All, Some(each)) => self.find(items, each, false).map(|found| Value::Bool(!found)),
            (Func::Count, Some(each)) => match self.filter(items, each)? {
                Value::List(kept) => Ok(Value::Int(kept.len() as i64)),
                other => Ok(other),
            },
            _ => fail(format!("`{}` is not a function about items", func.name())),
        }
    }

    /// Evaluates the expression with `it` bound to the item, and gives the item back.
    fn about(&mut self, item: Value, each: &'e Expr) -> Result<(Value, Value), EvalError> {
        self.items.push(item);
        let value = self.eval(each);
        let item = self.items.pop().unwrap_or(Value::None);
        Ok((item, value?))
    }

    fn holds(&mut self, item: Value, each: &'e Expr) -> Result<(Value, bool), EvalError> {
        self.items.push(item);
        let holds = self.truth(each);
        let item = self.items.pop().unwrap_or(Value::None);
        Ok((item, holds?))
    }

    fn map(&mut self, items: Vec<Value>, each: &'e Expr) -> Outcome {
        let mapped = items
            .into_iter()
            .map(|item| self.about(item, each).map(|(_, value)| value));
        Ok(Value::List(mapped.collect::<Result<_, _>>()?))
    }

    fn filter(&mut self, items: Vec<Value>, each: &'e Expr) -> Outcome {
        let mut kept = Vec::new();
        for item in items {
            let (item, holds) = self.holds(item, each)?;
            if holds {
                kept.push(item);
            }
        }
        Ok(Value::List(kept))
    }

    /// Whether the condition is `wanted` for some item; looks no further than the first.
    fn find(&mut self, items: Vec<Value>, each: &'e Expr, wanted: bool) -> Result<bool, EvalError> {
        for item in items {
            if self.holds(item, each)?.1 == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn sum(&mut self, items: Vec<Value>, each: Option<&'e Expr>) -> Outcome {
        let mut total = Value::Int(0);
        for item in items {
            let term = match each {
                Some(each) => self.about(item, each)?.1,
                None => item,
            };
            if matches!(term, Value::String(_) | Value::Time(_)) {
                return fail(format!("`sum` adds numbers and quantities, saw {}", term.kind()));
            }
            let (sum, term) = arith::zero_of_same_unit(total, term);
            total = arith::add(sum, term, &mut self.meter)?;
        }
        Ok(total)
    }

    fn sort_by(&mut self, items: Vec<Value>, each: &'e Expr) -> Outcome {
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            let (item, key) = self.about(item, each)?;
            keyed.push((key, item));
        }
        let order = order_of(keyed.iter().map(|(key, _)| key))?;
        keyed.sort_by(|(a, _), (b, _)| order(a, b));
        Ok(Value::List(keyed.into_iter().map(|(_, item)| item).collect()))
    }
}

/// An order that is consistent over all these values, or the first two that have none. Texts are ordered as versions only
/// if all of them are.
pub(crate) fn order_of<'v>(
    values: impl Iterator<Item = &'v Value> + Clone,
) -> Result<fn(&Value, &Value) -> Ordering, EvalError> {
    let mut pairs = values.clone();
    let Some(first) = pairs.next() else {
        return Ok(by_meaning);
    };
    // Each with the first is enough: having an order is having a kind in common.
    for value in values.clone() {
        if first.compare(value).is_none() {
            return Err(no_order(first, value));
        }
    }
    Ok(if values.clone().all(Value::is_version) {
        by_meaning
    } else {
        by_text
    })
}

fn by_meaning(a: &Value, b: &Value) -> Ordering {
    a.compare(b).unwrap_or(Ordering::Equal)
}

fn by_text(a: &Value, b: &Value) -> Ordering {
    a.compare_as_text(b).unwrap_or(Ordering::Equal)
}
