//! What a place in a plan knows: its names, its types, its facts.
//!
//! The checker of types asks only through this trait, so that it can be tested with a table of names and used for
//! every clause alike.

use dsl_syntax::ast::{Arg, Name, Span};
use ir::types::{Type, Types};
use ir::{Expr, Ref};
use smol_str::SmolStr;

use super::infer::Typed;
use super::problem::Report;

/// The scope of one place.
pub trait Env {
    /// The records that `Type::Record` refers to.
    fn types(&self) -> &Types;

    /// A declared type (record, enumeration or alias). Built-in types are not asked for.
    fn type_named(&self, name: &str) -> Option<Type>;

    /// The declared types, for "did you mean".
    fn type_names(&self) -> Vec<SmolStr>;

    /// The first name of a path. Whoever answers [`Lookup::NotFound`] leaves the report to the caller; whoever has
    /// something else to say (an undeclared dependency) says it in `report` and answers `Found` or `Silenced`. It is
    /// also called with a throw-away report, only to see whether a name is in scope.
    fn first(&self, name: &str, span: Span, report: &mut Report) -> Lookup;

    /// `name` in `of`. The same rules.
    fn member(&self, of: &Namespace, name: &Name, report: &mut Report) -> Lookup;

    /// Whether functions that look at the world (`file`, `exists`, `hash`) may be called here.
    fn observes(&self) -> bool {
        false
    }

    /// What is known to be there, from guards outside the expression (`when x is not none`): see
    /// [`super::facts_when`]. An expression of this list loses the `?` of its type.
    fn known(&self) -> &[Expr] {
        &[]
    }

    /// Whether something outside the expression says that the value is there where the others are not: one of them is.
    fn one_is_there(&self, value: &Expr, absent: &[Expr]) -> bool {
        let _ = (value, absent);
        false
    }

    /// Told what a name turned out to be that only types explain, for whoever asks about names. Checks do not.
    fn meant(&self, name: Span, meant: Meant<'_>) {
        let _ = (name, meant);
    }

    /// Functions that exist only at this place (`status(n)` in a test). `None`: not one of them.
    fn call(&self, func: &Name, args: &[Arg], report: &mut Report) -> Option<Typed> {
        let _ = (func, args, report);
        None
    }
}

/// What types make of a name.
#[derive(Clone, Copy, Debug)]
pub enum Meant<'t> {
    /// A field of a value, or of one that is being written; of which type the field is.
    Field { of: &'t Type, ty: &'t Type },
    /// One of these members of an enumeration.
    Member(&'t [SmolStr]),
}

/// What a name means.
#[derive(Clone, Debug)]
pub enum Lookup {
    Found {
        ty: Type,
        expr: Expr,
    },
    /// A group of values, as `params`, a node, `memory`, `memory.http3`: its members are looked up next.
    Namespace(Namespace),
    NotFound {
        candidates: Vec<SmolStr>,
    },
    /// A problem was reported here or elsewhere; the value has the error type.
    Silenced,
}

impl Lookup {
    pub fn value(ty: Type, r: Ref) -> Self {
        Self::Found { ty, expr: Expr::Ref(r) }
    }
}

/// A group of values. `path` is how the plan writes it; `id` is the supplier's own (the index of a node, say).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Namespace {
    pub path: SmolStr,
    pub id: u32,
}
