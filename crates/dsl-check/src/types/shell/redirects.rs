//! Where the output of a command goes that redirections stand around: into the log or elsewhere.

use tree_sitter::Node;

use super::prints::children;

/// Whether what is written to standard output, and to standard error, comes to the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Outs {
    pub log: bool,
    pub errors: bool,
}

impl Outs {
    /// Of the script itself.
    pub const LOG: Self = Self {
        log: true,
        errors: true,
    };

    pub const fn any(self) -> bool {
        self.log || self.errors
    }

    /// With a redirection.
    fn redirected(&mut self, redirect: Node<'_>, text: &str) {
        let written = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
        let descriptor = redirect.child_by_field_name("descriptor").map(written);
        let target = redirect.child_by_field_name("destination").map_or("", written);
        let Some(operator) = children(redirect)
            .map(written)
            .find(|part| part.contains('>') && part.chars().all(|letter| "<>&|-".contains(letter)))
        else {
            return;
        };
        let to = match target.trim_matches('"') {
            "1" if operator == ">&" => self.log,
            "2" if operator == ">&" => self.errors,
            "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => self.log,
            "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => self.errors,
            _ => false,
        };
        let is_file = operator == ">&" && !target.chars().all(|letter| letter.is_ascii_digit() || letter == '-');
        match descriptor {
            None if is_file || operator.starts_with("&>") => (self.log, self.errors) = (to, to),
            None | Some("1") => self.log = to,
            Some("2") => self.errors = to,
            Some(_) => {}
        }
    }
}

/// Where the output of a command goes in a part of a script (all of it, or the body of a function) whose own goes to `outs`.
pub(super) fn outs_of(command: Node<'_>, text: &str, outs: Outs) -> Outs {
    let around = std::iter::successors(command.parent(), Node::parent);
    let mut layers: Vec<Node<'_>> = Vec::new();
    for node in around {
        match node.kind() {
            "redirected_statement" => layers.push(node),
            "function_definition" => {
                layers.push(node);
                break;
            }
            _ => {}
        }
    }
    let mut found = outs;
    let mut layer = |node: Node<'_>| {
        let mut cursor = node.walk();
        for redirect in node.children_by_field_name("redirect", &mut cursor) {
            found.redirected(redirect, text);
        }
    };
    // those before the command come first
    let own = layers.first().copied().filter(|first| command.parent() == Some(*first));
    let outer = layers.iter().skip(usize::from(own.is_some()));
    outer.rev().for_each(|node| layer(*node));
    layer(command);
    own.into_iter().for_each(layer);
    found
}
