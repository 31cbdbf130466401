//! `loggia codegen`.

use std::fs;

use crate::world::{Run, World};

const COMMAND: [&str; 5] = ["codegen", "--lexicons", "lexicons", "--out", "src/lexicons"];

fn lexicon(id: &str, main: &str) -> String {
    format!("{{\n  \"lexicon\": 1,\n  \"id\": \"{id}\",\n  \"defs\": {{\"main\": {main}}}\n}}\n")
}

fn object(properties: &str) -> String {
    format!(r#"{{"type": "object", "properties": {{{properties}}}}}"#)
}

/// A crate's folder with two lexicons.
fn world() -> World {
    let world = World::new();
    let thing = lexicon(
        "com.example.thing",
        &object(r#""size": {"type": "integer"}"#),
    );
    world.write("lexicons/com/example/thing.json", &thing);
    let ping = lexicon("com.example.ping", r#"{"type": "query"}"#);
    world.write("lexicons/com/example/ping.json", &ping);
    world.write("src/main.rs", "pub mod lexicons;\n");
    world
}

fn generate(world: &World, rest: &[&str]) -> Run {
    world.run(&[&COMMAND, rest].concat())
}

#[test]
fn writes_inside_its_folder_and_nothing_the_second_time() {
    let world = world();
    let before = world.files();
    let run = generate(&world, &[]).fine();
    assert!(
        run.out.ends_with(" written, 0 removed, 0 unchanged\n"),
        "{}",
        run.out
    );
    let after = world.files();
    let is_inside = |path: &str| path.starts_with("src/lexicons/");
    let outside: Vec<_> = after
        .iter()
        .filter(|(path, ..)| !is_inside(path))
        .cloned()
        .collect();
    assert_eq!(outside, before);
    for path in ["mod.rs", "com.rs", "com/example.rs", "com/example/thing.rs"] {
        assert!(world.path("src/lexicons").join(path).is_file(), "{path}");
    }
    assert!(world.read("src/lexicons/mod.rs").contains("macro_rules!"));

    let run = generate(&world, &[]).fine();
    assert!(run.out.starts_with("0 written, 0 removed, "), "{}", run.out);
    assert_eq!(world.files(), after, "no file was touched");
}

#[test]
fn what_was_generated_and_no_longer_is_goes_away() {
    let world = world();
    generate(&world, &[]).fine();
    world.write("src/lexicons/com/mine.rs", "// by hand\n");
    fs::remove_file(world.path("lexicons/com/example/ping.json")).expect("removable");
    let run = generate(&world, &[]).fine();
    assert!(run.out.contains(", 1 removed, "), "{}", run.out);
    assert!(!world.path("src/lexicons/com/example/ping.rs").exists());
    assert!(world.path("src/lexicons/com/mine.rs").exists());
}

#[test]
fn check_writes_nothing_and_says_what_to_run() {
    let world = world();
    let before = world.files();
    let run = generate(&world, &["--check"]);
    assert_eq!((run.code, world.files()), (Some(1), before), "{run:#?}");

    generate(&world, &[]).fine();
    assert_eq!(generate(&world, &["--check"]).fine().out, "");

    let thing = lexicon(
        "com.example.thing",
        &object(r#""weight": {"type": "integer"}"#),
    );
    world.write("lexicons/com/example/thing.json", &thing);
    let before = world.files();
    let run = generate(&world, &["--check"]);
    assert_eq!((run.code, world.files()), (Some(1), before), "{run:#?}");
    for part in [
        "--- a/com/example/thing.rs\n+++ b/com/example/thing.rs\n",
        "\n-    pub size: Option<i64>,\n",
        "\n+    pub weight: Option<i64>,\n",
    ] {
        assert!(run.out.contains(part), "`{part}` is not in\n{}", run.out);
    }
    let last = run.out.lines().last().expect("a line");
    assert_eq!(
        last,
        "not up to date: run `loggia codegen --lexicons lexicons --out src/lexicons`"
    );
    generate(&world, &[]).fine();
    generate(&world, &["--check"]).fine();
}

#[test]
fn the_command_that_check_names_has_every_option() {
    let options = [
        "--module",
        "crate::api",
        "--serve",
        "com.example.*",
        "--check",
    ];
    let run = generate(&world(), &options);
    let wanted = "--out src/lexicons --module crate::api --serve 'com.example.*'`";
    assert!(run.out.trim_end().ends_with(wanted), "{}", run.out);
}

#[test]
fn a_broken_lexicon_is_shown_and_nothing_is_written() {
    let world = world();
    world.write(
        "lexicons/com/example/broken.json",
        "{\n  \"lexicon\": 1,\n  oops\n}\n",
    );
    world.write(
        "lexicons/com/example/later.json",
        "{\n  \"lexicon\": 2,\n  \"id\": \"com.example.later\"\n}\n",
    );
    let before = world.files();
    let run = generate(&world, &[]);
    assert_eq!(world.files(), before);
    run.refused(
        2,
        &[
            "lexicons/com/example/broken.json:3:3",
            "  oops",
            "malformed-json",
            "lexicons/com/example/later.json:2:",
            "\"lexicon\": 2",
            "nothing was written",
            "com/example/broken.json, com/example/later.json",
        ],
    );
}

#[test]
fn the_same_id_twice_is_shown() {
    let world = world();
    world.write(
        "lexicons/other.json",
        &lexicon("com.example.thing", &object("")),
    );
    let run = generate(&world, &[]);
    run.refused(
        2,
        &[
            "lexicons/other.json:3:9",
            "com.example.thing",
            "duplicate-id",
        ],
    );
}

#[test]
fn what_is_merely_odd_is_a_warning_with_its_place() {
    let world = world();
    let properties = "\n    \"x\": {\"type\": \"ref\", \"ref\": \"com.example.gone\"}";
    world.write(
        "lexicons/com/example/odd.json",
        &lexicon("com.example.odd", &object(properties)),
    );
    let run = generate(&world, &[]).fine();
    assert!(
        run.err.contains("lexicons/com/example/odd.json:5:"),
        "{}",
        run.err
    );
    assert!(run.err.contains("com.example.gone"), "{}", run.err);
    assert!(world.path("src/lexicons/com/example/odd.rs").is_file());
}

#[test]
fn a_folder_without_lexicons_takes_nothing_away() {
    let world = world();
    generate(&world, &[]).fine();
    let before = world.files();
    world.write("empty/readme.txt", "");
    for folder in ["empty", "missing"] {
        let run = world.run(&["codegen", "--lexicons", folder, "--out", "src/lexicons"]);
        run.refused(2, &[folder]);
    }
    fs::remove_dir_all(world.path("empty")).expect("removable");
    assert_eq!(world.files(), before);
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let world = world();
    world.write("src/lexicons/mod.rs", "// by hand\n");
    generate(&world, &[]).refused(2, &["mod.rs", "was not generated"]);
    assert_eq!(world.read("src/lexicons/mod.rs"), "// by hand\n");
}

#[test]
fn slips_of_the_keyboard_are_told() {
    let world = world();
    generate(&world, &["--serve", "com.exampel.*"])
        .refused(2, &["com.exampel.*", "names no method"]);
    generate(&world, &["--serve", "com.example.thing"]).refused(2, &["com.example.thing"]);
    generate(&world, &["--module", "lexicons"]).refused(2, &["`lexicons`", "crate::lexicons"]);
    let run = world.run(&[
        "codegen",
        "--lexicons",
        "lexicons",
        "--out",
        "src/my-lexicons",
    ]);
    run.refused(2, &["`crate::my-lexicons`", "--module"]);
}
