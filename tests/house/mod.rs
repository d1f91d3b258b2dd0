//! The rules of the house: what the documents say about the code, and what must hold of every file.

mod crates;
mod docs;
mod fixes;
mod grammar;
mod paths;
mod readme;
mod rules;
