//! A receiver of what happens in communities, as those that were written for Bettermode are.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use loggia_delivery::signature::{Signed, TOLERANCE};
use loggia_delivery::{Clock, Secret, SystemClock};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{Account, Answer};

pub const CREATE_WEBHOOK: &str = "dev.loggia.community.createWebhook";
pub const UPDATE_WEBHOOK: &str = "dev.loggia.community.updateWebhook";
pub const ALL_EVENTS: [&str; 8] = [
    "space.created",
    "space.updated",
    "space.deleted",
    "space_membership.created",
    "space_membership.deleted",
    "space_join_request.created",
    "space_join_request.accepted",
    "space_join_request.rejected",
];

/// So long is waited for what has to happen.
const PATIENCE: Duration = Duration::from_secs(75);
/// Longer than any attempt takes here.
const HANGS: Duration = Duration::from_secs(20);

/// How a receiver answers.
#[derive(Clone, Debug)]
pub enum Manner {
    /// As it has to.
    Right,
    /// With 200 and this.
    Says(Value),
    /// With 200 and what is no JSON.
    Babbles,
    /// With the right thing under this status.
    Status(u16),
    /// Not at all, for long.
    Hangs,
}

/// A receiver on a port of its own.
pub struct Community {
    pub url: String,
    manners: Manners,
    arrived: mpsc::UnboundedReceiver<Posted>,
}

/// One POST.
#[derive(Debug)]
pub struct Posted {
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// How what comes next is answered; right, when there is nothing here.
type Manners = Arc<Mutex<VecDeque<Manner>>>;

impl Community {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, arrived) = mpsc::unbounded_channel();
        let manners = Manners::default();
        let state = (Arc::clone(&manners), sender);
        let router = Router::new().fallback(take).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}/hook"),
            manners,
            arrived,
        }
    }

    /// Answers the next POSTs like this.
    pub fn answers(&self, manners: impl IntoIterator<Item = Manner>) {
        let mut waiting = self.manners.lock().expect("nobody panics here");
        waiting.extend(manners);
    }

    /// The next POST, waited for.
    pub async fn next(&mut self) -> Posted {
        let posted = tokio::time::timeout(PATIENCE, self.arrived.recv()).await;
        posted
            .expect("a POST arrives in time")
            .expect("the receiver runs")
    }

    /// So many events, verified, by their order of happening.
    pub async fn events(&mut self, secret: &str, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(self.next().await.verified(secret));
        }
        events.sort_by_key(|event| event["data"]["id"].to_string());
        events
    }

    /// Holds that nothing arrived which was not looked at.
    #[track_caller]
    pub fn has_no_more(&mut self) {
        let more = self.arrived.try_recv().ok();
        assert!(more.is_none(), "one POST too many: {more:?}");
    }

    /// What an owner who wants it told of these events is answered.
    pub async fn ask(&self, owner: &Account<'_>, events: &[&str]) -> Answer {
        let input = json!({ "url": self.url, "events": events });
        owner.procedure(CREATE_WEBHOOK, &input).await
    }

    /// A webhook of the owner that is told of these events: its id and its secret.
    pub async fn hook(&mut self, owner: &Account<'_>, events: &[&str]) -> (String, String) {
        let made = self.ask(owner, events).await.output();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (id, secret) = (text(&made["webhook"]["id"]), text(&made["secret"]));
        let test = self.next().await.verified(&secret);
        assert_eq!(test["type"], "TEST");
        (id, secret)
    }
}

async fn take(
    State((manners, sender)): State<(Manners, mpsc::UnboundedSender<Posted>)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked: Value = serde_json::from_slice(&body).expect("JSON");
    let manner = manners.lock().expect("nobody panics here").pop_front();
    // The test may have ended, which is no concern of the sender's.
    sender.send(Posted { headers, body }).unwrap_or_default();
    let mut right = json!({ "type": asked["type"], "status": "SUCCEEDED" });
    if asked["type"] == "TEST" {
        right["data"] = json!({ "challenge": asked["data"]["challenge"] });
    }
    let status = |status| StatusCode::from_u16(status).expect("a status");
    match manner.unwrap_or(Manner::Right) {
        Manner::Right => axum::Json(right).into_response(),
        Manner::Says(what) => axum::Json(what).into_response(),
        Manner::Babbles => "SUCCEEDED".into_response(),
        Manner::Status(code) => (status(code), axum::Json(right)).into_response(),
        Manner::Hangs => {
            tokio::time::sleep(HANGS).await;
            axum::Json(right).into_response()
        }
    }
}

/// `hex(HMAC-SHA256(secret, "timestamp:body"))`, by nothing of ours.
pub fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    let code = mac.finalize().into_bytes();
    code.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Posted {
    /// A header as text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("no {name}: {self:#?}"));
        value.to_str().expect("a text header")
    }

    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Verifies both signatures as receivers do, and gives the body.
    #[track_caller]
    pub fn verified(&self, secret: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        let timestamp = self.header("x-bettermode-request-timestamp");
        let expected = signature(secret, timestamp, &self.body);
        assert_eq!(self.header("x-bettermode-signature"), expected);
        let key = Secret::from_text(secret).or_else(|_| Secret::plain(secret));
        let key = key.expect("a secret");
        let signed = Signed::find(|name| Some(self.header(name))).expect("all three headers");
        let verified = signed.verify(&self.body, &[key], SystemClock.now(), TOLERANCE);
        verified.unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        self.json()
    }
}
