//! Capabilities where they are declared: their interface, what a call costs, how it is carried out.
//!
//! Absent: who uses them.

use dsl_syntax::ast::{Decl, Rate, RatePer, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::plan::Runner;
use ir::types::Type;

use super::env::{Place, Reads};
use super::plan::field_type;
use super::runners::{self, Interface};
use super::{Cx, effects, literals, rates, shape, task};
use crate::scope::Capability;
use crate::signatures::clause;

pub(super) fn check(cx: &Cx<'_>, decl: &Decl) {
    for key in [K::Input, K::Output] {
        let Some(Value::Fields(fields)) = clause(decl, key).map(|clause| &clause.value) else {
            continue;
        };
        shape::duplicate_names(
            cx,
            fields.iter().map(|field| &field.name),
            &format!("the {}", key.word()),
        );
        for field in fields {
            field_type(cx, field);
        }
    }
    if let Some(Value::Names(risks)) = clause(decl, K::Risks).map(|clause| &clause.value) {
        shape::duplicate_names(cx, risks.iter(), "the risk");
    }
    literals::bool_clause(cx, decl, K::Idempotent);
    effects::check(cx, decl);
    if let Some(Value::Rates(rates)) = clause(decl, K::Cost).map(|clause| &clause.value) {
        cost(cx, rates);
    }
    runner(cx, decl);
}

/// How it is carried out; without one it is abstract.
pub(crate) fn runner(cx: &Cx<'_>, decl: &Decl) -> Option<Runner> {
    let Value::Call(call) = &clause(decl, K::Runner)?.value else {
        return None;
    };
    let declared = decl
        .name
        .as_ref()
        .and_then(|name| cx.scope.capabilities.get(&name.text));
    runners::check(cx, call, &interface(declared.map(|found| &**found)))
}

/// What a runner of that capability works with; nothing is known of one that is not there.
pub(super) fn interface(capability: Option<&Capability>) -> Interface<'_> {
    Interface {
        input: capability.map_or(&[], |found| &found.input),
        output: capability.map(|found| found.output.as_slice()),
        in_plan: false,
    }
}

/// What a call costs: an amount, or what it costs while it lasts; the sum where both stand.
pub(super) fn cost(cx: &Cx<'_>, rates: &[Rate]) {
    let place = Place::new(cx, Reads::NOTHING);
    for rate in rates {
        task::typed(cx, &rate.amount, &Type::Money, &place);
        if let Some(RatePer::Duration(per)) = &rate.per {
            rates::window(cx, per);
        }
    }
    rates::one_each_window(cx, "cost", rates);
}
