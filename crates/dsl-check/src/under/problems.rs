//! What is wrong with a plan only under one of its profiles: limits that its worst case exceeds there, nodes that then
//! never run, policies that it then breaks.
//!
//! Said in the file of the profile, at the line that sets what is wrong, else at the line without which it would not be so: once for
//! all that a line does to other parts of the plan. What is said of the plan itself is not said again.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use dsl_syntax::ast::{Decl, Value};
use smol_str::SmolStr;

use super::{PlanUnder, facts_under, plan_under};
use crate::bounds::{bounds_problems, bounds_problems_of};
use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::graph::graphs;
use crate::imports::declarations;
use crate::inputs::SourceFile;
use crate::places::decl_of;
use crate::plans::{PlanBlocks, file_plans};
use crate::policy::{PlanAt, policies_in_reach, policy_problems, policy_problems_of_nodes, policy_problems_under};
use crate::problems::reach_problems;
use crate::reach::problems_of;
use crate::signatures::Sig;

/// Of the profiles that a file declares.
#[salsa::tracked(returns(ref))]
pub(crate) fn profile_problems(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let mut found = Vec::new();
    for (block, sig) in declarations(db, file).iter() {
        let Sig::Profile { name: Some(name), .. } = sig else {
            continue;
        };
        let Some(decl) = decl_of(db, *block) else {
            continue;
        };
        let BlockRef { chunk, index } = *block;
        let Some(under) = facts_under(db, chunk, index) else {
            continue;
        };
        if !matters(decl) && policies_in_reach(db, under.plan.0).is_empty() {
            continue;
        }
        let Some(blocks) = file_plans(db, under.plan.0).plans.get(under.plan.1) else {
            continue;
        };
        let profile = Profile {
            block: *block,
            name,
            lines: decl.clauses.iter().map(|clause| &clause.name.text).collect(),
            blocks,
        };
        let known = of_plan(db, under.plan.0);
        let own = problems_under(db, under);
        let new = own.into_iter().filter(|diag| !known.contains(&key(diag)));
        let mut prefixes = Prefixes {
            db,
            profile: *block,
            lines: decl.clauses.iter().map(|line| &line.name.text).collect(),
            of_plan: &known,
            found: HashMap::new(),
        };
        let mut blamed: Vec<Blamed> = Vec::new();
        let mut known_blamed: HashMap<Mistake, usize> = HashMap::new();
        for diag in new {
            match profile.moved(diag, &mut prefixes) {
                Moved::Own(diag) => found.push(diag),
                Moved::Blamed(new) => match known_blamed.entry(mistake(&new.diag)) {
                    Entry::Occupied(at) => blamed[*at.get()].add(new),
                    Entry::Vacant(free) => {
                        free.insert(blamed.len());
                        blamed.push(new);
                    }
                },
            }
        }
        found.extend(blamed.into_iter().map(Blamed::said));
    }
    found
}

/// What is wrong under the first lines of a profile, to find the one that brings a mistake about.
struct Prefixes<'a> {
    db: &'a dyn salsa::Database,
    profile: BlockRef,
    lines: Vec<&'a SmolStr>,
    /// What is wrong with the plan under none of them.
    of_plan: &'a HashSet<(&'static str, String)>,
    found: HashMap<usize, HashSet<Mistake>>,
}

/// So many beginnings of a profile are looked at: each is a plan to be looked through.
const PREFIXES_MAX: usize = 64;

/// Its rule, its place, and that of what it is against: how much too much it is, further lines change.
type Mistake = (&'static str, Place, Option<Place>);

fn mistake(diag: &Diag) -> Mistake {
    let against = diag.labels.first().map(|(place, _)| place.clone());
    (diag.rule, diag.place.clone(), against)
}

impl Prefixes<'_> {
    /// A line with which it is so, and without which those above it do not make it so. With all of them it is, with none it is not.
    /// `None`: that was too much to look at.
    fn line_of(&mut self, mistake: &Mistake) -> Option<SmolStr> {
        let (mut without, mut with) = (0, self.lines.len());
        while with - without > 1 {
            let middle = usize::midpoint(without, with);
            if self.found.len() >= PREFIXES_MAX && !self.found.contains_key(&middle) {
                return None;
            }
            match self.under(middle).contains(mistake) {
                true => with = middle,
                false => without = middle,
            }
        }
        self.lines.get(with.checked_sub(1)?).map(|line| (*line).clone())
    }

    fn under(&mut self, lines: usize) -> &HashSet<Mistake> {
        let (db, profile, of_plan) = (self.db, self.profile, self.of_plan);
        self.found.entry(lines).or_insert_with(|| {
            let under = plan_under(db, profile, lines);
            let found = under.map_or(Vec::new(), |under| problems_under(db, &under));
            let new = found.iter().filter(|diag| !of_plan.contains(&key(diag)));
            new.map(mistake).collect()
        })
    }
}

enum Moved {
    /// At the line that sets what it is about.
    Own(Diag),
    Blamed(Blamed),
}

/// A mistake elsewhere in the plan that a line of the profile brings about, and others of its kind that it does too.
struct Blamed {
    diag: Diag,
    place: Place,
    others: Vec<(Place, String)>,
    message: String,
}

impl Blamed {
    /// How many others are shown.
    const OTHERS_MAX: usize = 3;

    fn add(&mut self, other: Self) {
        self.others.push((other.place, other.message));
    }

