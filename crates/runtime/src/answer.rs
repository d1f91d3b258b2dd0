//! What people answer to questions of tasks.
//!
//! Promise: an answer that is not of the types that the task wants is refused before anything is on record; whoever is
//! told that an answer counts finds it in the journal. Absent: knowing people. What they say they are is believed.

use std::collections::BTreeMap;

use engine::event::EventKind;
use engine::{AnswerShape, Engine, NoAnswer, Weight};
use ir::data;
use ir::types::Type;
use ir::value::Value;
use smol_str::SmolStr;
use store::RunFolder;

use crate::error::RunError;
use crate::history::fold;
use crate::request::{Asked, ask};

/// An answer as it was given.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The task, or the instance `task[key]`.
    pub task: String,
    pub by: SmolStr,
    /// `field=value`, each read by its type, or the one value of a question that wants one.
    pub given: Vec<String>,
    /// A record of fields instead.
    pub json: Option<Value>,
    pub because: Option<String>,
}

/// Answers the question of a task.
pub fn answer(folder: &RunFolder, answer: &Answer) -> Result<Asked, RunError> {
    let asked = ask(folder, |engine| answer.weigh(folder, engine))?;
    // somebody else's may have been first in the driver's inbox
    if let Asked::Taken(_) = &asked {
        answer.weigh(folder, &fold(folder, |_, _| {})?.engine)?;
    }
    Ok(asked)
}

impl Answer {
    /// The event, if the answer counts; nothing, if it was given already.
    fn weigh(&self, folder: &RunFolder, engine: &Engine) -> Result<Option<EventKind>, RunError> {
        let refused = |refusal: NoAnswer| RunError::NotAnswered {
            task: self.task.clone(),
            refusal,
        };
        let Some(shape) = engine.answer_shape(&self.task) else {
            let known = engine
                .find_unit(&self.task)
                .and_then(|(node, instance)| engine.weigh_answer(node, instance, &Value::None).err());
            return Err(match known {
                Some(refusal) => refused(refusal),
                None => RunError::NoSuchQuestion {
                    run: folder.id().to_owned(),
                    task: self.task.clone(),
                    waiting: waiting(engine),
                },
            });
        };
        let (node, instance) = (shape.node, shape.instance);
        let value = self.read(&shape).map_err(|why| refused(NoAnswer::Wrong(why)))?;
        match engine.weigh_answer(node, instance, &value) {
            Ok(Weight::Said) => Ok(None),
            Err(refusal) => Err(refused(refusal)),
            Ok(Weight::Counts) => Ok(Some(EventKind::Answered {
                node,
                instance,
                by: self.by.clone(),
                answer: value,
                because: self.because.clone(),
            })),
        }
    }

    /// A record of what was given, each field read as its type is written.
    fn read(&self, shape: &AnswerShape<'_>) -> Result<Value, String> {
        let mut fields = match &self.json {
            Some(Value::Record(fields)) => fields.clone(),
            Some(_) => return Err("it is no JSON object, expected one with a field for each output".to_owned()),
            None => BTreeMap::new(),
        };
        let expected = || {
            let field = |field: &ir::plan::Param| format!("`{}={}`", field.name, field.ty);
            shape.fields.iter().map(field).collect::<Vec<_>>().join(", ")
        };
        for given in &self.given {
            let named = given
                .split_once('=')
                .and_then(|(name, text)| Some((shape.fields.iter().find(|field| field.name == name)?, text)));
            let required = || {
                let mut wanted = shape
                    .fields
                    .iter()
                    .filter(|field| !matches!(field.ty, Type::Optional(_)));
                wanted.next().filter(|_| wanted.next().is_none())
            };
            let (field, text) = match (named, required()) {
                (Some(named), _) => named,
                (None, Some(only)) if self.given.len() == 1 => (only, given.as_str()),
                (None, _) => return Err(format!("`{given}` is none of its fields, expected {}", expected())),
            };
            let value = data::parse_param(text, &field.ty, shape.types)
                .map_err(|why| format!("`{}` is {}: {why}", field.name, field.ty))?;
            fields.insert(field.name.clone(), value);
        }
        if fields.is_empty() && !shape.fields.is_empty() {
            return Err(format!("nothing was answered, expected {}", expected()));
        }
        Ok(Value::Record(fields))
    }
}

/// Names of the tasks that wait for an answer.
fn waiting(engine: &Engine) -> Vec<String> {
    let questions = engine.asking().into_iter().filter(|ask| ask.question.is_some());
    questions.map(|ask| ask.label.to_string()).collect()
}
