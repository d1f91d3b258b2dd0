//! `textDocument/diagnostic` and `workspace/diagnostic`: what is wrong, for clients that ask instead of being told.
//!
//! A result is named after its content, so what is the same is answered with "unchanged", whoever said so before.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tower_lsp_server::jsonrpc::{ErrorCode, Result};
use tower_lsp_server::ls_types::{
    Diagnostic, DocumentDiagnosticReport, FullDocumentDiagnosticReport, RelatedFullDocumentDiagnosticReport,
    RelatedUnchangedDocumentDiagnosticReport, UnchangedDocumentDiagnosticReport, Uri, WorkspaceDiagnosticParams,
    WorkspaceDocumentDiagnosticReport, WorkspaceFullDocumentDiagnosticReport,
    WorkspaceUnchangedDocumentDiagnosticReport,
};

use crate::publish_diagnostics;
use crate::server::LanguageServer;
use crate::view::{Subject, View, Views};

pub(crate) fn of_document(subject: &Subject<'_>, previous: Option<&str>) -> DocumentDiagnosticReport {
    let (items, scripts) = publish_diagnostics::of_document(subject.view, subject.path, subject.document);
    if let Some(known) = &subject.view.scripts {
        known.want(scripts);
    }
    match report(items, previous) {
        Ok(full_document_diagnostic_report) => RelatedFullDocumentDiagnosticReport {
            related_documents: None,
            full_document_diagnostic_report,
        }
        .into(),
        Err(unchanged_document_diagnostic_report) => RelatedUnchangedDocumentDiagnosticReport {
            related_documents: None,
            unchanged_document_diagnostic_report,
        }
        .into(),
    }
}

/// How long the typing must pause before a workspace is looked at again.
const TYPING_PAUSE: Duration = Duration::from_millis(400);

/// Waits until all plans have been read and there is something new: a client asks again as soon as it has its answer.
pub(crate) async fn of_workspace_when_new(
    server: &LanguageServer,
    mut revisions: watch::Receiver<u64>,
    params: WorkspaceDiagnosticParams,
) -> Result<Vec<WorkspaceDocumentDiagnosticReport>> {
    let previous = params.previous_result_ids.into_iter();
    let previous: HashMap<Uri, String> = previous.map(|known| (known.uri, known.value)).collect();
    loop {
        revisions.borrow_and_update();
        let known = previous.clone();
        let look = move |views: &Views| (!views.is_loading).then(|| views.in_turn(|views| of_workspace(views, &known)));
        let pause = match server.ask_workspace(look).await {
            Ok(Some((reports, is_news))) if is_news || previous.is_empty() => return Ok(reports),
            Err(error) if error.code != ErrorCode::ContentModified => return Err(error),
            Ok(None) => Duration::ZERO,
            Ok(Some(_)) | Err(_) => TYPING_PAUSE,
        };
        if revisions.changed().await.is_err() {
            return Ok(Vec::new());
        }
        tokio::time::sleep(pause).await;
    }
}

/// Reports of all files of the client's folders, and whether any of them says something new.
fn of_workspace(views: &Views, previous: &HashMap<Uri, String>) -> (Vec<WorkspaceDocumentDiagnosticReport>, bool) {
    let mut all = Reports::default();
    for view in views.all.iter().filter(|view| view.is_folder) {
        let paths = view.own_files();
        for (path, (items, version)) in paths.iter().zip(of_files(view, &paths)) {
            if let Some(uri) = view.uri(path) {
                let known = previous.get(&uri).map(String::as_str);
                all.add(uri, version, report(items, known));
            }
        }
    }
    let there: HashSet<Uri> = all.there.iter().cloned().collect();
    for (uri, known) in previous.iter().filter(|(uri, _)| !there.contains(*uri)) {
        // a file that is no longer there has no mistakes
        if let Ok(empty) = report(Vec::new(), Some(known)) {
            all.add(uri.clone(), None, Ok(empty));
        }
    }
    (all.reports, all.is_news)
}

#[derive(Default)]
struct Reports {
    reports: Vec<WorkspaceDocumentDiagnosticReport>,
    there: Vec<Uri>,
    is_news: bool,
}

impl Reports {
    fn add(&mut self, uri: Uri, version: Option<i64>, report: Report) {
        self.there.push(uri.clone());
        self.is_news |= report.is_ok();
        self.reports.push(match report {
            Ok(full_document_diagnostic_report) => {
                WorkspaceDocumentDiagnosticReport::Full(WorkspaceFullDocumentDiagnosticReport {
                    uri,
                    version,
                    full_document_diagnostic_report,
                })
            }
            Err(unchanged_document_diagnostic_report) => {
                WorkspaceDocumentDiagnosticReport::Unchanged(WorkspaceUnchangedDocumentDiagnosticReport {
                    uri,
                    version,
                    unchanged_document_diagnostic_report,
                })
            }
        });
    }
}

/// What is wrong with each file, and the version of those that are open.
fn of_files(view: &View, paths: &[Arc<Path>]) -> Vec<(Vec<Diagnostic>, Option<i64>)> {
    let is_closed = |path: &&Arc<Path>| view.documents.get(path).is_none();
    let closed: Vec<Arc<Path>> = paths.iter().filter(is_closed).cloned().collect();
    let mut of_closed = publish_diagnostics::of_files(view, &closed).into_iter();
    let of_file = |path: &Arc<Path>| match view.documents.get(path) {
        Some(document) => {
            let (items, _) = publish_diagnostics::of_document(view, path, document);
            (items, Some(document.version.into()))
        }
        None => (of_closed.next().unwrap_or_default(), None),
    };
    paths.iter().map(of_file).collect()
}

/// In full, or that nothing has changed.
type Report = std::result::Result<FullDocumentDiagnosticReport, UnchangedDocumentDiagnosticReport>;

fn report(items: Vec<Diagnostic>, previous: Option<&str>) -> Report {
    let result_id = name_of(&items);
    if previous == Some(&result_id) {
        return Err(UnchangedDocumentDiagnosticReport { result_id });
    }
    Ok(FullDocumentDiagnosticReport {
        result_id: Some(result_id),
        items,
    })
}

fn name_of(items: &[Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    for item in items {
        serde_json::to_string(item).unwrap_or_default().hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
