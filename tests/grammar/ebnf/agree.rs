//! The document reads every plan of the project that the compiler reads, and refuses most of what the compiler refuses.
//!
//! `clause` and `attribute` of the document leave to the table which words there are and which shape of value each takes;
//! here they are spelt out from the table, so that a wrong shape is refused too. The exact figures are printed: run it with
//! `--nocapture`.

#![expect(clippy::print_stdout, reason = "figures for `--nocapture`")]

use dsl_syntax::table::{ClauseKey, Shape};
use dsl_syntax::{Kind, lex};

use crate::grammar::{agree::plans, outline};

use super::notation::{self, Definition, Exp};
use super::recogniser::Grammar;
use super::sentence::{Lexicon, token_names};

/// Of the plans with a syntax error, the share that the document must refuse, in percent.
const REFUSED: usize = 97;
/// The same of plans that lost one token.
const REFUSED_OF_MUTANTS: usize = 94;

struct Document {
    grammar: Grammar,
    lexicon: Lexicon,
}

impl Document {
    fn new() -> Self {
        let mut definitions = notation::read(&super::text());
        spell_out_the_table(&mut definitions);
        Self {
            grammar: Grammar::new(&definitions, &token_names()),
            lexicon: Lexicon::new(&definitions),
        }
    }

    /// Reads a plan; if it cannot, the line where it stops.
    fn read(&self, text: &str) -> Result<(), String> {
        for sentence in self.lexicon.sentences(text) {
            self.grammar.recognise("file", &sentence.words).map_err(|stop| {
                let place = sentence.places.get(stop).copied().unwrap_or(text.len());
                let line = text[..place].matches('\n').count();
                let column = place - text[..place].rfind('\n').map_or(0, |at| at + 1);
                let shown = text.lines().nth(line).unwrap_or("the end");
                format!("{}:{}: {shown}", line + 1, column + 1)
            })?;
        }
        Ok(())
    }
}

/// Puts the clauses of the table in the place of `entry` (any clause with a colon) and `attribute`.
fn spell_out_the_table(definitions: &mut [Definition]) {
    let choices = |name: &str| alternatives(definitions, name);
    let (inline, below) = (choices("value"), choices("block-value"));
    let of_shape = |shape: Shape, names: &[String]| {
        let shape = format!("{shape:?}");
        let rules = definitions
            .iter()
            .filter(|it| it.shapes.contains(&shape) && names.contains(&it.name));
        rules.map(|rule| Exp::Name(rule.name.clone())).collect::<Vec<_>>()
    };
    let (mut entries, mut attributes) = (Vec::new(), Vec::new());
    for (key, shape) in pairs() {
        let clause = |value: Exp| Exp::Seq(vec![Exp::Literal(key.word().into()), Exp::Literal(":".into()), value]);
        let (inline, below) = (of_shape(shape, &inline), of_shape(shape, &below));
        assert!(!inline.is_empty() || !below.is_empty(), "no rule for {shape:?}");
        let line = Exp::Seq(vec![Exp::Any(inline.clone()), Exp::Name("NL".into())]);
        entries.push(clause(Exp::Any([vec![line], below].concat())));
        attributes.push(clause(Exp::Any(inline)));
    }
    for (name, choices) in [("entry", entries), ("attribute", attributes)] {
        let rule = definitions.iter_mut().find(|it| it.name == name);
        rule.unwrap_or_else(|| panic!("no rule `{name}`")).exp = Exp::Any(choices);
    }
}

/// The keys that have a colon, with each shape that some declaration gives them.
fn pairs() -> Vec<(ClauseKey, Shape)> {
    let rows = super::rows().filter(|row| !super::is_statement(row.shape));
    let mut pairs: Vec<_> = rows.map(|row| (row.key, row.shape)).collect();
    pairs.sort();
    pairs.dedup();
    pairs
}

/// The names between the bars of a definition.
fn alternatives(definitions: &[Definition], name: &str) -> Vec<String> {
    let definition = definitions.iter().find(|it| it.name == name);
    let Some(Exp::Any(choices)) = definition.map(|it| &it.exp) else {
        panic!("`{name}` is no choice")
    };
    let named = |choice: &Exp| match choice {
        Exp::Seq(parts) => match parts.as_slice() {
            [Exp::Name(name)] => name.clone(),
            _ => panic!("`{name}` must be a choice of names"),
        },
        _ => panic!("`{name}` must be a choice of names"),
    };
    choices.iter().map(named).collect()
}

/// What the compiler does with a plan.
#[derive(PartialEq)]
enum Compiler {
    Reads,
    Refuses,
    /// It skips the value of a clause that the declaration does not have: any text may stand there.
    Skips,
}

fn compiler(text: &str) -> Compiler {
    match outline::of(text) {
        None => Compiler::Refuses,
        Some(lines) if lines.iter().any(|line| line.value.is_none()) => Compiler::Skips,
        Some(_) => Compiler::Reads,
    }
}

/// Reading calls itself as deep as brackets nest.
fn with_a_deep_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(test);
    let ended = thread.expect("a thread").join();
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn complain(complaints: &[String], read: usize) {
    let shown = complaints.join("\n");
    assert!(
        complaints.is_empty(),
        "plan.ebnf refuses {} of {read}:\n{shown}",
        complaints.len()
    );
}

