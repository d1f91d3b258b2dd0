//! `dslc logs`: what scripts printed, as it was stored.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use engine::{Engine, Listed};
use store::{Log, RunFolder};

use crate::failure::{Exit, Failure, plain};
use crate::follow::{follow, follow_file, whole_chars};
use crate::history::{History, RunArgs};
use crate::printer::{Printer, bold};

/// Print what a run's scripts printed
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  dslc logs last\n  dslc logs last build\n  dslc logs k3fx 'deep-dive[rfc9002]'\n  dslc logs last --follow\n  dslc logs last --driver"
)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// A node, an instance `node[key]`, a node of a called plan `node/inner`; without it, all
    #[arg(value_name = "NODE")]
    node: Option<String>,
    /// Go on printing what is added, while somebody drives the run
    #[arg(long, short)]
    follow: bool,
    /// What a driver in the background printed
    #[arg(long, conflicts_with = "node")]
    driver: bool,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let folder = args.run.folder()?;
    if args.driver {
        return driver_log(&folder, args.follow, printer);
    }
    let mut logs = folder.logs()?;
    let places = places(&History::read(folder.clone())?.engine);
    logs.sort_by_cached_key(|log| {
        let place = places.get(done(&log.label)).copied();
        (place, log.label.clone(), log.attempt)
    });
    if let Some(node) = &args.node {
        logs.retain(|log| is_of(log, node));
        if logs.is_empty() && !places.contains_key(node.as_str()) {
            return Err(
                Failure::usage(format!("no node `{node}` in run `{}`", folder.id())).help("dslc show lists them")
            );
        }
    }
    if args.follow {
        follow(
            &folder,
            |log| args.node.as_ref().is_none_or(|node| is_of(log, node)),
            printer,
        )?;
        return Ok(Exit::Fine);
    }
    if logs.is_empty() {
        printer.note("nothing was printed");
    }
    for log in &logs {
        if logs.len() > 1 {
            printer.line(&bold(&format!("── {} #{}", log.label, log.attempt), None));
        }
        copy(&log.path, printer)?;
        if printer.closed() {
            break;
        }
    }
    Ok(Exit::Fine)
}

fn driver_log(folder: &RunFolder, follows: bool, printer: &Printer) -> Result<Exit, Failure> {
    let path = folder.path().join(runtime::DRIVER_LOG);
    if follows {
        follow_file(folder, &path, printer)?;
    } else if path.exists() {
        copy(&path, printer)?;
    } else {
        printer.note("no driver of this run was in the background");
    }
    Ok(Exit::Fine)
}

/// Where each node and instance stands in a listing of the run.
fn places(engine: &Engine) -> HashMap<String, usize> {
    let label = |listed| match listed {
        Listed::Node(node) => node.id.to_string(),
        Listed::Instance { snapshot, .. } => snapshot.label.to_string(),
    };
    let listing = engine.listing().into_iter().enumerate();
    listing.map(|(place, (_, listed))| (label(listed), place)).collect()
}

/// What an undo undoes.
fn done(label: &str) -> &str {
    label.strip_prefix("undo of ").unwrap_or(label)
}

/// A task's name stands for all its instances and for what it calls.
fn is_of(log: &Log, node: &str) -> bool {
    let inside = |rest: &str| rest.is_empty() || rest.starts_with(['[', '/', '#']);
    log.label == node || done(&log.label).strip_prefix(node).is_some_and(inside)
}

/// Copies piece by piece: a log may be larger than memory. Bytes that are no text are shown as such.
fn copy(path: &Path, printer: &Printer) -> Result<(), Failure> {
    let wrong =
        |error: std::io::Error| Failure::internal(format!("cannot read `{}`: {}", path.display(), plain(&error)));
    let mut file = std::fs::File::open(path).map_err(wrong)?;
    let mut piece = vec![0; 1 << 16];
    let mut kept = Vec::new();
    loop {
        let read = file.read(&mut piece).map_err(wrong)?;
        kept.extend_from_slice(&piece[..read]);
        // A character may be cut in two by the piece's end.
        let whole = if read == 0 { kept.len() } else { whole_chars(&kept) };
        printer.raw(&kept[..whole]);
        kept.drain(..whole);
        if read == 0 || printer.closed() {
            return Ok(());
        }
    }
}
