//! Which changes a scope is about, in the words of Wisp's documentation.

use loggia_firehose::{Action, Actions, Event, InvalidScope, Pattern, Scope, What};

use crate::world::{ALICE, BOB, CAROL, event, found, matcher, meets, post, scope};

#[test]
fn a_scope_of_a_did_fires_for_any_collection() {
    let scope = scope(&format!("at://{ALICE}"), false);
    for collection in ["app.bsky.feed.post", "place.wisp.v2.wh", "a.b.c"] {
        assert!(meets(
            &scope,
            &event(Action::Create, ALICE, collection, "x", "{}")
        ));
        assert!(!meets(
            &scope,
            &event(Action::Create, BOB, collection, "x", "{}")
        ));
    }
}

#[test]
fn a_scope_of_a_collection_fires_only_for_that() {
    let scope = scope(&format!("at://{ALICE}/app.bsky.feed.post"), false);
    assert!(meets(&scope, &post(ALICE, "{}")));
    assert!(!meets(&scope, &post(BOB, "{}")));
    for other in [
        "app.bsky.feed.postgate",
        "app.bsky.feed",
        "app.bsky.feed.posT",
    ] {
        assert!(!meets(
            &scope,
            &event(Action::Create, ALICE, other, "one", "{}")
        ));
    }
}

#[test]
fn a_glob_fires_for_what_it_matches() {
    let scope = scope(&format!("at://{ALICE}/app.bsky.*"), false);
    assert!(meets(&scope, &post(ALICE, "{}")));
    assert!(!meets(
        &scope,
        &event(Action::Create, ALICE, "app.bskyx.feed.post", "x", "{}")
    ));
    assert!(!meets(
        &scope,
        &event(Action::Create, ALICE, "com.app.bsky.feed.post", "x", "{}")
    ));
}

#[test]
fn a_scope_of_a_record_fires_only_for_that_record() {
    for collection in ["app.bsky.feed.post", "app.bsky.feed.*"] {
        let scope = scope(&format!("at://{ALICE}/{collection}/one"), false);
        assert!(meets(&scope, &post(ALICE, "{}")));
        let other = event(Action::Create, ALICE, "app.bsky.feed.post", "on", "{}");
        assert!(!meets(&scope, &other));
    }
}

#[test]
fn events_absent_or_empty_are_all_three_and_delete_alone_is_only_deletes() {
    let text = format!("at://{ALICE}");
    let all = Scope::read(&text, false, Actions::of([])).expect("a scope");
    let deletes = Scope::read(&text, false, Actions::of([Action::Delete])).expect("a scope");
    for action in Action::ALL {
        let event = event(action, ALICE, "app.bsky.feed.post", "one", "{}");
        assert!(meets(&all, &event));
        assert_eq!(meets(&deletes, &event), action == Action::Delete);
    }
}

#[test]
fn what_is_no_change_of_a_record_concerns_nobody() {
    let everything = scope(&format!("at://{ALICE}"), true);
    for what in [
        What::Identity { handle: None },
        What::Account {
            active: false,
            status: None,
        },
    ] {
        let event = Event {
            what,
            ..post(ALICE, "{}")
        };
        assert!(!meets(&everything, &event));
    }
}

#[test]
fn a_key_has_one_scope() {
    let mut matcher = matcher(&[scope(&format!("at://{ALICE}"), true)]);
    matcher.insert(0, scope(&format!("at://{BOB}"), false));
    assert_eq!(matcher.len(), 1);
    assert!(!matcher.has_backlinks());
    let none = Default::default();
    assert!(found(&matcher, &post(ALICE, "{}"), &none).keys.is_empty());
    assert_eq!(found(&matcher, &post(BOB, "{}"), &none).keys, [0]);
}

#[test]
fn long_lists_lose_the_right_ones() {
    let text = format!("at://{ALICE}/app.bsky.*");
    let scopes = vec![scope(&text, true); 100];
    let mut matcher = matcher(&scopes);
    for place in (0..100).filter(|place| place % 3 != 0) {
        assert!(matcher.remove(&place).is_some());
    }
    let expected: Vec<_> = (0..100).step_by(3).collect();
    assert_eq!(
        found(&matcher, &post(ALICE, "{}"), &Default::default()).keys,
        expected
    );
}

#[test]
fn patterns_match_the_whole_of_a_collection() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("*", "a.b", true),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("a**a", "aa", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "acbc", true),
        ("a*b*c", "acb", false),
        ("ab*ba", "aba", false),
        ("*b*b*", "ab", false),
        ("*b*b*", "abab", true),
        ("a.b", "aXb", false),
        ("a.b", "a.b", true),
    ] {
        let matched = Pattern::new(pattern).expect("a pattern").matches(text);
        assert_eq!(matched, expected, "{pattern} {text}");
    }
}

#[test]
fn what_is_no_scope_is_refused_with_a_reason() {
    let long = format!("at://{ALICE}/{}", "a".repeat(254));
    let longest = format!("at://{ALICE}/a/{}", "a".repeat(2048));
    let key = format!("at://{ALICE}/a/{}", "a".repeat(513));
    for (text, expected) in [
        ("", InvalidScope::Length),
        (&*longest, InvalidScope::Length),
        ("https://a.example", InvalidScope::Scheme),
        (
            "AT://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
            InvalidScope::Scheme,
        ),
        ("at://", InvalidScope::Account),
        ("at://alice.example", InvalidScope::Account),
        ("at://did:plc:abc", InvalidScope::Account),
        (
            "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaa1",
            InvalidScope::Account,
        ),
        ("at://did:web:localhost%3A3000", InvalidScope::Account),
        ("at://did:web:a.example:b", InvalidScope::Account),
        ("at://did:key:zabc", InvalidScope::Account),
        (
            "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa?x",
            InvalidScope::Account,
        ),
        (
            "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/",
            InvalidScope::Collection,
        ),
        (
            "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/a b",
            InvalidScope::Collection,
        ),
        (&*long, InvalidScope::Collection),
        (
            "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/a.b.c/",
            InvalidScope::RecordKey,
        ),
        (
            "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/a.b.c/#",
            InvalidScope::RecordKey,
        ),
        (&*key, InvalidScope::RecordKey),
        (
            "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/a.b.c/d/e",
            InvalidScope::Segments,
        ),
    ] {
        assert_eq!(
            Scope::read(text, false, Actions::ALL),
            Err(expected),
            "{text}"
        );
    }
}

#[test]
fn what_no_scope_of_an_account_is_about_is_sifted_out() {
    let matcher = matcher(&[
        scope(&format!("at://{ALICE}/app.bsky.feed.post"), false),
        scope(&format!("at://{BOB}/app.bsky.graph.*"), true),
    ]);
    let refers = |to: &str| format!(r#"{{"subject":"at://{to}/app.bsky.feed.post/one"}}"#);
    let like = |did, to| event(Action::Create, did, "app.bsky.feed.like", "x", &refers(to));
    let events = [
        post(ALICE, "{}"),
        like(ALICE, CAROL),
        // Whom it refers to wants to be told of references to something else: that is not looked at.
        like(CAROL, BOB),
        // Whom it refers to does not want to be told of references.
        like(CAROL, ALICE),
        post(BOB, "{}"),
    ];
    assert_eq!(matcher.sift(&events), [true, false, true, false, false]);
}
