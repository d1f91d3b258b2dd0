//! The server as a client sees it, over a pipe in memory, and features as functions of texts with a `$0` cursor.

mod asking;
mod assists;
mod client;
mod completion;
mod edits;
mod features;
mod fixture;
mod graph;
mod hints;
mod history;
mod lenses;
mod lifecycle;
mod meanings;
mod middles;
mod names;
mod navigation;
mod offers;
mod roots;
mod structure;
