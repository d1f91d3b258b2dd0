//! Texts that hold a test: several files, each after a line `=== name.plan`, a cursor `$0`, and `«…»` around what is expected.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dsl_check::{Loader, Workspace};
use tower_lsp_server::ls_types::GotoDefinitionResponse;

use crate::documents::{Document, Documents};
use crate::edge;
use crate::settings::Settings;
use crate::text::{Encoding, Place, Text};
use crate::view::{Subject, View, Views};

pub struct Fixture {
    view: View,
    /// The file with the cursor; it is open.
    path: PathBuf,
    pub cursor: Place,
    /// The file, and the range between `«` and `»`.
    pub marked: Option<(PathBuf, Range<usize>)>,
}

/// The files of the fixture are all that there is on disk.
struct Files(BTreeMap<PathBuf, String>);

impl Loader for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0
            .get(path)
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Fixture {
    pub fn new(text: &str) -> Self {
        Self::read(text, false)
    }

    /// The files that the one with the cursor does not import are in the workspace too.
    pub fn with_all(text: &str) -> Self {
        Self::read(text, true)
    }

    fn read(text: &str, all: bool) -> Self {
        let mut files = split(text);
        let (path, offset) = files
            .iter_mut()
            .find_map(|(path, text)| Some((path.clone(), take(text, "$0")?)))
            .unwrap_or_else(|| (PathBuf::from("/plans/main.plan"), 0));
        let marked = files.iter_mut().find_map(|(path, text)| {
            let start = take(text, "«")?;
            let end = take(text, "»").expect("`»` after `«`");
            Some((path.clone(), start..end))
        });
        let text = files.get(&path).cloned().expect("a file with the cursor");
        let mut workspace = Workspace::new("/plans").with_loader(Files(files.clone()));
        if all {
            workspace.set_files(files);
        }
        workspace.open_file(&path, text.as_bytes());
        let text = Arc::new(Text::new(text));
        let cursor = text.place(offset, Encoding::Utf16);
        let mut documents = Documents::default();
        let uri = edge::uri(&path).expect("an address");
        documents.insert(path.clone().into(), Document { uri, version: 1, text });
        let settings = Settings {
            has_related_information: true,
            has_symbol_trees: true,
            can_run: true,
            ..Settings::default()
        };
        let view = View {
            snapshot: workspace.snapshot(),
            revision: 0,
            is_folder: true,
            documents,
            settings: Arc::new(settings),
            scripts: None,
            history: None,
        };
        Self {
            view,
            path,
            cursor,
            marked,
        }
    }

    pub fn subject(&self) -> Subject<'_> {
        let document = self.view.documents.get(&self.path).expect("it is open");
        Subject {
            view: &self.view,
            path: &self.path,
            document,
        }
    }

    /// What the client can do.
    pub fn settings(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.view.settings)
    }

    pub fn into_views(self) -> Views {
        Views {
            turn: crate::view::Turn::default(),
            all: vec![self.view],
            is_loading: false,
        }
    }

    /// The answer is the one place between `«` and `»`.
    #[track_caller]
    pub fn check_mark(&self, found: Option<GotoDefinitionResponse>) {
        let Some(GotoDefinitionResponse::Scalar(location)) = found else {
            panic!("not one place: {found:?}")
        };
        let (path, marked) = self.marked.clone().expect("a mark");
        assert_eq!(*edge::path(&location.uri), *path);
        let text = self.view.text(&path).expect("a text");
        let expected = [marked.start, marked.end].map(|offset| text.place(offset, Encoding::Utf16));
        let shown = [location.range.start, location.range.end].map(edge::place);
        assert_eq!(shown, expected);
    }

    pub fn text(&self) -> &Text {
        &self.subject().document.text
    }
}

/// The files of a fixture; what comes before the first `===` is `main.plan`.
fn split(text: &str) -> BTreeMap<PathBuf, String> {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut name = "main.plan";
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("=== ") {
            Some(next) => name = next.trim(),
            None => files.entry(Path::new("/plans").join(name)).or_default().push_str(line),
        }
    }
    files
}

/// Takes a mark out of a text and gives the offset that it has when all marks are out.
fn take(text: &mut String, mark: &str) -> Option<usize> {
    let at = text.find(mark)?;
    text.replace_range(at..at + mark.len(), "");
    let others: usize = ["$0", "«", "»"]
        .iter()
        .flat_map(|mark| text[..at].matches(mark))
        .map(str::len)
        .sum();
    Some(at - others)
}
