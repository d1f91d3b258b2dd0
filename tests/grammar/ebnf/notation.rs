//! Reads the notation of `plan.ebnf`: comments, definitions, and what stands in them.
//!
//! Absent: what a name means. Which names are tokens is the business of `recogniser.rs`.

use regex::Regex;

/// The right side of a definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exp {
    Literal(String),
    /// A regular expression over characters.
    Pattern(String),
    Name(String),
    /// `body(clause)`: a definition with a parameter.
    Call(String, Box<Exp>),
    Seq(Vec<Exp>),
    Any(Vec<Exp>),
    Maybe(Box<Exp>),
    Many(Box<Exp>),
}

pub struct Definition {
    pub name: String,
    pub parameter: Option<String>,
    pub exp: Exp,
    /// The words of the comment above or beside it, if it is a list of words: `(* Expr, Literal *)`.
    pub shapes: Vec<String>,
}

enum Mark {
    Comment(String),
    Literal(String),
    Pattern(String),
    Name(String),
    /// A name with a bracket that touches it.
    Call(String),
    Sign(char),
}

pub fn read(text: &str) -> Vec<Definition> {
    let mut reader = Reader {
        marks: marks(text),
        at: 0,
    };
    let mut definitions = Vec::new();
    let mut shapes = Vec::new();
    while let Some(mark) = reader.next() {
        let (name, parameter) = match mark {
            Mark::Comment(comment) => {
                shapes = words(&comment);
                continue;
            }
            Mark::Name(name) => (name, None),
            Mark::Call(name) => {
                let parameter = reader.name();
                reader.sign(')');
                (name, Some(parameter))
            }
            _ => panic!("no definition begins here, after {:?}", definitions.last().map(named)),
        };
        reader.sign('=');
        let exp = reader.choice();
        reader.sign(';');
        definitions.push(Definition {
            name,
            parameter,
            exp,
            shapes: shapes.clone(),
        });
    }
    definitions
}

fn named(definition: &Definition) -> &str {
    &definition.name
}

fn marks(text: &str) -> Vec<Mark> {
    let kinds =
        r#"(?s)\(\*(.*?)\*\)|"([^"]*)"|'([^']*)'|/((?:\\.|[^/\\])*)/|([A-Za-z][A-Za-z-]*)(\()?|([=;|()\[\]{}])"#;
    let kinds = Regex::new(kinds).expect("ours");
    let mut end = 0;
    let marks = kinds.captures_iter(text).map(|found| {
        let whole = found.get(0).expect("the whole match");
        let between = &text[end..whole.start()];
        assert!(between.trim().is_empty(), "no part of the notation: {between}");
        end = whole.end();
        let part = |at: usize| found.get(at).map(|part| part.as_str().to_owned());
        let quoted = part(2).or(part(3)).map(Mark::Literal);
        let name = part(5).map(|name| {
            if found.get(6).is_some() {
                Mark::Call(name)
            } else {
                Mark::Name(name)
            }
        });
        let sign = part(7).and_then(|sign| sign.chars().next()).map(Mark::Sign);
        let other = part(1).map(Mark::Comment).or(part(4).map(Mark::Pattern));
        quoted.or(name).or(sign).or(other).expect("one of the kinds")
    });
    marks.collect()
}

/// The words of a comment that is a list of them, else nothing.
fn words(comment: &str) -> Vec<String> {
    let words: Vec<_> = comment.split(',').map(|word| word.trim().to_owned()).collect();
    let is_word = |word: &String| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    if words.iter().all(is_word) { words } else { Vec::new() }
}

struct Reader {
    marks: Vec<Mark>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<Mark> {
        let mark = self.marks.get_mut(self.at)?;
        self.at += 1;
        Some(std::mem::replace(mark, Mark::Sign(' ')))
    }

    fn name(&mut self) -> String {
        match self.next() {
            Some(Mark::Name(name)) => name,
            _ => panic!("a name is missing"),
        }
    }

    fn sign(&mut self, sign: char) {
        assert!(self.take(sign), "`{sign}` is missing before mark {}", self.at);
    }

    /// Takes a sign, and the comments before it.
    fn take(&mut self, sign: char) -> bool {
        while matches!(self.marks.get(self.at), Some(Mark::Comment(_))) {
            self.at += 1;
        }
        let is_next = matches!(self.marks.get(self.at), Some(Mark::Sign(next)) if *next == sign);
        self.at += usize::from(is_next);
        is_next
    }

    fn choice(&mut self) -> Exp {
        let mut choices = vec![self.sequence()];
        while self.take('|') {
            choices.push(self.sequence());
        }
        if choices.len() == 1 {
            choices.remove(0)
        } else {
            Exp::Any(choices)
        }
    }

    fn sequence(&mut self) -> Exp {
        let mut parts = Vec::new();
        while !matches!(
            self.marks.get(self.at),
            None | Some(Mark::Sign('|' | ';' | ')' | ']' | '}'))
        ) {
            parts.extend(self.part());
        }
        Exp::Seq(parts)
    }

    fn part(&mut self) -> Option<Exp> {
        Some(match self.next()? {
            Mark::Comment(_) => return None,
            Mark::Literal(text) => Exp::Literal(text),
            Mark::Pattern(pattern) => Exp::Pattern(pattern),
            Mark::Name(name) => Exp::Name(name),
            Mark::Call(name) => Exp::Call(name, Box::new(self.inside(')'))),
            Mark::Sign('(') => self.inside(')'),
            Mark::Sign('[') => Exp::Maybe(Box::new(self.inside(']'))),
            Mark::Sign('{') => Exp::Many(Box::new(self.inside('}'))),
            Mark::Sign(sign) => panic!("`{sign}` stands where no part of a definition can begin"),
        })
    }

    fn inside(&mut self, closer: char) -> Exp {
        let inner = self.choice();
        self.sign(closer);
        inner
    }
}