#[test]
fn the_document_reads_what_the_compiler_reads() {
    with_a_deep_stack(|| {
        let document = Document::new();
        let plans: Vec<_> = plans()
            .into_iter()
            .filter(|(_, text)| compiler(text) == Compiler::Reads)
            .collect();
        let refused = |(name, text): &(String, String)| document.read(text).err().map(|stop| format!("{name}: {stop}"));
        complain(&plans.iter().filter_map(refused).collect::<Vec<_>>(), plans.len());
        println!("plan.ebnf reads {} plans", plans.len());
        assert!(plans.len() > 350, "only {} plans were found", plans.len());
    });
}

#[test]
fn the_document_refuses_most_of_what_the_compiler_refuses() {
    with_a_deep_stack(|| {
        let document = Document::new();
        let broken: Vec<_> = plans()
            .into_iter()
            .filter(|(_, text)| compiler(text) == Compiler::Refuses)
            .collect();
        let lenient: Vec<_> = broken.iter().filter(|(_, text)| document.read(text).is_ok()).collect();
        let names: Vec<_> = lenient.iter().map(|(name, _)| name.as_str()).collect();
        let refused = broken.len() - lenient.len();
        println!(
            "plan.ebnf refuses {refused} of {}; it reads:\n{}",
            broken.len(),
            names.join("\n")
        );
        assert!(refused * 100 >= broken.len() * REFUSED, "{refused} of {}", broken.len());
    });
}

/// A plan for every few tokens of a plan, without that token.
fn mutants(text: &str) -> impl Iterator<Item = String> {
    let tokens = lex(text).tokens;
    let meant = tokens
        .into_iter()
        .filter(|token| !token.kind.is_trivia() && token.kind != Kind::Raw);
    let ranges: Vec<_> = meant
        .map(|token| token.range())
        .filter(|range| !range.is_empty())
        .collect();
    let step = ranges.len() / 4 + 1;
    let chosen: Vec<_> = ranges.into_iter().skip(text.len() % step).step_by(step).collect();
    chosen
        .into_iter()
        .map(move |range| format!("{}{}", &text[..range.start], &text[range.end..]))
}

#[test]
fn a_token_less_means_the_same_to_both() {
    with_a_deep_stack(|| {
        let document = Document::new();
        let short = plans()
            .into_iter()
            .filter(|(_, text)| text.len() < 1500 && compiler(text) == Compiler::Reads);
        let (mut complaints, mut lenient) = (Vec::new(), Vec::new());
        let (mut read, mut broken) = (0, 0);
        for (name, text) in short {
            for mutant in mutants(&text) {
                match (compiler(&mutant), document.read(&mutant)) {
                    (Compiler::Skips, _) => {}
                    (Compiler::Reads, Ok(())) => read += 1,
                    (Compiler::Reads, Err(stop)) => complaints.push(format!("{name}: {stop}")),
                    (Compiler::Refuses, Err(_)) => broken += 1,
                    (Compiler::Refuses, Ok(())) => lenient.push(format!("--- {name}\n{mutant}")),
                }
            }
        }
        complain(&complaints, read + complaints.len());
        let all = broken + lenient.len();
        println!(
            "plan.ebnf reads {read}, refuses {broken} of {all}; it reads too:\n{}",
            lenient.join("\n")
        );
        assert!(read > 100 && all > 100, "{read} and {all} mutants are too few");
        assert!(broken * 100 >= all * REFUSED_OF_MUTANTS, "{broken} of {all}");
    });
}

#[test]
fn what_is_no_plan_is_refused() {
    let wrong = [
        "plan\n",
        "task a: b\n",
        "plan p\n  version 1.0.0\n",
        "plan p\n    version: 1.0.0\n  owner: team/sre\n",
        "task a\n  when: x == y == z\n",
        "task a\n  when: x and\n",
        "task a\n  when: (x\n",
        "task a\n  run: |\n",
        "task a\n  run: echo\n",
        "task a\n  needs: 2 of b\n",
        "task a\n  input:\n    - x\n",
        "task a\n  each: x of y\n",
        "task a\n  timeout: 5 m 3\n",
        "task a\n  on failure: b\n",
        "gate g\n  options:\n    yes \"Yes\"\n",
        "type t = | a\n",
        "type t\n  x: list[text\n",
        "use \"a.plan\" from b\n",
        "test \"t\" in p\n",
        "policy p\n  rule r\n    for: tasks\n",
        "capability c\n  effects: read(src)\n",
        "agent a\n  breaker: 5 in 1m, probe after 3s\n",
    ];
    let document = Document::new();
    let lenient: Vec<_> = wrong.iter().filter(|text| document.read(text).is_ok()).collect();
    assert!(lenient.is_empty(), "plan.ebnf reads {lenient:#?}");
    let strict: Vec<_> = wrong.iter().filter(|text| outline::of(text).is_some()).collect();
    assert!(strict.is_empty(), "the compiler reads {strict:#?}");
}
