//! A visitor with a key, and the host that publishes their DID document.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU8, Ordering};

use loggia::auth::SigningKey;
use loggia::auth::service_auth::{Mint, mint};
use loggia::identity::DidDocument;
use loggia::syntax::{Did, Nsid};

use crate::server::GUESTBOOK;

/// Somebody who signs.
pub struct Visitor {
    pub did: Did,
    key: SigningKey,
    tokens: AtomicU8,
}

impl Visitor {
    /// A visitor whose document is published on a port of its own, for as long as the test runs.
    pub fn new(seed: u8) -> Self {
        let key = SigningKey::k256([seed; 32]).expect("a secret key");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let did = Did::new(format!("did:web:localhost%3A{port}")).expect("a DID");
        let document = DidDocument::new(did.clone()).with_key("#atproto", *key.public().multikey());
        let document = document.to_json().to_string();
        std::thread::spawn(move || publish(&listener, &document));
        Self {
            did,
            key,
            tokens: AtomicU8::new(0),
        }
    }

    /// The `Authorization` for one call of this method.
    pub fn bearer(&self, method: &'static str) -> String {
        let token = Mint {
            issuer: &self.did,
            audience: GUESTBOOK,
            method: &Nsid::from_static(method),
            now: now(),
            lifetime: 60,
            id: [self.tokens.fetch_add(1, Ordering::Relaxed); 16],
        };
        format!("Bearer {}", mint(&self.key, &token).expect("a token"))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the guestbook is another process and has the system's time"
)]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Answers every request with the document.
pub fn publish(listener: &TcpListener, document: &str) {
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        let head = BufReader::new(stream.try_clone().expect("a second handle"))
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty());
        assert!(head.count() > 0, "a request has a head");
        let length = document.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{document}"
        )
        .expect("sent");
    }
}
