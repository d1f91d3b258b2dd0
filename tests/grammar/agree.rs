//! Tree-sitter and the compiler read every plan of the project alike.

use plan_tests::{blocks, root};

use super::{outline, reading};

/// Every plan there is: files, the blocks of Markdown pages, the corpus.
pub fn plans() -> Vec<(String, String)> {
    let mut plans = super::corpus::plans();
    for entry in ignore::Walk::new(root()).flatten() {
        let path = entry.path();
        let name = path.strip_prefix(root()).unwrap_or(path).display().to_string();
        let Some(extension) = path.extension() else { continue };
        if extension != "plan" && extension != "md" {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        if extension == "plan" {
            plans.push((name, text));
        } else {
            let blocks = blocks(&text).into_iter().enumerate();
            plans.extend(blocks.map(|(number, (_, block))| (format!("{name}, block {}", number + 1), block)));
        }
    }
    plans
}

#[test]
fn tree_sitter_reads_what_the_compiler_reads() {
    let mut complaints = Vec::new();
    let mut read = 0;
    for (name, text) in plans() {
        let Some(compiler) = outline::of(&text) else { continue };
        let tree = reading::parse(&text);
        if let Some(place) = reading::broken(&tree, &text) {
            complaints.push(format!("{name}: no reading, {place}"));
            continue;
        }
        read += 1;
        let here = reading::of(&tree, &text);
        let differs = compiler
            .iter()
            .zip(&here)
            .find(|(compiler, here)| !compiler.agrees(here));
        if let Some((compiler, here)) = differs {
            complaints.push(format!("{name}:\n  compiler    {compiler:?}\n  tree-sitter {here:?}"));
        } else if compiler.len() != here.len() {
            complaints.push(format!("{name}: {} lines, tree-sitter {}", compiler.len(), here.len()));
        }
    }
    assert!(
        complaints.is_empty(),
        "{} of {}:\n{}",
        complaints.len(),
        read,
        complaints.join("\n")
    );
    assert!(read > 350, "only {read} plans were found");
}

#[test]
fn tree_sitter_sees_most_of_what_is_broken() {
    let broken: Vec<_> = plans()
        .into_iter()
        .filter(|(_, text)| outline::of(text).is_none())
        .collect();
    let lenient = broken
        .iter()
        .filter(|(_, text)| reading::broken(&reading::parse(text), text).is_none());
    let lenient: Vec<_> = lenient.map(|(name, _)| name.as_str()).collect();
    assert!(
        lenient.len() * 2 < broken.len(),
        "{} of {}:\n{}",
        lenient.len(),
        broken.len(),
        lenient.join("\n")
    );
}
