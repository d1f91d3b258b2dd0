//! Facts that must all hold, each with where it comes from; and which of them cannot hold together.

use std::sync::Arc;

use super::{Fact, Subject, Values, Why};

/// How many facts are kept of a node.
const FACTS_MAX: usize = 16;

pub(super) type Held = (Why, Fact);

/// Facts that leave something possible, as far as they are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Holding {
    held: Vec<Held>,
}

impl Holding {
    /// Adds facts; those that leave nothing possible, as few as will do.
    pub fn add_all<'a>(&mut self, why: Why, facts: impl Iterator<Item = &'a Fact>) -> Option<Vec<Held>> {
        facts.into_iter().find_map(|fact| self.add(why, fact))
    }

    /// What narrows nothing is not kept.
    pub fn add(&mut self, why: Why, fact: &Fact) -> Option<Vec<Held>> {
        let known = match self.known(fact.of) {
            None => None,
            Some(known) => match known.and(&fact.is) {
                Some(both) if both == known => return None,
                Some(_) => Some(known),
                None => return Some(self.contradiction(why, fact)),
            },
        };
        let few = self.held.len() < FACTS_MAX || known.is_some() && self.held.len() < 2 * FACTS_MAX;
        if few {
            self.held.push((why, fact.clone()));
        }
        None
    }

    fn about(&self, of: Subject) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(move |(_, fact)| fact.of == of)
    }

    fn known(&self, of: Subject) -> Option<Values> {
        let mut about = self.about(of);
        let (_, first) = about.next()?;
        about.try_fold((*first.is).clone(), |known, (_, fact)| known.and(&fact.is))
    }

    fn contradiction(&self, why: Why, fact: &Fact) -> Vec<Held> {
        let mut clash: Vec<Held> = self.about(fact.of).cloned().collect();
        clash.push((why, fact.clone()));
        let mut at = 0;
        while at + 1 < clash.len() {
            let others = clash.iter().enumerate().filter(|(other, _)| *other != at);
            if possible(others.map(|(_, (_, fact))| &*fact.is)) {
                at += 1;
            } else {
                clash.remove(at);
            }
        }
        clash
    }

    /// One for each thing that they are about.
    pub fn into_facts(self) -> Arc<[Fact]> {
        let mut facts: Vec<Fact> = Vec::with_capacity(self.held.len());
        for (_, fact) in self.held {
            match facts.iter_mut().find(|known| known.of == fact.of) {
                Some(known) => {
                    if let Some(both) = known.is.and(&fact.is) {
                        known.is = Arc::new(both);
                    }
                }
                None => facts.push(fact),
            }
        }
        facts.truncate(FACTS_MAX);
        facts.into()
    }
}

fn possible<'a>(mut rules: impl Iterator<Item = &'a Values>) -> bool {
    let Some(first) = rules.next() else { return true };
    rules.try_fold(first.clone(), |known, rule| known.and(rule)).is_some()
}

/// What holds whichever way it came about.
pub(super) fn in_common(mut ways: impl Iterator<Item = Vec<Fact>>) -> Vec<Fact> {
    let mut common = ways.next().unwrap_or_default();
    for facts in ways {
        common.retain_mut(|fact| {
            let either = facts.iter().find(|other| other.of == fact.of).and_then(|other| {
                if other.is == fact.is {
                    return Some(fact.is.clone());
                }
                Some(Arc::new(fact.is.or(&other.is)?))
            });
            match either {
                Some(either) => {
                    fact.is = either;
                    true
                }
                None => false,
            }
        });
    }
    common
}
