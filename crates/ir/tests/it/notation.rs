//! A notation for expressions and types, so that tests read as text. The IR has no syntax of its own and knows no
//! parser; this is the least that does: `(+ 1 (len @xs))`, `list[Source](1..)`.

use std::collections::BTreeMap;

use dsl_ir::expr::{Binary, BinaryOp, Call, Expr, IfExpr, Ref};
use dsl_ir::func::Func;
use dsl_ir::quantity;
use dsl_ir::types::{Bounds, ListType, StringRefine, Type};
use dsl_ir::value::Value;
use smol_str::SmolStr;

pub fn expr(text: &str) -> Expr {
    let mut reader = Reader { rest: text };
    let expr = reader.expr();
    assert_eq!(reader.rest.trim(), "", "text after the expression in {text}");
    expr
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn peek(&mut self) -> char {
        self.rest = self.rest.trim_start();
        self.rest
            .chars()
            .next()
            .unwrap_or_else(|| panic!("the expression ends early"))
    }

    fn until(&mut self, close: char) -> Vec<Expr> {
        let mut items = Vec::new();
        while self.peek() != close {
            items.push(self.expr());
        }
        self.rest = &self.rest[1..];
        items
    }

    fn atom(&mut self) -> &'t str {
        self.peek();
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || "()[]{}".contains(c))
            .unwrap_or(self.rest.len());
        let (atom, rest) = self.rest.split_at(end);
        self.rest = rest;
        atom
    }

    fn expr(&mut self) -> Expr {
        match self.peek() {
            '(' => {
                self.rest = &self.rest[1..];
                let head = self.atom();
                operation(head, self.until(')'))
            }
            '[' => {
                self.rest = &self.rest[1..];
                Expr::List(self.until(']'))
            }
            '{' => {
                self.rest = &self.rest[1..];
                let parts = self.until('}');
                Expr::Record(
                    parts
                        .chunks(2)
                        .map(|pair| (text_of(&pair[0]), pair[1].clone()))
                        .collect(),
                )
            }
            '"' => {
                let mut texts = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
                let text = texts.next().expect("a string").expect("a JSON string");
                self.rest = &self.rest[texts.byte_offset()..];
                Expr::text(text)
            }
            _ => leaf(self.atom()),
        }
    }
}

fn leaf(atom: &str) -> Expr {
    if let Some(name) = atom.strip_prefix('@') {
        let (group, member) = name.split_once('.').unwrap_or(("", name));
        return Expr::Ref(match group {
            "world" => Ref::World(member.into()),
            "context" => Ref::Context(member.into()),
            "run" => Ref::Run(member.into()),
            "input" => Ref::Input(member.into()),
            "own" => Ref::Own(member.into()),
            "node" => {
                let (id, output) = member.split_once('.').expect("an output");
                Ref::Output(id.parse().expect("a node"), output.into())
            }
            _ => Ref::Param(name.into()),
        });
    }
    if let Some(depth) = atom.strip_prefix("it") {
        return Expr::It(if depth.is_empty() {
            0
        } else {
            depth.parse().expect("it0, it1 …")
        });
    }
    let value = match atom {
        "none" => Value::None,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if atom.starts_with('$') || atom.starts_with("-$") => Value::Money(quantity::parse_money(atom).unwrap()),
        _ => None
            .or_else(|| atom.parse().map(Value::Int).ok())
            .or_else(|| atom.parse().map(Value::Float).ok())
            .or_else(|| quantity::parse_duration(atom).map(Value::Duration).ok())
            .or_else(|| quantity::parse_size(atom).map(Value::Size).ok())
            .or_else(|| quantity::parse_time(atom).map(Value::Time).ok())
            .or_else(|| quantity::parse_ratio(atom).map(Value::Float).ok())
            .unwrap_or_else(|| Value::from(atom)),
    };
    Expr::Const(value)
}

fn text_of(expr: &Expr) -> SmolStr {
    match expr {
        Expr::Const(Value::String(text)) => text.clone(),
        other => panic!("expected a name, saw {other:?}"),
    }
}

