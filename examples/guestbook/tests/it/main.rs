//! The guestbook as its callers see it, and as whoever changes its lexicons does.

mod app;
mod regenerate;
mod server;
mod visitor;

use app::{App, ISSUER, Issuer, URL};
use server::{ERASE, Guestbook, SIGN, entry};
use visitor::Visitor;

#[test]
fn calls_are_in_the_log() {
    let book = Guestbook::start();
    book.get("com.example.guestbook.listEntries");
    let log = book.log();
    assert!(log.contains("com.example.guestbook.listEntries"), "{log}");
}

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
    refused(&book.post(SIGN, &input), 401, "AuthMissing");
    refused(&book.sign(&bob, &input), 403, "Forbidden");
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

/// What is left in the book.
fn texts(book: &Guestbook) -> Vec<String> {
    let all = book.get("com.example.guestbook.listEntries").body;
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    let entries = all["entries"].as_array().expect("a list").iter();
    entries
        .map(|entry| entry["text"].as_str().expect("a text").to_owned())
        .collect()
}

fn written(author: &Visitor, text: &str) -> String {
    format!(r#"{{"author": "{}", "text": "{text}"}}"#, author.did)
}

#[track_caller]
fn refused(answer: &server::Answer, status: u16, error: &str) {
    let wanted = format!(r#"{{"error":"{error}""#);
    let is_so = answer.body.starts_with(&wanted);
    assert!(
        answer.status == status && is_so,
        "{status} {error}: {} {}",
        answer.status,
        answer.body
    );
}

#[test]
fn the_keeper_erases_what_they_like_and_nobody_else_with_service_auth() {
    let (alice, keeper) = (Visitor::new(1), Visitor::new(2));
    let book = Guestbook::start_with(&[("GUESTBOOK_KEEPER", keeper.did.as_str())]);
    for text in ["Hello!", "Hi!"] {
        let signed = book.sign(&alice, &entry(alice.did.as_str(), text));
        assert_eq!(signed.status, 200);
    }
    let erase = |who: &Visitor, text: &str| {
        let bearer = who.bearer(ERASE);
        let headers = format!("authorization: {bearer}\r\n");
        book.post_with(ERASE, &written(&alice, text), &headers)
    };
    refused(&erase(&alice, "Hello!"), 403, "Forbidden");
    refused(
        &book.post(ERASE, &written(&alice, "Hello!")),
        401,
        "AuthMissing",
    );
    assert_eq!(erase(&keeper, "Hello!").status, 200);
    refused(&erase(&keeper, "Hello!"), 400, "EntryNotFound");
    assert_eq!(texts(&book), ["Hi!"]);
}

#[test]
fn an_app_erases_what_its_own_account_wrote() {
    let (alice, bob, issuer) = (Visitor::new(1), Visitor::new(2), Issuer::new());
    let book = Guestbook::start_with(&[
        ("GUESTBOOK_URL", URL),
        ("GUESTBOOK_ISSUER", ISSUER),
        ("GUESTBOOK_ISSUER_KEYS", &issuer.keys),
    ]);
    for visitor in [&alice, &bob] {
        let signed = book.sign(visitor, &entry(visitor.did.as_str(), "Hello!"));
        assert_eq!(signed.status, 200);
    }
    let app = App::of(&issuer, &alice.did);
    let asked = app.erase(&book, None, &written(&alice, "Hello!"));
    refused(&asked, 401, "use_dpop_nonce");
    let nonce = asked.nonce.as_deref();
    refused(
        &app.erase(&book, nonce, &written(&bob, "Hello!")),
        403,
        "Forbidden",
    );
    assert_eq!(
        app.erase(&book, nonce, &written(&alice, "Hello!")).status,
        200
    );
    assert_eq!(texts(&book).len(), 1);

    let reader = App::with_scope(&issuer, &bob.did, "atproto");
    let answer = reader.erase(&book, nonce, &written(&bob, "Hello!"));
    refused(&answer, 403, "ScopeMissingError");

    let stranger = App::of(&Issuer::new(), &bob.did);
    let answer = stranger.erase(&book, nonce, &written(&bob, "Hello!"));
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(texts(&book).len(), 1);
}
