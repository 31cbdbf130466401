//! `loggia validate`.

use serde_json::{Value, json};

use crate::world::World;

const NOTE: &str = r##"{
  "lexicon": 1,
  "id": "com.example.note",
  "defs": {
    "main": {
      "type": "record",
      "key": "tid",
      "record": {
        "type": "object",
        "required": ["text", "createdAt"],
        "properties": {
          "text": {"type": "string", "maxLength": 10},
          "createdAt": {"type": "string", "format": "datetime"},
          "author": {"type": "ref", "ref": "com.example.defs#author"}
        }
      }
    },
    "tag": {
      "type": "object",
      "required": ["name"],
      "properties": {"name": {"type": "string", "enum": ["red", "blue"]}}
    }
  }
}
"##;

const METHODS: [(&str, &str); 2] = [
    (
        "lexicons/com/example/addNote.json",
        r#"{"lexicon": 1, "id": "com.example.addNote", "defs": {"main": {"type": "procedure", "input":
        {"encoding": "application/json", "schema": {"type": "object", "required": ["text"],
        "properties": {"text": {"type": "string"}}}}}}}"#,
    ),
    (
        "lexicons/com/example/getNote.json",
        r#"{"lexicon": 1, "id": "com.example.getNote", "defs": {"main": {"type": "query"}}}"#,
    ),
];

const GOOD: &str =
    r#"{"$type": "com.example.note", "text": "hello", "createdAt": "2026-01-02T03:04:05Z"}"#;
const BAD: &str = r#"{
  "$type": "com.example.note",
  "text": "far too long",
  "createdAt": "yesterday"
}
"#;

/// A folder with lexicons, one good note and one bad.
fn world() -> World {
    let world = World::new();
    world.write("lexicons/com/example/note.json", NOTE);
    for (path, text) in METHODS {
        world.write(path, text);
    }
    world.write("good.json", GOOD).write("bad.json", BAD);
    world
}

/// The arguments, with the folder of lexicons.
fn with<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["validate", "--lexicons", "lexicons"], rest].concat()
}

/// The violations of the only line of `--json`, as `path code`.
fn found(out: &str) -> Vec<String> {
    let object: Value = serde_json::from_str(out).expect("one JSON object");
    let violations = object["violations"].as_array().expect("a list");
    let text = |found: &Value, key: &str| found[key].as_str().map(str::to_owned);
    let both = |found| Some(format!("{} {}", text(found, "path")?, text(found, "code")?));
    violations
        .iter()
        .map(|found| both(found).expect("texts"))
        .collect()
}

#[test]
fn valid_files_need_no_words() {
    let run = world().run(&with(&["good.json"])).fine();
    assert_eq!(run.out, "");
}

#[test]
fn every_violation_is_a_line_with_its_place() {
    let run = world().run(&with(&["good.json", "bad.json"]));
    assert_eq!(run.code, Some(1), "{run:#?}");
    let lines: Vec<_> = run.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", run.out);
    assert!(lines[0].starts_with("bad.json:3:11: $.text: ") && lines[0].ends_with(" [too_big]"));
    assert!(
        lines[1].starts_with("bad.json:4:16: $.createdAt: "),
        "{}",
        run.out
    );
    assert!(lines[1].ends_with(" [invalid_format]"), "{}", run.out);
}

#[test]
fn a_missing_field_is_placed_at_the_object_that_lacks_it() {
    let world = world();
    world.write(
        "bad.json",
        "\n {\"$type\": \"com.example.note\", \"text\": \"\"}",
    );
    let run = world.run(&with(&["bad.json"]));
    assert!(run.out.starts_with("bad.json:2:2: $: "), "{}", run.out);
    assert!(
        run.out.ends_with("`createdAt` is missing [required_key]\n"),
        "{}",
        run.out
    );
}

#[test]
fn a_violation_stays_on_one_line_whatever_the_data() {
    let world = world();
    let odd = r#"{"$type": "com.example.note", "text": "", "createdAt": "a\nb\u001b[31m",
        "x\ny": {"$bytes": 1}}"#;
    world.write("odd.json", odd);
    let run = world.run(&with(&["odd.json"]));
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
    assert!(!run.out.contains('\u{1b}'), "{}", run.out);
    assert!(
        run.out.contains("odd.json:2:17: $['x\\u000ay']"),
        "{}",
        run.out
    );
}

