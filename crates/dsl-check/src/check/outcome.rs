//! Functions of tests: `status(n)`, `ran(n)`, `attempts(n)`, `remembered("key")`.
//!
//! A node that fans out may be asked about as a whole or instance by instance: `ran(read["a"])`. Absent: what happened.

use dsl_syntax::ast::{Arg, Expr as Ast, ExprKind, Name};
use dsl_syntax::table::ClauseKey as K;
use ir::expr::{Asked, Question};
use ir::types::Type;
use ir::{Expr, Ref};
use smol_str::SmolStr;

use super::env::{NODE_STATUSES, Place, Reads};
use super::outputs::members;
use crate::rules;
use crate::scope::PlanScope;
use crate::signatures::NodeKind;
use crate::types::{Problem, Report, Typed, infer, without_optional};
use crate::walk::unparen;

impl Place<'_, '_> {
    /// `None`: not one of these functions.
    pub(super) fn find_call(&self, func: &Name, args: &[Arg], report: &mut Report) -> Option<Typed> {
        if !self.reads.test {
            return None;
        }
        match func.text.as_str() {
            "remembered" => Some(self.remembered(func, args, report)),
            "status" | "ran" | "attempts" => Some(self.about_node(func, args, report)),
            _ => None,
        }
    }

    fn remembered(&self, func: &Name, args: &[Arg], report: &mut Report) -> Typed {
        let key = match args {
            [Arg { name: None, value }] => match &unparen(value).kind {
                ExprKind::Error => return Typed::error(),
                ExprKind::String(text) => text.plain().map(|key| (key, value.span)),
                _ => None,
            },
            _ => None,
        };
        let Some((key, span)) = key else {
            let message = "`remembered` takes the key of a memory as a string";
            report.wrong_arguments(func.span, message, "remembered(\"key\")");
            return Typed::error();
        };
        let Some(field) = self.cx.field(PlanScope::memory, &key) else {
            let plan = self.cx.whole_plan();
            if plan.is_broken(K::Memory) {
                return Typed::error();
            }
            let memory = &plan.memory;
            let known: Vec<SmolStr> = memory.iter().map(|field| field.name.clone()).collect();
            let message = format!("the plan's `memory:` has no `{key}`");
            let mut problem = Problem::new(rules::UNRESOLVED_NAME, span, message).nearest(&key, &known);
            // the name stands in quotes
            for edit in problem.fixes.iter_mut().flat_map(|fix| &mut fix.edits) {
                edit.1 = format!("\"{}\"", edit.1);
            }
            report.push(problem);
            return Typed::error();
        };
        Typed::new(Expr::Ref(Ref::Memory(key)), without_optional(field.ty.clone()))
    }

    fn about_node(&self, func: &Name, args: &[Arg], report: &mut Report) -> Typed {
        let [Arg { name: None, value }] = args else {
            let message = format!("`{}` takes the name of a node", func.text);
            report.wrong_arguments(func.span, message, &format!("{}(node)", func.text));
            return Typed::error();
        };
        let Some((at, instance)) = self.node_argument(func, value, report) else {
            return Typed::error();
        };
        let (what, ty) = match func.text.as_str() {
            "status" => (Question::Status, members(NODE_STATUSES)),
            "attempts" => (Question::Attempts, Type::INT),
            _ => (Question::Ran, Type::Bool),
        };
        let node = self.cx.node_id(at);
        Typed::new(Expr::Ref(Ref::Asked(Box::new(Asked { node, instance, what }))), ty)
    }

    /// `n`, or `n["key"]` of a fan-out. `None`: a problem was reported.
    fn node_argument(&self, func: &Name, value: &Ast, report: &mut Report) -> Option<(u32, Option<SmolStr>)> {
        let (node, key) = match &unparen(value).kind {
            ExprKind::Index { base, index } => (unparen(base), Some(&**index)),
            _ => (unparen(value), None),
        };
        let ExprKind::Name(name) = &node.kind else {
            if !matches!(node.kind, ExprKind::Error) {
                let message = format!("`{}` takes the name of a node", func.text);
                report.wrong_arguments(func.span, message, &format!("{}(node)", func.text));
            }
            return None;
        };
        let Some((at, seen)) = self.cx.view.get(name) else {
            report.unresolved_name(node.span, name, &self.nodes_near(name));
            return None;
        };
        if seen.sig.kind == NodeKind::Hypothesis {
            let message = format!("`{name}` is a hypothesis, which is never run");
            report.push(Problem::new(rules::TYPE_MISMATCH, node.span, message));
            return None;
        }
        self.cx.note(node.span, &Ref::Status(at));
        let mut instance = None;
        if let Some(key) = key {
            if !seen.sig.each {
                let message = format!("`{name}` does not fan out, expected it without a key");
                report.push(Problem::new(rules::TYPE_MISMATCH, key.span, message));
                return None;
            }
            let found = infer(key, None, &Place::new(self.cx, Reads::NOTHING), report);
            if found.is_error() {
                return None;
            }
            if !found.ty.is_text() && !matches!(found.ty, Type::Int(_)) {
                report.expected_one_of(key.span, &found.ty, "the key of an instance", None);
                return None;
            }
            instance = Some(constant_text(&found.expr));
        }
        Some((at, instance))
    }
}

/// The text of an expression that reads nothing.
fn constant_text(expr: &Expr) -> SmolStr {
    let value = ir::eval::eval(expr, &Nowhere, &mut ir::eval::NoWorld).unwrap_or(ir::Value::None);
    ir::data::render(&value).into()
}

/// Where no name has a value.
struct Nowhere;

impl ir::eval::Scope for Nowhere {
    fn get(&self, _: &Ref) -> Result<ir::Value, ir::eval::EvalError> {
        Err(ir::eval::EvalError::new("there is nothing to read"))
    }

    fn types(&self) -> &ir::Types {
        static NONE: std::sync::LazyLock<ir::Types> = std::sync::LazyLock::new(ir::Types::default);
        &NONE
    }
}
