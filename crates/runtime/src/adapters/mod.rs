//! Adapters: what carries out the calls of capabilities, each behind one async trait.
//!
//! An adapter gets the inputs as the engine checked them and answers with a record, which the engine checks again.
//! Programs run under the driver's supervisor like any script, so they end with the run. Absent: deciding which agent,
//! retrying, and calls of MCP servers, models and web pages: a plan that needs one of those is refused before anything
//! starts.

mod files;
mod git;
mod host;
mod script;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use engine::event::{Call, How};
use ir::plan::{Body, Capability, Judge, Plan, Runner, RunnerKind, Task, Work};
use ir::value::Value;
use smol_str::SmolStr;

pub(crate) use host::{Finished, Host, ToAdapter};

/// One call, as an adapter gets it.
pub(crate) struct Request {
    pub input: BTreeMap<SmolStr, Value>,
    pub capability: Capability,
    /// What stands in for each secret of the plan.
    pub secrets: BTreeMap<SmolStr, String>,
    /// Where it runs.
    pub dir: PathBuf,
    /// The same, as the plan says it.
    pub dir_said: Option<String>,
}

/// People answer by `dslc answer`: the engine asks them, and starts no call.
struct People;

impl Adapter for People {
    fn call<'a>(&'a self, _: Request, _: Host) -> Pin<Box<dyn Future<Output = How> + Send + 'a>> {
        Box::pin(async { failed("failure", "people answer this, and nobody was asked") })
    }
}

/// What carries out a call. Dropping the future gives the call up.
pub(crate) trait Adapter: Send + Sync {
    fn call<'a>(&'a self, request: Request, host: Host) -> Pin<Box<dyn Future<Output = How> + Send + 'a>>;
}

/// A call that failed for a reason of its own.
pub(crate) fn failed(mode: &str, message: impl Into<String>) -> How {
    How::CallFailed {
        mode: mode.into(),
        message: message.into(),
    }
}

/// A record.
pub(crate) fn answered<const N: usize>(fields: [(&'static str, Value); N]) -> How {
    let fields = fields
        .into_iter()
        .map(|(name, value)| (SmolStr::new_static(name), value));
    How::Answered(Value::Record(fields.collect()))
}

/// A text among the inputs, which the engine has checked.
pub(crate) fn text<'r>(request: &'r Request, name: &str) -> &'r str {
    match request.input.get(name) {
        Some(Value::String(text)) => text,
        _ => "",
    }
}

/// How a call of this plan is carried out.
pub(crate) fn adapter(plan: &Plan, call: &Call) -> Result<(Box<dyn Adapter>, Capability), String> {
    let name = &call.capability;
    let capability = plan
        .capabilities
        .get(name)
        .ok_or_else(|| format!("there is no capability `{name}`"))?;
    let runner = runner(plan, capability, call.agent.as_ref()).ok_or_else(|| format!("`{name}` has no runner"))?;
    let adapter = of_runner(runner).map_err(|what| format!("`{name}` is run by {what}, which cannot be called yet"))?;
    Ok((adapter, capability.clone()))
}

/// Its own, else that of the agent who does it.
fn runner<'p>(plan: &'p Plan, capability: &'p Capability, agent: Option<&SmolStr>) -> Option<&'p Runner> {
    let of_agent = || plan.agents.get(agent?)?.runner.as_ref();
    capability.runner.as_ref().or_else(of_agent)
}

/// The error says what it would take.
fn of_runner(runner: &Runner) -> Result<Box<dyn Adapter>, String> {
    if engine::is_human(runner) {
        return Ok(Box::new(People));
    }
    match runner.kind {
        RunnerKind::Shell => match &runner.script {
            Some(script) => Ok(Box::new(script::Shell(script.clone()))),
            None => Err("a shell without a script".to_owned()),
        },
        RunnerKind::Builtin => {
            let name = runner.args.first().map(|arg| &arg.value);
            match name {
                Some(ir::Expr::Const(Value::String(name))) => builtin(name),
                _ => Err("a built-in without a name".to_owned()),
            }
        }
        kind => Err(format!("`{}`", kind.name())),
    }
}

fn builtin(name: &str) -> Result<Box<dyn Adapter>, String> {
    match name {
        "file.read" => Ok(Box::new(files::Read)),
        "file.write" => Ok(Box::new(files::Write)),
        "git.diff" => Ok(Box::new(git::Diff)),
        _ => Err(format!("the built-in `{name}`")),
    }
}

/// What a plan calls that nothing here carries out: `using: web.search (mcp)` in line 12, one entry a task or step.
pub(crate) fn not_carried_out(plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    for plan in std::iter::once(plan).chain(plan.plans.values()) {
        if let Some(Judge::Capability(name)) = &plan.judge
            && let Some(why) = why_not(plan, &Task::default(), name)
        {
            found.push(format!("`judge: {name}` ({why})"));
        }
        for node in &plan.nodes {
            let Body::Task(task) = &node.body else { continue };
            let mut say = |clause: &str, name: &SmolStr| {
                if let Some(why) = why_not(plan, task, name) {
                    found.push(format!(
                        "`{clause} {name}` of `{}` in line {} ({why})",
                        node.id, node.line
                    ));
                }
            };
            match &task.work {
                Work::Capability(name) => say("using:", name),
                Work::Steps(steps) => steps.iter().for_each(|step| say("do:", &step.capability)),
                Work::Nothing | Work::Script(_) | Work::Call(_) => {}
            }
        }
    }
    found
}

/// Whoever might do it must be able to.
fn why_not(plan: &Plan, task: &Task, name: &SmolStr) -> Option<String> {
    let capability = plan.capabilities.get(name)?;
    let why = |runner: &Runner| of_runner(runner).err().map(|what| format!("run by {what}"));
    if let Some(runner) = &capability.runner {
        return why(runner);
    }
    let provides = |agent: &&SmolStr| {
        plan.agents
            .get(*agent)
            .is_some_and(|agent| agent.provides.contains(name))
    };
    let agents: Vec<&SmolStr> = if task.by.is_empty() {
        plan.agents.keys().filter(provides).collect()
    } else {
        task.by.iter().filter(provides).collect()
    };
    if agents.is_empty() {
        return Some("it has no runner".to_owned());
    }
    agents.into_iter().find_map(|agent| match &plan.agents[agent].runner {
        Some(runner) => why(runner),
        None => Some(format!("neither it nor `{agent}` has a runner")),
    })
}
