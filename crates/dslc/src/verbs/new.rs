//! `dslc new`: a plan to start from. It is formatted, it checks, and it has a test; the next commands to type are printed.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::failure::{Exit, Failure, plain};
use crate::printer::{Printer, bold};

/// What stands for the plan's name in a template.
const PLACEHOLDER: &str = "NAME";

/// Make a new plan from a template
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc new build                        build.plan, with scripts in order
  dslc new plans/deploy --template release
  dslc new --list")]
pub struct Args {
    /// The plan's name, with folders before it or none
    #[arg(value_name = "NAME", required_unless_present = "list")]
    name: Option<PathBuf>,
    /// What to start from
    #[arg(long, value_enum, default_value_t, value_name = "TEMPLATE")]
    template: Template,
    /// List the templates
    #[arg(long, conflicts_with = "name")]
    list: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Template {
    /// Scripts in order: build, test, report
    #[default]
    Tasks,
    /// Collect sources, and widen the search when there are none
    Research,
    /// Find the likeliest cause of a failure by evidence, and repair it
    Debug,
    /// Build, test, ask for approval, deploy, roll back
    Release,
    /// Agents that hand on to each other, with quotas and budgets
    Agents,
}

impl Template {
    const fn text(self) -> &'static str {
        match self {
            Self::Tasks => include_str!("../../templates/tasks.plan"),
            Self::Research => include_str!("../../templates/research.plan"),
            Self::Debug => include_str!("../../templates/debug.plan"),
            Self::Release => include_str!("../../templates/release.plan"),
            Self::Agents => include_str!("../../templates/agents.plan"),
        }
    }
}

impl Template {
    /// The arguments that show most of what it does, as it is.
    fn next(self, plan: &str) -> String {
        match self {
            Self::Tasks | Self::Debug => format!("run {plan} --dry-run"),
            Self::Release => format!("run {plan} --param version=1.0.0 --dry-run"),
            // Their capabilities have no runners yet.
            Self::Research | Self::Agents => format!("test {plan}"),
        }
    }
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let Some(asked) = &args.name else {
        printer.out(&list());
        return Ok(Exit::Fine);
    };
    let (path, name) = target(asked)?;
    let text = args.template.text().replace(PLACEHOLDER, &name);
    let shown = path.display();
    let cannot = |error: &std::io::Error| Failure::usage(format!("cannot write `{shown}`: {}", plain(error)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(|error| {
            let failure = cannot(&error);
            match error.kind() {
                std::io::ErrorKind::AlreadyExists => failure.help("choose another name, or remove the file first"),
                std::io::ErrorKind::NotFound => failure.help("make the folder first"),
                _ => failure,
            }
        })?;
    file.write_all(text.as_bytes()).map_err(|error| cannot(&error))?;
    printer.line(&format!("{} {shown}", bold("made", None)));
    printer.note(&format!(
        "next:\n  dslc check {shown}\n  dslc graph {shown}\n  dslc {}",
        args.template.next(&shown.to_string())
    ));
    Ok(Exit::Fine)
}

fn list() -> String {
    let mut text = String::new();
    for template in Template::value_variants() {
        let Some(value) = template.to_possible_value() else {
            continue;
        };
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        // Infallible: writing to a string.
        let _ = writeln!(text, "{:<10} {help}", value.get_name());
    }
    text
}

/// The file, and the name of the plan in it.
fn target(asked: &Path) -> Result<(PathBuf, String), Failure> {
    let mut path = asked.to_path_buf();
    if path.extension().is_some_and(|extension| extension == "plan") {
        path.set_extension("");
    }
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    if !is_name(&name) {
        let message = format!("`{}` is no name of a plan", asked.display());
        return Err(Failure::usage(message).help(
            "letters, digits, `_` and single `-` between them, and no word of expressions: such as `deploy-web`",
        ));
    }
    path.set_file_name(format!("{name}.plan"));
    Ok((path, name))
}

fn is_name(text: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.split('-').all(word);
    // `true`, `none`, `if` and the like are reserved.
    is_word && dsl_syntax::format(&format!("plan {text}\n")).is_ok()
}
