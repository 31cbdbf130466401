//! Catalogs: loading, resolving, and what goes wrong file by file.

use loggia_lexicon::catalog::{Catalog, LoadError};
use loggia_lexicon::document::Def;
use serde_json::json;

use crate::shared;

fn problems(catalog: &Catalog) -> Vec<String> {
    let line = |p: &loggia_lexicon::catalog::Problem| {
        let d = &p.diagnostic;
        format!("{} {} {} {}", p.file, d.severity, d.rule, d.pointer)
    };
    catalog.problems().iter().map(line).collect()
}

#[test]
fn official_corpus() {
    let Some(folder) = shared::path("corpus/atproto") else {
        return;
    };
    let catalog = Catalog::load(folder).expect("a folder");
    assert_eq!(catalog.len(), 402);
    assert_eq!(
        catalog
            .documents()
            .map(|document| document.defs.len())
            .sum::<usize>(),
        850
    );
    let odd: Vec<String> = problems(&catalog)
        .into_iter()
        .filter(|p| p.contains("error"))
        .collect();
    assert!(odd.is_empty(), "{odd:#?}");
    println!("{:#?}", problems(&catalog));
    assert!(catalog.find("app.bsky.feed.post#main").is_some());
}

#[test]
fn references_are_resolved() {
    let lexicon = json!({
        "lexicon": 1, "id": "com.example.thing",
        "defs": {
            "main": {"type": "query", "output": {"encoding": "application/json", "schema": {
                "type": "object", "properties": {
                    "good": {"type": "ref", "ref": "#item"},
                    "bad": {"type": "array", "items": {"type": "ref", "ref": "#gone"}},
                    "mixed": {"type": "union", "refs":
                        ["com.example.thing#item", "com.example.other", "com.example.thing"]},
                    "odd": {"type": "ref", "ref": "com.example.thing#"},
                    "word": {"type": "ref", "ref": "#word"},
                }}}},
            "item": {"type": "object", "properties": {}},
            "word": {"type": "token"},
        },
    });
    let text = lexicon.to_string();
    let mut builder = Catalog::builder();
    builder.add(&text, "com/example/thing.json");
    let catalog = builder.build();
    let at = "/defs/main/output/schema/properties";
    assert_eq!(
        problems(&catalog),
        [
            format!("com/example/thing.json error unresolved-ref {at}/bad/items/ref"),
            format!("com/example/thing.json error unresolved-ref {at}/mixed/refs/1"),
            format!("com/example/thing.json error ref-to-no-data {at}/mixed/refs/2"),
            format!("com/example/thing.json error invalid-ref {at}/odd/ref"),
            format!("com/example/thing.json warning ref-to-token {at}/word/ref"),
        ]
    );
    let span = catalog.problems()[0]
        .diagnostic
        .span
        .clone()
        .expect("a span");
    assert_eq!(&text[span], "\"#gone\"");
    for name in ["com.example.thing", "com.example.thing#main"] {
        assert!(matches!(
            catalog.find(name).expect("there").def,
            Def::Query(_)
        ));
    }
    assert_eq!(
        catalog
            .resolve("com.example.thing", "#item")
            .expect("there")
            .name,
        "item"
    );
    assert!(catalog.find("#item").is_none());
    assert!(catalog.find("com.example.thing#gone").is_none());
}

#[test]
fn folders_are_loaded_in_order() {
    let folder = tempdir("order");
    let token = |id: &str| json!({"lexicon": 1, "id": id, "defs": {"main": {"type": "token"}}});
    write(
        &folder,
        "com/example/b.json",
        &token("com.example.b").to_string(),
    );
    write(
        &folder,
        "com/example/a.json",
        &token("com.example.a").to_string(),
    );
    write(
        &folder,
        "com.example.flat.json",
        &token("com.example.flat").to_string(),
    );
    write(
        &folder,
        "com/example/wrong.json",
        &token("com.example.right").to_string(),
    );
    write(&folder, "copy/b.json", &token("com.example.b").to_string());
    write(&folder, "com/example/broken.json", "{");
    write(&folder, "com/example/binary.json", "\u{0}");
    write(&folder, ".hidden/x.json", "no");
    write(&folder, "README.md", "no");
    let catalog = Catalog::load(&folder).expect("a folder");
    std::fs::remove_dir_all(&folder).expect("ours to remove");

    let ids: Vec<&str> = catalog
        .documents()
        .map(|document| document.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "com.example.a",
            "com.example.b",
            "com.example.flat",
            "com.example.right"
        ]
    );
    assert_eq!(catalog.file("com.example.b"), Some("com/example/b.json"));
    assert_eq!(
        problems(&catalog),
        [
            "com/example/binary.json error malformed-json ",
            "com/example/broken.json error malformed-json ",
            "com/example/wrong.json warning path-mismatch /id",
            "copy/b.json warning path-mismatch /id",
            "copy/b.json error duplicate-id /id",
        ]
    );
    assert!(catalog.unreadable("com.example.broken").is_some());
    assert!(catalog.unreadable("com.example.a").is_none());
}

#[test]
fn a_missing_folder_is_an_error() {
    let error = Catalog::load(tempdir("missing").join("nothing")).expect_err("no such folder");
    assert!(matches!(error, LoadError::List { .. }));
}

/// An empty folder of our own below the build's folder for such things.
fn tempdir(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("catalog-{name}"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("ours to remove");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn write(folder: &std::path::Path, file: &str, text: &str) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}
