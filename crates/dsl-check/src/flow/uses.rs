//! What a block does with the values that it reads: what is only looked at does not go on, what a script prints is seen.

use dsl_syntax::ast::{BinaryOp, Decl, Expr, ExprKind, Span, StringPart, UnaryOp, Value};
use dsl_syntax::table::ClauseKey as K;

use crate::signatures::{clause, name_of};
use crate::types::shell::{Printed, printed};
use crate::walk;

/// Functions whose answer tells something about their arguments, but not what they are.
const MEASURES: &[&str] = &[
    "len",
    "contains",
    "starts_with",
    "ends_with",
    "exists",
    "any",
    "all",
    "count",
];

/// The parts of a block's expressions whose values go no further, in order.
pub(crate) fn weighed(decl: &Decl) -> Vec<Span> {
    let mut found = Vec::new();
    for clause in &decl.clauses {
        let shows = matches!(clause.key, Some(K::Expect | K::Requires | K::Checks));
        walk::exprs(&clause.value, &mut |expr| match &walk::unparen(expr).kind {
            // a comparison that does not hold is shown with both of its sides
            ExprKind::Binary { op, lhs, rhs, .. } if shows && !matches!(op, BinaryOp::And | BinaryOp::Or) => {
                weighed_in(lhs, &mut found);
                weighed_in(rhs, &mut found);
            }
            _ => weighed_in(expr, &mut found),
        });
    }
    found.sort_unstable_by_key(|span| span.start);
    found
}

/// Whether one of the parts, which are in order and do not overlap, holds the place.
pub(crate) fn is_within(parts: &[Span], span: Span) -> bool {
    let after = parts.partition_point(|part| part.start <= span.start);
    after.checked_sub(1).is_some_and(|before| span.end <= parts[before].end)
}

fn weighed_in(expr: &Expr, found: &mut Vec<Span>) {
    let mut stack = vec![expr];
    while let Some(expr) = stack.pop() {
        match &expr.kind {
            ExprKind::Binary { op, lhs, rhs, .. } => match op {
                BinaryOp::Coalesce | BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                    stack.extend([&**lhs, &**rhs]);
                }
                _ => found.push(expr.span),
            },
            ExprKind::Is { .. } => found.push(expr.span),
            ExprKind::Unary { op: UnaryOp::Not, .. } => found.push(expr.span),
            ExprKind::If { then, cond, otherwise } => {
                found.push(cond.span);
                stack.extend([&**then, &**otherwise]);
            }
            ExprKind::Call { func, .. } | ExprKind::Pipe { func, .. } if MEASURES.contains(&func.text.as_str()) => {
                found.push(expr.span);
            }
            // the names of its fields, which are written there
            ExprKind::Call { func, args }
                if func.text == "keys" && args.first().is_some_and(|arg| is_record(&arg.value)) =>
            {
                found.push(expr.span);
            }
            ExprKind::Pipe { lhs, func, .. } if func.text == "keys" && is_record(lhs) => found.push(expr.span),
            ExprKind::Call { args, .. } => stack.extend(args.iter().map(|arg| &arg.value)),
            ExprKind::Pipe { lhs, args, .. } => {
                stack.push(lhs);
                stack.extend(args.iter().map(|arg| &arg.value));
            }
            ExprKind::String(text) => stack.extend(text.parts.iter().filter_map(|part| match part {
                StringPart::Interp(inner, _) => Some(inner),
                _ => None,
            })),
            ExprKind::List(items) => stack.extend(items),
            ExprKind::Record(fields) => stack.extend(fields.iter().map(|(_, value)| value)),
            ExprKind::Index { base, index } => stack.extend([&**base, &**index]),
            ExprKind::Field { base: inner, .. }
            | ExprKind::Unary { expr: inner, .. }
            | ExprKind::Cast { expr: inner, .. }
            | ExprKind::Paren(inner) => stack.push(inner),
            _ => {}
        }
    }
}

fn is_record(expr: &Expr) -> bool {
    matches!(walk::unparen(expr).kind, ExprKind::Record(_))
}

/// What the script in that clause of a block surely prints; of one that is for no shell, nothing.
pub(crate) fn prints(decl: &Decl, key: K) -> Printed {
    let shell = match clause(decl, K::Shell).map(|clause| &clause.value) {
        Some(Value::Expr(expr)) => match &walk::unparen(expr).kind {
            ExprKind::Name(name) => Some(name.clone()),
            _ => return Printed::default(),
        },
        Some(_) => return Printed::default(),
        None => name_of(decl, K::Using),
    };
    if !matches!(shell.as_deref(), None | Some("shell" | "bash" | "sh")) {
        return Printed::default();
    }
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Script(raw)) => printed(raw),
        _ => Printed::default(),
    }
}
