//! The functions that look at the world, and the one that makes identifiers of the run.

use uuid::Uuid;

use super::Args;
use crate::eval::{EvalError, Outcome, Scope, World};
use crate::expr::Ref;
use crate::func::Func;
use crate::value::Value;

const UUID_DOMAIN: &[u8] = b"plan-uuid/1\0";

/// `file exists hash`. The digest of an artifact is known and not looked up.
pub(crate) fn call(func: Func, args: Vec<Value>, world: &mut dyn World) -> Outcome {
    let mut args = Args::new(func, args);
    match args.any()? {
        Value::File(file) if func == Func::Hash => Ok(Value::String(file.digest)),
        Value::File(file) if func == Func::File => Ok(Value::File(file)),
        Value::String(path) => observe(func, &path, world).map_err(EvalError::new),
        other => args.expected("a path", &other),
    }
}

fn observe(func: Func, path: &str, world: &mut dyn World) -> Result<Value, String> {
    match func {
        Func::File => world.file(path),
        Func::Exists => world.exists(path).map(Value::Bool),
        _ => world.hash(path).map(Value::from),
    }
}

/// A version 8 UUID of the run's id and the salt: the same in a replay, another in every other run.
pub(crate) fn uuid(args: Vec<Value>, scope: &dyn Scope) -> Outcome {
    let salt = Args::new(Func::Uuid, args).text()?;
    let run = match scope.get(&Ref::Run("id".into()))? {
        Value::String(id) => id,
        other => {
            return crate::eval::fail(format!("`run.id` is {}, expected a string", other.kind()));
        }
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(UUID_DOMAIN);
    hasher.update(&(run.len() as u64).to_le_bytes());
    hasher.update(run.as_bytes());
    hasher.update(salt.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Ok(Value::from(Uuid::new_v8(bytes).to_string()))
}
