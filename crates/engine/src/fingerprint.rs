//! What the nodes of a run are made of: what the plan says about them ([`ir::fingerprint`]) and the values that they read.
//!
//! Values are those of the moment: of a node whose upstream has settled they stay as they are. Secrets take part by name only.

use std::collections::BTreeSet;

use ir::eval::Scope;
use ir::expr::Ref;
use ir::fingerprint::{self, Kind, Leads, Part};
use ir::plan::{Node, NodeId};
use ir::value::Value;

use crate::engine::Engine;
use crate::scope::{Place, RunScope};
use crate::secret;

impl Engine {
    /// All that a node is made of: its clauses, what they use, what leads to it, and the values that it reads. `leads`
    /// are those of its plan, made once. Two nodes with the same [`fingerprint::digest`] of this do the same, in this
    /// run or in one of another revision.
    pub fn content_of(&self, node: NodeId, leads: &Leads) -> Vec<Part> {
        let scope = self.scopes.of(node);
        let mut parts = fingerprint::of_node(
            scope.plan(),
            self.scopes.root_of(self.scopes.id_of(node)),
            leads,
            scope.local(node),
        );
        parts.extend(self.values_read(node));
        parts
    }

    /// The values that a node reads, by the names that the plan has for them. Of a fan-out that is what all of its
    /// instances read.
    pub fn values_read(&self, node: NodeId) -> Vec<Part> {
        let found = self.scopes.node(node);
        self.values(Place::Node(node), found, &fingerprint::reads(found))
    }

    /// What references read at a place.
    pub(crate) fn values(&self, place: Place, node: &Node, read: &BTreeSet<Ref>) -> Vec<Part> {
        let scope = self.scope(place);
        let value = |reference: &Ref| {
            let what = fingerprint::name_of(scope.plan(), node, reference);
            self.value_part(&scope, what, reference)
        };
        read.iter().filter_map(value).collect()
    }

    /// Absent for what is no value of the run: a secret, the item of another place.
    fn value_part(&self, scope: &RunScope<'_>, what: String, reference: &Ref) -> Option<Part> {
        if matches!(reference, Ref::Secret(_)) || (matches!(reference, Ref::Each) && scope.each_item().is_none()) {
            return None;
        }
        Some(match scope.get(reference) {
            Ok(value) => self.part_of(what, &value),
            Err(error) => Part::new(Kind::Value, what, &("error", &error.message), &error.message),
        })
    }

    /// A value with its secrets by name: their stand-ins are others in every run.
    pub(crate) fn part_of(&self, what: String, value: &Value) -> Part {
        let holds_secrets = !secret::all(self.plan()).is_empty();
        let text = if holds_secrets {
            serde_json::to_string(value).ok()
        } else {
            None
        };
        match text.filter(|text| text.contains(secret::MARK)) {
            None => Part::value(what, value),
            Some(text) => {
                let text = self.without_stand_ins(text);
                Part::new(Kind::Value, what, &("with secrets", &text), &text)
            }
        }
    }

    fn without_stand_ins(&self, mut text: String) -> String {
        let run = self.run();
        for found in secret::all(self.plan()) {
            let (id, seed) = run.map_or(("", 0), |run| (run.run.as_str(), run.seed));
            text = text.replace(&secret::stand_in(id, seed, found), &secret::redacted(&found.name));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ir::expr::Expr;
    use ir::plan::{Binding, Body, Param, Plan, Route, Task};
    use ir::types::Type;

    use super::*;
    use crate::event::{Event, EventKind, RunStarted};

    /// `first` and `second`, which reads `params.query`, is routed to from `first` and stands on line `line`.
    fn plan(line: u32, on: &str) -> Plan {
        let mut plan = Plan::new("p");
        plan.params.push(Param {
            name: "query".into(),
            ty: Type::STRING,
            default: None,
            doc: None,
        });
        let mut first = Node::new("first", Body::Task(Box::default()));
        first.routes.push(Route { on: on.into(), to: 1 });
        let task = Task {
            input: vec![Binding {
                name: "q".into(),
                value: Expr::Ref(Ref::Param("query".into())),
            }],
            ..Task::default()
        };
        let mut second = Node::new("second", Body::Task(Box::new(task)));
        second.line = line;
        plan.nodes = vec![first, second];
        plan
    }

    fn content(plan: Plan, query: &str) -> Vec<Part> {
        let leads = Leads::of(&plan);
        let mut engine = Engine::new(Arc::new(plan));
        let run = RunStarted {
            run: "r".into(),
            inputs: [("query".into(), Value::from(query))].into(),
            seed: 1,
            parallel: 1,
            workspace: "/".to_owned(),
            memory: Default::default(),
        };
        engine.apply(&Event {
            time_ms: 0,
            kind: EventKind::RunStarted(run),
        });
        engine.content_of(1, &leads)
    }

    fn changed(before: &[Part], now: &[Part]) -> Vec<String> {
        let found = fingerprint::differences(before, now);
        found.into_iter().map(|one| one.what.to_string()).collect()
    }

    #[test]
    fn lines_take_no_part_values_and_routes_do() {
        let before = content(plan(2, "failure"), "a");
        let same = content(plan(9, "failure"), "a");
        assert_eq!(fingerprint::digest(&before), fingerprint::digest(&same));
        assert_eq!(changed(&before, &content(plan(2, "failure"), "b")), ["params.query"]);
        assert_eq!(
            changed(&before, &content(plan(2, "timeout"), "a")),
            ["on failure of first", "on timeout of first"]
        );
    }
}
