//! One caller who keeps the server waiting, and others who are served meanwhile.

use loggia_auth::SigningKey;
use loggia_auth::service_auth::{Mint, mint};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::chance;
use loggia_server::token_exchange::METHOD;
use loggia_syntax::{Did, Nsid};
use reqwest::RequestBuilder;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::support::exchange::{App, GRANT, TYPE, post};
use crate::support::{Answer, TestServer};

/// A host that takes connections and never says a word, until it goes away.
struct Silent {
    did: Did,
    listening: JoinHandle<()>,
}

impl Silent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let listening = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                held.push(connection);
            }
        });
        Self {
            did: Did::new(format!("did:web:localhost%3A{port}")).expect("a DID"),
            listening,
        }
    }
}

/// A server that believes one proxy, so that a test can be many callers.
async fn server() -> TestServer {
    TestServer::start_with(|config| config.proxies = 1).await
}

/// Sends requests of one caller that all wait for the silent host but the last, which is refused at
/// once; then has `other` answered, and lets the host go away.
async fn crowd(requests: Vec<RequestBuilder>, other: RequestBuilder, silent: Silent) -> Answer {
    let mut sent = JoinSet::new();
    for request in requests {
        let request = request.header("x-forwarded-for", "192.0.2.1");
        sent.spawn(async move { request.send().await.expect("an answer") });
    }
    let first = sent.join_next().await.expect("there are some");
    let refused = Answer::read(first.expect("no panic")).await;
    let other = other.header("x-forwarded-for", "192.0.2.2");
    let other = tokio::spawn(async move { other.send().await.expect("an answer") });
    silent.listening.abort();
    let answered = other.await.expect("no panic").status();
    assert_eq!(answered, 502, "it had its turn");
    while let Some(waited) = sent.join_next().await {
        assert_eq!(waited.expect("no panic").status(), 502, "all others waited");
    }
    refused
}

#[tokio::test]
async fn one_address_begins_few_logins_at_once() {
    let (server, silent) = (server().await, Silent::start().await);
    let body = format!("identifier={}", silent.did.as_str().replace('%', "%25"));
    let login = || {
        let request = server
            .post("/login")
            .header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(body.clone())
    };
    let logins = (0..5).map(|_| login()).collect();
    let refused = crowd(logins, login(), silent).await;
    assert_eq!(refused.status, 503, "{refused:#?}");
}

#[tokio::test]
async fn one_address_has_few_exchanges_at_once() {
    let (server, silent) = (server().await, Silent::start().await);
    let mut app = App::new();
    app.get_nonce(&server).await;
    let key = SigningKey::generate_p256().expect("a key");
    let method = Nsid::new(METHOD).expect("an NSID");
    let exchange = || {
        let token = Mint {
            issuer: &silent.did,
            audience: &server.did,
            method: &method,
            now: SystemClock.now(),
            lifetime: 60,
            id: chance::bytes(),
        };
        let token = mint(&key, &token).expect("a token");
        let fields = [GRANT, TYPE, ("subject_token", &*token)];
        post(&server, &fields).header("dpop", app.proof(&server))
    };
    let exchanges = (0..17).map(|_| exchange()).collect();
    let other = exchange();
    let refused = crowd(exchanges, other, silent).await;
    assert_eq!(refused.status, 503, "{refused:#?}");
    assert_eq!(refused.body["error"], "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
}
