//! The values of clauses: capabilities, agents, types, plans, inputs, words, and what policies and profiles say.

use std::collections::BTreeSet;

use dsl_syntax::table::{self, ClauseKey as K, DeclKind, Row};
use ir::plan::{EffectKind, RunnerKind};
use ir::types::Type;
use smol_str::SmolStr;

use super::CompletionKind as Kind;
use super::candidates::Candidates;
use super::expected::{Expected, Sought, Taker, Wants, is_per, value_of};
use super::line::{is_word, levels};
use super::words;
use crate::check::{OF_CAPABILITY, settable_of_node, settable_of_plan};
use crate::graph::sig_of;
use crate::policy::{ATTRIBUTES, What};
use crate::rules::RULES;
use crate::scope::TypedField;
use crate::signatures::{NodeKind, Work};
use crate::types::BUILTIN_TYPES;

impl Candidates<'_> {
    /// The value of a clause, of which some may be written.
    pub fn values(&mut self, row: &'static Row, text: &str) {
        let levels = levels(text);
        if let Some(called) = levels.get(1).and_then(|level| level.called()) {
            return match levels[1].named_part() {
                Some((name, value)) => self.argument(called, name, value),
                None => self.told(words::arguments(called)),
            };
        }
        // a second value of a list begins anew
        let begun = text.rsplit(',').next().unwrap_or_default();
        match row.key {
            K::Using => {
                let task = self.decl.is_none_or(|decl| decl.kind == DeclKind::Task);
                self.capabilities();
                if task {
                    self.told(words::SCRIPTS);
                }
            }
            K::Capabilities | K::Provides | K::Do => self.capabilities(),
            K::By => self.agents(),
            K::Kind => self.kinds(),
            K::Fallback => self.targets(),
            K::Call => self.plans(),
            K::Failure => self.told(words::FAILURE),
            K::Severity => self.told(words::OF_RULE),
            K::From => self.told(words::HYPOTHESES),
            K::Judge => {
                self.told(words::HUMAN);
                self.capabilities();
            }
            K::Idempotent | K::Optional => self.told(words::BOOLS),
            K::Retry if begun.trim_start().contains(' ') => self.told(words::RETRY_ON),
            K::Retry => self.told(words::RETRIES),
            K::Effects => self.told(&EffectKind::ALL.map(words::effect)),
            K::Runner => self.told(&RunnerKind::ALL.map(words::runner)),
            K::Approver | K::Owner => self.principals(),
            K::Run | K::Rollback | K::Description => self.told(words::BLOCK),
            K::Timeout | K::Cache | K::Time => self.literal(&Type::Duration),
            K::Cost if is_per(text) => self.told(words::PERIODS),
            K::Cost if begun.trim_start().contains(' ') => self.told(words::PER),
            K::Cost => self.literal(&Type::Money),
            K::Confidence | K::Prior | K::Tolerate => self.literal(&Type::FLOAT),
            K::Version => self.usual(&Type::Version),
            K::Breaker if text.trim().is_empty() => self.told(words::BREAKER),
            K::Breaker if begun.trim().is_empty() => self.told(words::PROBE),
            K::Secrets => self.told(words::SECRET_SOURCES),
            _ => {}
        }
    }

    /// `base: ` in `exponential(max: 3, base: 1s)`.
    fn argument(&mut self, called: &str, name: &str, text: &str) {
        match (called, name) {
            ("linear" | "exponential", "base" | "cap" | "step") => self.literal(&Type::Duration),
            ("exponential", "jitter") => self.told(words::BOOLS),
            ("http", "method") => {
                for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] {
                    self.push(method, Kind::Word).detail = Some("a method of HTTP".to_owned());
                }
            }
            ("http" | "mcp" | "llm" | "human", _) => self.expression(Sought {
                text,
                key: Some(K::Runner),
                wants: Wants::Anything,
                over: None,
                then: &[],
            }),
            _ => {}
        }
    }

    fn kinds(&mut self) {
        for (kind, order) in std::mem::take(&mut self.kinds).into_iter().zip(1..) {
            let item = self.push(kind.as_str(), Kind::Word);
            item.detail = Some("a kind of task".to_owned());
            item.order = order;
        }
    }

    /// A literal of a type: the units of the number that is being written, or what is often meant.
    pub fn literal(&mut self, ty: &Type) {
        if !self.units(words::units(ty)) {
            self.usual(ty);
        }
    }

    /// The units that can follow a number that is being written; whether there is one.
    pub fn units(&mut self, units: &[(&str, &str)]) -> bool {
        let digits = self.word.len()
            - self
                .word
                .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '.'))
                .len();
        if digits == 0 || !self.word.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let number = self.word[..digits].to_owned();
        for ((unit, meaning), order) in units.iter().zip(1..) {
            let item = self.push(format!("{number}{unit}"), Kind::Word);
            item.detail = Some(format!("{number} {meaning}"));
            item.order = order;
            item.fits = true;
        }
        true
    }

    /// Values of a type that are often written.
    pub fn usual(&mut self, ty: &Type) {
        let first = self.found.len();
        self.told(words::usual(ty));
        for item in &mut self.found[first..] {
            item.fits = true;
        }
    }

    /// Those that approve gates of the plan, then how others are written.
    fn principals(&mut self) {
        let nodes = self.plan.map_or(&[][..], |plan| &plan.nodes);
        let gates = nodes.iter().filter(|(_, ties)| ties.kind == NodeKind::Gate);
        let sigs = gates.filter_map(|(block, _)| sig_of(self.db, *block));
        let known: BTreeSet<SmolStr> = sigs.flat_map(|sig| sig.approvers.iter().cloned()).collect();
        for name in known {
            let item = self.push(name.as_str(), Kind::Word);
            item.detail = Some("approves a gate of the plan".to_owned());
            item.fits = true;
        }
        self.told(words::PRINCIPALS);
    }

    pub fn capabilities(&mut self) {
        let scope = self.scope;
        for (name, capability) in &scope.capabilities {
            let item = self.push(name.as_str(), Kind::Capability);
            // those of the language after those of the plan
            item.order = if capability.id.file.is_some() { 1 } else { 2 };
            item.detail = capability.title.as_ref().map(ToString::to_string);
            item.doc = Some(format!(
                "```plan\n{name}({}) -> {{ {} }}\n```",
                listed(&capability.input),
                listed(&capability.output)
            ));
        }
    }

    /// Those that can do what the task is about.
    pub fn agents(&mut self) {
        let scope = self.scope;
        let wanted = match self.node.map(|node| &node.work) {
            Some(Work::Capability(name)) => scope.capabilities.get(name),
            _ => None,
        };
        let lacks = |agent: &crate::scope::Agent| wanted.is_some_and(|wanted| agent.lacks(&wanted.id));
        let named = self.node.map_or(&[][..], |node| &node.by);
        let written = self.whole.clone();
        let is_free = |name: &SmolStr| **name == *written || !named.contains(name);
        for (name, agent) in scope
            .agents
            .iter()
            .filter(|(name, agent)| is_free(name) && !lacks(agent))
        {
            let provides: Vec<&str> = agent.provides.iter().map(|id| id.name.as_str()).collect();
            let item = self.push(name.as_str(), Kind::Agent);
            item.detail = Some(format!("provides {}", provides.join(", ")));
            item.about = Some(name.to_string());
        }
    }

    fn plans(&mut self) {
        let (scope, own) = (self.scope, self.shape.map(|shape| shape.name.clone()));
        for (name, plan) in scope.plans.iter().filter(|(name, _)| Some(*name) != own.as_ref()) {
            let item = self.push(name.as_str(), Kind::Plan);
            item.about = Some(name.to_string());
            item.detail = Some(format!("({})", listed(&plan.plan.params)));
        }
    }

    /// What profiles and tests can be of.
    pub fn plans_to_try(&mut self) {
        for name in self.scope.about_names() {
            let item = self.push(name.as_str(), Kind::Plan);
            item.detail = Some("a plan".to_owned());
            item.about = Some(name.to_string());
        }
    }

    pub fn types(&mut self) {
        let scope = self.scope;
        for name in scope.named.keys() {
            let item = self.push(name.as_str(), Kind::Type);
            item.about = Some(name.to_string());
            item.order = 1;
        }
        for (name, order) in BUILTIN_TYPES.iter().zip(2..) {
            let item = self.push(*name, Kind::Type);
            item.insert = matches!(*name, "list" | "map" | "secret").then(|| format!("{name}[$1]"));
            item.detail = Some(words::type_meaning(name).to_owned());
            item.order = order;
        }
    }

    /// What somebody takes and is not given yet.
    pub fn inputs(&mut self, taker: Taker<'_>) {
        let beside = self.beside.iter().map(|name| SmolStr::from(*name));
        let in_header = match taker {
            Taker::Work => self.node.map(|node| node.input.to_vec()).unwrap_or_default(),
            _ => Vec::new(),
        };
        let written = in_header.into_iter().filter(|name| **name != *self.whole);
        let given: Vec<SmolStr> = written.chain(beside).collect();
        let fields = self.taken_by(taker);
        for (field, order) in fields.iter().zip(1..).filter(|(field, _)| !given.contains(&field.name)) {
            let item = self.push(field.name.as_str(), Kind::Member);
            item.detail = Some(match field.has_default {
                true => format!("{}, may be left out", field.ty),
                false => field.ty.to_string(),
            });
            item.insert = Some(format!("{}: ", field.name));
            item.fits = !field.has_default;
            item.order = order;
        }
    }

    pub fn memory_keys(&mut self) {
        for field in self.shape.map_or(&[][..], |shape| &shape.memory) {
            self.push(field.name.as_str(), Kind::Member).detail = Some(field.ty.to_string());
        }
    }

    /// `task where kind == deploy`
    pub fn selector(&mut self, text: &str) {
        match text.split_once(" where ") {
            None if is_word(text.trim_start()) => self.told(words::SELECTED),
            None => self.told(words::WHERE),
            Some((what, condition)) => self.attribute(what.trim(), condition),
        }
    }

    /// `after(gate where approver == role/release) and timeout <= 30m`
    pub fn predicate(&mut self, text: &str) {
        let levels = levels(text);
        let called = levels.last().and_then(|level| Some((level.called()?, level.inside())));
        match called {
            Some(("flow", inside)) => {
                let end = inside.rsplit(',').next().unwrap_or_default();
                if end.trim().contains(' ') {
                    return self.selector(end);
                }
                self.told(words::FLOW_ENDS);
                self.told(words::SELECTED);
                self.capabilities();
            }
            Some((_, inside)) => self.selector(inside),
            None => {
                let compares = levels.last().and_then(|level| level.compared()).is_some();
                self.attribute("node", text);
                if !compares {
                    self.told(words::PREDICATES);
                }
            }
        }
    }

    /// An attribute of what a policy is about, or what one can be.
    fn attribute(&mut self, what: &str, condition: &str) {
        let compared = levels(condition)
            .last()
            .and_then(|level| level.compared())
            .map(str::trim);
        match compared {
            Some("kind") => self.kinds(),
            Some("using") => {
                self.capabilities();
                self.told(words::SCRIPTS);
            }
            Some("by") => self.agents(),
            Some("approver" | "owner") => self.principals(),
            Some("effects") => {
                for kind in EffectKind::ALL {
                    self.push(kind.name(), Kind::Word).detail = Some(words::effect(kind).meaning.to_owned());
                }
            }
            Some("timeout" | "budget.time") => self.literal(&Type::Duration),
            Some("budget.cost") => self.literal(&Type::Money),
            Some("optional" | "idempotent") => self.told(words::BOOLS),
            Some("failure") => self.told(words::FAILURE),
            Some(_) => {}
            None => {
                let fits = |of: &[What]| what == "node" || of.iter().any(|of| of.word() == what);
                for (row, order) in ATTRIBUTES.iter().zip(1..).filter(|(row, _)| fits(row.of)) {
                    let item = self.push(row.name, Kind::Member);
                    item.detail = Some(format!("{}: {}", row.sort.phrase(), row.doc));
                    item.order = order;
                }
            }
        }
    }

    /// A path into the plan of a profile.
    pub fn setting(&mut self, path: &str) {
        let outer: Vec<&str> = path.split('.').collect();
        let outer = &outer[..outer.len() - 1];
        match outer {
            [] => {
                self.settable(DeclKind::Plan, settable_of_plan());
                self.nodes(|_, ties| ties.kind != NodeKind::Hypothesis);
                self.capabilities_in("");
            }
            ["budget"] | [_, "budget"] => self.told(words::BUDGET),
            ["limits"] => self.told(words::OF_PLAN_LIMITS),
            ["params"] => self.inputs(Taker::Plan),
            [node] if let Some(sig) = self.named(node) => {
                let kind = sig.kind;
                let decl = DeclKind::from_keyword(kind.word()).unwrap_or(DeclKind::Task);
                self.settable(decl, settable_of_node(kind));
            }
            [node, "input"] => {
                let work = self.named(node).map(|sig| sig.work.clone());
                if let Some(Work::Capability(name)) = work {
                    self.inputs(Taker::Capability(&name));
                }
            }
            _ => {}
        }
        if outer.is_empty() || !self.found.is_empty() {
            return;
        }
        match outer.join(".") {
            known if self.scope.capabilities.contains_key(known.as_str()) => {
                self.settable(DeclKind::Capability, OF_CAPABILITY);
            }
            prefix => self.capabilities_in(&format!("{prefix}.")),
        }
    }

    /// The declared capabilities whose names begin so, by the rest of their names.
    fn capabilities_in(&mut self, prefix: &str) {
        let scope = self.scope;
        for (name, capability) in scope.capabilities.iter().filter(|(_, one)| one.id.file.is_some()) {
            if let Some(rest) = name.strip_prefix(prefix) {
                self.push(rest, Kind::Capability).detail = capability.title.as_ref().map(ToString::to_string);
            }
        }
    }

    fn settable(&mut self, kind: DeclKind, keys: &[K]) {
        for row in table::clauses(kind).iter().filter(|row| keys.contains(&row.key)) {
            let item = self.push(row.key.word(), Kind::Clause);
            item.detail = Some(row.doc.to_owned());
        }
    }

    /// What a path of a profile is set to.
    pub fn setting_to(&mut self, path: &str, text: &str) {
        let segments: Vec<&str> = path.split('.').collect();
        let constant = |wants| {
            Expected::Expr(Sought {
                text,
                key: None,
                wants,
                over: None,
                then: &[],
            })
        };
        let found = match segments.as_slice() {
            ["budget", "time"] | [_, "budget", "time"] => constant(Wants::Duration),
            ["budget", "cost"] | [_, "budget", "cost"] => constant(Wants::Money),
            ["params", name] => constant(Wants::Input(Taker::Plan, name)),
            [node, "input", name] => {
                let work = self.named(node).map(|sig| sig.work.clone());
                let Some(Work::Capability(capability)) = work else {
                    return;
                };
                return self.add(constant(Wants::Input(Taker::Capability(&capability), name)));
            }
            [.., key] => {
                let rows = [DeclKind::Task, DeclKind::Gate, DeclKind::Plan, DeclKind::Capability];
                let row = rows.into_iter().find_map(|kind| table::find(table::clauses(kind), key));
                row.map_or(Expected::Nothing, |row| value_of(row, text))
            }
            [] => Expected::Nothing,
        };
        self.add(found);
    }

    /// Rules that can be allowed.
    pub fn rules(&mut self) {
        for rule in RULES.iter().filter(|rule| !rule.is_essential()) {
            let item = self.push(rule.name, Kind::Word);
            item.detail = Some(rule.summary().to_owned());
        }
    }
}

/// `query: string, limit: int`
pub(super) fn listed(fields: &[TypedField]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|field| format!("{}: {}", field.name, field.ty))
        .collect();
    fields.join(", ")
}
