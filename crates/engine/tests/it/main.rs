//! Tests of the engine: scenarios to read, and random plans against a model of section 10.

extern crate dsl_engine as engine;

mod callers;
mod drive;
mod generate;
mod model;
mod notation;
mod random;
mod scale;
mod scenarios;
