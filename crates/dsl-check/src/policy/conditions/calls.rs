//! What a condition says of the graph: `before(…)`, `after(…)`, `reaches(…)`, `needs(…)` and `flow(…)`.

use dsl_syntax::ast::{Arg, Expr, ExprKind, Name, Span};
use smol_str::SmolStr;

use super::Conditions;
use crate::policy::attributes::Attribute;
use crate::policy::model::{Claim, Condition, End, How, Op, Says, Selector, What};
use crate::rules;
use crate::types::Problem;
use crate::walk::{path, unparen};

impl Conditions<'_, '_> {
    pub(super) fn call(&mut self, func: &Name, args: &[Arg]) -> Option<Says> {
        if func.text == "flow" {
            return self.flow(func, args);
        }
        let Some(how) = How::ALL.iter().copied().find(|how| how.word() == func.text) else {
            self.no_function(func);
            return None;
        };
        let [arg] = args else {
            self.arguments(func, args, &format!("{}(task where …)", how.word()));
            return None;
        };
        if self.what == What::Plan && matches!(how, How::After | How::Needs) {
            let message = format!("nothing comes before a plan, so `{}` is never true of one", func.text);
            self.push(Problem::new(rules::WRONG_ARGUMENTS, func.span, message).help("write `for: task`, say"));
            return None;
        }
        let of = self.nodes(&arg.value)?;
        Some(Says::Graph { how, of })
    }

    pub(super) fn no_function(&mut self, func: &Name) {
        let mut known: Vec<SmolStr> = How::ALL.iter().map(|how| how.word().into()).collect();
        known.push("flow".into());
        let message = format!("policies have no function `{}`", func.text);
        let mut problem = Problem::new(rules::UNKNOWN_FUNCTION, func.span, message).nearest(&func.text, &known);
        if problem.help.is_none() {
            problem = problem.help("there are `after(…)`, `before(…)`, `reaches(…)`, `needs(…)` and `flow(…, …)`");
        }
        self.push(problem);
    }

    fn arguments(&mut self, func: &Name, args: &[Arg], signature: &str) {
        let span = args.iter().fold(func.span, |span, arg| span.cover(arg.value.span));
        let message = format!("`{}` of {} arguments, expected `{signature}`", func.text, args.len());
        self.push(Problem::new(rules::WRONG_ARGUMENTS, span, message));
    }

    /// A selector, or a pattern of capabilities.
    fn nodes(&mut self, expr: &Expr) -> Option<Selector> {
        let expr = unparen(expr);
        match &expr.kind {
            ExprKind::Selector(selector) if selector.what.text == "plan" => {
                self.wrong(selector.what.span, "a plan is no part of the graph, expected nodes");
                None
            }
            ExprKind::Selector(selector) => Some(self.compiler.selector(selector)),
            ExprKind::Name(word) => match What::from_word(word) {
                Some(What::Plan) => {
                    self.wrong(expr.span, "a plan is no part of the graph, expected nodes");
                    None
                }
                Some(what) => Some(Selector {
                    what,
                    filter: None,
                    text: word.clone(),
                }),
                None => {
                    self.no_selector(expr.span, word);
                    None
                }
            },
            ExprKind::Pattern(pattern) => Some(using(pattern)),
            ExprKind::Field { .. } => Some(using(&self.compiler.shown(expr.span))),
            ExprKind::Error => None,
            _ => {
                self.wrong(
                    expr.span,
                    "this selects nothing, expected a selector such as `task where kind == test`",
                );
                None
            }
        }
    }

    fn no_selector(&mut self, span: Span, word: &str) {
        let known: Vec<SmolStr> = ["task", "gate", "decision", "node"].map(SmolStr::from).into();
        let message = format!("`{word}` selects nothing, expected `task`, `gate`, `decision` or `node`");
        let mut problem = Problem::new(rules::UNRESOLVED_NAME, span, message).nearest(word, &known);
        if problem.help.is_none() {
            problem = problem.help(format!("for the node of that name write `node where id == {word}`"));
        }
        self.push(problem);
    }

    fn flow(&mut self, func: &Name, args: &[Arg]) -> Option<Says> {
        let [from, to] = args else {
            self.arguments(func, args, "flow(from, to)");
            return None;
        };
        let (from, to) = (self.end(&from.value), self.end(&to.value));
        let (from, to) = (from?, to?);
        Some(Says::Flow { from, to })
    }

    /// `secrets`, `secrets.token`, `params.x`, `web.*`, a selector
    fn end(&mut self, expr: &Expr) -> Option<End> {
        let expr = unparen(expr);
        if let Some(names) = path(expr) {
            let (group, member) = (names[0].text.as_str(), names.get(1).map(|name| name.text.clone()));
            match (group, names.len()) {
                ("secrets", 1 | 2) => return Some(End::Secrets(member)),
                ("params", 1 | 2) => return Some(End::Params(member)),
                ("memory", _) => {
                    let rest: Vec<&str> = names[1..].iter().map(|name| name.text.as_str()).collect();
                    return Some(End::Memory((!rest.is_empty()).then(|| rest.join(".").into())));
                }
                (word, 1) if What::from_word(word).is_none() => return Some(End::Nodes(using(word))),
                _ => {}
            }
        }
        match &expr.kind {
            ExprKind::Pattern(pattern) if pattern == "secrets.*" => Some(End::Secrets(None)),
            ExprKind::Pattern(pattern) if pattern == "params.*" => Some(End::Params(None)),
            ExprKind::Pattern(pattern) if pattern == "memory.*" => Some(End::Memory(None)),
            _ => self.nodes(expr).map(End::Nodes),
        }
    }
}

/// The nodes that use what the pattern says.
fn using(pattern: &str) -> Selector {
    let says = if pattern.ends_with('*') {
        Says::Like {
            attribute: Attribute::Using,
            pattern: pattern.into(),
            not: false,
        }
    } else {
        Says::Compare {
            attribute: Attribute::Using,
            op: Op::Eq,
            to: pattern.into(),
        }
    };
    Selector {
        what: What::Node,
        filter: Some(Condition::Claim(Box::new(Claim {
            says,
            text: format!("using == {pattern}").into(),
        }))),
        text: pattern.into(),
    }
}
