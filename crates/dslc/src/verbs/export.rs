//! `dslc export`: a run for other tools.

use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure, plain};
use crate::history::RunArgs;
use crate::printer::Printer;
use crate::telemetry::{Trace, chrome, send};

/// Export a run as a Chrome trace, or to OpenTelemetry
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc export last --trace run.json            open it in ui.perfetto.dev
  dslc export last --otlp                      to $OTEL_EXPORTER_OTLP_ENDPOINT, else 127.0.0.1:4318
  dslc export last --otlp http://collector:4318

A run is one trace: a span for the run, in it one for each node, in those one for each attempt; and metrics: durations, attempts, cost, \
tokens. Exporting again gives the same spans. Headers come from $OTEL_EXPORTER_OTLP_HEADERS.")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Write a Chrome trace; `-` is standard output
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Send spans and metrics to a receiver of OTLP over HTTP
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = false)]
    otlp: Option<Option<String>>,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    if args.trace.is_none() && args.otlp.is_none() {
        return Err(Failure::usage(
            "nothing to export to, expected `--trace FILE` or `--otlp [URL]`",
        ));
    }
    let trace = Trace::read(&args.run.folder()?)?;
    if let Some(path) = &args.trace {
        write_trace(&trace, path, printer)?;
    }
    if let Some(endpoint) = &args.otlp {
        let sent = send::send(&trace, endpoint.as_deref())?;
        printer.note(&format!(
            "sent {} spans and {} metrics to {}",
            sent.spans, sent.metrics, sent.endpoint
        ));
    }
    Ok(Exit::Fine)
}

/// Writes a Chrome trace to a file, or prints it.
pub fn write_trace(trace: &Trace, path: &Path, printer: &Printer) -> Result<(), Failure> {
    let text = chrome::chrome(trace);
    if path == Path::new("-") {
        printer.raw(&text);
        return Ok(());
    }
    std::fs::write(path, text)
        .map_err(|error| Failure::usage(format!("cannot write `{}`: {}", path.display(), plain(&error))))
}
