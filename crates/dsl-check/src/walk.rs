//! Walks over the tree: every expression of a clause, every sub-expression of an expression, every name outside of them.
//!
//! Expressions nest at most [`dsl_syntax::NESTING_MAX`] deep, so these may recurse. Absent: what anything means.

use dsl_syntax::ast::*;

/// Calls `f` with each outermost expression of the clause, those in scripts and strings included.
pub(crate) fn exprs<'a>(value: &'a Value, f: &mut dyn FnMut(&'a Expr)) {
    match value {
        Value::Error | Value::Unknown | Value::Names(_) | Value::Needs(_) | Value::Effects(_) => {}
        Value::Options(options) => {
            let texts = options
                .iter()
                .flat_map(|option| option.title.iter().chain(&option.note));
            texts.for_each(|text| string(text, f));
        }
        Value::Expr(expr) | Value::Call(expr) => f(expr),
        Value::Text(Text::String(text)) => string(text, f),
        Value::Text(Text::Raw(_)) => {}
        Value::Script(raw) => raw
            .interps
            .iter()
            .filter_map(|interp| interp.expr.as_ref().ok())
            .for_each(f),
        Value::Fields(fields) => fields.iter().filter_map(|field| field.default.as_ref()).for_each(f),
        Value::Assigns(assigns) => assigns.iter().for_each(|assign| f(&assign.value)),
        Value::Typed(typed) => typed.iter().filter_map(|assign| assign.value.as_ref()).for_each(f),
        Value::Items(items) => items.iter().for_each(f),
        Value::Each(each) => {
            f(&each.list);
            each.by.iter().for_each(f);
        }
        Value::Retry(retry) => f(&retry.policy),
        Value::Steps(steps) => steps.iter().flat_map(|step| &step.args).for_each(|arg| f(&arg.value)),
        Value::Fail(fail) => {
            f(&fail.when);
            if let Some(message) = &fail.message {
                string(message, f);
            }
        }
        Value::Remember(remember) => f(&remember.value),
        Value::Evidence(evidence) => {
            f(&evidence.when);
            f(&evidence.by);
        }
        Value::Route(route) => {
            if let RouteOn::When(when) = &route.on {
                f(when);
            }
        }
        Value::Rates(rates) => rates.iter().for_each(|rate| f(&rate.amount)),
        Value::Limits(lines) => lines
            .iter()
            .flat_map(|line| &line.rates)
            .for_each(|rate| f(&rate.amount)),
        Value::Breaker(breaker) => {
            f(&breaker.within);
            f(&breaker.probe);
        }
        Value::Clauses(clauses) => clauses.iter().for_each(|clause| exprs(&clause.value, f)),
        Value::Alert(alert) => {
            string(&alert.name, f);
            f(&alert.when);
        }
        Value::Selector(selector) => selector.filter.iter().for_each(f),
        Value::Rule(rule) => rule.clauses.iter().for_each(|clause| exprs(&clause.value, f)),
        Value::Mock(mock) => {
            mock.when.iter().for_each(&mut *f);
            for reply in &mock.replies {
                if let MockReplyKind::Value(value) = &reply.kind {
                    f(value);
                }
            }
        }
        Value::Decide(decide) => decide.after.iter().for_each(f),
        Value::Override(value) => exprs(value, f),
    }
}

/// Calls `f` with each interpolation of a string.
pub(crate) fn string<'a>(text: &'a StringLit, f: &mut dyn FnMut(&'a Expr)) {
    for part in &text.parts {
        if let StringPart::Interp(expr, _) = part {
            f(expr);
        }
    }
}

/// Calls `f` with the expression and everything inside it.
pub(crate) fn deep<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    f(expr);
    match &expr.kind {
        ExprKind::Error
        | ExprKind::None
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Quantity { .. }
        | ExprKind::Money(_)
        | ExprKind::Ratio(_)
        | ExprKind::Version(_)
        | ExprKind::Regex(_)
        | ExprKind::Principal(_)
        | ExprKind::Name(_)
        | ExprKind::It
        | ExprKind::ItField(_)
        | ExprKind::Pattern(_) => {}
        ExprKind::String(text) => string(text, &mut |inner| deep(inner, f)),
        ExprKind::List(items) => items.iter().for_each(|item| deep(item, f)),
        ExprKind::Record(fields) => fields.iter().for_each(|(_, value)| deep(value, f)),
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| deep(&arg.value, f)),
        ExprKind::Pipe { lhs, args, .. } => {
            deep(lhs, f);
            args.iter().for_each(|arg| deep(&arg.value, f));
        }
        ExprKind::Field { base, .. } => deep(base, f),
        ExprKind::Index { base, index } => {
            deep(base, f);
            deep(index, f);
        }
        ExprKind::Unary { expr, .. }
        | ExprKind::Is { expr, .. }
        | ExprKind::Cast { expr, .. }
        | ExprKind::Paren(expr) => deep(expr, f),
        ExprKind::Binary { lhs, rhs, .. } => {
            deep(lhs, f);
            deep(rhs, f);
        }
        ExprKind::If { then, cond, otherwise } => {
            deep(then, f);
            deep(cond, f);
            deep(otherwise, f);
        }
        ExprKind::Selector(selector) => selector.filter.iter().for_each(|filter| deep(filter, f)),
    }
}

/// Without the parentheses around it.
pub(crate) fn unparen(mut expr: &Expr) -> &Expr {
    while let ExprKind::Paren(inner) = &expr.kind {
        expr = inner;
    }
    expr
}

/// The first name of `a.b.c`, and the rest.
pub(crate) fn path(expr: &Expr) -> Option<Vec<Name>> {
    let mut names = Vec::new();
    let mut at = expr;
    loop {
        match &at.kind {
            ExprKind::Field { base, name } => {
                names.push(name.clone());
                at = base;
            }
            ExprKind::Name(text) => {
                names.push(Name {
                    text: text.clone(),
                    span: at.span,
                });
                names.reverse();
                return Some(names);
            }
            _ => return None,
        }
    }
}
