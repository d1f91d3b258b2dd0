//! Tests of the whole: the command line as people use it, crashes, snapshots, and the rules of the house.

mod cli;
mod crash;
mod house;
mod snapshots;
