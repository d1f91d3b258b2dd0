//! The environment of scripts: what they inherit, what they are told, and where programs are found.
//!
//! Only the variables listed here are inherited, so that a script behaves alike wherever `dslc` was started and sees no
//! token that happens to be in the environment.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ir::data::{render, to_plain_json};
use ir::value::Value;
use rustix::fs::{Access, access};
use store::Artifacts;

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

/// What every attempt inherits.
pub fn inherited(also: &[String]) -> Vec<(OsString, OsString)> {
    let passes = |name: &OsStr| {
        let name = name.to_string_lossy();
        INHERITED.contains(&name.as_ref())
            || INHERITED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || also.iter().any(|other| *other == name)
    };
    std::env::vars_os().filter(|(name, _)| passes(name)).collect()
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
    found: HashMap<(OsString, OsString), PathBuf>,
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
        let key = (OsString::from(name), path.to_owned());
        if let Some(program) = self.found.get(&key) {
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
        self.found.insert(key, program.clone());
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

    #[test]
    fn only_listed_variables_are_inherited() {
        let names: Vec<OsString> = inherited(&["CARGO_PKG_NAME".to_owned()])
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert!(names.contains(&"PATH".into()));
        assert!(names.contains(&"CARGO_PKG_NAME".into()));
        assert!(!names.contains(&"CARGO_PKG_VERSION".into()));
    }
}
