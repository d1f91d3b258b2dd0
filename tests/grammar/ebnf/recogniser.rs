//! Recognises sentences of a grammar in EBNF: from every place, the set of places where a rule may end, each set found once.
//!
//! The rules must not be left-recursive. Absent: trees; it only says whether a sentence belongs to the language, and if not,
//! how far a reader gets.

use std::collections::HashMap;
use std::rc::Rc;

use super::notation::{Definition, Exp};

/// The number of a terminal: `when` in quotes, or the name of a token.
type Terminal = usize;

/// Which of at most 256 terminals may come first.
#[derive(Clone, Copy, Default, PartialEq)]
struct First {
    terminals: [u64; 4],
    /// Or nothing at all.
    empty: bool,
}

impl First {
    fn of(terminal: Terminal) -> Self {
        let mut first = Self::default();
        first.terminals[terminal / 64] |= 1 << (terminal % 64);
        first
    }

    fn has(&self, terminal: Terminal) -> bool {
        (self.terminals[terminal / 64] >> (terminal % 64)) & 1 == 1
    }

    fn or(mut self, other: Self) -> Self {
        for (here, there) in self.terminals.iter_mut().zip(other.terminals) {
            *here |= there;
        }
        self.empty |= other.empty;
        self
    }
}

enum Node {
    Terminal(Terminal),
    /// The rule of this number.
    Rule(usize),
    Seq(Vec<usize>),
    Any(Vec<usize>),
    Maybe(usize),
    Many(usize),
}

pub struct Grammar {
    terminals: HashMap<String, Terminal>,
    nodes: Vec<Node>,
    /// The node of each rule.
    rules: Vec<usize>,
    names: HashMap<String, usize>,
    first: Vec<First>,
}

impl Grammar {
    /// The grammar of some definitions. `tokens` are the names that stand for one token.
    pub fn new(definitions: &[Definition], tokens: &[&str]) -> Self {
        let plain = definitions
            .iter()
            .filter(|it| it.parameter.is_none() && !tokens.contains(&it.name.as_str()));
        let names = plain
            .clone()
            .enumerate()
            .map(|(at, it)| (it.name.clone(), at))
            .collect();
        let mut grammar = Self {
            terminals: HashMap::new(),
            nodes: Vec::new(),
            rules: Vec::new(),
            names,
            first: Vec::new(),
        };
        for definition in plain {
            let node = grammar.node(&definition.exp, definitions, None);
            grammar.rules.push(node);
        }
        assert!(grammar.terminals.len() <= 256, "more terminals than `First` holds");
        grammar.find_first();
        grammar
    }

