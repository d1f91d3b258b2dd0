//! The text form of plans, and their hashes.

use dsl_ir::eval::{EvalError, NoWorld, Scope, eval};
use dsl_ir::expr::{Binary, BinaryOp, Call, EXPR_DEPTH_MAX, Expr, IfExpr, Ref};
use dsl_ir::func::Func;
use dsl_ir::plan::{Body, Node, Plan, PlanError};
use dsl_ir::types::Types;
use dsl_ir::value::Value;
use dsl_ir::verify::verify;
use proptest::prelude::*;

use crate::notation::{expr, ty};
use crate::sample::{SampleScope, full_plan, need, plan, task, task_of};
use crate::value::any_value;

fn any_expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        any_value().prop_map(Expr::Const),
        (0_u32..3).prop_map(Expr::It),
        "[a-z]{1,4}".prop_map(|name| Expr::Ref(Ref::Param(name.into()))),
        (0_u32..3, "[a-z]{1,4}").prop_map(|(node, name)| Expr::Ref(Ref::Output(node, name.into()))),
        (0_u32..3).prop_map(|node| Expr::Ref(Ref::Error(node))),
        Just(Expr::Ref(Ref::Each)),
    ];
    leaf.prop_recursive(4, 30, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        let op = prop::sample::select(vec![
            BinaryOp::Add,
            BinaryOp::Eq,
            BinaryOp::In,
            BinaryOp::Lt,
            BinaryOp::Rem,
        ]);
        let func = prop::sample::select(Func::ALL);
        prop_oneof![
            inner.clone().prop_map(|operand| Expr::Not(Box::new(operand))),
            inner.clone().prop_map(|operand| Expr::IsEmpty(Box::new(operand))),
            pair.clone().prop_map(|pair| Expr::And(Box::new(pair))),
            pair.clone().prop_map(|pair| Expr::Coalesce(Box::new(pair))),
            pair.clone().prop_map(|pair| Expr::Index(Box::new(pair))),
            (op, pair).prop_map(|(op, (lhs, rhs))| Expr::Binary(Box::new(Binary { op, lhs, rhs }))),
            (inner.clone(), "[a-z]{1,4}").prop_map(|(base, name)| Expr::Field(Box::new((base, name.into())))),
            (func, prop::collection::vec(inner.clone(), 0..3))
                .prop_map(|(func, args)| Expr::Call(Box::new(Call { func, args }))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Expr::List),
            prop::collection::vec(("[a-z]{1,4}".prop_map(Into::into), inner.clone()), 0..3).prop_map(Expr::Record),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(cond, then, otherwise)| { Expr::If(Box::new(IfExpr { cond, then, otherwise })) }),
            inner.prop_map(|operand| Expr::Cast(Box::new((operand, ty("list[Source](1..)"))))),
        ]
    })
}

struct Nothing(Types);

impl Scope for Nothing {
    fn get(&self, reference: &Ref) -> Result<Value, EvalError> {
        match reference {
            Ref::Param(name) if name.len() == 1 => Err(EvalError::new("not here")),
            _ => Ok(Value::None),
        }
    }

    fn types(&self) -> &Types {
        &self.0
    }
}

proptest! {
    #[test]
    fn an_expression_is_read_back_as_itself(expr in any_expr()) {
        let mut plan = full_plan();
        plan.nodes[0].when = Some(expr).into();
        let text = plan.to_canonical_json();
        let back = Plan::from_json(&text).unwrap();
        prop_assert_eq!(&back, &plan);
        prop_assert_eq!(back.to_canonical_json(), text);
    }

    #[test]
    fn any_expression_has_a_value_or_an_error(expr in any_expr()) {
        let scope = Nothing(Types::default());
        let first = eval(&expr, &scope, &mut NoWorld);
        prop_assert_eq!(eval(&expr, &scope, &mut NoWorld), first);
    }

    #[test]
    fn any_plan_is_verified_without_a_panic(expr in any_expr(), to in 0_u32..12) {
        let mut plan = full_plan();
        plan.nodes[2].needs.push(need(to));
        task_of(&mut plan.nodes[0]).timeout = Some(expr).into();
        let _ = verify(&plan);
    }
}

#[test]
fn a_plan_is_read_back_as_itself() {
    let plan = full_plan();
    assert_eq!(verify(&plan), Ok(()));
    for text in [plan.to_canonical_json(), plan.to_pretty_json()] {
        let back = Plan::from_json(&text).unwrap();
        assert_eq!(back, plan);
        assert_eq!(back.hash(), plan.hash());
    }
}

/// Large texts are read in pieces, and where one would end within a node they cannot be.
#[test]
fn a_large_plan_is_read_back_as_itself() {
    let wordy = |id: &str| Node {
        description: Some("},{\"id\":\"é".repeat(500).into()).into(),
        ..task(id)
    };
    let many = plan((0..300).map(|at| wordy(&format!("t{at}"))).collect());
    let record = |at: i64| Value::Record([("id".into(), Value::Int(at))].into());
    let mut records = plan(vec![task("a"), task("b"), task("c")]);
    records.nodes[1].when = Some(Expr::Const(Value::List((0..100_000).map(record).collect()))).into();
    let ids = |at: usize| Expr::Record(vec![("id".into(), Expr::Const(Value::from(format!("{at}"))))]);
    let mut lists = plan(vec![task("a"), task("b")]);
    lists.nodes[0].when = Some(Expr::List((0..50_000).map(ids).collect())).into();
    let mut called = full_plan();
    called.plans.insert("large".into(), many.clone());
    let mut full = full_plan();
    full.nodes.extend(many.nodes.iter().cloned());
    for plan in [many, records, lists, called, full] {
        let text = plan.to_canonical_json();
        assert!(text.len() > 1 << 20, "{}", text.len());
        assert!(Plan::from_canonical_json(&text).unwrap() == plan, "{}", plan.name);
        assert!(Plan::from_canonical_json(&text[..text.len() - 1]).is_err());
    }
}

