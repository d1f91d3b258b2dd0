//! OpenTelemetry as a third party receives it: `dslc export --otlp` to a receiver from PyPI, which decodes what arrives.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::editors::binary;
use crate::sarif::quiet;
use crate::steps::{self, Steps};

const RECEIVER: &str = "oteltap==1.0.0";
const WHAT: &str = "OpenTelemetry export to a receiver";

pub fn otlp(steps: &mut Steps<'_>) {
    let dslc = binary(steps.root());
    let tools = dslc.ancestors().nth(2).unwrap_or(steps.root()).join("otlp-tools");
    let python = match installed(&tools) {
        Ok(python) => python,
        Err(why) => return steps.untested(WHAT, &why),
    };
    let mut receive = Command::new(python);
    receive.arg(steps.root().join("xtask/otlp/receive.py")).arg(dslc);
    steps.command(WHAT, receive);
}

/// A Python that has the receiver.
fn installed(tools: &Path) -> Result<PathBuf, String> {
    let python = tools.join("bin/python");
    if !steps::present(&python.to_string_lossy()) {
        println!("\n── installing {RECEIVER}");
        quiet(Command::new("python3").args(["-m", "venv"]).arg(tools))?;
        quiet(Command::new(tools.join("bin/pip")).args(["install", "--quiet", RECEIVER]))?;
    }
    Ok(python)
}
