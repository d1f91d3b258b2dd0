//! Secrets as the engine sees them: a stand-in for each, the same in every replay of a run, and never the value.
//!
//! Promise: no value of a secret is in an event, a command or the state. A stand-in cannot be guessed by whoever does
//! not read the run's folder, so data that a script prints is not mistaken for one. Absent: values, which only a driver
//! has.

use ir::plan::{Plan, Secret, SecretSource};
use smol_str::SmolStr;

/// Opens a stand-in and what is shown instead of a value.
pub const MARK: &str = "[secret:";

/// What expressions read for a secret. A driver that starts an attempt replaces it in the attempt's environment.
pub fn stand_in(run: &str, seed: u64, secret: &Secret) -> String {
    let (kind, source, key) = match &secret.from {
        SecretSource::Env(name) => ("env", name, None),
        SecretSource::File { path, key } => ("file", path, key.as_ref()),
    };
    let mut hasher = blake3::Hasher::new_derive_key("dslc 2026 secret stand-in");
    hasher.update(&seed.to_le_bytes());
    for part in [run, secret.name.as_str(), kind, source, key.map_or("", SmolStr::as_str)] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize().to_hex();
    format!("{MARK}{}:{}]", secret.name, &digest[..16])
}

/// What stands where a value was taken out.
pub fn redacted(name: &str) -> String {
    format!("{MARK}{name}]")
}

/// The secrets of a plan and of all that it calls, each once.
pub fn all(plan: &Plan) -> Vec<&Secret> {
    let mut found: Vec<&Secret> = Vec::new();
    for secret in std::iter::once(plan)
        .chain(plan.plans.values())
        .flat_map(|plan| &plan.secrets)
    {
        if !found.contains(&secret) {
            found.push(secret);
        }
    }
    found
}
