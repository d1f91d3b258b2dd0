//! Types: what a type as written means, what an expression's type is, how it is lowered, and what becomes of `{{ … }}`
//! in a script.
//!
//! Promise: one mistake, one problem. Whatever is wrong gets the type [`ir::Type::Error`], which fits everywhere and
//! silences what follows. Every problem is one call on [`Report`]; spans are relative to the block, as in the tree.
//! Absent: files, plans, graphs, salsa. What a name means at a place is the business of the [`Env`] that the caller
//! supplies.
//!
//! - [`resolve_type`] turns a written type into an [`ir::Type`].
//! - [`infer`] types and lowers an expression; with an expected type it also checks against it.
//! - [`infer_string`] does the same for the string literals that stand outside expressions (titles, messages).
//! - [`assign`] says whether a value of one type may stand where another is expected.
//! - [`constant`] and `literal_*` fold what has to be known before a run.
//! - [`facts_when`] says what is known not to be none once a condition turned out true or false.
//! - [`shell::lower_script`] turns the interpolations of a script into variables.

mod assign;
mod calls;
mod env;
mod infer;
mod literal;
mod names;
mod narrow;
mod ops;
pub mod problem;
mod records;
mod repair;
mod resolve;
pub mod shell;
mod signature;
#[cfg(test)]
mod tests;

pub use assign::{Mismatch, assign, without_optional};
pub use env::{Env, Lookup, Meant, Namespace};
pub use infer::{Typed, infer, infer_string};
pub(crate) use literal::literal_value;
pub use literal::{constant, literal_bool, literal_duration, literal_int, literal_money, literal_ratio, literal_size};
pub use narrow::facts_when;
pub use problem::{Problem, ProblemFix, Report};
pub use resolve::{BUILTIN_TYPES, resolve_type};
