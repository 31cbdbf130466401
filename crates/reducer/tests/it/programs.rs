//! What programs can do.

use loggia_reducer::{CompileError, Fault, Program, Room};

use crate::{gives, refused, run};

#[test]
fn a_state_is_folded() {
    let source = ".total = ((.total // 0) + $event.data.amount) | .items += [$event.data.name]";
    let event = r#"{"data":{"amount":25.5,"name":"Widget"}}"#;
    gives(
        source,
        "null",
        event,
        r#"{"total":25.5,"items":["Widget"]}"#,
    );
    let state = r#"{"total":1,"items":["a"],"x":null}"#;
    let next = r#"{"total":26.5,"items":["a","Widget"],"x":null}"#;
    gives(source, state, event, next);
}

#[test]
fn numbers_and_texts_stay_what_they_are() {
    for value in [
        "12345678901234567890",
        "1.5",
        "-0.25",
        r#""é\n\u0000 \" \\""#,
        r#"[{"a":{"b":[1,2,{}]}},[],null,true]"#,
    ] {
        gives(".", value, "null", value);
        gives("$event", "null", value, value);
        gives("tojson | fromjson", value, "null", value);
    }
}

#[test]
fn the_usual_filters_are_there() {
    for (source, state, expected) in [
        ("length", r#""äöü""#, "3"),
        ("length", "-5", "5"),
        ("keys", r#"{"b":1,"a":2}"#, r#"["a","b"]"#),
        ("to_entries | map(.value) | add", r#"{"b":1,"a":2}"#, "3"),
        ("del(.a)", r#"{"a":1,"b":2}"#, r#"{"b":2}"#),
        ("del(.[0])", "[1,2,3]", "[2,3]"),
        ("map(select(. > 1))", "[1,2,3]", "[2,3]"),
        ("map_values(. + 1)", r#"{"a":1}"#, r#"{"a":2}"#),
        (
            "with_entries(.key |= ascii_upcase)",
            r#"{"a":1}"#,
            r#"{"A":1}"#,
        ),
        (".[1:] |= map(. * 2)", "[1,2,3]", "[1,4,6]"),
        (".[4] = 9", "[1,2]", "[1,2,null,null,9]"),
        (".[1] = 9", "null", "[null,9]"),
        ("del(.[7])", "[1]", "[1]"),
        (".[-1] = 9", "[1,2,3]", "[1,2,9]"),
        (".a.b.c |= . // 7", "null", r#"{"a":{"b":{"c":7}}}"#),
        (
            "group_by(.k) | map(length)",
            r#"[{"k":1},{"k":2},{"k":1}]"#,
            "[2,1]",
        ),
        ("unique", "[3,1,3]", "[1,3]"),
        ("split(\",\") | join(\"-\")", r#""a,b""#, r#""a-b""#),
        ("indices(\",\")", r#""a,b,c""#, "[1,3]"),
        ("index(2)", "[1,2,3]", "1"),
        ("has(\"a\")", r#"{"a":null}"#, "true"),
        ("contains({a:[\"b\"]})", r#"{"a":["abc"]}"#, "true"),
        ("[.[] | tostring]", r#"[1,"1",[1]]"#, r#"["1","1","[1]"]"#),
        ("(.a | tonumber) + 1", r#"{"a":"41"}"#, "42"),
        (
            "reduce .[] as {a: $x} (0; . + $x)",
            r#"[{"a":1},{"a":2}]"#,
            "3",
        ),
        ("[limit(3; range(10))]", "null", "[0,1,2]"),
        ("try error(\"x\") catch .", "null", r#""x""#),
        ("type", "{}", r#""object""#),
        (
            "def f(n): if n == 0 then . else (. + n) | f(n - 1) end; f(100)",
            "0",
            "5050",
        ),
    ] {
        gives(source, state, "null", expected);
    }
}

#[test]
fn one_value_is_a_state_and_none_is_no_change() {
    assert_eq!(run("empty", "1", "2"), Ok(None));
    assert_eq!(run(".[]", "[1,2]", "2"), Err(Fault::Several));
    let failed = |said: &str| Err(Fault::Failed(said.to_owned()));
    assert_eq!(run("error(\"no\")", "1", "2"), failed("no"));
    assert_eq!(run("error(\"n\\u0000o\")", "1", "2"), failed("n\\u0000o"));
    assert_eq!(run("{a: 1} | error", "1", "2"), failed(r#"{"a":1}"#));
    assert_eq!(run(".a", "1", "2"), failed("cannot index 1 with \"a\""));
    assert_eq!(run("{(1): 2} | keys", "1", "2"), Ok(Some("[1]".to_owned())));
    for unwritable in ["{(1): 2}", "{([]): 2}"] {
        let given = run(unwritable, "1", "2");
        assert!(matches!(given, Err(Fault::Unwritable(_))), "{given:?}");
    }
    assert_eq!(run(".", "{", "2"), Err(Fault::NotJson("state")));
    assert_eq!(run(".", "1", "{a:1}"), Err(Fault::NotJson("event")));
}

#[test]
fn a_source_that_is_no_program_is_refused_with_a_reason() {
    assert!(matches!(refused(".a | ("), CompileError::Syntax(_)));
    let undefined = CompileError::Undefined("the filter `nothing`".to_owned());
    assert_eq!(refused(". | nothing"), undefined);
    let long = format!(".{}", " ".repeat(20_000));
    assert_eq!(refused(&long), CompileError::TooLong(20_001));
}

#[test]
fn nothing_of_the_world_can_be_seen() {
    for source in [
        "now",
        "env",
        "$ENV",
        "halt",
        "halt_error",
        "input",
        "inputs",
        "debug",
        "stderr",
        "localtime",
        "input_filename",
        "test(\"a\")",
        "halt(1)",
        "import \"a\" as a; .",
        "include \"/etc/passwd\"; .",
        "import \"a\" as $a; .",
    ] {
        let refusal = refused(source);
        assert!(!matches!(refusal, CompileError::TooLong(_)), "{source}");
    }
}

#[test]
fn a_state_is_new_only_if_its_value_is() {
    for (source, state, is_new) in [
        (".", "null", false),
        (".", "{\"a\":1.50}", false),
        ("{b, a}", "{\"a\":1,\"b\":2}", false),
        (".a += 0", "{\"a\":1}", false),
        (".a += 1", "{\"a\":1}", true),
        (".b = null", "{\"a\":1}", true),
        (".a + 1", "{\"a\":12345678901234567890}", true),
        ("12345678901234567891", "12345678901234567890", true),
    ] {
        let work = |room: &Room| {
            let program = Program::compile(source, room).expect("a program");
            program.run(state, "null", room)
        };
        let given = Room::with(work).expect("there are threads");
        let given = given.expect("runs").expect("gives a state");
        assert_eq!(given.is_new, is_new, "{source} {state}");
    }
}
