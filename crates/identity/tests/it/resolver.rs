//! Where documents are looked for, and which answers count.

use std::sync::Mutex;

use jiff::Timestamp;
use loggia_identity::{Fetch, FetchError, Fetched, ResolveDid, ResolveErrorKind, Resolver};
use loggia_syntax::Did;

/// Answers every request the same, and notes the URLs.
struct Canned {
    answer: Fetched,
    asked: Mutex<Vec<String>>,
}

impl Canned {
    fn new(status: u16, body: &str) -> Self {
        let answer = Fetched {
            status,
            body: body.as_bytes().to_vec(),
        };
        Self {
            answer,
            asked: Mutex::default(),
        }
    }
}

impl Fetch for Canned {
    async fn get(&self, url: &str, limit: usize) -> Result<Fetched, FetchError> {
        self.asked
            .lock()
            .expect("no test panics with it")
            .push(url.to_owned());
        if self.answer.body.len() > limit {
            return Err(FetchError::TooLarge { limit });
        }
        Ok(self.answer.clone())
    }
}

fn did(text: &str) -> Did {
    Did::new(text).expect("a DID")
}

fn url(text: &str, development: bool) -> Result<String, String> {
    Resolver::new(Canned::new(200, ""), "https://directory.example/")
        .development(development)
        .url(&did(text))
        .map_err(|kind| kind.to_string())
}

#[test]
fn where_documents_are() {
    let cases = [
        (
            "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            "https://directory.example/did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        ),
        (
            "did:web:example.com",
            "https://example.com/.well-known/did.json",
        ),
        (
            "did:web:Example.COM",
            "https://example.com/.well-known/did.json",
        ),
        (
            "did:web:example.com%3A8443",
            "https://example.com:8443/.well-known/did.json",
        ),
        (
            "did:web:xn--bcher-kva.example",
            "https://xn--bcher-kva.example/.well-known/did.json",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(url(text, false).as_deref(), Ok(expected));
        assert_eq!(url(text, true).as_deref(), Ok(expected));
    }
}

#[test]
fn this_machine_is_for_development() {
    let cases = [
        ("did:web:localhost", "http://localhost/.well-known/did.json"),
        (
            "did:web:localhost%3A2510",
            "http://localhost:2510/.well-known/did.json",
        ),
        (
            "did:web:alice.localhost%3a2510",
            "http://alice.localhost:2510/.well-known/did.json",
        ),
        (
            "did:web:127.0.0.1%3A80",
            "http://127.0.0.1:80/.well-known/did.json",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(url(text, true).as_deref(), Ok(expected));
        assert!(url(text, false).is_err(), "{text}");
    }
}

#[test]
fn refused_forms() {
    for text in [
        "did:plc:short",
        "did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ",
        "did:plc:..%2F..%2Fewvi7nxzyoun6z",
        "did:web:example.com:alice",
        "did:web:example",
        "did:web:10.0.0.1",
        "did:web:169.254.169.254",
        "did:web:example.com%3A99999",
        "did:web:example.com%3A",
        "did:web:example.com%2Fpath",
        "did:web:user%40example.com",
        "did:web:example..com",
        "did:web:-a.example",
        "did:web:a%2Fb.localhost",
        "did:web:example.com%3A80%3A80",
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
        "did:example:alice",
    ] {
        assert!(url(text, true).is_err(), "{text}");
    }
}

async fn resolve(status: u16, body: &str) -> ResolveErrorKind {
    let resolver = Resolver::new(Canned::new(status, body), "https://directory.example");
    let error = resolver
        .resolve(&did("did:web:example.com"), Timestamp::UNIX_EPOCH)
        .await;
    let error = error.expect_err("no document");
    assert_eq!(
        error.to_string(),
        "cannot resolve did:web:example.com at its host's /.well-known/did.json"
    );
    error.kind
}

#[tokio::test]
async fn which_answers_count() {
    let resolver = Resolver::new(
        Canned::new(200, "{\"id\":\"did:web:example.com\"}"),
        "https://d.example",
    );
    let found = resolver
        .resolve(&did("did:web:example.com"), Timestamp::UNIX_EPOCH)
        .await;
    assert_eq!(
        found.expect("a document").id().as_str(),
        "did:web:example.com"
    );

    assert!(matches!(
        resolve(404, "").await,
        ResolveErrorKind::NotFound(404)
    ));
    assert!(matches!(
        resolve(410, "").await,
        ResolveErrorKind::NotFound(410)
    ));
    assert!(matches!(
        resolve(302, "").await,
        ResolveErrorKind::Status(302)
    ));
    assert!(matches!(
        resolve(500, "").await,
        ResolveErrorKind::Status(500)
    ));
    assert!(matches!(
        resolve(200, "{}").await,
        ResolveErrorKind::Document(_)
    ));
    let other = resolve(200, "{\"id\":\"did:web:other.example\"}").await;
    assert!(matches!(other, ResolveErrorKind::OtherId(id) if id == "did:web:other.example"));
    let large = resolve(200, &" ".repeat(1 << 20)).await;
    assert!(matches!(large, ResolveErrorKind::Fetch(_)));
}
