//! Pairs of lexicons and what is generated from them. The generated side is compiled here too.
//!
//! `UPDATE=1 cargo test -p loggia-codegen` writes the generated side anew.

use std::path::{Path, PathBuf};

use loggia_codegen::{Config, Tree, generate};
use loggia_lexicon::catalog::Catalog;

#[path = "../golden/methods/rust/mod.rs"]
pub mod methods;
#[path = "../golden/names/rust/mod.rs"]
pub mod names;
#[path = "../golden/odd/rust/mod.rs"]
pub mod odd;
#[path = "../golden/records/rust/mod.rs"]
pub mod records;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// The catalog of a case.
pub fn catalog(name: &str) -> Catalog {
    Catalog::load(folder(name).join("lexicons")).expect("the case is there")
}

fn generated(name: &str) -> Tree {
    let config = Config {
        runtime: "loggia_xrpc".into(),
        server: "crate::routes::server".into(),
        mount: format!("crate::golden::{name}"),
        lexicons: "../lexicons".into(),
        ..Config::default()
    };
    generate(&catalog(name), &config)
}

/// What is generated for a case is what is checked in, and rustfmt has nothing to say about it.
fn check(name: &str, diagnostics: &[&str]) {
    let tree = generated(name);
    let out = folder(name).join("rust");
    if std::env::var_os("UPDATE").is_some() {
        tree.write(&out).expect("the folder can be written");
    }
    if let Some(diff) = tree.check(&out).expect("the folder can be read") {
        panic!("generated code has changed; if that is right, run with UPDATE=1\n{diff}");
    }
    let found: Vec<String> = tree.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(found, diagnostics);
    assert_formatted(&out.join("mod.rs"));
}

/// Formatted as `cargo fmt` sees it: rustfmt reads a root file and follows its modules, except those
/// that it is told to skip, as a generated root tells it for all below.
pub fn assert_formatted(root: &Path) {
    let output = std::process::Command::new("rustfmt")
        .args([
            "--check",
            "--edition",
            "2024",
            "--config",
            "style_edition=2024",
        ])
        .arg(root)
        .output()
        .expect("rustfmt is part of the toolchain");
    let text = String::from_utf8_lossy(&output.stdout);
    let text: String = text
        .lines()
        .take(40)
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(output.status.success(), "not as rustfmt has it:\n{text}");
}

#[test]
fn records() {
    check("records", &[]);
}

#[test]
fn methods() {
    check("methods", &[]);
}

#[test]
fn names() {
    check("names", &[]);
}

#[test]
fn odd() {
    check(
        "odd",
        &[
            "deep.json: /defs/main/properties/well/items/items/items/items: arrays as deep as this \
             are kept as raw data",
            "odd.json: /defs/main/record/properties/gone: com.example.gone is not in the catalog; \
             kept as raw data",
            "odd.json: /defs/main/record/properties/odd: a schema of type \"float\" is kept as raw \
             data",
            "odd.json: /defs/main/record/properties/tok: #tok is a token, not a type; any text fits",
            "odd.json: /defs/main/record/properties/u: com.example.gone is not in the catalog; left \
             out",
            "odd.json: /defs/main/record/properties/u: #text is not an object; left out",
            "odd.json: /defs/main/record/properties/u: #tok is not an object; left out",
            "odd.json: /defs/main/record/properties/c: a closed union without usable refs; no \
             value of it is valid",
            "odd.json: /defs/main/record/properties/never: an empty enum allows nothing; no value is \
             valid",
            "odd.json: /defs/main/record/properties/fmt: the format \"moon-phase\" is not known; any \
             text fits",
            "odd.json: /defs/main/record/properties/query: com.example.oddQuery is not a type of \
             data; kept as raw data",
            "odd.json: /defs/loop/items: #loop leads back to itself; kept as raw data",
            "odd.json: /defs/strange: definitions of type \"hologram\" are left out",
            "odd.json: /defs/typed/properties/$type: $type belongs to the protocol; it gets no field \
             of its own",
            "oddQuery.json: /defs/main/output/schema: com.example.gone is not in the catalog; kept \
             as raw data",
            "oddQuery.json: /defs/main/errors: A is declared twice",
            "oddStream.json: /defs/main/message/schema: messages should be a union; the stream \
             carries nothing",
        ],
    );
}

#[test]
fn messages_are_read_by_their_type() {
    use loggia_xrpc::ReadMessage;
    use methods::com::example::subscribe_things::Message;
    use serde_json::json;

    let read = |frame_type: &str, payload| Message::read(frame_type, payload);
    let thing = read("#thing", json!({"seq": 1, "since": null})).expect("it fits");
    assert!(matches!(thing, Some(Message::Thing(thing)) if thing.seq == 1));
    assert!(read("#thing", json!({"since": null})).is_err());
    assert_eq!(read("#other", json!(5)).expect("nothing is read"), None);
}

#[test]
fn what_is_required_makes_an_object() {
    use records::com::example::post::PostPlace;

    let place = PostPlace::new("here".to_owned());
    assert_eq!((place.name.as_str(), place.at.is_none()), ("here", true));
    assert!(place.extra.is_empty());
}
