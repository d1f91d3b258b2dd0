//! Where secrets come from: variables of the environment, and files.
//!
//! All are read at once, so that everything that is missing is said in one go, before anything runs.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use engine::secret;
use ir::plan::{Plan, Secret, SecretSource};
use smol_str::SmolStr;
use zeroize::Zeroizing;

/// In characters. Shorter ones turn up by chance, and taking them out would reveal where.
pub const LENGTH_MIN: usize = 8;
/// Of a file with secrets.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Secrets that were read.
#[derive(Default)]
pub struct Values(pub(super) Vec<(Secret, Zeroizing<String>)>);

impl Values {
    /// Reads the secrets of a plan and of those that it calls; paths are relative to `cwd`. The error has one sentence
    /// for each that cannot be used.
    pub fn read(plan: &Plan, cwd: &Path) -> Result<Self, Vec<String>> {
        let mut values = Vec::new();
        let mut problems = Vec::new();
        for secret in secret::all(plan) {
            match read(&secret.from, cwd).and_then(long_enough) {
                Ok(value) => values.push((secret.clone(), value)),
                Err(what) => problems.push(format!("secret `{}`: {what}", secret.name)),
            }
        }
        if problems.is_empty() {
            Ok(Self(values))
        } else {
            Err(problems)
        }
    }
}

impl Values {
    /// With those of another plan that can be read: what an earlier revision did is undone with its own secrets.
    #[must_use]
    pub fn and_readable(mut self, plan: &Plan, cwd: &Path) -> Self {
        for (secret, value) in Self::readable(plan, cwd).0.0 {
            if !self.0.iter().any(|(known, _)| *known == secret) {
                self.0.push((secret, value));
            }
        }
        self
    }

    /// Those that can be read, to take out of texts what is known, and the names of the others.
    pub fn readable(plan: &Plan, cwd: &Path) -> (Self, Vec<SmolStr>) {
        let (mut values, mut unread) = (Vec::new(), Vec::new());
        for secret in secret::all(plan) {
            match read(&secret.from, cwd).and_then(long_enough) {
                Ok(value) => values.push((secret.clone(), value)),
                Err(_) => unread.push(secret.name.clone()),
            }
        }
        (Self(values), unread)
    }
}

fn read(source: &SecretSource, cwd: &Path) -> Result<Zeroizing<String>, String> {
    match source {
        SecretSource::Env(name) => match std::env::var(name) {
            Ok(value) => Ok(Zeroizing::new(value)),
            Err(std::env::VarError::NotPresent) => Err(format!("the environment variable `{name}` is not set")),
            Err(std::env::VarError::NotUnicode(_)) => Err(format!("the environment variable `{name}` holds no text")),
        },
        SecretSource::File { path, key } => {
            let text = read_file(&cwd.join(path), path)?;
            match key {
                None => Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned())),
                Some(key) => field(&text, key)
                    .ok_or_else(|| format!("`{path}` has no `{key}`, expected a JSON field or a line `{key}=…`")),
            }
        }
    }
}

fn read_file(path: &Path, shown: &str) -> Result<Zeroizing<String>, String> {
    let failed = |error: std::io::Error| format!("cannot read `{shown}`: {error}");
    let file = File::open(path).map_err(failed)?;
    let mut text = Zeroizing::new(String::new());
    let read = file
        .take(FILE_MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if read as u64 > FILE_MAX_BYTES {
        return Err(format!("`{shown}` is larger than {FILE_MAX_BYTES} bytes"));
    }
    Ok(text)
}

/// A field of a JSON object, else of lines `KEY=value`, as files of variables have them.
fn field(text: &str, key: &str) -> Option<Zeroizing<String>> {
    if text.trim_start().starts_with('{') {
        let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
        return match fields.remove(key)? {
            serde_json::Value::String(value) => Some(Zeroizing::new(value)),
            serde_json::Value::Number(value) => Some(Zeroizing::new(value.to_string())),
            _ => None,
        };
    }
    text.lines().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| Zeroizing::new(unquoted(value.trim()).to_owned()))
    })
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

fn long_enough(value: Zeroizing<String>) -> Result<Zeroizing<String>, String> {
    let length = value.chars().count();
    if value.contains('\0') {
        return Err("it holds a NUL character, which no environment can pass on".to_owned());
    }
    if length < LENGTH_MIN {
        let characters = if length == 1 { "character" } else { "characters" };
        return Err(format!(
            "it has {length} {characters}, expected at least {LENGTH_MIN}: shorter ones cannot be told apart from other text in logs"
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(secrets: Vec<(&str, SecretSource)>) -> Plan {
        let secrets = secrets
            .into_iter()
            .map(|(name, from)| Secret {
                name: name.into(),
                from,
            })
            .collect();
        Plan {
            secrets,
            ..Plan::new("p")
        }
    }

    fn file(path: &str, key: Option<&str>) -> SecretSource {
        SecretSource::File {
            path: path.into(),
            key: key.map(Into::into),
        }
    }

    #[test]
    fn files_are_whole_or_have_fields() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("whole"), "a long secret\n").expect("written");
        std::fs::write(
            dir.path().join("vars"),
            "# a comment\nOTHER=x\nexport KEY = \"quoted = secret\"\n",
        )
        .expect("written");
        std::fs::write(
            dir.path().join("s.json"),
            r#"{"KEY": "from \"JSON\"", "N": 1234567890}"#,
        )
        .expect("written");
        let plan = plan(vec![
            ("a", file("whole", None)),
            ("b", file("vars", Some("KEY"))),
            ("c", file("s.json", Some("KEY"))),
            ("d", file("s.json", Some("N"))),
        ]);
        let values = Values::read(&plan, dir.path()).unwrap_or_else(|problems| panic!("{problems:?}"));
        let values: Vec<&str> = values.0.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(
            values,
            ["a long secret", "quoted = secret", "from \"JSON\"", "1234567890"]
        );
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("short"), "1234567\n").expect("written");
        std::fs::write(dir.path().join("vars"), "A=b\n").expect("written");
        let plan = plan(vec![
            ("a", SecretSource::Env("DSLC_NO_SUCH_VARIABLE".into())),
            ("b", file("none", None)),
            ("c", file("short", None)),
            ("d", file("vars", Some("KEY"))),
        ]);
        let Err(problems) = Values::read(&plan, dir.path()) else {
            panic!("nothing was missing")
        };
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert_eq!(
            problems[0],
            "secret `a`: the environment variable `DSLC_NO_SUCH_VARIABLE` is not set"
        );
        assert!(
            problems[1].starts_with("secret `b`: cannot read `none`: "),
            "{problems:?}"
        );
        assert!(
            problems[2].starts_with("secret `c`: it has 7 characters, expected at least 8"),
            "{problems:?}"
        );
        assert!(
            problems[3].starts_with("secret `d`: `vars` has no `KEY`"),
            "{problems:?}"
        );
    }
}
