//! Hosts that accept and never answer, and everybody else's webhooks meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::Receiver;
use crate::support::hooks::{Hooks, POST, WATCHED};
use crate::support::silent::Silent;
use crate::support::webhook_world::{WEBHOOK, until, webhook};

/// Accounts whose host never answers: to wait for each of them would take many minutes.
const ACCOUNTS: u8 = 200;

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

/// A directory in which everybody is somewhere else; its URL.
async fn scattered(hosts: Vec<String>) -> String {
    let next = Arc::new(AtomicUsize::new(0));
    let hosts: Arc<[String]> = hosts.into();
    let routes = Router::new()
        .route("/{did}", get(somewhere))
        .with_state((hosts, next));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://localhost:{port}")
}

async fn somewhere(
    State((hosts, next)): State<(Arc<[String]>, Arc<AtomicUsize>)>,
    did: Path<String>,
) -> Json<Value> {
    let number = next.fetch_add(1, Ordering::SeqCst) % hosts.len();
    document(State(hosts[number].clone()), did).await
}

/// A webhook record of one more account is seen on the stream.
fn announce(hooks: &Hooks, number: u8, record: &Value) {
    let (one, other) = (b'a' + number / 26, b'a' + number % 26);
    let (one, other) = (char::from(one), char::from(other));
    let did = format!("did:plc:{one}{other}{}", "a".repeat(22));
    let path = format!("{WEBHOOK}/self");
    hooks
        .jetstream
        .commit(&did, "create", &path, Some(record.clone()));
}

/// More hosts than are asked at once: all of them accept, and none answers.
#[tokio::test]
async fn however_many_hosts_never_answer_those_that_do_are_asked_at_once() {
    const HOSTS: u8 = 150;
    let mut silent = Vec::new();
    for _ in 0..HOSTS {
        silent.push(Silent::start().await);
    }
    let hosts = silent.iter().map(|(_, host)| host.clone()).collect();
    let plc = scattered(hosts).await;
    let mut hooks = Hooks::start(|config| {
        config.plc_directory = plc.parse().expect("a URL");
    })
    .await;
    let mut receiver = Receiver::start();
    // The host of this account is known to answer from here on.
    let before = hooks.add(&receiver.url, json!({})).await;
    hooks.until(&before, "active").await;
    let record = webhook(&format!("at://{WATCHED}/{POST}"), &receiver.url);
    for number in 0..HOSTS {
        announce(&hooks, number, &record);
    }
    let open = || {
        let open = silent.iter();
        open.map(|(one, _)| one.open.load(Ordering::SeqCst))
            .sum::<usize>()
    };
    until("many silent hosts are asked", async || open() >= 24).await;
    let begun = std::time::Instant::now();
    let other = Receiver::start();
    let after = hooks.add(&other.url, json!({})).await;
    hooks.until(&after, "active").await;
    let taken = begun.elapsed();
    assert!(taken < std::time::Duration::from_secs(4), "{taken:?}");
    assert!(open() > 0, "they are still waited for");
    hooks.post("one");
    receiver.next().await;
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
        announce(&hooks, number, &record);
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
