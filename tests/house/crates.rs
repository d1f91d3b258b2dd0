//! Who may know whom: the table a person reads, compared with what Cargo builds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use plan_tests::root;

type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_table_of_who_may_know_whom_is_what_cargo_builds() {
    assert_eq!(documented(), built());
}

#[test]
fn architecture_names_exactly_the_members_of_the_workspace() {
    let named: BTreeSet<String> = rows("| path |").map(|row| row[0].clone()).collect();
    let members: BTreeSet<String> = members().into_iter().collect();
    let beyond: BTreeSet<_> = named.difference(&members).cloned().collect();
    assert!(
        members.is_subset(&named),
        "not in the table: {:?}",
        members.difference(&named)
    );
    assert!(
        beyond.iter().all(|path| root().join(path).is_dir()),
        "in the table, but not there: {beyond:?}"
    );
    assert!(beyond.iter().all(|path| !root().join(path).join("Cargo.toml").exists()));
}

#[test]
fn plain_cargo_run_is_dslc() {
    let manifest = manifest(&root());
    let default: Vec<_> = manifest["workspace"]["default-members"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(default, [&toml::Value::from("crates/dslc")]);
}

/// The second table of ARCHITECTURE.md.
fn documented() -> Graph {
    let all: BTreeSet<String> = members()
        .into_iter()
        .map(|path| short(&path))
        .filter(|name| is_library(name))
        .collect();
    let knows = |text: &str| match text {
        "nobody" => BTreeSet::new(),
        "all of them" => all.clone(),
        list => list
            .split(',')
            .map(|name| name.trim().trim_matches('`').to_owned())
            .collect(),
    };
    rows("| crate |").map(|row| (row[0].clone(), knows(&row[1]))).collect()
}

/// What the manifests say: only our own crates, tests included.
fn built() -> Graph {
    let mut graph = Graph::new();
    for path in members() {
        let manifest = manifest(&root().join(&path));
        let mut known = BTreeSet::new();
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let names = manifest
                .get(table)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flat_map(|table| table.keys());
            known.extend(names.filter(|name| is_library(name) || *name == "dslc").cloned());
        }
        graph.insert(short(&path), known);
    }
    graph
}

/// The names by which our crates know each other.
fn is_library(name: &str) -> bool {
    root().join("crates").join(name).join("src/lib.rs").exists()
}

/// Folders of the workspace's members, globs resolved.
fn members() -> Vec<String> {
    let manifest = manifest(&root());
    let mut members = Vec::new();
    for member in manifest["workspace"]["members"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|m| m.as_str())
    {
        match member.strip_suffix("/*") {
            None => members.push(member.to_owned()),
            Some(folder) => {
                for entry in std::fs::read_dir(root().join(folder)).expect("a folder").flatten() {
                    if entry.path().join("Cargo.toml").exists() {
                        members.push(format!("{folder}/{}", entry.file_name().to_string_lossy()));
                    }
                }
            }
        }
    }
    members.sort();
    members
}

fn manifest(folder: &Path) -> toml::Value {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    toml::Value::Table(text.parse().expect("valid TOML"))
}

fn short(path: &str) -> String {
    path.trim_start_matches("crates/").to_owned()
}

/// The rows below a table's head, as cells without backticks around the first.
fn rows(head: &str) -> impl Iterator<Item = Vec<String>> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let lines: Vec<String> = text
        .lines()
        .skip_while(move |line| !line.starts_with(head))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(str::to_owned)
        .collect();
    lines.into_iter().map(|line| {
        let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
        let mut cells: Vec<String> = cells.collect();
        cells[0] = cells[0].trim_matches('`').to_owned();
        cells
    })
}
