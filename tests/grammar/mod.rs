//! The grammars that stand beside the compiler's: each reads the same plans, and none of them knows the others.

mod agree;
mod corpus;
mod ebnf;
mod generated;
mod outline;
mod queries;
mod reading;
mod words;
