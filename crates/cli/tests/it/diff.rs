//! `loggia lexicon diff`.

use serde_json::Value;

use crate::world::World;

fn record(properties: &str) -> String {
    format!(
        r#"{{"lexicon": 1, "id": "com.example.note", "defs": {{"main": {{"type": "record", "key": "tid",
        "record": {{"type": "object", "properties": {{{properties}}}}}}}}}}}"#
    )
}

/// A folder before and one after.
fn world(old: &str, new: &str) -> World {
    let world = World::new();
    world.write("old/com/example/note.json", &record(old));
    world.write("new/com/example/note.json", &record(new));
    world
}

const SHORT: &str = r#""text": {"type": "string", "maxLength": 10}"#;
const LONG: &str = r#""text": {"type": "string", "maxLength": 20}"#;

#[test]
fn the_same_is_compatible() {
    let run = world(SHORT, SHORT)
        .run(&["lexicon", "diff", "old", "new"])
        .fine();
    assert_eq!(run.out, "0 breaking, 0 compatible\n");
}

#[test]
fn an_optional_field_more_is_compatible() {
    let more = format!(r#"{SHORT}, "more": {{"type": "integer"}}"#);
    let run = world(SHORT, &more)
        .run(&["lexicon", "diff", "old", "new"])
        .fine();
    assert!(
        run.out
            .starts_with("compatible: com.example.note /defs/main/record/"),
        "{}",
        run.out
    );
    assert!(
        run.out.ends_with("0 breaking, 1 compatible\n"),
        "{}",
        run.out
    );
}

#[test]
fn a_tighter_limit_breaks() {
    let world = world(LONG, SHORT);
    let run = world.run(&["lexicon", "diff", "old", "new"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.out
            .starts_with("breaking: com.example.note /defs/main/record/"),
        "{}",
        run.out
    );
    assert!(
        run.out.ends_with("1 breaking, 0 compatible\n"),
        "{}",
        run.out
    );
    let files = ["old/com/example/note.json", "new/com/example/note.json"];
    let run = world.run(&["lexicon", "diff", files[0], files[1]]);
    assert_eq!(run.code, Some(1), "single files will do: {run:#?}");
}

#[test]
fn the_old_value_the_new_one_and_who_breaks_are_told() {
    let told = |old: &str, new: &str| world(old, new).run(&["lexicon", "diff", "old", "new"]).out;
    let out = told(LONG, SHORT);
    let wanted = "breaking: com.example.note /defs/main/record/properties/text: \
        the length was at most 20 bytes, now at most 10 bytes\n    breaks stored records: ";
    assert!(out.starts_with(wanted), "{out}");
    let values = |list: &str| format!(r#""text": {{"type": "string", "enum": {list}}}"#);
    let out = told(&values(r#"["a"]"#), &values(r#"["a", "b"]"#));
    assert!(
        out.contains(r#"`enum` was ["a"], now ["a","b"]"#)
            && out.contains("breaks readers of records by the old version: "),
        "{out}"
    );
}

#[test]
fn callers_that_send_and_readers_of_answers_are_told_apart() {
    let method = |side: &str, limit: u32| {
        format!(
            r#"{{"lexicon": 1, "id": "com.example.note", "defs": {{"main": {{"type": "procedure",
            "{side}": {{"encoding": "application/json", "schema": {{"type": "object",
            "properties": {{"n": {{"type": "integer", "maximum": {limit}}}}}}}}}}}}}}}"#
        )
    };
    for (side, way, who) in [
        ("input", (9, 5), "callers that send by the old version: "),
        ("input", (5, 9), "servers of the old version: "),
        ("output", (5, 9), "readers of answers by the old version: "),
        ("output", (9, 5), "readers of answers by the new version: "),
    ] {
        let world = World::new();
        world.write("old.json", &method(side, way.0));
        world.write("new.json", &method(side, way.1));
        let run = world.run(&["lexicon", "diff", "old.json", "new.json"]);
        let lines: Vec<_> = run.out.lines().collect();
        assert!(
            lines[0].ends_with(&format!("was at most {}, now at most {}", way.0, way.1)),
            "{lines:?}"
        );
        assert!(
            lines[1].starts_with(&format!("    breaks {who}")),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 3, "{lines:?}");
    }
}

#[test]
fn json_is_one_object_for_each_change() {
    let run = world(LONG, SHORT).run(&["lexicon", "diff", "--json", "old", "new"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    let change: Value = serde_json::from_str(&run.out).expect("one object and nothing else");
    assert_eq!(change["nsid"], "com.example.note");
    assert_eq!(change["breaking"], true);
    assert!(
        change["breaks"]
            .as_array()
            .is_some_and(|parties| !parties.is_empty()),
        "{change}"
    );
    for key in ["pointer", "kind", "direction", "message"] {
        assert!(change[key].is_string(), "{key} in {change}");
    }
}

#[test]
fn what_cannot_be_compared_ends_with_2() {
    let world = world(SHORT, LONG);
    world
        .run(&["lexicon", "diff", "old", "gone"])
        .refused(2, &["gone"]);
    world.write("new/com/example/broken.json", "{\n  oops\n}\n");
    let run = world.run(&["lexicon", "diff", "old", "new"]);
    assert_eq!(run.out, "");
    run.refused(2, &["new/com/example/broken.json:2:3", "  oops"]);
}
