//! What a shell script surely prints: values and variables that `echo` or `printf` write where the log is read.
//!
//! Output that is piped on, redirected to a file or taken by a substitution is not printed; what a function prints is, where
//! it is called. May miss something (`cat`, `set -x`), never the other way round. Absent: what is secret.

use std::collections::{HashMap, HashSet};

use dsl_syntax::ast::{Raw, Span};
use smol_str::SmolStr;
use tree_sitter::{Node, Tree};

use super::redirects::{Outs, outs_of};
use super::unquote::in_block;
use super::{Outside, here_documents, with_words};

/// How much is followed of what a variable holds, and how many variables into a subshell: a script may be long.
const HELD_MAX: usize = 100;

/// What a script prints.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Printed {
    /// The interpolations, in the block.
    pub values: Vec<Span>,
    /// The names of variables, and where they are printed, in the block.
    pub variables: Vec<(SmolStr, Span)>,
}

/// Of a script for a shell.
pub(crate) fn printed(script: &Raw) -> Printed {
    if !["echo", "printf"].iter().any(|word| script.text.contains(word)) {
        return Printed::default();
    }
    let words = with_words(script);
    let outside = Outside::of(&words, &here_documents(&words));
    let root = outside.tree.as_ref().map(Tree::root_node);
    let Some(root) = root.filter(|root| !root.has_error()) else {
        return Printed::default();
    };
    let mut reader = Reader {
        script,
        text: &outside.text,
        found: Printed::default(),
        holds: HashMap::new(),
        functions: HashMap::new(),
        called: HashSet::new(),
        rest: vec![Step::Node(root, Outs::LOG)],
    };
    while let Some(step) = reader.rest.pop() {
        match step {
            Step::Leave(holds) => reader.holds = holds,
            Step::Node(node, outs) => {
                if reader.node(node, outs).is_none() {
                    return Printed::default();
                }
            }
        }
    }
    reader.found
}

pub(super) fn command_name<'t>(command: Node<'_>, text: &'t str) -> Option<&'t str> {
    let name = command.child_by_field_name("name")?;
    text.get(name.byte_range())
}

/// What a variable of the script was given: variables and interpolations.
#[derive(Clone, Default)]
struct Held {
    values: Vec<Span>,
    variables: Vec<SmolStr>,
}

enum Step<'t> {
    Node(Node<'t>, Outs),
    /// The end of a subshell: variables are again what they were.
    Leave(HashMap<SmolStr, Held>),
}

/// Goes through a script in the order of its text.
struct Reader<'t> {
    script: &'t Raw,
    text: &'t str,
    found: Printed,
    /// The variables that the script itself has set.
    holds: HashMap<SmolStr, Held>,
    functions: HashMap<&'t str, Node<'t>>,
    /// Functions whose calls have been followed.
    called: HashSet<(usize, Outs)>,
    rest: Vec<Step<'t>>,
}

impl<'t> Reader<'t> {
    /// `None`: what follows goes somewhere else.
    fn node(&mut self, node: Node<'t>, outs: Outs) -> Option<()> {
        match node.kind() {
            "command" => self.command(node, outs)?,
            "variable_assignment" => self.assignment(node),
            "unset_command" => children(node).for_each(|name| self.forget(name)),
            "for_statement" | "select_statement" => {
                if let Some(name) = node.child_by_field_name("variable") {
                    self.forget(name);
                }
            }
            "subshell" if self.holds.len() > HELD_MAX => return Some(()),
            "subshell" => self.rest.push(Step::Leave(self.holds.clone())),
            "function_definition" => {
                if let Some(name) = node.child_by_field_name("name") {
                    self.functions.insert(self.written(name), node);
                }
                return Some(());
            }
            "pipeline" | "command_substitution" | "process_substitution" => return Some(()),
            _ => {}
        }
        if node.kind() != "command" {
            let inner: Vec<Node<'t>> = children(node).collect();
            self.rest
                .extend(inner.into_iter().rev().map(|inner| Step::Node(inner, outs)));
        }
        Some(())
    }

    fn command(&mut self, command: Node<'t>, outs: Outs) -> Option<()> {
        let (name, arguments) = self.program_of(command);
        match name {
            "exec" => return None,
            "echo" => self.prints(command, &arguments, outs),
            "printf" => match arguments.as_slice() {
                [option, name, ..] if self.written(*option) == "-v" => self.forget(*name),
                _ => self.prints(command, &arguments, outs),
            },
            "read" | "readarray" | "mapfile" | "getopts" => arguments.iter().for_each(|name| self.forget(*name)),
            name => {
                let outs = outs_of(command, self.text, outs);
                if let Some(function) = self.functions.get(name)
                    && outs.any()
                    && self.called.insert((function.id(), outs))
                    && let Some(body) = function.child_by_field_name("body")
                {
                    self.rest.push(Step::Node(body, outs));
                }
            }
        }
        Some(())
    }

    /// The program that a command starts, without its folder and whatever starts it, and its arguments.
    fn program_of(&self, command: Node<'t>) -> (&'t str, Vec<Node<'t>>) {
        let mut cursor = command.walk();
        let arguments = command.children_by_field_name("argument", &mut cursor);
        let mut arguments: Vec<Node<'t>> = arguments.collect();
        arguments.extend(more_arguments(command));
        let mut name = command_name(command, self.text).unwrap_or_default();
        while matches!(program(name), "command" | "builtin" | "env" | "time") {
            let is_set = |word: &str| program(name) == "env" && word.contains('=');
            let skipped = arguments.iter().take_while(|word| is_set(self.written(**word))).count();
            let Some(next) = arguments.get(skipped) else { break };
            name = self.written(*next);
            arguments.drain(..=skipped);
        }
        (program(name), arguments)
    }

