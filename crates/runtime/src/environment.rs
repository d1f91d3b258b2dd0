//! The environment of scripts: what they inherit, what they are told, and where programs are found.
//!
//! Only the variables listed here are inherited, so that a script behaves alike wherever `dslc` was started and sees no
//! token that happens to be in the environment.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use ir::data::{render, to_plain_json};
use ir::value::Value;
use rustix::fs::{Access, access};
use store::Artifacts;
use zeroize::Zeroizing;

/// Inherited: finding programs, the user and their home, language and terminal, temporary files, certificates and proxies, and
/// where the common toolchains keep their files.
pub const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TERM",
    "COLORTERM",
    "TZ",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "GOPATH",
    "JAVA_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
];
/// And all variables that begin so.
pub const INHERITED_PREFIXES: &[&str] = &["LC_"];

/// The system passes no longer string to a program, its end included.
pub const STRING_MAX_BYTES: usize = 128 << 10;

/// What every attempt inherits: put together once, as the system takes it.
pub struct Inherited {
    entries: Vec<Entry>,
    path: OsString,
}

struct Entry {
    name: Vec<u8>,
    /// `NAME=VALUE`, with a zero byte at its end.
    text: Vec<u8>,
}

/// Variables of one attempt.
pub type Variables<'a> = Vec<(Cow<'a, str>, Zeroizing<Vec<u8>>)>;

impl Inherited {
    pub fn new(also: &[String]) -> Self {
        let passes = |name: &OsStr| {
            let name = name.to_string_lossy();
            INHERITED.contains(&name.as_ref())
                || INHERITED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
                || also.iter().any(|other| *other == name)
        };
        let entry = |(name, value): (OsString, OsString)| Entry {
            text: [name.as_bytes(), b"=", value.as_bytes(), b"\0"].concat(),
            name: name.into_vec(),
        };
        Self {
            entries: std::env::vars_os()
                .filter(|(name, _)| passes(name))
                .map(entry)
                .collect(),
            path: std::env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// The whole environment of an attempt. Of variables of one name the last counts, and those of the attempt before
    /// inherited ones.
    pub fn with(&self, own: &Variables<'_>) -> Zeroizing<Vec<u8>> {
        let is_there = |own: &Variables<'_>, after: usize, name: &[u8]| {
            let mut later = own.iter().skip(after);
            later.any(|(other, _)| other.as_bytes() == name)
        };
        let inherited: usize = self.entries.iter().map(|entry| entry.text.len()).sum();
        let given: usize = own.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        // growing would leave copies of secrets behind
        let mut all = Zeroizing::new(Vec::with_capacity(inherited + given));
        for entry in &self.entries {
            if !is_there(own, 0, &entry.name) {
                all.extend_from_slice(&entry.text);
            }
        }
        for (at, (name, value)) in own.iter().enumerate() {
            if !is_there(own, at + 1, name.as_bytes()) {
                for part in [name.as_bytes(), b"=", value, b"\0"] {
                    all.extend_from_slice(part);
                }
            }
        }
        all
    }

    /// Where programs are looked for.
    pub fn path<'a>(&'a self, own: &'a Variables<'_>) -> &'a OsStr {
        let own = own.iter().rev().find(|(name, _)| name == "PATH");
        own.map_or(&self.path, |(_, path)| OsStr::from_bytes(path))
    }
}

/// A value as a script sees it: files as the absolute paths of their artifacts.
pub fn as_text(value: &Value, artifacts: &Artifacts) -> String {
    render(&with_paths(value, artifacts))
}

/// The same for `$PLAN_INPUT`.
pub fn as_json(value: &Value, artifacts: &Artifacts) -> serde_json::Value {
    to_plain_json(&with_paths(value, artifacts))
}

