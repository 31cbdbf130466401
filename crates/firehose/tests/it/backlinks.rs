//! What refers to a scope, and the limits on records that are made to be a burden.

use loggia_firehose::{Action, Matches, References, TooComplex};

use crate::world::{ALICE, BOB, CAROL, event, found, matcher, meets, post, scope};

const LIKED: &str = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/x";

fn like(of: &str) -> String {
    format!(r#"{{"$type":"app.bsky.feed.like","subject":{{"cid":"c","uri":"{of}"}}}}"#)
}

fn of_record(record: &str, earlier: &References) -> Matches<usize> {
    let matcher = matcher(&[scope(&format!("at://{ALICE}"), true)]);
    found(&matcher, &post(BOB, record), earlier)
}

#[test]
fn a_like_fires_once_and_a_text_that_mentions_the_uri_does_not() {
    for aturi in [
        format!("at://{ALICE}"),
        format!("at://{ALICE}/app.bsky.feed.post"),
        format!("at://{ALICE}/app.*"),
        LIKED.to_owned(),
    ] {
        let scope = scope(&aturi, true);
        assert!(meets(&scope, &post(BOB, &like(LIKED))), "{aturi}");
        let text = format!(r#"{{"text":"see {LIKED}"}}"#);
        assert!(!meets(&scope, &post(BOB, &text)), "{aturi}");
    }
    assert!(!meets(&scope(LIKED, false), &post(BOB, &like(LIKED))));
    assert!(!meets(
        &scope(&format!("at://{ALICE}/a.b.c"), true),
        &post(BOB, &like(LIKED))
    ));
}

#[test]
fn a_longer_did_is_another_account() {
    let longer = like("at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaab/app.bsky.feed.post/x");
    assert!(!meets(
        &scope(&format!("at://{ALICE}"), true),
        &post(BOB, &longer)
    ));
}

#[test]
fn one_may_like_oneself_and_is_told_once() {
    let scope = scope(&format!("at://{ALICE}"), true);
    assert!(meets(&scope, &post(ALICE, &like(LIKED))));
    let only = crate::world::scope(&format!("at://{ALICE}/app.bsky.feed.post"), true);
    let like = event(
        Action::Create,
        ALICE,
        "app.bsky.feed.like",
        "y",
        &like(LIKED),
    );
    assert!(meets(&only, &like));
}

#[test]
fn deleting_the_like_fires_a_delete() {
    let scopes = [
        scope(&format!("at://{ALICE}"), true),
        scope(&format!("at://{CAROL}"), true),
    ];
    let matcher = matcher(&scopes);
    let created = found(&matcher, &post(BOB, &like(LIKED)), &References::default());
    let stored = created.references.expect("something to store").to_stored();
    assert_eq!(stored, LIKED);
    let stored = References::from_stored(&stored);
    let deleted = event(Action::Delete, BOB, "app.bsky.feed.post", "one", "");
    assert!(
        found(&matcher, &deleted, &References::default())
            .keys
            .is_empty()
    );
    let deleted = found(&matcher, &deleted, &stored);
    assert_eq!(deleted.keys, [0]);
    assert_eq!(deleted.references, Some(References::default()));
}

#[test]
fn removing_a_reference_notifies_those_who_lose_it_and_those_who_gain_it() {
    let scopes = [
        scope(&format!("at://{ALICE}"), true),
        scope(&format!("at://{CAROL}"), true),
    ];
    let matcher = matcher(&scopes);
    let earlier = References::from_stored(LIKED);
    let to = format!("at://{CAROL}/app.bsky.feed.post/z");
    let updated = event(Action::Update, BOB, "app.bsky.feed.post", "one", &like(&to));
    let updated = found(&matcher, &updated, &earlier);
    assert_eq!(updated.keys, [0, 1]);
    assert_eq!(updated.references, Some(References::from_stored(&to)));
    let same = event(
        Action::Update,
        BOB,
        "app.bsky.feed.post",
        "one",
        &like(LIKED),
    );
    assert_eq!(found(&matcher, &same, &earlier).references, None);
}

#[test]
fn only_references_to_what_is_watched_are_stored() {
    let scopes = [scope(&format!("at://{ALICE}/app.bsky.feed.post"), true)];
    let matcher = matcher(&scopes);
    for other in [
        format!("at://{ALICE}/a.b.c/x"),
        format!("at://{CAROL}/app.bsky.feed.post/x"),
    ] {
        let found = found(&matcher, &post(BOB, &like(&other)), &References::default());
        assert_eq!(found, Matches::default());
    }
}

#[test]
fn a_scope_that_is_told_of_deletes_only_has_its_references_stored_all_the_same() {
    let deletes = loggia_firehose::Actions::of([Action::Delete]);
    let scope = loggia_firehose::Scope::read(LIKED, true, deletes).expect("a scope");
    let found = found(
        &matcher(&[scope]),
        &post(BOB, &like(LIKED)),
        &References::default(),
    );
    assert!(found.keys.is_empty());
    assert_eq!(found.references, Some(References::from_stored(LIKED)));
}

/// What is over a limit, by little or by much; and what just keeps it.
fn limits() -> Vec<(TooComplex, String, String)> {
    let repeated = |times: usize, what: &str| vec![what; times].join(",");
    let nested = |depth: usize| {
        format!(
            r#"{{"a":{}"{LIKED}"{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let many = |nodes: usize| format!(r#"{{"u":"{LIKED}","a":[{}]}}"#, repeated(nodes, "1"));
    let wide = |properties: usize| {
        let named: Vec<_> = (0..properties).map(|n| format!(r#""p{n}":1"#)).collect();
        format!(r#"{{"u":"{LIKED}",{}}}"#, named.join(","))
    };
    let long = |bytes: usize| format!(r#"{{"u":"{LIKED}","t":"{}"}}"#, "x".repeat(bytes));
    let referring = |times: usize| {
        let uris = (0..times).map(|n| format!(r#""{LIKED}{n}""#));
        format!("{{\"a\":[{}]}}", uris.collect::<Vec<_>>().join(","))
    };
    let heavy = |times: usize| {
        let uris = (0..times).map(|n| format!(r#""{LIKED}{}{}""#, "y".repeat(400), 100 + n));
        format!("{{\"a\":[{}]}}", uris.collect::<Vec<_>>().join(","))
    };
    vec![
        (TooComplex::Depth, nested(31), nested(32)),
        // The object itself, the reference and the array count as well.
        (TooComplex::Nodes, many(2045), many(2046)),
        (TooComplex::Properties, wide(255), wide(256)),
        (
            TooComplex::Text,
            long(256 * 1024 - LIKED.len()),
            long(256 * 1024),
        ),
        (TooComplex::References, referring(100), referring(101)),
        (TooComplex::References, heavy(70), heavy(72)),
    ]
}

#[test]
fn over_any_limit_backlinks_are_skipped_wholly_and_scopes_still_match() {
    let none = References::default();
    for (limit, good, bad) in limits() {
        let found_good = of_record(&good, &none);
        assert_eq!(found_good.too_complex, None, "{limit}");
        assert_eq!(found_good.keys, [0], "{limit}");
        let bad_found = of_record(&bad, &References::from_stored(LIKED));
        assert_eq!(bad_found.too_complex, Some(limit));
        assert!(bad_found.keys.is_empty() && bad_found.references.is_none());
        let direct = matcher(&[scope(&format!("at://{BOB}"), true)]);
        assert_eq!(found(&direct, &post(BOB, &bad), &none).keys, [0]);
    }
}

#[test]
fn a_record_without_references_is_never_too_complex() {
    let none = References::default();
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
    assert_eq!(of_record(&deep, &none), Matches::default());
}

#[test]
fn a_hundred_references_to_one_account_tell_everybody_once() {
    let scopes = vec![scope(&format!("at://{ALICE}"), true); 3];
    let uris = (0..100).map(|n| format!(r#""{LIKED}{n}""#));
    let record = format!("{{\"a\":[{}]}}", uris.collect::<Vec<_>>().join(","));
    let found = found(
        &matcher(&scopes),
        &post(BOB, &record),
        &References::default(),
    );
    assert_eq!(found.keys, [0, 1, 2]);
    assert_eq!(found.references.map(|kept| kept.iter().count()), Some(100));
}

#[test]
fn escapes_and_blanks_hide_nothing() {
    for record in [
        r#"{"u":"\u0061t://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"}"#,
        r#"{"u":"at:\/\/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"}"#,
        r#"{"u":"\n at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa\r\n"}"#,
        r#"{"u" : "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa\u0022." }"#,
        r#"{"u":["\ufeffat://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"]}"#,
    ] {
        assert_eq!(
            of_record(record, &References::default()).keys,
            [0],
            "{record}"
        );
    }
    for record in [
        r#"{"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa":1}"#,
        r#"{"u":"\"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"}"#,
        r#"{"u":"\\at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"}"#,
        r#"{"u":"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/"}"#,
        r#"{"u":"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa#a"}"#,
        r#"{"u":"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/a/b/c"}"#,
    ] {
        assert!(
            of_record(record, &References::default()).keys.is_empty(),
            "{record}"
        );
    }
}
