//! Fan-out: the instances of a task with `each`, and how they merge.
//!
//! Items and keys are evaluated once and kept. At most `parallel` instances hold a place (ready or running); those that
//! wait for a backoff or a person give theirs up. At most floor(tolerate × n) may fail; the next failure starts no
//! more, lets the running ones end and fails the task with its mode.

use std::collections::{BTreeMap, BTreeSet};

use ir::data;
use ir::plan::{Each, NodeId, Tolerate};
use ir::value::Value;
use smol_str::{SmolStr, format_smolstr};

use crate::engine::Engine;
use crate::event::NodeStatus;
use crate::graph::task;
use crate::judge::{Failure, Products};
use crate::notice::Notice;
use crate::scope::{Place, RunScope};
use crate::state::{FanOut, Instance, NodeError, Unit, UnitId};

impl FanOut {
    fn new(each: &Each, items: Vec<(SmolStr, Value)>) -> Self {
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let instances: Vec<Instance> = items.into_iter().map(|(key, item)| Instance::new(key, item)).collect();
        Self {
            waiting: (0..count).collect(),
            active: 0,
            parallel: each.parallel.unwrap_or(u32::MAX).max(1),
            open: count,
            failed: 0,
            tolerated: tolerated(&each.tolerate, count),
            error: None,
            cancelled: false,
            instances,
        }
    }
}

impl FanOut {
    /// Instances that completed stay so, and the others begin anew. Items are evaluated once: an error names an
    /// instance that completed with another item.
    fn take_over(&mut self, before: Self) -> Result<(), SmolStr> {
        let mut instances = self.instances.iter_mut();
        for (index, old) in (0..).zip(before.instances) {
            let new = instances
                .next()
                .filter(|new| new.key == old.key && new.item == old.item);
            let stays = old.unit.status == NodeStatus::Completed && !old.unit.is_undone();
            match new {
                None if stays => return Err(old.key),
                None => {}
                Some(new) if stays => {
                    *new = old;
                    self.open -= 1;
                    self.waiting.remove(&index);
                }
                Some(new) => new.unit = old.unit.anew(),
            }
        }
        Ok(())
    }
}

impl FanOut {
    /// What people were asked about its instances belongs to this node.
    pub(crate) fn asked_of(&mut self, id: NodeId) {
        let gates = self.instances.iter_mut().filter_map(|instance| instance.gate.as_mut());
        gates.for_each(|gate| gate.ask.node = id);
    }
}

impl Instance {
    const fn new(key: SmolStr, item: Value) -> Self {
        Self {
            key,
            item,
            unit: Unit::new(),
            products: Products::new(),
            gate: None,
            started_ms: None,
            settled_ms: None,
        }
    }
}

/// floor(tolerate × n)
fn tolerated(tolerate: &Tolerate, count: u32) -> u32 {
    match tolerate {
        Tolerate::Count(tolerated) => *tolerated,
        Tolerate::BasisPoints(points) => {
            u32::try_from(u64::from(*points) * u64::from(count) / 10_000).unwrap_or(u32::MAX)
        }
    }
}

impl Engine {
    /// Expands a task into its instances. No items: it completes at once.
    pub(crate) fn fan_out(&mut self, id: NodeId) {
        let program = self.scopes.program(id);
        let local = self.scopes.of(id).local(id);
        let Some(each) = task(&program.plan.nodes[local as usize]).and_then(|task| task.each.as_ref()) else {
            return;
        };
        let items = match self.items(id, each) {
            Ok(items) => items,
            Err(message) => {
                return self.fail_unstarted(id, Failure::new("expression-error", message));
            }
        };
        let before = self.state.node_mut(id).before.take();
        let counted = before.as_ref().map_or(1, |before| before.instances.len().max(1));
        let more = items.len().saturating_sub(counted);
        if let Some(message) = self.too_many_tasks(u32::try_from(more).unwrap_or(u32::MAX)) {
            return self.fail_unstarted(id, Failure::new("denied", message));
        }
        let mut fan = FanOut::new(each, items);
        if let Some(before) = before
            && let Err(completed) = fan.take_over(*before)
        {
            let message = format!("each: `{completed}` completed before, and its item is no longer the same");
            return self.fail_unstarted(id, Failure::new("expression-error", message));
        }
        fan.asked_of(id);
        let kept = (0..)
            .zip(&fan.instances)
            .filter(|(_, instance)| instance.unit.status.is_settled());
        let kept: Vec<u32> = kept.map(|(index, _)| index).collect();
        let label = self.label(UnitId {
            node: id,
            instance: None,
        });
        self.notices.push(Notice::FannedOut {
            node: id,
            label,
            instances: fan.open,
        });
        self.state.node_mut(id).fan = Some(Box::new(fan));
        if let Some(old) = self.predecessor(id).filter(|_| self.state.node(id).retries == 0) {
            for instance in kept.into_iter().map(Some) {
                self.take_over_unit(UnitId { node: old, instance }, UnitId { node: id, instance });
            }
        }
        self.show_status(id);
        self.admit(id);
        self.merge_if_over(id);
    }

