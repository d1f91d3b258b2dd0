//! The language server as an editor meets it: the real binary on pipes, well-behaved clients and others.

mod client;
mod edits;
mod history;
mod hostile;
mod surroundings;
