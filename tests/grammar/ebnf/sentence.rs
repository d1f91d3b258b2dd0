//! A plan as the sentences that `plan.ebnf` speaks about: the compiler's tokens, with NL, INDENT and DEDENT in their places.

use std::collections::HashMap;

use dsl_syntax::{Kind, LineKind, Token, lex};
use regex::Regex;

use super::notation::{Definition, Exp};

/// The tokens that the grammar defines by their characters.
const LEXICAL: &[(Kind, &str)] = &[
    (Kind::Name, "NAME"),
    (Kind::Principal, "PRINCIPAL"),
    (Kind::Int, "INT"),
    (Kind::Float, "FLOAT"),
    (Kind::Version, "VERSION"),
    (Kind::Quantity, "QUANTITY"),
    (Kind::Ratio, "RATIO"),
    (Kind::Money, "MONEY"),
    (Kind::Regex, "REGEX"),
    (Kind::StrText, "TEXT"),
];

/// The names in the grammar that stand for one token.
pub fn token_names() -> Vec<&'static str> {
    let lexical = LEXICAL.iter().map(|(_, name)| *name);
    lexical
        .chain(["NL", "INDENT", "DEDENT", "RAW-LINE", "COMMENT", "DOC"])
        .collect()
}

/// What a token looks like, by its kind.
pub struct Lexicon(HashMap<Kind, (&'static str, Regex)>);

/// A line at the margin and what is below it: its words, each as the terminals it can be, and where each stands.
#[derive(Default)]
pub struct Sentence {
    pub words: Vec<Vec<String>>,
    pub places: Vec<usize>,
}

impl Sentence {
    fn push(&mut self, place: usize, terminals: &[&str]) {
        self.words.push(terminals.iter().map(|&it| it.to_owned()).collect());
        self.places.push(place);
    }
}

impl Lexicon {
    pub fn new(definitions: &[Definition]) -> Self {
        let regex = |name: &str| {
            let pattern = pattern(&Exp::Name(name.to_owned()), definitions);
            Regex::new(&format!("^(?:{pattern})$")).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        Self(
            LEXICAL
                .iter()
                .map(|(kind, name)| (*kind, (*name, regex(name))))
                .collect(),
        )
    }

    /// The sentences of a plan; a file is all of them, one after the other.
    pub fn sentences(&self, text: &str) -> Vec<Sentence> {
        let lexed = lex(text);
        let mut sentences: Vec<Sentence> = Vec::new();
        let mut levels = vec![0];
        for line in lexed.lines.iter().filter(|line| line.kind == LineKind::Code) {
            let tokens = &lexed.tokens[line.tokens.start as usize..line.tokens.end as usize];
            let place = tokens
                .iter()
                .find(|token| !token.kind.is_trivia())
                .map_or(0, |token| token.start as usize);
            let mut layout = Sentence::default();
            while levels.last().is_some_and(|level| line.indent < *level) {
                levels.pop();
                layout.push(place, &["DEDENT"]);
            }
            if levels.last().is_some_and(|level| line.indent > *level) {
                // A line that is deeper than one header and less deep than the lines below it is aligned with nothing.
                let aligned = layout.words.is_empty();
                layout.push(place, if aligned { &["INDENT"] } else { &[] });
                levels.push(line.indent);
            }
            if let Some(last) = sentences.last_mut() {
                last.words.append(&mut layout.words);
                last.places.append(&mut layout.places);
            }
            if line.indent == 0 || sentences.is_empty() {
                sentences.push(layout);
            }
            if let Some(sentence) = sentences.last_mut() {
                for token in tokens.iter().filter(|token| !token.kind.is_trivia()) {
                    self.token(text, *token, sentence);
                }
            }
        }
        if let Some(last) = sentences.last_mut() {
            levels[1..].iter().for_each(|_| last.push(text.len(), &["DEDENT"]));
        }
        sentences
    }

    fn token(&self, text: &str, token: Token, sentence: &mut Sentence) {
        let place = token.start as usize;
        let written = &text[token.range()];
        let literal = format!("\"{written}\"");
        match (token.kind, self.0.get(&token.kind)) {
            (Kind::Newline, _) => sentence.push(place, &["NL"]),
            (Kind::Raw, _) => {
                sentence.push(place, &["NL"]);
                written.split('\n').for_each(|_| sentence.push(place, &["RAW-LINE"]));
            }
            (Kind::Bad, _) => sentence.push(place, &[]),
            (_, Some((_, regex))) if !regex.is_match(written) => sentence.push(place, &[]),
            (Kind::Name, Some((name, _))) => sentence.push(place, &[name, &literal]),
            (_, Some((name, _))) => sentence.push(place, &[name]),
            (_, None) => sentence.push(place, &[&literal]),
        }
    }
}

/// The regular expression of a token: all names in its definition are spelt out.
fn pattern(exp: &Exp, definitions: &[Definition]) -> String {
    let join = |parts: &[Exp], by: &str| {
        let parts: Vec<_> = parts.iter().map(|part| pattern(part, definitions)).collect();
        parts.join(by)
    };
    match exp {
        Exp::Literal(text) => regex::escape(text),
        Exp::Pattern(pattern) => format!("(?:{pattern})"),
        Exp::Seq(parts) => join(parts, ""),
        Exp::Any(parts) => format!("(?:{})", join(parts, "|")),
        Exp::Maybe(inner) => format!("(?:{})?", pattern(inner, definitions)),
        Exp::Many(inner) => format!("(?:{})*", pattern(inner, definitions)),
        Exp::Name(name) | Exp::Call(name, _) => {
            let definition = definitions.iter().find(|it| it.name == *name);
            let definition = definition.unwrap_or_else(|| panic!("`{name}` is not defined"));
            pattern(&definition.exp, definitions)
        }
    }
}