    fn node(&mut self, exp: &Exp, definitions: &[Definition], argument: Option<(&str, usize)>) -> usize {
        let mut nodes = |parts: &[Exp]| {
            parts
                .iter()
                .map(|part| self.node(part, definitions, argument))
                .collect()
        };
        let node = match exp {
            Exp::Seq(parts) => Node::Seq(nodes(parts)),
            Exp::Any(parts) => Node::Any(nodes(parts)),
            Exp::Maybe(inner) => Node::Maybe(self.node(inner, definitions, argument)),
            Exp::Many(inner) => Node::Many(self.node(inner, definitions, argument)),
            Exp::Literal(text) => Node::Terminal(self.terminal(&format!("\"{text}\""))),
            // Characters are parts of tokens; no sentence has them.
            Exp::Pattern(_) => Node::Any(Vec::new()),
            Exp::Name(name) => match (argument, self.names.get(name)) {
                (Some((parameter, node)), _) if parameter == name => return node,
                (_, Some(rule)) => Node::Rule(*rule),
                (_, None) => Node::Terminal(self.terminal(name)),
            },
            Exp::Call(name, argument_exp) => {
                let node = self.node(argument_exp, definitions, argument);
                let called = definitions.iter().find(|it| it.name == *name && it.parameter.is_some());
                let called = called.unwrap_or_else(|| panic!("`{name}` takes no parameter"));
                let parameter = called.parameter.as_deref().expect("it was looked for");
                return self.node(&called.exp, definitions, Some((parameter, node)));
            }
        };
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn terminal(&mut self, name: &str) -> Terminal {
        let next = self.terminals.len();
        *self.terminals.entry(name.to_owned()).or_insert(next)
    }

    /// The terminals that can begin each node, from below until nothing changes.
    fn find_first(&mut self) {
        self.first = vec![First::default(); self.nodes.len()];
        let nothing = First {
            empty: true,
            ..First::default()
        };
        loop {
            let mut changed = false;
            for at in 0..self.nodes.len() {
                let found = match &self.nodes[at] {
                    Node::Terminal(terminal) => First::of(*terminal),
                    Node::Rule(rule) => self.first[self.rules[*rule]],
                    Node::Any(parts) => parts
                        .iter()
                        .fold(First::default(), |all, part| all.or(self.first[*part])),
                    Node::Maybe(inner) | Node::Many(inner) => self.first[*inner].or(nothing),
                    Node::Seq(parts) => {
                        let mut all = nothing;
                        for part in parts {
                            if !all.empty {
                                break;
                            }
                            all = First { empty: false, ..all }.or(self.first[*part]);
                        }
                        all
                    }
                };
                changed |= found != self.first[at];
                self.first[at] = found;
            }
            if !changed {
                return;
            }
        }
    }

    /// Whether the words, each as the terminals it can be, are a sentence of the rule; if not, how many of them begin one.
    pub fn recognise(&self, rule: &str, words: &[Vec<String>]) -> Result<(), usize> {
        let numbers = |word: &Vec<String>| {
            word.iter()
                .filter_map(|name| self.terminals.get(name).copied())
                .collect()
        };
        let mut reading = Reading {
            grammar: self,
            words: words.iter().map(numbers).collect(),
            found: HashMap::new(),
            furthest: 0,
        };
        let ends = reading.ends(self.rules[self.names[rule]], 0);
        if ends.contains(&words.len()) {
            Ok(())
        } else {
            Err(reading.furthest)
        }
    }
}

struct Reading<'g> {
    grammar: &'g Grammar,
    words: Vec<Vec<Terminal>>,
    /// Where a rule ends that begins at a place.
    found: HashMap<(usize, usize), Rc<[usize]>>,
    furthest: usize,
}

impl Reading<'_> {
    /// The places where the node may end that begins at `at`.
    fn ends(&mut self, node: usize, at: usize) -> Rc<[usize]> {
        let first = &self.grammar.first[node];
        if !self
            .words
            .get(at)
            .is_some_and(|word| word.iter().any(|it| first.has(*it)))
        {
            self.furthest = self.furthest.max(at);
            return if first.empty { Rc::from([at]) } else { Rc::from([]) };
        }
        let grammar = self.grammar;
        match &grammar.nodes[node] {
            Node::Terminal(_) => Rc::from([at + 1]),
            Node::Rule(rule) => {
                if let Some(known) = self.found.get(&(*rule, at)) {
                    return known.clone();
                }
                let ends = self.ends(grammar.rules[*rule], at);
                self.found.insert((*rule, at), ends.clone());
                ends
            }
            Node::Seq(parts) => parts
                .iter()
                .fold(Rc::from([at]), |starts, part| self.ends_from_all(&starts, *part)),
            Node::Any(parts) => union(parts.iter().map(|part| self.ends(*part, at))),
            Node::Maybe(inner) => union([Rc::from([at]), self.ends(*inner, at)].into_iter()),
            Node::Many(inner) => {
                let mut all = vec![at];
                let mut next = 0;
                while let Some(&start) = all.get(next) {
                    let ends = self.ends(*inner, start);
                    all.extend(ends.iter().filter(|end| **end > start));
                    all.sort_unstable();
                    all.dedup();
                    next += 1;
                }
                all.into()
            }
        }
    }

    fn ends_from_all(&mut self, starts: &[usize], node: usize) -> Rc<[usize]> {
        union(starts.iter().map(|start| self.ends(node, *start)))
    }
}

fn union(sets: impl Iterator<Item = Rc<[usize]>>) -> Rc<[usize]> {
    let mut all: Vec<usize> = Vec::new();
    for set in sets {
        all.extend(set.iter());
    }
    all.sort_unstable();
    all.dedup();
    all.into()
}
