//! The index finds what looking at every scope finds, over scopes and records that are made at random
//! from few pieces, so that they meet.

use loggia_firehose::{Action, Actions, Event, Matcher, References, Scope};
use proptest::prelude::*;

use crate::naive;
use crate::world::{ALICE, BOB, CAROL, event, found, matcher};

const COLLECTIONS: [&str; 5] = [
    "app.bsky.feed.post",
    "app.bsky.feed.like",
    "app.bsky.graph.follow",
    "place.wisp.v2.wh",
    "a.b.c",
];

const PATTERNS: [&str; 14] = [
    "app.bsky.feed.post",
    "app.bsky.feed.like",
    "app.bsky.*",
    "app.*",
    "*",
    "**",
    "*.post",
    "app.*.post",
    "app.*.feed.*",
    "*bsky*feed*",
    "app.bsky.feed.post*",
    "*app.bsky.feed.post",
    "app.bsky.feed.po*ost",
    "a.b.c",
];

const RKEYS: [&str; 3] = ["one", "two", "self"];

fn did() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&[ALICE, BOB, CAROL][..])
}

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(&Action::ALL[..])
}

fn scope() -> impl Strategy<Value = Scope> {
    let actions = prop::collection::vec(action(), 0..3).prop_map(Actions::of);
    let pattern = prop::option::weighted(0.8, prop::sample::select(&PATTERNS[..]));
    let rkey = prop::option::weighted(0.3, prop::sample::select(&RKEYS[..]));
    (did(), pattern, rkey, any::<bool>(), actions).prop_map(
        |(did, pattern, rkey, backlinks, actions)| {
            let mut text = format!("at://{did}");
            for part in pattern
                .into_iter()
                .chain(rkey.filter(|_| pattern.is_some()))
            {
                text = format!("{text}/{part}");
            }
            Scope::read(&text, backlinks, actions).expect("a scope")
        },
    )
}

fn uri() -> impl Strategy<Value = String> {
    let collection = prop::option::weighted(0.9, prop::sample::select(&COLLECTIONS[..]));
    let rkey = prop::option::weighted(0.9, prop::sample::select(&RKEYS[..]));
    (did(), collection, rkey).prop_map(|(did, collection, rkey)| {
        let rkey = rkey.filter(|_| collection.is_some());
        let parts = [Some(did), collection, rkey];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        format!("at://{}", parts.join("/"))
    })
}

/// The text of a string value or of a property's name, with quotes: often a reference, dressed up.
fn string() -> impl Strategy<Value = String> {
    let around = prop::sample::select(
        &[
            "", "", "", "", " ", "\u{a0}", "\t", "\"", "(", "see ", "\u{2028}", "é", "x", "at://",
        ][..],
    );
    let behind = prop::sample::select(
        &[
            "", "", "", "", ".", ")", "\"", "'.", " ", " .", "/", "#a", "?", "\\", "\n", "é",
            ", so",
        ][..],
    );
    let text =
        (around, uri(), behind).prop_map(|(before, uri, behind)| format!("{before}{uri}{behind}"));
    let text = prop_oneof![3 => text, 1 => "[a-z\\\\\"/: ]{0,8}", 1 => Just("at://".to_owned())];
    (text, 0..5_u8).prop_map(|(text, way)| escaped(&text, way))
}

/// JSON has many ways to write the same string.
fn escaped(text: &str, way: u8) -> String {
    let usual = serde_json::to_string(text).expect("a string");
    match way {
        0 => usual.replace('/', "\\/"),
        1 => {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
            format!("\"{}\"", units.collect::<String>())
        }
        2 => usual.replacen(':', "\\u003a", 1),
        _ => usual,
    }
}

/// A record as text, blanks between its parts or not.
fn record() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => string(),
        1 => prop::sample::select(&["1", "true", "null", "-1.5e3"][..]).prop_map(str::to_owned),
    ];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        let items = prop::collection::vec(inner.clone(), 0..4);
        let array = (items, blank()).prop_map(|(items, blank)| {
            format!(
                "[{blank}{}{blank}]",
                items.join(&format!("{blank},{blank}"))
            )
        });
        prop_oneof![array, object(inner)]
    });
    object(value)
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["", "", " ", "\n\t"][..])
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    // Names are apart from each other: of two that are alike, parsers keep different ones.
    let properties = prop::collection::vec((string(), value), 0..4);
    (properties, blank()).prop_map(|(properties, blank)| {
        let named = properties.into_iter().enumerate();
        let shown = named.map(|(place, (name, value))| {
            let name = name.strip_suffix('"').unwrap_or_default();
            format!("{blank}{name}{place}\"{blank}:{blank}{value}{blank}")
        });
        format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
    })
}

