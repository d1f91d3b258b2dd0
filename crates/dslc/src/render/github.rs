//! Workflow commands of GitHub Actions: each diagnostic becomes an annotation of its line.
//!
//! `::error file=…,line=…,endLine=…,col=…,endColumn=…,title=…::message`, escaped as the runner reads it. Paths are those of
//! the repository. Labels, notes and help are further lines of the message, since an annotation has one place only.

use std::fmt::Write;

use dsl_check::{Diagnostic, Severity};

use super::Sources;
use crate::printer::shown;

pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let command = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "notice",
        };
        let file = property(&sources.in_repository(&diagnostic.file));
        let (start, end) = sources.range(&diagnostic.file, diagnostic.span);
        let _ = write!(text, "::{command} file={file},line={},endLine={}", start.line, end.line);
        // The runner refuses columns of more than one line.
        if start.line == end.line {
            let _ = write!(text, ",col={},endColumn={}", start.column, end.column);
        }
        let message = data(&shown(&message(diagnostic, sources)));
        let _ = writeln!(text, ",title={}::{message}", property(diagnostic.rule));
    }
    text
}

fn message(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let mut text = diagnostic.message.clone();
    for label in &diagnostic.labels {
        let (start, _) = sources.range(&label.file, label.span);
        let file = sources.in_repository(&label.file);
        let _ = write!(text, "\n{file}:{}:{}: {}", start.line, start.column, label.message);
    }
    for note in &diagnostic.notes {
        let _ = write!(text, "\nnote: {note}");
    }
    if let Some(help) = &diagnostic.help {
        let _ = write!(text, "\nhelp: {help}");
    }
    text
}

/// What follows `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands behind `=`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn the_runner_reads_back_what_was_meant() {
        assert_eq!(data("50% of a:b,c\r\nd"), "50%25 of a:b,c%0D%0Ad");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }
}
