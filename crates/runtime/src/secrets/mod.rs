//! Secrets: read when a driver starts, handed to the attempts that name them, taken out of everything that comes back.
//!
//! Promise: a value is in this process's memory, wiped after use, and in the environment of the attempts that name it;
//! it is in no event, no argument, no file of the run. Whatever an attempt writes or leaves passes [`Redactor`] before
//! anything else sees it. Absent: the engine's view of a secret, which is a stand-in ([`engine::secret`]).

mod encodings;
mod redact;
mod source;
mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::secret;
use ir::value::Value;
use smol_str::SmolStr;
use zeroize::Zeroizing;

pub use redact::{Redacted, Redacting, Redactor};
pub use source::{LENGTH_MIN, Values};
pub(crate) use sweep::sweep;

/// The secrets of one run.
#[derive(Default)]
pub struct Secrets {
    known: Vec<Known>,
    redactor: Arc<Redactor>,
}

struct Known {
    name: SmolStr,
    stand_in: String,
    value: Zeroizing<String>,
}

impl Secrets {
    /// With the stand-ins of a run.
    pub fn new(values: Values, run: &str, seed: u64) -> Self {
        let redactor = Arc::new(Redactor::new(
            values.0.iter().map(|(secret, value)| (&*secret.name, value.as_str())),
        ));
        let known = values
            .0
            .into_iter()
            .map(|(secret, value)| Known {
                stand_in: secret::stand_in(run, seed, &secret),
                name: secret.name,
                value,
            })
            .collect();
        Self { known, redactor }
    }

    pub fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// A value with the secrets in it, and whether it has any.
    pub fn reveal(&self, value: &Value) -> Option<Value> {
        self.replace(value, &|known| known.value.as_str().into())
    }

    /// A text with the secrets in it.
    pub fn reveal_text(&self, text: &str) -> Zeroizing<String> {
        let revealed = self.replace_text(text, &|known| known.value.as_str().into());
        Zeroizing::new(revealed.unwrap_or_else(|| text.to_owned()))
    }

    /// The name of a secret whose stand-in is in a text.
    pub fn named_in(&self, text: &str) -> Option<&str> {
        if !text.contains(secret::MARK) {
            return None;
        }
        let known = self.known.iter().find(|known| text.contains(&known.stand_in))?;
        Some(&known.name)
    }

    /// A value for a file: names of secrets where their stand-ins were.
    pub fn mask(&self, value: &Value) -> Value {
        self.replace(value, &|known| secret::redacted(&known.name))
            .unwrap_or_else(|| value.clone())
    }

    /// Values are nested at most 100 deep, so this may recurse. `None` where there was nothing to replace.
    fn replace(&self, value: &Value, with: &dyn Fn(&Known) -> String) -> Option<Value> {
        if self.known.is_empty() {
            return None;
        }
        match value {
            Value::String(text) => self.replace_text(text, with).map(|text| Value::String(text.into())),
            Value::List(items) => {
                let replaced: Vec<Option<Value>> = items.iter().map(|item| self.replace(item, with)).collect();
                replaced.iter().any(Option::is_some).then(|| {
                    Value::List(
                        replaced
                            .into_iter()
                            .zip(items)
                            .map(|(new, old)| new.unwrap_or_else(|| old.clone()))
                            .collect(),
                    )
                })
            }
            Value::Record(fields) => {
                let replaced: BTreeMap<SmolStr, Option<Value>> = fields
                    .iter()
                    .map(|(name, field)| (name.clone(), self.replace(field, with)))
                    .collect();
                replaced.values().any(Option::is_some).then(|| {
                    Value::Record(
                        replaced
                            .into_iter()
                            .zip(fields.values())
                            .map(|((name, new), old)| (name, new.unwrap_or_else(|| old.clone())))
                            .collect(),
                    )
                })
            }
            _ => None,
        }
    }

    fn replace_text(&self, text: &str, with: &dyn Fn(&Known) -> String) -> Option<String> {
        if !text.contains(secret::MARK) {
            return None;
        }
        let mut replaced: Option<String> = None;
        for known in &self.known {
            let text = replaced.as_deref().unwrap_or(text);
            if text.contains(&known.stand_in) {
                replaced = Some(text.replace(&known.stand_in, &with(known)));
            }
        }
        replaced
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.known.iter().map(|known| &known.name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use ir::plan::{Secret, SecretSource};

    use super::*;

    fn secret(name: &str) -> Secret {
        Secret {
            name: name.into(),
            from: SecretSource::Env(name.to_uppercase().into()),
        }
    }

    fn secrets() -> Secrets {
        let values = ["one", "two"].map(|name| (secret(name), Zeroizing::new(format!("value of {name}"))));
        Secrets::new(Values(values.into()), "run", 7)
    }

    #[test]
    fn stand_ins_become_values_wherever_they_are() {
        let (one, two) = (
            secret::stand_in("run", 7, &secret("one")),
            secret::stand_in("run", 7, &secret("two")),
        );
        let value = Value::Record(BTreeMap::from([
            (
                "a".into(),
                Value::List(vec![Value::from(format!("{one}, {two}")), Value::Int(1)]),
            ),
            ("b".into(), Value::from("[secret:one]")),
        ]));
        let revealed = secrets().reveal(&value).expect("something was replaced");
        assert_eq!(
            ir::data::to_plain_json(&revealed).to_string(),
            r#"{"a":["value of one, value of two",1],"b":"[secret:one]"}"#
        );
        let masked = secrets().mask(&value);
        assert_eq!(
            ir::data::to_plain_json(&masked).to_string(),
            r#"{"a":["[secret:one], [secret:two]",1],"b":"[secret:one]"}"#
        );
        assert_eq!(secrets().named_in(&format!("x{two}")), Some("two"));
    }

    #[test]
    fn stand_ins_of_another_run_are_text() {
        let other = secret::stand_in("other", 7, &secret("one"));
        assert!(secrets().reveal(&Value::from(other.clone())).is_none());
        assert_eq!(secrets().named_in(&other), None);
        assert_eq!(format!("{:?}", secrets()), r#"["one", "two"]"#);
    }
}
