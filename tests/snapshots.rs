//! The compiled form of every example, and of every feature in `ir/`: what changes here changes for every stored run.

use plan_tests::{Project, root};

#[test]
fn the_ir_of_every_example() {
    compare("examples", &root().join("examples").display().to_string());
}

#[test]
fn the_ir_of_every_feature() {
    compare("features", &root().join("tests/ir").display().to_string());
}

/// Compiles each plan of each file below a folder.
fn compare(group: &str, folder: &str) {
    let project = Project::new(&[]);
    let files = ignore::Walk::new(folder).flatten().map(ignore::DirEntry::into_path);
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "plan"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a plan");
        let path = file.display().to_string();
        for plan in plans(&text) {
            let mut args = vec!["compile", "--pretty", path.as_str()];
            args.extend(plan);
            let output = project.run(&args);
            assert!(
                output.status.success(),
                "{path}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let name = plan.map_or_else(|| format!("{group}-{stem}"), |plan| format!("{group}-{stem}-{plan}"));
            insta::with_settings!({ snapshot_path => "ir/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name, String::from_utf8_lossy(&output.stdout));
            });
        }
    }
}

/// The names of the plans of a file; `None` for its implicit one; nothing for a library.
fn plans(text: &str) -> Vec<Option<&str>> {
    let named: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("plan ")?.split_whitespace().next())
        .map(Some)
        .collect();
    let has_nodes = text
        .lines()
        .any(|line| line.starts_with("task ") || line.starts_with("gate "));
    if named.is_empty() && has_nodes {
        vec![None]
    } else {
        named
    }
}
