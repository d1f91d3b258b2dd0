//! Every shape of clause, from text to tree.

use crate::ast::{Item, Value};
use crate::{parse_file, table};

/// Text that has each clause of each declaration once, with a value of its shape.
const EVERYTHING: &str = include_str!("everything.plan");

#[test]
fn every_shape_of_clause_has_its_tree() {
    let mut seen = String::new();
    for (_, block) in parse_file(EVERYTHING) {
        assert_eq!(block.errors, []);
        match block.item {
            Some(Item::Decl(decl)) => {
                seen.push_str(&format!(
                    "{} {}\n",
                    decl.kind.keyword(),
                    decl.name.map_or("-".into(), |name| name.text)
                ));
                for field in decl.fields {
                    seen.push_str(&format!("  field {}\n", field.name.text));
                }
                for clause in decl.clauses {
                    assert_ne!(clause.value, Value::Error, "{}", clause.name.text);
                    assert_ne!(clause.value, Value::Unknown, "{}", clause.name.text);
                    seen.push_str(&format!(
                        "  {} = {}\n",
                        clause.name.text,
                        without_places(&format!("{:?}", clause.value))
                    ));
                }
            }
            Some(Item::Use(import)) => {
                let picked: Vec<_> = import.picked.iter().map(|name| name.text.as_str()).collect();
                seen.push_str(&format!(
                    "use {:?} as {:?} from {:?}\n",
                    picked,
                    import.alias.map(|it| it.text),
                    import.path.and_then(|it| it.plain())
                ));
            }
            None => {}
        }
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn the_text_with_everything_has_every_row_of_the_table() {
    let mut missing = Vec::new();
    for kind in table::DeclKind::ALL {
        for row in table::clauses(kind) {
            let found = parse_file(EVERYTHING).into_iter().any(|(_, block)| match block.item {
                Some(Item::Decl(decl)) => {
                    decl.kind == kind && decl.clauses.iter().any(|clause| clause.key == Some(row.key))
                }
                _ => false,
            });
            if !found {
                missing.push(format!("{} {}", kind.keyword(), row.key.word()));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// The debug form of a tree without `span: Span { … }` and the like, to read what it says.
fn without_places(debug: &str) -> String {
    let mut out = String::with_capacity(debug.len());
    let mut rest = debug;
    while let Some(at) = rest.find("Span { start: ") {
        let key = rest[..at].rfind([' ', '{', '(']).map_or(at, |key| {
            if rest[..at].ends_with(": ") {
                rest[..at - 2].rfind(' ').unwrap_or(key)
            } else {
                at
            }
        });
        out.push_str(rest[..key].trim_end_matches(','));
        let end = rest[at..].find('}').map_or(rest.len(), |end| at + end + 1);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}
