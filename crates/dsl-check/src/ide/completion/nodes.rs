//! Nodes by their names, where they make no loop; what they fire, and who decides them.

use std::collections::HashSet;

use ir::types::Type;
use smol_str::SmolStr;

use super::CompletionKind as Kind;
use super::candidates::{Candidates, OFFERED_MAX, has_letters};
use super::words;
use crate::check::node_outputs;
use crate::graph::{BUILTIN_MODES, Edge, fires_on_failure, sig_of, topologies};
use crate::ide::waits::reached;
use crate::signatures::{NeedSig, NodeKind, NodeSig, Ties, Work};

impl Candidates<'_> {
    /// Nodes that do not wait for this one, and are not needed already, but by the word that is being written.
    pub fn needs(&mut self) {
        let needs = self.ties.map_or(&[][..], |ties| &ties.needs);
        let names = needs.iter().flat_map(NeedSig::names);
        let written = self.whole.clone();
        let needed: Vec<&SmolStr> = names.filter(|name| **name != *written).collect();
        // what waits for it would wait for itself
        let waits = self.reached(|edge| Some((edge.on, edge.waits)));
        let me = self.at;
        let first = self.found.len();
        self.nodes(|at, ties| {
            let is_free = Some(at) != me && !waits.get(at).is_some_and(|waits| *waits);
            is_free && ties.kind != NodeKind::Hypothesis && !needed.contains(&&ties.name)
        });
        self.standbys_last(first);
    }

    /// What another node leads to when it did not complete is hardly ever waited for.
    fn standbys_last(&mut self, first: usize) {
        let nodes = self.plan.map_or(&[][..], |plan| &plan.nodes);
        let routes = nodes
            .iter()
            .flat_map(|(_, ties)| ties.routes.iter().map(|route| (ties.kind, route)));
        let standbys: HashSet<&str> = routes
            .filter(|(kind, route)| route.on.as_ref().is_some_and(|on| fires_on_failure(*kind, on)))
            .map(|(_, route)| route.to.as_str())
            .collect();
        for one in &mut self.found[first..] {
            if standbys.contains(one.label.as_str()) {
                one.order += nodes.len() as u32;
            }
        }
    }

    /// Nodes that this one does not wait for.
    pub fn targets(&mut self) {
        let waited_for = self.reached(|edge| Some((edge.waits, edge.on)));
        let me = self.at;
        self.nodes(|at, ties| {
            let is_free = Some(at) != me && !waited_for.get(at).is_some_and(|waits| *waits);
            is_free && ties.kind != NodeKind::Hypothesis
        });
    }

    /// By index of the plan's nodes, those that steps along its edges lead to; empty outside of a node.
    pub fn reached(&self, step: impl Fn(&Edge) -> Option<(u32, u32)>) -> Vec<bool> {
        let (Some((file, plan)), Some(at)) = (self.home, self.at) else {
            return Vec::new();
        };
        let graph = topologies(self.db, file).get(plan);
        graph.map_or_else(Vec::new, |graph| {
            reached(graph.ties.len(), at as u32, graph.edges.all().iter().filter_map(step))
        })
    }

    /// The node above comes first, then those above that one, then those below. Of more than anybody looks through, the
    /// first with the letters that are written.
    pub fn nodes(&mut self, fits: impl Fn(usize, &Ties) -> bool) {
        let Some(plan) = self.plan else { return };
        let count = plan.nodes.len();
        let here = self.at.unwrap_or(0).min(count);
        let nearest_first = (0..here).rev().chain(here..count);
        let written = match count > OFFERED_MAX {
            true => self.word.to_lowercase(),
            false => String::new(),
        };
        for (at, order) in nearest_first.zip(1..) {
            let (_, ties) = &plan.nodes[at];
            if ties.name.is_empty() || !fits(at, ties) {
                continue;
            }
            if !has_letters(&ties.name, &written) {
                self.is_part = true;
                continue;
            }
            if self.found.len() > OFFERED_MAX {
                return;
            }
            let kind = match ties.kind {
                NodeKind::Hypothesis => Kind::Hypothesis,
                _ => Kind::Node,
            };
            let item = self.push(ties.name.as_str(), kind);
            item.detail = Some(ties.kind.word().to_owned());
            item.about = Some(ties.name.to_string());
            item.order = order;
        }
    }

    pub fn of_kind(&mut self, kind: NodeKind) {
        self.nodes(|_, ties| ties.kind == kind);
    }

    /// A node of the plan by its name.
    pub fn named(&self, name: &str) -> Option<&NodeSig> {
        let mut nodes = self.plan?.nodes.iter();
        let (block, _) = nodes.find(|(_, ties)| ties.name == name)?;
        sig_of(self.db, *block).map(|sig| &**sig)
    }

    /// What a route can be taken on.
    pub fn events(&mut self) {
        let Some(node) = self.node else { return };
        match node.kind {
            NodeKind::Gate => self.told(words::OF_GATE),
            NodeKind::Decision if self.ties.is_some_and(|ties| ties.from_hypotheses) => {
                self.of_kind(NodeKind::Hypothesis);
            }
            _ => {
                self.own_modes(node);
                self.told(words::SUCCESS);
                self.builtin_modes();
            }
        }
    }

    /// The ways to fail that can be tried again, or that a mock can fail in.
    pub fn modes(&mut self, failing: Option<&NodeSig>) {
        if let Some(node) = failing {
            self.own_modes(node);
        }
        self.builtin_modes();
    }

    fn own_modes(&mut self, node: &NodeSig) {
        for mode in &node.modes {
            let item = self.push(mode.as_str(), Kind::Word);
            item.detail = Some("a way to fail that the task names".to_owned());
            item.fits = true;
        }
    }

    fn builtin_modes(&mut self) {
        for (mode, order) in BUILTIN_MODES.iter().zip(1..) {
            let item = self.push(*mode, Kind::Word);
            item.detail = Some(words::mode(mode).to_owned());
            item.order = order;
        }
    }

    /// `mock web.search by scout when … -> …`
    pub fn mocked(&mut self, after: &str) {
        let words: Vec<&str> = after.split(' ').collect();
        match words.as_slice() {
            [] | [_] => {
                self.told(words::MOCKED);
                self.capabilities();
            }
            ["task", _] => self.nodes(|_, ties| ties.kind == NodeKind::Task),
            [.., "by", _] => self.agents(),
            [.., "fails", _] => self.modes(words.get(1).and_then(|name| self.named(name)).cloned().as_ref()),
            _ if after.contains(" fails ") => {}
            _ => self.told(words::AFTER_MOCKED),
        }
    }

    /// `mock web.search -> { items: [] }`: what it gives when it runs.
    pub fn answer(&mut self, mocked: &str) {
        let mut words = mocked.split(' ');
        let fields = match (words.next().unwrap_or_default(), words.next()) {
            ("task", Some(task)) => self.named(task).map_or_else(Vec::new, |sig| {
                let mut outputs = node_outputs(self.scope, sig);
                // how long it takes is said behind the answer
                outputs.retain(|(name, _)| sig.work != Work::Script || name != "duration");
                outputs
            }),
            (capability, _) => {
                let found = self.scope.capabilities.get(capability);
                let fields = found.map_or(&[][..], |found| &found.output).iter();
                fields.map(|field| (field.name.clone(), field.ty.clone())).collect()
            }
        };
        for (name, ty) in fields {
            let item = self.push(name.as_str(), Kind::Member);
            item.insert = Some(format!("{name}: "));
            item.detail = Some(ty.to_string());
        }
    }

    /// `approve gate as role/x choosing option after 2h`
    pub fn decided(&mut self, after: &str) {
        let words: Vec<&str> = after.split(' ').collect();
        let gate = words.first().and_then(|name| self.named(name)).cloned();
        match words.as_slice() {
            [] | [_] => self.of_kind(NodeKind::Gate),
            [.., "as", _] => {
                for approver in gate.iter().flat_map(|gate| gate.approvers.iter()) {
                    self.push(approver.as_str(), Kind::Word).detail = Some("may decide here".to_owned());
                }
            }
            [.., "choosing", _] => {
                for option in gate.iter().flat_map(|gate| gate.options.iter()) {
                    self.push(option.as_str(), Kind::Word).detail = Some("an option of the gate".to_owned());
                }
            }
            [.., "after", _] => self.usual(&Type::Duration),
            [.., before, _] if before.contains('/') || *before == words[0] || gate.is_some() => {
                let written = |word: &words::Word| !words.contains(&word.label);
                let left: Vec<words::Word> = words::DECIDED.iter().copied().filter(written).collect();
                let has_options = gate.is_some_and(|gate| !gate.options.is_empty());
                self.told_if(&left, |word| word.label != "choosing" || has_options);
            }
            _ => {}
        }
    }
}
