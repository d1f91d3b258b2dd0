//! `FILE:LINE:COL: severity[rule]: message`, one a line, written by codespan-reporting.

use std::ops::Range;
use std::path::Path;

use codespan_reporting::diagnostic::{Diagnostic as Line, Label, Severity as Level};
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term::{self, Config, DisplayStyle};
use dsl_check::{Diagnostic, Severity};

use super::{Source, Sources};
use crate::printer::shown;

pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let config = Config {
        display_style: DisplayStyle::Short,
        ..Config::default()
    };
    let mut text = String::new();
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Hint => Level::Help,
        };
        let span = diagnostic.span.start as usize..diagnostic.span.end as usize;
        let line = Line::new(level)
            .with_code(diagnostic.rule)
            .with_message(shown(&diagnostic.message))
            .with_labels(vec![Label::primary(&*diagnostic.file, span)]);
        match term::emit_into_string(&config, sources, &line) {
            Ok(line) => text.push_str(&line.replacen("help[", "hint[", usize::from(level == Level::Help))),
            // A file without text (refused for its size) has no lines to count.
            Err(_) => text.push_str(&unplaced(diagnostic, sources)),
        }
    }
    text
}

fn unplaced(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let file = sources.shown(&diagnostic.file);
    format!(
        "{file}:1:1: {}[{}]: {}\n",
        diagnostic.severity.name(),
        diagnostic.rule,
        shown(&diagnostic.message)
    )
}

impl Sources {
    fn source_of(&self, path: &Path) -> Result<&Source, Error> {
        self.get(path).ok_or(Error::FileMissing)
    }
}

impl<'a> Files<'a> for Sources {
    type FileId = &'a Path;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: &'a Path) -> Result<&'a str, Error> {
        Ok(&self.source_of(id)?.shown)
    }
    fn source(&'a self, id: &'a Path) -> Result<&'a str, Error> {
        Ok(&self.source_of(id)?.text)
    }
    fn line_index(&'a self, id: &'a Path, byte: usize) -> Result<usize, Error> {
        Ok(self.source_of(id)?.line_of(byte))
    }
    /// Counted by the index: codespan would count from the line's start each time.
    fn column_number(&'a self, id: &'a Path, _: usize, byte: usize) -> Result<usize, Error> {
        Ok(self.source_of(id)?.line_col(byte).1 as usize + 1)
    }
    fn line_range(&'a self, id: &'a Path, line: usize) -> Result<Range<usize>, Error> {
        Ok(self.source_of(id)?.line_range(line))
    }
}
