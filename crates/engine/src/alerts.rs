//! Alerts: raised once when their condition comes to hold, and again only after it has not held in between.
//!
//! A condition is looked at when something settled that it may read, and those that read how long the run takes also at
//! the moments that they name. What an alert said stays in the state; nothing waits for it.

use std::collections::BTreeSet;

use ir::data;
use ir::expr::{BinaryOp, Expr, Ref, refs};
use ir::plan::Alert;
use ir::value::Value;
use serde::Serialize;
use smol_str::SmolStr;

use crate::engine::Engine;
use crate::event::{Command, Timer};
use crate::notice::Notice;
use crate::scope::Place;

/// Of a run that raises more the first ones are kept.
const RAISED_MAX: usize = 1000;

/// What a run knows about the alerts of its plan.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Alerts {
    /// Those that hold now, by their place in the plan.
    holding: BTreeSet<usize>,
    raised: Vec<Raised>,
    /// Something settled since they were looked at.
    #[serde(skip)]
    pub stale: bool,
}

/// An alert that was raised.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Raised {
    pub name: String,
    pub severity: Option<SmolStr>,
    pub time_ms: i64,
}

impl Alerts {
    /// The plan has others now.
    pub fn forget(&mut self) {
        self.holding.clear();
        self.stale = true;
    }
}

impl Engine {
    /// Alerts that were raised, in order.
    pub fn alerts(&self) -> &[Raised] {
        &self.state.alerts.raised
    }

    /// Looks at the alerts after an event.
    pub(crate) fn watch_alerts(&mut self) {
        if self.plan().alerts.is_empty() || self.state.run.is_none() {
            return;
        }
        let plan = self.plan().clone();
        let settled = std::mem::take(&mut self.state.alerts.stale);
        for (at, alert) in plan.alerts.iter().enumerate() {
            if !settled && !reads_the_run(&alert.when) {
                continue;
            }
            // what it reads may be absent as yet
            let holds = self.scope(Place::Alert).holds(&alert.when).unwrap_or(false);
            if !holds {
                self.state.alerts.holding.remove(&at);
            } else if self.state.alerts.holding.insert(at) {
                self.raise(alert);
            }
        }
    }

    fn raise(&mut self, alert: &Alert) {
        let name = match self.scope(Place::Alert).eval(&alert.name) {
            Ok(name) => data::render(&name),
            Err(error) => format!("an alert whose name cannot be told: {}", error.message),
        };
        self.notices.push(Notice::Alert {
            name: name.clone(),
            severity: alert.severity.clone(),
        });
        if self.state.alerts.raised.len() < RAISED_MAX {
            self.state.alerts.raised.push(Raised {
                name,
                severity: alert.severity.clone(),
                time_ms: self.state.now_ms,
            });
        }
    }

    /// Has the driver wake the engine at the next moment that some alert names.
    pub(crate) fn set_alert_timer(&mut self) {
        let plan = self.plan().clone();
        let now_ms = self.state.now_ms;
        let started_ms = self.state.started_ms;
        let moments = plan.alerts.iter().flat_map(|alert| self.moments_ms(&alert.when));
        let later = moments
            .map(|after_ms| started_ms.saturating_add(after_ms).saturating_add(1))
            .filter(|at_ms| *at_ms > now_ms);
        if let Some(at_ms) = later.min() {
            let timer = Timer::Alert;
            self.commands.push(Command::SetTimer { timer, at_ms });
        }
    }

    /// After how long a comparison with `run.duration` may change.
    fn moments_ms(&self, when: &Expr) -> Vec<i64> {
        let mut moments = Vec::new();
        when.walk(&mut |expr, _, _| {
            let Expr::Binary(binary) = expr else { return };
            if !matches!(binary.op, BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge) {
                return;
            }
            let bound = match (&binary.lhs, &binary.rhs) {
                (Expr::Ref(Ref::Run(name)), bound) | (bound, Expr::Ref(Ref::Run(name))) if name == "duration" => bound,
                _ => return,
            };
            if let Ok(Value::Duration(ms)) = self.scope(Place::Alert).eval(bound) {
                moments.push(ms);
            }
        });
        moments
    }

    /// It is time to look again: that happens after every event.
    pub(crate) fn alert_due(&mut self) -> Result<(), String> {
        if self.plan().alerts.is_empty() {
            return Err("the plan has no alerts".to_owned());
        }
        self.set_alert_timer();
        Ok(())
    }
}

/// Whether it may change though nothing settled.
fn reads_the_run(when: &Expr) -> bool {
    let mut reads = false;
    refs(when, &mut |reference| {
        reads |= matches!(reference, Ref::Run(_) | Ref::Budget(_));
    });
    reads
}
