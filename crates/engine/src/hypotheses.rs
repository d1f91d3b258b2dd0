//! Hypotheses: what the evidence of tasks makes of their odds, and the decision that picks the likeliest.
//!
//! Odds are exact fractions, folded in plan order, so no rounding and no order of finishing decides. A task gives
//! evidence with its last attempt, whether it completed or failed; what cannot be told then counts for nothing. Factors
//! are gathered before they are multiplied: the size of a fraction grows with the evidence and no faster.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ir::Rare;
use ir::eval::eval;
use ir::plan::{Decision, Hypothesis, NodeId, Ratio};
use ir::value::Value;
use num_bigint::BigUint;
use num_integer::Integer;
use smol_str::SmolStr;

use crate::engine::Engine;
use crate::event::Ended;
use crate::graph::task;
use crate::judge::Judge;
use crate::scope::{Place, RunScope, truth, upstream};
use crate::state::UnitId;
use crate::world::Replay;

/// Odds as `numer : denom`, not reduced. Nothing : something is impossible, something : nothing is certain.
#[derive(Clone, Debug)]
pub struct Odds {
    numer: BigUint,
    denom: BigUint,
}

/// Evidence that a task gave, or could not give.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvidenceSnapshot {
    pub node: NodeId,
    /// `check-race`, `probe[eu]`
    pub label: SmolStr,
    /// Position among the task's clauses of this kind.
    pub clause: usize,
    pub against: bool,
    pub by: Ratio,
    /// Whether its condition held; absent: that could not be told.
    pub holds: Option<bool>,
}

/// A hypothesis of the outermost plan at this moment.
#[derive(Clone, Debug)]
pub struct HypothesisSnapshot {
    pub name: SmolStr,
    pub title: Option<String>,
    pub prior: Odds,
    pub odds: Odds,
    pub evidence: Vec<EvidenceSnapshot>,
}

impl Odds {
    fn of(prior: Ratio) -> Self {
        let (numer, denom) = fraction(prior);
        let rest = if denom > numer { &denom - &numer } else { BigUint::ZERO };
        Self { numer, denom: rest }
    }

    /// Multiplies by each factor as often as it says; less than never divides.
    fn times(mut self, factors: &BTreeMap<Ratio, i32>) -> Self {
        for (factor, times) in factors {
            let (numer, denom) = fraction(*factor);
            let (up, down) = if *times < 0 { (denom, numer) } else { (numer, denom) };
            self.numer *= up.pow(times.unsigned_abs());
            self.denom *= down.pow(times.unsigned_abs());
        }
        self
    }

    /// Thousandths of the probability that these odds are, rounded to the nearest.
    pub fn per_mille(&self) -> u32 {
        let all = &self.numer + &self.denom;
        if all == BigUint::ZERO {
            return 0;
        }
        let rounded: BigUint = (&self.numer * 2000_u32 + &all) / (all * 2_u32);
        u32::try_from(rounded).unwrap_or(1000)
    }

    /// Both sides without a common factor.
    fn reduced(&self) -> (BigUint, BigUint) {
        let common = self.numer.gcd(&self.denom);
        if common == BigUint::ZERO {
            return (self.numer.clone(), self.denom.clone());
        }
        (&self.numer / &common, &self.denom / &common)
    }
}

/// `5:1`
impl fmt::Display for Odds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (numer, denom) = self.reduced();
        write!(f, "{numer}:{denom}")
    }
}

impl PartialEq for Odds {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Odds {}

impl PartialOrd for Odds {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Odds {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.numer * &other.denom).cmp(&(&other.numer * &self.denom))
    }
}

/// Exactly this ratio, which is not negative.
fn fraction(ratio: Ratio) -> (BigUint, BigUint) {
    let numer = BigUint::from(ratio.0.mantissa().unsigned_abs());
    (numer, BigUint::from(10_u32).pow(ratio.0.scale()))
}

impl Judge<'_> {
    /// What the end of an attempt says about the plan's hypotheses: of each clause of the task whether its condition holds.
    pub fn evidence(&self, ended: &Ended) -> Vec<Option<bool>> {
        let Some(task) = task(self.scopes.node(self.unit.node)).filter(|task| !task.evidence.is_empty()) else {
            return Vec::new();
        };
        let mut world = Replay::new(&ended.observed);
        let answer = self.answer(ended).ok().flatten();
        let bound = self.bound(answer.as_ref());
        let scope = RunScope {
            ended: Some(ended),
            answer: answer.as_ref(),
            own: Some(&bound),
            ..RunScope::new(self.scopes, self.state, Place::Unit(self.unit))
        };
        let own = self.own_outputs(task, ended, scope, &mut world);
        let scope = RunScope {
            own: Some(&own),
            ..scope
        };
        let holds = |when| eval(when, &scope, &mut ir::eval::NoWorld).and_then(|value: Value| truth(&value));
        task.evidence.iter().map(|clause| holds(&clause.when).ok()).collect()
    }
}

impl Engine {
    /// Keeps the evidence of an attempt, in place of that of the attempt before.
    pub(crate) fn note_evidence(&mut self, unit: UnitId, ended: &Ended) {
        let evidence = match self.scopes.traits(unit.node).has_evidence {
            true => self.judge(unit).evidence(ended).into(),
            false => Rare::absent(),
        };
        self.state.unit_mut(unit).evidence = evidence;
    }

