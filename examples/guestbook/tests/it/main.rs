//! The guestbook as its callers see it, and as whoever changes its lexicons does.

mod regenerate;
mod server;
mod visitor;

use server::{Guestbook, SIGN, entry};
use visitor::Visitor;

#[test]
fn an_entry_is_written_and_read() {
    let book = Guestbook::start();
    let (alice, bob) = (Visitor::new(1), Visitor::new(2));
    for (visitor, text, position) in [(&alice, "Hello!", 1), (&bob, "Hi!", 2)] {
        let signed = book.sign(visitor, &entry(visitor.did.as_str(), text));
        let wanted = format!(r#"{{"position":{position}}}"#);
        assert_eq!((signed.status, signed.body), (200, wanted));
    }

    let all = book.get("com.example.guestbook.listEntries");
    let written = |author: &Visitor, text: &str| {
        format!(
            r#"{{"$type":"com.example.guestbook.entry","author":"{}","text":"{text}","createdAt":"2026-01-31T12:00:00.000Z"}}"#,
            author.did
        )
    };
    let (hello, hi) = (written(&alice, "Hello!"), written(&bob, "Hi!"));
    assert_eq!(
        (all.status, all.body),
        (200, format!(r#"{{"entries":[{hi},{hello}]}}"#))
    );
    let one = book.get("com.example.guestbook.listEntries?limit=1");
    assert_eq!(one.body, format!(r#"{{"entries":[{hi}]}}"#));
    let author = alice.did.as_str().replace('%', "%25");
    let hers = book.get(&format!(
        "com.example.guestbook.listEntries?author={author}"
    ));
    assert_eq!(hers.body, format!(r#"{{"entries":[{hello}]}}"#));
}

#[test]
fn the_declared_error_has_its_name_and_the_lexicons_words() {
    let book = Guestbook::start();
    let alice = Visitor::new(1);
    let input = entry(alice.did.as_str(), "Hello!");
    assert_eq!(book.sign(&alice, &input).status, 200);
    let again = book.sign(&alice, &input);
    let wanted = r#"{"error":"AlreadySigned","message":"This visitor wrote exactly this before."}"#;
    assert_eq!((again.status, again.body.as_str()), (400, wanted));
}

#[test]
fn visitors_sign_for_themselves_and_only_with_their_own_key() {
    let book = Guestbook::start();
    let (alice, bob) = (Visitor::new(1), Visitor::new(2));
    let input = entry(alice.did.as_str(), "Hello!");
    let refused = |answer: server::Answer, status: u16, error: &str| {
        assert_eq!(answer.status, status, "{}", answer.body);
        let wanted = format!(r#"{{"error":"{error}""#);
        assert!(answer.body.starts_with(&wanted), "{}", answer.body);
    };
    refused(book.post(SIGN, &input), 401, "AuthMissing");
    refused(book.sign(&bob, &input), 403, "Forbidden");
    assert_eq!(book.sign(&alice, &input).status, 200);
}

#[test]
fn what_the_lexicon_forbids_never_reaches_the_handler() {
    let book = Guestbook::start();
    let alice = Visitor::new(1);
    let did = alice.did.as_str();
    let cases = [
        (entry(did, ""), "$.entry.text"),
        (entry(did, &"x".repeat(301)), "$.entry.text"),
        (entry("not a DID", "Hello!"), "author"),
        (format!(r#"{{"entry": {{"author": "{did}"}}}}"#), "entry"),
        (r#"{"entry"#.to_owned(), "line 1"),
    ];
    for (input, place) in cases {
        let answer = book.sign(&alice, &input);
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
