//! The files and facts that a plan under test sees: those that its mocks made, and a machine that lacks nothing.
//!
//! Preconditions hold as a rule, so before a script starts every path exists; one that is to fail is mocked (`fails
//! precondition`).

use std::collections::BTreeMap;

use globset::GlobBuilder;
use ir::eval::World;
use ir::value::{FileRef, Value};
use smol_str::SmolStr;

use crate::world::is_pattern;

const TIB: i64 = 1 << 40;
const GIB: i64 = 1 << 30;

#[derive(Default)]
pub struct Files {
    /// Text by path, as the plan writes it.
    files: BTreeMap<SmolStr, SmolStr>,
    /// Nothing has run yet that could have made a file.
    pub before: bool,
}

impl Files {
    pub fn write(&mut self, path: SmolStr, text: SmolStr) {
        self.files.insert(path, text);
    }

    fn stored(&self, path: &str) -> Result<FileRef, String> {
        let Some(text) = self.files.get(path) else {
            return Err(format!(
                "no mock made `{path}`, expected `files: {{ \"{path}\": \"…\" }}` in the answer of one"
            ));
        };
        Ok(FileRef {
            digest: blake3::hash(text.as_bytes()).to_hex().as_str().into(),
            size: text.len() as u64,
            path: path.into(),
        })
    }
}

impl World for Files {
    fn file(&mut self, path: &str) -> Result<Value, String> {
        if !is_pattern(path) {
            return self.stored(path).map(Value::File);
        }
        let pattern = GlobBuilder::new(path).literal_separator(true).build();
        let pattern = pattern.map_err(|error| format!("the pattern `{path}` is wrong: {}", error.kind()))?;
        let matcher = pattern.compile_matcher();
        let found = self.files.keys().filter(|path| matcher.is_match(path.as_str()));
        let stored: Result<Vec<Value>, String> = found.map(|path| self.stored(path).map(Value::File)).collect();
        stored.map(Value::List)
    }

    fn exists(&mut self, path: &str) -> Result<bool, String> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let is_there = self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder));
        Ok(self.before || is_there)
    }

    fn hash(&mut self, path: &str) -> Result<String, String> {
        self.stored(path).map(|file| file.digest.to_string())
    }

    fn fact(&mut self, name: &str) -> Result<Value, String> {
        Ok(match name {
            "system.disk.free" | "system.disk.total" => Value::Size(TIB),
            "system.memory.free" | "system.memory.total" => Value::Size(64 * GIB),
            "system.cpus" => Value::Int(8),
            "system.os" => Value::from("linux"),
            "system.arch" => Value::from("x86_64"),
            "network.online" => Value::Bool(true),
            _ => return Err(format!("`{name}` is not known")),
        })
    }
}
