//! What expressions see of the machine: files below a task's folder, and facts of the system.
//!
//! The engine records what was seen, so nothing here is asked twice for one event. Absent: changing anything but the
//! artifact store.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use ir::eval::World;
use ir::value::{FileRef, Value};
use store::{Artifacts, hash_reader};

use crate::secrets::{Redacted, Redactor};

/// A pattern that fits more files is a mistake.
pub const PATTERN_FILES_MAX: usize = 10_000;
/// A pattern looks at no more names than this.
pub const PATTERN_NAMES_MAX: usize = 1_000_000;
/// Where a line of `/proc/meminfo` counts in KiB.
const KIB: i64 = 1024;

/// The world as seen from a task's folder.
pub struct DiskWorld<'a> {
    pub dir: &'a Path,
    pub artifacts: &'a Artifacts,
    /// Files are stored, and hashed, without secrets.
    pub redactor: &'a Arc<Redactor>,
}

impl World for DiskWorld<'_> {
    fn file(&mut self, path: &str) -> Result<Value, String> {
        if !is_pattern(path) {
            return self.store_file(&self.dir.join(path), path).map(Value::File);
        }
        let mut files = Vec::new();
        for found in find(self.dir, path)? {
            files.push(Value::File(self.store_file(&self.dir.join(&found), &found)?));
        }
        Ok(Value::List(files))
    }

    fn exists(&mut self, path: &str) -> Result<bool, String> {
        let path = self.dir.join(path);
        match fs::metadata(&path) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(format!("cannot look at `{}`: {error}", path.display())),
        }
    }

    fn hash(&mut self, path: &str) -> Result<String, String> {
        let path = self.dir.join(path);
        must_be_file(&path)?;
        let mut file = self.open(&path)?;
        hash_reader(&mut file, &path)
            .map(|stored| stored.digest)
            .map_err(|error| error.to_string())
    }

    fn fact(&mut self, name: &str) -> Result<Value, String> {
        fact(name, self.dir)
    }
}

impl DiskWorld<'_> {
    /// The files that a pattern of `effects:` covers, in order of their names, each with its digest. A folder covers
    /// what is below it.
    pub fn covered(&mut self, pattern: &str) -> Result<Vec<(String, String)>, String> {
        let names = self.names(pattern)?;
        let digest = |name: String| self.hash(&name).map(|digest| (name, digest));
        names.into_iter().map(digest).collect()
    }

    /// The same, if all of them together have no more bytes than are left, which they are taken from; absent if they have.
    pub fn covered_within(
        &mut self,
        pattern: &str,
        bytes_left: &mut u64,
    ) -> Option<Result<Vec<(String, String)>, String>> {
        let names = match self.names(pattern) {
            Ok(names) => names,
            Err(why) => return Some(Err(why)),
        };
        let size = |name: &String| fs::metadata(self.dir.join(name)).map_or(0, |meta| meta.len());
        let bytes = names.iter().map(size).fold(0, u64::saturating_add);
        *bytes_left = bytes_left.checked_sub(bytes)?;
        let digest = |name: String| self.hash(&name).map(|digest| (name, digest));
        Some(names.into_iter().map(digest).collect())
    }

    /// The files that a pattern of `effects:` covers, in order.
    fn names(&self, pattern: &str) -> Result<Vec<String>, String> {
        let plain = pattern.trim_end_matches('/');
        match fs::metadata(self.dir.join(plain)) {
            _ if is_pattern(pattern) => find(self.dir, pattern),
            Ok(meta) if meta.is_dir() && matches!(plain, "" | ".") => find(self.dir, "**"),
            Ok(meta) if meta.is_dir() => find(self.dir, &format!("{}/**", globset::escape(plain))),
            Ok(_) => Ok(vec![plain.to_owned()]),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(format!("cannot look at `{pattern}`: {error}")),
        }
    }

    fn open(&self, path: &Path) -> Result<Redacted<File>, String> {
        File::open(path)
            .map(|file| Redacted::new(file, self.redactor.clone()))
            .map_err(|error| format!("cannot open `{}`: {error}", path.display()))
    }

    fn store_file(&self, path: &Path, written: &str) -> Result<FileRef, String> {
        must_be_file(path)?;
        let mut file = self.open(path)?;
        let stored = self
            .artifacts
            .put_reader(&mut file, path)
            .map_err(|error| error.to_string())?;
        Ok(FileRef {
            digest: stored.digest.into(),
            size: stored.size,
            path: written.into(),
        })
    }
}

