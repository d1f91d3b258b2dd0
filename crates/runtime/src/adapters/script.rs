//! `runner: shell(script)`: a script that reads its inputs as variables and prints its answer.
//!
//! It prints a JSON record of the capability's outputs; one output alone may be printed as it is. Its effects are those
//! that the capability declares. A failure is its exit code and the last thing that it complained of.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use engine::event::{Exec, How};
use ir::data;
use ir::eval::{EvalError, NoWorld, Scope, eval};
use ir::expr::{Expr, Ref};
use ir::plan::{Binding, Interpreter, Param, Script};
use ir::types::{Type, Types};
use ir::value::Value;
use smol_str::SmolStr;

use super::host::Finished;
use super::{Adapter, Host, Request, failed};
use crate::supervisor::End;

pub(super) struct Shell(pub Script);

impl Adapter for Shell {
    fn call<'a>(&'a self, request: Request, host: Host) -> Pin<Box<dyn Future<Output = How> + Send + 'a>> {
        Box::pin(async move {
            let exec = match exec(&self.0, &request) {
                Ok(exec) => exec,
                Err(why) => return failed("expression-error", why),
            };
            match host.run(exec).await {
                Ok(finished) => answer(&finished, &request.capability.output),
                Err(why) => How::NotStarted(why),
            }
        })
    }
}

/// What a runner's expressions read.
struct Inputs<'r> {
    input: &'r BTreeMap<SmolStr, Value>,
    secrets: &'r BTreeMap<SmolStr, String>,
    types: Types,
}

impl Scope for Inputs<'_> {
    fn get(&self, reference: &Ref) -> Result<Value, EvalError> {
        match reference {
            Ref::Input(name) => Ok(self.input.get(name).cloned().unwrap_or(Value::None)),
            Ref::Secret(name) => match self.secrets.get(name) {
                Some(stand_in) => Ok(Value::String(stand_in.as_str().into())),
                None => Err(EvalError::new(format!("the plan has no secret `{name}`"))),
            },
            _ => Err(EvalError::new("a runner reads its inputs and secrets only")),
        }
    }

    fn types(&self) -> &Types {
        &self.types
    }
}

fn exec(script: &Script, request: &Request) -> Result<Exec, String> {
    let scope = Inputs {
        input: &request.input,
        secrets: &request.secrets,
        types: Types::default(),
    };
    let value = |expr: &Expr| eval(expr, &scope, &mut NoWorld).map_err(|error| error.message);
    let inputs = request
        .input
        .iter()
        .map(|(name, value)| (name.replace('-', "_").into(), value.clone()));
    let mut env: BTreeMap<SmolStr, Value> = inputs.collect();
    for Binding { name, value: expr } in script.env.iter().chain(&script.vars) {
        env.insert(name.clone(), value(expr)?);
    }
    let words = script.interpreter.words();
    let mut argv: Vec<_> = words.iter().copied().map(SmolStr::new_static).collect();
    if let Interpreter::Command(command) = &script.interpreter {
        argv.extend(data::render(&value(command)?).split_whitespace().map(SmolStr::new));
    }
    argv.extend([SmolStr::new_static("-c"), script.text.clone()]);
    let dir = script
        .dir
        .as_ref()
        .map(value)
        .transpose()?
        .map(|dir| data::render(&dir));
    Ok(Exec {
        argv,
        env,
        input: request.input.clone(),
        dir: dir.or_else(|| request.dir_said.clone()),
        effects: request.capability.effects.clone(),
    })
}

fn answer(finished: &Finished, output: &[Param]) -> How {
    let Finished { end, captured } = finished;
    match end {
        End::Exited(0) => {}
        End::Exited(code) => {
            let complaint = captured
                .stderr
                .lines()
                .rev()
                .map(str::trim)
                .find(|line| !line.is_empty());
            let complaint = complaint.map(|line| format!(": {line}")).unwrap_or_default();
            return failed("failure", format!("exit code {code}{complaint}"));
        }
        End::Signalled(signal) => return failed("failure", format!("killed by signal {signal}")),
    }
    if !captured.truncated.is_empty() {
        return failed("invalid-output", "it printed more than 1 MiB, expected its answer");
    }
    let printed = captured.stdout.trim_end_matches('\n');
    match read(printed, output) {
        Ok(record) => How::Answered(record),
        Err(why) => failed("invalid-output", why),
    }
}

/// A record of the outputs, or the only output as it is.
fn read(printed: &str, output: &[Param]) -> Result<Value, String> {
    let json = serde_json::from_str(printed).map(data::from_json);
    match (output, json) {
        ([], _) => Ok(Value::Record(BTreeMap::new())),
        ([only], Ok(Value::Record(fields))) if fields.contains_key(&only.name) => Ok(Value::Record(fields)),
        ([_, _, ..], Ok(Value::Record(fields))) => Ok(Value::Record(fields)),
        ([only], json) => {
            let is_text = matches!(only.ty.required(), Type::String(_));
            let value = match json {
                Ok(value) if !is_text => value,
                _ => Value::String(printed.into()),
            };
            Ok(Value::Record(BTreeMap::from([(only.name.clone(), value)])))
        }
        (_, Ok(_)) => Err("it printed no JSON record, expected one of its outputs".to_owned()),
        (_, Err(error)) => Err(format!("what it printed is no JSON: {error}")),
    }
}
