//! `textDocument/publishDiagnostics`: what is wrong with each open document, while it is typed.
//!
//! Every open document is looked at after every change: the one that imports what was changed too. What has not changed is
//! not computed again, and not sent again.

use tower_lsp_server::ls_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Uri,
};

use crate::documents::Document;
use crate::edge;
use crate::outbox::Sheet;
use crate::view::View;

/// What the client shows as the source of a diagnostic.
const SOURCE: &str = "dslc";

/// The diagnostics of all that is open.
pub(crate) fn sheets(view: &View) -> Vec<(Uri, Sheet)> {
    let mut all = Vec::new();
    let sheets = view
        .documents
        .iter()
        .map(|(path, document)| {
            let (found, scripts) = view.diagnostics(path, document);
            all.extend(scripts);
            let diagnostics = found.iter().map(|found| diagnostic(view, document, found)).collect();
            (
                document.uri.clone(),
                Sheet {
                    version: Some(document.version),
                    diagnostics,
                },
            )
        })
        .collect();
    if let Some(scripts) = &view.scripts {
        scripts.want(all);
    }
    sheets
}

/// What is left of a document that was closed.
pub(crate) fn nothing(document: &Document) -> [(Uri, Sheet); 1] {
    [(
        document.uri.clone(),
        Sheet {
            version: None,
            diagnostics: Vec::new(),
        },
    )]
}

pub(crate) fn diagnostic(view: &View, document: &Document, found: &dsl_check::Diagnostic) -> Diagnostic {
    Diagnostic {
        range: edge::range(&document.text, found.span, view.settings.encoding),
        severity: Some(severity(found.severity)),
        code: Some(NumberOrString::String(found.rule.to_owned())),
        code_description: page(view, found.rule),
        source: Some(SOURCE.to_owned()),
        message: message(found),
        related_information: view.settings.has_related_information.then(|| related(view, found)),
        ..Default::default()
    }
}

fn severity(severity: dsl_check::Severity) -> DiagnosticSeverity {
    match severity {
        dsl_check::Severity::Error => DiagnosticSeverity::ERROR,
        dsl_check::Severity::Warning => DiagnosticSeverity::WARNING,
        dsl_check::Severity::Hint => DiagnosticSeverity::HINT,
    }
}

/// The headline, then the notes and the help on lines of their own.
fn message(found: &dsl_check::Diagnostic) -> String {
    let notes = found.notes.iter().map(|note| format!("\nnote: {note}"));
    let help = found.help.iter().map(|help| format!("\nhelp: {help}"));
    std::iter::once(found.message.clone())
        .chain(notes)
        .chain(help)
        .collect()
}

fn related(view: &View, found: &dsl_check::Diagnostic) -> Vec<DiagnosticRelatedInformation> {
    let place = |label: &dsl_check::Label| {
        let range = edge::range(view.text(&label.file)?.as_ref(), label.span, view.settings.encoding);
        Some(Location {
            uri: view.uri(&label.file)?,
            range,
        })
    };
    let information = |label| {
        Some(DiagnosticRelatedInformation {
            location: place(label)?,
            message: label.message.clone(),
        })
    };
    found.labels.iter().filter_map(information).collect()
}

/// Where the client finds the rule's page, if it can show it.
fn page(view: &View, rule: &str) -> Option<CodeDescription> {
    let scheme = view.settings.rule_scheme.as_deref()?;
    Some(CodeDescription {
        href: format!("{scheme}:{rule}.md").parse().ok()?,
    })
}
