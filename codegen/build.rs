//! Gives the generator a digest of itself, so that it knows what another one wrote.
//!
//! What is written depends on the sources here and on the crates that print; nothing else of the
//! machine that this is built on goes in, so that the same generator has the same digest everywhere.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

/// The crates that turn quoted items into text.
const PRINTERS: [&str; 4] = ["prettyplease", "proc-macro2", "quote", "syn"];

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut digest = Sha256::new();
    let mut sources = Vec::new();
    list(&here.join("src"), &mut sources)?;
    sources.sort();
    for source in &sources {
        digest.update(fs::read(source)?);
    }
    // Whoever builds this as a dependency has a lock file too, but not where we would find it.
    let lock = here.ancestors().map(|folder| folder.join("Cargo.lock"));
    if let Some(lock) = lock.into_iter().find(|lock| lock.is_file()) {
        digest.update(printers(&fs::read_to_string(&lock)?));
        println!("cargo::rerun-if-changed={}", lock.display());
    }
    let digest: String = digest.finalize().iter().map(hex).collect();
    println!("cargo::rustc-env=LOGGIA_GENERATOR={digest}");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The entries of a lock file that are about the printers.
fn printers(lock: &str) -> String {
    let is_printer = |entry: &&str| {
        let name = entry.lines().find_map(|line| line.strip_prefix("name = "));
        name.is_some_and(|name| PRINTERS.contains(&name.trim_matches('"')))
    };
    lock.split("[[package]]").filter(is_printer).collect()
}

fn hex(byte: &u8) -> String {
    format!("{byte:02x}")
}
