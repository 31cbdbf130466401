//! What the tests need beside cargo: installed when missing, or a clear error.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{cargo, is_installed, output, program, run};
use crate::root;

/// Makes sure that every tool is there: nextest, Node, the reference servers, an S3-compatible store,
/// TypeScript and a browser.
pub fn tools() -> Result<()> {
    nextest()?;
    node()?;
    reference_servers()?;
    bucket()?;
    typescript()?;
    browser()?;
    corpora()
}

fn nextest() -> Result<()> {
    if is_installed("cargo-nextest") {
        return Ok(());
    }
    run(&mut cargo(&["install", "--locked", "cargo-nextest"]))
        .context("nextest runs the tests; install it with `cargo install --locked cargo-nextest`")
}

fn node() -> Result<()> {
    if is_installed("node") && is_installed("npm") {
        return Ok(());
    }
    install(&["nodejs", "npm"])
        .context("the tests run the reference PDS on Node 20 or later; install node and npm")
}

fn install(packages: &[&str]) -> Result<()> {
    run(&mut program("apt-get", &["update"]))?;
    let mut install = program("apt-get", &["install", "--yes"]);
    run(install.args(packages))
}

/// Chromium, and what drives it, in `tests/browser`.
fn browser() -> Result<()> {
    if !is_installed("chromium") {
        install(&["chromium"])
            .context("the tests log in with a browser; install Chromium as `chromium`")?;
    }
    let folder = root().join("tests/browser");
    if is_current(&folder) {
        return Ok(());
    }
    // The browser is the system's: nothing is to be downloaded beside the driver itself.
    plain_packages(&folder).context("installing the browser's driver in tests/browser")
}

/// Whether what is installed in an npm folder is not older than its lock file.
fn is_current(folder: &Path) -> bool {
    let installed = folder.join("node_modules/.package-lock.json");
    modified(&installed) >= modified(&folder.join("package-lock.json"))
}

/// The reference PDS and PLC server, in `tests/pds`.
fn reference_servers() -> Result<()> {
    let folder = root().join("tests/pds");
    if is_current(&folder) {
        return Ok(());
    }
    let mut install = program("npm", &["ci", "--no-audit", "--no-fund"]);
    if let Some(headers) = node_headers()? {
        install.env("npm_config_nodedir", headers);
    }
    run(install.current_dir(&folder))
        .context("installing the reference PDS and PLC server in tests/pds")
}

/// An S3-compatible store, in `tests/s3`.
fn bucket() -> Result<()> {
    let folder = root().join("tests/s3");
    if is_current(&folder) {
        return Ok(());
    }
    plain_packages(&folder).context("installing the S3-compatible store in tests/s3")
}

/// The compiler of TypeScript, in `tests/typescript`.
fn typescript() -> Result<()> {
    let folder = root().join("tests/typescript");
    if is_current(&folder) {
        return Ok(());
    }
    plain_packages(&folder).context("installing TypeScript in tests/typescript")
}

/// What is installed with no script of its own, and so downloads nothing else.
fn plain_packages(folder: &Path) -> Result<()> {
    let mut install = program(
        "npm",
        &["ci", "--no-audit", "--no-fund", "--ignore-scripts"],
    );
    run(install.current_dir(folder))
}

/// The folder whose `include/node` builds native modules, so that nothing is downloaded for it.
fn node_headers() -> Result<Option<PathBuf>> {
    let node = output(&mut program("node", &["--print", "process.execPath"]))?;
    let prefix = Path::new(node.trim())
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf);
    Ok(prefix.filter(|prefix| prefix.join("include/node/node.h").is_file()))
}

/// The published lexicons of other people, as a crate's source that is fetched and never built.
fn corpora() -> Result<()> {
    let manifest = root().join("tests/corpus/Cargo.toml");
    let manifest = manifest.to_string_lossy();
    run(&mut cargo(&[
        "fetch",
        "--quiet",
        "--locked",
        "--manifest-path",
        &manifest,
    ]))
    .context("fetching the third-party lexicon corpus")
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}
