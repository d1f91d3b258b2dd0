//! What a plan must satisfy, one broken thing at a time.

use dsl_ir::expr::{Capture, Expr, Ref};
use dsl_ir::plan::{Body, Need, Plan, Unsupported};
use dsl_ir::types::Type;
use dsl_ir::value::Value;
use dsl_ir::verify::verify;

use crate::notation::{expr, ty};
use crate::sample::{full_plan, need, plan, task, task_of};

/// A change that breaks a plan, and what is said of it.
type Broken = (fn(&mut Plan), &'static str);

fn assert_broken(table: &[Broken]) {
    for (break_it, wanted) in table {
        let mut plan = full_plan();
        break_it(&mut plan);
        assert_eq!(
            verify(&plan).map_err(|error| error.to_string()),
            Err((*wanted).to_owned())
        );
    }
}

fn when(plan: &mut Plan, expr: Expr) {
    plan.nodes[6].when = Some(expr);
}

#[test]
fn names_are_unique() {
    assert_broken(&[
        (
            |plan| plan.format = "plan-ir/0".into(),
            "the plan's format is `plan-ir/0`, expected `plan-ir/1`",
        ),
        (
            |plan| plan.nodes[1].id = "collect".into(),
            "there are two of the node `collect`",
        ),
        (|plan| plan.nodes[1].id = "".into(), "there is a node without a name"),
        (
            |plan| plan.params[1].name = "query".into(),
            "there are two of the parameter `query`",
        ),
        (
            |plan| {
                let output = task_of(&mut plan.nodes[1]).output[0].clone();
                task_of(&mut plan.nodes[1]).output.push(output);
            },
            "`cached`: there are two of the output `sources`",
        ),
    ]);
}

#[test]
fn ids_point_at_nodes() {
    assert_broken(&[
        (
            |plan| plan.nodes[2].needs.push(need(8)),
            "`deep-dive`: a need points at node 8 of 8",
        ),
        (
            |plan| plan.nodes[0].routes[0].to = 99,
            "`collect`: a route points at node 99 of 8",
        ),
        (
            |plan| task_of(&mut plan.nodes[0]).fallback = Some(50),
            "`collect`: the fallback points at node 50 of 8",
        ),
        (
            |plan| task_of(&mut plan.nodes[0]).fallback = Some(3),
            "`collect`: the fallback `enough` is not a task",
        ),
        (
            |plan| match &mut plan.nodes[5].body {
                Body::Decision(decision) => decision.arms[0].to = 8,
                other => panic!("{other:?}"),
            },
            "`route`: an arm points at node 8 of 8",
        ),
        (
            |plan| {
                plan.nodes[6].needs.push(Need::Quorum {
                    count: 3,
                    of: vec![0, 1],
                })
            },
            "`long`: a quorum wants 3 of 2 nodes",
        ),
        (
            |plan| {
                plan.nodes[6].needs.push(Need::Quorum {
                    count: 1,
                    of: vec![0, 0],
                })
            },
            "`long`: a quorum names a node twice",
        ),
        (
            |plan| plan.unsupported[0].node = Some(8),
            "an unsupported clause points at node 8 of 8",
        ),
    ]);
}

#[test]
fn expressions_refer_to_what_exists_where_they_stand() {
    assert_broken(&[
        (
            |plan| when(plan, expr("@nothing")),
            "`long`: there is no parameter `nothing`",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Memory("x".into()))),
            "`long`: there is no memory key `x`",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Output(0, "x".into()))),
            "`long`: `collect` has no output `x`",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Output(4, "stdout".into()))),
            "`long`: `broaden` has no output `stdout`",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Output(9, "x".into()))),
            "`long`: an expression points at node 9 of 8",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Error(9))),
            "`long`: an expression points at node 9 of 8",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Each)),
            "`long`: the variable of `each` is read outside of it",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Input("query".into()))),
            "`long`: there is no input `query` here",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Own("x".into()))),
            "`long`: there is no output `x` of its own here",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Capture(Capture::Stdout))),
            "`long`: `stdout` is read before anything ran",
        ),
        (
            |plan| when(plan, expr("(exists \"x\")")),
            "`long`: `exists` looks at the world where that is not recorded",
        ),
        (
            |plan| when(plan, expr("@world.network.online")),
            "`long`: `network.online` looks at the world where that is not recorded",
        ),
        (
            |plan| when(plan, expr("(where [1] it1)")),
            "`long`: `it` 1 is below 1 functions about items",
        ),
        (
            |plan| when(plan, expr("(where it true)")),
            "`long`: `it` 0 is below 0 functions about items",
        ),
        (
            |plan| when(plan, expr("(split \"a\")")),
            "`long`: `split` has 1 arguments",
        ),
        (
            |plan| when(plan, expr("(as 1 \"Nothing\")")),
            "`long`: the type `Nothing` is not one of the plan's",
        ),
        (
            |plan| when(plan, Expr::Const(Value::Float(f64::NAN))),
            "`long`: a constant is not a finite number",
        ),
        (
            |plan| task_of(&mut plan.nodes[2]).each.as_mut().unwrap().list = Expr::Ref(Ref::Each),
            "`deep-dive`: the variable of `each` is read outside of it",
        ),
        (
            |plan| plan.outputs[0].value = expr("@nothing"),
            "there is no parameter `nothing`",
        ),
    ]);
}

#[test]
fn types_are_known() {
    assert_broken(&[
        (
            |plan| plan.params[0].ty = Type::list(Type::Error),
            "a type could not be made out",
        ),
        (
            |plan| plan.params[0].ty = ty("list[Nothing?]"),
            "the type `Nothing` is not one of the plan's",
        ),
        (
            |plan| plan.params[0].ty = ty("int(a..b)"),
            "the bound `a` is not a number",
        ),
        (
            |plan| task_of(&mut plan.nodes[1]).output[0].ty = ty("Nothing"),
            "`cached`: the type `Nothing` is not one of the plan's",
        ),
    ]);
}

#[test]
fn nothing_waits_for_itself() {
    assert_broken(&[(
        |plan| plan.nodes[0].needs = vec![need(2)],
        "nodes wait for each other: `collect` → `deep-dive` → `collect`",
    )]);
}

#[test]
fn a_node_that_cannot_run_yet_may_refer_to_what_is_not_lowered() {
    let mut plan = plan(vec![task("a"), task("b")]);
    when_of(&mut plan, 1, Expr::Ref(Ref::Output(0, "items".into())));
    assert!(verify(&plan).is_err());
    plan.unsupported = vec![Unsupported {
        what: "using".into(),
        node: Some(0),
        line: 1,
        blocks: true,
    }];
    assert_eq!(verify(&plan), Ok(()));
}

fn when_of(plan: &mut Plan, node: usize, expr: Expr) {
    plan.nodes[node].when = Some(expr);
}
