//! `dslc run`: from a file to a finished run. Everything that can be wrong with the request is said before there is a run.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ir::Plan;
use ir::plan::Inputs;
use store::Durability;

use super::compile::{Opened, Source};
use crate::detached::Background;
use crate::drive::{self, Watching};
use crate::dry_run;
use crate::failure::{Exit, Failure, plain};
use crate::history::StoreArg;
use crate::printer::Printer;
use crate::workspace::{self, Place};

/// Run a plan
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc run examples/repo-audit.plan --param repo=.
  dslc run flows.plan deploy --params-file params.json --parallel 4
  dslc run deploy.plan --dry-run
  dslc run deploy.plan --detach
  dslc run deploy.plan --format json | jq .summary

Ctrl-C pauses the run, a second one stops it at once; `dslc resume` goes on either way.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// A parameter, as its type is written: `n=3`, `size=1MB`, `who=me`, `items=[1, 2]`
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// A JSON object with parameters; those of the command line win
    #[arg(long, value_name = "FILE")]
    params_file: Option<PathBuf>,
    /// What jitter is drawn from [default: a random number, recorded]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many scripts run at once [default: the plan's limit, else the number of processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    parallel: Option<u32>,
    /// Print what would be started, and start nothing
    #[arg(long, conflicts_with_all = ["format", "quiet", "trace"])]
    dry_run: bool,
    /// What the journal survives
    #[arg(long, value_enum, default_value_t, value_name = "TIER")]
    durability: Tier,
    /// Refuse to run where the system cannot enforce the `effects:` of scripts
    #[arg(long)]
    strict_effects: bool,
    /// Run in the background: print the run's name once its driver has it
    #[arg(long, conflicts_with = "dry_run")]
    detach: bool,
    #[command(flatten)]
    watching: Watching,
    #[command(flatten)]
    store: StoreArg,
}

/// `--durability`
#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Tier {
    /// Loss of power
    #[default]
    Power,
    /// `kill -9` only; faster
    Process,
}

impl From<Tier> for Durability {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Power => Self::Power,
            Tier::Process => Self::Process,
        }
    }
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let mut options = drive::options(&place)?;
    let supervision = (!args.dry_run && !args.detach).then(|| runtime::supervision(&options));
    // what is known of the file is left to the end of the process, which is cheaper than taking it apart
    let mut opened = ManuallyDrop::new(Opened::new(&args.source, &place, printer, |_| true)?);
    let plan = opened.plan_to_run(&args.source, printer)?;
    let given = inputs(&args.params, args.params_file.as_deref(), &plan)?;
    if args.dry_run {
        runtime::runnable(&plan)?;
        let inputs = runtime::complete_inputs(&plan, given).map_err(|problems| Failure::usage(problems.join("\n")))?;
        printer.out(&dry_run::describe(&plan, &inputs, &opened.bounds(&args.source)?));
        return Ok(Exit::Fine);
    }
    options.parallel = args.parallel;
    options.strict_effects = args.strict_effects;
    options.seed = args.seed;
    options.source = (!workspace::is_stdin(&args.source.file)).then(|| args.source.file.display().to_string());
    let store = args.store.open_in(&place, args.durability.into());
    let Some(supervision) = supervision else {
        let folder = runtime::create(&store, &plan, given, &options)?;
        Background {
            store: store.root(),
            durability: args.durability.into(),
            strict_effects: args.strict_effects,
        }
        .start(&folder)?;
        printer.line(folder.id());
        printer.note(&format!(
            "in the background; `dslc show {0}`, `dslc logs {0} --follow`",
            folder.id()
        ));
        return Ok(Exit::Fine);
    };
    let running = runtime::start_under(supervision, &store, plan, given, options)?;
    drive::drive(running, &args.watching, printer)
}

/// Parameters of the file and of the command line, read by their types. Unknown and missing ones are found by the runtime.
pub fn inputs(params: &[String], file: Option<&Path>, plan: &Plan) -> Result<Inputs, Failure> {
    let mut inputs = match file {
        Some(path) => from_file(path)?,
        None => Inputs::new(),
    };
    let mut problems = Vec::new();
    for given in params {
        let Some((name, text)) = given.split_once('=') else {
            problems.push(format!("`--param {given}` has no `=`, expected NAME=VALUE"));
            continue;
        };
        let value = match plan.params.iter().find(|param| param.name == name) {
            Some(param) => ir::data::parse_param(text, &param.ty, &plan.types),
            None => Ok(ir::Value::from(text)),
        };
        match value {
            Ok(value) => drop(inputs.insert(name.into(), value)),
            Err(why) => problems.push(format!("parameter `{name}`: {why}")),
        }
    }
    if problems.is_empty() {
        Ok(inputs)
    } else {
        Err(Failure::usage(problems.join("\n")))
    }
}

fn from_file(path: &Path) -> Result<Inputs, Failure> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| Failure::unreadable(path, plain(&error)))?;
    let json: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| Failure::usage(format!("`{shown}` is not JSON: {error}")))?;
    match json {
        serde_json::Value::Object(fields) => Ok(fields
            .into_iter()
            .map(|(name, value)| (name.into(), ir::data::from_json(value)))
            .collect()),
        _ => Err(Failure::usage(format!(
            "`{shown}` holds no JSON object, expected one with a field for each parameter"
        ))),
    }
}