    fn prints(&mut self, command: Node<'t>, arguments: &[Node<'t>], outs: Outs) {
        if !outs_of(command, self.text, outs).log {
            return;
        }
        for argument in arguments {
            let (values, variables) = self.parts(*argument);
            self.found.values.extend(values);
            for (name, place) in variables {
                let Some(held) = self.holds.get(&name) else {
                    self.found.variables.push((name, place));
                    continue;
                };
                self.found.values.extend(&held.values);
                let names = held.variables.iter().cloned();
                self.found.variables.extend(names.map(|name| (name, place)));
            }
        }
    }

    fn assignment(&mut self, assignment: Node<'t>) {
        let Some(name) = assignment.child_by_field_name("name") else {
            return;
        };
        let mut held = Held::default();
        if let Some(value) = assignment.child_by_field_name("value") {
            let (values, variables) = self.parts(value);
            held.values = values;
            for (name, _) in variables {
                match self.holds.get(&name) {
                    Some(known) => {
                        held.values.extend(&known.values);
                        held.variables.extend(known.variables.iter().cloned());
                    }
                    None => held.variables.push(name),
                }
            }
        }
        let name: SmolStr = self.written(name).into();
        let adds = children(assignment).any(|part| part.kind() == "+=");
        if adds {
            match self.holds.get(&name) {
                Some(known) => {
                    held.values.extend(&known.values);
                    held.variables.extend(known.variables.iter().cloned());
                }
                None => held.variables.push(name.clone()),
            }
        }
        held.values.sort_unstable();
        held.values.dedup();
        held.variables.sort_unstable();
        held.variables.dedup();
        held.values.truncate(HELD_MAX);
        held.variables.truncate(HELD_MAX);
        self.holds.insert(name, held);
    }

    /// A variable is set to what nobody knows.
    fn forget(&mut self, name: Node<'t>) {
        self.holds.insert(self.written(name).into(), Held::default());
    }

    /// The interpolations and variables in a word; those of substitutions inside are other commands'.
    fn parts(&self, word: Node<'t>) -> (Vec<Span>, Vec<(SmolStr, Span)>) {
        let (mut values, mut variables) = (Vec::new(), Vec::new());
        let mut stack = vec![word];
        while let Some(node) = stack.pop() {
            match node.kind() {
                "command_substitution" | "process_substitution" | "raw_string" | "ansi_c_string" | "array" => continue,
                "simple_expansion" | "expansion" => {
                    if let Some(name) = self.expanded(node) {
                        variables.push((name.into(), self.place(node)));
                    }
                }
                "word" | "string_content" | "concatenation" | "string" => {
                    let range = node.byte_range();
                    let interps = &self.script.interps;
                    let first = interps.partition_point(|interp| (interp.start as usize) < range.start);
                    let inside = interps[first..].iter();
                    let inside = inside.take_while(|interp| interp.end as usize <= range.end);
                    values.extend(inside.map(|interp| interp.span));
                }
                _ => {}
            }
            stack.extend(children(node));
        }
        values.sort_unstable();
        values.dedup();
        (values, variables)
    }

    /// The variable whose whole value an expansion stands for.
    fn expanded(&self, expansion: Node<'t>) -> Option<&'t str> {
        let written = self.written(expansion).trim_start();
        let bare = match written.strip_prefix("${") {
            Some(braced) => braced.strip_suffix('}')?,
            None => written.strip_prefix('$')?,
        };
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let (name, rest) = bare.split_at(bare.find(|letter| !is_letter(letter)).unwrap_or(bare.len()));
        let rest = rest.strip_prefix(':').map_or(rest, |rest| {
            // `${x:1}` is a part of it
            if rest.starts_with(['-', '=', '?']) { rest } else { ":" }
        });
        (!name.is_empty() && (rest.is_empty() || rest.starts_with(['-', '=', '?']))).then_some(name)
    }

    fn place(&self, node: Node<'t>) -> Span {
        let range = node.byte_range();
        let written = self.text.get(range.clone()).unwrap_or_default();
        let start = range.end - written.trim_start().len();
        let at = in_block(self.script, start).unwrap_or_default();
        Span::new(at, at + (range.end - start) as u32)
    }

    fn written(&self, node: Node<'t>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }
}

fn program(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, program)| program)
}

/// Words behind a redirection are arguments of the command.
fn more_arguments(command: Node<'_>) -> Vec<Node<'_>> {
    let Some(statement) = command
        .parent()
        .filter(|parent| parent.kind() == "redirected_statement")
    else {
        return Vec::new();
    };
    let mut cursor = statement.walk();
    let redirects: Vec<Node<'_>> = statement.children_by_field_name("redirect", &mut cursor).collect();
    let words = redirects.into_iter().flat_map(|redirect| {
        let mut cursor = redirect.walk();
        let words: Vec<Node<'_>> = redirect.children_by_field_name("destination", &mut cursor).collect();
        words.into_iter().skip(1)
    });
    words.collect()
}

pub(super) fn children(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let mut cursor = node.walk();
    let children: Vec<Node<'_>> = node.children(&mut cursor).collect();
    children.into_iter()
}
