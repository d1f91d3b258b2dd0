//! Parameters of a plan: those given, checked against it, and defaults for the others.

use ir::data::check;
use ir::eval::{EvalError, NoWorld, Scope, eval};
use ir::expr::Ref;
use ir::plan::{Inputs, Plan};
use ir::types::{Type, Types};
use ir::value::Value;

/// The inputs that a run, or a call of the plan, starts with; otherwise one sentence for each parameter that is
/// missing, unknown or of the wrong type.
pub fn complete(plan: &Plan, given: Inputs) -> Result<Inputs, Vec<String>> {
    let mut problems: Vec<String> = given
        .keys()
        .filter(|name| !plan.params.iter().any(|param| param.name == **name))
        .map(|name| format!("plan `{}` has no parameter `{name}`{}", plan.name, known(plan)))
        .collect();
    let mut inputs = Inputs::new();
    for param in &plan.params {
        let value = match (given.get(&param.name), &param.default) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(default)) => {
                let scope = Params {
                    inputs: &inputs,
                    types: &plan.types,
                };
                eval(default, &scope, &mut NoWorld)
                    .map_err(|error| format!("its default has no value: {}", error.message))
            }
            (None, None) if matches!(param.ty, Type::Optional(_)) => Ok(Value::None),
            (None, None) => Err(format!("it is missing, expected {}", param.ty)),
        };
        match value.and_then(|value| check(value, &param.ty, &plan.types).map_err(|error| error.to_string())) {
            Ok(value) => drop(inputs.insert(param.name.clone(), value)),
            Err(what) => problems.push(format!("parameter `{}`: {what}", param.name)),
        }
    }
    if problems.is_empty() { Ok(inputs) } else { Err(problems) }
}

fn known(plan: &Plan) -> String {
    let names: Vec<&str> = plan.params.iter().map(|param| param.name.as_str()).collect();
    if names.is_empty() {
        "; it has none".to_owned()
    } else {
        format!("; there are `{}`", names.join("`, `"))
    }
}

/// What is known before anything ran. A default may read the parameters before it.
struct Params<'a> {
    inputs: &'a Inputs,
    types: &'a Types,
}

impl Scope for Params<'_> {
    fn get(&self, reference: &Ref) -> Result<Value, EvalError> {
        match reference {
            Ref::Param(name) => self
                .inputs
                .get(name)
                .cloned()
                .ok_or_else(|| EvalError::new(format!("`params.{name}` has no value yet"))),
            _ => Err(EvalError::new("a default can only read the parameters before it")),
        }
    }

    fn types(&self) -> &Types {
        self.types
    }
}
