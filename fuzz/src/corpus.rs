//! Where cases begin: every plan of the project, whatever is wrong with it, and past findings.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where findings of a target are kept.
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The findings kept for a target.
pub fn findings(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for path in files(&folder(target), "case") {
        found.extend(fs::read(&path).map(|bytes| (path, bytes)));
    }
    found
}

/// Texts to begin with.
pub fn seeds() -> Vec<String> {
    let root = root();
    let mut seeds = Vec::new();
    for folder in ["examples", "examples/lib", "crates/dsl-syntax/src/tests"] {
        let plans = files(&root.join(folder), "plan");
        seeds.extend(plans.iter().filter_map(|path| fs::read_to_string(path).ok()));
    }
    for folder in ["tests/specs", "crates/dsl-check/rules", "docs"] {
        for path in files(&root.join(folder), "md") {
            seeds.extend(fs::read_to_string(path).iter().flat_map(|text| fenced(text)));
        }
    }
    seeds
}

/// The blocks of plan text in a Markdown file.
fn fenced(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match &mut block {
            Some(_) if line.starts_with("```") => blocks.extend(block.take()),
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
            None if line.starts_with("```plan") => block = Some(String::new()),
            None => {}
        }
    }
    blocks
}

/// Sorted; none, where the folder is missing.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    found
}
