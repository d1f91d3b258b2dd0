//! A page as data: sections of paragraphs, lists, tables and preformatted text, and the two forms that it is written in.

use super::{html, markdown};

/// Running text.
pub type Line = Vec<Span>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Span {
    Text(String),
    Strong(String),
    Code(String),
    /// A status, in its colour where there are colours.
    Status(String),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Block {
    Paragraph(Line),
    List(Vec<Line>),
    Table {
        head: Vec<&'static str>,
        rows: Vec<Vec<Line>>,
    },
    /// As it was printed, or as it is typed.
    Verbatim(String),
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Section {
    /// Empty for the one that the page opens with.
    pub title: String,
    pub blocks: Vec<Block>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    pub title: String,
    pub sections: Vec<Section>,
}

impl Page {
    pub fn markdown(&self) -> String {
        markdown::write(self)
    }

    pub fn html(&self) -> String {
        html::write(self)
    }
}

impl Section {
    pub fn new(title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self {
            title: title.into(),
            blocks,
        }
    }
}

pub fn text(text: impl Into<String>) -> Span {
    Span::Text(text.into())
}

pub fn code(text: impl Into<String>) -> Span {
    Span::Code(text.into())
}

pub fn strong(text: impl Into<String>) -> Span {
    Span::Strong(text.into())
}

/// A line of plain text.
pub fn plain(text: impl Into<String>) -> Line {
    vec![Span::Text(text.into())]
}
