//! What a block says it writes: effects, artifacts that its script makes, the file of `file.write`, memory keys.
//!
//! Paths get in front what they are relative to; where that is known only when it runs, or the path itself is, nothing is said.

use std::sync::Arc;

use dsl_syntax::ast::{Arg, Decl, Expr, ExprKind, Value};
use dsl_syntax::table::ClauseKey as K;
use smol_str::{SmolStr, format_smolstr};

use crate::signatures::{clause, name_of};
use crate::walk;

/// What one node writes; most write nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Writes {
    pub paths: Box<[WrittenPath]>,
    /// The keys of `remember`.
    pub memory: Box<[SmolStr]>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct WrittenPath {
    /// What the path is relative to.
    pub base: Base,
    /// As it is written.
    pub path: SmolStr,
    pub by: By,
}

/// The folder that a path is relative to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Base {
    /// Of a script without `dir`.
    Run,
    /// Where `dslc` was started.
    Start,
    /// `dir`, constant.
    Dir(SmolStr),
    /// `dir`, an expression that is the same all over a run: as it is written.
    Same(SmolStr),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum By {
    Effect,
    /// `file("x")` in this output. `sure`: the script names the file; else somebody before may have made it.
    Artifact {
        output: SmolStr,
        sure: bool,
    },
    /// The input of `file.write`, …
    Path,
    /// … that of this line of `do:`.
    Step(u32),
}

/// `None`: nothing that is known.
pub(crate) fn writes(decl: &Decl) -> Option<Arc<Writes>> {
    let mut paths = Vec::new();
    if let Some(base) = base(decl) {
        effects(decl, &base, &mut paths);
        artifacts(decl, &base, &mut paths);
    }
    if name_of(decl, K::Using).as_deref() == Some("file.write")
        && let Some(Value::Assigns(assigns)) = clause(decl, K::Input).map(|clause| &clause.value)
        && let Some(path) = assigns.iter().find(|assign| assign.name.text == "path")
        && let Some(path) = plain(&path.value)
    {
        paths.push(WrittenPath {
            base: Base::Start,
            path,
            by: By::Path,
        });
    }
    if let Some(Value::Steps(steps)) = clause(decl, K::Do).map(|clause| &clause.value) {
        let writing = (0..)
            .zip(steps)
            .filter(|(_, step)| step.capability.text == "file.write");
        paths.extend(writing.filter_map(|(at, step)| {
            let is_path = |arg: &&Arg| arg.name.as_ref().is_some_and(|name| name.text == "path");
            Some(WrittenPath {
                base: Base::Start,
                path: plain(&step.args.iter().find(is_path)?.value)?,
                by: By::Step(at),
            })
        }));
    }
    let memory: Box<[SmolStr]> = decl
        .clauses
        .iter()
        .filter_map(|clause| match &clause.value {
            Value::Remember(remember) => Some(remember.key.text.clone()),
            _ => None,
        })
        .collect();
    (!paths.is_empty() || !memory.is_empty()).then(|| {
        Arc::new(Writes {
            paths: paths.into(),
            memory,
        })
    })
}

fn effects(decl: &Decl, base: &Base, paths: &mut Vec<WrittenPath>) {
    let Some(Value::Effects(effects)) = clause(decl, K::Effects).map(|clause| &clause.value) else {
        return;
    };
    for effect in effects.iter().filter(|effect| effect.name.text == "write") {
        paths.extend(
            effect
                .args
                .iter()
                .filter_map(|arg| arg.plain())
                .map(|path| WrittenPath {
                    base: base.clone(),
                    path,
                    by: By::Effect,
                }),
        );
    }
}

/// A script that declares no effects made what it stores, if it says so itself, or nobody else can have.
fn artifacts(decl: &Decl, base: &Base, paths: &mut Vec<WrittenPath>) {
    let (Some(Value::Script(script)), None, Some(Value::Typed(outputs))) = (
        clause(decl, K::Run).map(|clause| &clause.value),
        clause(decl, K::Effects),
        clause(decl, K::Output).map(|clause| &clause.value),
    ) else {
        return;
    };
    for output in outputs {
        let Some(value) = &output.value else { continue };
        let ExprKind::Call { func, args } = &walk::unparen(value).kind else {
            continue;
        };
        let path = args.first().and_then(|arg| plain(&arg.value));
        if let (true, Some(path)) = (func.text == "file", path) {
            let sure = script.text.contains(path.trim_start_matches("./"));
            paths.push(WrittenPath {
                base: base.clone(),
                path,
                by: By::Artifact {
                    output: output.name.text.clone(),
                    sure,
                },
            });
        }
    }
}

fn base(decl: &Decl) -> Option<Base> {
    let Some(clause) = clause(decl, K::Dir) else {
        return Some(Base::Run);
    };
    let Value::Expr(dir) = &clause.value else { return None };
    if let Some(path) = plain(dir) {
        return Some(Base::Dir(path));
    }
    let names = walk::path(walk::unparen(dir))?;
    match names.as_slice() {
        [group, name] if group.text == "params" => Some(Base::Same(format_smolstr!("params.{}", name.text))),
        [group, name] if group.text == "run" => Some(Base::Same(format_smolstr!("run.{}", name.text))),
        _ => None,
    }
}

fn plain(expr: &Expr) -> Option<SmolStr> {
    match &walk::unparen(expr).kind {
        ExprKind::String(text) => text.plain(),
        _ => None,
    }
}