    /// The items with their keys, in order.
    fn items(&self, id: NodeId, each: &Each) -> Result<Vec<(SmolStr, Value)>, String> {
        let scope = self.scope(Place::Node(id));
        let list = match scope
            .eval(&each.list)
            .map_err(|error| format!("each: {}", error.message))?
        {
            Value::List(list) => list,
            Value::None => return Err("each: the list is absent".to_owned()),
            _ => return Err("each: the value is not a list".to_owned()),
        };
        let mut keys = BTreeSet::new();
        let mut items = Vec::with_capacity(list.len());
        for (position, item) in list.into_iter().enumerate() {
            let key = match &each.by {
                None => format_smolstr!("{position}"),
                Some(by) => {
                    let scope = RunScope {
                        item: Some(&item),
                        ..scope
                    };
                    let key = scope.eval(by).map_err(|error| format!("by: {}", error.message))?;
                    SmolStr::from(data::render(&key))
                }
            };
            if !keys.insert(key.clone()) {
                return Err(format!("by: two items have the key `{key}`"));
            }
            items.push((key, item));
        }
        Ok(items)
    }

    /// Gives free places to instances, in item order.
    fn admit(&mut self, id: NodeId) {
        while let Some(fan) = &mut self.state.nodes[id as usize].fan {
            if fan.active >= fan.parallel {
                return;
            }
            let Some(index) = fan.waiting.pop_first() else {
                return;
            };
            fan.active += 1;
            self.enqueue(UnitId {
                node: id,
                instance: Some(index),
            });
        }
    }

    /// An instance that ran before queues for a place.
    pub(crate) fn queue_instance(&mut self, id: NodeId, index: u32) {
        if let Some(fan) = &mut self.state.node_mut(id).fan {
            fan.instances[index as usize].unit.status = NodeStatus::Ready;
            fan.waiting.insert(index);
        }
        self.show_status(id);
        self.admit(id);
    }

    /// An instance neither runs nor is about to: the next may.
    pub(crate) fn leave_place(&mut self, unit: UnitId) {
        if unit.instance.is_none() {
            return;
        }
        if let Some(fan) = &mut self.state.node_mut(unit.node).fan {
            fan.active -= 1;
        }
        self.admit(unit.node);
    }

    /// What a fan-out shows while instances are under way: what the one that is furthest from standing still does.
    pub(crate) fn fan_out_status(&self, id: NodeId, fan: &FanOut) -> NodeStatus {
        let instances = UnitId {
            node: id,
            instance: None,
        }..=UnitId {
            node: id,
            instance: Some(u32::MAX),
        };
        let parked = self.state.parked.range(instances.clone()).next().is_some();
        if parked && self.state.in_flight.range(instances.clone()).next().is_none() {
            NodeStatus::Waiting
        } else if fan.active > 0 || !fan.waiting.is_empty() {
            NodeStatus::Running
        } else if self.state.backoffs.range(instances.clone()).next().is_some()
            || self.state.awaited.range(instances.clone()).next().is_some()
            || self.state.asking.range(instances.clone()).next().is_some()
        {
            NodeStatus::Waiting
        } else if self.state.blocked.range(instances).next().is_some() {
            NodeStatus::Blocked
        } else {
            NodeStatus::Running
        }
    }

    /// Whether the node is a fan-out that will fail, and lets its running instances end.
    pub(crate) fn fan_out_fails(&self, id: NodeId) -> bool {
        self.state.node(id).fan.as_ref().is_some_and(|fan| fan.error.is_some())
    }

