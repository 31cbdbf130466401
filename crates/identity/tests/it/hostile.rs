//! Documents and hosts that mean harm.

use std::time::Duration;

use loggia_identity::{
    CacheSettings, CachedResolver, DidDocument, DocumentError, ResolveDid, ResolveErrorKind,
    ServiceLookupError,
};
use loggia_syntax::Did;
use serde_json::{Value, json};

use crate::world::{Answer, World, at, document};

const ALICE: Did = Did::from_static("did:web:alice.example.org");
const URL: &str = "https://alice.example.org/.well-known/did.json";

async fn failure(answer: Answer) -> ResolveErrorKind {
    let world = World::default();
    world.set(URL, answer);
    let error = world.documents().resolve(&ALICE, at(0)).await;
    assert_eq!(world.take_asked(), [URL], "nothing else is followed");
    error.expect_err("no document").kind
}

#[tokio::test]
async fn answers_that_are_no_documents() {
    let body = |text: String| Answer::Body(200, text);
    for nested in ["[".repeat(8_000), r#"{"a":"#.repeat(3_000)] {
        let text = format!(r#"{{"id":"{ALICE}","x":{nested}"#);
        assert!(text.len() > 8_000 && text.len() < 16 * 1024 + 3_000);
        let kind = failure(body(text)).await;
        let expected = matches!(
            kind,
            ResolveErrorKind::Document(_) | ResolveErrorKind::Fetch(_)
        );
        assert!(expected, "{kind:?}");
    }
    // Deep, and closed properly, where entries are read.
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let service = format!(r#"{{"id":"{ALICE}","service":{deep}}}"#);
    assert!(matches!(
        failure(body(service)).await,
        ResolveErrorKind::Document(_)
    ));
    // Elsewhere it is passed over, without a stack that grows.
    let unknown = format!(r#"{{"id":"{ALICE}","x":{deep}}}"#);
    assert!(DidDocument::parse(unknown.as_bytes()).is_ok());

    let twice = format!(r#"{{"id":"{ALICE}","id":"did:web:mallory.example.org"}}"#);
    assert!(matches!(
        failure(body(twice)).await,
        ResolveErrorKind::Document(_)
    ));

    let large = document(&ALICE, &[&"a".repeat(17_000)]).to_string();
    assert!(matches!(
        failure(body(large)).await,
        ResolveErrorKind::Fetch(_)
    ));
    assert!(matches!(
        failure(Answer::Endless).await,
        ResolveErrorKind::Fetch(_)
    ));
    assert!(matches!(
        failure(Answer::Forbidden).await,
        ResolveErrorKind::Fetch(_)
    ));

    let other = document(&Did::from_static("did:web:ALICE.example.org"), &[]).to_string();
    assert!(matches!(
        failure(body(other)).await,
        ResolveErrorKind::OtherId(_)
    ));
    let redirect = failure(Answer::Body(301, String::new())).await;
    assert!(matches!(redirect, ResolveErrorKind::Status(301)));
}

#[test]
fn many_entries_are_refused_before_any_key_is_read() {
    for field in ["verificationMethod", "service", "alsoKnownAs"] {
        let json = json!({ "id": ALICE, field: vec![Value::Null; 65] }).to_string();
        let refusal = DidDocument::parse(json.as_bytes()).expect_err("too many");
        assert!(
            matches!(refusal, DocumentError::TooMany { limit: 64, .. }),
            "{field}"
        );
    }
}

#[tokio::test]
async fn a_host_that_never_answers_keeps_nobody() {
    let world = World::default();
    world.set(URL, Answer::Silent);
    let settings = CacheSettings {
        flights: 1,
        patience: Duration::from_millis(1),
        ..CacheSettings::default()
    };
    let cache = CachedResolver::new(world.documents(), settings);
    let error = cache.resolve(&ALICE, at(0)).await.expect_err("no document");
    assert!(matches!(error.kind, ResolveErrorKind::Late(_)), "{error:?}");
    assert!(error.is_transient());
    // It is left alone for a while, and its place is free.
    assert!(cache.resolve(&ALICE, at(1)).await.is_err());
    assert_eq!(world.take_asked(), [URL]);
    let bob = Did::from_static("did:web:bob.example.org");
    world.document(&bob, &[]);
    assert!(cache.resolve(&bob, at(1)).await.is_ok());
}

#[tokio::test]
async fn a_document_has_a_deadline() {
    let world = World::default();
    world.set(URL, Answer::Silent);
    let resolver = world.documents().deadline(Duration::from_millis(1));
    let error = resolver.resolve(&ALICE, at(0)).await;
    let error = error.expect_err("no document");
    assert!(matches!(error.kind, ResolveErrorKind::Late(_)), "{error:?}");
}

#[tokio::test]
async fn bad_signatures_do_not_make_us_hammer_a_directory() {
    let world = World::default();
    world.document(&ALICE, &[]);
    let cache = CachedResolver::new(world.documents(), CacheSettings::default());
    cache.resolve(&ALICE, at(0)).await.expect("a document");
    world.take_asked();
    // A thousand forged tokens in a minute.
    for forged in 0..1000 {
        let refreshed = cache.refresh(&ALICE, at(forged * 60 / 1000)).await;
        refreshed.expect("the directory is up");
    }
    assert_eq!(
        world.take_asked().len(),
        1,
        "one fetch in the second half minute"
    );
}

fn services() -> DidDocument {
    let service = |id: &str, kind: &str, endpoint: &str| json!({ "id": id, "type": kind, "serviceEndpoint": endpoint });
    let json = json!({ "id": ALICE, "service": [
        service("#atproto_pds", "AtprotoPersonalDataServer", "https://pds.example.org"),
        service("did:web:alice.example.org#atproto_space_host", "AtprotoSpaceHost", "https://a.example.org"),
        service("did:web:mallory.example.org#feed", "Feed", "https://mallory.example.org"),
        service("#twice", "A", "https://a.example.org"),
        service("did:web:alice.example.org#twice", "A", "https://b.example.org"),
        service("#same", "A", "https://a.example.org"),
        service("did:web:alice.example.org#same", "A", "https://a.example.org"),
    ]});
    DidDocument::parse(json.to_string().as_bytes()).expect("a document")
}

#[test]
fn services_are_found_by_either_spelling_of_their_id() {
    let document = services();
    let (pds, kind) = DidDocument::PDS;
    for id in [pds.to_owned(), format!("{ALICE}{pds}")] {
        let found = document.find_service(&id, Some(kind)).expect("a service");
        assert_eq!(found.endpoint, "https://pds.example.org");
        assert!(document.find_service(&id, None).is_ok());
    }
    for id in [
        "#atproto_space_host",
        "did:web:alice.example.org#atproto_space_host",
    ] {
        let found = document.find_service(id, None).expect("a service");
        assert_eq!(found.endpoint, "https://a.example.org");
    }
    assert!(document.find_service("#same", None).is_ok());
}

#[test]
fn a_document_that_contradicts_itself_has_no_service() {
    let document = services();
    let failure = |id: &str, kind| document.find_service(id, kind).expect_err("no service");
    assert_eq!(
        failure("#twice", None),
        ServiceLookupError::Ambiguous {
            id: "#twice".into()
        }
    );
    for id in [
        "#feed",
        "did:web:mallory.example.org#feed",
        "atproto_pds",
        "",
        "#",
        "did:web:alice.example.org",
    ] {
        assert_eq!(
            failure(id, None),
            ServiceLookupError::Missing { id: id.into() }
        );
    }
    assert_eq!(
        failure("#atproto_pds", Some("BskyFeedGenerator")).to_string(),
        "the document's service `#atproto_pds` is of type `AtprotoPersonalDataServer`; \
         it must be `BskyFeedGenerator`"
    );
    let long = format!("#{}", "x".repeat(5_000));
    assert!(failure(&long, None).to_string().len() < 300);
}
