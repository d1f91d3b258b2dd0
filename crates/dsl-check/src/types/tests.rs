//! Tables: an expression, and its type or what is said about it.

use dsl_syntax::ast::{self, Item, Name, Raw, Span};
use ir::expr::Capture;
use ir::types::{FieldDef, RecordDef, Type, Types};
use ir::{Expr, Ref};
use smol_str::SmolStr;

use super::*;

mod expressions;
mod scripts;
mod written;

/// A scope with a bit of everything.
struct Table {
    types: Types,
    known: Vec<Expr>,
    observes: bool,
}

const DEPTH: [&str; 3] = ["shallow", "moderate", "detailed"];

fn depth() -> Type {
    Type::Enum(DEPTH.iter().map(SmolStr::new).collect())
}

fn table() -> Table {
    let field = |name: &str, ty: Type| FieldDef { name: name.into(), ty };
    let bounded = |lo: &str, hi: Option<&str>| {
        Some(Box::new(ir::types::Bounds {
            lo: Some(lo.into()),
            hi: hi.map(SmolStr::new),
        }))
    };
    let source = vec![
        field("title", Type::STRING),
        field("link", Type::Url),
        field("reason", Type::STRING.optional()),
        field("score", Type::Int(bounded("0", Some("10")))),
    ];
    let options = vec![field("depth", depth()), field("ratio", Type::FLOAT.optional())];
    let records = [("Source", source), ("Options", options)];
    let types = records
        .into_iter()
        .map(|(name, fields)| (name.into(), RecordDef { fields }))
        .collect();
    Table {
        types: Types(types),
        known: Vec::new(),
        observes: false,
    }
}

fn param(name: &str) -> Option<Type> {
    Some(match name {
        "repo" => Type::Path,
        "large" => Type::Size,
        "limit" => Type::Duration,
        "cost" => Type::Money,
        "since" => Type::Time,
        "site" => Type::Url,
        "release" => Type::Version,
        "max" => Type::INT,
        "share" => Type::FLOAT,
        "query" => Type::STRING,
        "dry" => Type::Bool,
        "tags" => Type::list(Type::STRING),
        "counts" => Type::map(Type::INT),
        "note" => Type::STRING.optional(),
        "retries" => Type::INT.optional(),
        "best" => Type::Record("Source".into()).optional(),
        "source" => Type::Record("Source".into()),
        "sources" => Type::list(Type::Record("Source".into())),
        "depth" => depth(),
        "old-depth" => depth().optional(),
        _ => return None,
    })
}

const PARAMS: [&str; 8] = ["repo", "large", "limit", "depth", "query", "sources", "tags", "max"];

impl Env for Table {
    fn types(&self) -> &Types {
        &self.types
    }

    fn type_named(&self, name: &str) -> Option<Type> {
        match name {
            "Depth" => Some(depth()),
            _ => self.types.get(name).map(|_| Type::Record(name.into())),
        }
    }

    fn type_names(&self) -> Vec<SmolStr> {
        ["Source", "Options", "Depth"].into_iter().map(SmolStr::new).collect()
    }

    fn first(&self, name: &str, span: Span, report: &mut Report) -> Lookup {
        match name {
            "params" | "memory" | "collect" => Lookup::Namespace(Namespace {
                path: name.into(),
                id: 0,
            }),
            "stdout" => Lookup::value(Type::STRING, Ref::Capture(Capture::Stdout)),
            "exit" => Lookup::value(Type::INT, Ref::Capture(Capture::Exit)),
            "result" => Lookup::value(Type::Json, Ref::Capture(Capture::Result)),
            // In scope, but something is wrong with it that only the environment knows.
            "late" => {
                report.push(Problem::new("undeclared-dependency", span, "`late` is not needed"));
                Lookup::Silenced
            }
            _ => Lookup::NotFound {
                candidates: ["params", "memory", "stdout", "exit"].map(SmolStr::new).to_vec(),
            },
        }
    }

    fn member(&self, of: &Namespace, name: &Name, _: &mut Report) -> Lookup {
        let ty = match of.path.as_str() {
            "params" => param(&name.text).map(|ty| (ty, Ref::Param(name.text.clone()))),
            "memory" if name.text == "http3" => {
                return Lookup::Namespace(Namespace {
                    path: "memory.http3".into(),
                    id: 0,
                });
            }
            "memory.http3" if name.text == "claims" => {
                Some((Type::list(Type::STRING), Ref::Memory("http3.claims".into())))
            }
            "collect" if name.text == "sources" => Some((
                Type::list(Type::Record("Source".into())),
                Ref::Output(0, "sources".into()),
            )),
            _ => None,
        };
        match ty {
            Some((ty, reference)) => Lookup::value(ty, reference),
            None => Lookup::NotFound {
                candidates: PARAMS.into_iter().map(SmolStr::new).collect(),
            },
        }
    }

    fn observes(&self) -> bool {
        self.observes
    }

    fn known(&self) -> &[Expr] {
        &self.known
    }
}

fn parsed(text: &str) -> ast::Expr {
    let (expr, errors) = dsl_syntax::parse_expr(text);
    assert!(errors.is_empty(), "`{text}` does not parse: {errors:?}");
    expr
}

fn parsed_type(text: &str) -> ast::Type {
    let file = format!("type X\n  field: {text}\n");
    for (_, block) in dsl_syntax::parse_file(&file) {
        assert!(block.errors.is_empty(), "`{text}` does not parse: {:?}", block.errors);
        if let Some(Item::Decl(decl)) = block.item
            && let Some(field) = decl.fields.into_iter().next()
        {
            return field.ty;
        }
    }
    panic!("`{text}` is no type");
}

fn parsed_script(text: &str) -> Raw {
    let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
    script_in(&format!("task a\n  run: |\n{indented}"))
}

/// The first script of a file.
fn script_in(file: &str) -> Raw {
    for (_, block) in dsl_syntax::parse_file(file) {
        assert!(
            block.errors.is_empty(),
            "the script does not parse: {:?}\n{file}",
            block.errors
        );
        let Some(Item::Decl(decl)) = block.item else {
            continue;
        };
        for clause in decl.clauses {
            if let ast::Value::Script(raw) = clause.value {
                return raw;
            }
        }
    }
    panic!("no script: {file}");
}

/// One line a problem: rule, what it points at, message.
fn told(text: &str, report: &Report) -> Vec<String> {
    let line = |problem: &Problem| {
        let at = text
            .get(problem.span.start as usize..problem.span.end as usize)
            .unwrap_or("?");
        format!("{} at `{at}`: {}", problem.rule, problem.message)
    };
    report.problems.iter().map(line).collect()
}

/// The type of an expression, or its problems.
fn outcome(text: &str, expected: Option<&Type>, env: &Table) -> String {
    let mut report = Report::default();
    let typed = infer(&parsed(text), expected, env, &mut report);
    if report.problems.is_empty() {
        assert!(!typed.is_error(), "`{text}` has no type, and nothing was said about it");
        return typed.ty.to_string();
    }
    told(text, &report).join("\n")
}

/// Every row is `left => right`; all that differ are shown at once.
fn check_table(rows: &[(&str, &str)], actual: impl Fn(&str) -> String) {
    let mut wrong = String::new();
    for (text, expected) in rows {
        let actual = actual(text);
        if actual != *expected {
            wrong.push_str(&format!("{text}\n  expected: {expected}\n  actual:   {actual}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
