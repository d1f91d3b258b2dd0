//! `effects:` of tasks, gates and capabilities: which there are, and whether hosts and patterns are ones.
//!
//! They are constant, because policies are checked against them before a run. Absent: policies, enforcing.

use dsl_syntax::ast::{Decl, Effect, StringLit, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::plan::{Effect as Lowered, EffectKind};
use smol_str::SmolStr;

use super::Cx;
use crate::rules;
use crate::signatures::{clause, is_harmful};
use crate::types::Problem;

/// What an effect takes in its brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Patterns,
    Hosts,
    Nothing,
}

const EFFECTS: &[(&str, Takes)] = &[
    ("read", Takes::Patterns),
    ("write", Takes::Patterns),
    ("network", Takes::Hosts),
    ("spend", Takes::Nothing),
    ("destructive", Takes::Nothing),
];

pub(super) struct Effects {
    /// Repeating it after a crash could do harm.
    pub doubtful: bool,
}

pub(super) fn check(cx: &Cx<'_>, decl: &Decl) -> Effects {
    match clause(decl, K::Effects).map(|clause| &clause.value) {
        Some(Value::Effects(effects)) => check_list(cx, effects),
        _ => Effects { doubtful: false },
    }
}

/// What a block that has been checked says that it touches; `None`: it does not say.
pub(crate) fn effects(decl: &Decl) -> Option<Vec<Lowered>> {
    let Value::Effects(written) = &clause(decl, K::Effects)?.value else {
        return None;
    };
    let lower = |written: &Effect| {
        let mut kinds = EffectKind::ALL.into_iter();
        Some(Lowered {
            kind: kinds.find(|kind| kind.name() == written.name.text)?,
            args: written.args.iter().filter_map(StringLit::plain).collect(),
        })
    };
    Some(written.iter().filter_map(lower).collect())
}

pub(super) fn check_list(cx: &Cx<'_>, effects: &[Effect]) -> Effects {
    for effect in effects {
        check_one(cx, effect);
    }
    Effects {
        doubtful: effects.iter().any(is_harmful),
    }
}

fn check_one(cx: &Cx<'_>, effect: &Effect) {
    let name = &effect.name;
    let Some((_, takes)) = EFFECTS.iter().find(|(known, _)| *known == name.text) else {
        let known: Vec<SmolStr> = EFFECTS.iter().map(|(known, _)| SmolStr::from(*known)).collect();
        let message = format!("there is no effect `{}`", name.text);
        cx.push(Problem::new(rules::UNRESOLVED_NAME, name.span, message).nearest(&name.text, &known));
        return;
    };
    let wrong = |message: String, example: &str| {
        let problem = Problem::new(rules::WRONG_ARGUMENTS, effect.span, message);
        cx.push(problem.help(format!("write `{example}`")));
    };
    match takes {
        Takes::Nothing if !effect.args.is_empty() => {
            wrong(format!("`{}` takes nothing, found an argument", name.text), &name.text);
        }
        Takes::Patterns if effect.args.is_empty() => {
            let example = format!("{}(\"src/**\")", name.text);
            wrong(format!("`{}` of nothing, expected paths", name.text), &example);
        }
        Takes::Hosts if effect.args.is_empty() => {
            let example = "network(\"api.example.com\")";
            wrong("`network` of nothing, expected hosts".to_owned(), example);
        }
        _ => effect.args.iter().for_each(|arg| argument(cx, *takes, arg)),
    }
}

fn argument(cx: &Cx<'_>, takes: Takes, arg: &StringLit) {
    let Some(text) = arg.plain() else {
        let message = "an effect is only known while running here, expected a constant";
        cx.push(Problem::new(rules::TYPE_MISMATCH, arg.span, message));
        return;
    };
    match takes {
        Takes::Nothing => {}
        Takes::Patterns => {
            if let Some(why) = pattern_problem(&text) {
                cx.push(Problem::new(rules::INVALID_LITERAL, arg.span, why));
            }
        }
        Takes::Hosts => {
            if let Some((message, host)) = host_problem(&text) {
                let mut problem = Problem::new(rules::INVALID_LITERAL, arg.span, message);
                if let Some(host) = host {
                    let title = format!("change it to `{host}`");
                    problem = problem.help(format!("write `\"{host}\"`")).fix(
                        title,
                        true,
                        vec![(arg.span, format!("\"{host}\""))],
                    );
                }
                cx.push(problem);
            }
        }
    }
}

/// Why a text is no pattern of paths.
pub(super) fn pattern_problem(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("an empty path, expected one such as `src/**`".to_owned());
    }
    let error = globset::GlobBuilder::new(text).literal_separator(true).build().err()?;
    Some(format!("`{text}` is no pattern of paths: {}", error.kind()))
}

/// Why a text is no host, and the host that it holds.
pub(super) fn host_problem(text: &str) -> Option<(String, Option<String>)> {
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        let fix = is_host(host).then(|| host.to_owned());
        return Some((format!("`{text}` is an url, expected a host"), fix));
    }
    if is_host(text) {
        return None;
    }
    let host = text.split('/').next().unwrap_or_default();
    let fix = (text.contains('/') && is_host(host)).then(|| host.to_owned());
    Some((
        format!("`{text}` is no host, expected one such as `api.example.com` or `*.example.com`"),
        fix,
    ))
}

/// `*`, `example.com`, `*.example.com`, `127.0.0.1`, `[::1]`; each with a port or without.
fn is_host(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        let port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return port && address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let label = |label: &str| {
        let known = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && !label.starts_with('-') && label.chars().all(known)
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let labels = match name.strip_prefix("*.") {
        Some(rest) => rest,
        None if name == "*" => "any",
        None => name,
    };
    port.is_none_or(is_port) && labels.split('.').all(label)
}

fn is_port(text: &str) -> bool {
    text == "*" || text.parse::<u16>().is_ok_and(|port| port > 0)
}
