//! The grammar as pictures: railroad diagrams of `plan.ebnf`, one picture a section, for the book.
//!
//! Drawn from the same reading of the notation as the recogniser's, so a picture says what the document says.

use railroad::{
    Choice, Comment, Diagram, Empty, HorizontalGrid, LabeledBox, Node, NonTerminal, Optional, Repeat, Sequence,
    SimpleEnd, SimpleStart, Stack, Stylesheet, Terminal, VerticalGrid,
};
use regex::Regex;

use super::notation::{Definition, Exp, read};
use super::text;
use crate::book::{BLESS, current};

/// What is wider goes on in the next line, in pixels.
const WIDTH_MAX: i64 = 900;

type Drawn = Box<dyn Node>;

#[test]
fn the_pictures_of_the_grammar_are_current() {
    let mut complaints = Vec::new();
    let mut page =
        String::from("# Grammar\n\nThe grammar as a document, `grammar/plan.ebnf`; below, the same in pictures.\n\n");
    page += "```ebnf\n{{#include ../grammar/plan.ebnf}}\n```\n";
    for (title, definitions) in sections() {
        let number = title.split(' ').next().unwrap_or_default();
        let name = format!("pictures/grammar-{number}.svg");
        current(&name, &picture(&definitions), &mut complaints);
        page += &format!("\n## {title}\n\n![{title}: railroad diagrams]({name})\n");
    }
    current("grammar.md", &page, &mut complaints);
    assert!(complaints.is_empty(), "{complaints:?} {BLESS}");
}

/// The sections of the document, by their titles.
fn sections() -> Vec<(String, Vec<Definition>)> {
    let text = text();
    let title = Regex::new(r"\(\* -+ (\d+)  ([A-Za-z]+)[^*]* -+ \*\)").expect("ours");
    let titles: Vec<_> = title.captures_iter(&text).collect();
    let start = |at: usize| {
        titles
            .get(at)
            .map_or(text.len(), |found| found.get(0).expect("it matched").start())
    };
    let section = |(at, found): (usize, &regex::Captures<'_>)| {
        let title = format!("{} {}", &found[1], &found[2]);
        (title, read(&text[start(at)..start(at + 1)]))
    };
    titles.iter().enumerate().map(section).collect()
}

fn picture(definitions: &[Definition]) -> String {
    let rows = definitions.iter().flat_map(|definition| {
        let name = match &definition.parameter {
            Some(parameter) => format!("{}({parameter})", definition.name),
            None => definition.name.clone(),
        };
        let way: Vec<Drawn> = vec![Box::new(SimpleStart), drawn(&definition.exp), Box::new(SimpleEnd)];
        let label: Drawn = Box::new(HorizontalGrid::new(vec![Comment::new(name)]));
        let way: Drawn = Box::new(Sequence::new(way));
        [label, way]
    });
    let grid: VerticalGrid<Drawn> = VerticalGrid::new(rows.collect());
    format!("{}\n", Diagram::new_with_stylesheet(grid, &Stylesheet::Light))
}

fn drawn(exp: &Exp) -> Drawn {
    match exp {
        Exp::Literal(text) => Box::new(Terminal::new(text.clone())),
        Exp::Pattern(pattern) => Box::new(Terminal::new(format!("/{pattern}/"))),
        Exp::Name(name) => Box::new(NonTerminal::new(name.clone())),
        Exp::Call(name, of) => Box::new(LabeledBox::new(drawn(of), Comment::new(name.clone()))),
        Exp::Seq(parts) => sequence(parts),
        Exp::Any(choices) => Box::new(Choice::new(choices.iter().map(drawn).collect::<Vec<Drawn>>())),
        Exp::Maybe(inner) => Box::new(Optional::new(drawn(inner))),
        Exp::Many(inner) => Box::new(Optional::new(Repeat::new(drawn(inner), Empty))),
    }
}

/// `x { "," x }` is one loop; what is too wide goes on below.
fn sequence(parts: &[Exp]) -> Drawn {
    let mut lines: Vec<Vec<Drawn>> = vec![Vec::new()];
    let mut width = 0;
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        at += 1;
        let next: Drawn = match parts.get(at).and_then(|next| between(part, next)) {
            Some(separator) => {
                at += 1;
                Box::new(Repeat::new(drawn(part), sequence(separator)))
            }
            None => drawn(part),
        };
        if width > 0 && width + next.width() > WIDTH_MAX {
            lines.push(Vec::new());
            width = 0;
        }
        width += next.width();
        lines.last_mut().expect("there is one").push(next);
    }
    match lines.len() {
        1 => Box::new(Sequence::new(lines.remove(0))),
        _ => Box::new(Stack::new(lines.into_iter().map(Sequence::new).collect())),
    }
}

/// What stands between the repetitions of `part`, if that is what comes next.
fn between<'e>(part: &Exp, next: &'e Exp) -> Option<&'e [Exp]> {
    let Exp::Many(inner) = next else { return None };
    match &**inner {
        Exp::Seq(parts) => parts
            .split_last()
            .filter(|(last, _)| *last == part)
            .map(|(_, separator)| separator),
        _ => None,
    }
}
