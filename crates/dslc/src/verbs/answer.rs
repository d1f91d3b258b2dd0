//! `dslc answer`: what a person says to a task that asks.

use runtime::{Answer, Asked};

use crate::asking;
use crate::detached;
use crate::failure::{Exit, Failure};
use crate::history::RunArgs;
use crate::printer::Printer;

/// Answer what a task asks people
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc answer last name-it \"Blue Whale\"
  dslc answer last review good=true notes=\"two typos\"
  dslc answer k3fx 'review[eu]' --json '{ \"good\": false }' --because \"the numbers are old\"

Each field is read by its type, as `--param` of `dslc run` is. An answer of another shape is refused, and changes nothing. The run goes \
on by itself: through its driver, or in the background if it has none. The same answer twice is fine, a different second one is refused.")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// The task, or the instance `task[key]`
    #[arg(value_name = "TASK")]
    task: String,
    /// A field of the answer; or its value alone, where the question wants one
    #[arg(value_name = "FIELD=VALUE", required_unless_present = "json")]
    given: Vec<String>,
    /// The answer as a JSON object
    #[arg(long, value_name = "OBJECT")]
    json: Option<String>,
    /// Who you are [default: `user/` and your login]
    #[arg(long, value_name = "USER")]
    who: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "WHY", value_parser = crate::asking::reason)]
    because: Option<String>,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let folder = args.run.folder()?;
    let json = args.json.as_ref().map(|text| serde_json::from_str(text));
    let json = json
        .transpose()
        .map_err(|error| Failure::usage(format!("`--json` is not JSON: {error}")))?;
    let by = args.who.clone().unwrap_or_else(|| format!("user/{}", asking::login()));
    let answer = Answer {
        task: args.task.clone(),
        by: by.into(),
        given: args.given.clone(),
        json: json.map(ir::data::from_json),
        because: args.because.clone(),
    };
    let asked = runtime::answer(&folder, &answer)?;
    match &asked {
        Asked::Already => printer.note(&format!("`{}` was answered so before", args.task)),
        Asked::Left(_) => {}
        Asked::Taken(_) | Asked::Journaled { .. } => printer.note(&format!("`{}` answered", args.task)),
    }
    detached::go_on(&folder, &args.run, &asked, printer)?;
    Ok(Exit::Fine)
}