/// Values are nested at most 128 deep, so this may recurse.
fn with_paths(value: &Value, artifacts: &Artifacts) -> Value {
    match value {
        Value::File(file) => Value::String(artifacts.path(&file.digest).to_string_lossy().into()),
        Value::List(items) => Value::List(items.iter().map(|item| with_paths(item, artifacts)).collect()),
        Value::Record(fields) => Value::Record(
            fields
                .iter()
                .map(|(name, field)| (name.clone(), with_paths(field, artifacts)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Finds programs as a shell would, remembering what it found.
#[derive(Default)]
pub struct Programs {
    /// By what they were looked for in, and their name.
    found: HashMap<OsString, HashMap<String, PathBuf>>,
}

impl Programs {
    /// The absolute path of a program; a name without a slash is looked up in `path`, one with a slash is relative to `dir`.
    pub fn find(&mut self, name: &str, path: &OsStr, dir: &Path) -> Result<PathBuf, String> {
        if name.contains('/') {
            let program = dir.join(name);
            return match access(&program, Access::EXEC_OK) {
                Ok(()) => Ok(program),
                Err(_) if program.exists() => Err(format!("`{}` is not executable", program.display())),
                Err(_) => Err(format!("no program `{}`", program.display())),
            };
        }
        if let Some(program) = self.found.get(path).and_then(|found| found.get(name)) {
            return Ok(program.clone());
        }
        let program = path
            .as_bytes()
            .split(|&byte| byte == b':')
            // an empty entry means the current folder, which nobody means
            .filter(|folder| folder.starts_with(b"/"))
            .map(|folder| Path::new(OsStr::from_bytes(folder)).join(name))
            .find(|program| program.is_file() && access(program, Access::EXEC_OK).is_ok())
            .ok_or_else(|| format!("no program `{name}` in $PATH; install it, or correct `shell:` or $PATH"))?;
        let found = self.found.entry(path.to_owned()).or_default();
        found.insert(name.to_owned(), program.clone());
        Ok(program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        let mut programs = Programs::default();
        let path = OsStr::new("relative::/nonexistent:/bin:/usr/bin");
        let sh = programs.find("sh", path, Path::new("/")).expect("there is a shell");
        assert!(sh.is_absolute() && sh.ends_with("sh"));
        assert_eq!(programs.find("sh", path, Path::new("/")), Ok(sh));
        let error = programs
            .find("no-such-program", path, Path::new("/"))
            .expect_err("none");
        assert!(error.starts_with("no program `no-such-program` in $PATH"), "{error}");
        let error = programs.find("./x", path, Path::new("/nowhere")).expect_err("none");
        assert!(error.starts_with("no program `/nowhere/./x`"), "{error}");
    }

    fn entries(own: Variables<'_>) -> Vec<String> {
        let all = Inherited::new(&["CARGO_PKG_NAME".to_owned()]).with(&own);
        let text = std::str::from_utf8(&all).expect("text");
        let entries = text.strip_suffix('\0').expect("an end");
        entries.split('\0').map(str::to_owned).collect()
    }

    #[test]
    fn only_listed_variables_are_inherited() {
        let entries = entries(Vec::new());
        let has = |name: &str| entries.iter().any(|entry| entry.starts_with(&format!("{name}=")));
        assert!(has("PATH"));
        assert!(has("CARGO_PKG_NAME"));
        assert!(!has("CARGO_PKG_VERSION"));
    }

    #[test]
    fn the_last_of_a_name_counts() {
        let given = [("CARGO_PKG_NAME", "a"), ("X", "b=c"), ("Y", ""), ("X", "d")];
        let own: Variables<'_> = given
            .map(|(name, value)| (name.into(), value.as_bytes().to_vec().into()))
            .into();
        let mut entries = entries(own);
        entries.retain(|entry| entry.starts_with(['C', 'X', 'Y']) && !entry.starts_with("CARGO_HOME"));
        assert_eq!(entries, ["CARGO_PKG_NAME=a", "Y=", "X=d"]);
        let own: Variables<'_> = vec![("PATH".into(), b"/one".to_vec().into())];
        assert_eq!(Inherited::new(&[]).path(&own), "/one");
    }
}
