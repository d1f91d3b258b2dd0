//! A page as HTML: one file that needs no other, light or dark as its reader has it. What came from outside is escaped.

use std::fmt::Write;

use super::page::{Block, Line, Page, Span};

const STYLE: &str = "\
:root{--ink:#1c2128;--soft:#5b6572;--line:#d9dee4;--back:#fff;--tint:#f5f7f9;--good:#18794e;--bad:#c62a2f;--wait:#9a5b00;--run:#0b62c4}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--soft:#9aa4b0;--line:#343b44;--back:#15181c;--tint:#1e2329;--good:#4cc38a;--bad:#ff7a7f;--wait:#f0b357;--run:#6db3ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.5rem 5rem}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.2rem;margin:2.5rem 0 .75rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
p,ul{margin:.6rem 0}
ul{padding-left:1.3rem}
li{margin:.25rem 0}
code,pre{font:.875em/1.5 ui-monospace,monospace}
code{background:var(--tint);padding:.1em .3em;border-radius:4px;overflow-wrap:anywhere}
pre{background:var(--tint);border:1px solid var(--line);border-radius:6px;padding:.75rem 1rem;overflow-x:auto;margin:.6rem 0}
.table{overflow-x:auto;margin:.75rem 0}
table{border-collapse:collapse;width:100%;font-size:.94em}
th{text-align:left;color:var(--soft);font-weight:600;white-space:nowrap}
th,td{padding:.4rem .9rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
.s{font-weight:600;white-space:nowrap}
.completed,.approved{color:var(--good)}.failed,.cancelled,.rejected{color:var(--bad)}
.waiting,.blocked,.paused,.interrupted,.timeout{color:var(--wait)}.running,.ready{color:var(--run)}
.skipped,.pending{color:var(--soft)}
@media print{main{max-width:none;padding:0}pre{white-space:pre-wrap}}
";

pub fn write(page: &Page) -> String {
    let title = escaped(&page.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    for section in &page.sections {
        out.push_str("<section>\n");
        if !section.title.is_empty() {
            // Infallible: writing to a string.
            let _ = writeln!(out, "<h2>{}</h2>", escaped(&section.title));
        }
        for block in &section.blocks {
            self::block(&mut out, block);
        }
        out.push_str("</section>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn block(out: &mut String, block: &Block) {
    match block {
        Block::Paragraph(line) => {
            let _ = writeln!(out, "<p>{}</p>", self::line(line));
        }
        Block::List(items) => {
            out.push_str("<ul>\n");
            for item in items {
                let _ = writeln!(out, "<li>{}</li>", line(item));
            }
            out.push_str("</ul>\n");
        }
        Block::Table { head, rows } => table(out, head, rows),
        Block::Verbatim(text) => {
            let _ = writeln!(out, "<pre>{}</pre>", escaped(text.trim_end_matches('\n')));
        }
    }
}

fn table(out: &mut String, head: &[&str], rows: &[Vec<Line>]) {
    out.push_str("<div class=\"table\"><table>\n<thead><tr>");
    for cell in head {
        let _ = write!(out, "<th>{}</th>", escaped(cell));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", line(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn line(line: &[Span]) -> String {
    line.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    match span {
        Span::Text(text) => escaped(text).replace('\n', "<br>"),
        Span::Strong(text) => format!("<strong>{}</strong>", escaped(text)),
        Span::Code(text) => format!("<code>{}</code>", escaped(text)),
        Span::Status(text) => {
            let class: String = text.chars().filter(char::is_ascii_alphabetic).collect();
            format!("<span class=\"s {class}\">{}</span>", escaped(text))
        }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::page::{Section, code};
    use super::*;

    #[test]
    fn what_came_from_outside_is_no_markup_and_nothing_is_fetched() {
        let page = Page {
            title: "<b>&".to_owned(),
            sections: vec![Section::new("", vec![Block::Paragraph(vec![code("\"<i>")])])],
        };
        let html = write(&page);
        assert!(html.contains("<h1>&lt;b&gt;&amp;</h1>"));
        assert!(html.contains("<code>&quot;&lt;i&gt;</code>"));
        assert!(!html.contains("http") && !html.contains("<script") && !html.contains("url("));
    }
}
