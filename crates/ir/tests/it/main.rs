//! The tests of the IR: tables of text in, text out (`cases/`, rewritten with `BLESS=1`), properties, and plans.

mod cases;
mod data;
mod graph;
mod notation;
mod plan;
mod sample;
mod value;
mod verify;
