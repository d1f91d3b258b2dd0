//! Nothing of the machine that wrote a file stands in it.

use std::process::Command;

use plan_tests::root;

/// Split, so that this file does not hold them itself.
const BANNED: &[(&str, &str)] = &[
    ("/work/", "main"),
    ("/work/", "shared"),
    ("/work/", ".library"),
    ("/root", "/"),
    ("/tmp/bash", "_jobs"),
    ("registry.npm", "js"),
    ("static.cra", "tes"),
    ("index.cra", "tes"),
    ("files.python", "hosted"),
    ("deb.deb", "ian"),
];

#[test]
fn no_tracked_file_holds_a_path_of_this_machine_or_the_host_of_a_registry() {
    let mut found = Vec::new();
    for path in tracked() {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let banned = |(a, b): &(&str, &str)| contains_path(line, &format!("{a}{b}"));
            if BANNED.iter().any(banned) {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The text, not as the end of a longer path (`a/work/b`).
fn contains_path(line: &str, text: &str) -> bool {
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !text.starts_with('/')
            || !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '*'))
    })
}

/// Files that git knows.
fn tracked() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git starts");
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_text_file_ends_with_one_newline() {
    let mut found = Vec::new();
    for path in tracked()
        .into_iter()
        .filter(|path| path.ends_with(".rs") || path.ends_with(".plan") || path.ends_with(".toml"))
    {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else {
            continue;
        };
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            found.push(path);
        }
    }
    assert!(found.is_empty(), "{found:?}");
}
