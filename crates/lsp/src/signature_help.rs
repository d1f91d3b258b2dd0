//! `textDocument/signatureHelp`: the function, or the need, whose arguments are being written, and which of them.

use dsl_check::Called;
use ir::func::Func;
use tower_lsp_server::ls_types::{
    Documentation, ParameterInformation, ParameterLabel, SignatureHelp, SignatureInformation,
};

use crate::text::Place;
use crate::view::Subject;

pub(crate) fn signature_help(subject: &Subject<'_>, place: Place) -> Option<SignatureHelp> {
    let before = subject.document.text.as_str().get(..subject.offset(place) as usize)?;
    let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
    let snapshot = &subject.view.snapshot;
    if let Some(need) = snapshot.need_at(subject.path, subject.offset(place)) {
        return Some(help_of(need));
    }
    let call = open_call(line)?;
    let Some(func) = Func::from_name(call.name).filter(|_| !call.is_member) else {
        return other_call(subject, place);
    };
    let signature = func.signature();
    let active = u32::try_from(call.argument + usize::from(call.piped)).ok()?;
    Some(SignatureHelp {
        signatures: vec![SignatureInformation {
            label: signature.to_owned(),
            documentation: Some(Documentation::String(func.doc().to_owned())),
            parameters: Some(parameters(signature)),
            active_parameter: Some(active),
        }],
        active_signature: Some(0),
        active_parameter: Some(active),
    })
}

/// Of what is no function: a capability in a step, a way to retry.
fn other_call(subject: &Subject<'_>, place: Place) -> Option<SignatureHelp> {
    let called = subject.view.snapshot.call_at(subject.path, subject.offset(place))?;
    Some(help_of(called))
}

fn help_of(called: Called) -> SignatureHelp {
    let active = called.active.and_then(|active| u32::try_from(active).ok());
    SignatureHelp {
        signatures: vec![SignatureInformation {
            label: called.label,
            documentation: Some(Documentation::String(called.doc)),
            parameters: Some(called.parameters.iter().map(|text| parameter(text)).collect()),
            active_parameter: active,
        }],
        active_signature: Some(0),
        active_parameter: active,
    }
}

fn parameter(text: &str) -> ParameterInformation {
    ParameterInformation {
        label: ParameterLabel::Simple(text.to_owned()),
        documentation: None,
    }
}

struct Call<'t> {
    name: &'t str,
    argument: usize,
    /// What stands before `|` is its first argument.
    piped: bool,
    /// It is the last part of a dotted name.
    is_member: bool,
}

/// The innermost call that is not closed at the end of a line.
fn open_call(line: &str) -> Option<Call<'_>> {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut quoted = false;
    let mut escaped = false;
    for (at, char) in line.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => open.push((at, 0)),
            ')' | ']' | '}' => drop(open.pop()),
            ',' => {
                if let Some((_, argument)) = open.last_mut() {
                    *argument += 1;
                }
            }
            _ => {}
        }
    }
    let (at, argument) = open.into_iter().rfind(|(at, _)| line[*at..].starts_with('('))?;
    let head = &line[..at];
    let start = head
        .trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_')
        .len();
    Some(Call {
        name: &head[start..],
        argument,
        piped: head[..start].trim_end().ends_with('|'),
        is_member: head[..start].ends_with('.'),
    })
}

/// The parameters of `name(a: T, b: U = 1) -> V`, as they stand there.
fn parameters(signature: &str) -> Vec<ParameterInformation> {
    let inner = signature.split_once('(').and_then(|(_, rest)| rest.split_once(") ->"));
    let inner = inner.map_or("", |(inner, _)| inner);
    inner
        .split(", ")
        .filter(|text| !text.is_empty())
        .map(parameter)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::open_call;

    fn call(line: &str) -> Option<(&str, usize, bool)> {
        open_call(line).map(|call| (call.name, call.argument, call.piped))
    }

    #[test]
    fn the_innermost_open_call_counts() {
        assert_eq!(call("- len(xs) >= min(a, b"), Some(("min", 1, false)));
        assert_eq!(call("x | replace(\"a,(b\", "), Some(("replace", 1, true)));
        assert_eq!(call("format(\"{}\", len(xs), "), Some(("format", 2, false)));
        assert_eq!(call("round([1, 2"), Some(("round", 0, false)));
        assert_eq!(call("len(xs)"), None);
    }
}
