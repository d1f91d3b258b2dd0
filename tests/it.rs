//! Tests of the whole: the command line as people use it, crashes, grammars, snapshots, and the rules of the house.

mod book;
mod bounds;
mod cli;
mod crash;
mod grammar;
mod house;
mod reach;
mod snapshots;
mod wire;
