//! Accounts on the reference PDS whose records are webhooks, and a server that consumes its stream.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use loggia_firehose::{SourceKind, SourceUrl};
use loggia_server::config::Config;
use loggia_server::record_stream::StreamSettings;
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use super::pds::{PdsAccount, ReferenceServers, Written};
use super::rows::Database;
use super::{Arrival, TestServer};

/// Where the records are.
pub const WEBHOOK: &str = "place.wisp.v2.wh";
pub const POST: &str = "app.bsky.feed.post";
pub const LIKE: &str = "app.bsky.feed.like";

/// So long is waited for what has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The stream of the PDS itself.
pub fn stream_of(pds: &str) -> StreamSettings {
    stream("pds", SourceKind::Repos, pds)
}

/// A stream with one host.
pub fn stream(name: &str, kind: SourceKind, url: &str) -> StreamSettings {
    StreamSettings {
        name: name.to_owned(),
        kind,
        hosts: vec![SourceUrl::read(url, kind).expect("a URL of a source")],
        collections: Vec::new(),
        verify: kind == SourceKind::Repos,
        from_start: false,
        dictionary: None,
    }
}

/// The PDS, and the settings of servers that consume its stream.
pub struct WebhookWorld {
    pub servers: ReferenceServers,
}

impl WebhookWorld {
    pub fn start() -> Self {
        Self {
            servers: ReferenceServers::start(),
        }
    }

    /// A server that consumes the stream of the PDS, and has begun to.
    pub async fn server(&self) -> TestServer {
        self.server_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn server_with(&self, change: impl FnOnce(&mut Config)) -> TestServer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        self.server_in(folder, change).await
    }

    /// The same in the data folder of one that was stopped.
    pub async fn server_in(&self, folder: TempDir, change: impl FnOnce(&mut Config)) -> TestServer {
        let server = TestServer::start_in(folder, |config| {
            config.plc_directory = self.servers.plc.parse().expect("a URL");
            config.streams = vec![stream_of(&self.servers.pds)];
            change(config);
        })
        .await;
        streams_live(&server).await;
        server
    }

    pub async fn account(&self, name: &str) -> PdsAccount {
        self.servers.account(name).await
    }
}

/// Waits until every stream is connected.
pub async fn streams_live(server: &TestServer) {
    until("the streams are live", async || {
        let health = server.get("/xrpc/_health").await;
        let Some(streams) = health.body["streams"].as_object() else {
            return false;
        };
        !streams.is_empty() && streams.values().all(|stream| stream["connected"] == true)
    })
    .await;
}

/// Waits for something to be so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "waited in vain: {what}");
}

/// A webhook that watches this scope.
pub fn webhook(scope: &str, url: &str) -> Value {
    json!({
        "$type": WEBHOOK,
        "scope": { "aturi": scope, "backlinks": false },
        "url": url,
        "createdAt": "2026-01-15T10:30:00.000Z",
    })
}

/// A webhook that is told of what refers to this scope as well.
pub fn watching_backlinks(scope: &str, url: &str) -> Value {
    with(
        webhook(scope, url),
        "scope",
        json!({ "aturi": scope, "backlinks": true }),
    )
}

/// The record with this member.
pub fn with(mut record: Value, name: &str, value: Value) -> Value {
    record[name] = value;
    record
}

pub fn post(text: &str) -> Value {
    json!({ "$type": POST, "text": text, "createdAt": "2026-01-15T10:30:00.000Z" })
}

pub fn like(of: &Written) -> Value {
    json!({
        "$type": LIKE,
        "subject": { "uri": of.uri, "cid": of.cid },
        "createdAt": "2026-01-15T10:30:00.000Z",
    })
}

/// The last part of a record's address.
pub fn rkey(record: &Written) -> &str {
    record.uri.rsplit('/').next().expect("an address")
}

/// Waits until the server knows a webhook in this state.
pub async fn known(server: &TestServer, record: &Written, state: &str) {
    let mut database = Database::sqlite(&server.data()).await;
    known_in(&mut database, record, state).await;
}

/// The same of a server whose database this is.
pub async fn known_in(database: &mut Database, record: &Written, state: &str) {
    let question = format!(
        "SELECT count(*) FROM wisp_webhook WHERE rkey = '{}' AND cid {} AND state = '{state}'",
        rkey(record),
        match state {
            "removed" => "IS NULL".to_owned(),
            _ => format!("= '{}'", record.cid),
        }
    );
    until(&format!("{} is {state}", record.uri), async || {
        database.number(&question).await == 1
    })
    .await;
}

/// The body of a delivery of Wisp's, signed as it has to be if a secret is given.
#[track_caller]
pub fn told(arrival: &Arrival, secret: Option<&str>) -> Value {
    assert_eq!(arrival.header("content-type"), "application/json");
    let signature = arrival.headers.get("x-webhook-signature");
    match secret {
        None => assert!(signature.is_none(), "nothing to sign with: {arrival:#?}"),
        Some(secret) => {
            let signature = signature.expect("it is signed");
            let expected = hmac_hex(secret.as_bytes(), &arrival.body);
            assert_eq!(signature, format!("sha256={expected}").as_str());
        }
    }
    serde_json::from_slice(&arrival.body).expect("JSON")
}

fn hmac_hex(key: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(body);
    let code = mac.finalize().into_bytes();
    code.iter().map(|byte| format!("{byte:02x}")).collect()
}
