//! An app that calls for an account, and who issued its access token.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU8, Ordering};

use loggia::auth::access_token::{NewAccessToken, OwnAccessTokens, Terms};
use loggia::auth::dpop::{NewProof, Target, mint};
use loggia::auth::{Jwk, SigningKey};
use loggia::syntax::Did;

use crate::server::{Answer, ERASE, GUESTBOOK, Guestbook};
use crate::visitor::{now, publish};

/// Where apps call the guestbook, wherever it listens.
pub const URL: &str = "https://book.example";
/// The issuer.
pub const ISSUER: &str = "https://issuer.example";

/// An issuer of access tokens whose keys are published for as long as the test runs.
pub struct Issuer {
    key: SigningKey,
    /// Where they are.
    pub keys: String,
}

impl Issuer {
    pub fn new() -> Self {
        let key = SigningKey::generate_p256().expect("a key");
        let mut jwk = serde_json::to_value(Jwk::new(*key.public().multikey())).expect("JSON");
        jwk["kid"] = "1".into();
        let keys = serde_json::json!({ "keys": [jwk] }).to_string();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || publish(&listener, &keys));
        Self {
            key,
            keys: format!("http://127.0.0.1:{port}/keys"),
        }
    }
}

/// An app with a key and a token for an account.
pub struct App {
    key: SigningKey,
    token: String,
    proofs: AtomicU8,
}

impl App {
    /// An app that may erase for this account.
    pub fn of(issuer: &Issuer, account: &Did) -> Self {
        let audience = GUESTBOOK.replace('%', "%25");
        let scope = format!("atproto rpc:{ERASE}?aud={audience}%23guestbook");
        Self::with_scope(issuer, account, &scope)
    }

    /// An app that the account has allowed this.
    pub fn with_scope(issuer: &Issuer, account: &Did, scope: &str) -> Self {
        let key = SigningKey::generate_p256().expect("a key");
        let new = NewAccessToken {
            subject: account,
            client: "https://app.example/client-metadata.json",
            scope,
            thumbprint: &Jwk::new(*key.public().multikey()).thumbprint(),
            now: now(),
            lifetime: 600,
            id: [1; 16],
        };
        let terms = Terms::new(ISSUER, GUESTBOOK);
        let token = OwnAccessTokens::mint(&issuer.key, "1", &terms, &new).expect("a token");
        Self {
            key,
            token,
            proofs: AtomicU8::new(0),
        }
    }

    /// Erases, with a proof that carries this nonce.
    pub fn erase(&self, book: &Guestbook, nonce: Option<&str>, json: &str) -> Answer {
        let new = NewProof {
            method: "POST",
            target: &Target::parse(&format!("{URL}/xrpc/{ERASE}")).expect("a URL"),
            token: Some(&self.token),
            nonce,
            now: now(),
            id: [self.proofs.fetch_add(1, Ordering::Relaxed); 16],
        };
        let proof = mint(&self.key, &new).expect("a proof");
        let token = &self.token;
        let headers = format!("authorization: DPoP {token}\r\ndpop: {proof}\r\n");
        book.post_with(ERASE, json, &headers)
    }
}