    fn said(self) -> Diag {
        let more = self.others.len().saturating_sub(Self::OTHERS_MAX);
        let diag = self.diag.label(self.place, "of this plan");
        let shown = self.others.into_iter().take(Self::OTHERS_MAX);
        let diag = shown.fold(diag, |diag, (place, message)| diag.label(place, message));
        match more {
            0 => diag,
            more => diag.note(format!("and {more} more of the kind")),
        }
    }
}

/// Whether the profile changes what time, money and conditions depend on.
fn matters(decl: &Decl) -> bool {
    const WORDS: &[&str] = &[
        "budget", "timeout", "retry", "limits", "parallel", "by", "when", "cost", "approver", "optional",
    ];
    let words = decl.clauses.iter().flat_map(|line| line.name.text.split('.'));
    words.into_iter().any(|word| WORDS.contains(&word))
}

fn key(diag: &Diag) -> (&'static str, String) {
    (diag.rule, diag.message.clone())
}

/// What is wrong with the plans of the file without a profile.
fn of_plan(db: &dyn salsa::Database, file: SourceFile) -> HashSet<(&'static str, String)> {
    let mut known = bounds_problems(db, file).clone();
    known.extend_from_slice(reach_problems(db, file));
    if !policies_in_reach(db, file).is_empty() {
        known.extend_from_slice(policy_problems(db, file));
        let of_nodes = file
            .chunks(db)
            .iter()
            .flat_map(|&chunk| policy_problems_of_nodes(db, chunk));
        known.extend(of_nodes.cloned());
    }
    known.iter().map(key).collect()
}

fn problems_under(db: &dyn salsa::Database, under: &PlanUnder) -> Vec<Diag> {
    let (file, at) = under.plan;
    let mut blocks = file_plans(db, file).plans[at].clone();
    blocks.clauses.extend(under.clauses);
    let mut found = bounds_problems_of(db, under.plan, (&blocks, &under.facts), under.scope.as_deref());
    found.extend(problems_of(&blocks, &graphs(db, file)[at], &under.facts));
    found.extend(policy_problems_under(db, PlanAt { file, at }, under));
    found
}

struct Profile<'a> {
    block: BlockRef,
    name: &'a SmolStr,
    lines: HashSet<&'a SmolStr>,
    blocks: &'a PlanBlocks,
}

impl Profile<'_> {
    /// The same mistake as the profile's.
    fn moved(&self, mut diag: Diag, prefixes: &mut Prefixes<'_>) -> Moved {
        let (mistake, message) = (mistake(&diag), diag.message.clone());
        diag.message = format!("under `{}`, {}", self.name, diag.message);
        diag.amend = None;
        diag.removable = None;
        for fix in &mut diag.fixes {
            for (target, _) in &mut fix.edits {
                let place = Place {
                    block: diag.place.block,
                    target: target.clone(),
                };
                *target = self.line(&place).map_or(Target::Name, Target::LineValue);
            }
        }
        diag.fixes.retain(|fix| {
            fix.edits
                .iter()
                .all(|(target, _)| matches!(target, Target::LineValue(_)))
        });
        for (place, _) in &mut diag.labels {
            if let Some(line) = self.line(place) {
                *place = self.at(Target::Line(line));
            }
        }
        let place = diag.place.clone();
        match self.line(&place) {
            Some(line) => {
                diag.place = self.at(Target::Line(line));
                Moved::Own(diag)
            }
            None => {
                let line = prefixes.line_of(&mistake);
                diag.place = self.at(line.map_or(Target::Name, Target::Line));
                Moved::Blamed(Blamed {
                    diag,
                    place,
                    others: Vec::new(),
                    message,
                })
            }
        }
    }

    fn at(&self, target: Target) -> Place {
        Place {
            block: self.block,
            target,
        }
    }

    /// The line of the profile that sets what stands there; of a node as a whole, the only one that is about it.
    fn line(&self, place: &Place) -> Option<SmolStr> {
        let path = match &place.target {
            Target::Clause(key) | Target::Value(key) | Target::NameIn(key) => key.word().to_owned(),
            Target::Entry(key, entry) | Target::EntryValue(key, entry) => format!("{}.{entry}", key.word()),
            Target::Name => return self.only_line(place.block),
            _ => return None,
        };
        let owner = self.blocks.nodes.iter().find(|(block, _)| *block == place.block);
        let path = match owner {
            Some((_, sig)) => format!("{}.{path}", sig.name),
            None => path,
        };
        self.lines.get(&SmolStr::from(path)).map(|line| (*line).clone())
    }
}

impl Profile<'_> {
    fn only_line(&self, block: BlockRef) -> Option<SmolStr> {
        let (_, sig) = self.blocks.nodes.iter().find(|(known, _)| *known == block)?;
        let of_node = |line: &&&SmolStr| line.split('.').next() == Some(sig.name.as_str());
        let mut lines = self.lines.iter().filter(of_node);
        lines
            .next()
            .filter(|_| lines.next().is_none())
            .map(|line| (*line).clone())
    }
}

/// The key and value of the line of a profile with that path.
pub(crate) fn line_of<'a>(decl: &'a Decl, path: &str) -> Option<(&'a dsl_syntax::ast::Name, &'a Value)> {
    let line = decl.clauses.iter().find(|clause| clause.name.text == path)?;
    match &line.value {
        Value::Override(value) => Some((&line.name, value)),
        _ => None,
    }
}
