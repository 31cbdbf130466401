//! The folder that is written into.

use std::fs;
use std::path::{Path, PathBuf};

use loggia_codegen::{Config, TreeError, generate};
use loggia_lexicon::catalog::Catalog;

/// A folder of its own for each test, made anew.
fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

fn catalog(ids: &[&str]) -> Catalog {
    let mut builder = Catalog::builder();
    for id in ids {
        let text = format!(
            r#"{{"lexicon":1,"id":"{id}","defs":{{"main":{{"type":"object","properties":{{}}}}}}}}"#
        );
        builder.add(&text, format!("{id}.json"));
    }
    builder.build()
}

#[test]
fn writes_only_what_changed_and_removes_only_its_own() {
    let out = fresh("tree");
    let config = Config::default();
    let both = generate(&catalog(&["com.example.one", "com.other.two"]), &config);
    let first = both.write(&out).expect("writable");
    assert_eq!(first.written.len(), both.files.len());
    assert_eq!(both.check(&out).expect("readable"), None);

    let second = both.write(&out).expect("writable");
    assert_eq!(
        (second.written.len(), second.unchanged),
        (0, both.files.len())
    );

    fs::write(out.join("com/by_hand.rs"), "// mine\n").expect("writable");
    let one = generate(&catalog(&["com.example.one"]), &config);
    let diff = one
        .check(&out)
        .expect("readable")
        .expect("something to change");
    assert!(
        diff.contains("--- a/com/other/two.rs") && diff.contains("+++ /dev/null"),
        "{diff}"
    );

    let third = one.write(&out).expect("writable");
    let gone = [
        PathBuf::from("com/other/two.rs"),
        PathBuf::from("com/other.rs"),
    ];
    assert_eq!(third.removed, gone);
    assert_eq!(
        third.written,
        [PathBuf::from("catalog.rs"), "com.rs".into()]
    );
    assert!(!out.join("com/other").exists() && out.join("com/by_hand.rs").exists());
}

#[test]
fn never_writes_over_what_is_not_its_own() {
    let out = fresh("foreign");
    fs::write(out.join("mod.rs"), "//! mine\n").expect("writable");
    let tree = generate(&catalog(&["com.example.one"]), &Config::default());
    let error = tree.write(&out).expect_err("mod.rs is in the way");
    assert!(
        matches!(&error, TreeError::Foreign { path } if path.ends_with("mod.rs")),
        "{error}"
    );
    assert_eq!(fs::read_dir(&out).expect("readable").count(), 1);
}

#[test]
fn the_order_of_files_does_not_matter() {
    let config = Config::default();
    let forth = generate(
        &catalog(&["com.example.one", "com.example.two", "a.b.c"]),
        &config,
    );
    let back = generate(
        &catalog(&["a.b.c", "com.example.two", "com.example.one"]),
        &config,
    );
    assert_eq!(forth.files, back.files);
}
