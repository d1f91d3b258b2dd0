//! `capability-drift`: the live tools against what is pinned, and against what is declared.
//!
//! Which server a listing is of, nobody says: it is the one whose tools it has. So a tool is missing for certain only
//! where another tool of its server is listed, or where there is one listing and one server. Absent: plans; a
//! capability need not be used.

use std::collections::{BTreeMap, BTreeSet};

use dsl_syntax::ast::Value;
use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use super::lock::Lock;
use super::schema::{Listing, Tool, differences, digest};
use crate::analysis::{Analysis, Edge};
use crate::diagnostic::{Diag, Diagnostic, Place, Target};
use crate::imports::declarations;
use crate::inputs::SourceFile;
use crate::meant::nearest;
use crate::rules;
use crate::scope::{Capability, FileScope, scope};
use crate::signatures::{RunnerSig, Sig, ToolSig, runner_of};

/// What came of comparing.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Compared {
    pub diagnostics: Vec<Diagnostic>,
    /// The tools that were found, as they are now.
    pub tools: Vec<PinnedTool>,
    /// Capabilities whose tools are in no listing, though they may be on another server.
    pub skipped: Vec<SmolStr>,
}

/// A tool as it would be pinned, without the time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinnedTool {
    pub capability: SmolStr,
    pub server: SmolStr,
    pub tool: SmolStr,
    pub digest: SmolStr,
}

/// A runner that calls a tool, and where it is written.
struct Called<'db> {
    capability: SmolStr,
    declared: Option<&'db Capability>,
    scope: &'db FileScope,
    tool: ToolSig,
    place: Place,
}

impl Analysis {
    /// Compares the tools that all capabilities of the workspace call with what servers list and what is pinned.
    pub fn compare_tools(&self, listings: &[Listing], lock: &Lock) -> Compared {
        let mut compared = Compared::default();
        let files = self.project.files(&self.db).values();
        let called: Vec<Called<'_>> = files.flat_map(|&file| self.called(file)).collect();
        let find = |called: &Called<'_>| {
            let mut found = listings.iter().enumerate();
            found.find_map(|(at, listing)| Some((at, listing.get(&called.tool.tool)?)))
        };
        let mut listed: BTreeMap<&SmolStr, usize> = BTreeMap::new();
        for called in &called {
            if let Some((at, _)) = find(called) {
                listed.insert(&called.tool.server, at);
            }
        }
        let servers: BTreeSet<&SmolStr> = called.iter().map(|called| &called.tool.server).collect();
        let severity = self.config().severity(rules::CAPABILITY_DRIFT);
        let mut edge = Edge::new(self);
        for called in &called {
            let found = find(called);
            let alone = (listings.len() == 1 && servers.len() == 1).then_some(0);
            let diag = match (found, listed.get(&called.tool.server).copied().or(alone)) {
                (Some((_, tool)), _) => {
                    compared.tools.push(PinnedTool {
                        capability: called.capability.clone(),
                        server: called.tool.server.clone(),
                        tool: called.tool.tool.clone(),
                        digest: digest(tool),
                    });
                    drifted(called, tool, lock)
                }
                (None, Some(at)) => Some(gone(called, &listings[at])),
                (None, None) => {
                    compared.skipped.push(called.capability.clone());
                    None
                }
            };
            if let (Some(diag), Some(severity)) = (diag, severity) {
                compared.diagnostics.push(edge.diagnostic(&diag, severity));
            }
        }
        compared
    }

    fn called(&self, file: SourceFile) -> Vec<Called<'_>> {
        let here = scope(&self.db, file);
        let mut found = Vec::new();
        let mut add = |capability: &SmolStr, runner: Option<&RunnerSig>, place: Place| {
            if let Some(tool) = runner.and_then(|runner| runner.tool.clone()) {
                found.push(Called {
                    capability: capability.clone(),
                    declared: here.capabilities.get(capability).map(|found| &**found),
                    scope: here,
                    tool,
                    place,
                });
            }
        };
        for (block, sig) in declarations(&self.db, file).iter() {
            let place = |target| Place { block: *block, target };
            match sig {
                Sig::Capability(sig) => add(&sig.name, sig.runner.as_ref(), place(Target::Clause(K::Runner))),
                Sig::Agent(sig) => add(&sig.name, sig.runner.as_ref(), place(Target::Clause(K::Runner))),
                Sig::Profile { .. } => {
                    for clause in self.decl(*block).map_or(&[][..], |decl| &decl.clauses) {
                        let runner = match &clause.value {
                            Value::Override(value) => match &**value {
                                Value::Call(call) => runner_of(call),
                                _ => None,
                            },
                            _ => None,
                        };
                        if let Some(name) = clause.name.text.strip_suffix(".runner") {
                            add(&name.into(), runner.as_ref(), place(Target::Span(clause.name.span)));
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }
}

/// Of a pinned tool the schema is compared, of another the types.
fn drifted(called: &Called<'_>, tool: &Tool, lock: &Lock) -> Option<Diag> {
    let found = called.declared.map_or_else(Vec::new, |declared| {
        differences(tool, &declared.input, &declared.output, &called.scope.types)
    });
    let ToolSig { server, tool: name } = &called.tool;
    let mut diag = match lock.get(server, name) {
        Some(locked) if locked.digest == digest(tool) => return None,
        Some(locked) => {
            let message = format!(
                "the tool `{name}` of `{}` is not the one that was pinned on {}",
                called.capability,
                locked.pinned.split('T').next().unwrap_or_default()
            );
            Diag::new(rules::CAPABILITY_DRIFT, called.place.clone(), message)
                .help("look at what has changed, then pin it again: `dslc check --against LISTING --write-lock`")
        }
        None if found.is_empty() => return None,
        None => {
            let message = format!("the tool `{name}` is not what `{}` declares", called.capability);
            Diag::new(rules::CAPABILITY_DRIFT, called.place.clone(), message)
                .help("change the capability, or the tool that it calls")
        }
    };
    if found.is_empty() {
        diag = diag.note("it still fits the declared inputs and outputs");
    }
    Some(found.into_iter().fold(diag, Diag::note))
}

fn gone(called: &Called<'_>, listing: &Listing) -> Diag {
    let name = &called.tool.tool;
    let message = format!("the server of `{}` has no tool `{name}`", called.capability);
    let diag = Diag::new(rules::CAPABILITY_DRIFT, called.place.clone(), message);
    let known: Vec<SmolStr> = listing.tools.iter().map(|tool| tool.name.clone()).collect();
    match nearest(name, &known).first() {
        Some(best) => diag.help(format!("did you mean `{best}`?")),
        None => diag.help("its listing names all that it has"),
    }
}
