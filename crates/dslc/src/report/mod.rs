//! `dslc report`: the hand-over of a run, for the person who has to take over.
//!
//! [`content`] says what is worth knowing, [`page`] is a page as data, and Markdown and HTML are two ways to write it.
//! Absent: anything that is not in the run's folder, so that the report of a copied run is the same.

mod content;
mod gathered;
mod html;
mod markdown;
mod page;

pub use content::report;
pub use gathered::Gathered;
