//! Aliases that lead back to themselves: a loop is one mistake, said where the first walk came into it.
//!
//! Linear in the aliases of a file. Absent: loops across files, which are said in each, and what the aliases mean.

use std::collections::{BTreeSet, HashMap};

use dsl_syntax::ast::TypeKind;
use smol_str::SmolStr;

use crate::signatures::{Sig, TypeSig};

/// The aliases of a file that need not be complained about: they lie on a loop, or lead into one, that is said elsewhere.
pub(crate) fn excused<'a>(declared: impl Iterator<Item = &'a Sig>) -> BTreeSet<SmolStr> {
    let aliases: Vec<(&SmolStr, &SmolStr)> = declared.filter_map(alias).collect();
    let next: HashMap<&SmolStr, &SmolStr> = aliases.iter().rev().copied().collect();
    let mut walked: HashMap<&SmolStr, usize> = HashMap::new();
    let mut endless: BTreeSet<&SmolStr> = BTreeSet::new();
    let mut excused = BTreeSet::new();
    for (walk, (start, _)) in aliases.iter().enumerate() {
        let mut path = Vec::new();
        let mut at = *start;
        while let Some(after) = next.get(at)
            && !walked.contains_key(at)
        {
            walked.insert(at, walk);
            path.push(at);
            at = after;
        }
        let is_new_loop = !path.is_empty() && walked.get(at) == Some(&walk);
        if is_new_loop || endless.contains(at) {
            excused.extend(
                path.iter()
                    .filter(|name| !is_new_loop || **name != at)
                    .map(|name| (*name).clone()),
            );
            endless.extend(path);
        }
    }
    excused
}

/// An alias and the lone name that it stands for.
fn alias(sig: &Sig) -> Option<(&SmolStr, &SmolStr)> {
    let Sig::Type(sig) = sig else { return None };
    let TypeSig {
        name, alias: Some(ty), ..
    } = &**sig
    else {
        return None;
    };
    match &ty.kind {
        TypeKind::Named {
            name: target,
            arg: None,
            ..
        } => Some((name, &target.text)),
        _ => None,
    }
}
