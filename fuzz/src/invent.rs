//! Plans invented from the table of declarations: every clause with a value of its shape, over few names, so that they meet.
//!
//! Most of it is well-formed and much of it makes sense; some values are of another shape on purpose.

use dsl_syntax::table::{self, DeclKind, Row, Shape};

use crate::random::Random;

const NAMES: &[&str] = &["a", "b", "c", "d", "build", "deploy", "review"];
const TYPES: &[&str] = &[
    "int",
    "string",
    "bool",
    "float",
    "duration",
    "money",
    "time",
    "url",
    "path",
    "file",
    "T",
    "U",
    "list[string]",
    "list[T]",
    "int(0..9)",
    "string(1..80)",
    "x | y | z",
    "map[int]",
    "int?",
    "T?",
    "list[int](1..)",
    "any",
    "size",
    "version",
    "ratio",
];
const DEPTH_MAX: usize = 4;

/// A whole file.
pub fn plan(random: &mut Random) -> String {
    let mut text = String::new();
    if random.one_in(4) {
        text.push_str("use \"b.plan\"\n\n");
    }
    for kind in [DeclKind::Type, DeclKind::Capability, DeclKind::Agent, DeclKind::Policy] {
        for _ in 0..random.below(3) {
            declaration(kind, "", &mut text, random);
        }
    }
    let bare = random.one_in(4);
    let indent = if bare { "" } else { "  " };
    if !bare {
        declaration(DeclKind::Plan, "", &mut text, random);
    }
    for _ in 0..=random.below(8) {
        let kinds = [
            Some(DeclKind::Task),
            Some(DeclKind::Task),
            Some(DeclKind::Gate),
            Some(DeclKind::Decision),
            Some(DeclKind::Hypothesis),
        ];
        let kind = random.pick(&kinds).unwrap_or(DeclKind::Task);
        declaration(kind, indent, &mut text, random);
    }
    for kind in [DeclKind::Profile, DeclKind::Test] {
        if random.one_in(3) {
            declaration(kind, "", &mut text, random);
        }
    }
    text
}

fn declaration(kind: DeclKind, indent: &str, text: &mut String, random: &mut Random) {
    let name = random.pick(NAMES);
    let header = match kind {
        DeclKind::Type if random.one_in(2) => format!("type {} = {}", random.pick(&["T", "U"]), random.pick(TYPES)),
        DeclKind::Type => format!("type {}", random.pick(&["T", "U"])),
        DeclKind::Capability => format!("capability {}", random.pick(&["web.search", "x.y"])),
        DeclKind::Profile => "profile fast of p".to_owned(),
        DeclKind::Test => "test \"it works\" of p".to_owned(),
        DeclKind::Plan => "plan p \"A plan\"".to_owned(),
        kind if random.one_in(2) => format!("{} {name} \"Does {{{{ {} }}}}\"", kind.keyword(), expr(random, 1)),
        kind => format!("{} {name}", kind.keyword()),
    };
    text.push_str(&format!("{indent}{header}\n"));
    if kind == DeclKind::Type && !header.contains('=') {
        for field in ["first", "second"] {
            text.push_str(&format!("{indent}  {field}: {}\n", random.pick(TYPES)));
        }
    }
    if kind == DeclKind::Profile {
        text.push_str(&format!("  {name}.timeout: 5m\n  budget.cost: $1.00\n"));
    }
    let rows = table::clauses(kind);
    let wanted = 1 + random.below(6);
    for row in rows {
        if row.required || random.below(rows.len()) < wanted {
            clause(row, &format!("{indent}  "), text, random);
        }
    }
    text.push('\n');
}

fn clause(row: &Row, indent: &str, text: &mut String, random: &mut Random) {
    let key = row.key.word();
    let shape = row.shape;
    let name = random.pick(NAMES);
    let deeper = format!("\n{indent}  ");
    let mut value = expr(random, 0);
    let line = match shape {
        Shape::Fail => format!("fail {name} when {value} \"{{{{ {name}.stdout }}}}\""),
        Shape::Remember => format!("remember key = {value}"),
        Shape::Evidence => format!("{key} {name} when {value} by 4"),
        Shape::Route => format!(
            "on {} -> {name}",
            random.pick(&["failure", "success", "timeout", "approved", "a"])
        ),
        Shape::Arm => format!("when {value} -> {name}"),
        Shape::ElseArm => format!("else -> {name}"),
        Shape::Alert => format!("alert \"slow\" when {value} severity:high"),
        Shape::Rule => {
            format!("rule r \"R\"{deeper}for: task where {value}{deeper}require: after(task where kind == test)")
        }
        Shape::Mock => format!("mock task {name} -> {{ exit: 0 }} times 2, then fails timeout"),
        Shape::Decide => format!("approve {name} as role/x after 2h"),
        shape => {
            value = of_shape(shape, &deeper, random);
            format!("{key}: {value}")
        }
    };
    text.push_str(&format!("{indent}{line}\n"));
}

