//! Expectations of a test, held against what the run has come to; of one that does not hold, what was seen on both sides.

use engine::Engine;
use ir::Value;
use ir::eval::{NoWorld, eval};
use ir::expr::{Binary, BinaryOp, Expr};
use ir::plan::{Expectation, Plan};
use ir::show::Shown;
use ir::testing::Claim;

use super::mocks::Mocks;
use super::{Seen, TestFailure, TestReport};

/// Adds to the report what is wrong with a claim.
pub fn check(claim: &Claim, engine: &Engine, mocks: &mut Mocks<'_>, report: &mut TestReport) {
    let (text, seen) = match &claim.what {
        Expectation::Check { expr, text } => match value(engine, expr) {
            Ok(Value::Bool(true)) => return,
            Ok(_) => (text, seen(engine, expr)),
            // what keeps it from having a value may be one of its parts
            Err(why) => {
                let mut seen = seen(engine, expr);
                if seen.iter().all(|side| side.value.is_ok()) {
                    seen = vec![Seen {
                        text: text.to_string(),
                        value: Err(why),
                    }];
                }
                (text, seen)
            }
        },
        Expectation::Prose { text } => match mocks.judge() {
            Some(Ok(true)) => return,
            None => return report.unverified.push(text.to_string()),
            Some(judged) => {
                let side = Seen {
                    text: "judge".to_owned(),
                    value: judged.map(Value::Bool),
                };
                (text, vec![side])
            }
        },
    };
    report.failures.push(TestFailure::Expectation {
        text: text.to_string(),
        line: claim.line,
        seen,
    });
}

fn value(engine: &Engine, expr: &Expr) -> Result<Value, String> {
    eval(expr, &engine.outcome(), &mut NoWorld).map_err(|error| error.message)
}

/// What the parts of a claim are: both sides of a comparison, and of `a and b` the parts that do not hold.
fn seen(engine: &Engine, expr: &Expr) -> Vec<Seen> {
    let side = |expr: &Expr| Seen {
        text: written(engine.plan(), expr),
        value: value(engine, expr),
    };
    let mut found = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match expr {
            Expr::And(pair) | Expr::Or(pair) => {
                let fails = |part: &&Expr| value(engine, part) != Ok(Value::Bool(true));
                open.extend([&pair.1, &pair.0].into_iter().filter(fails));
            }
            Expr::Not(inner) => open.push(inner),
            Expr::Binary(binary) if compares(binary) => found.extend([side(&binary.lhs), side(&binary.rhs)]),
            Expr::IsNone(inner) | Expr::IsEmpty(inner) => found.push(side(inner)),
            expr => found.push(side(expr)),
        }
    }
    if found.is_empty() {
        found.push(side(expr));
    }
    found
}

fn compares(binary: &Binary) -> bool {
    use BinaryOp::{Add, Div, Mul, Rem, Sub};
    !matches!(binary.op, Add | Sub | Mul | Div | Rem)
}

fn written(plan: &Plan, expr: &Expr) -> String {
    let shown = Shown {
        plan,
        item: "it",
        renamed: &|name| name,
    };
    shown.expr(expr)
}
