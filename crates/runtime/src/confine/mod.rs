//! `effects:` of scripts, enforced: a confined attempt is started through `dslc __exec`, which limits itself and
//! becomes the script.
//!
//! Promise: a script with `effects:` reads what it declares and the system's own folders, writes what it declares and a
//! temporary folder of its own, and without `network` has no sockets but those within the machine. Absent: host names,
//! which the system does not know, and scripts without the clause, which are not confined.

mod apply;
mod paths;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ir::plan::{Body, Effect, EffectKind, Plan, Runner, RunnerKind};

pub use apply::{Support, exec_main, support};

/// What one attempt may touch, as `dslc __exec` is told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Confinement {
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
    pub network: bool,
}

/// An attempt that is started confined; what was made for it goes with it.
#[derive(Debug)]
pub struct Confined {
    pub confinement: Confinement,
    /// Its own temporary folder, and its `$HOME`.
    pub temp: PathBuf,
    files: Vec<paths::Placeholder>,
}

impl Confined {
    /// Makes what has to be there before the script is confined. Patterns and paths are relative to `dir`.
    pub fn prepare(effects: &[Effect], dir: &Path, temp: PathBuf) -> Result<Self, String> {
        let failed = |path: &Path, error: io::Error| format!("cannot prepare `{}`: {error}", path.display());
        fs::create_dir_all(&temp).map_err(|error| failed(&temp, error))?;
        let mut confined = Self {
            confinement: Confinement {
                write: vec![temp.clone()],
                ..Confinement::default()
            },
            temp,
            files: Vec::new(),
        };
        for effect in effects {
            match effect.kind {
                EffectKind::Network => confined.confinement.network = true,
                EffectKind::Spend | EffectKind::Destructive => {}
                EffectKind::Read => {
                    let paths = effect.args.iter().map(|arg| paths::to_read(arg, dir));
                    confined.confinement.read.extend(paths);
                }
                EffectKind::Write => {
                    for arg in &effect.args {
                        let (path, placeholder) =
                            paths::to_write(arg, dir).map_err(|(path, error)| failed(&path, error))?;
                        confined.confinement.write.push(path);
                        confined.files.extend(placeholder);
                    }
                }
            }
        }
        Ok(confined)
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        for file in &self.files {
            file.remove_if_untouched();
        }
        // what stays is removed by the next driver
        let _ = fs::remove_dir_all(&self.temp);
    }
}

impl Confinement {
    const READ: &str = "--read";
    const WRITE: &str = "--write";
    const NETWORK: &str = "--network";
    const END: &str = "--";

    /// The arguments of `dslc __exec` before the program, its name and its arguments.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        for (flag, paths) in [(Self::READ, &self.read), (Self::WRITE, &self.write)] {
            for path in paths {
                args.push(flag.into());
                args.push(path.into());
            }
        }
        if self.network {
            args.push(Self::NETWORK.into());
        }
        args.push(Self::END.into());
        args
    }

    /// Reads them back; the rest is what to run.
    fn from_args(mut args: impl Iterator<Item = OsString>) -> Option<(Self, impl Iterator<Item = OsString>)> {
        let mut confinement = Self::default();
        loop {
            let flag = args.next()?;
            match flag.to_str()? {
                Self::READ => confinement.read.push(args.next()?.into()),
                Self::WRITE => confinement.write.push(args.next()?.into()),
                Self::NETWORK => confinement.network = true,
                Self::END => return Some((confinement, args)),
                _ => return None,
            }
        }
    }
}

/// What a run should say about the `effects:` of a plan: what the system does not enforce, and what nobody does.
pub fn shortfalls(plan: &Plan, support: Support) -> Vec<String> {
    let declared: Vec<&Effect> = all_effects(plan).flatten().collect();
    let mut said = Vec::new();
    if all_effects(plan).next().is_some() {
        said.extend(support.shortfall());
    }
    let mut hosts: Vec<&str> = declared
        .iter()
        .filter(|effect| effect.kind == EffectKind::Network)
        .flat_map(|effect| &effect.args)
        .map(|host| host.as_str())
        .filter(|host| *host != "*")
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    if !hosts.is_empty() {
        said.push(format!(
            "hosts are not enforced: a script that declares `network(\"{}\")` can reach any",
            hosts.join("\", \"")
        ));
    }
    said
}

/// Whether a plan, or one that it calls, declares effects of a script.
pub fn has_effects(plan: &Plan) -> bool {
    all_effects(plan).next().is_some()
}

/// Those of scripts: of tasks and gates, and of capabilities that a shell carries out.
fn all_effects(plan: &Plan) -> impl Iterator<Item = &Vec<Effect>> {
    std::iter::once(plan).chain(plan.plans.values()).flat_map(|plan| {
        let of_nodes = plan.nodes.iter().filter_map(|node| match &node.body {
            Body::Task(task) => task.effects.as_ref(),
            Body::Gate(gate) => gate.effects.as_ref(),
            Body::Decision(_) => None,
        });
        let scripted = plan.capabilities.iter().filter(|(name, _)| is_scripted(plan, name));
        of_nodes.chain(scripted.filter_map(|(_, capability)| capability.effects.as_ref()))
    })
}

/// Its own runner is a shell, or it has none and that of an agent who provides it is.
fn is_scripted(plan: &Plan, name: &str) -> bool {
    let is_shell = |runner: &Runner| runner.kind == RunnerKind::Shell;
    match plan
        .capabilities
        .get(name)
        .and_then(|capability| capability.runner.as_ref())
    {
        Some(runner) => is_shell(runner),
        None => plan.agents.values().any(|agent| {
            agent.provides.iter().any(|provided| provided == name) && agent.runner.as_ref().is_some_and(is_shell)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confinement_survives_the_command_line() {
        let confinement = Confinement {
            read: vec!["/a b".into(), "--".into()],
            write: vec!["/w".into()],
            network: true,
        };
        let rest = ["sh", "-c", "--read"].map(OsString::from);
        let args = confinement.to_args().into_iter().chain(rest.clone());
        let (read, program) = Confinement::from_args(args).expect("read back");
        assert_eq!(read, confinement);
        assert_eq!(program.collect::<Vec<_>>(), rest);
        assert!(Confinement::from_args(["--what"].map(OsString::from).into_iter()).is_none());
    }

    fn effects(kind: EffectKind, args: &[&str]) -> Effect {
        Effect {
            kind,
            args: args.iter().map(|arg| (*arg).into()).collect(),
        }
    }

    #[test]
    fn what_was_made_for_an_attempt_goes_with_it_unless_it_was_used() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        let declared = [effects(EffectKind::Write, &["used.md", "unused.md", "out/**"])];
        let confined = Confined::prepare(&declared, dir.path(), at("temp")).expect("prepared");
        assert_eq!(
            confined.confinement.write,
            [at("temp"), at("used.md"), at("unused.md"), at("out")]
        );
        assert!(at("unused.md").exists() && at("out").is_dir() && at("temp").is_dir());
        fs::write(at("used.md"), "x").expect("written");
        drop(confined);
        assert!(at("used.md").exists() && !at("unused.md").exists() && at("out").is_dir() && !at("temp").exists());
    }
}