    /// The arm of the likeliest hypothesis, of equally likely ones the first, by the evidence of what lies behind the decision.
    pub(crate) fn likeliest(&self, id: NodeId, decision: &Decision) -> Option<NodeId> {
        let scope = self.scopes.of(id);
        let behind: Vec<NodeId> = self.behind(id).into_iter().collect();
        let mut best: Option<(Odds, NodeId)> = None;
        for arm in &decision.hypotheses {
            let hypotheses = &scope.plan().hypotheses;
            let Some(hypothesis) = hypotheses.iter().find(|known| known.name == arm.hypothesis) else {
                continue;
            };
            let odds = self.odds(hypothesis, &self.evidence(hypothesis, &behind));
            if best.as_ref().is_none_or(|(most, _)| odds > *most) {
                best = Some((odds, scope.global(arm.to)));
            }
        }
        best.map(|(_, to)| to)
    }

    /// Everything that was decided before a node started, in plan order.
    fn behind(&self, id: NodeId) -> BTreeSet<NodeId> {
        let mut behind = BTreeSet::new();
        let mut work = vec![id];
        while let Some(at) = work.pop() {
            upstream(&self.scopes, &self.state, at, &mut |from| {
                if behind.insert(from) {
                    work.push(from);
                }
            });
        }
        behind
    }

    fn odds(&self, hypothesis: &Hypothesis, evidence: &[EvidenceSnapshot]) -> Odds {
        let mut factors: BTreeMap<Ratio, i32> = BTreeMap::new();
        for given in evidence.iter().filter(|given| given.holds == Some(true)) {
            let times = factors.entry(given.by).or_default();
            *times = times.saturating_add(if given.against { -1 } else { 1 });
        }
        Odds::of(hypothesis.prior).times(&factors)
    }

    /// What the tasks among these nodes, once they have settled, say about a hypothesis.
    fn evidence(&self, hypothesis: &Hypothesis, nodes: &[NodeId]) -> Vec<EvidenceSnapshot> {
        let mut found = Vec::new();
        for id in nodes {
            let clauses = task(self.scopes.node(*id)).map_or(&[][..], |task| &task.evidence);
            let about = |(_, clause): &(usize, &ir::plan::Evidence)| clause.hypothesis == hypothesis.name;
            for (at, clause) in clauses.iter().enumerate().filter(about) {
                for unit in self.ended_units(*id) {
                    found.push(EvidenceSnapshot {
                        node: *id,
                        label: self.label(unit),
                        clause: at,
                        against: clause.against,
                        by: clause.by,
                        holds: self.state.unit(unit).evidence.get(at).copied().flatten(),
                    });
                }
            }
        }
        found
    }

    /// Those units of a node that settled after an attempt.
    fn ended_units(&self, id: NodeId) -> Vec<UnitId> {
        let node = self.state.node(id);
        let single = UnitId {
            node: id,
            instance: None,
        };
        let units: Vec<UnitId> = match &node.fan {
            None => vec![single],
            Some(fan) => (0..)
                .zip(&fan.instances)
                .map(|(index, _)| UnitId {
                    node: id,
                    instance: Some(index),
                })
                .collect(),
        };
        units
            .into_iter()
            .filter(|unit| node.is_settled() && !self.state.unit(*unit).evidence.is_empty())
            .collect()
    }

    /// The hypotheses of the outermost plan, with what all its tasks have said so far.
    pub fn hypotheses(&self) -> Vec<HypothesisSnapshot> {
        let scope = self.scopes.outermost();
        let nodes: Vec<NodeId> = scope.nodes().collect();
        let snapshot = |hypothesis: &Hypothesis| {
            let evidence = self.evidence(hypothesis, &nodes);
            let title = hypothesis.title.as_ref();
            HypothesisSnapshot {
                name: hypothesis.name.clone(),
                title: title
                    .and_then(|title| self.scope(Place::Plan(self.scopes.outermost_id())).eval(title).ok())
                    .map(|title| ir::data::render(&title)),
                prior: Odds::of(hypothesis.prior),
                odds: self.odds(hypothesis, &evidence),
                evidence,
            }
        };
        scope.plan().hypotheses.iter().map(snapshot).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(text: &str) -> Ratio {
        serde_json::from_value(serde_json::json!(text)).expect("a ratio")
    }

    #[test]
    fn odds_are_exact_and_what_cancels_out_leaves_no_trace() {
        let odds = Odds::of(ratio("0.2"));
        assert_eq!(odds.to_string(), "1:4");
        let factors = BTreeMap::from([(ratio("20"), 1), (ratio("0.1"), 3), (ratio("3"), -2)]);
        let back = factors.iter().map(|(factor, times)| (*factor, -times)).collect();
        let there = odds.clone().times(&factors);
        assert_eq!(there.to_string(), "1:1800");
        assert_eq!(there.times(&back), odds);
        assert_eq!(odds.per_mille(), 200);
    }

    #[test]
    fn the_impossible_and_the_certain_stay_so() {
        let more = BTreeMap::from([(ratio("1000"), 5)]);
        let (never, always) = (Odds::of(ratio("0")), Odds::of(ratio("1")));
        assert_eq!(never.clone().times(&more).per_mille(), 0);
        assert_eq!(always.clone().times(&more).per_mille(), 1000);
        let likely = Odds::of(ratio("0.999")).times(&more);
        assert!(never < likely && likely < always);
    }

    #[test]
    fn much_evidence_costs_no_more_than_there_is() {
        let factors = BTreeMap::from([(ratio("1.01"), 100_000)]);
        let odds = Odds::of(ratio("0.5")).times(&factors);
        assert!(odds > Odds::of(ratio("0.5")));
        // ten bits or so a factor
        assert!(odds.numer.bits() < 1_000_000, "{}", odds.numer.bits());
    }
}
