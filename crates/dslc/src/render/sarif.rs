//! SARIF 2.1.0: one run with all rules of this build, their pages as help, and every diagnostic as a result.
//!
//! Columns count characters. Paths below the repository (or the current folder) are relative to `%SRCROOT%`, others absolute.
//! Absent: parts of the standard that nobody has asked for yet. What is written is checked against the standard's schema.

use std::path::Path;

use dsl_check::rules::{RULES, Rule};
use dsl_check::{Diagnostic, Edit, Fix, Label, Severity};
use dsl_syntax::ast::Span;
use serde_json::{Value, json};

use super::Sources;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const ROOT: &str = "%SRCROOT%";

pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let results: Vec<Value> = diagnostics.iter().map(|found| result(found, sources)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "dslc",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": RULES.iter().map(rule).collect::<Vec<_>>(),
            } },
            "invocations": [{ "executionSuccessful": true }],
            "originalUriBaseIds": { ROOT: { "uri": file_uri(sources.repository(), true) } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn rule(rule: &Rule) -> Value {
    let text = rule.page.trim();
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.summary() },
        "help": { "text": text, "markdown": text },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": [rule.group] },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

fn result(found: &Diagnostic, sources: &Sources) -> Value {
    let mut result = json!({
        "ruleId": found.rule,
        "level": level(found.severity),
        "message": { "text": message(found) },
        "locations": [{ "physicalLocation": physical(sources, &found.file, found.span) }],
    });
    if let Some(index) = RULES.iter().position(|rule| rule.name == found.rule) {
        result["ruleIndex"] = json!(index);
    }
    if !found.labels.is_empty() {
        let related = found.labels.iter().enumerate();
        result["relatedLocations"] = related
            .map(|(id, label)| related_location(id, label, sources))
            .collect();
    }
    if !found.fixes.is_empty() {
        result["fixes"] = found.fixes.iter().map(|repair| fix(repair, sources)).collect();
    }
    result
}

fn message(found: &Diagnostic) -> String {
    let mut lines = vec![found.message.clone()];
    lines.extend(found.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(found.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

fn related_location(id: usize, label: &Label, sources: &Sources) -> Value {
    json!({
        "id": id,
        "message": { "text": label.message },
        "physicalLocation": physical(sources, &label.file, label.span),
    })
}

fn fix(fix: &Fix, sources: &Sources) -> Value {
    let mut files: Vec<&Path> = fix.edits.iter().map(|edit| edit.file.as_ref()).collect();
    files.sort_unstable();
    files.dedup();
    let changes = files.into_iter().map(|file| {
        let edits = fix.edits.iter().filter(|edit| *edit.file == *file);
        json!({
            "artifactLocation": artifact(sources, file),
            "replacements": edits.map(|edit| replacement(edit, sources)).collect::<Vec<_>>(),
        })
    });
    let sure = if fix.safe {
        ""
    } else {
        " (not sure to be what was meant)"
    };
    json!({
        "description": { "text": format!("{}{sure}", fix.title) },
        "artifactChanges": changes.collect::<Vec<_>>(),
    })
}

fn replacement(edit: &Edit, sources: &Sources) -> Value {
    json!({
        "deletedRegion": region(sources, &edit.file, edit.span),
        "insertedContent": { "text": edit.text },
    })
}

fn physical(sources: &Sources, file: &Path, span: Span) -> Value {
    json!({ "artifactLocation": artifact(sources, file), "region": region(sources, file, span) })
}

fn region(sources: &Sources, file: &Path, span: Span) -> Value {
    let (start, end) = sources.range(file, span);
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

fn artifact(sources: &Sources, file: &Path) -> Value {
    match file.strip_prefix(sources.repository()) {
        Ok(relative) => json!({ "uri": uri(relative), "uriBaseId": ROOT }),
        Err(_) => json!({ "uri": file_uri(file, false) }),
    }
}

fn file_uri(path: &Path, is_folder: bool) -> String {
    let uri = uri(path);
    let slash = if is_folder && !uri.ends_with('/') { "/" } else { "" };
    format!("file://{uri}{slash}")
}

/// A path as a URI reference: everything but what needs no escape is escaped, byte by byte.
fn uri(path: &Path) -> String {
    let mut uri = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{file_uri, uri};

    #[test]
    fn paths_are_escaped() {
        assert_eq!(uri(Path::new("a b/Größe%.plan")), "a%20b/Gr%C3%B6%C3%9Fe%25.plan");
        assert_eq!(file_uri(Path::new("/a"), true), "file:///a/");
        assert_eq!(file_uri(Path::new("/"), true), "file:///");
    }
}
