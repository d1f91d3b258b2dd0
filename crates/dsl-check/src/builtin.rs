//! The capabilities that are always there, with their schemas.
//!
//! `shell`, `bash`, `sh` and `python` are not among them: they run the plan's own scripts. Absent: how they are carried out.

use ir::types::Type;

use crate::scope::{Capability, CapabilityId, TypedField};

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