/// Accounts that look alike to the end, some by their first letters and some by their last.
fn numbered(number: u32) -> String {
    let letter =
        |place: u32| char::from(b'a' + u8::try_from(number / 26_u32.pow(place) % 26).unwrap_or(0));
    let letters: String = (0..2).map(letter).collect();
    match number % 3 {
        0 => format!("did:web:{letters}{number}.people.example"),
        1 => format!("did:plc:{letters}{}", "a".repeat(22)),
        _ => format!("did:plc:{}{letters}", "b".repeat(22)),
    }
}

/// Whether an event that is sifted out would have found nobody, and nothing to store.
fn sieve_holds(matcher: &Matcher<usize>, event: &Event, earlier: &References) -> bool {
    let likely = matcher.sift(std::slice::from_ref(event));
    let found = found(matcher, event, earlier);
    let nothing =
        found.keys.is_empty() && found.references.is_none() && found.too_complex.is_none();
    likely == [true] || nothing || !earlier.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_looking_at_every_scope_finds(
        scopes in prop::collection::vec(scope(), 1..60),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        events in prop::collection::vec(
            (did(), prop::sample::select(&COLLECTIONS[..]), prop::sample::select(&RKEYS[..]), action(), record()),
            1..4,
        ),
        earlier in prop::collection::vec(uri(), 0..4),
    ) {
        let earlier = References::from_stored(&earlier.join(" "));
        let mut matcher = matcher(&scopes);
        let mut here = vec![true; scopes.len()];
        for place in removed {
            let place = place.index(scopes.len());
            prop_assert_eq!(matcher.remove(&place).is_some(), here[place]);
            here[place] = false;
        }
        let events = events.into_iter().map(|(did, collection, rkey, action, record)| {
            event(action, did, collection, rkey, &record)
        });
        let events: Vec<Event> = events.collect();
        let alone = |event: &Event| matcher.sift(std::slice::from_ref(event));
        prop_assert_eq!(matcher.sift(&events), events.iter().flat_map(alone).collect::<Vec<_>>());
        for event in events {
            let mut expected = naive::matches(&scopes, &event, &earlier);
            expected.retain(|place| here[*place]);
            let found = found(&matcher, &event, &earlier);
            prop_assert_eq!(found.too_complex, None);
            prop_assert!(sieve_holds(&matcher, &event, &earlier));
            prop_assert_eq!(found.keys, expected, "{:?}", event);
        }
    }

    #[test]
    fn nothing_is_left_of_what_is_removed(scopes in prop::collection::vec(scope(), 1..100)) {
        let mut matcher = matcher(&scopes);
        for (place, scope) in scopes.iter().enumerate() {
            prop_assert_eq!(matcher.remove(&place), Some(scope.clone()));
        }
        prop_assert_eq!(format!("{matcher:?}"), format!("{:?}", loggia_firehose::Matcher::<usize>::new()));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let matcher = matcher(&[Scope::read(&format!("at://{ALICE}"), true, Actions::ALL).expect("a scope")]);
        for record in [text.into_bytes(), bytes] {
            let record = [b"{\"a\":\"at://did:plc:a\",", &record[..]].concat();
            let mut event = event(Action::Create, BOB, "a.b.c", "one", "{}");
            if let loggia_firehose::What::Change(change) = &mut event.what {
                change.record = Some(loggia_firehose::Record::from_json(record.into()));
            }
            found(&matcher, &event, &References::default());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn accounts_by_the_hundred_are_kept_apart(
        scopes in prop::collection::vec((0..300_u32, any::<bool>(), action()), 1..600),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..300),
        author in 0..310_u32,
        to in 0..310_u32,
    ) {
        let scopes: Vec<_> = scopes.into_iter().map(|(number, backlinks, action)| {
            let text = format!("at://{}", numbered(number));
            Scope::read(&text, backlinks, Actions::of([action])).expect("a scope")
        }).collect();
        let mut matcher = matcher(&scopes);
        let mut here = vec![true; scopes.len()];
        for place in removed {
            let place = place.index(scopes.len());
            matcher.remove(&place);
            here[place] = false;
        }
        prop_assert_eq!(matcher.len(), here.iter().filter(|here| **here).count());
        let record = format!("{{\"to\":\"at://{}/a.b.c/d\"}}", numbered(to));
        for action in Action::ALL {
            let event = event(action, &numbered(author), "a.b.c", "one", &record);
            let mut expected = naive::matches(&scopes, &event, &References::default());
            expected.retain(|place| here[*place]);
            let found = found(&matcher, &event, &References::default());
            prop_assert_eq!(found.keys, expected);
            prop_assert!(sieve_holds(&matcher, &event, &References::default()));
        }
    }
}
