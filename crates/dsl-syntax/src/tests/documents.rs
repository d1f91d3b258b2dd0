//! Blocks and chunks: they cover the text, and edits leave what a fresh split would give.

use proptest::prelude::*;

use super::examples;
use crate::ast::{BlockKind, Item};
use crate::{Document, Reading, parse_chunk, parse_file};

fn outline(text: &str) -> String {
    let mut out = String::new();
    for (offset, block) in parse_file(text) {
        let name = match &block.item {
            Some(Item::Decl(decl)) => decl.name.as_ref().map_or("", |name| name.text.as_str()),
            _ => "",
        };
        let first = text[offset as usize..].lines().next().unwrap_or_default();
        out.push_str(&format!("{:?} {name} | {first}\n", block.kind));
    }
    out
}

#[test]
fn a_plan_is_split_into_its_nodes() {
    let text = "\
# The file.

use \"a.plan\"
## What it is
plan p
  version: 1.0.0
  # about a
  ## docs of a
  task a
    run: |
      echo
      # part of the script
  # about b
  task b
  labels: x
  failure: continue

# stray comment

  gate c
type T
  a: int
";
    insta::assert_snapshot!(outline(text));
}

#[test]
fn a_stray_line_does_not_cut_off_the_nodes_below() {
    let text = "plan p\n  task a\n    timeout: 5m\nxyz\n  task b\n  owner: team/x\n";
    insta::assert_snapshot!(outline(text));
}

#[test]
fn a_node_that_lost_its_indentation_does_not_cut_off_the_nodes_below() {
    let text = "plan p\n  task a\n    timeout: 5m\ntask lost\n    timeout: 5m\n  task b\n  owner: team/x\ntask c\n  timeout: 5m\n";
    insta::assert_snapshot!(outline(text));
}

/// Text that has the shapes the splitter looks at, in no good order.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("plan p\n".to_owned()),
        "task [ab]\n",
        "  task [a-z]{1,3}\n",
        "    task x\n",
        "  gate g\n",
        "   hypothesis h\n",
        Just("  owner: team/x\n".to_owned()),
        Just("    run: |\n".to_owned()),
        Just("      echo # x\n".to_owned()),
        Just("# c\n".to_owned()),
        Just("  # c\n".to_owned()),
        Just("    ## c\n".to_owned()),
        Just("\n".to_owned()),
        Just("  \n".to_owned()),
        Just("use \"x\"\n".to_owned()),
        Just("garbage\n".to_owned()),
        Just("  ) x\n".to_owned()),
        Just("\ttask t\n".to_owned()),
        Just("type T = a".to_owned()),
    ];
    proptest::collection::vec(line, 0..120).prop_map(|lines| lines.concat())
}

fn check(document: &Document, text: &str) {
    assert_eq!(document.text(), text);
    assert_eq!(document.chunks(), Document::new(text).chunks());
}

proptest! {
    #![proptest_config(super::cases(200))]

    #[test]
    fn chunks_after_edits_are_those_of_a_fresh_split(
        mut text in lines(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..40, lines(), 0usize..60), 1..8),
    ) {
        let mut document = Document::new(&text);
        for (start, len, new, keep) in edits {
            let start = start.index(text.len() + 1);
            let end = (start + len).min(text.len());
            let new = &new[..keep.min(new.len())];
            let before = document.clone();
            let changed = document.edit(start..end, new);
            text.replace_range(start..end, new);
            check(&document, &text);
            // What is said to be unchanged is.
            let kept = document.chunks().len() - changed.end;
            prop_assert_eq!(&document.chunks()[..changed.start], &before.chunks()[..changed.start]);
            prop_assert_eq!(&document.chunks()[changed.end..], &before.chunks()[before.chunks().len() - kept..]);
        }
    }

    #[test]
    fn a_chunk_that_is_read_again_is_what_it_is_alone(before in lines(), at in 0..400_usize, cut in 0..40_usize, new in lines()) {
        let mut after = before.clone();
        let (from, to) = (at.min(before.len()), (at + cut).min(before.len()));
        prop_assume!(before.is_char_boundary(from) && before.is_char_boundary(to));
        after.replace_range(from..to, &new);
        let context = Default::default();
        let read = Reading::new(before.as_str().into(), context).again(after.as_str().into(), context);
        prop_assert_eq!(read.blocks(), parse_chunk(&after, context));
        // and back
        prop_assert_eq!(read.again(before.as_str().into(), context).into_blocks(), parse_chunk(&before, context));
    }

    #[test]
    fn blocks_of_chunks_are_the_blocks_of_the_file(text in lines()) {
        let document = Document::new(&text);
        let mut offset = 0;
        for chunk in document.chunks() {
            let blocks = parse_chunk(&chunk.text, chunk.context);
            prop_assert_eq!(blocks.iter().map(|block| block.len as usize).sum::<usize>(), chunk.text.len());
            offset += chunk.text.len();
        }
        prop_assert_eq!(offset, text.len());
        // Where chunks end does not show in the blocks: each is what it is alone in the file.
        let whole = crate::split::blocks(&text, Default::default());
        let kinds: Vec<_> = whole.map(|block| (block.start as u32, block.kind)).collect();
        let parsed: Vec<_> = parse_file(&text).into_iter().map(|(offset, block)| (offset, block.kind)).collect();
        prop_assert_eq!(kinds.len(), parsed.len());
        for ((start, kind), (offset, parsed)) in kinds.into_iter().zip(parsed) {
            prop_assert_eq!(start, offset);
            prop_assert!(kind == parsed || parsed == BlockKind::Other);
        }
    }
}

#[test]
fn an_edit_in_a_large_file_touches_few_chunks() {
    let mut text = String::from("plan p\n");
    for at in 0..2000 {
        text.push_str(&format!("\n  task t{at} \"Task {at}\"\n    timeout: 5m\n"));
    }
    let mut document = Document::new(&text);
    assert!(document.chunks().len() > 60, "{}", document.chunks().len());
    let middle = text.find("task t1000 ").expect("the task is there");
    let changed = document.edit(middle..middle, "task new\n    timeout: 1m\n\n  ");
    text.insert_str(middle, "task new\n    timeout: 1m\n\n  ");
    check(&document, &text);
    assert!(changed.len() <= 4, "{changed:?}");
}

#[test]
fn typing_an_example_letter_by_letter_keeps_the_split() {
    let (_, text) = examples().remove(1);
    let mut document = Document::new("");
    for (at, char) in text.char_indices().take(1500) {
        document.edit(at..at, char.encode_utf8(&mut [0; 4]));
        check(&document, &text[..at + char.len_utf8()]);
    }
}
