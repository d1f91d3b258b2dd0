//! Global memory: a key that two plans of the workspace share has one type.
//!
//! What one run writes another reads, so the second would find data that is not what it declared. Absent: memory of a
//! run or of one plan, which nobody shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use dsl_syntax::table::ClauseKey;
use ir::types::{Type, Types};
use smol_str::SmolStr;

use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::imports::declarations;
use crate::inputs::{Project, SourceFile};
use crate::plans::file_plans;
use crate::rules;
use crate::scope::{FileScope, scope};
use crate::signatures::Sig;

/// Types are compared this deep: records may refer to themselves.
const DEPTH_MAX: u32 = 16;

/// A key of one plan.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Declared {
    file: SourceFile,
    /// Which plan of the file.
    plan: u32,
    key: SmolStr,
}

/// Pairs of plans that do not agree: the later one, and the first.
#[salsa::tracked(returns(ref))]
fn disagreements(db: &dyn salsa::Database) -> Arc<Vec<(Declared, Declared)>> {
    let project = Project::get(db);
    let mut first: BTreeMap<SmolStr, (Declared, Type, &FileScope)> = BTreeMap::new();
    let mut found = Vec::new();
    for &file in project.files(db).values() {
        let here = scope(db, file);
        for (at, plan) in here.own.iter().enumerate() {
            for key in &plan.global {
                let Some(field) = plan.memory.iter().find(|field| field.name == *key) else {
                    continue;
                };
                let declared = Declared {
                    file,
                    plan: at as u32,
                    key: key.clone(),
                };
                match first.get(key) {
                    Some((other, ty, there)) if !alike((&field.ty, &here.types), (ty, &there.types), 0) => {
                        found.push((declared, other.clone()));
                    }
                    Some(_) => {}
                    None => {
                        first.insert(key.clone(), (declared, field.ty.clone(), here));
                    }
                }
            }
        }
    }
    Arc::new(found)
}

/// Whether two types hold the same data, each with the records of its file.
fn alike(a: (&Type, &Types), b: (&Type, &Types), depth: u32) -> bool {
    let next = |x: &Type, y: &Type| alike((x, a.1), (y, b.1), depth + 1);
    if depth > DEPTH_MAX {
        return true;
    }
    match (a.0, b.0) {
        (Type::List(x), Type::List(y)) => x.len == y.len && next(&x.item, &y.item),
        (Type::Map(x), Type::Map(y)) | (Type::Optional(x), Type::Optional(y)) => next(x, y),
        (Type::Record(x), Type::Record(y)) => match (a.1.get(x), b.1.get(y)) {
            (Some(x), Some(y)) => {
                x.fields.len() == y.fields.len()
                    && x.fields
                        .iter()
                        .all(|field| y.field(&field.name).is_some_and(|other| next(&field.ty, other)))
            }
            _ => true,
        },
        (x, y) => x.same(y),
    }
}

/// The keys of the file that others declare differently.
pub(crate) fn shared_keys(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let all = disagreements(db);
    let here = all.iter().filter(|(later, _)| later.file == file);
    here.filter_map(|(later, first)| disagreement(db, later, first))
        .collect()
}

fn disagreement(db: &dyn salsa::Database, later: &Declared, first: &Declared) -> Option<Diag> {
    let ty = |declared: &Declared| {
        let plan = scope(db, declared.file).own.get(declared.plan as usize)?;
        let field = plan.memory.iter().find(|field| field.name == declared.key)?;
        Some((plan.name.clone(), field.ty.to_string()))
    };
    let (_, found) = ty(later)?;
    let (plan, expected) = ty(first)?;
    let message = if found == expected {
        format!(
            "the global memory `{}` is another `{found}` in the plan `{plan}`",
            later.key
        )
    } else {
        format!(
            "the global memory `{}` is a `{found}`, expected `{expected}` as in the plan `{plan}`",
            later.key
        )
    };
    let diag = Diag::new(rules::TYPE_MISMATCH, place(db, later)?, message);
    Some(
        diag.label(place(db, first)?, "declared first here")
            .help("give one of them another name, or the same type"),
    )
}

fn place(db: &dyn salsa::Database, declared: &Declared) -> Option<Place> {
    let plan = file_plans(db, declared.file).plans.get(declared.plan as usize)?;
    let holds = |block: &BlockRef| {
        declarations(db, declared.file).iter().any(|(at, sig)| match sig {
            Sig::Plan(sig) | Sig::PlanRest(sig) => at == block && sig.global.contains(&declared.key),
            _ => false,
        })
    };
    Some(Place {
        block: *plan.clauses.iter().find(|block| holds(block))?,
        target: Target::Entry(ClauseKey::Memory, declared.key.clone()),
    })
}