fn operation(head: &str, mut args: Vec<Expr>) -> Expr {
    let pair = |args: Vec<Expr>| -> Box<(Expr, Expr)> {
        let [a, b]: [Expr; 2] = args.try_into().expect("two operands");
        Box::new((a, b))
    };
    let binary = |op, args: Vec<Expr>| {
        let (lhs, rhs) = *pair(args);
        Expr::Binary(Box::new(Binary { op, lhs, rhs }))
    };
    match head {
        "==" => binary(BinaryOp::Eq, args),
        "!=" => binary(BinaryOp::Ne, args),
        "<" => binary(BinaryOp::Lt, args),
        "<=" => binary(BinaryOp::Le, args),
        ">" => binary(BinaryOp::Gt, args),
        ">=" => binary(BinaryOp::Ge, args),
        "in" => binary(BinaryOp::In, args),
        "matches" => binary(BinaryOp::Matches, args),
        "+" => binary(BinaryOp::Add, args),
        "-" if args.len() == 1 => Expr::Neg(Box::new(args.remove(0))),
        "-" => binary(BinaryOp::Sub, args),
        "*" => binary(BinaryOp::Mul, args),
        "/" => binary(BinaryOp::Div, args),
        "%" => binary(BinaryOp::Rem, args),
        "not" => Expr::Not(Box::new(args.remove(0))),
        "and" => Expr::And(pair(args)),
        "or" => Expr::Or(pair(args)),
        "??" => Expr::Coalesce(pair(args)),
        "at" => Expr::Index(pair(args)),
        "is-none" => Expr::IsNone(Box::new(args.remove(0))),
        "is-empty" => Expr::IsEmpty(Box::new(args.remove(0))),
        "concat" => Expr::Concat(args),
        "as" => Expr::Cast(Box::new((args.remove(0), ty(&text_of(&args[0]))))),
        "if" => {
            let [cond, then, otherwise]: [Expr; 3] = args.try_into().expect("three operands");
            Expr::If(Box::new(IfExpr { cond, then, otherwise }))
        }
        _ if head.starts_with('.') => Expr::Field(Box::new((args.remove(0), head[1..].into()))),
        _ => {
            let func = Func::from_name(head).unwrap_or_else(|| panic!("no function `{head}`"));
            Expr::Call(Box::new(Call { func, args }))
        }
    }
}

/// A type as the language writes it; `{a: T}` for one in place.
pub fn ty(text: &str) -> Type {
    let text = text.trim();
    if let Some(inner) = text.strip_suffix('?') {
        let inner = inner
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'))
            .unwrap_or(inner);
        return Type::Optional(Box::new(ty(inner)));
    }
    if let Some(fields) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        let fields = fields.split(',').filter_map(|field| field.split_once(':'));
        return Type::Fields(
            fields
                .map(|(name, field)| (name.trim().into(), ty(field)))
                .collect::<BTreeMap<_, _>>(),
        );
    }
    if text.contains(" | ") && !text.contains('[') {
        return Type::Enum(text.split(" | ").map(SmolStr::from).collect());
    }
    let (base, refine) = match text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
        Some((base, refine)) => (base, Some(refine)),
        None => (text, None),
    };
    let bounds = refine.and_then(|refine| refine.split_once("..")).map(|(lo, hi)| {
        let end = |text: &str| (!text.is_empty()).then(|| text.into());
        Bounds {
            lo: end(lo),
            hi: end(hi),
        }
    });
    if let Some(item) = base.strip_prefix("list[") {
        return Type::List(Box::new(ListType {
            item: ty(item.strip_suffix(']').unwrap()),
            len: bounds,
        }));
    }
    if let Some(item) = base.strip_prefix("map[") {
        return Type::Map(Box::new(ty(item.strip_suffix(']').unwrap())));
    }
    if let Some(inner) = base.strip_prefix("secret[") {
        return Type::Secret(Box::new(ty(inner.strip_suffix(']').unwrap())));
    }
    match base {
        "none" => Type::None,
        "bool" => Type::Bool,
        "int" => Type::Int(bounds.map(Box::new)),
        "float" => Type::Float(bounds.map(Box::new)),
        "string" => Type::String(match refine.and_then(|refine| refine.strip_prefix('/')) {
            Some(regex) => Some(Box::new(StringRefine::Regex(regex.strip_suffix('/').unwrap().into()))),
            None => bounds.map(|bounds| Box::new(StringRefine::Len(bounds))),
        }),
        "duration" => Type::Duration,
        "size" => Type::Size,
        "money" => Type::Money,
        "time" => Type::Time,
        "url" => Type::Url,
        "path" => Type::Path,
        "regex" => Type::Regex,
        "version" => Type::Version,
        "principal" => Type::Principal,
        "json" => Type::Json,
        "file" => Type::File,
        "dir" => Type::Dir,
        name => Type::Record(name.into()),
    }
}
