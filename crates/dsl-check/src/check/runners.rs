//! Runners: how a capability is carried out, with the arguments that each kind takes.
//!
//! Inside a runner the names are the capability's inputs, bare or as `input.x`, and `secrets.x` of whichever plan calls
//! it; in `http(result:)` also what came back. What starts an MCP server is constant, so that it can be locked. Absent:
//! carrying it out.

use dsl_syntax::ast::{Arg, Expr as Ast, ExprKind, Raw, RecordKey, Span, StringLit};
use ir::plan::{Binding, Interpreter, Runner as Lowered, RunnerKind, Script};
use ir::types::{ListType, Type};
use ir::{Expr, Value};
use smol_str::SmolStr;

use super::env::{Place, Reads, Secrets};
use super::task::typed;
use super::{Cx, scripts};
use crate::rules;
use crate::scope::{TypedField, record};
use crate::types::shell::{Language, lower_script, printed};
use crate::types::{Problem, assign, infer};
use crate::walk::{deep, path, unparen};

/// One kind of runner.
struct Kind {
    name: &'static str,
    runner: RunnerKind,
    params: &'static [Param],
    signature: &'static str,
}

struct Param {
    name: &'static str,
    takes: Takes,
    required: bool,
    /// May stand without its name.
    bare: bool,
}

/// What an argument is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Script,
    Text,
    Url,
    Method,
    Headers,
    Body,
    Answer,
    Secret,
    /// Program and arguments, constant.
    Command,
    /// A constant url.
    Server,
    /// A constant text.
    Tool,
    Builtin,
}

const fn must(name: &'static str, takes: Takes) -> Param {
    Param {
        name,
        takes,
        required: true,
        bare: false,
    }
}

const fn may(name: &'static str, takes: Takes) -> Param {
    Param {
        required: false,
        ..must(name, takes)
    }
}

const fn bare(name: &'static str, takes: Takes) -> Param {
    Param {
        bare: true,
        ..must(name, takes)
    }
}

const KINDS: &[Kind] = &[
    Kind {
        name: "shell",
        runner: RunnerKind::Shell,
        params: &[bare("script", Takes::Script)],
        signature: "shell(script)",
    },
    Kind {
        name: "http",
        runner: RunnerKind::Http,
        params: &[
            may("method", Takes::Method),
            must("url", Takes::Url),
            may("headers", Takes::Headers),
            may("body", Takes::Body),
            may("result", Takes::Answer),
        ],
        signature: "http(method: GET, url: …, headers: { … }, body: …, result: …)",
    },
    Kind {
        name: "mcp",
        runner: RunnerKind::Mcp,
        params: &[
            may("command", Takes::Command),
            may("url", Takes::Server),
            must("tool", Takes::Tool),
        ],
        signature: "mcp(command: [\"program\", \"argument\"], tool: \"name\")` or `mcp(url: \"https://…\", tool: \"name\")",
    },
    Kind {
        name: "llm",
        runner: RunnerKind::Llm,
        params: &[
            must("model", Takes::Text),
            must("url", Takes::Url),
            must("prompt", Takes::Text),
            may("key", Takes::Secret),
        ],
        signature: "llm(model: \"name\", url: \"https://…\", prompt: \"…\", key: secrets.name)",
    },
    Kind {
        name: "human",
        runner: RunnerKind::Human,
        params: &[must("ask", Takes::Text)],
        signature: "human(ask: \"…\")",
    },
    Kind {
        name: "builtin",
        runner: RunnerKind::Builtin,
        params: &[bare("name", Takes::Builtin)],
        signature: "builtin(name)",
    },
];

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// What a runner is given, and what it has to give.
pub(super) struct Interface<'a> {
    pub input: &'a [TypedField],
    /// `None`: several capabilities share the runner.
    pub output: Option<&'a [TypedField]>,
    /// The secrets of the plan whose profile says so; without a plan any name will do.
    pub in_plan: bool,
}

