//! What a shell script surely prints: values and variables that `echo` or `printf` write where the log is read.
//!
//! Output that is piped on, redirected to a file or taken by a substitution is not printed, and neither is that of a function,
//! which may be called from anywhere. May miss something (`cat`, `set -x`), never the other way round. Absent: what is secret.

use dsl_syntax::ast::{Raw, Span};
use smol_str::SmolStr;
use tree_sitter::{Node, Tree};

use super::{Outside, here_documents, with_words};

/// What a script prints.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Printed {
    /// The interpolations, in the block.
    pub values: Vec<Span>,
    /// The names of variables.
    pub variables: Vec<SmolStr>,
}

/// Of a script for a shell.
pub(crate) fn printed(script: &Raw) -> Printed {
    let mut found = Printed::default();
    if !["echo", "printf"].iter().any(|word| script.text.contains(word)) {
        return found;
    }
    let words = with_words(script);
    let outside = Outside::of(&words, &here_documents(&words));
    let root = outside.tree.as_ref().map(Tree::root_node);
    let Some(root) = root.filter(|root| !root.has_error()) else {
        return found;
    };
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        match node.kind() {
            "command" => match command_name(node, &outside.text) {
                // what follows goes somewhere else
                Some("exec") => return Printed::default(),
                Some("echo" | "printf") if !is_diverted(node, &outside.text) => {
                    arguments(node, script, &outside.text, &mut found);
                }
                _ => {}
            },
            "function_definition" | "pipeline" | "command_substitution" | "process_substitution" => continue,
            _ => {}
        }
        let mut cursor = node.walk();
        stack.extend(node.children(&mut cursor));
    }
    found
}

pub(super) fn command_name<'t>(command: Node<'_>, text: &'t str) -> Option<&'t str> {
    let name = command.child_by_field_name("name")?;
    text.get(name.byte_range())
}

/// Whether something around a command sends its output to a file.
fn is_diverted(command: Node<'_>, text: &str) -> bool {
    let around = std::iter::successors(command.parent(), Node::parent);
    around
        .filter(|node| node.kind() == "redirected_statement")
        .any(|statement| {
            let mut cursor = statement.walk();
            let mut redirects = statement.children_by_field_name("redirect", &mut cursor);
            redirects.any(|redirect| {
                let written = text.get(redirect.byte_range()).unwrap_or_default();
                written.contains('>') && !written.contains(">&")
            })
        })
}

/// The interpolations and variables in the arguments of a command; those of substitutions inside are other commands'.
fn arguments(command: Node<'_>, script: &Raw, text: &str, found: &mut Printed) {
    let name = command.child_by_field_name("name");
    let mut cursor = command.walk();
    let mut stack: Vec<Node<'_>> = command
        .children(&mut cursor)
        .filter(|child| Some(*child) != name)
        .collect();
    while let Some(node) = stack.pop() {
        match node.kind() {
            "command_substitution" | "process_substitution" | "raw_string" | "ansi_c_string" => continue,
            "simple_expansion" | "expansion" => {
                let written = text.get(node.byte_range()).unwrap_or_default();
                let bare = written
                    .trim_start_matches("${")
                    .trim_start_matches('$')
                    .trim_end_matches('}');
                if bare
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
                {
                    found.variables.push(bare.into());
                }
            }
            "word" | "string_content" | "concatenation" | "string" => {
                let range = node.byte_range();
                let inside = script
                    .interps
                    .iter()
                    .filter(|interp| range.start <= interp.start as usize && interp.end as usize <= range.end);
                found.values.extend(inside.map(|interp| interp.span));
            }
            _ => {}
        }
        let mut cursor = node.walk();
        stack.extend(node.children(&mut cursor));
    }
}
