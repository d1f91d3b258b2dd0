//! `git.diff`: what changed in a repository, with git itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use engine::event::{Exec, How};
use ir::value::Value;
use smol_str::SmolStr;

use super::host::Finished;
use super::{Adapter, Host, Request, answered, failed, text};
use crate::supervisor::End;

pub(super) struct Diff;

impl Adapter for Diff {
    fn call<'a>(&'a self, request: Request, host: Host) -> Pin<Box<dyn Future<Output = How> + Send + 'a>> {
        Box::pin(async move {
            let diff = match git(&request, &host, &[]).await {
                Ok(diff) => diff,
                Err(how) => return how,
            };
            let names = match git(&request, &host, &["--name-only", "-z"]).await {
                Ok(names) => names,
                Err(how) => return how,
            };
            let files = names.split('\0').filter(|name| !name.is_empty());
            let files = files.map(|name| Value::String(name.into())).collect();
            answered([("diff", Value::String(diff.into())), ("files", Value::List(files))])
        })
    }
}

/// From `from` to `to`: without both what is not committed, without one of them the working tree or the last commit.
async fn git(request: &Request, host: &Host, options: &[&str]) -> Result<String, How> {
    let (from, to) = (text(request, "from"), text(request, "to"));
    if let Some(option) = [from, to].into_iter().find(|revision| revision.starts_with('-')) {
        return Err(failed("failure", format!("`{option}` is no revision")));
    }
    let from = if from.is_empty() && !to.is_empty() {
        "HEAD"
    } else {
        from
    };
    let mut argv = ["git", "--no-pager", "diff", "--no-color", "--no-ext-diff"]
        .map(SmolStr::new_static)
        .to_vec();
    argv.extend(
        options
            .iter()
            .chain([&from, &to])
            .filter(|arg| !arg.is_empty())
            .map(SmolStr::new),
    );
    argv.push(SmolStr::new_static("--"));
    let dir = text(request, "dir");
    let exec = Exec {
        argv,
        env: BTreeMap::new(),
        input: BTreeMap::new(),
        dir: if dir.is_empty() {
            request.dir_said.clone()
        } else {
            Some(dir.to_owned())
        },
        effects: None,
    };
    let Finished { end, captured } = host.run(exec).await.map_err(How::NotStarted)?;
    match end {
        End::Exited(0) if captured.truncated.is_empty() => Ok(captured.stdout),
        End::Exited(0) => Err(failed("invalid-output", "the difference has more than 1 MiB")),
        _ => Err(failed("failure", captured.stderr.trim())),
    }
}
