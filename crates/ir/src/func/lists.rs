//! Functions over lists and maps.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Args, Func};
use crate::eval::{Meter, Outcome, order_of};
use crate::value::Value;

pub(super) fn len(args: &mut Args) -> Outcome {
    let len = match args.any()? {
        Value::String(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Record(fields) => fields.len(),
        other => return args.expected("a string, list or map", &other),
    };
    Ok(Value::Int(len as i64))
}

/// `min max first last`: one item, or `none` of an empty list. Of equal items `min` and `max` take the first.
pub(super) fn pick(func: Func, args: &mut Args, meter: &mut Meter) -> Outcome {
    let mut items = args.list()?;
    meter.steps(items.len())?;
    let at = match func {
        Func::First => 0,
        Func::Last => items.len().wrapping_sub(1),
        _ => {
            let order = order_of(items.iter())?;
            let mut best = 0;
            for (i, item) in items.iter().enumerate() {
                let order = order(item, &items[best]);
                if if func == Func::Min {
                    order.is_lt()
                } else {
                    order.is_gt()
                } {
                    best = i;
                }
            }
            best
        }
    };
    Ok(if at < items.len() {
        items.swap_remove(at)
    } else {
        Value::None
    })
}

/// `keys values get merge`. Maps are in the order of their keys.
pub(super) fn of_map(func: Func, args: &mut Args, meter: &mut Meter) -> Outcome {
    let mut map = args.map()?;
    meter.steps(map.len())?;
    Ok(match func {
        Func::Keys => Value::List(map.into_keys().map(Value::String).collect()),
        Func::Values => Value::List(map.into_values().collect()),
        Func::Get => map.remove(&args.text()?).unwrap_or(Value::None),
        _ => {
            let other = args.map()?;
            meter.steps(other.len())?;
            map.extend(other);
            Value::Record(map)
        }
    })
}

/// From the first to before the second; empty if that is no step up.
pub(super) fn range(args: &mut Args, meter: &mut Meter) -> Outcome {
    let (from, to) = (args.int()?, args.int()?);
    let count = to.saturating_sub(from).max(0);
    meter.items(usize::try_from(count).unwrap_or(usize::MAX))?;
    Ok(Value::List((from..to).map(Value::Int).collect()))
}

pub(super) fn zip(args: &mut Args, meter: &mut Meter) -> Outcome {
    let (left, right) = (args.list()?, args.list()?);
    meter.items(left.len().min(right.len()))?;
    let pair = |(left, right)| {
        Value::Record(BTreeMap::from([
            (SmolStr::new_static("left"), left),
            (SmolStr::new_static("right"), right),
        ]))
    };
    Ok(Value::List(left.into_iter().zip(right).map(pair).collect()))
}