#[test]
fn json_is_one_object_for_each_file() {
    let run = world().run(&with(&["--json", "good.json", "bad.json"]));
    assert_eq!(run.code, Some(1), "{run:#?}");
    let lines: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    let [good, bad] = lines.try_into().expect("two files");
    let fine =
        json!({"file": "good.json", "type": "com.example.note", "valid": true, "violations": []});
    assert_eq!(good, fine);
    let messages = [0, 1].map(|index| bad["violations"][index]["message"].clone());
    assert!(messages.iter().all(Value::is_string));
    let [long, date] = messages;
    let wanted = json!({
        "file": "bad.json",
        "type": "com.example.note",
        "valid": false,
        "violations": [
            {"path": "$.text", "code": "too_big", "message": long},
            {"path": "$.createdAt", "code": "invalid_format", "message": date},
        ],
    });
    assert_eq!(bad, wanted);
}

#[test]
fn a_dash_is_the_standard_input() {
    let world = world();
    world.run_with(&with(&["-"]), GOOD).fine();
    let run = world.run_with(&with(&["-"]), BAD);
    assert_eq!(run.code, Some(1));
    assert!(run.out.starts_with("-:3:11: $.text: "), "{}", run.out);
    let run = world.run_with(&with(&["--json", "-"]), GOOD).fine();
    assert!(run.out.starts_with(r#"{"file":"-","#), "{}", run.out);
}

#[test]
fn without_a_type_there_is_nothing_to_check_against() {
    let world = world();
    let run = world.run_with(&with(&["--json", "-"]), "{}");
    assert_eq!(
        (run.code, found(&run.out)),
        (Some(1), vec!["$ required_key".to_owned()])
    );
    assert!(
        run.out.contains(r#""type":null"#) && run.out.contains("--type"),
        "{}",
        run.out
    );
    let run = world.run_with(&with(&["--json", "-"]), r#"{"$type": 5}"#);
    assert_eq!(found(&run.out), ["$['$type'] invalid_type"]);
}

#[test]
fn a_record_checked_as_a_type_still_names_it() {
    let world = world();
    world
        .run(&with(&["--type", "com.example.note", "good.json"]))
        .fine();
    for (own, violation) in [
        (
            r#""$type": "com.example.other","#,
            "$['$type'] invalid_value",
        ),
        (
            r#""$type": "com.example.note#main","#,
            "$['$type'] invalid_value",
        ),
        (r#""$type": 5,"#, "$['$type'] invalid_type"),
        ("", "$ required_key"),
    ] {
        let text = GOOD.replace(r#""$type": "com.example.note","#, own);
        let run = world.run_with(&with(&["--json", "--type", "com.example.note", "-"]), &text);
        assert_eq!(found(&run.out), [violation], "{text}");
        assert!(
            run.out.contains(r#""type":"com.example.note""#),
            "{}",
            run.out
        );
        assert_eq!(run.code, Some(1));
    }
}

#[test]
fn a_type_may_be_any_data() {
    let world = world();
    let object = ["--type", "com.example.note#tag", "-"];
    world.run_with(&with(&object), r#"{"name": "red"}"#).fine();
    let run = world.run_with(&with(&object), r#"{"name": "green"}"#);
    assert!(run.out.contains("[invalid_value]"), "{}", run.out);
    let input = ["--type", "com.example.addNote", "-"];
    world.run_with(&with(&input), r#"{"text": "hi"}"#).fine();
    let run = world.run_with(&with(&input), "{}");
    assert!(
        run.out.contains("`text` is missing [required_key]"),
        "{}",
        run.out
    );
}

#[test]
fn a_type_that_describes_no_data_is_said_to() {
    for (name, said) in [
        (
            "com.example.getNote",
            "`com.example.getNote` describes no data",
        ),
        (
            "com.example.nothing",
            "there is no lexicon for `com.example.nothing`",
        ),
        ("com.example.note#nothing", "com.example.note#nothing"),
    ] {
        let run = world().run(&with(&["--type", name, "good.json"]));
        assert_eq!(run.code, Some(1), "{run:#?}");
        assert!(
            run.out.contains(said) && run.out.ends_with("[unusable_schema]\n"),
            "{}",
            run.out
        );
    }
}

#[test]
fn a_type_that_is_no_name_is_a_slip_of_the_keyboard() {
    for name in [
        "garbage!",
        "not a name",
        "com.example.note#",
        "com.example.note#a#b",
        "",
    ] {
        let run = world().run(&with(&["--json", "--type", name, "good.json"]));
        assert_eq!(run.out, "");
        run.refused(2, &["--type", name]);
    }
}

#[test]
fn a_lexicon_that_cannot_be_used_makes_the_files_of_its_type_invalid() {
    let world = world();
    world.write(
        "lexicons/com/example/broken.json",
        "{\n  \"lexicon\": 1,\n  oops\n}",
    );
    world.write("broken.json", r#"{"$type": "com.example.broken"}"#);
    let run = world.run(&with(&["good.json", "broken.json"]));
    assert_eq!(run.out.lines().count(), 1, "only that type: {}", run.out);
    assert!(run.out.starts_with("broken.json:1:1: $: "), "{}", run.out);
    assert!(run.out.contains("com/example/broken.json"), "{}", run.out);
    assert!(run.out.ends_with("[unusable_schema]\n"), "{}", run.out);
    run.refused(1, &["lexicons/com/example/broken.json:3:3: error: "]);
}

#[test]
fn unresolved_parts_can_be_allowed() {
    let world = world();
    let text = GOOD.replace('{', r#"{"author": {"name": "x"}, "#);
    let run = world.run_with(&with(&["--json", "-"]), &text);
    assert_eq!(found(&run.out), ["$.author unusable_schema"]);
    assert!(run.out.contains("com.example.defs#author"), "{}", run.out);
    world
        .run_with(&with(&["--allow-unresolved", "-"]), &text)
        .fine();
    let run = world.run_with(&with(&["--allow-unresolved", "bad.json", "-"]), &text);
    assert_eq!(
        run.out.lines().count(),
        2,
        "the rest is checked: {}",
        run.out
    );
}

#[test]
fn what_cannot_be_read_ends_with_2_and_the_rest_is_checked() {
    let world = world();
    world.write(
        "broken.json",
        "{\n  \"$type\": \"com.example.note\",\n  \"text\": oops\n}\n",
    );
    let run = world.run(&with(&["missing.json", "broken.json", "bad.json"]));
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
    run.refused(
        2,
        &[
            "missing.json",
            "broken.json:3:",
            "is not JSON",
            "\"text\": oops",
        ],
    );
    std::fs::write(world.path("latin1.json"), b"{\"text\": \"caf\xe9\"}").expect("writable");
    let run = world.run(&with(&["latin1.json"]));
    let not_text = "latin1.json is not JSON: it is not UTF-8 from byte 13 on";
    run.refused(2, &[not_text]);
    let run = world.run_with(&with(&["-"]), "");
    run.refused(2, &["- is not JSON"]);
    let run = world.run_with(&with(&["-"]), "{\"é\u{1f600}\": \"\u{1f600}");
    run.refused(2, &["- is not JSON"]);
}

#[test]
fn json_has_an_object_for_a_file_that_cannot_be_read() {
    let world = world();
    world.write("broken.json", "{\"$type\": oops}");
    let run = world.run(&with(&[
        "--json",
        "missing.json",
        "good.json",
        "broken.json",
    ]));
    let lines: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    let files: Vec<_> = lines.iter().map(|line| &line["file"]).collect();
    assert_eq!(files, ["missing.json", "good.json", "broken.json"]);
    for (line, said) in [
        (&lines[0], "reading missing.json: "),
        (&lines[2], "is not JSON"),
    ] {
        assert_eq!(
            (&line["valid"], &line["type"]),
            (&json!(false), &json!(null))
        );
        let [violation] = line["violations"].as_array().expect("a list").as_slice() else {
            panic!("one violation: {line}");
        };
        assert_eq!(
            (&violation["path"], &violation["code"]),
            (&json!("$"), &json!("unreadable"))
        );
        let message = violation["message"].as_str().expect("a text");
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(lines[1]["valid"], true);
    run.refused(2, &["missing.json", "broken.json"]);
}

#[test]
fn without_lexicons_there_is_no_question() {
    let world = world();
    world.write("empty/readme.txt", "");
    for folder in ["missing", "empty", "good.json"] {
        let run = world.run(&["validate", "--lexicons", folder, "good.json"]);
        run.refused(2, &[folder]);
    }
}

#[test]
fn of_a_long_line_only_the_part_with_the_mistake_is_shown() {
    let world = World::new();
    world.write("lexicons/com/example/note.json", NOTE);
    let long = format!(r#"{{"text": "{}", oops}}"#, "x".repeat(100_000));
    world.write("note.json", &long);
    let run = world.run(&["validate", "--lexicons", "lexicons", "note.json"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.len() < 2_000, "{} bytes", run.err.len());
    assert!(run.err.contains("oops"), "{}", run.err);
    assert!(run.err.contains("part of line 1"), "{}", run.err);
}
