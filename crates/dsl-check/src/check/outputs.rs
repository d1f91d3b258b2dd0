//! What a node gives to others: its outputs and their types, its error, who did it.
//!
//! Known from its signature alone. Absent: whether they may be read, and whether they are surely there.

use std::collections::BTreeMap;

use dsl_syntax::ast::{Name, Span};
use dsl_syntax::table::ClauseKey as K;
use ir::types::{Type, Types};
use smol_str::SmolStr;

use crate::graph::BUILTIN_MODES;
use crate::scope::{Common, TypedField, Works};
use crate::signatures::{NodeKind, NodeSig, Work};
use crate::types::{Env, Lookup, Namespace, Report, resolve_type};

pub(super) fn members(words: &[&str]) -> Type {
    Type::Enum(words.iter().map(|word| SmolStr::from(*word)).collect())
}

pub(crate) fn agent_type(by: &[SmolStr]) -> Type {
    if by.is_empty() {
        Type::STRING.optional()
    } else {
        Type::Enum(by.to_vec())
    }
}

/// `u.error`: which mode, what it said, the exit status of a script, how many attempts there were.
pub(crate) fn error_type(sig: &NodeSig) -> Type {
    let mut modes: Vec<SmolStr> = BUILTIN_MODES.iter().map(|mode| SmolStr::from(*mode)).collect();
    if sig.kind == NodeKind::Gate {
        modes.push("rejected".into());
    }
    for mode in &sig.modes {
        if !modes.contains(mode) {
            modes.push(mode.clone());
        }
    }
    Type::Fields(BTreeMap::from([
        ("kind".into(), Type::Enum(modes)),
        ("message".into(), Type::STRING),
        ("exit".into(), Type::INT.optional()),
        ("attempts".into(), Type::INT),
    ]))
}

/// Only the types of a file: enough to resolve what is written.
struct DeclaredTypes<'a>(&'a Common);

impl Env for DeclaredTypes<'_> {
    fn types(&self) -> &Types {
        &self.0.types
    }
    fn type_named(&self, name: &str) -> Option<Type> {
        self.0.named.get(name).cloned()
    }
    fn type_names(&self) -> Vec<SmolStr> {
        self.0.named.keys().cloned().collect()
    }
    fn first(&self, _: &str, _: Span, _: &mut Report) -> Lookup {
        Lookup::Silenced
    }
    fn member(&self, _: &Namespace, _: &Name, _: &mut Report) -> Lookup {
        Lookup::Silenced
    }
}

/// Whether a mistake that has been reported hides outputs of the node.
pub(crate) fn outputs_unknown(scope: &dyn Works, sig: &NodeSig) -> bool {
    let unknown_work = match &sig.work {
        Work::Capability(name) => {
            let found = scope.common().capabilities.get(name);
            found.is_none_or(|found| found.is_broken(K::Output))
        }
        Work::Call(name) => {
            let found = scope.plan_called(name);
            found.is_none_or(|found| found.plan.is_broken(K::Outputs))
        }
        _ => false,
    };
    sig.outputs_broken || (sig.outputs.is_none() && unknown_work)
}

/// What `output:` declares.
pub(crate) fn declared_outputs(scope: &dyn Works, sig: &NodeSig) -> Vec<(SmolStr, Type)> {
    // what is wrong with a type is reported where it is written
    let resolve = |ty| resolve_type(ty, &DeclaredTypes(scope.common()), &mut Report::default());
    sig.outputs
        .iter()
        .flatten()
        .map(|field| (field.name.clone(), resolve(&field.ty)))
        .collect()
}

/// What every script has, declared or not.
fn script_outputs() -> Vec<(SmolStr, Type)> {
    vec![
        ("stdout".into(), Type::STRING),
        ("stderr".into(), Type::STRING),
        ("exit".into(), Type::INT),
        ("duration".into(), Type::Duration),
    ]
}

/// The outputs of a node, of one instance if it fans out.
pub(crate) fn node_outputs(scope: &dyn Works, sig: &NodeSig) -> Vec<(SmolStr, Type)> {
    if sig.outputs.is_some() {
        let mut outputs = declared_outputs(scope, sig);
        if sig.work == Work::Script {
            let declared = |name: &str| outputs.iter().any(|(output, _)| output == name);
            let left: Vec<_> = script_outputs()
                .into_iter()
                .filter(|(name, _)| !declared(name))
                .collect();
            outputs.extend(left);
        }
        return outputs;
    }
    let typed = |fields: &[TypedField]| {
        fields
            .iter()
            .map(|field| (field.name.clone(), field.ty.clone()))
            .collect()
    };
    match &sig.work {
        Work::Script if sig.kind == NodeKind::Task => script_outputs(),
        Work::Capability(name) => scope
            .common()
            .capabilities
            .get(name)
            .map(|found| typed(&found.output))
            .unwrap_or_default(),
        Work::Call(name) => scope
            .plan_called(name)
            .map(|found| typed(&found.plan.outputs))
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}