/// A runner as it is written: `http(url: …)`.
pub(super) fn check(cx: &Cx<'_>, call: &Ast, interface: &Interface<'_>) -> Option<Lowered> {
    let ExprKind::Call { func, args } = &call.kind else {
        return None;
    };
    let Some(kind) = KINDS.iter().find(|kind| kind.name == func.text) else {
        let known: Vec<SmolStr> = KINDS.iter().map(|kind| SmolStr::from(kind.name)).collect();
        let message = format!("there is no runner `{}`", func.text);
        let mut problem = Problem::new(rules::UNKNOWN_FUNCTION, func.span, message).nearest(&func.text, &known);
        if problem.help.is_none() {
            problem = problem.help("a runner is one of `shell`, `http`, `mcp`, `llm`, `human`, `builtin`");
        }
        cx.push(problem);
        return None;
    };
    let input: Vec<(SmolStr, Type)> = interface
        .input
        .iter()
        .map(|field| (field.name.clone(), field.ty.clone()))
        .collect();
    let mut place = Place::new(
        cx,
        Reads {
            bare_inputs: true,
            secrets: if interface.in_plan {
                Secrets::OfPlan
            } else {
                Secrets::Any
            },
            ..Reads::NOTHING
        },
    );
    place.input = &input;
    let runner = Runner {
        cx,
        kind,
        place,
        interface,
    };
    let given = runner.arguments(args);
    let mut lowered = Lowered {
        kind: kind.runner,
        script: None,
        args: Vec::new(),
    };
    for (param, value) in &given.found {
        if kind.name == "human" {
            runner.leak(value, "shows", "no secret in a question");
        }
        match param.takes {
            Takes::Script => lowered.script = runner.script(value),
            takes => lowered.args.push(Binding {
                name: param.name.into(),
                value: runner.argument(takes, value),
            }),
        }
    }
    runner.together(func.span, &given);
    Some(lowered)
}

struct Runner<'a, 'db> {
    cx: &'a Cx<'db>,
    kind: &'static Kind,
    place: Place<'a, 'db>,
    interface: &'a Interface<'a>,
}

struct Given<'e> {
    found: Vec<(&'static Param, &'e Ast)>,
    /// None was wrong, so what is missing is missing.
    complete: bool,
}

impl<'e> Given<'e> {
    fn get(&self, name: &str) -> Option<&'e Ast> {
        self.found
            .iter()
            .find(|(param, _)| param.name == name)
            .map(|(_, value)| *value)
    }
}

impl Runner<'_, '_> {
    fn wrong(&self, span: Span, message: String) {
        let signature = self.kind.signature;
        self.cx
            .with_report(|report| report.wrong_arguments(span, message, signature));
    }

