//! The folder that is written into.

use std::fs;
use std::path::{Path, PathBuf};

use loggia_codegen::{Config, Outcome, Plan, TreeError, generate};
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

fn write(ids: &[&str], out: &Path) -> Outcome {
    let plan = Plan::new(&catalog(ids), Config::default());
    plan.write(out).expect("writable")
}

const STAMP: &str = ".loggia-codegen";

#[test]
fn what_the_stamp_knows_is_not_written_again() {
    let out = fresh("stamp");
    let first = write(&["com.example.one", "com.example.two"], &out);
    let files = first.written.len();
    assert!(files > 4 && out.join(STAMP).is_file());
    let same = Outcome {
        unchanged: files,
        ..Outcome::default()
    };
    assert_eq!(write(&["com.example.two", "com.example.one"], &out), same);

    let fewer = write(&["com.example.one"], &out);
    assert_eq!(fewer.removed, [PathBuf::from("com/example/two.rs")]);
    let elsewhere = Config {
        lexicons: "../elsewhere".into(),
        ..Config::default()
    };
    let moved = Plan::new(&catalog(&["com.example.one"]), elsewhere);
    let moved = moved.write(&out).expect("writable");
    assert_eq!(moved.written, [PathBuf::from("catalog.rs")]);
}

#[test]
fn a_file_that_was_touched_is_noticed_in_spite_of_the_stamp() {
    let out = fresh("touched");
    let ids = ["com.example.one"];
    let file = out.join("com/example/one.rs");
    write(&ids, &out);
    let text = fs::read_to_string(&file).expect("written");
    let wanted = [PathBuf::from("com/example/one.rs")];
    for by_hand in [
        format!("{text}\n// by hand\n"),
        text.replacen("One", "Two", 1),
    ] {
        fs::write(&file, by_hand).expect("writable");
        assert_eq!(write(&ids, &out).written, wanted);
    }
    fs::remove_file(&file).expect("removable");
    assert_eq!(write(&ids, &out).written, wanted);
    fs::copy(&file, out.join("com/example/stray.rs")).expect("writable");
    let stray = [PathBuf::from("com/example/stray.rs")];
    assert_eq!(write(&ids, &out).removed, stray);
    fs::write(&file, "// mine\n").expect("writable");
    let plan = Plan::new(&catalog(&ids), Config::default());
    let error = plan.write(&out).expect_err("a foreign file is in the way");
    assert!(matches!(error, TreeError::Foreign { .. }), "{error}");
}

#[test]
fn what_another_generator_wrote_is_not_trusted() {
    let out = fresh("another");
    let files = write(&["com.example.one"], &out).written.len();
    let stamp = fs::read_to_string(out.join(STAMP)).expect("written");
    for line in 1..4 {
        let own = stamp.lines().nth(line).expect("a digest's line");
        let (name, digest) = own.split_once(' ').expect("a name and a digest");
        let other = format!("{name} {}", "0".repeat(digest.len()));
        fs::write(out.join(STAMP), stamp.replace(own, &other)).expect("writable");
        assert_eq!(write(&["com.example.one"], &out).unchanged, files);
        let now = fs::read_to_string(out.join(STAMP)).expect("there");
        assert_eq!(
            now, stamp,
            "all was compared, and the stamp made anew: {name}"
        );
    }
}

#[test]
fn no_stamp_and_nonsense_for_a_stamp_are_survived() {
    let out = fresh("nonsense");
    let ids = ["com.example.one"];
    let files = write(&ids, &out).written.len();
    let stamp = fs::read(out.join(STAMP)).expect("written");
    for nonsense in [vec![], vec![0xff; 10], vec![b'a'; 1 << 20]] {
        fs::write(out.join(STAMP), nonsense).expect("writable");
        assert_eq!(write(&ids, &out).unchanged, files);
        assert_eq!(fs::read(out.join(STAMP)).expect("there"), stamp);
    }
    fs::remove_file(out.join(STAMP)).expect("removable");
    assert_eq!(write(&ids, &out).unchanged, files);
    assert_eq!(fs::read(out.join(STAMP)).expect("there"), stamp);
}

#[test]
fn an_output_below_is_somebody_elses() {
    let out = fresh("nested");
    let inner = out.join("client/src/lexicons");
    write(&["com.example.mod", "com.example.inner"], &inner);
    let hidden = out.join(".cache/old");
    write(&["com.example.hidden"], &hidden);
    write(&["com.example.outer", "com.example.mod.thing"], &out);
    let outcome = write(&["com.example.other"], &out);
    let removed = [
        "com/example/mod_/thing.rs",
        "com/example/mod_.rs",
        "com/example/outer.rs",
    ];
    assert_eq!(outcome.removed, removed.map(PathBuf::from));
    for file in ["mod.rs", "catalog.rs", "com/example/inner.rs", STAMP] {
        assert!(inner.join(file).is_file(), "{file}");
    }
    assert!(hidden.join("com/example/hidden.rs").is_file());
    assert_eq!(write(&["com.example.other"], &out).written.len(), 0);
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

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let (out, elsewhere) = (fresh("linked"), fresh("elsewhere"));
    std::os::unix::fs::symlink(&elsewhere, out.join("com")).expect("a link");
    let tree = generate(&catalog(&["com.example.one"]), &Config::default());
    let error = tree.write(&out).expect_err("com is a link");
    assert!(
        matches!(&error, TreeError::Link { path } if path.ends_with("com")),
        "{error}"
    );
    assert_eq!(fs::read_dir(&elsewhere).expect("readable").count(), 0);
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