fn of_shape(shape: Shape, deeper: &str, random: &mut Random) -> String {
    let name = random.pick(NAMES);
    let other = random.pick(NAMES);
    let value = expr(random, 0);
    let ty = random.pick(TYPES);
    match shape {
        _ if random.one_in(40) => value,
        Shape::Literal => random
            .pick(&["5m", "true", "false", "1", "80%", "$1.50", "continue", "human", "1.2.0"])
            .to_owned(),
        Shape::Name => random
            .pick(&[name, "web.search", "role/x", "hypotheses", "debug"])
            .to_owned(),
        Shape::Names | Shape::Patterns => random
            .pick(&["a, b", "web.search", "role/x, role/y", "web.*", "debug"])
            .to_owned(),
        Shape::Needs => match random.below(5) {
            0 => format!("any({name}, {other})"),
            1 => format!("1 of ({name}, {other}), c?"),
            2 => format!("{name}?"),
            3 => format!("{name}, {other}"),
            _ => name.to_owned(),
        },
        Shape::Text => "\"text with {{ params.n }}\"".to_owned(),
        Shape::Script => format!(
            "|{deeper}echo {{{{ {value} }}}} \"$({{{{ {name}.stdout }}}})\"{deeper}cat <<EOF{deeper}{{{{ {value} }}}}{deeper}EOF"
        ),
        Shape::Fields => format!("{deeper}n: {ty} = {value}{deeper}m: {}", random.pick(TYPES)),
        Shape::Assigns => format!("{deeper}n: {value}{deeper}time: 5m"),
        Shape::Typed => format!(
            "{deeper}n: {ty} = {value}{deeper}m: {} = lines(stdout)",
            random.pick(TYPES)
        ),
        Shape::Memory => format!("{deeper}k.n: {ty} scope:run = {value}"),
        Shape::Items => format!("{deeper}- {value}{deeper}- {}", expr(random, 0)),
        Shape::Each => format!("x in {value} by x.first"),
        Shape::Retry => random
            .pick(&[
                "3",
                "0",
                "exponential(max: 3, base: 1s, cap: 30s) on timeout",
                "linear(max: 2, base: 1s)",
            ])
            .to_owned(),
        Shape::Steps => format!("{deeper}web.search(query: {value}) -> hits{deeper}shell(\"echo\")"),
        Shape::Options => format!("{deeper}- yes \"Yes\": \"note\"{deeper}- no"),
        Shape::Effects => "read(\"src/**\"), network(\"*.example.com\"), destructive, spend".to_owned(),
        Shape::Rates => "$0.002 per call, $50 per 1h, 5".to_owned(),
        Shape::Limits => format!("{deeper}requests: 100 per 1m{deeper}parallel: 2{deeper}time: 2h{deeper}tasks: 5"),
        Shape::Breaker => "5 failures in 1m, probe after 30s".to_owned(),
        Shape::Call => "shell(\"run {{ input.n }}\")".to_owned(),
        Shape::Trigger => format!("{deeper}intent: build, ship{deeper}confidence: 60%"),
        Shape::Selector => format!("task where {value}"),
        Shape::Predicate => random
            .pick(&[
                "after(task where kind == test)",
                "not flow(secrets, web.*)",
                "timeout <= 30m",
                "reaches(task where true)",
            ])
            .to_owned(),
        Shape::Strings => "\"a/**\", \"b\"".to_owned(),
        _ => value,
    }
}

/// An expression that often has a meaning.
fn expr(random: &mut Random, depth: usize) -> String {
    let leaves = [
        "1",
        "2.5",
        "\"text\"",
        "true",
        "none",
        "5m",
        "$2.00",
        "80%",
        "1.2.3",
        "a.stdout",
        "b.n",
        "params.n",
        "stdout",
        "exit",
        "it",
        "x",
        "x.first",
        "n",
        "secrets.k",
        "memory.k.n",
        "run.duration",
        "a.error.message",
        "build.m",
        "result.items",
        "[]",
        "{}",
        "/a+/",
        "role/x",
        "input.n",
        "budget.cost",
        "item",
        "a",
        "1MB",
        "status(a)",
        "\"{{ b.n }}\"",
        "-3",
        "env.HOME",
    ];
    if depth >= DEPTH_MAX || random.one_in(3) {
        return random.pick(&leaves).to_owned();
    }
    let left = expr(random, depth + 1);
    let mut right = || expr(random, depth + 1);
    let right = right();
    match random.below(14) {
        0 => format!("{left} + {right}"),
        1 => format!("{left} == {right}"),
        2 => format!("({left} if {right} else 0)"),
        3 => format!("{left} and not {right}"),
        4 => format!("{left} ?? {right}"),
        5 => format!("len({left}) > {right}"),
        6 => format!("{left} | where({right})"),
        7 => format!("{left} | map(it.n) | join(\", \")"),
        8 => format!("[{left}, {right}]"),
        9 => format!("{{ n: {left}, m: {right} }}"),
        10 => format!("json({left}) as {}", random.pick(TYPES)),
        11 => format!("{left}.items[{right}]"),
        12 => format!("{left} is not none"),
        _ => format!("{left} in {right}"),
    }
}
