//! Accounts that no stream has told of, found by asking a relay.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use loggia_firehose::SourceKind;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::Receiver;
use crate::support::jetstream::{Framing, Jetstream};
use crate::support::posting::{numbers, posts};
use crate::support::webhook_world::{POST, WEBHOOK, WebhookWorld, known, stream, webhook};

/// Answers pages of accounts, and fails once before the second.
#[derive(Clone)]
struct Relay(Arc<Mutex<Inner>>);

struct Inner {
    pages: Vec<Vec<String>>,
    asked: Vec<(String, Option<String>)>,
    failed: bool,
}

impl Relay {
    async fn start(pages: Vec<Vec<String>>) -> (Self, String) {
        let relay = Self(Arc::new(Mutex::new(Inner {
            pages,
            asked: Vec::new(),
            failed: false,
        })));
        let path = "/xrpc/com.atproto.sync.listReposByCollection";
        let routes = axum::Router::new()
            .route(path, get(answer))
            .with_state(relay.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (relay, format!("http://{address}"))
    }

    fn asked(&self) -> Vec<(String, Option<String>)> {
        self.0.lock().expect("nobody panics").asked.clone()
    }
}

async fn answer(
    State(relay): State<Relay>,
    Query(mut asked): Query<BTreeMap<String, String>>,
) -> Result<Json<Value>, StatusCode> {
    let mut relay = relay.0.lock().expect("nobody panics");
    let cursor = asked.remove("cursor");
    let page: usize = cursor.as_deref().map_or(0, |cursor| {
        cursor.parse().expect("a cursor that was given out")
    });
    let collection = asked.remove("collection").expect("one is asked for");
    relay.asked.push((collection, cursor));
    if page == 1 && !std::mem::replace(&mut relay.failed, true) {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let repos = relay.pages[page].iter().map(|did| json!({ "did": did }));
    let mut body = json!({ "repos": repos.collect::<Vec<_>>() });
    if page + 1 < relay.pages.len() {
        body["cursor"] = (page + 1).to_string().into();
    }
    Ok(Json(body))
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_accounts_that_only_a_relay_names_are_found_page_by_page() {
    let world = WebhookWorld::start();
    let (alice, bob) = (world.account("alice").await, world.account("bob").await);
    let mut receiver = Receiver::start();
    // Written before there is a server, and never said by its stream.
    let hook = async |account| {
        let account: &crate::support::pds::PdsAccount = account;
        let record = webhook(&format!("at://{}/{POST}", account.did), &receiver.url);
        account.create(WEBHOOK, &record).await
    };
    let (hers, his) = (hook(&alice).await, hook(&bob).await);
    let nobody = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa".to_owned();
    let pages = vec![vec![alice.did.clone()], vec![nobody, bob.did.clone()]];
    let (relay, url) = Relay::start(pages).await;
    let source = Jetstream::start(Framing::First).await;
    let server = world
        .server_with(|config| {
            config.streams = vec![stream("network", SourceKind::Jetstream, &source.url())];
            config.wisp_relay = Some(url.parse().expect("a URL"));
        })
        .await;
    known(&server, &hers, "active").await;
    known(&server, &his, "active").await;
    let expected = [None, Some("1"), Some("1")];
    let expected = expected.map(|cursor| (WEBHOOK.to_owned(), cursor.map(str::to_owned)));
    assert_eq!(relay.asked(), expected, "it goes on where it failed");
    posts(&source, &alice, 1);
    posts(&source, &bob, 2);
    assert_eq!(numbers(&mut receiver, 2).await, [1, 2]);
    server.stop().await;
}
