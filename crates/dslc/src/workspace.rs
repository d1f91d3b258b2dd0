//! Which plans there are: the workspace's root and settings, the walk below a folder, standard input, reading files.
//!
//! The workspace's root is the nearest folder upward with a `dslc.toml`, else where `dslc` was started. A walk sees what git
//! sees. Everything that the user named must be there; what a walk finds and cannot be read does not hide the rest.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use dsl_check::repair::Repairable;
use dsl_check::{Config, Diagnostic, Loader, Severity, Workspace};
use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;

use crate::baseline::{self, Baseline};
use crate::failure::{Exit, Failure, plain};
use crate::printer::Printer;
use crate::render::{Sources, shown_path};
use shellcheck::Shellcheck;

/// The file name that standard input has in the database.
pub const STDIN: &str = "stdin.plan";
pub const CONFIG: &str = "dslc.toml";

/// Where `dslc` was started, and the workspace around it.
pub struct Place {
    pub cwd: PathBuf,
    pub root: PathBuf,
    pub config: Config,
}

impl Place {
    pub fn find() -> Result<Self, Failure> {
        let cwd = std::env::current_dir()
            .map_err(|error| Failure::usage(format!("cannot tell the current folder: {}", plain(&error))))?;
        let root = cwd
            .ancestors()
            .find(|folder| folder.join(CONFIG).is_file())
            .unwrap_or(&cwd)
            .to_path_buf();
        let config = read_config(&root.join(CONFIG), &cwd)?;
        Ok(Self { cwd, root, config })
    }

    /// Where runs are stored: as asked, else as the workspace says, else `.dslc` at its root.
    pub fn store(&self, asked: Option<&Path>) -> PathBuf {
        match asked {
            Some(path) => self.cwd.join(path),
            None => self.root.join(self.config.store.as_deref().unwrap_or(".dslc")),
        }
    }

    /// The absolute path of something that the user named; not resolved, so that it is shown as it was named.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        normal(&self.cwd.join(path))
    }

    /// The files that the user means: each named file, and every plan below each named folder.
    pub fn files(&self, paths: &[PathBuf]) -> Result<Found, Failure> {
        let mut found = Found::default();
        if paths.is_empty() {
            self.walk(&self.root, &mut found)?;
        }
        for path in paths {
            let absolute = self.absolute(path);
            match std::fs::metadata(&absolute) {
                _ if is_stdin(path) => _ = found.files.insert(self.cwd.join(STDIN)),
                Ok(kind) if kind.is_dir() => self.walk(&absolute, &mut found)?,
                Ok(_) => _ = found.files.insert(absolute),
                Err(error) => return Err(Failure::unreadable(path, plain(&error))),
            }
        }
        Ok(found)
    }

    /// Each pattern of `policies` must name a file: one that names nothing would guard nothing, unseen.
    fn require_policies(&self, workspace: &Workspace) -> Result<(), Failure> {
        let Some(missing) = workspace.missing_policies().into_iter().next() else {
            return Ok(());
        };
        let shown = shown_path(&self.root.join(CONFIG), &self.cwd);
        let message = format!("{shown}: `policies` names `{missing}`, but no such file is there");
        Err(Failure::usage(message))
    }

    fn walk(&self, folder: &Path, found: &mut Found) -> Result<(), Failure> {
        let wrong = |error: ignore::Error| Failure::usage(format!("{CONFIG}: {error}"));
        let unreadable = |path: &Path, error: &io::Error| {
            let shown = shown_path(&normal(path), &self.cwd);
            Failure::unreadable(Path::new(&shown), plain(error))
        };
        let mut overrides = OverrideBuilder::new(&self.root);
        for pattern in &self.config.include {
            overrides.add(pattern).map_err(wrong)?;
        }
        for pattern in &self.config.exclude {
            overrides.add(&format!("!{pattern}")).map_err(wrong)?;
        }
        let overrides = overrides.build().map_err(wrong)?;
        for entry in WalkBuilder::new(folder).overrides(overrides).require_git(false).build() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    found.unreadable.push(match (path_of(&error), error.io_error()) {
                        (Some(path), Some(why)) => unreadable(path, why),
                        _ => Failure::usage(format!("cannot read a folder: {error}")),
                    });
                    continue;
                }
            };
            let path = entry.path();
            let is_plan = path.extension().is_some_and(|extension| extension == "plan");
            if !is_plan || entry.file_type().is_none_or(|kind| kind.is_dir()) {
                continue;
            }
            // A pipe or a device of that name is no plan, and could be waited for without end.
            let is_file = std::fs::metadata(path).map(|kind| kind.is_file());
            match is_file.and_then(|is_file| is_file.then(|| std::fs::File::open(path)).transpose()) {
                Ok(Some(_)) => _ = found.files.insert(normal(path)),
                Ok(None) => {}
                Err(error) => found.unreadable.push(unreadable(path, &error)),
            }
        }
        Ok(())
    }
}

/// The files that the user means, and what lies beside them and cannot be read.
#[derive(Default)]
pub struct Found {
    pub files: BTreeSet<PathBuf>,
    pub unreadable: Vec<Failure>,
}

