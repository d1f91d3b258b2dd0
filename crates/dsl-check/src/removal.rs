//! Which text to take out so that a name is gone: a line, a picked name with its comma, the clause if nothing else is in it.

use dsl_syntax::ast::{Block, Item, Span, Value};

use crate::diagnostic::Target;

/// The span of the block to remove; `text`: the chunk's, in which the block starts at `start`.
pub(crate) fn removal(block: &Block, target: &Target, text: &str, start: u32) -> Option<Span> {
    match (&block.item, target) {
        (Some(Item::Use(used)), Target::Use(Some(name))) => {
            let at = used.picked.iter().position(|picked| picked.text == *name)?;
            let this = used.picked[at].span;
            Some(match (used.picked.get(at + 1), at.checked_sub(1)) {
                (Some(next), _) => Span::new(this.start, next.span.start),
                (None, Some(before)) => Span::new(used.picked[before].span.end, this.end),
                (None, None) => whole_lines(text, start, used.span),
            })
        }
        (Some(Item::Decl(decl)), Target::Name) => Some(whole_lines(text, start, decl.span)),
        (Some(Item::Decl(decl)), Target::Entry(key, name)) => decl.clauses.iter().find_map(|clause| {
            let entries: Vec<(&str, Span)> = match &clause.value {
                Value::Typed(typed) => typed.iter().map(|item| (item.name.text.as_str(), item.span)).collect(),
                Value::Fields(fields) => fields
                    .iter()
                    .map(|field| (field.name.text.as_str(), field.span))
                    .collect(),
                Value::Assigns(assigns) => assigns
                    .iter()
                    .map(|item| (item.name.text.as_str(), item.span))
                    .collect(),
                _ => return None,
            };
            let (_, span) = entries.iter().find(|(entry, _)| *entry == name.as_str())?;
            let span = if entries.len() == 1 { clause.span } else { *span };
            (clause.key == Some(*key)).then(|| whole_lines(text, start, span))
        }),
        _ => None,
    }
}

/// The span with the rest of its lines, if nothing else stands before it, and with the documentation above.
pub(crate) fn whole_lines(text: &str, start: u32, span: Span) -> Span {
    let before = text.get(..(start + span.start) as usize).unwrap_or_default();
    let after = text.get((start + span.end) as usize..).unwrap_or_default();
    let mut line = before.rfind('\n').map_or(0, |end| end + 1);
    if !before[line..].trim_start().is_empty() || (line as u32) < start {
        return span;
    }
    while let Some(above) = line
        .checked_sub(1)
        .map(|end| before[..end].rfind('\n').map_or(0, |end| end + 1))
    {
        if !before[above..].trim_start().starts_with("##") || (above as u32) < start {
            break;
        }
        line = above;
    }
    let rest = after.find('\n').map_or(after.len(), |end| end + 1) as u32;
    Span::new(line as u32 - start, span.end + rest)
}
