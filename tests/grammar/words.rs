//! Where the compiler sees keywords and keys in the examples: the tests of the VS Code extension hold its colours against it.

use plan_tests::root;

use super::outline;

const FILE: &str = "editors/vscode/test/words.json";

#[test]
fn the_words_that_the_extension_is_tested_with_are_the_compilers() {
    let mut rows = Vec::new();
    let examples = ignore::Walk::new(root().join("examples")).flatten();
    let mut files: Vec<_> = examples.map(ignore::DirEntry::into_path).collect();
    files.sort();
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "plan"))
    {
        let text = std::fs::read_to_string(path).expect("an example");
        let name = path.strip_prefix(root()).unwrap_or(path).display().to_string();
        let lines = outline::of(&text).expect("an example has no syntax error");
        assert!(!lines.is_empty());
        rows.extend(lines.iter().map(|line| row(&name, &text, line)));
    }
    let right = format!("[\n{}\n]\n", rows.join(",\n"));
    let path = root().join(FILE);
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(path, right).expect("writable");
    }
    let is = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        is == right,
        "{FILE} is not current; BLESS=1 cargo test -p plan-tests --test it grammar::words"
    );
}

/// File, line and column (from 0, in UTF-16 units), and the word.
fn row(file: &str, text: &str, line: &outline::Line) -> String {
    let (row, column) = dsl_syntax::LineIndex::new(text).line_utf16(line.at as u32);
    serde_json::json!([file, row, column, line.key, line.role.name()]).to_string()
}