fn must_be_file(path: &Path) -> Result<(), String> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => Ok(()),
        Ok(meta) if meta.is_dir() => Err(format!("`{}` is a folder, expected a file", path.display())),
        Ok(_) => Err(format!("`{}` is no regular file", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!("no file `{}`", path.display())),
        Err(error) => Err(format!("cannot look at `{}`: {error}", path.display())),
    }
}

/// Whether a path stands for several files.
pub fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

/// The files that fit a pattern, relative to `dir` unless the pattern is absolute, in order of their names. `*` stays
/// within a folder, `**` does not; links to folders are not followed.
fn find(dir: &Path, pattern: &str) -> Result<Vec<String>, String> {
    let matcher = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| format!("the pattern `{pattern}` is wrong: {}", error.kind()))?
        .compile_matcher();
    // only below the part without wildcards
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| !matches!(part, Component::Normal(name) if is_pattern(&name.to_string_lossy())))
        .collect();
    let depth_max = (!pattern.contains("**")).then(|| Path::new(pattern).components().count());
    let mut search = Search {
        dir,
        matcher,
        depth_max,
        found: Vec::new(),
        names: 0,
    };
    let mut folders = vec![fixed];
    while let Some(folder) = folders.pop() {
        search
            .look_into(&folder, &mut folders)
            .map_err(|what| format!("`{pattern}` {what}"))?;
    }
    search.found.sort_unstable();
    Ok(search.found)
}

struct Search<'a> {
    dir: &'a Path,
    matcher: GlobMatcher,
    depth_max: Option<usize>,
    found: Vec<String>,
    names: usize,
}

impl Search<'_> {
    fn look_into(&mut self, folder: &Path, folders: &mut Vec<PathBuf>) -> Result<(), String> {
        // a folder that is not there or may not be read has no files for us
        let Ok(items) = fs::read_dir(self.dir.join(folder)) else {
            return Ok(());
        };
        for item in items.flatten() {
            self.names += 1;
            if self.names > PATTERN_NAMES_MAX {
                return Err(format!("looks at more than {PATTERN_NAMES_MAX} names, narrow it"));
            }
            let path = folder.join(item.file_name());
            let Ok(kind) = item.file_type() else { continue };
            if kind.is_dir() {
                if self.depth_max.is_none_or(|max| path.components().count() < max) {
                    folders.push(path);
                }
            } else if self.matcher.is_match(&path) && self.dir.join(&path).is_file() {
                let name = path
                    .to_str()
                    .ok_or_else(|| format!("fits `{}`, whose name is no text", path.display()))?;
                self.found.push(name.to_owned());
                if self.found.len() > PATTERN_FILES_MAX {
                    return Err(format!("fits more than {PATTERN_FILES_MAX} files, narrow it"));
                }
            }
        }
        Ok(())
    }
}

/// The facts that `requires:` can ask for.
pub const FACTS: &[&str] = &[
    "network.online",
    "system.arch",
    "system.cpu.count",
    "system.disk.free",
    "system.disk.total",
    "system.hostname",
    "system.memory.free",
    "system.memory.total",
    "system.os",
];

fn fact(name: &str, dir: &Path) -> Result<Value, String> {
    match name {
        "network.online" => Ok(Value::Bool(has_default_route())),
        "system.arch" => Ok(Value::String(std::env::consts::ARCH.into())),
        "system.os" => Ok(Value::String(std::env::consts::OS.into())),
        "system.hostname" => Ok(Value::String(
            rustix::system::uname().nodename().to_string_lossy().into(),
        )),
        "system.cpu.count" => {
            let count =
                std::thread::available_parallelism().map_err(|error| format!("cannot count processors: {error}"))?;
            Ok(Value::Int(i64::try_from(count.get()).unwrap_or(i64::MAX)))
        }
        "system.disk.free" => disk(dir, |disk| disk.f_bavail),
        "system.disk.total" => disk(dir, |disk| disk.f_blocks),
        "system.memory.free" => memory("MemAvailable:"),
        "system.memory.total" => memory("MemTotal:"),
        _ => Err(format!(
            "nothing is known of `{name}`; there are `{}`",
            FACTS.join("`, `")
        )),
    }
}

fn disk(dir: &Path, blocks: impl Fn(&rustix::fs::StatVfs) -> u64) -> Result<Value, String> {
    let disk = rustix::fs::statvfs(dir)
        .map_err(|error| format!("cannot ask for the space in `{}`: {error}", dir.display()))?;
    Ok(Value::Size(
        i64::try_from(blocks(&disk).saturating_mul(disk.f_frsize)).unwrap_or(i64::MAX),
    ))
}

