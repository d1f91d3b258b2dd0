//! The words for what can never be, and for when something runs.

use std::cell::Cell;

use super::cond::{comparison, written};
use super::held::Held;
use super::{Clash, DeadArm, Fact, Reached, Subject, Vain, Values, Why, cond};
use crate::diagnostic::{AmendHow, Diag, Place, Target};
use crate::graph::Topology;
use crate::plans::PlanBlocks;
use crate::rules;
use crate::signatures::NodeKind;
use dsl_syntax::table::ClauseKey;
use ir::Value;
use smol_str::SmolStr;

/// The nodes that can never run, and the arms that are never taken for that.
pub(crate) fn problems(plan: &PlanBlocks, graph: &Topology, reached: &Reached) -> Vec<Diag> {
    let explain = Explain { plan, graph, reached };
    let never = reached.never.iter().map(|(node, clash)| explain.never(*node, clash));
    never
        .chain(reached.dead_arms.iter().map(|arm| explain.dead_arm(arm)))
        .chain(reached.vain.iter().map(|route| explain.vain(route)))
        .collect()
}

impl Reached {
    /// What must hold for the node to run, one text each.
    pub fn runs_if(&self, graph: &Topology, node: u32) -> Vec<String> {
        let outcome = |fact: Fact| self.says(graph, &fact, None);
        self.facts(node).map(outcome).collect()
    }

    /// Whether it never runs.
    pub fn never_runs(&self, node: u32) -> bool {
        self.never.iter().any(|(never, _)| *never == node)
    }

    /// A fact as a clause of a sentence; `it`: how to call the node, if it was named already.
    fn says(&self, graph: &Topology, fact: &Fact, it: Option<&str>) -> String {
        let name = |node: u32| &graph.ties[node as usize].name;
        let who = |node: u32| it.map_or_else(|| format!("`{}`", name(node)), str::to_owned);
        let only = match self.is(fact) {
            Values::OneOf(values) => match &**values {
                [only] => Some(only),
                _ => None,
            },
            _ => None,
        };
        match (fact.of, only) {
            (Subject::Outcome(node), Some(Value::String(status))) if status == "completed" => {
                format!("{} completes", who(node))
            }
            (Subject::Outcome(node), Some(Value::String(status))) if status == "failed" => {
                format!("{} fails", who(node))
            }
            (Subject::Outcome(node), _) => {
                format!(
                    "`{}`",
                    written(&cond::Subject::Status(name(node).clone()), self.is(fact))
                )
            }
            (Subject::Mode(node), Some(Value::String(mode))) => format!("{} fails with `{mode}`", who(node)),
            (Subject::Mode(node), _) => match self.is(fact) {
                Values::NoneOf(modes) => format!("{} fails, but not with {}", who(node), listed(modes)),
                is => format!("`{}`", written(&cond::Subject::Mode(name(node).clone()), is)),
            },
            (Subject::Arm(node), Some(Value::Int(to))) => {
                let to = graph.ties.get(*to as u32).map(|node| node.name.as_str());
                format!("{} takes `{}`", who(node), to.unwrap_or_default())
            }
            (Subject::Arm(node), _) => format!("{} takes one of several arms", who(node)),
            (Subject::Value(value), _) => {
                let value = &self.values[value as usize];
                format!("`{}`", comparison(&value.text, value.quoted, self.is(fact)))
            }
        }
    }
}

fn listed(values: &[Value]) -> String {
    let named = values.iter().filter_map(Value::as_str).map(|name| format!("`{name}`"));
    named.collect::<Vec<_>>().join(" or ")
}

/// The node that a fact is about.
fn about(fact: &Fact) -> Option<u32> {
    match fact.of {
        Subject::Outcome(node) | Subject::Mode(node) | Subject::Arm(node) => Some(node),
        Subject::Value(_) => None,
    }
}

struct Explain<'a> {
    plan: &'a PlanBlocks,
    graph: &'a Topology,
    reached: &'a Reached,
}

