//! What a run has come to, for those who look at it from outside: expectations of tests, reports.
//!
//! Everything that a plan's outputs may read, and besides `run.status`, `run.duration`, `outputs.x` and questions about nodes.
//! Absent values are `none`. Absent: opinions on what they should be.

use ir::eval::{EvalError, Scope};
use ir::expr::{Asked, Expr, Question, Ref};
use ir::types::Types;
use ir::value::Value;

use crate::engine::Engine;
use crate::event::NodeStatus;
use crate::scope::{Place, RunScope, text};

/// The scope of a run that stands still, or of the moment.
#[derive(Clone, Copy)]
pub struct Outcome<'a> {
    engine: &'a Engine,
    scope: RunScope<'a>,
}

impl Engine {
    /// Keeps what this expression reads, though the plan itself may not read it. To be said before the first event, and
    /// of no run that has a journal: its state is another one.
    pub fn also_read(&mut self, expr: &Expr) {
        self.scopes.also_read(expr);
    }

    pub fn outcome(&self) -> Outcome<'_> {
        Outcome {
            engine: self,
            scope: self.scope(Place::Plan(self.scopes.outermost_id())),
        }
    }
}

impl Outcome<'_> {
    fn run(&self, name: &str) -> Option<Value> {
        if let Some(output) = name.strip_prefix("outputs.") {
            let outputs = self.engine.end().map(|end| &end.outputs);
            let value = outputs.and_then(|outputs| outputs.get(output));
            return Some(value.cloned().unwrap_or(Value::None));
        }
        match name {
            "status" => Some(text(self.engine.status().name())),
            "duration" => {
                let (started_ms, now_ms) = self.engine.times_ms();
                Some(Value::Duration(now_ms - started_ms))
            }
            _ => None,
        }
    }

    fn asked(&self, asked: &Asked) -> Value {
        let Some(node) = self.engine.node(asked.node) else {
            return Value::None;
        };
        let (status, attempts, started_ms) = match &asked.instance {
            None => (node.status, node.attempts, node.started_ms),
            Some(key) => match node.instances.iter().find(|instance| instance.key == *key) {
                Some(instance) => (instance.status, instance.attempts, instance.started_ms),
                None if asked.what == Question::Ran => return Value::Bool(false),
                None => return Value::None,
            },
        };
        match asked.what {
            Question::Status => text(status.name()),
            Question::Attempts => Value::Int(i64::from(attempts)),
            Question::Ran => {
                Value::Bool(started_ms.is_some() || matches!(status, NodeStatus::Completed | NodeStatus::Failed))
            }
        }
    }
}

impl Scope for Outcome<'_> {
    fn get(&self, reference: &Ref) -> Result<Value, EvalError> {
        match reference {
            Ref::Asked(asked) => Ok(self.asked(asked)),
            Ref::Run(name) => match self.run(name) {
                Some(value) => Ok(value),
                None => self.scope.get(reference),
            },
            reference => self.scope.get(reference),
        }
    }

    fn types(&self) -> &Types {
        self.scope.types()
    }
}
