//! Tree-sitter's reading of a plan, in the words of `outline.rs`.

use tree_sitter::{Node, Parser, Tree};

use super::outline::{Line, Role};

/// Parses with the grammar under test.
pub fn parse(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_plan::LANGUAGE.into())
        .expect("the runtime reads the generated tables");
    parser.parse(text, None).expect("no time limit is set")
}

/// The first place that the grammar could not read, with its line.
pub fn broken(tree: &Tree, text: &str) -> Option<String> {
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            let line = text.lines().nth(node.start_position().row).unwrap_or_default();
            return Some(format!("line {}: {line}", node.start_position().row + 1));
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return None;
            }
        }
    }
}

/// What the tree says.
pub fn of(tree: &Tree, text: &str) -> Vec<Line> {
    let mut reading = Reading {
        source: text,
        lines: Vec::new(),
    };
    for item in named(tree.root_node()) {
        reading.line(0, item);
    }
    reading.lines
}

struct Reading<'a> {
    source: &'a str,
    lines: Vec<Line>,
}

/// The children that are neither tokens nor comments.
fn named(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let children = node.named_children(&mut cursor);
    children
        .filter(|child| !matches!(child.kind(), "comment" | "doc_comment"))
        .collect()
}

fn fields<'t>(node: Node<'t>, name: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    let children = node.children_by_field_name(name, &mut cursor);
    children.filter(Node::is_named).collect()
}