#[test]
fn the_text_form_is_pinned() {
    insta::assert_snapshot!(full_plan().to_pretty_json());
}

#[test]
fn another_format_is_refused_by_name_whatever_else_it_holds() {
    let error = Plan::from_json(r#"{"nodes": 7, "format": "plan-ir/99"}"#).unwrap_err();
    assert_eq!(
        error,
        PlanError::Format {
            seen: "plan-ir/99".into()
        }
    );
    assert_eq!(
        error.to_string(),
        "a compiled plan of the format `plan-ir/99`, expected `plan-ir/2`: compile it again"
    );
}

#[test]
fn what_is_not_a_plan_is_an_error() {
    for (text, wanted) in [
        ("", "not a compiled plan: EOF while parsing a value at line 1 column 0"),
        ("{}", "not a compiled plan: missing field `format` at line 1 column 2"),
        (
            r#"{"format":"plan-ir/2"}"#,
            "not a compiled plan: missing field `name` at line 1 column 22",
        ),
    ] {
        assert_eq!(Plan::from_json(text).unwrap_err().to_string(), wanted);
    }
    let deep = format!(
        r#"{{"format":"plan-ir/2","x":{}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(
        Plan::from_json(&deep).unwrap_err().to_string(),
        "not a compiled plan: it nests deeper than 1024 levels"
    );
    let text = format!("{} x", full_plan().to_canonical_json());
    assert!(Plan::from_json(&text).is_err());
}

/// `-(-(… 1))`, `1 + (1 + …)` and `map` in `map`, as deep as they may be.
fn deepest() -> Vec<Expr> {
    let nest = |wrap: fn(Expr) -> Expr, levels: usize| (0..levels).fold(expr("1"), |inner, _| wrap(inner));
    let negate = |inner| Expr::Neg(Box::new(inner));
    let add = |rhs| {
        Expr::Binary(Box::new(Binary {
            op: BinaryOp::Add,
            lhs: expr("1"),
            rhs,
        }))
    };
    let record = |inner| Expr::Record(vec![("a".into(), inner)]);
    let first = |inner| {
        let map = Expr::Call(Box::new(Call {
            func: Func::Map,
            args: vec![expr("[1]"), inner],
        }));
        Expr::Call(Box::new(Call {
            func: Func::First,
            args: vec![map],
        }))
    };
    let levels = EXPR_DEPTH_MAX - 1;
    let call = |arg| {
        Expr::Call(Box::new(Call {
            func: Func::Abs,
            args: vec![arg],
        }))
    };
    vec![
        nest(negate, levels),
        nest(add, levels),
        nest(record, levels),
        nest(first, levels / 2 - 1),
        nest(call, levels),
    ]
}

#[test]
fn the_deepest_expression_is_read_verified_and_evaluated() {
    for expr in deepest() {
        let mut plan = plan(vec![task("a")]);
        plan.nodes[0].when = Some(expr).into();
        assert_eq!(verify(&plan), Ok(()));
        assert_eq!(Plan::from_json(&plan.to_canonical_json()).unwrap(), plan);
        let _ = eval(plan.nodes[0].when.as_ref().unwrap(), &SampleScope, &mut NoWorld);
    }
}

#[test]
fn a_deeper_expression_is_refused() {
    let mut plan = plan(vec![task("a")]);
    plan.nodes[0].when = deepest().pop().map(|expr| Expr::Not(Box::new(expr))).into();
    assert_eq!(
        verify(&plan).unwrap_err().to_string(),
        "`a`: an expression nests deeper than 256 levels"
    );
    let error = eval(plan.nodes[0].when.as_ref().unwrap(), &SampleScope, &mut NoWorld).unwrap_err();
    assert_eq!(error.message, "the expression nests deeper than 256 levels");
}

#[test]
fn the_hash_of_a_plan_sees_everything_and_that_of_a_node_what_it_does() {
    let plan = full_plan();
    let mut moved = plan.clone();
    moved.nodes.insert(0, task("new"));
    moved.nodes[3].line += 1;
    moved.nodes[3].needs = vec![need(1)];
    task_of(&mut moved.nodes[3]).each.as_mut().unwrap().list = Expr::Ref(Ref::Output(1, "sources".into()));
    assert_ne!(plan.hash(), moved.hash());
    assert_eq!(plan.node_hash(2), moved.node_hash(3));

    let mut changed = plan.clone();
    task_of(&mut changed.nodes[2]).idempotent = false;
    assert_ne!(plan.node_hash(2), changed.node_hash(2));
    changed = plan.clone();
    changed.nodes[0].id = "gather".into();
    assert_ne!(plan.node_hash(2), changed.node_hash(2));
    assert_eq!(plan.node_hash(99), None);
}

#[test]
fn hashes_are_pinned() {
    // Old runs know their plans by these: they change only together with the format's version.
    insta::assert_snapshot!(format!("{}\n{}", full_plan().hash(), full_plan().node_hash(0).unwrap()));
}

#[test]
fn every_node_is_plain_data() {
    fn send<T: Send + Sync + 'static>() {}
    send::<Node>();
    send::<Body>();
}