    pub(crate) fn instance_completed(&mut self, id: NodeId, index: u32, products: Products) {
        let label = self.label(UnitId {
            node: id,
            instance: Some(index),
        });
        let Some(instance) = self.end_instance(id, index, NodeStatus::Completed) else {
            return;
        };
        instance.products = products;
        let duration_ms = instance.settled_ms.unwrap_or(0) - instance.started_ms.or(instance.settled_ms).unwrap_or(0);
        self.notices.push(Notice::Completed {
            node: id,
            label,
            duration_ms,
        });
        self.leave_place(UnitId {
            node: id,
            instance: Some(index),
        });
        self.merge_if_over(id);
    }

    pub(crate) fn instance_failed(&mut self, id: NodeId, index: u32, error: NodeError) {
        let unit = UnitId {
            node: id,
            instance: Some(index),
        };
        let label = self.label(unit);
        if let Some(instance) = self.end_instance(id, index, NodeStatus::Failed) {
            instance.unit.error = Some(Box::new(error.clone()));
        }
        self.notices.push(Notice::Failed {
            node: id,
            label: label.clone(),
            error: error.clone(),
        });
        if let Some(fan) = &mut self.state.node_mut(id).fan {
            fan.failed += 1;
            if fan.failed > fan.tolerated && fan.error.is_none() {
                fan.error = Some(NodeError {
                    message: format!("`{label}`: {}", error.message),
                    ..error
                });
                self.halt_instances(id, crate::stop::Halt::LetEnd);
            }
        }
        self.leave_place(unit);
        self.merge_if_over(id);
    }

    pub(crate) fn instance_cancelled(&mut self, id: NodeId, index: u32) {
        self.end_instance(id, index, NodeStatus::Cancelled);
        if let Some(fan) = &mut self.state.node_mut(id).fan {
            fan.cancelled = true;
        }
        self.leave_place(UnitId {
            node: id,
            instance: Some(index),
        });
        self.merge_if_over(id);
    }

    fn end_instance(&mut self, id: NodeId, index: u32, status: NodeStatus) -> Option<&mut Instance> {
        if status == NodeStatus::Completed {
            self.state.calls.remove(&UnitId {
                node: id,
                instance: Some(index),
            });
        }
        let now_ms = self.state.now_ms;
        let fan = self.state.node_mut(id).fan.as_mut()?;
        fan.open -= 1;
        let instance = &mut fan.instances[index as usize];
        instance.unit.status = status;
        instance.unit.input.clear();
        instance.settled_ms = Some(now_ms);
        Some(instance)
    }

    /// Settles the task once no instance is under way.
    pub(crate) fn merge_if_over(&mut self, id: NodeId) {
        let node = self.state.node_mut(id);
        let Some(fan) = &mut node.fan else { return };
        if fan.open > 0 || node.status.is_settled() {
            return;
        }
        if let Some(error) = fan.error.clone() {
            node.error = Some(Box::new(error));
            return self.settle(id, NodeStatus::Failed);
        }
        if fan.cancelled {
            return self.settle(id, NodeStatus::Cancelled);
        }
        self.merge(id);
        self.settle(id, NodeStatus::Completed);
    }

    /// Each output becomes the list of what the completed instances made of it, in item order; of several that remember
    /// one key the last item's instance wins.
    fn merge(&mut self, id: NodeId) {
        let declared = task(self.scopes.node(id)).map_or(&[][..], |task| &task.output);
        let read = &self.scopes.table(id).read;
        let names = read.iter().chain(declared.iter().map(|output| &output.name));
        let mut outputs: BTreeMap<SmolStr, Value> = names.map(|name| (name.clone(), Value::List(Vec::new()))).collect();
        let node = self.state.node_mut(id);
        for instance in node.fan.iter_mut().flat_map(|fan| &mut fan.instances) {
            let products = std::mem::take(&mut instance.products);
            for (name, value) in products.outputs {
                if let Some(Value::List(list)) = outputs.get_mut(&name) {
                    list.push(value);
                }
            }
            for capture in products.truncated {
                if !node.truncated.contains(&capture) {
                    node.truncated.push(capture);
                }
            }
            node.writes.extend(products.writes);
        }
        node.outputs = outputs;
    }
}