fn memory(line: &str) -> Result<Value, String> {
    let text = fs::read_to_string("/proc/meminfo").map_err(|error| format!("cannot read `/proc/meminfo`: {error}"))?;
    text.lines()
        .find_map(|it| {
            it.strip_prefix(line)?
                .split_ascii_whitespace()
                .next()?
                .parse::<i64>()
                .ok()
        })
        .map(|kib| Value::Size(kib * KIB))
        .ok_or_else(|| format!("`/proc/meminfo` has no `{line}`"))
}

/// Whether there is a way out of this machine. Whether somebody answers there is for the script to find out.
fn has_default_route() -> bool {
    const UP: u32 = 1;
    let v4 = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let v4 = v4.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        fields.get(1) == Some(&"00000000")
            && fields
                .get(3)
                .and_then(|flags| u32::from_str_radix(flags, 16).ok())
                .is_some_and(|flags| flags & UP != 0)
    });
    let v6 = || {
        let v6 = fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
        v6.lines().any(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            fields.first().is_some_and(|to| to.bytes().all(|byte| byte == b'0'))
                && fields.get(1) == Some(&"00")
                && fields.last() != Some(&"lo")
        })
    };
    v4 || v6()
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{Durability, Store};

    fn see<T>(files: &[&str], look: impl FnOnce(&mut DiskWorld<'_>) -> T) -> T {
        let dir = tempfile::tempdir().expect("a folder");
        let work = dir.path().join("work");
        fs::create_dir(&work).expect("created");
        for file in files {
            let path = work.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, file).expect("written");
        }
        let artifacts = Store::new(dir.path().join("store"), Durability::Process).artifacts();
        look(&mut DiskWorld {
            dir: &work,
            artifacts: &artifacts,
            redactor: &Arc::default(),
        })
    }

    fn paths(value: Value) -> Vec<String> {
        let Value::List(files) = value else {
            panic!("expected a list, got {value:?}")
        };
        files
            .into_iter()
            .map(|file| match file {
                Value::File(file) => file.path.to_string(),
                other => panic!("expected a file, got {other:?}"),
            })
            .collect()
    }

    #[test]
    fn patterns_give_files_in_order_and_stay_in_their_folder() {
        see(
            &["b.md", "a.md", "sub/c.md", "sub/deep/d.md", "x.txt", ".hidden.md"],
            |world| {
                assert_eq!(paths(world.file("*.md").expect("seen")), [".hidden.md", "a.md", "b.md"]);
                assert_eq!(
                    paths(world.file("sub/**/*.md").expect("seen")),
                    ["sub/c.md", "sub/deep/d.md"]
                );
                assert_eq!(paths(world.file("{a,x}.*").expect("seen")), ["a.md", "x.txt"]);
                assert_eq!(paths(world.file("none/*.md").expect("seen")), [""; 0]);
                assert!(
                    world
                        .file("[")
                        .expect_err("wrong")
                        .starts_with("the pattern `[` is wrong: ")
                );
            },
        );
    }

    #[test]
    fn a_file_is_stored_by_content() {
        see(&["sub/c.md"], |world| {
            let Value::File(file) = world.file("sub/c.md").expect("seen") else {
                panic!("expected a file")
            };
            assert_eq!(world.artifacts.get(&file.digest).expect("stored"), b"sub/c.md");
            assert_eq!((file.size, file.path.as_str()), (8, "sub/c.md"));
            assert_eq!(world.hash("sub/c.md"), Ok(file.digest.to_string()));
            assert!(world.file("missing.md").expect_err("none").starts_with("no file `"));
            assert!(
                world
                    .file("sub")
                    .expect_err("a folder")
                    .ends_with("is a folder, expected a file")
            );
            assert_eq!(
                (world.exists("sub"), world.exists("sub/c.md/x"), world.exists("no")),
                (Ok(true), Ok(false), Ok(false))
            );
        });
    }

    #[test]
    fn known_facts_have_values_and_others_are_errors() {
        see(&[], |world| {
            for name in FACTS {
                world.fact(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            assert!(matches!(world.fact("system.disk.free"), Ok(Value::Size(1..))));
            assert!(
                world
                    .fact("system.mood")
                    .expect_err("unknown")
                    .starts_with("nothing is known of `system.mood`; there are `network.online`")
            );
        });
    }
}
