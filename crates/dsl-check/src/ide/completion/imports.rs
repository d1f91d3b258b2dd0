//! Imports: the files that can be, and the names that a file declares.
//!
//! A file that declares what is picked already comes first; names come from the file that the line names, else from all
//! others. Absent: files outside of the workspace.

use std::collections::BTreeSet;
use std::path::Path;

use smol_str::SmolStr;

use super::CompletionKind as Kind;
use super::candidates::Candidates;
use crate::imports::{Space, declarations, declared, import_path};
use crate::inputs::{Project, SourceFile};

impl Candidates<'_> {
    /// The plan files that can be imported, by their paths from here; after a slash from the root of the workspace.
    pub fn imports(&mut self, written: &str, picked: &str) {
        let root = Project::get(self.db).root(self.db);
        let own = self.file.path(self.db).clone();
        let here = match written.starts_with('/') {
            true => &**root,
            false => own.parent().unwrap_or(Path::new("")),
        };
        let start = if written.starts_with('/') { "/" } else { "" };
        let picked: Vec<&str> = names(picked).collect();
        let mut found = BTreeSet::new();
        for file in self.others() {
            let declares_all = !picked.is_empty() && self.declares(file, &picked);
            let path = relative(here, file.path(self.db));
            found.extend(path.map(|path| (!declares_all, format!("{start}{path}"))));
        }
        for (lacks, path) in found {
            let item = self.push(path, Kind::Plan);
            item.fits = !lacks;
            item.detail = Some(match lacks {
                true => "a file of plans".to_owned(),
                false => format!("declares {}", picked.join(", ")),
            });
        }
    }

    /// What the file declares that the line goes on to name, and is not picked yet.
    pub fn names_to_pick(&mut self, written: &str) {
        let (before, _) = written.rsplit_once(',').unwrap_or_default();
        let (after, from) = self.rest.split_once(" from ").unwrap_or((self.rest, ""));
        let (_, after) = after.split_once(',').unwrap_or_default();
        let picked: Vec<&str> = names(before).chain(names(after)).collect();
        let path = from.split('"').nth(1);
        let mut found: BTreeSet<(SmolStr, Space, String)> = BTreeSet::new();
        for file in self.others() {
            let is_meant = match path {
                Some(path) => self.is_at(file, path),
                None => self.declares(file, &picked),
            };
            if !is_meant {
                continue;
            }
            let own = self.file.path(self.db).parent().unwrap_or(Path::new(""));
            let shown = relative(own, file.path(self.db)).unwrap_or_default();
            for (_, sig) in declarations(self.db, file).iter() {
                if let Some((space, name)) = declared(sig).filter(|(_, name)| !picked.contains(&name.as_str())) {
                    found.insert((name, space, shown.clone()));
                }
            }
        }
        for (name, space, file) in found {
            let kind = match space {
                Space::Type => Kind::Type,
                Space::Capability => Kind::Capability,
                Space::Agent => Kind::Agent,
                Space::Plan | Space::Policy => Kind::Plan,
            };
            let detail = match path {
                Some(_) => space.word().to_owned(),
                None => format!("{} of {file}", space.word()),
            };
            self.push(name.as_str(), kind).detail = Some(detail);
        }
    }

    fn others(&self) -> Vec<SourceFile> {
        let files = Project::get(self.db).files(self.db).values().copied();
        files.filter(|file| *file != self.file).collect()
    }

    fn is_at(&self, file: SourceFile, path: &str) -> bool {
        let root = Project::get(self.db).root(self.db);
        import_path(root, self.file.path(self.db), path).as_path() == &**file.path(self.db)
    }

    fn declares(&self, file: SourceFile, names: &[&str]) -> bool {
        let all = declarations(self.db, file);
        let has = |name: &&str| {
            all.iter()
                .any(|(_, sig)| declared(sig).is_some_and(|(_, one)| one == **name))
        };
        names.iter().all(has)
    }
}

/// The names of a list.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The way from a folder to a file below it or beside it, as imports write it.
fn relative(from: &Path, to: &Path) -> Option<String> {
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().count() - shared;
    let mut path = vec!["..".to_owned(); up];
    for part in to.components().skip(shared) {
        path.push(part.as_os_str().to_str()?.to_owned());
    }
    Some(path.join("/"))
}
