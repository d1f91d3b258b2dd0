//! Imports after files have been moved: what each has to say then.

use std::path::{Component, Path, PathBuf};

use crate::analysis::Analysis;
use crate::diagnostic::Edit;
use crate::imports::normalize;

impl Analysis {
    /// The edits that keep every import leading to where it leads now, when these files or folders get new paths.
    pub fn imports_after(&self, moves: &[(PathBuf, PathBuf)]) -> Vec<Edit> {
        let moved = |path: &Path| {
            let to = moves
                .iter()
                .find_map(|(from, to)| Some((path.strip_prefix(from).ok()?, to)));
            match to {
                Some((rest, to)) if rest.as_os_str().is_empty() => to.clone(),
                Some((rest, to)) => to.join(rest),
                None => path.to_path_buf(),
            }
        };
        let mut edits = Vec::new();
        for file in self.files() {
            let here = moved(&file);
            for (span, target) in self.import_links(&file) {
                let there = moved(&target);
                let stays = here == *file && there == target;
                let written = self.slice_of(&file, span).filter(|_| !stays);
                let Some(written) = written else { continue };
                let new = match written.strip_prefix("\"/") {
                    Some(_) => from_root(self.root(), &there),
                    None => relative(&here, &there),
                };
                if let Some(text) = new.map(|path| format!("\"{path}\"")).filter(|text| *text != written) {
                    edits.push(Edit {
                        file: file.clone(),
                        span,
                        text,
                    });
                }
            }
        }
        edits
    }

    fn slice_of(&self, path: &Path, span: dsl_syntax::ast::Span) -> Option<String> {
        let text = self.text(path)?;
        text.get(span.start as usize..span.end as usize).map(str::to_owned)
    }
}

fn from_root(root: &Path, target: &Path) -> Option<String> {
    Some(format!("/{}", slashed(target.strip_prefix(root).ok()?)?))
}

/// The way from a file to another one.
fn relative(from: &Path, to: &Path) -> Option<String> {
    let (from, to) = (normalize(from.parent()?), normalize(to));
    let common = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().skip(common).map(|_| "..".to_owned());
    let down: PathBuf = to.components().skip(common).collect();
    let parts: Vec<String> = up.chain([slashed(&down)?]).collect();
    Some(parts.join("/"))
}

fn slashed(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    Some(parts?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_between_files() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b/x.plan", "/a/b/y.plan").as_deref(), Some("y.plan"));
        assert_eq!(way("/a/b/x.plan", "/a/lib/y.plan").as_deref(), Some("../lib/y.plan"));
        assert_eq!(way("/a/x.plan", "/a/lib/y.plan").as_deref(), Some("lib/y.plan"));
        assert_eq!(
            from_root(Path::new("/a"), Path::new("/a/lib/y.plan")).as_deref(),
            Some("/lib/y.plan")
        );
        assert_eq!(from_root(Path::new("/a"), Path::new("/b/y.plan")), None);
    }
}
