//! What the plans of a file compile to, kept beside it in `FILE.snap` for reviewers: a change of meaning is a change of
//! that file.
//!
//! Lines of the source are left out, so that only what a plan means shows. Absent: what the changes mean (`dslc diff`).

use std::fmt::Write;
use std::path::{Path, PathBuf};

use ir::Plan;

use crate::failure::{Exit, Failure, plain};
use crate::fix;
use crate::printer::Printer;
use crate::replace::replace;
use crate::verbs::compile::{self, Source};
use crate::workspace::{self, Place};

/// Writes `FILE.snap`.
pub fn write(file: &Path, place: &Place, printer: &Printer) -> Result<Exit, Failure> {
    let text = render(file, place, printer)?;
    let path = beside(file);
    replace(&place.absolute(&path), text.as_bytes())
        .map_err(|error| Failure::usage(format!("cannot write `{}`: {}", path.display(), plain(&error))))?;
    printer.note(&format!("wrote `{}`", path.display()));
    Ok(Exit::Fine)
}

/// Compares with `FILE.snap`.
pub fn verify(file: &Path, place: &Place, printer: &Printer) -> Result<Exit, Failure> {
    let now = render(file, place, printer)?;
    let path = beside(file);
    let retake = format!("dslc compile {} --snapshot", file.display());
    let kept = std::fs::read_to_string(place.absolute(&path))
        .map_err(|error| Failure::unreadable(&path, plain(&error)).help(retake.clone()))?;
    // As git may have checked it out.
    let kept = kept.replace("\r\n", "\n");
    if kept == now {
        return Ok(Exit::Fine);
    }
    printer.raw(fix::patch(&path, &kept, &now, printer.out_is_colored()));
    let message = format!(
        "`{}` compiles to something else than `{}` says",
        file.display(),
        path.display()
    );
    Err(Failure::new(Exit::PlanWrong, message).help(format!("{retake}   if that is meant")))
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".snap");
    name.into()
}

fn render(file: &Path, place: &Place, printer: &Printer) -> Result<String, Failure> {
    if workspace::is_stdin(file) {
        return Err(Failure::usage(
            "a snapshot stands beside its file, expected one instead of `-`",
        ));
    }
    let source = |plan| Source {
        file: file.to_path_buf(),
        plan,
        profile: None,
    };
    let (loaded, path) = compile::load(&source(None), place, printer)?;
    let plans = loaded.workspace.plans(&path);
    if plans.is_empty() {
        return Err(Failure::usage(format!("`{}`: the file has no plan", file.display())));
    }
    let mut text = "# Made by `dslc compile --snapshot`; `dslc compile --verify` compares.\n".to_owned();
    for info in plans {
        let mut plan = compile::lowered(&loaded.workspace, &path, &source(Some(info.name.to_string())))?;
        without_lines(&mut plan);
        // Infallible: writing to a string.
        let _ = write!(
            text,
            "\n# plan {} {}\n{}",
            plan.name,
            plan.hash(),
            plan.to_pretty_json()
        );
    }
    Ok(text)
}

fn without_lines(plan: &mut Plan) {
    let called = plan.plans.values_mut();
    for plan in called {
        plan.nodes.iter_mut().for_each(|node| node.line = 0);
    }
    plan.nodes.iter_mut().for_each(|node| node.line = 0);
}
