//! The guestbook as its callers see it, and as whoever changes its lexicons does.

mod regenerate;
mod server;

use server::{Guestbook, entry};

#[test]
fn an_entry_is_written_and_read() {
    let book = Guestbook::start();
    let signed = book.post(
        "com.example.guestbook.sign",
        &entry("alice.example.com", "Hello!"),
    );
    assert_eq!(
        (signed.status, signed.body.as_str()),
        (200, r#"{"position":1}"#)
    );
    let signed = book.post(
        "com.example.guestbook.sign",
        &entry("bob.example.com", "Hi!"),
    );
    assert_eq!(
        (signed.status, signed.body.as_str()),
        (200, r#"{"position":2}"#)
    );

    let all = book.get("com.example.guestbook.listEntries");
    let written = |author: &str, text: &str| {
        format!(
            r#"{{"$type":"com.example.guestbook.entry","author":"{author}","text":"{text}","createdAt":"2026-01-31T12:00:00.000Z"}}"#
        )
    };
    let (alice, bob) = (
        written("alice.example.com", "Hello!"),
        written("bob.example.com", "Hi!"),
    );
    assert_eq!(
        (all.status, all.body),
        (200, format!(r#"{{"entries":[{bob},{alice}]}}"#))
    );
    let one = book.get("com.example.guestbook.listEntries?limit=1");
    assert_eq!(one.body, format!(r#"{{"entries":[{bob}]}}"#));
    let hers = book.get("com.example.guestbook.listEntries?author=alice.example.com");
    assert_eq!(hers.body, format!(r#"{{"entries":[{alice}]}}"#));
}

#[test]
fn the_declared_error_has_its_name_and_the_lexicons_words() {
    let book = Guestbook::start();
    let input = entry("alice.example.com", "Hello!");
    assert_eq!(book.post("com.example.guestbook.sign", &input).status, 200);
    let again = book.post("com.example.guestbook.sign", &input);
    let wanted = r#"{"error":"AlreadySigned","message":"This visitor wrote exactly this before."}"#;
    assert_eq!((again.status, again.body.as_str()), (400, wanted));
}

#[test]
fn what_the_lexicon_forbids_never_reaches_the_handler() {
    let book = Guestbook::start();
    let cases = [
        (entry("alice.example.com", ""), "$.entry.text"),
        (entry("alice.example.com", &"x".repeat(301)), "$.entry.text"),
        (entry("not a handle", "Hello!"), "author"),
        (
            r#"{"entry": {"author": "alice.example.com"}}"#.to_owned(),
            "entry",
        ),
        (r#"{"entry"#.to_owned(), "line 1"),
    ];
    for (input, place) in cases {
        let answer = book.post("com.example.guestbook.sign", &input);
        assert_eq!(answer.status, 400, "{input}");
        assert!(
            answer.body.starts_with(r#"{"error":"InvalidRequest""#),
            "{}",
            answer.body
        );
        assert!(answer.body.contains(place), "{place} in {}", answer.body);
    }
    assert_eq!(
        book.get("com.example.guestbook.listEntries").body,
        r#"{"entries":[]}"#
    );
    let limit = book.get("com.example.guestbook.listEntries?limit=101");
    assert_eq!(limit.status, 400);
    assert!(limit.body.contains("limit"), "{}", limit.body);
}