impl Found {
    /// Says what could not be read: then not everything has been done that was asked for.
    pub fn end(&self, exit: Exit, printer: &Printer) -> Exit {
        self.unreadable.iter().for_each(|failure| printer.failure(failure));
        if self.unreadable.is_empty() { exit } else { Exit::Usage }
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

fn read_config(path: &Path, cwd: &Path) -> Result<Config, Failure> {
    let shown = shown_path(path, cwd);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(error) => {
            return Err(Failure::usage(format!("cannot read `{shown}`: {}", plain(&error))));
        }
    };
    Config::parse(&text).map_err(|error| {
        let line = error
            .span
            .as_ref()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        Failure::usage(format!("{shown}:{line}: {error}"))
    })
}

pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Bytes of a file that the user named; `-` is standard input.
pub fn read(path: &Path, is_stdin: bool) -> io::Result<Vec<u8>> {
    if !is_stdin {
        return read_file(path);
    }
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(dsl_syntax::FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads no more than shows that a file is too large: what is named may be a device without an end.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    let mut bytes = Vec::new();
    file.take(dsl_syntax::FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `.` and `..` taken out by name only.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = normal.pop(),
            part => normal.push(part),
        }
    }
    normal
}

/// Imports are read from the disk.
struct Disk;

impl Loader for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        read_file(path)
    }

    fn plans_below(&self, folder: &Path) -> Vec<PathBuf> {
        let entries = WalkBuilder::new(folder).standard_filters(false).build().flatten();
        let plans = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "plan"));
        plans
            .map(|entry| entry.into_path())
            .filter(|path| path.is_file())
            .collect()
    }
}

/// Files loaded into a database, with everything they bring in.
pub struct Loaded {
    pub workspace: Workspace,
    pub sources: Sources,
    /// Down to `least`.
    pub diagnostics: Vec<Diagnostic>,
    least: Severity,
    /// Asked about scripts too, if it is there.
    shellcheck: Option<Shellcheck>,
    /// The scripts were too many to ask shellcheck about.
    pub scripts_left_out: bool,
    /// What it holds is left out of the diagnostics.
    baseline: Option<Baseline>,
    /// What the baseline was good for.
    pub known: Option<baseline::Outcome>,
}

impl Loaded {
    /// Loads files and everything they bring in, and finds what is wrong down to a severity. The files must be readable.
    pub fn new(place: &Place, files: &BTreeSet<PathBuf>, least: Severity) -> Result<Self, Failure> {
        let mut workspace = Workspace::new(&place.root).with_loader(Disk);
        workspace.set_config(place.config.clone());
        place.require_policies(&workspace)?;
        let mut sources = Sources::new(place.cwd.clone());
        let mut texts = Vec::with_capacity(files.len());
        for path in files {
            let shown = shown_path(path, &place.cwd);
            let bytes = read(path, path.ends_with(STDIN))
                .map_err(|error| Failure::unreadable(Path::new(&shown), plain(&error)))?;
            sources.add(path.as_path().into(), &bytes);
            texts.push((path, bytes));
        }
        workspace.set_files(texts);
        let mut loaded = Self {
            workspace,
            sources,
            diagnostics: Vec::new(),
            least,
            shellcheck: None,
            scripts_left_out: false,
            baseline: None,
            known: None,
        };
        loaded.check();
        Ok(loaded)
    }

    /// From now on shellcheck is asked about the scripts, where it is installed.
    pub fn check_scripts(&mut self) {
        self.shellcheck = Shellcheck::installed();
        self.look_at_scripts();
    }

    /// From now on the diagnostics that a baseline holds are left out.
    pub fn leave_out(&mut self, baseline: Baseline) {
        self.baseline = Some(baseline);
        self.leave_out_known();
    }

    fn leave_out_known(&mut self) {
        let outcome = self
            .baseline
            .clone()
            .map(|known| known.apply(&mut self.diagnostics, &self.sources));
        self.known = outcome.or(self.known.take());
    }

    fn look_at_scripts(&mut self) {
        let Some(shellcheck) = &mut self.shellcheck else { return };
        let files = self.workspace.files();
        let scripts: Vec<_> = files.iter().map(|path| self.workspace.shell_scripts(path)).collect();
        self.scripts_left_out = !shellcheck.look_at(scripts.iter().flatten());
        for (path, scripts) in files.iter().zip(&scripts) {
            for script in scripts {
                let findings = shellcheck.findings(script);
                self.diagnostics
                    .extend(self.workspace.shell_diagnostics(path, script, findings));
            }
        }
        self.diagnostics
            .sort_by(|a, b| (&a.file, a.span).cmp(&(&b.file, b.span)));
    }
}

impl Repairable for Loaded {
    fn text(&self, path: &Path) -> Option<&str> {
        Some(&self.sources.get(path)?.text)
    }

    fn set_text(&mut self, path: &Arc<Path>, text: &str) {
        self.workspace.set_file(path, text.as_bytes());
        self.sources.add(path.clone(), text.as_bytes());
    }

    /// Finds all diagnostics of the files as they are now.
    fn check(&mut self) {
        let files = self.workspace.files();
        for path in &files {
            if self.sources.get(path).is_none() {
                // An import, read again for the bytes that its text does not have.
                let text = self.workspace.text(path);
                let bytes = read_file(path).unwrap_or_default();
                let bytes = match text {
                    Some(text) if dsl_syntax::decode(&bytes) != Ok(&text) => text.into_bytes(),
                    _ => bytes,
                };
                self.sources.add(path.clone(), &bytes);
            }
        }
        let found = self.workspace.diagnostics_of(&files, self.least);
        self.diagnostics = found.into_iter().flatten().collect();
        self.look_at_scripts();
        self.leave_out_known();
    }

    fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}
