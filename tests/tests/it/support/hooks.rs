//! A person whose PDS keeps webhook records, a server that they are logged in to, and a stream of what
//! happens to those whom they watch.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use loggia_firehose::{SourceKind, SourceUrl};
use loggia_server::config::Config;
use loggia_server::record_stream::StreamSettings;
use serde_json::{Value, json};
use sha2::Sha256;

use super::jetstream::{Framing, Jetstream};
use super::{Arrival, Person, Provider, TestServer};

/// Who is watched.
pub const WATCHED: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
/// What is.
pub const POST: &str = "app.bsky.feed.post";

/// So long is waited for what has to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// All of it.
pub struct Hooks {
    /// Runs as long as this is here.
    _server: TestServer,
    pub person: Person,
    pub provider: Provider,
    pub jetstream: Jetstream,
}

impl Hooks {
    /// A server with these settings, which has connected to the stream.
    pub async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let jetstream = Jetstream::start(Framing::First).await;
        let kind = SourceKind::Jetstream;
        let stream = StreamSettings {
            name: "network".to_owned(),
            kind,
            hosts: vec![SourceUrl::read(&jetstream.url(), kind).expect("a URL")],
            collections: Vec::new(),
            verify: false,
            from_start: false,
            dictionary: None,
        };
        let server = TestServer::start_with(|config| {
            config.streams = vec![stream];
            change(config);
        })
        .await;
        let provider = Provider::start().await;
        let mut person = Person::at(&server);
        person.log_in(&provider).await;
        provider.now().records = Some(BTreeMap::new());
        let hooks = Self {
            _server: server,
            person,
            provider,
            jetstream,
        };
        hooks.connected().await;
        hooks
    }

    async fn connected(&self) {
        let connecting = async {
            while self.jetstream.queries().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let connected = tokio::time::timeout(PATIENCE, connecting).await;
        connected.expect("the server connects to the stream");
    }

    /// Writes a webhook that watches the posts, with more members than that; its key.
    pub async fn add(&mut self, url: &str, more: Value) -> String {
        let mut body = json!({ "scopeAturi": format!("at://{WATCHED}/{POST}"), "url": url });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let made = self
            .person
            .script("POST", "/api/webhook", Some(&body))
            .await;
        made.output()["rkey"].as_str().expect("a key").to_owned()
    }

    /// Waits until the server makes this of a webhook; what it says of it then.
    pub async fn until(&mut self, rkey: &str, state: &str) -> Value {
        let waiting = async {
            loop {
                let listed = self
                    .person
                    .script("GET", "/api/webhook", None)
                    .await
                    .output();
                let records = listed["records"].as_array().expect("a list");
                let found = records.iter().find(|record| {
                    record["uri"]
                        .as_str()
                        .is_some_and(|uri| uri.ends_with(rkey))
                });
                let found = found.expect("the record is there")["delivery"].clone();
                if found["state"] == state {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("a webhook does not become {state}"))
    }

    /// Somebody who is watched posts.
    pub fn post(&self, rkey: &str) {
        let record = json!({ "$type": POST, "text": "hello" });
        let path = format!("{POST}/{rkey}");
        self.jetstream
            .commit(WATCHED, "create", &path, Some(record));
    }

    /// Waits for the one delivery to end; what is listed of it.
    pub async fn outcome(&mut self) -> Value {
        loop {
            let listed = self.person.script("GET", "/api/webhook/events", None);
            let listed = listed.await.output();
            let events = listed.get("events").unwrap_or(&listed);
            if let Some(event) = events.get(0) {
                return event.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes a secret, or replaces it; its token.
    pub async fn secret(&mut self, path: &str, name: &str) -> String {
        let body = json!({ "name": name });
        let made = self.person.script("POST", path, Some(&body)).await.output();
        made["token"].as_str().expect("a token").to_owned()
    }
}

/// The signature of a body under a token, as a receiver of Wisp's computes it.
pub fn signature(token: &str, arrival: &Arrival) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("any length will do");
    mac.update(&arrival.body);
    let code = mac.finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

/// A header as text.
pub fn header<'a>(arrival: &'a Arrival, name: &str) -> Option<&'a str> {
    let value = arrival.headers.get(name)?;
    Some(value.to_str().expect("a text header"))
}

/// The body as JSON.
pub fn body(arrival: &Arrival) -> Value {
    serde_json::from_slice(&arrival.body).expect("JSON")
}
