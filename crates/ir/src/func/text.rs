//! Functions over text. Lengths and positions count characters (Unicode scalar values), never bytes.

use smol_str::{SmolStr, StrExt};

use super::{Args, Func};
use crate::data;
use crate::eval::{EvalError, Meter, Outcome, fail};
use crate::value::Value;

/// The functions that make a text.
pub(super) fn edit(func: Func, args: &mut Args, meter: &mut Meter) -> Outcome {
    if func == Func::String {
        let rendered = data::render(&args.any()?);
        meter.text(0, rendered.len())?;
        return Ok(Value::from(rendered));
    }
    let text = args.text()?;
    meter.text(0, text.len())?;
    Ok(Value::String(match func {
        Func::Lower => text.to_lowercase_smolstr(),
        Func::Upper => text.to_uppercase_smolstr(),
        Func::Trim => text.trim().into(),
        Func::Slug => slug(&text),
        Func::Truncate => truncate(&text, args.int()?)?,
        Func::Replace => replace(&text, &args.text()?, &args.text()?, meter)?,
        _ => format(&text, args, meter)?,
    }))
}

/// Lower-case letters and digits of any script; whatever else stands between them becomes one hyphen.
fn slug(text: &str) -> SmolStr {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').into()
}

fn truncate(text: &SmolStr, chars: i64) -> Result<SmolStr, EvalError> {
    let Ok(chars) = usize::try_from(chars) else {
        return fail(format!("`truncate` takes a length, saw {chars}"));
    };
    Ok(match text.char_indices().nth(chars) {
        Some((end, _)) => text[..end].into(),
        None => text.clone(),
    })
}

fn replace(text: &str, old: &str, new: &str, meter: &mut Meter) -> Result<SmolStr, EvalError> {
    if old.is_empty() {
        return fail("`replace` looks for an empty string");
    }
    let grown = text.matches(old).count().saturating_mul(new.len());
    meter.text(text.len(), grown)?;
    Ok(text.replace_smolstr(old, new))
}

/// As many `{}` as arguments; any other brace is itself.
fn format(template: &str, args: &mut Args, meter: &mut Meter) -> Result<SmolStr, EvalError> {
    let mut parts = template.split("{}");
    let mut filled = String::from(parts.next().unwrap_or_default());
    for part in parts {
        let Some(arg) = args.next() else {
            return fail(format!("`format` has more `{{}}` than arguments: {template:?}"));
        };
        let arg = data::render_cow(&arg);
        meter.text(filled.len(), arg.len() + part.len())?;
        filled.push_str(&arg);
        filled.push_str(part);
    }
    match args.next() {
        Some(_) => fail(format!("`format` has fewer `{{}}` than arguments: {template:?}")),
        None => Ok(filled.into()),
    }
}

/// The functions between a text and its parts.
pub(super) fn parts(func: Func, args: &mut Args, meter: &mut Meter) -> Outcome {
    if func == Func::Join {
        return join(args, meter);
    }
    let text = args.text()?;
    match func {
        Func::Split => {
            let by = args.text()?;
            if by.is_empty() {
                return fail("`split` looks for an empty separator");
            }
            collect(text.split(by.as_str()), meter)
        }
        Func::Lines => collect(text.lines(), meter),
        _ => collect(text.split_whitespace(), meter),
    }
}

fn collect<'t>(parts: impl Iterator<Item = &'t str>, meter: &mut Meter) -> Outcome {
    let mut items = Vec::new();
    for part in parts {
        items.push(Value::from(part));
        // Asked every so often, so that a long text is given up before all its parts are made.
        if items.len().is_multiple_of(1024) {
            meter.items(items.len()).and_then(|()| meter.steps(0))?;
        }
    }
    meter.items(items.len())?;
    Ok(Value::List(items))
}

fn join(args: &mut Args, meter: &mut Meter) -> Outcome {
    let items = args.list()?;
    let by = args.text()?;
    let mut text = String::new();
    for (i, item) in items.iter().enumerate() {
        let by = if i == 0 { "" } else { by.as_str() };
        let item = data::render_cow(item);
        meter.text(text.len(), by.len() + item.len())?;
        text.push_str(by);
        text.push_str(&item);
    }
    Ok(Value::from(text))
}

/// The functions that ask something of a text.
pub(super) fn test(func: Func, args: &mut Args, meter: &mut Meter) -> Outcome {
    if func == Func::Contains {
        let whole = args.any()?;
        return crate::eval::is_in(&args.any()?, &whole, meter).map(Value::Bool);
    }
    let text = args.text()?;
    let part = args.text()?;
    Ok(Value::Bool(match func {
        Func::StartsWith => text.starts_with(part.as_str()),
        _ => text.ends_with(part.as_str()),
    }))
}
