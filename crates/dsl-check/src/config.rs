//! `dslc.toml`: what a workspace includes, the severities of rules, further kinds of tasks, where runs are stored.
//!
//! Unknown keys are errors: a misspelt setting must not be one that silently does nothing. Absent: looking for the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use serde::Deserialize;
use smol_str::SmolStr;

use crate::diagnostic::Severity;
use crate::rules::{self, Rule};

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Config {
    /// Patterns of files that belong to the workspace; empty: all `.plan` files.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    /// Files whose policies apply to every plan.
    pub policies: Vec<String>,
    pub lint: BTreeMap<SmolStr, Level>,
    /// Further kinds of tasks.
    pub kinds: Vec<SmolStr>,
    /// Where runs are stored, relative to the workspace root.
    pub store: Option<String>,
}

/// What `[lint]` says about a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Allow,
    Hint,
    Warn,
    Error,
}

impl Level {
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Allow => None,
            Self::Hint => Some(Severity::Hint),
            Self::Warn => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// Why a `dslc.toml` was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// One line, without the place.
    pub message: String,
    /// Bytes in the text, where known.
    pub span: Option<std::ops::Range<usize>>,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    workspace: RawWorkspace,
    policies: Vec<String>,
    lint: BTreeMap<SmolStr, Level>,
    kinds: RawKinds,
    run: RawRun,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawWorkspace {
    include: Vec<String>,
    exclude: Vec<String>,
    /// In TOML a key after `[workspace]` belongs to it, so both places are read.
    policies: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawKinds {
    extra: Vec<SmolStr>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawRun {
    store: Option<String>,
}

impl Config {
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let raw: Raw = toml::from_str(text).map_err(|error| ConfigError {
            message: error.message().trim().replace('\n', " "),
            span: error.span(),
        })?;
        if let Some(unknown) = raw.lint.keys().find(|name| rules::find(name).is_none()) {
            let span = text.find(unknown.as_str()).map(|at| at..at + unknown.len());
            return Err(ConfigError {
                message: format!("`[lint]` names `{unknown}`, which is no rule"),
                span,
            });
        }
        let is_lowered = |name: &str, level: Level| {
            let is_essential = rules::find(name).is_some_and(Rule::is_essential);
            is_essential && level != Level::Error
        };
        if let Some((essential, _)) = raw.lint.iter().find(|(name, level)| is_lowered(name, **level)) {
            let span = text.find(essential.as_str()).map(|at| at..at + essential.len());
            return Err(ConfigError {
                message: format!(
                    "`[lint]` lowers `{essential}`, which is always an error: the plan would not be what is written"
                ),
                span,
            });
        }
        let mut policies = raw.policies;
        policies.extend(raw.workspace.policies);
        for pattern in &policies {
            check_pattern(text, pattern)?;
        }
        Ok(Self {
            include: raw.workspace.include,
            exclude: raw.workspace.exclude,
            policies,
            lint: raw.lint,
            kinds: raw.kinds.extra,
            store: raw.run.store,
        })
    }

    /// Whether `policies` names the file; its path is relative to the root of the workspace.
    pub fn is_policy_file(&self, path: &Path) -> bool {
        self.policies.iter().any(|pattern| names_file(pattern, path))
    }

    /// The severity of a rule here; `None`: not shown.
    pub fn severity(&self, rule: &str) -> Option<Severity> {
        match self.lint.get(rule) {
            Some(level) => level.severity(),
            None => rules::find(rule).map(|rule| rule.severity),
        }
    }
}

/// Whether a pattern names the file; its path is relative to the root of the workspace.
pub(crate) fn names_file(pattern: &str, path: &Path) -> bool {
    let pattern = pattern.trim_start_matches("./");
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(path))
}

/// The folder below which everything lies that a pattern can name.
pub(crate) fn fixed_folder(pattern: &str) -> PathBuf {
    let is_fixed = |part: &&str| !part.contains(['*', '?', '[', '{']);
    let mut folder: PathBuf = pattern.split('/').take_while(is_fixed).collect();
    if folder.as_os_str().len() == pattern.len() {
        folder.pop();
    }
    folder
}

/// A pattern that names no file that could be a plan would silently apply nothing.
fn check_pattern(text: &str, pattern: &str) -> Result<(), ConfigError> {
    let wrong = |message: String| {
        let span = text.find(pattern).map(|at| at..at + pattern.len());
        Err(ConfigError { message, span })
    };
    if !pattern.ends_with(".plan") && !pattern.ends_with('*') {
        return wrong(format!(
            "`policies` names `{pattern}`, expected files that end in `.plan`"
        ));
    }
    if Path::new(pattern).is_absolute() || pattern.split('/').any(|part| part == "..") {
        return wrong(format!(
            "`policies` names `{pattern}`, expected a path below the workspace's root"
        ));
    }
    match GlobBuilder::new(pattern).build() {
        Ok(_) => Ok(()),
        Err(error) => wrong(format!(
            "`policies` names `{pattern}`, which is no pattern of paths: {}",
            error.kind()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_is_read() {
        let config = Config::parse(
            "policies = [\"p/*.plan\"]\n[workspace]\ninclude = [\"a\"]\n[lint]\nunknown-kind = \"warn\"\n[kinds]\nextra = [\"ops\"]\n[run]\nstore = \"s\"\n",
        )
        .expect("valid");
        assert_eq!(config.severity("unknown-kind"), Some(Severity::Warning));
        assert_eq!(config.severity("syntax"), Some(Severity::Error));
        assert_eq!(config.store.as_deref(), Some("s"));
        assert_eq!(config.policies, ["p/*.plan"]);
    }

    #[test]
    fn a_misspelt_key_or_rule_is_an_error_with_a_place() {
        assert!(Config::parse("[lints]\n").is_err());
        let error = Config::parse("[lint]\nunknwon = \"warn\"\n").expect_err("no such rule");
        assert_eq!(error.span, Some(7..14));
        assert!(error.message.contains("`unknwon`"));
    }

    #[test]
    fn what_makes_another_plan_of_it_is_always_an_error() {
        assert!(Config::parse("[lint]\nsyntax = \"error\"\n").is_ok());
        for level in ["allow", "hint", "warn"] {
            let error = Config::parse(&format!("[lint]\nsyntax = \"{level}\"\n")).expect_err("lowered");
            assert_eq!(error.span, Some(7..13));
        }
    }
}
