//! Hosts that accept and never answer, and everybody else's webhooks meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::support::Receiver;
use crate::support::hooks::{Hooks, POST, WATCHED};
use crate::support::webhook_world::{WEBHOOK, until, webhook};

/// Accounts whose host never answers: to wait for each of them would take many minutes.
const ACCOUNTS: u8 = 200;

/// A host that never answers.
#[derive(Clone, Default)]
struct Silent {
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Silent {
    /// Where it is.
    async fn start() -> (Self, String) {
        let silent = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let serving = silent.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Self { open, most } = serving.clone();
                tokio::spawn(async move {
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let mut read = [0; 1024];
                    while stream.read(&mut read).await.is_ok_and(|length| length > 0) {}
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        (silent, format!("http://localhost:{port}"))
    }
}

/// A directory in which everybody is at this host; its URL.
async fn directory(host: String) -> String {
    let routes = Router::new()
        .route("/{did}", get(document))
        .with_state(host);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://localhost:{port}")
}

async fn document(State(host): State<String>, Path(did): Path<String>) -> Json<Value> {
    let pds = json!({
        "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": host,
    });
    Json(json!({ "id": did, "service": [pds] }))
}

#[tokio::test]
async fn whose_host_never_answers_keeps_nobody_else_waiting() {
    let (silent, host) = Silent::start().await;
    let plc = directory(host).await;
    let mut hooks = Hooks::start(|config| {
        config.plc_directory = plc.parse().expect("a URL");
    })
    .await;
    let mut receiver = Receiver::start();
    let record = webhook(&format!("at://{WATCHED}/{POST}"), &receiver.url);
    for number in 0..ACCOUNTS {
        let (one, other) = (b'a' + number / 26, b'a' + number % 26);
        let did = format!(
            "did:plc:{}{}{}",
            char::from(one),
            char::from(other),
            "a".repeat(22)
        );
        let path = format!("{WEBHOOK}/self");
        hooks
            .jetstream
            .commit(&did, "create", &path, Some(record.clone()));
    }
    until("the silent host is asked", async || {
        silent.open.load(Ordering::SeqCst) > 0
    })
    .await;
    let good = hooks.add(&receiver.url, json!({})).await;
    hooks.until(&good, "active").await;
    hooks.post("one");
    receiver.next().await;
    let most = silent.most.load(Ordering::SeqCst);
    assert!((1..=2).contains(&most), "{most} questions at a time");
}
