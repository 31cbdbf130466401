//! `loggia lexicon lint`.

use serde_json::{Value, json};

use crate::world::World;

const CLEAN: &str = r#"{
  "lexicon": 1,
  "id": "com.example.clean",
  "defs": {
    "main": {
      "type": "token",
      "description": "Says that all is well."
    }
  }
}
"#;
const ODD: &str = r#"{
  "lexicon": 1,
  "id": "com.example.odd",
  "defs": {
    "main": {
      "type": "token",
      "colour": "red"
    }
  }
}
"#;

#[test]
fn nothing_found_ends_with_0() {
    let world = World::new();
    world.write("lexicons/clean.json", CLEAN);
    let run = world.run(&["lexicon", "lint", "lexicons"]).fine();
    assert_eq!(run.out, "0 findings in 1 files\n");
    let run = world
        .run(&["lexicon", "lint", "--json", "lexicons/clean.json"])
        .fine();
    assert_eq!(run.out, "");
}

#[test]
fn a_finding_is_shown_in_its_text() {
    let world = World::new();
    world
        .write("lexicons/clean.json", CLEAN)
        .write("lexicons/odd.json", ODD);
    let run = world.run(&["lexicon", "lint", "lexicons"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    for part in [
        "unknown-key",
        "lexicons/odd.json:7:17",
        "\"colour\": \"red\"",
        "findings in 2 files",
    ] {
        assert!(run.out.contains(part), "`{part}` is not in\n{}", run.out);
    }
}

#[test]
fn json_is_one_object_for_each_finding() {
    let world = World::new();
    world.write("odd.json", ODD);
    let run = world.run(&["lexicon", "lint", "--json", "odd.json"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    let findings: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    let found = findings
        .iter()
        .find(|found| found["rule"] == "unknown-key")
        .expect("it is found");
    let wanted = json!({
        "file": "odd.json",
        "severity": "warning",
        "rule": "unknown-key",
        "pointer": "/defs/main/colour",
        "line": 7,
        "column": 17,
        "message": found["message"],
    });
    assert_eq!(*found, wanted);
}

#[test]
fn a_file_that_is_no_lexicon_is_a_finding_and_one_that_is_missing_a_mistake() {
    let world = World::new();
    world.write("broken.json", "{\n  oops\n}\n");
    let run = world.run(&["lexicon", "lint", "broken.json"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.out.contains("broken.json:2:3") && run.out.contains("malformed-json"),
        "{}",
        run.out
    );
    world
        .run(&["lexicon", "lint", "missing.json"])
        .refused(2, &["missing.json"]);
    world.write("empty/readme.txt", "");
    world
        .run(&["lexicon", "lint", "empty"])
        .refused(2, &["empty holds no .json file"]);
}

/// The reader and the rules look at the same places; whoever reads the findings wants each once.
#[test]
fn one_mistake_is_said_once() {
    let world = World::new();
    let document = json!({
        "lexicon": 1,
        "id": "com.example.wrong",
        "defs": {
            "main": {
                "type": "query",
                "description": "Asks.",
                "parameters": { "type": "params", "properties": {
                    "kind": { "type": "strin" },
                    "who": { "type": "string", "format": "didd" },
                    "which": { "type": "string", "enum": [1] },
                } },
                "output": { "encoding": "application/json" },
                "errors": [{ "name": "A b", "description": "Says no." }],
            },
            "other": { "type": "procedure", "description": "Does." },
        },
    });
    world.write("lexicons/wrong.json", &document.to_string());
    let run = world.run(&["lexicon", "lint", "--json", "lexicons"]);
    let findings = run.out.lines().map(|line| {
        let found: Value = serde_json::from_str(line).expect("one object a line");
        found["pointer"].as_str().expect("a pointer").to_owned()
    });
    let mut pointers: Vec<_> = findings.collect();
    pointers.sort();
    assert_eq!(
        pointers,
        [
            "/defs/main/errors/0/name",
            "/defs/main/parameters/properties/kind/type",
            "/defs/main/parameters/properties/which/enum/0",
            "/defs/main/parameters/properties/who/format",
            "/defs/other/type",
        ]
    );
}