impl Explain<'_> {
    fn name(&self, node: u32) -> &SmolStr {
        &self.graph.ties[node as usize].name
    }

    fn at(&self, node: u32, target: Target) -> Place {
        let block = self.plan.nodes[node as usize].0;
        Place { block, target }
    }

    fn place(&self, node: u32, why: Why) -> Place {
        let target = match why {
            Why::Need(on) | Why::Members(on) => Target::Need(self.name(on).clone()),
            Why::When => Target::Clause(ClauseKey::When),
            Why::Routes => Target::Name,
        };
        self.at(node, target)
    }

    fn says(&self, fact: &Fact, it: Option<&str>) -> String {
        self.reached.says(self.graph, fact, it)
    }

    fn never(&self, node: u32, clash: &Clash) -> Diag {
        match clash {
            Clash::Never(why) => {
                let message = format!("`{}` never runs: its `when` is never true", self.name(node));
                let place = self.place(node, Why::When);
                Diag::new(rules::UNREACHABLE_NODE, place.clone(), message)
                    .label(place, why.to_string())
                    .help("remove the task, or change its condition")
            }
            Clash::Between(held) => self.between(node, held),
            Clash::Quorum { count, most, pair } => self.quorum(node, *count, *most, pair),
        }
    }

    fn between(&self, node: u32, held: &[Held]) -> Diag {
        let this = self.name(node);
        let is_need = |held: &&Held| matches!(held.0, Why::Need(_) | Why::Members(_));
        let own: Vec<&Held> = held.iter().filter(|held| !is_need(held)).collect();
        let needs: Vec<&Held> = held.iter().filter(is_need).collect();
        let named = Cell::new(false);
        let once = |fact: &Fact| {
            let it = (named.replace(true) && about(fact).is_some()).then_some("it");
            self.says(fact, it)
        };
        let own: Vec<String> = own
            .into_iter()
            .map(|(why, fact)| match why {
                Why::When => format!("its `when` asks for {}", once(fact)),
                _ => format!("runs only if {}", once(fact)),
            })
            .collect();
        let mut needed: Vec<String> = Vec::new();
        for (why, fact) in &needs {
            needed.push(match why {
                Why::Need(on) if Some(*on) == about(fact) => format!("`{}` to complete", self.name(*on)),
                Why::Need(on) => format!("`{}`, which runs only if {}", self.name(*on), once(fact)),
                _ => format!("others that run only if {}", once(fact)),
            });
            named.set(true);
        }
        let last = needs.last().map_or(Why::When, |(why, _)| *why);
        let diag = if own.is_empty() {
            let comma = if needed[0].ends_with(" to complete") { "" } else { "," };
            let message = format!("`{this}` needs {}", joined(&needed, comma));
            let first = self.place(node, needs[0].0);
            let diag = Diag::new(rules::IMPOSSIBLE_JOIN, self.place(node, last), message)
                .label(first, "the other side")
                .help("write `any(…)` around the two to go on after whichever ran");
            let on = needs.iter().map(|(why, _)| match why {
                Why::Need(on) => Some(self.name(*on).clone()),
                _ => None,
            });
            match on.collect::<Option<Vec<SmolStr>>>() {
                Some(on) if on.len() > 1 => {
                    let title = format!("go on after any of them: `any({})`", on.join(", "));
                    diag.amend(title, AmendHow::Any(on))
                }
                _ => diag,
            }
        } else if needed.is_empty() {
            let message = match own.as_slice() {
                [route, when] if !route.starts_with("its") => format!("`{this}` {route}, but {when}"),
                [when, route] => format!("`{this}` {route}, but {when}"),
                other => format!("`{this}` never runs: {}", joined(other, "")),
            };
            Diag::new(rules::UNREACHABLE_NODE, self.place(node, Why::When), message)
                .help("change its condition, or remove what leads to it")
        } else {
            let runs = own.iter().map(|own| own.replace("its `when` asks for", "runs only if"));
            let runs: Vec<String> = runs.collect();
            let message = format!("`{this}` {}, but needs {}", joined(&runs, ""), joined(&needed, ","));
            let diag = Diag::new(rules::UNREACHABLE_NODE, self.place(node, last), message)
                .help("remove the need, or write it with a `?` to go on without it");
            let diag = match last {
                Why::Need(on) => {
                    let title = format!("do not need `{}`", self.name(on));
                    let name = self.name(on).clone();
                    let follows = held
                        .iter()
                        .any(|(why, fact)| *why == Why::Routes && about(fact) == Some(on));
                    diag.amend(title, AmendHow::NoNeed { name, follows })
                }
                _ => diag,
            };
            match held.iter().any(|(why, _)| *why == Why::When) {
                true => diag.label(self.place(node, Why::When), "its condition"),
                false => diag,
            }
        };
        self.decides(diag, held)
    }

    fn quorum(&self, node: u32, count: u32, most: usize, pair: &[Held; 2]) -> Diag {
        let [(first, one), (second, other)] = pair;
        let on = |why: &Why| match why {
            Why::Need(on) | Why::Members(on) => self.name(*on).clone(),
            Why::Routes | Why::When => SmolStr::default(),
        };
        let it = about(other).map(|_| "it");
        let message = format!(
            "`{}` needs {count} of several of which at most {most} can run: `{}` runs only if {}, `{}` only if {}",
            self.name(node),
            on(first),
            self.says(one, None),
            on(second),
            self.says(other, it),
        );
        let diag = Diag::new(rules::IMPOSSIBLE_JOIN, self.place(node, *second), message)
            .label(self.place(node, *first), "the other side")
            .help(if most == 1 {
                "write `any(…)` to go on after whichever ran".to_owned()
            } else {
                format!("need {most} of them")
            });
        self.decides(diag, pair)
    }

    /// Points at what decides, and says that it decides one way only.
    fn decides(&self, diag: Diag, held: &[Held]) -> Diag {
        let Some((_, fact)) = held.first() else { return diag };
        let Some(of) = about(fact) else { return diag };
        let chooses = match fact.of {
            Subject::Arm(_) => "takes one arm only",
            Subject::Mode(_) => "fails with one mode only",
            _ if self.graph.ties[of as usize].kind == NodeKind::Decision => "takes one arm only",
            _ => "either completes or fails",
        };
        diag.label(self.at(of, Target::Name), chooses)
    }

    fn dead_arm(&self, arm: &DeadArm) -> Diag {
        let (before, asks): (Vec<&Held>, Vec<&Held>) = arm.clash.iter().partition(|(why, _)| *why == Why::Routes);
        let runs: Vec<String> = before.iter().map(|(_, fact)| self.says(fact, None)).collect();
        let asks: Vec<String> = asks.iter().map(|(_, fact)| self.says(fact, None)).collect();
        let this = self.name(arm.node);
        let message = format!(
            "`{this}` never takes this arm: it asks for {}, but `{this}` runs only if {}",
            joined(&asks, ""),
            joined(&runs, "")
        );
        Diag::new(rules::DEAD_ROUTE, self.at(arm.node, Target::Arm(arm.route)), message)
            .help("remove the arm, or what keeps the decision from running then")
    }

    fn vain(&self, route: &Vain) -> Diag {
        let (from, to) = (self.name(route.from), self.name(route.to));
        let needs = route.clash.iter().filter_map(|(why, fact)| match why {
            Why::Need(on) => Some((*on, fact)),
            _ => None,
        });
        let needs: Vec<(u32, &Fact)> = needs.collect();
        let needed: Vec<String> = needs.iter().map(|(on, fact)| self.needed(*on, fact)).collect();
        let message = format!(
            "`{from}` leads to `{to}` here, which is skipped then: it needs {}",
            joined(&needed, ",")
        );
        let place = self.at(route.from, Target::Arm(route.route));
        let diag = Diag::new(rules::DEAD_ROUTE, place, message);
        let diag = diag.help("let the route lead elsewhere, or write the need with a `?` to go on without it");
        needs.iter().fold(diag, |diag, (on, _)| {
            diag.label(self.place(route.to, Why::Need(*on)), "needed here")
        })
    }

    /// What is needed, of which a fact has to hold.
    fn needed(&self, on: u32, fact: &Fact) -> String {
        let name = self.name(on);
        match about(fact) {
            Some(of) if of == on => format!("`{name}` to complete"),
            _ => format!("`{name}`, which runs only if {}", self.says(fact, None)),
        }
    }
}

fn joined(texts: &[String], comma: &str) -> String {
    match texts {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first}{comma} and {second}"),
        [all @ .., last] => format!("{}{comma} and {last}", all.join(", ")),
    }
}
