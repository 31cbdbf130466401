//! 2,006 lexicons by many hands, as they ship inside a package on crates.io: what strangers write
//! must neither stop the generator nor be lost without a word.
//!
//! The package is never built. `cargo xtask test` fetches it; see `tests/corpus`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use loggia_codegen::{Config, Tree, generate};
use loggia_lexicon::catalog::Catalog;

use crate::corpora::{cargo_check, config, workspace, write_crate};
use crate::golden::assert_formatted;

const PACKAGE: &str = "jacquard-api-0.12.2";
/// How many documents that version ships.
const DOCUMENTS: usize = 2006;
/// The namespaces that are compiled as well: the largest that are not in the official corpus, and
/// a few small ones, for the odd things in them.
const COMPILED: [&str; 9] = [
    "app_rocksky_",
    "blog_pckt_",
    "fm_teal_",
    "games_gamesgamesgamesgames_",
    "org_hypercerts_",
    "place_stream_",
    "pub_leaflet_",
    "sh_tangled_",
    "sh_weaver_",
];

/// The folder of lexicons inside the package, from where cargo has unpacked it.
fn folder() -> PathBuf {
    let manifest = workspace().join("tests/corpus/Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(&manifest)
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let manifests = packages.filter_map(|package| package["manifest_path"].as_str());
    let found = manifests
        .filter_map(|manifest| Path::new(manifest).parent())
        .find(|package| package.ends_with(PACKAGE))
        .map(|package| package.join("lexicons"));
    found.filter(|folder| folder.is_dir()).unwrap_or_else(|| {
        panic!(
            "{PACKAGE} is not fetched: run `cargo fetch --manifest-path {}`\n{}",
            manifest.display(),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// The names of all files in the corpus, which is flat.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("readable");
    entries
        .map(|entry| entry.expect("readable").file_name())
        .map(|name| name.into_string().expect("UTF-8"))
        .collect()
}

fn generated(catalog: &Catalog, folder: &Path) -> Tree {
    let lexicons = folder.display().to_string();
    generate(
        catalog,
        &Config {
            lexicons,
            ..config()
        },
    )
}

#[test]
fn no_document_of_a_stranger_is_lost_without_a_word() {
    let folder = folder();
    let all = files(&folder);
    assert_eq!(all.len(), DOCUMENTS);
    let catalog = Catalog::load(&folder).expect("readable");
    let read = catalog
        .documents()
        .filter_map(|document| catalog.file(document.id.as_str()));
    let told = catalog
        .problems()
        .iter()
        .filter(|problem| problem.diagnostic.is_error())
        .map(|problem| problem.file.as_str());
    let known: BTreeSet<_> = read.chain(told).map(str::to_owned).collect();
    assert_eq!(known, all);
}

#[test]
fn the_lexicons_of_strangers_generate_with_diagnostics() {
    let folder = folder();
    let catalog = Catalog::load(&folder).expect("readable");
    let tree = generated(&catalog, &folder);
    assert!(
        tree.files.len() > catalog.len(),
        "{} files",
        tree.files.len()
    );
    assert!(!tree.diagnostics.is_empty());
    let all = files(&folder);
    for diagnostic in &tree.diagnostics {
        assert!(all.contains(&diagnostic.file), "{diagnostic}");
        assert!(!diagnostic.message.is_empty(), "{diagnostic}");
    }
    for (path, text) in &tree.files {
        if let Err(error) = syn::parse_file(text) {
            panic!("{} is not Rust: {error}", path.display());
        }
    }
    assert_eq!(tree.files, generated(&catalog, &folder).files);
    let written = write_crate("strangers", &tree);
    assert_formatted(&written.join("src/lib.rs"));
}

/// Most of their references lead out of the sample, so that what is unresolved compiles too.
#[test]
fn a_sample_of_them_compiles() {
    let folder = folder();
    let mut sample = Catalog::builder();
    for file in files(&folder) {
        if COMPILED.iter().any(|start| file.starts_with(start)) {
            let text = fs::read_to_string(folder.join(&file)).expect("readable");
            sample.add(&text, file);
        }
    }
    let sample = sample.build();
    assert!(sample.len() > 400, "{} documents", sample.len());
    cargo_check(&write_crate("sample", &generated(&sample, &folder)));
}
