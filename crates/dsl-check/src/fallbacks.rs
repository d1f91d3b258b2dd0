//! What stands in for a task must have its outputs.
//!
//! Whether it fits is found chunk by chunk, from what a block sees of the nodes that it mentions; only the place of the
//! other is looked up in the whole file. Absent: whether the name means anything (that is said where it stands).

use smol_str::SmolStr;

use crate::check::{Cx, declared_outputs, node_outputs, outputs_unknown};
use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::graph::topologies;
use crate::inputs::SourceFile;
use crate::plans::file_plans;
use crate::rules;
use crate::signatures::{NodeKind, NodeSig, Sig};
use crate::slices::file_misfits;
use crate::types::assign;

/// A block with a fallback that does not fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Misfit {
    index: u32,
    fallback: SmolStr,
    message: String,
}

/// Whether the fallback of a block does not fit.
pub(crate) fn misfit(cx: &Cx<'_>, sig: &Sig) -> Option<Misfit> {
    let Sig::Node { sig, .. } = sig else { return None };
    let fallback = sig.fallback.as_ref().filter(|name| **name != sig.name)?;
    let (_, seen) = cx.view.get(fallback)?;
    Some(Misfit {
        index: cx.block.index,
        fallback: fallback.clone(),
        message: mismatch(cx, sig, &seen.sig)?,
    })
}

/// Fallbacks that do not fit.
#[salsa::tracked(returns(ref))]
pub(crate) fn fallback_problems(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let mut found = Vec::new();
    for (chunk, misfits) in file_misfits(db, file).iter() {
        for misfit in &**misfits {
            let block = BlockRef {
                chunk: *chunk,
                index: misfit.index,
            };
            let place = Place {
                block,
                target: Target::Fallback,
            };
            let diag = Diag::new(rules::FALLBACK_MISMATCH, place, misfit.message.clone());
            found.push(match place_of(db, file, block, &misfit.fallback) {
                Some(place) => diag.label(place, "the fallback"),
                None => diag,
            });
        }
    }
    found
}

/// Where a node of that name stands in the plan of the block.
fn place_of(db: &dyn salsa::Database, file: SourceFile, block: BlockRef, name: &str) -> Option<Place> {
    let plans = file_plans(db, file);
    let (plan, _) = plans.place(block)?;
    let node = topologies(db, file)[plan as usize].find(name)?;
    Some(Place {
        block: plans.plans[plan as usize].nodes[node as usize].0,
        target: Target::Name,
    })
}

/// Why a node cannot stand in for another.
fn mismatch(cx: &Cx<'_>, sig: &NodeSig, other: &NodeSig) -> Option<String> {
    if other.kind == NodeKind::Hypothesis {
        return None;
    }
    if other.kind != NodeKind::Task {
        return Some(format!(
            "`{}` is a {}, expected a task as the fallback of `{}`",
            other.name,
            other.kind.word(),
            sig.name
        ));
    }
    if other.each != sig.each {
        return Some(format!(
            "one of `{}` and its fallback `{}` fans out, so their outputs differ",
            sig.name, other.name
        ));
    }
    if outputs_unknown(cx, other) || outputs_unknown(cx, sig) {
        return None;
    }
    let outputs = node_outputs(cx, other);
    // captures of a script are promised only where nothing else is
    let promised = if sig.outputs.is_some() {
        declared_outputs(cx, sig)
    } else {
        node_outputs(cx, sig)
    };
    promised
        .into_iter()
        .find_map(|(name, ty)| match outputs.iter().find(|(output, _)| *output == name) {
            None => Some(format!(
                "`{}` has no output `{name}`, expected one as `{}` has it",
                other.name, sig.name
            )),
            Some((_, found)) if assign(found, &ty, &cx.scope.types).is_err() => Some(format!(
                "`{}.{name}` is `{found}`, expected `{ty}` as of `{}`, for which it stands in",
                other.name, sig.name
            )),
            Some(_) => None,
        })
}
