//! Facts that must all hold, each with where it comes from; and which of them cannot hold together.

use rustc_hash::FxHashMap;

use super::{Fact, Subject, Values, Why};

/// How many facts are kept of a node.
const FACTS_MAX: usize = 16;

pub(super) type Held = (Why, Fact);

/// What values may be, by number: most nodes know the same few things, and compare numbers.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub all: Vec<Values>,
    both: FxHashMap<(Is, Is), Option<Is>>,
}

/// The number of what a value may be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Is(u32);

impl Is {
    pub const COMPLETED: Self = Self(0);
    pub const FAILED: Self = Self(1);
}

impl std::ops::Index<Is> for [Values] {
    type Output = Values;

    fn index(&self, is: Is) -> &Values {
        &self[is.0 as usize]
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            all: vec![Values::only("completed".into()), Values::only("failed".into())],
            both: FxHashMap::default(),
        }
    }
}

impl Kept {
    pub fn keep(&mut self, values: Values) -> Is {
        let is = Is(self.all.len() as u32);
        self.all.push(values);
        is
    }

    /// What both allow; `None`: nothing.
    fn and(&mut self, a: Is, b: Is) -> Option<Is> {
        if a == b {
            return Some(a);
        }
        if let Some(known) = self.both.get(&(a, b)) {
            return *known;
        }
        let (of_a, of_b) = (&self.all[..][a], &self.all[..][b]);
        let both = match of_a.and(of_b) {
            None => None,
            Some(both) if both == *of_a => Some(a),
            Some(both) if both == *of_b => Some(b),
            Some(both) => Some(self.keep(both)),
        };
        self.both.insert((a, b), both);
        both
    }

    /// What either allows; `None`: anything.
    fn or(&mut self, a: Is, b: Is) -> Option<Is> {
        let (of_a, of_b) = (&self.all[..][a], &self.all[..][b]);
        if a == b || of_a == of_b {
            return Some(a);
        }
        let either = of_a.or(of_b)?;
        Some(self.keep(either))
    }

    /// What holds whichever way it came about.
    pub fn in_common(&mut self, mut ways: impl Iterator<Item = Vec<Fact>>) -> Vec<Fact> {
        let mut common = ways.next().unwrap_or_default();
        for facts in ways {
            common.retain_mut(|fact| {
                let other = facts.iter().find(|other| other.of == fact.of);
                let either = other.and_then(|other| self.or(fact.is, other.is));
                fact.is = either.unwrap_or(fact.is);
                either.is_some()
            });
        }
        common
    }
}

/// Lists of facts that share their ends: what a node relies on is mostly what another does, and one thing more.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Lists {
    /// A fact, and the list behind it.
    cells: Vec<(Fact, List)>,
}

/// The number of its first cell, from 1; the default is the empty list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct List(u32);

impl Lists {
    pub fn push(&mut self, fact: Fact, rest: List) -> List {
        self.cells.push((fact, rest));
        List(self.cells.len() as u32)
    }

    fn of(&mut self, facts: &[Fact]) -> List {
        let newest_last = facts.iter().rev();
        newest_last.fold(List::default(), |rest, fact| self.push(*fact, rest))
    }

    /// The first facts of a list; those beyond are forgotten.
    pub fn iter(&self, list: List) -> impl Iterator<Item = Fact> {
        let mut next = list;
        let facts = std::iter::from_fn(move || {
            let (fact, rest) = *self.cells.get(next.0.checked_sub(1)? as usize)?;
            next = rest;
            Some(fact)
        });
        facts.take(FACTS_MAX)
    }
}

/// Facts that leave something possible, as far as they are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Holding {
    held: Vec<Held>,
}

impl Holding {
    /// Adds facts; those that leave nothing possible, as few as will do.
    pub fn add_all(&mut self, kept: &mut Kept, why: Why, facts: impl Iterator<Item = Fact>) -> Option<Vec<Held>> {
        facts.into_iter().find_map(|fact| self.add(kept, why, fact))
    }

    /// What narrows nothing is not kept.
    fn add(&mut self, kept: &mut Kept, why: Why, fact: Fact) -> Option<Vec<Held>> {
        let known = match self.known(kept, fact.of) {
            None => None,
            Some(known) => match kept.and(known, fact.is) {
                Some(both) if both == known => return None,
                Some(_) => Some(known),
                None => return Some(self.contradiction(kept, why, fact)),
            },
        };
        let few = self.held.len() < FACTS_MAX || known.is_some() && self.held.len() < 2 * FACTS_MAX;
        if few {
            self.held.push((why, fact));
        }
        None
    }

    fn about(&self, of: Subject) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(move |(_, fact)| fact.of == of)
    }

    fn known(&self, kept: &mut Kept, of: Subject) -> Option<Is> {
        let mut about = self.about(of);
        let (_, first) = about.next()?;
        about.try_fold(first.is, |known, (_, fact)| kept.and(known, fact.is))
    }

    fn contradiction(&self, kept: &Kept, why: Why, fact: Fact) -> Vec<Held> {
        let mut clash: Vec<Held> = self.about(fact.of).copied().collect();
        clash.push((why, fact));
        let mut at = 0;
        while at + 1 < clash.len() {
            let others = clash.iter().enumerate().filter(|(other, _)| *other != at);
            if possible(others.map(|(_, (_, fact))| &kept.all[..][fact.is])) {
                at += 1;
            } else {
                clash.remove(at);
            }
        }
        clash
    }

    /// One for each thing that they are about.
    pub fn into_list(self, kept: &mut Kept, lists: &mut Lists) -> List {
        let mut facts: Vec<Fact> = Vec::with_capacity(self.held.len());
        for (_, fact) in self.held {
            match facts.iter_mut().find(|known| known.of == fact.of) {
                Some(known) => known.is = kept.and(known.is, fact.is).unwrap_or(known.is),
                None => facts.push(fact),
            }
        }
        facts.truncate(FACTS_MAX);
        lists.of(&facts)
    }
}

fn possible<'a>(mut rules: impl Iterator<Item = &'a Values>) -> bool {
    let Some(first) = rules.next() else { return true };
    rules.try_fold(first.clone(), |known, rule| known.and(rule)).is_some()
}

/// Whether facts, each about a thing once, leave something possible together with others of that kind.
pub(super) fn compatible(all: &[Values], some: &[Fact], mut others: impl Iterator<Item = Fact>) -> bool {
    let clashes = |fact: &Fact, other: &Fact| {
        fact.of == other.of && fact.is != other.is && all[fact.is].and(&all[other.is]).is_none()
    };
    !others.any(|other| some.iter().any(|fact| clashes(fact, &other)))
}
