//! Whether lines of a shell script can run in a shell of their own: whether they are whole, and leave nothing in the
//! shell that the lines behind them rely on.
//!
//! May say no where they could; not the other way round, as far as the text tells. Absent: what programs leave on the disk.

use dsl_syntax::ast::Raw;
use tree_sitter::{Node, Tree};

use super::prints::command_name;
use super::{Outside, here_documents, with_words};

/// Commands that change the shell itself, or end it.
const OF_THE_SHELL: &[&str] = &[
    ".",
    "alias",
    "bind",
    "cd",
    "enable",
    "eval",
    "exec",
    "exit",
    "getopts",
    "let",
    "mapfile",
    "popd",
    "pushd",
    "read",
    "readarray",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "trap",
    "ulimit",
    "umask",
];

/// Whether the first lines of a script can be parted from the others.
pub(crate) fn can_part(script: &Raw, lines: usize) -> bool {
    let words = with_words(script);
    let cut = words.split_inclusive('\n').take(lines).map(str::len).sum();
    let is_within = |document: &super::HereDoc| document.operator.start < cut && cut < document.body.end;
    !here_documents(&words).iter().any(is_within) && is_apart(&words[..cut], &words[cut..])
}

/// Whether two scripts do the same one behind the other in one shell and in two.
pub(crate) fn can_join(first: &Raw, second: &Raw) -> bool {
    is_apart(&with_words(first), &with_words(second))
}

fn is_apart(first: &str, rest: &str) -> bool {
    let status = rest.lines().next().is_some_and(|line| line.contains("$?"));
    if status || first.trim_end().ends_with('\\') {
        return false;
    }
    let outside = Outside::of(first, &here_documents(first));
    let root = outside.tree.as_ref().map(Tree::root_node);
    let Some(root) = root.filter(|root| !root.has_error()) else {
        return false;
    };
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        match node.kind() {
            "subshell" | "command_substitution" | "process_substitution" => continue,
            // what runs on in the background is the shell's own
            "&" | "declaration_command" | "unset_command" => return false,
            "compound_statement" if written(node, &outside).starts_with("((") => return false,
            "command" if command_name(node, &outside.text).is_some_and(|name| OF_THE_SHELL.contains(&name)) => {
                return false;
            }
            "variable_assignment" if node.parent().is_some_and(|parent| parent.kind() == "command") => continue,
            _ if named(node).is_some_and(|name| mentions(rest, written(name, &outside))) => return false,
            "function_definition" => continue,
            _ => {}
        }
        let mut cursor = node.walk();
        stack.extend(node.children(&mut cursor));
    }
    true
}

fn written<'t>(node: Node<'_>, outside: &'t Outside) -> &'t str {
    outside.text.get(node.byte_range()).unwrap_or_default()
}

/// The name that the shell knows from here on.
fn named(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "variable_assignment" | "function_definition" => node.child_by_field_name("name"),
        "for_statement" => node.child_by_field_name("variable"),
        _ => None,
    }
}

/// Whether a script has a name anywhere, be it in a comment.
fn mentions(script: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    // of an element of an array the array counts
    let name = name.split('[').next().unwrap_or_default();
    let mut found = script.match_indices(name);
    found.any(|(at, _)| {
        let (before, after) = (&script[..at], &script[at + name.len()..]);
        !before.ends_with(is_part) && !after.starts_with(|letter| is_part(letter) && letter != '-')
    })
}
