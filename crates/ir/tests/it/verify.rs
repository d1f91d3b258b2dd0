//! What a plan must satisfy, one broken thing at a time.

use dsl_ir::expr::{Capture, Expr, Ref};
use dsl_ir::plan::{Body, Judge, Need, Plan, Work};
use dsl_ir::types::Type;
use dsl_ir::value::Value;
use dsl_ir::verify::verify;

use crate::notation::{expr, ty};
use crate::sample::{full_plan, need, task, task_of};

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
    plan.nodes[6].when = Some(expr).into();
}

#[test]
fn names_are_unique() {
    assert_broken(&[
        (
            |plan| plan.format = "plan-ir/0".into(),
            "the plan's format is `plan-ir/0`, expected `plan-ir/2`",
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
            |plan| plan.nodes[2].needs.push(need(14)),
            "`deep-dive`: a need points at node 14 of 14",
        ),
        (
            |plan| plan.nodes[0].routes[0].to = 99,
            "`collect`: a route points at node 99 of 14",
        ),
        (
            |plan| task_of(&mut plan.nodes[0]).fallback = Some(50),
            "`collect`: the fallback points at node 50 of 14",
        ),
        (
            |plan| task_of(&mut plan.nodes[0]).fallback = Some(3),
            "`collect`: the fallback `enough` is not a task",
        ),
        (
            |plan| match &mut plan.nodes[5].body {
                Body::Decision(decision) => decision.arms[0].to = 14,
                other => panic!("{other:?}"),
            },
            "`route`: an arm points at node 14 of 14",
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
            |plan| when(plan, Expr::Ref(Ref::Output(15, "x".into()))),
            "`long`: an expression points at node 15 of 14",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Error(15))),
            "`long`: an expression points at node 15 of 14",
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
fn what_is_used_by_name_is_there() {
    assert_broken(&[
        (
            |plan| plan.capabilities.clear(),
            "`search`: there is no capability `web.search`",
        ),
        (|plan| plan.agents.clear(), "`search`: there is no agent `coder`"),
        (
            |plan| plan.hypotheses.clear(),
            "`search`: there is no hypothesis `race`",
        ),
        (|plan| plan.plans.clear(), "`call`: there is no plan `inner` to call"),
        (
            |plan| plan.judge = Some(Judge::Capability("ai".into())),
            "there is no capability `ai`",
        ),
        (
            |plan| task_of(&mut plan.nodes[8]).input[0].name = "q".into(),
            "`search`: `web.search` takes no input `q`",
        ),
        (
            |plan| plan.plans.values_mut().for_each(|inner| inner.params.clear()),
            "`call`: `inner` takes no input `n`",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Secret("gone".into()))),
            "`long`: there is no secret `gone`",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Context("x".into()))),
            "`long`: `context.x` is read outside of a trigger",
        ),
    ]);
}

#[test]
fn work_has_the_outputs_of_who_does_it() {
    assert_broken(&[
        (
            |plan| when(plan, Expr::Ref(Ref::Output(8, "gone".into()))),
            "`long`: `search` has no output `gone`",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Output(9, "hits".into()))),
            "`long`: `steps` has no output `hits`",
        ),
        (
            |plan| when(plan, Expr::Ref(Ref::Output(10, "n".into()))),
            "`long`: `call` has no output `n`",
        ),
    ]);
}

#[test]
fn a_line_of_steps_reads_only_those_before_it() {
    let mut plan = full_plan();
    if let Work::Steps(steps) = &mut task_of(&mut plan.nodes[9]).work {
        steps.swap(0, 1);
    }
    let error = verify(&plan).expect_err("the order matters").to_string();
    assert_eq!(error, "`steps`: there is no output `hits` of its own here");
}

#[test]
fn called_plans_are_plans_and_call_nobody_twice_round() {
    let mut plan = full_plan();
    let called = plan.plans["inner"].clone();
    plan.plans.insert("other".into(), called);
    let calls = |name: &str| {
        let mut node = task("again");
        let task = task_of(&mut node);
        task.work = Work::Call(name.into());
        node
    };
    assert_eq!(verify(&plan), Ok(()));
    plan.plans.get_mut("inner").expect("there").nodes.push(calls("other"));
    assert_eq!(verify(&plan), Ok(()));
    plan.plans.get_mut("other").expect("there").nodes.push(calls("inner"));
    assert_eq!(
        verify(&plan).map_err(|error| error.to_string()),
        Err("the plan `inner` calls itself, or one that does".to_owned())
    );
    assert_broken(&[
        (
            |plan| {
                plan.plans
                    .values_mut()
                    .for_each(|inner| inner.nodes[0].needs = vec![need(0)])
            },
            "in the plan `inner`: nodes wait for each other: `only` → `only`",
        ),
        (
            |plan| {
                let inner = plan.plans["inner"].clone();
                plan.plans
                    .values_mut()
                    .for_each(|plan| _ = plan.plans.insert("deep".into(), inner.clone()));
            },
            "in the plan `inner`: it holds plans of its own",
        ),
    ]);
}

#[test]
fn every_expression_is_seen_to_be_read_and_to_be_changed() {
    let plan = full_plan();
    for node in &plan.nodes {
        let (mut seen, mut changed) = (Vec::new(), Vec::new());
        dsl_ir::visit::node(node, &mut |expr, site| seen.push((expr.clone(), site)));
        dsl_ir::visit::node_mut(&mut node.clone(), &mut |expr, site| changed.push((expr.clone(), site)));
        assert_eq!(seen, changed, "{}", node.id);
    }
}
