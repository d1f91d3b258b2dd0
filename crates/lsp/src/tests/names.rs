//! Uses of names and renaming: `$0` is the cursor.

use tower_lsp_server::ls_types::{DocumentHighlightKind, PrepareRenameResponse};

use super::fixture::Fixture;
use crate::references::{highlights, prepare_rename, references, rename};

/// Lines (from 1) of the uses, with their file where there are several.
fn uses(text: &str) -> Vec<String> {
    let fixture = Fixture::new(text);
    let found = references(&fixture.subject(), fixture.cursor, true).unwrap_or_default();
    found
        .iter()
        .map(|one| {
            let name = one.uri.as_str().rsplit('/').next().unwrap_or_default();
            format!("{name}:{}:{}", one.range.start.line + 1, one.range.start.character + 1)
        })
        .collect()
}

/// The text after renaming, or why not.
fn renamed(text: &str, new: &str) -> Result<String, String> {
    let fixture = Fixture::new(text);
    let edit = rename(&fixture.subject(), fixture.cursor, new).map_err(|error| error.message.into_owned())?;
    let mut result = text.replace("$0", "");
    let mut edits: Vec<_> = edit.changes.unwrap_or_default().into_values().flatten().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
    for edit in edits {
        let starts: Vec<usize> = std::iter::once(0)
            .chain(result.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let at = |place: tower_lsp_server::ls_types::Position| starts[place.line as usize] + place.character as usize;
        let range = at(edit.range.start)..at(edit.range.end);
        result.replace_range(range, &edit.new_text);
    }
    Ok(result)
}

const PLAN: &str = r#"plan p
  params:
    repo: path = "."

  task collect
    run: |
      ls {{ params.repo }}
    output:
      files: list[string] = stdout | split("\n")
      count: int = len(files)

  task show "Shows {{ collect.count }}"
    needs: collect
    when: collect.count > 0 and len(collect.files) > 0
    run: |
      # collect is a word of the script here
      echo {{ collect.count }}
    on failure -> again

  task again
    run: |
      true
"#;

#[test]
fn a_task_is_found_in_needs_expressions_and_interpolations() {
    let text = PLAN.replace("  task collect", "  task col$0lect");
    assert_eq!(
        uses(&text),
        [
            "main.plan:5:8",
            "main.plan:12:23",
            "main.plan:13:12",
            "main.plan:14:11",
            "main.plan:14:37",
            "main.plan:17:15"
        ]
    );
}

#[test]
fn an_output_is_found_by_its_bare_name_and_behind_its_task() {
    let text = PLAN.replace("collect.files", "collect.fi$0les");
    assert_eq!(uses(&text), ["main.plan:9:7", "main.plan:10:24", "main.plan:14:45"]);
}

#[test]
fn a_parameter_is_found_from_its_declaration() {
    let text = PLAN.replace("    repo: path", "    re$0po: path");
    assert_eq!(uses(&text), ["main.plan:3:5", "main.plan:7:20"]);
}

#[test]
fn uses_in_other_files_are_found() {
    let text = "use \"types.plan\"\ntask a\n  run: |\n    true\n  output:\n    x: So$0urce = json(stdout) as Source\n=== types.plan\ntype Source\n  title: string\n";
    assert_eq!(uses(text), ["main.plan:6:8", "main.plan:6:33", "types.plan:1:6"]);
}

#[test]
fn profiles_and_tests_speak_of_nodes_too() {
    let text = "plan p\n  task fetch\n    timeout: 1m\n    run: |\n      true\n\nprofile fast of p\n  fetch.timeout: 5s\n\ntest \"t\" of p\n  mock task fe$0tch -> {}\n  expect:\n    - status(fetch) == completed\n";
    assert_eq!(
        uses(text),
        ["main.plan:2:8", "main.plan:8:3", "main.plan:11:13", "main.plan:13:14"]
    );
}

#[test]
fn one_name_in_two_plans_is_two_things() {
    let text = "plan one\n  task a\n\n  task b\n    needs: $0a\n\nplan two\n  task a\n\n  task b\n    needs: a\n";
    assert_eq!(uses(text), ["main.plan:2:8", "main.plan:5:12"]);
}

#[test]
fn renaming_changes_every_use_and_nothing_else() {
    let text = PLAN.replace("    needs: collect", "    needs: col$0lect");
    let after = renamed(&text, "gather").expect("renamed");
    assert_eq!(after.matches("gather").count(), 6);
    assert!(after.contains("# collect is a word of the script here"));
    assert!(!after.replace("# collect", "").contains("collect"));
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let text = PLAN.replace("  task collect", "  task col$0lect");
    assert_eq!(
        renamed(&text, "again"),
        Err("the plan has a task `again` already".into())
    );
    let text = PLAN.replace("      files:", "      fi$0les:");
    assert_eq!(renamed(&text, "count"), Err("`count` is there already".into()));
    let text = "type A = string\n\ntype B$0 = A\n";
    assert_eq!(renamed(text, "A"), Err("the file has the type `A` already".into()));
}

#[test]
fn what_is_no_name_is_refused() {
    let text = PLAN.replace("  task collect", "  task col$0lect");
    for new in ["", "two words", "1st", "a.b", "and"] {
        assert!(renamed(&text, new).is_err(), "{new:?} was taken");
    }
}

#[test]
fn a_name_that_would_mean_something_else_where_it_is_read_is_refused() {
    let text = "task a\n  run: |\n    true\n\ntask b\n  needs: a$0\n  run: |\n    true\n  output:\n    own: int = 1\n  expect:\n    - own == 1\n";
    assert_eq!(renamed(text, "own").map(|after| after.contains("needs: own")), Ok(true));
    let text =
        "plan p\n  task a\n    run: |\n      true\n\ntest \"t\" of p\n  expect:\n    - status($0a) == completed\n";
    assert!(renamed(text, "b").is_ok_and(|after| after.contains("status(b)")));
}

#[test]
fn keywords_and_scripts_have_nothing_to_rename() {
    for text in ["ta$0sk a\n", "task a\n  run: |\n    ec$0ho\n", "task a\n  ne$0eds: b\n"] {
        let fixture = Fixture::new(text);
        assert_eq!(prepare_rename(&fixture.subject(), fixture.cursor), Ok(None), "{text}");
    }
    let fixture = Fixture::new("task a\n\ntask b\n  needs: $0a\n");
    let Ok(Some(PrepareRenameResponse::RangeWithPlaceholder { range, placeholder })) =
        prepare_rename(&fixture.subject(), fixture.cursor)
    else {
        panic!("nothing to rename")
    };
    assert_eq!((range.start.character, placeholder.as_str()), (9, "a"));
}

#[test]
fn highlights_tell_the_declaration_from_uses() {
    let fixture = Fixture::new("task a\n\ntask b\n  needs: $0a\n");
    let found = highlights(&fixture.subject(), fixture.cursor).expect("highlights");
    let kinds: Vec<_> = found.iter().map(|one| one.kind).collect();
    assert_eq!(
        kinds,
        [Some(DocumentHighlightKind::WRITE), Some(DocumentHighlightKind::READ)]
    );
}

#[test]
fn what_the_language_needs_itself_is_no_name() {
    let refused = |text: &str, new: &str| renamed(text, new).expect_err("refused");
    let node = "plan p\n  task $0a\n    run: |\n      true\n";
    assert_eq!(
        refused(node, "params"),
        "`params` means something of its own in expressions"
    );
    assert_eq!(
        refused("type $0A = x | y\n", "string"),
        "`string` is a type of the language"
    );
    let capability = "capability $0web.find\n  input:\n    a: int\n";
    assert_eq!(
        refused(capability, "http.get"),
        "`http.get` is a capability of the language"
    );
    assert!(renamed(capability, "web.look").is_ok());
}

#[test]
fn fields_say_why_they_are_not_renamed() {
    for text in ["type A\n  $0a: int\n", "capability web.find\n  input:\n    $0a: int\n"] {
        assert!(
            renamed(text, "b").expect_err("refused").contains("data from outside"),
            "{text}"
        );
        let fixture = Fixture::new(text);
        assert!(prepare_rename(&fixture.subject(), fixture.cursor).is_err(), "{text}");
    }
}

#[test]
fn keys_of_memory_keep_their_dots() {
    let text = "plan p\n  memory:\n    $0last.seen: string scope:plan\n\n  task a\n    run: |\n      true\n    remember last.seen = stdout\n";
    let after = renamed(text, "last.looked").expect("renamed");
    assert_eq!(after.matches("last.looked").count(), 2, "{after}");
}
