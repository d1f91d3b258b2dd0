//! The book: its links lead somewhere, its plans compile, its commands print what it shows, its generated parts are current.
//!
//! Absent: mdbook, which turns it into pages (`cargo xtask book`).

mod console;
mod generated;
mod pages;

use std::path::PathBuf;

use plan_tests::root;

/// The pages of the book, by their path below `docs`.
fn pages() -> Vec<(String, String)> {
    let folder = root().join("docs");
    let files = ignore::Walk::new(&folder).flatten().map(ignore::DirEntry::into_path);
    let mut pages: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a page");
            let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
            (name, text)
        })
        .collect();
    pages.sort();
    pages
}

fn page(name: &str) -> PathBuf {
    root().join("docs").join(name)
}

/// One fenced block: the words on its fence, its lines, and where they begin in the page.
struct Fenced {
    info: String,
    start: usize,
    text: String,
}

fn fenced(page: &str) -> Vec<Fenced> {
    let mut blocks: Vec<Fenced> = Vec::new();
    let mut inside = false;
    let mut offset = 0;
    for line in page.split_inclusive('\n') {
        offset += line.len();
        match (line.trim_end().strip_prefix("```"), inside) {
            (Some(""), true) => inside = false,
            (Some(info), false) => {
                inside = true;
                blocks.push(Fenced {
                    info: info.to_owned(),
                    start: offset,
                    text: String::new(),
                });
            }
            _ if inside => blocks
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|block| block.text.push_str(line)),
            _ => {}
        }
    }
    blocks
}

/// Compares a file with what it should be, or writes it when asked to.
pub fn current(name: &str, right: &str, complaints: &mut Vec<String>) {
    let path = page(name);
    if std::fs::read_to_string(&path).unwrap_or_default() == right {
        return;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("below docs")).expect("a folder");
        std::fs::write(&path, right).expect("writable");
    } else {
        complaints.push(name.to_owned());
    }
}

pub const BLESS: &str = "is not what it should be; BLESS=1 cargo test -p plan-tests --test it book";
