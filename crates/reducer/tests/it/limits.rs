//! What stops a program, whatever it does against it.

use loggia_reducer::{Fault, Spent};

use crate::{refused, run};

#[track_caller]
fn stopped(source: &str, state: &str) -> Spent {
    match run(source, state, "null") {
        Err(Fault::Stopped(spent)) => spent,
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn a_program_that_does_not_end_is_stopped() {
    for source in [
        "def f: f; f",
        "def f: try error(1) catch f; f",
        "[range(1e18)]",
        "last(range(1e18))",
        "range(1e18) | empty",
        "reduce range(1e18) as $i (0; . + 1)",
        "first(repeat(1) | empty)",
        "until(false; .)",
        "[recurse(.)] | length",
        "label $out | foreach repeat(1) as $x (0; . + $x; empty)",
        "isempty(repeat(1) | select(. == 2))",
        "skip(1e18; repeat(1))",
        "def f: .a |= f; f",
        "try (def f: f; f) catch 1",
    ] {
        stopped(source, "null");
    }
}

#[test]
fn a_value_that_grows_without_end_is_stopped() {
    for source in [
        "\"x\" * 1e9",
        "\"x\" * 1000000000",
        "\"x\" * 100000000000000000000000000",
        "reduce range(100) as $i (\"x\"; . + .)",
        "reduce range(100) as $i ([1]; . + .)",
        "reduce range(100) as $i (1; [., .])",
        "reduce range(100) as $i (1; {a: ., b: .})",
        "reduce range(100) as $i (2; . * .)",
        "reduce range(300) as $i (1; [.])",
        ".[1000000000000] = 1",
        "[limit(100000; repeat(\"x\" * 100000))]",
        "reduce range(100) as $i (\"\\u0000\" * 100; tojson)",
    ] {
        let spent = stopped(source, "null");
        assert!(
            matches!(spent, Spent::Value | Spent::Steps),
            "{source}: {spent:?}"
        );
    }
}

#[test]
fn a_program_that_calls_itself_too_deep_is_stopped() {
    for source in [
        "def f: 1 + f; f",
        "def f: [f]; f",
        "def f: f | f; f",
        "def f: f, 1; [f]",
        "def f: {a: f}; f",
        "def f(g): f(g | g); f(.)",
        "def f: reduce f as $x (0; .); f",
        "def f: if f then 1 else 2 end; f",
    ] {
        let spent = stopped(source, "null");
        assert!(
            matches!(spent, Spent::Depth | Spent::Steps),
            "{source}: {spent:?}"
        );
    }
}

#[test]
fn what_takes_long_in_one_step_counts_for_many() {
    let list: Vec<u32> = (0..20_000).collect();
    let list = serde_json::to_string(&list).expect("JSON");
    for source in [
        "indices([1, 2, 3]) | length",
        ". as $all | indices($all)",
        ". as $all | [$all[] | select(. as $x | $all | contains([$x]))]",
        ". as $all | [$all[] | $all == .] | length",
        ". as $all | reduce range(2000) as $i ($all; . - [$i])",
        ". as $all | [range(1000) | $all | sort] | length",
    ] {
        match run(source, &list, "null") {
            Ok(_) | Err(Fault::Stopped(_)) => {}
            other => panic!("{source}: {other:?}"),
        }
    }
}

/// Each of these would take minutes if a step were a step whatever it looks through.
#[test]
fn looking_through_what_is_large_again_and_again_is_stopped() {
    for source in [
        "(\"x\" * 2000000) as $b | reduce range(900000) as $i (0; . + ($b | length))",
        "((\" \" * 1000000) + \"x\") as $b | reduce range(900000) as $i (0; $b | trim | 1)",
        "(\"x\" * 2000000) as $b | reduce range(900000) as $i (0; $b | ltrimstr($b) | 1)",
        "(\"x\" * 1000000) as $b | (\"x\" * 1000000) as $c
         | reduce range(900000) as $i (0; if $b == $c then 1 else 0 end)",
        "(\"é\" * 1000000) as $b | reduce range(900000) as $i (0; $b[999998:] | 1)",
        "(\"x\" * 1000000) as $b | {($b): 1} as $o | reduce range(900000) as $i (0; $o[$b])",
        "(\"x\" * 1000000) as $b | {($b): 1} as $o | reduce range(900000) as $i (0; $o | has($b) | 1)",
        "[range(100000)] as $b | reduce range(900000) as $i (0; if $b == [1] then 1 else 0 end)",
        "[range(100000)] as $b | reduce range(900000) as $i (0; $b | bsearch(7))",
        "(\"x\" * 1000000) as $b | reduce range(900000) as $i (0; $b | ascii_downcase | 1)",
        "(\"x\" * 1000000) as $b | reduce range(900000) as $i (0; $b | utf8bytelength)",
        "(\"x\" * 1000000) as $b | reduce range(900000) as $i (0; try ($b | tonumber) catch 1)",
        "(\"1\" * 1000000) as $b | reduce range(900000) as $i (0; try ($b | tonumber) catch 1)",
        "(\"x\" * 1000000) as $b | reduce range(900000) as $i (0; $b | startswith($b) | 1)",
        "(\"x\" * 1000000) as $b | reduce range(900000) as $i (0; $b | @json | 1)",
        "(\"x\" * 1000000) as $b | reduce range(900000) as $i (0; $b | explode | 1)",
    ] {
        let spent = stopped(source, "null");
        assert!(
            matches!(spent, Spent::Steps | Spent::Value),
            "{source}: {spent:?}"
        );
    }
}

#[test]
fn the_most_nested_sources_do_no_harm() {
    let most = 16 * 1024;
    for (unit, end) in [
        ("(", ""),
        ("[", ""),
        ("{a:", ""),
        ("-", "1"),
        (".|", "."),
        ("1+", "1"),
        ("1,", "1"),
        ("try ", "."),
        ("if . then ", ""),
        ("def f: ", ""),
        ("\"\\(", ""),
        (". as $x|", "."),
        (".[", ""),
        ("1//", "1"),
        (".a|=", "."),
        ("not|", "."),
        ("reduce ", ""),
        ("?//", ""),
    ] {
        let source = format!("{}{end}", unit.repeat((most - end.len()) / unit.len()));
        match end {
            "" => drop(refused(&source)),
            _ => drop(run(&source, "null", "null")),
        }
    }
    let nested = format!("{}1{}", "(".repeat(8000), ")".repeat(8000));
    drop(run(&nested, "null", "null"));
    let nested = format!("{}1{}", "[".repeat(8000), "]".repeat(8000));
    drop(run(&nested, "null", "null"));
}

#[test]
fn after_one_that_was_stopped_the_next_one_runs() {
    stopped("def f: f; f", "null");
    assert_eq!(run("1 + 1", "null", "null"), Ok(Some("2".to_owned())));
}
