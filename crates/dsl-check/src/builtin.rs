//! The capabilities that are always there, with their schemas.
//!
//! `shell`, `bash`, `sh` and `python` are not among them: they run the plan's own scripts. Absent: how they are carried out.

use dsl_syntax::ast::{Decl, Expr, ExprKind, StringPart, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::types::Type;
use smol_str::SmolStr;

use crate::facts::EffectFact;
use crate::scope::{Capability, CapabilityId, TypedField};
use crate::signatures::{clause, name_of};
use crate::walk::unparen;

type Entry = fn() -> (&'static str, Capability);

pub(crate) const CAPABILITIES: &[Entry] = &[
    http_get, http_post, file_read, file_write, git_diff, human_ask, sql_query,
];

pub(crate) fn names() -> Vec<smol_str::SmolStr> {
    CAPABILITIES.iter().map(|entry| entry().0.into()).collect()
}

/// The one of that name.
pub(crate) fn find(name: &str) -> Option<Capability> {
    CAPABILITIES
        .iter()
        .map(|entry| entry())
        .find_map(|(known, capability)| (known == name).then_some(capability))
}

fn capability(title: &str, input: Vec<TypedField>, output: Vec<TypedField>) -> Capability {
    Capability {
        id: CapabilityId::builtin(""),
        input,
        output,
        idempotent: true,
        title: Some(title.into()),
        prices: Box::default(),
        runner: None,
        effects: None,
        risks: Box::default(),
        broken: Vec::new(),
    }
}

fn must(name: &str, ty: Type) -> TypedField {
    TypedField {
        name: name.into(),
        ty,
        has_default: false,
    }
}

fn may(name: &str, ty: Type) -> TypedField {
    TypedField {
        name: name.into(),
        ty,
        has_default: true,
    }
}

fn strings() -> Type {
    Type::map(Type::STRING)
}

fn response() -> Vec<TypedField> {
    vec![
        must("status", Type::INT),
        must("headers", strings()),
        must("body", Type::STRING),
    ]
}

fn http_get() -> (&'static str, Capability) {
    let input = vec![must("url", Type::Url), may("headers", strings())];
    ("http.get", capability("Fetches a page", input, response()))
}

fn http_post() -> (&'static str, Capability) {
    let input = vec![
        must("url", Type::Url),
        may("headers", strings()),
        may("body", Type::Json),
    ];
    ("http.post", capability("Sends data to a page", input, response()))
}

fn file_read() -> (&'static str, Capability) {
    let output = vec![must("text", Type::STRING)];
    (
        "file.read",
        capability("Reads a text file", vec![must("path", Type::Path)], output),
    )
}

fn file_write() -> (&'static str, Capability) {
    let input = vec![must("path", Type::Path), must("text", Type::STRING)];
    (
        "file.write",
        capability("Writes a text file", input, vec![must("path", Type::Path)]),
    )
}

fn git_diff() -> (&'static str, Capability) {
    let input = vec![
        may("from", Type::STRING),
        may("to", Type::STRING),
        may("dir", Type::Path),
    ];
    let output = vec![must("diff", Type::STRING), must("files", Type::list(Type::Path))];
    (
        "git.diff",
        capability("Shows what changed in a repository", input, output),
    )
}

fn human_ask() -> (&'static str, Capability) {
    let input = vec![must("question", Type::STRING), may("options", Type::list(Type::STRING))];
    (
        "human.ask",
        capability("Asks a person", input, vec![must("answer", Type::STRING)]),
    )
}

fn sql_query() -> (&'static str, Capability) {
    let input = vec![
        must("database", Type::STRING),
        must("query", Type::STRING),
        may("args", Type::list(Type::Json)),
    ];
    let output = vec![must("rows", Type::list(Type::Json))];
    ("sql.query", capability("Asks a database", input, output))
}

/// What a block asks the capabilities to touch: hosts and paths as far as they are written down, else that there is something.
pub(crate) fn touches(decl: &Decl) -> Box<[(SmolStr, EffectFact)]> {
    let mut found = Vec::new();
    if let Some(name) = name_of(decl, K::Using) {
        let input = clause(decl, K::Input).map(|clause| &clause.value);
        let argument = |wanted: &str| match input {
            Some(Value::Assigns(assigns)) => {
                let mut assigns = assigns.iter();
                assigns
                    .find(|assign| assign.name.text == wanted)
                    .map(|assign| &assign.value)
            }
            _ => None,
        };
        found.extend(touched(&name, argument).map(|effect| (name, effect)));
    }
    if let Some(Value::Steps(steps)) = clause(decl, K::Do).map(|clause| &clause.value) {
        for step in steps {
            let argument = |wanted: &str| {
                let named = |name: &dsl_syntax::ast::Name| name.text == wanted;
                let mut args = step.args.iter();
                args.find(|arg| arg.name.as_ref().is_some_and(named))
                    .map(|arg| &arg.value)
            };
            let name = &step.capability.text;
            found.extend(touched(name, argument).map(|effect| (name.clone(), effect)));
        }
    }
    found.into()
}

fn touched<'a>(capability: &str, argument: impl Fn(&str) -> Option<&'a Expr>) -> Option<EffectFact> {
    let (name, arg) = match capability {
        "http.get" | "http.post" => ("network", argument("url").and_then(host)),
        "file.read" => ("read", argument("path").and_then(text)),
        "file.write" => ("write", argument("path").and_then(text)),
        "git.diff" => ("read", argument("dir").map_or(Some(".".into()), text)),
        _ => return None,
    };
    Some(EffectFact {
        name: name.into(),
        args: [arg].into(),
    })
}

fn text(expr: &Expr) -> Option<SmolStr> {
    match &unparen(expr).kind {
        ExprKind::String(text) => text.plain(),
        _ => None,
    }
}

/// The host of an url; what is filled in behind it does not matter.
pub(crate) fn host(expr: &Expr) -> Option<SmolStr> {
    let ExprKind::String(url) = &unparen(expr).kind else {
        return None;
    };
    let (known, is_whole) = match url.parts.as_slice() {
        [StringPart::Text(text)] => (text, true),
        [StringPart::Text(text), ..] => (text, false),
        _ => return None,
    };
    let (_, rest) = known.split_once("://")?;
    let end = rest.find(['/', '?', '#']);
    let host = match (end, is_whole) {
        (Some(end), _) => &rest[..end],
        (None, true) => rest,
        (None, false) => return None,
    };
    let host = host.rsplit('@').next().unwrap_or_default();
    (!host.is_empty()).then(|| host.into())
}
