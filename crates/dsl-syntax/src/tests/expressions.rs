//! Expressions, printed with all their brackets.

use crate::ast::{Arg, BinaryOp, Expr, ExprKind, IsWhat, StringPart, UnaryOp};
use crate::parse_expr;

/// The expression with every operator in brackets, or its error.
fn shape(text: &str) -> String {
    let (expr, errors) = parse_expr(text);
    match errors.first() {
        Some(error) => format!("{}: {}", error.span.start, error.message),
        None => show(&expr),
    }
}

fn show(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Error => "ERROR".into(),
        ExprKind::None => "none".into(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(text) | ExprKind::Float(text) | ExprKind::Version(text) | ExprKind::Name(text) => {
            text.to_string()
        }
        ExprKind::Principal(text) => format!("principal:{text}"),
        ExprKind::Pattern(text) => format!("pattern:{text}"),
        ExprKind::Quantity { number, unit } => format!("{number}{unit:?}"),
        ExprKind::Money(text) => format!("${text}"),
        ExprKind::Ratio(text) => format!("{text}%"),
        ExprKind::Regex(text) => format!("/{text}/"),
        ExprKind::String(string) => {
            let parts = string.parts.iter().map(|part| match part {
                StringPart::Text(text) => format!("{text:?}"),
                StringPart::Interp(expr, _) => show(expr),
            });
            format!("str({})", parts.collect::<Vec<_>>().join(" "))
        }
        ExprKind::It => "it".into(),
        ExprKind::ItField(name) => format!("it.{}", name.text),
        ExprKind::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        ExprKind::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", key.text, show(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Call { func, args } => format!("{}({})", func.text, arguments(args)),
        ExprKind::Pipe { lhs, func, args } => {
            format!("({} | {}({}))", show(lhs), func.text, arguments(args))
        }
        ExprKind::Field { base, name } => format!("{}.{}", show(base), name.text),
        ExprKind::Index { base, index } => format!("{}[{}]", show(base), show(index)),
        ExprKind::Unary { op: UnaryOp::Not, expr } => format!("(not {})", show(expr)),
        ExprKind::Unary { op: UnaryOp::Neg, expr } => format!("(-{})", show(expr)),
        ExprKind::Binary { op, lhs, rhs, .. } => {
            format!("({} {} {})", show(lhs), symbol(*op), show(rhs))
        }
        ExprKind::Is { expr, not, what } => {
            let what = if *what == IsWhat::None { "none" } else { "empty" };
            format!("({} is {}{what})", show(expr), if *not { "not " } else { "" })
        }
        ExprKind::Cast { expr, .. } => format!("({} as T)", show(expr)),
        ExprKind::If { then, cond, otherwise } => {
            format!("({} if {} else {})", show(then), show(cond), show(otherwise))
        }
        ExprKind::Selector(selector) => format!("selector:{}", selector.what.text),
        ExprKind::Paren(inner) => show(inner),
    }
}

fn arguments(args: &[Arg]) -> String {
    let args = args.iter().map(|arg| match &arg.name {
        Some(name) => format!("{}: {}", name.text, show(&arg.value)),
        None => show(&arg.value),
    });
    args.collect::<Vec<_>>().join(", ")
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Coalesce => "??",
        BinaryOp::Or => "or",
        BinaryOp::And => "and",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::In => "in",
        BinaryOp::Matches => "matches",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
    }
}

#[test]
fn operators_bind_as_the_reference_says() {
    for (text, expected) in [
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("-a.b + 1", "((-a.b) + 1)"),
        ("-x as int * 2", "(((-x) as T) * 2)"),
        ("not a == b and c or d", "(((not (a == b)) and c) or d)"),
        ("a ?? b ?? c or d", "((a ?? b) ?? (c or d))"),
        ("1 if a else 2 if b else 3", "(1 if a else (2 if b else 3))"),
        ("x | len + 1", "((x | len()) + 1)"),
        ("a + b | f(c) | g == 1", "((((a + b) | f(c)) | g()) == 1)"),
        ("x | len + 1 > 2 and y", "((((x | len()) + 1) > 2) and y)"),
        ("json(stdout).errors as int", "(json(stdout).errors as T)"),
        ("a is not none and b is empty", "((a is not none) and (b is empty))"),
        ("not x is none", "(not (x is none))"),
        (
            "xs | where(.score > 3) | map(.url)",
            "((xs | where((it.score > 3))) | map(it.url))",
        ),
        ("a.b[0].c", "a.b[0].c"),
        ("a - b-c", "(a - b-c)"),
        ("10 / 2 / 5", "((10 / 2) / 5)"),
        ("x matches /a\\/b/ or y", "((x matches /a\\/b/) or y)"),
        ("approver == role/release", "(approver == principal:role/release)"),
        ("task.attempt + input.in", "(task.attempt + input.in)"),
        ("when + of * by", "(when + (of * by))"),
        ("{ a: 1, \"b c\": [it], if: 2, }", "{a: 1, b c: [it], if: 2}"),
        ("f(x, limit: 3,)", "f(x, limit: 3)"),
        ("5m + 1_000ms - 2.5h", "((5M + 1000Ms) - 2.5H)"),
        ("1_0.50", "10.50"),
        ("$1_0.50 * 80%", "($10.50 * 80%)"),
        ("version >= 1.2.0", "(version >= 1.2.0)"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn strings_hold_expressions() {
    for (text, expected) in [
        (r#""""#, "str()"),
        (r#""a{b}c""#, r#"str("a{b}c")"#),
        (r#""\{{ x }} \u{1F600}\n""#, r#"str("{{ x }} 😀\n")"#),
        (
            r#""{{ a }}{{ b | f("}}", { k: 1 }) }}!""#,
            r#"str(a (b | f(str("}}"), {k: 1})) "!")"#,
        ),
        (r#""{{ "in {{ "deep" }}" }}""#, r#"str(str("in " str("deep")))"#),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn mistakes_are_said_where_they_are() {
    let texts = [
        "a +",
        "a b",
        "(a",
        "f(a,, b)",
        "[1, 2",
        "a ? b",
        "x is nothing",
        "a == b == c",
        "a < b is none",
        "{ a 1 }",
        "a.",
        "a | 3",
        "1 if 2",
        "\"{{ a b }}\"",
        "\"{{ a \"",
        "5parsecs",
        "a = b",
        "1.2.3.4",
        "",
    ];
    let said: Vec<_> = texts.iter().map(|text| format!("{text:16} {}", shape(text))).collect();
    insta::assert_snapshot!(said.join("\n"));
}
