//! `workspace/executeCommand`: what lenses and people ask for by name.
//!
//! `dslc.bounds`, `dslc.graph`, `dslc.explain` and `dslc.references` are answered from the text as it is in the editor;
//! `dslc.log` opens what a task last printed; `dslc.run` and `dslc.test` start `dslc` on the file. A client that
//! carries out some of them itself says so in `commands` of its initialization options, and they are not offered to it:
//! two parties cannot register one command.

use serde::Deserialize;
use serde_json::Value;
use tower_lsp_server::jsonrpc::{Error, Result};
use tower_lsp_server::ls_types::{ExecuteCommandParams, Position, TextDocumentIdentifier, Uri};

use crate::server::LanguageServer;
use crate::settings::Settings;
use crate::view::Subject;
use crate::{bounds_page, edge, graph, node_log, program, references, rule_page};

pub(crate) const RUN: &str = "dslc.run";
pub(crate) const TEST: &str = "dslc.test";
pub(crate) const REFERENCES: &str = "dslc.references";
pub(crate) const LOG: &str = "dslc.log";
const BOUNDS: &str = "dslc.bounds";
const EXPLAIN: &str = "dslc.explain";
const GRAPH: &str = "dslc.graph";

/// What a command is about: its only argument.
#[derive(Deserialize, Debug)]
pub(crate) struct Target {
    pub uri: Uri,
    /// Empty or absent: the only plan of the file.
    #[serde(default)]
    pub plan: Option<String>,
    #[serde(default)]
    pub node: Option<String>,
    #[serde(default)]
    pub test: Option<String>,
    #[serde(default)]
    pub position: Option<Position>,
    /// Parameters of a run, each as its type is written.
    #[serde(default)]
    pub params: std::collections::BTreeMap<String, String>,
}

impl Target {
    pub(crate) fn plan(&self) -> Option<&str> {
        self.plan.as_deref().filter(|plan| !plan.is_empty())
    }
}

#[derive(Debug)]
enum Asked {
    Explain(String),
    Log(Target),
    Look(Look, Target),
    Start(Verb, Target),
}

/// What is answered from a snapshot.
#[derive(Clone, Copy, Debug)]
enum Look {
    Bounds,
    Graph,
    References,
}

/// What a process is started for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verb {
    Run,
    Test,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Rule {
    Name(String),
    Of { rule: String },
}

/// The commands that the server carries out for this client.
pub(crate) fn offered(settings: &Settings) -> Vec<String> {
    let looks = [BOUNDS, EXPLAIN, GRAPH, LOG, REFERENCES];
    let starts = [RUN, TEST].into_iter().filter(|_| settings.can_run);
    let all = looks.into_iter().chain(starts);
    all.filter(|command| !settings.own_commands.contains(*command))
        .map(str::to_owned)
        .collect()
}

fn parse(params: ExecuteCommandParams) -> Result<Asked> {
    let argument = params.arguments.into_iter().next().unwrap_or_default();
    let target = |argument| read::<Target>(argument, "expected one argument, an object with `uri`");
    Ok(match params.command.as_str() {
        EXPLAIN => match read(argument, "expected one argument, the name of a rule")? {
            Rule::Name(rule) | Rule::Of { rule } => Asked::Explain(rule),
        },
        BOUNDS => Asked::Look(Look::Bounds, target(argument)?),
        GRAPH => Asked::Look(Look::Graph, target(argument)?),
        REFERENCES => Asked::Look(Look::References, target(argument)?),
        LOG => Asked::Log(target(argument)?),
        RUN => Asked::Start(Verb::Run, target(argument)?),
        TEST => Asked::Start(Verb::Test, target(argument)?),
        other => return Err(Error::invalid_params(format!("there is no command `{other}`"))),
    })
}

pub(crate) async fn execute(server: &LanguageServer, params: ExecuteCommandParams) -> Result<Value> {
    match parse(params)? {
        Asked::Explain(rule) => explain(&rule),
        Asked::Look(look, target) => {
            let uri = target.uri.clone();
            server.ask(&uri, move |subject| answer(subject, look, &target)).await?
        }
        Asked::Log(target) => {
            let uri = target.uri.clone();
            let log = server.ask(&uri, move |subject| node_log::newest(subject, &target));
            let log = log.await??;
            server.show(&log);
            Ok(to_value(&log))
        }
        Asked::Start(verb, target) => {
            let (uri, program) = (target.uri.clone(), server.program.clone());
            let job = server.ask(&uri, move |subject| program::job(subject, program, verb, &target));
            let outcome = job.await??.run().await?;
            server.tell(outcome.kind(), outcome.headline());
            Ok(to_value(&outcome))
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(argument: Value, expected: &str) -> Result<T> {
    serde_json::from_value(argument).map_err(|_| Error::invalid_params(expected.to_owned()))
}

fn explain(rule: &str) -> Result<Value> {
    let page = rule_page::page(rule).map(Value::String);
    page.ok_or_else(|| Error::invalid_params(format!("no rule `{rule}`")))
}

fn answer(subject: &Subject<'_>, look: Look, target: &Target) -> Result<Value> {
    match look {
        Look::Bounds => bounds_page::page(subject, target).map(Value::String),
        Look::Graph => {
            let params = graph::Params {
                text_document: TextDocumentIdentifier {
                    uri: target.uri.clone(),
                },
                position: target.position,
            };
            Ok(to_value(&graph::graph(subject, &params)))
        }
        Look::References => {
            let place = edge::place(target.position.unwrap_or_default());
            Ok(to_value(&references::references(subject, place, false)))
        }
    }
}

fn to_value(answer: &impl serde::Serialize) -> Value {
    serde_json::to_value(answer).unwrap_or_default()
}
