//! `textDocument/publishDiagnostics`: what is wrong with each open document, while it is typed.
//!
//! Every open document is looked at after every change: the one that imports what was changed too. Files of the
//! workspace that nobody opened are looked at when the typing pauses. What has not changed is not computed again, and
//! not sent again.

use std::path::Path;
use std::sync::Arc;

use dsl_check::ShellScript;
use tower_lsp_server::ls_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Uri,
};

use crate::documents::Document;
use crate::edge;
use crate::outbox::Sheet;
use crate::text::Text;
use crate::view::{View, Views};

/// What the client shows as the source of a diagnostic.
const SOURCE: &str = "dslc";

/// The diagnostics of all that is open.
pub(crate) fn sheets(views: &Views) -> Vec<(Uri, Sheet)> {
    let mut all = Vec::new();
    let sheets = views.all[0]
        .documents
        .iter()
        .map(|(path, document)| {
            let (diagnostics, scripts) = of_document(views.of(path), path, document);
            all.extend(scripts);
            (
                document.uri.clone(),
                Sheet {
                    version: Some(document.version),
                    diagnostics,
                },
            )
        })
        .collect();
    if let Some(scripts) = &views.all[0].scripts {
        scripts.want(all);
    }
    sheets
}

/// The diagnostics of files that nobody opened.
pub(crate) fn sheets_of_rest(views: &Views) -> Vec<(Uri, Sheet)> {
    let mut sheets = Vec::new();
    for view in views.all.iter().filter(|view| view.is_folder) {
        let mut paths = view.own_files();
        paths.retain(|path| view.documents.get(path).is_none());
        for (path, diagnostics) in paths.iter().zip(of_files(view, &paths)) {
            let Some(uri) = view.uri(path) else { continue };
            sheets.push((
                uri,
                Sheet {
                    version: None,
                    diagnostics,
                },
            ));
        }
    }
    sheets
}

/// What is wrong with files that nobody opened, each.
pub(crate) fn of_files(view: &View, paths: &[Arc<Path>]) -> Vec<Vec<Diagnostic>> {
    let found = view.snapshot.diagnostics_of(paths, dsl_check::Severity::Hint);
    let shown = |(path, found): (&Arc<Path>, Vec<dsl_check::Diagnostic>)| {
        // most files are fine, and then their text is not wanted
        let text = view.text(path).filter(|_| !found.is_empty());
        text.map_or_else(Vec::new, |text| {
            found.iter().map(|found| diagnostic(view, &text, found)).collect()
        })
    };
    paths.iter().zip(found).map(shown).collect()
}

/// What is wrong with an open document, and the scripts that shellcheck may have something to say of.
pub(crate) fn of_document(view: &View, path: &Path, document: &Document) -> (Vec<Diagnostic>, Vec<ShellScript>) {
    let (found, scripts) = view.diagnostics(path, document);
    let shown = found.iter().map(|found| diagnostic(view, &document.text, found));
    (shown.collect(), scripts)
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

pub(crate) fn diagnostic(view: &View, text: &Text, found: &dsl_check::Diagnostic) -> Diagnostic {
    Diagnostic {
        range: edge::range(text, found.span, view.settings.encoding),
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
