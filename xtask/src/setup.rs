//! What the tests need beside cargo: installed when missing, or a clear error.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{cargo, is_installed, output, program, run};
use crate::root;

/// Makes sure that every tool is there: nextest, Node and the reference servers.
pub fn tools() -> Result<()> {
    nextest()?;
    node()?;
    reference_servers()?;
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
    run(&mut program("apt-get", &["update"]))
        .and_then(|()| {
            run(&mut program(
                "apt-get",
                &["install", "--yes", "nodejs", "npm"],
            ))
        })
        .context("the tests run the reference PDS on Node 20 or later; install node and npm")
}

/// The reference PDS and PLC server, in `tests/pds`.
fn reference_servers() -> Result<()> {
    let folder = root().join("tests/pds");
    let installed = folder.join("node_modules/.package-lock.json");
    if modified(&installed) >= modified(&folder.join("package-lock.json")) {
        return Ok(());
    }
    let mut install = program("npm", &["ci", "--no-audit", "--no-fund"]);
    if let Some(headers) = node_headers()? {
        install.env("npm_config_nodedir", headers);
    }
    run(install.current_dir(&folder))
        .context("installing the reference PDS and PLC server in tests/pds")
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
