//! The official lexicons, where they are at hand, and crates around what was generated.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use loggia_codegen::{Config, Tree, generate};
use loggia_lexicon::catalog::Catalog;

use crate::golden::assert_formatted;

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the workspace")
}

/// Without the facade, and without handlers.
pub fn config() -> Config {
    let mount = "crate".to_owned();
    Config {
        runtime: "loggia_xrpc".into(),
        mount,
        serve: Vec::new(),
        ..Config::default()
    }
}

/// A crate of its own around a tree; cargo finds the dependencies where this build has them.
pub fn write_crate(name: &str, tree: &Tree) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let source = folder.join("src/lexicons");
    fs::create_dir_all(&source).expect("writable");
    let runtime = workspace().join("crates/xrpc");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nloggia-xrpc = {{ path = {runtime:?} }}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).expect("writable");
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).expect("copied");
    let root = "//! Generated.\n#![deny(warnings)]\nmod lexicons;\npub use lexicons::*;\n";
    fs::write(folder.join("src/lib.rs"), root).expect("writable");
    tree.write(&source).expect("writable");
    folder
}

/// Compiles a crate, where a warning is an error.
pub fn cargo_check(folder: &Path) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("target");
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

/// The official lexicons, where the checkout has them beside it; our own otherwise.
#[test]
fn the_official_corpus_generates_and_compiles() {
    let official = workspace().join("../shared/corpus/atproto");
    let (folder, least) = if official.is_dir() {
        (official, 402)
    } else {
        println!("no ../shared/corpus: our own lexicons stand in");
        (workspace().join("lexicons"), 50)
    };
    let catalog = Catalog::load(&folder).expect("readable");
    assert!(catalog.len() >= least, "{} documents", catalog.len());
    let lexicons = folder
        .canonicalize()
        .expect("it is there")
        .display()
        .to_string();
    let tree = generate(
        &catalog,
        &Config {
            lexicons,
            ..config()
        },
    );
    assert_eq!(tree.diagnostics, []);
    let written = write_crate("corpus", &tree);
    assert_formatted(&written.join("src/lib.rs"));
    cargo_check(&written);
}