impl Reading<'_> {
    fn text(&self, node: Node<'_>) -> &str {
        &self.source[node.byte_range()]
    }

    fn push(&mut self, depth: usize, role: Role, at: Node<'_>, value: Option<String>) {
        self.lines.push(Line {
            depth,
            role,
            at: at.start_byte(),
            key: self.text(at).to_owned(),
            value,
        });
    }

    /// A declaration, a clause, a field of a record or a line of a profile.
    fn line(&mut self, depth: usize, node: Node<'_>) {
        let body = node.child_by_field_name("body");
        match node.kind() {
            "use" => {
                let values = ["pick", "alias", "path"].map(|field| self.all(node, field));
                let values: Vec<_> = values.into_iter().flatten().collect();
                if let Some(keyword) = node.child(0) {
                    self.push(depth, Role::Declaration, keyword, Some(values.join(" ")));
                }
            }
            "unknown_clause" => {
                if let Some(key) = node.child_by_field_name("key") {
                    self.push(depth, Role::Clause, key, None);
                }
            }
            "field" => {
                if let Some(name) = node.child_by_field_name("name") {
                    self.push(depth, Role::Field, name, Some(self.field(node)));
                }
            }
            "override" => {
                if let Some(path) = node.child_by_field_name("path") {
                    self.push(depth, Role::Field, path, Some(self.clause(node)));
                }
            }
            _ => match node.child_by_field_name("key") {
                Some(key) if node.kind() == "rule" => self.push(depth, Role::Clause, key, Some(self.head(node))),
                Some(key) => self.push(depth, Role::Clause, key, Some(self.clause(node))),
                None => {
                    if let Some(keyword) = node.child(0) {
                        self.push(depth, Role::Declaration, keyword, Some(self.head(node)));
                    }
                }
            },
        }
        let attributes = named(node).into_iter().filter(|child| child.kind() == "attribute");
        let value = node.child_by_field_name("value").filter(|value| value.kind() == "body");
        let body = body.or(value).map(named).unwrap_or_default();
        for child in attributes.chain(body) {
            self.line(depth + 1, child);
        }
    }

    fn head(&self, node: Node<'_>) -> String {
        let values = ["name", "of", "title", "alias"].map(|field| self.all(node, field));
        values.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The values of a field, each on its own.
    fn all(&self, node: Node<'_>, field: &str) -> Vec<String> {
        fields(node, field).into_iter().map(|value| self.value(value)).collect()
    }

    fn one(&self, node: Node<'_>, field: &str) -> String {
        self.all(node, field).join(" ")
    }

    /// ` before VALUE`, if there is one.
    fn maybe(&self, node: Node<'_>, before: &str, field: &str) -> String {
        let values = self.all(node, field);
        values.iter().map(|value| format!(" {before}{value}")).collect()
    }

    fn joined(&self, node: Node<'_>) -> String {
        self.each(&named(node))
    }

    fn each(&self, nodes: &[Node<'_>]) -> String {
        let values: Vec<_> = nodes.iter().map(|node| self.value(*node)).collect();
        values.join(" ")
    }

    /// The value of a clause.
    fn clause(&self, node: Node<'_>) -> String {
        match node.kind() {
            "fail" => {
                let (name, when) = (self.one(node, "name"), self.one(node, "condition"));
                format!("{name} {when}{}", self.maybe(node, "", "message"))
            }
            "remember" => format!("{} = {}", self.one(node, "name"), self.one(node, "value")),
            "evidence" => {
                let (name, when) = (self.one(node, "name"), self.one(node, "condition"));
                format!("{name} {when} by {}", self.one(node, "factor"))
            }
            "route" => format!("{} -> {}", self.one(node, "event"), self.one(node, "to")),
            "arm" => format!("{} -> {}", self.one(node, "condition"), self.one(node, "to")),
            "else_arm" => format!("-> {}", self.one(node, "to")),
            "alert" => {
                let (name, when) = (self.one(node, "name"), self.one(node, "condition"));
                format!("{name} {when}{}", self.maybe(node, "", "severity"))
            }
            "mock" => self.mock(node),
            "decide" => {
                let (gate, by) = (self.one(node, "gate"), self.one(node, "by"));
                let rest = self.maybe(node, "", "option") + &self.maybe(node, "after ", "after");
                format!("{gate} {by}{rest}")
            }
            _ => {
                let values: Vec<_> = named(node)
                    .into_iter()
                    .filter(|child| {
                        !matches!(child.kind(), "key" | "body") && Some(*child) != node.child_by_field_name("path")
                    })
                    .collect();
                let fields = values.iter().all(|value| value.kind() == "field");
                if fields {
                    let line = |field: &Node<'_>| format!("{}: {}", self.one(*field, "name"), self.field(*field));
                    return values.iter().map(line).collect::<Vec<_>>().join(" ");
                }
                self.each(&values)
            }
        }
    }

    fn field(&self, node: Node<'_>) -> String {
        self.one(node, "type") + &self.maybe(node, "= ", "default")
    }

    fn mock(&self, node: Node<'_>) -> String {
        let task = self.maybe(node, "task ", "task").trim_start().to_owned();
        let target = task + &self.one(node, "capability");
        let by = self.maybe(node, "by ", "agent");
        let when = self.maybe(node, "when ", "condition");
        let replies = fields(node, "reply").into_iter().map(|reply| {
            let mode = self.maybe(reply, "fails ", "mode");
            let values: Vec<_> = named(reply)
                .into_iter()
                .filter(|child| Some(*child) != reply.child_by_field_name("mode"))
                .collect();
            let timed = self.text(reply).contains(" times ");
            let count = usize::from(timed).min(values.len());
            let (values, times) = values.split_at(values.len() - count);
            let value = values.iter().map(|value| format!(" -> {}", self.value(*value)));
            let times = times.iter().map(|times| format!(" times {}", self.value(*times)));
            mode + &value.chain(times).collect::<String>()
        });
        target + &by + &when + &replies.collect::<String>()
    }

    /// Any value, down to its atoms.
    fn value(&self, node: Node<'_>) -> String {
        let text = || self.text(node).to_owned();
        match node.kind() {
            "dotted_name" => text().split_whitespace().collect(),
            "string" => {
                let interps = named(node).into_iter().filter(|part| part.kind() == "interpolation");
                let interps = interps.map(|part| format!(" {}", self.joined(part)));
                format!("(string{})", interps.collect::<String>())
            }
            "raw_block" if !self.overrides_a_script(node) => "raw".to_owned(),
            "script" | "raw_block" => {
                let content = named(node).into_iter().flat_map(named);
                let interps = content.filter(|part| part.kind() == "raw_interpolation");
                let interps = interps.map(|part| self.text(part));
                std::iter::once("script").chain(interps).collect::<Vec<_>>().join(" ")
            }
            "names" | "needs" | "item" | "effects" | "rates" => self.joined(node),
            "optional_need" => format!("{}?", self.joined(node)),
            "any_need" => {
                let names = named(node);
                format!("any({})", self.each(names.get(1..).unwrap_or_default()))
            }
            "quorum_need" => {
                let names = named(node);
                let names = self.each(names.get(1..).unwrap_or_default());
                format!("{} of ({names})", self.one(node, "count"))
            }
            "entry" | "limit_entry" => format!("{}: {}", self.one(node, "name"), self.one(node, "value")),
            "typed_entry" => {
                let (name, ty) = (self.one(node, "name"), self.one(node, "type"));
                format!("{name}: {ty} = {}", self.one(node, "value"))
            }
            "memory_entry" => {
                let (name, ty, scope) = (self.one(node, "name"), self.one(node, "type"), self.one(node, "scope"));
                format!("{name}: {ty} {scope}{}", self.maybe(node, "= ", "default"))
            }
            "step" => {
                let args = named(node).into_iter().filter(|child| child.kind() == "arguments");
                let args: String = args.map(|args| self.value(args)).collect();
                format!(
                    "{}{args}{}",
                    self.one(node, "capability"),
                    self.maybe(node, "-> ", "bind")
                )
            }
            "option" => self.joined(node),
            "each" => {
                let (name, list) = (self.one(node, "name"), self.one(node, "list"));
                format!("{name} in {list}{}", self.maybe(node, "by ", "key"))
            }
            "retry" => self.one(node, "policy") + &self.maybe(node, "", "mode"),
            "effect" => match &named(node)[1..] {
                [] => self.one(node, "name"),
                args => format!("{}({})", self.one(node, "name"), self.each(args)),
            },
            "rate" => self.rate(node),
            "breaker" => {
                let parts: Vec<_> = named(node).into_iter().map(|part| self.value(part)).collect();
                parts
                    .join(" ")
                    .replacen(' ', " in ", 1)
                    .replacen(' ', "\0", 2)
                    .replacen(' ', " after ", 1)
                    .replace('\0', " ")
            }
            "enumeration" => format!("(enum {})", self.joined(node)),
            "named_type" => self.named_type(node),
            _ => self.expression(node),
        }
    }

    /// What a profile's line says depends on the clause that its path ends in; the grammar does not look.
    fn overrides_a_script(&self, raw: Node<'_>) -> bool {
        let line = raw.parent().filter(|parent| parent.kind() == "override");
        let path = line.and_then(|line| line.child_by_field_name("path"));
        path.is_some_and(|path| self.text(path).ends_with("run") || self.text(path).ends_with("rollback"))
    }

    fn rate(&self, node: Node<'_>) -> String {
        let numbers: Vec<_> = named(node).into_iter().map(|number| self.value(number)).collect();
        match numbers.as_slice() {
            [amount, per] => format!("(per {amount} {per})"),
            [amount] if self.text(node).ends_with("call") => format!("(per {amount} call)"),
            other => other.join(" "),
        }
    }

    fn named_type(&self, node: Node<'_>) -> String {
        let argument = self
            .all(node, "argument")
            .into_iter()
            .map(|argument| format!("[{argument}]"));
        let refinement = fields(node, "refinement")
            .into_iter()
            .map(|it| format!("({})", self.refinement(it)));
        let mark = self.text(node).ends_with('?').then(|| "?".to_owned());
        let rest: String = argument.chain(refinement).chain(mark).collect();
        self.one(node, "name") + &rest
    }

    fn refinement(&self, node: Node<'_>) -> String {
        let text = self.text(node);
        if node.kind() == "regex" {
            return text.to_owned();
        }
        let bound = |bound: &str| match bound.trim().strip_prefix('-') {
            None => bound.trim().to_owned(),
            Some(number) => format!("(- {})", number.trim()),
        };
        let (low, high) = text.split_once("..").unwrap_or((text, ""));
        format!("{}..{}", bound(low), bound(high))
    }

    fn expression(&self, node: Node<'_>) -> String {
        let one = |field: &str| self.one(node, field);
        match node.kind() {
            "list" => format!("[{}]", self.joined(node)),
            "record" => format!("{{{}}}", self.joined(node)),
            "pair" => {
                let key = node
                    .child_by_field_name("key")
                    .map(|key| self.text(key))
                    .unwrap_or_default();
                format!("{key}: {}", one("value"))
            }
            "parenthesized" => format!("({})", self.joined(node)),
            "arguments" => format!("({})", self.joined(node)),
            "named_argument" => format!("{}: {}", one("name"), one("value")),
            "call" => format!("{}{}", one("function"), self.args(node)),
            "pipe" => format!("(| {} {}{})", one("value"), one("function"), self.args(node)),
            "item_field" => format!(".{}", one("field")),
            "field_access" => format!("{}.{}", one("value"), one("field")),
            "index" => format!("{}[{}]", one("value"), one("index")),
            "unary" => format!("({} {})", one("operator"), one("operand")),
            "binary" => format!("({} {} {})", one("operator"), one("left"), one("right")),
            "is" => {
                let tail: Vec<_> = self.text(node).split_whitespace().rev().take(2).collect();
                let not = if tail[1] == "not" { "not " } else { "" };
                format!("(is {} {not}{})", one("value"), tail[0])
            }
            "cast" => format!("(as {} {})", one("value"), one("type")),
            "conditional" => format!("(if {} {} {})", one("condition"), one("then"), one("otherwise")),
            "selector" => format!("(where {} {})", one("what"), one("filter")),
            _ => self.text(node).to_owned(),
        }
    }

    fn args(&self, node: Node<'_>) -> String {
        let args = named(node).into_iter().find(|child| child.kind() == "arguments");
        args.map_or_else(|| "()".to_owned(), |args| self.value(args))
    }
}
