//! SARIF as a third party reads it: what `dslc check --format sarif` writes is validated against the standard's schema.
//!
//! The validator comes from PyPI and the schema from npm; both are kept below `target`. A report that is wrong on purpose must
//! be refused first, because a validator that accepts everything would prove nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::editors::binary;
use crate::steps::{self, Steps};

const VALIDATOR: &str = "check-jsonschema==0.39.0";
const SCHEMA_PACKAGE: &str = "@microsoft/sarif-multitool-linux@5.7.0";
const SCHEMA: &str = "node_modules/@microsoft/sarif-multitool-linux/sarif-2.1.0.json";
const WHAT: &str = "SARIF against its schema";

pub fn sarif(steps: &mut Steps<'_>) {
    let dslc = binary(steps.root());
    let tools = dslc.ancestors().nth(2).unwrap_or(steps.root()).join("sarif-tools");
    let validator = match installed(&tools) {
        Ok(validator) => validator,
        Err(why) => return steps.untested(WHAT, &why),
    };
    let reports = match reports(steps.root(), &dslc, &tools) {
        Ok(reports) => reports,
        Err(why) => return steps.failed(WHAT, &why),
    };
    let validate = |report: &Path| {
        let mut command = Command::new(&validator);
        command.arg("--schemafile").arg(tools.join(SCHEMA)).arg(report);
        command
    };
    let refused = validate(&reports.wrong).stdout(Stdio::null()).status();
    if refused.is_ok_and(|status| status.success()) {
        return steps.failed(WHAT, "the validator accepts a report that is wrong on purpose");
    }
    for report in [&reports.findings, &reports.nothing] {
        steps.command(WHAT, validate(report));
    }
}

/// The validator, with the schema beside it; both are installed once.
fn installed(tools: &Path) -> Result<PathBuf, String> {
    let validator = tools.join("bin/check-jsonschema");
    if !steps::present(&validator.to_string_lossy()) {
        println!("\n── installing {VALIDATOR}");
        quiet(Command::new("python3").args(["-m", "venv"]).arg(tools))?;
        quiet(Command::new(tools.join("bin/pip")).args(["install", "--quiet", VALIDATOR]))?;
    }
    if !tools.join(SCHEMA).exists() {
        println!("\n── installing {SCHEMA_PACKAGE} for its schema");
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-save", "--ignore-scripts", "--prefix"]);
        quiet(npm.arg(tools).arg(SCHEMA_PACKAGE))?;
    }
    Ok(validator)
}

/// Runs a command for its effect; what it was is the reason when it fails.
pub fn quiet(command: &mut Command) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("`{}` failed", steps::shown(command))),
    }
}

struct Reports {
    /// The wrong examples of all rules.
    findings: PathBuf,
    nothing: PathBuf,
    /// The first, with a level that the standard does not know.
    wrong: PathBuf,
}

fn reports(root: &Path, dslc: &Path, tools: &Path) -> Result<Reports, String> {
    let why = |error: std::io::Error| error.to_string();
    // Outside the checkout, whose settings and ignored files would leave them out.
    let home = tempfile::tempdir().map_err(why)?;
    let plans = home.path().join("plans");
    let none = home.path().join("none");
    fs::create_dir_all(&plans).map_err(why)?;
    fs::create_dir_all(&none).map_err(why)?;
    for entry in fs::read_dir(root.join("crates/dsl-check/rules")).map_err(why)? {
        let path = entry.map_err(why)?.path();
        let page = fs::read_to_string(&path).map_err(why)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // A name that has to be escaped in a URI.
        fs::write(plans.join(format!("{name} größe.plan")), example(&page, "Wrong")).map_err(why)?;
    }
    let report = |folder: &Path, name: &str| {
        let mut check = Command::new(dslc);
        let output = check
            .args(["check", "--hints", "--format", "sarif", "."])
            .current_dir(folder);
        let text = output.output().map_err(why)?.stdout;
        let path = tools.join(name);
        fs::write(&path, &text).map_err(why)?;
        Ok::<_, String>((path, String::from_utf8_lossy(&text).into_owned()))
    };
    let (findings, text) = report(&plans, "findings.sarif")?;
    if !text.contains("\"ruleIndex\"") || !text.contains("\"fixes\"") || !text.contains("\"relatedLocations\"") {
        return Err("the report of the wrong examples lacks results, fixes or related locations".to_owned());
    }
    let (nothing, _) = report(&none, "nothing.sarif")?;
    let wrong = tools.join("wrong.sarif");
    fs::write(&wrong, text.replace("\"level\": \"error\"", "\"level\": \"fatal\"")).map_err(why)?;
    Ok(Reports {
        findings,
        nothing,
        wrong,
    })
}

/// The plans below a heading on the page of a rule, as one text.
pub fn example(page: &str, heading: &str) -> String {
    let below = page.split(&format!("## {heading}")).nth(1).unwrap_or_default();
    let below = below.split("\n## ").next().unwrap_or_default();
    let blocks = below.split("```plan").skip(1);
    let texts = blocks.filter_map(|block| block.split_once('\n')?.1.split("\n```").next());
    texts.collect::<Vec<_>>().join("\n") + "\n"
}