    /// Which parameter each argument is.
    fn arguments<'e>(&self, args: &'e [Arg]) -> Given<'e> {
        let mut given = Given {
            found: Vec::new(),
            complete: true,
        };
        for (at, arg) in args.iter().enumerate() {
            let Some(param) = self.parameter(at, arg) else {
                given.complete = false;
                continue;
            };
            if given.get(param.name).is_some() {
                self.wrong(arg.value.span, format!("`{}` is given twice", param.name));
            } else {
                given.found.push((param, &arg.value));
            }
        }
        given
    }

    fn parameter(&self, at: usize, arg: &Arg) -> Option<&'static Param> {
        let kind = self.kind;
        let Some(name) = &arg.name else {
            let found = kind.params.get(at).filter(|param| param.bare);
            if found.is_none() {
                let message = format!("the arguments of `{}` have names, expected `name: value`", kind.name);
                self.wrong(arg.value.span, message);
            }
            return found;
        };
        let found = kind.params.iter().find(|param| param.name == name.text);
        if found.is_none() {
            let known: Vec<SmolStr> = kind.params.iter().map(|param| param.name.into()).collect();
            let message = format!("the runner `{}` takes no `{}`", kind.name, name.text);
            let mut problem = Problem::new(rules::WRONG_ARGUMENTS, name.span, message).nearest(&name.text, &known);
            if problem.help.is_none() {
                problem = problem.help(format!("it is called like this: `{}`", kind.signature));
            }
            self.cx.push(problem);
        }
        found
    }

    /// What must be there, and what excludes each other.
    fn together(&self, span: Span, given: &Given<'_>) {
        if given.complete {
            for param in self.kind.params.iter().filter(|param| param.required) {
                if given.get(param.name).is_none() {
                    let message = format!("the runner `{}` is not given its `{}`", self.kind.name, param.name);
                    self.wrong(span, message);
                }
            }
        }
        match self.kind.name {
            "mcp" => match (given.get("command"), given.get("url")) {
                (Some(_), Some(url)) => {
                    let message = "`url` beside `command`, expected one of them".to_owned();
                    self.wrong(url.span, message);
                }
                (None, None) if given.complete => {
                    let message = "the runner `mcp` is not given its server, expected `command` or `url`".to_owned();
                    self.wrong(span, message);
                }
                _ => {}
            },
            "http" => {
                if let Some(body) = given.get("body") {
                    self.body_is_sent(body.span, given.get("method"));
                }
            }
            _ => {}
        }
    }

    fn body_is_sent(&self, body: Span, method: Option<&Ast>) {
        let method = match method.map(|method| &unparen(method).kind) {
            None => "GET",
            Some(ExprKind::Name(name)) => name.as_str(),
            Some(_) => return,
        };
        if matches!(method, "GET" | "HEAD") {
            let message = format!("a `{method}` has no `body`, expected another `method`");
            self.cx
                .push(Problem::new(rules::WRONG_ARGUMENTS, body, message).help("add `method: POST`"));
        }
    }

    fn argument(&self, takes: Takes, value: &Ast) -> Expr {
        let (cx, place) = (self.cx, &self.place);
        match takes {
            Takes::Text | Takes::Script => scripts::text(cx, value, &Type::STRING, place),
            Takes::Url if matches!(unparen(value).kind, ExprKind::String(_)) => typed(cx, value, &Type::Url, place),
            Takes::Url => scripts::text(cx, value, &Type::Url, place),
            Takes::Method => {
                let methods = METHODS.iter().map(|method| SmolStr::from(*method)).collect();
                typed(cx, value, &Type::Enum(methods), place)
            }
            Takes::Headers => self.headers(value),
            Takes::Body => scripts::rendered(cx, value, place).expr,
            Takes::Answer => self.answer(value),
            Takes::Secret => typed(cx, value, &Type::Secret(Box::new(Type::STRING)), place),
            Takes::Command => {
                let words = ListType {
                    item: Type::STRING,
                    len: Some(ir::types::Bounds {
                        lo: Some("1".into()),
                        hi: None,
                    }),
                };
                self.constant(value, &Type::List(Box::new(words)))
            }
            Takes::Server => self.constant(value, &Type::Url),
            Takes::Tool => self.constant(value, &Type::STRING),
            Takes::Builtin => self.builtin(value),
        }
    }

    /// Secrets that a runner prints or shows: those of the plan that uses it, and inputs that are.
    fn leak(&self, value: &Ast, does: &str, expected: &str) {
        deep(value, &mut |inner| {
            let Some(names) = path(inner) else { return };
            let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
            let is_secret = match names.as_slice() {
                ["secrets", _] => true,
                ["input", input] | [input] => {
                    let mut inputs = self.interface.input.iter();
                    inputs.any(|field| field.name == *input && field.is_secret())
                }
                _ => false,
            };
            if is_secret {
                let message = format!("the runner {does} `{}`, expected {expected}", names.join("."));
                let problem = Problem::new(rules::SECRET_LEAK, inner.span, message);
                self.cx
                    .push(problem.help("leave it out, or give it to the program that reads it"));
            }
        });
    }

    /// Starting a server, or locking its tool, cannot wait for inputs.
    fn constant(&self, value: &Ast, ty: &Type) -> Expr {
        let place = Place::new(self.cx, Reads::NOTHING);
        self.cx.with_report(|report| {
            let found = infer(value, Some(ty), &place, report);
            if !found.ty.is_error() && crate::types::constant(&found.expr).is_none() {
                report.not_constant(value.span, ty);
            }
            crate::types::constant(&found.expr).map_or(found.expr, Expr::Const)
        })
    }

    fn script(&self, value: &Ast) -> Option<Script> {
        match &unparen(value).kind {
            ExprKind::String(text) => {
                let script = Raw::of_string(text, self.cx.text());
                let printed = printed(&script).values;
                for interp in script.interps.iter().filter(|interp| printed.contains(&interp.span)) {
                    interp
                        .expr
                        .iter()
                        .for_each(|expr| self.leak(expr, "prints", "a secret to be in no log"));
                }
                let lowered = self
                    .cx
                    .with_report(|report| lower_script(&script, Language::Shell, &self.place, report));
                Some(Script {
                    text: lowered.text,
                    interpreter: Interpreter::Bash,
                    vars: lowered.vars,
                    env: Vec::new(),
                    dir: None,
                })
            }
            ExprKind::Error => None,
            _ => {
                let message = "the script of a runner is written in place, expected a string".to_owned();
                self.wrong(value.span, message);
                None
            }
        }
    }

    /// Texts, some of which may be secret.
    fn headers(&self, value: &Ast) -> Expr {
        let (cx, place) = (self.cx, &self.place);
        let ExprKind::Record(fields) = &unparen(value).kind else {
            return typed(cx, value, &Type::map(Type::STRING), place);
        };
        let header = |(name, field): &(RecordKey, Ast)| {
            let value = cx.with_report(|report| {
                let before = report.problems.len();
                let found = infer(field, None, place, report);
                if !matches!(found.ty, Type::Secret(_) | Type::Error) {
                    report.problems.truncate(before);
                    return infer(field, Some(&Type::STRING), place, report).expr;
                }
                found.expr
            });
            (name.text.clone(), value)
        };
        Expr::Record(fields.iter().map(header).collect())
    }

    /// What `http` makes of the response: data that is checked when it comes, or a value of the right type.
    fn answer(&self, value: &Ast) -> Expr {
        let own = [
            ("status".into(), Type::INT),
            ("headers".into(), Type::map(Type::STRING)),
            ("body".into(), Type::STRING),
        ];
        let place = Place {
            own: &own,
            ..Place::of(&self.place)
        };
        let promised = self.interface.output.filter(|output| !output.is_empty());
        let output = promised.map(record);
        self.cx.with_report(|report| {
            let before = report.problems.len();
            let found = infer(value, None, &place, report);
            if let (Some(output), false) = (&output, matches!(found.ty, Type::Json)) {
                report.problems.truncate(before);
                return infer(value, Some(output), &place, report).expr;
            }
            found.expr
        })
    }

    /// Another name for a capability of the language: it must take what is given, and give what is promised.
    fn builtin(&self, value: &Ast) -> Expr {
        let name: Option<SmolStr> = match &unparen(value).kind {
            ExprKind::Error => return Expr::Const(Value::None),
            ExprKind::String(text) => StringLit::plain(text),
            _ => path(unparen(value)).map(|names| {
                let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
                names.join(".").into()
            }),
        };
        let Some(name) = name else {
            let message = "the name of a capability of the language is written in place".to_owned();
            self.wrong(value.span, message);
            return Expr::Const(Value::None);
        };
        let Some(builtin) = crate::builtin::find(&name) else {
            let known = crate::builtin::names();
            let message = format!("the language has no capability `{name}`");
            let mut problem = Problem::new(rules::UNRESOLVED_NAME, value.span, message).nearest(&name, &known);
            if problem.help.is_none() {
                let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                problem = problem.help(format!("it has {}", known.join(", ")));
            }
            self.cx.push(problem);
            return Expr::Const(Value::None);
        };
        if let Some(output) = self.interface.output {
            self.stands_for(value.span, &name, &builtin.input, &builtin.output, output);
        }
        Expr::text(name)
    }

    fn stands_for(&self, span: Span, name: &str, takes: &[TypedField], gives: &[TypedField], promised: &[TypedField]) {
        let types = &self.cx.scope.types;
        let find = |fields: &'_ [TypedField], name: &str| fields.iter().position(|field| field.name == name);
        for field in self.interface.input {
            let wrong = match find(takes, &field.name) {
                None => Some(format!("`{name}` takes no `{}`", field.name)),
                Some(at) if assign(&field.ty, &takes[at].ty, types).is_err() => Some(format!(
                    "`{name}` takes a `{}` as `{}`, found `{}`",
                    takes[at].ty, field.name, field.ty
                )),
                Some(_) => None,
            };
            if let Some(message) = wrong {
                self.cx.push(Problem::new(rules::TYPE_MISMATCH, span, message));
                return;
            }
        }
        let missing = takes
            .iter()
            .find(|field| !field.has_default && find(self.interface.input, &field.name).is_none());
        if let Some(field) = missing {
            let message = format!("`{name}` needs a `{}`, expected among the inputs here", field.name);
            let help = format!("add `{}: {}` to the inputs", field.name, field.ty);
            self.cx
                .push(Problem::new(rules::MISSING_INPUT, span, message).help(help));
            return;
        }
        for field in promised {
            let wrong = match find(gives, &field.name) {
                None if field.ty.is_optional() || field.has_default => None,
                None => Some(format!("`{name}` gives no `{}`", field.name)),
                Some(at) if assign(&gives[at].ty, &field.ty, types).is_err() => Some(format!(
                    "`{name}` gives a `{}` as `{}`, expected `{}`",
                    gives[at].ty, field.name, field.ty
                )),
                Some(_) => None,
            };
            if let Some(message) = wrong {
                self.cx.push(Problem::new(rules::TYPE_MISMATCH, span, message));
                return;
            }
        }
    }
}
