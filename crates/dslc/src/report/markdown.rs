//! A page as Markdown (CommonMark with tables). What came from outside is escaped: it cannot become markup.

use std::fmt::Write;

use super::page::{Block, Page, Span};

pub fn write(page: &Page) -> String {
    let mut out = format!("# {}\n", escaped(&page.title));
    for section in &page.sections {
        if !section.title.is_empty() {
            // Infallible: writing to a string.
            let _ = write!(out, "\n## {}\n", escaped(&section.title));
        }
        for block in &section.blocks {
            out.push('\n');
            self::block(&mut out, block);
        }
    }
    out
}

fn block(out: &mut String, block: &Block) {
    match block {
        Block::Paragraph(line) => {
            let _ = writeln!(out, "{}", self::line(line));
        }
        Block::List(items) => {
            for item in items {
                let _ = writeln!(out, "- {}", line(item));
            }
        }
        Block::Table { head, rows } => {
            let _ = writeln!(out, "| {} |", head.join(" | "));
            let _ = writeln!(out, "|{}", " --- |".repeat(head.len()));
            for row in rows {
                let cells: Vec<String> = row.iter().map(|cell| line(cell)).collect();
                let _ = writeln!(out, "| {} |", cells.join(" | "));
            }
        }
        Block::Verbatim(text) => {
            let fence = fence(text);
            let _ = writeln!(out, "{fence}\n{}\n{fence}", text.trim_end_matches('\n'));
        }
    }
}

fn line(line: &[Span]) -> String {
    line.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    match span {
        Span::Text(text) => escaped(text),
        Span::Strong(text) | Span::Status(text) => format!("**{}**", escaped(text)),
        Span::Code(text) => code(text),
    }
}

/// Between as many backticks as it takes. A bar would end the cell of a table, in code too.
fn code(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    let ticks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

fn fence(text: &str) -> String {
    "`".repeat(longest_run(text).max(2) + 1)
}

/// Of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if "\\`*_{}[]<>#|~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn one_line(text: &str) -> String {
    text.replace("\r\n", " ").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::super::page::{Section, code, plain, text};
    use super::*;

    #[test]
    fn what_came_from_outside_is_no_markup() {
        let page = Page {
            title: "a | *b*".to_owned(),
            sections: vec![Section::new(
                "",
                vec![
                    Block::Paragraph(vec![text("<script>\nx"), code("a`b|c")]),
                    Block::Table {
                        head: vec!["x"],
                        rows: vec![vec![plain("1|2\n3")]],
                    },
                    Block::Verbatim("```\nin\n```\n".to_owned()),
                ],
            )],
        };
        assert_eq!(
            write(&page),
            "# a \\| \\*b\\*\n\n\\<script\\> x``a`b\\|c``\n\n| x |\n| --- |\n| 1\\|2 3 |\n\n````\n```\nin\n```\n````\n"
        );
    }
}
