//! A server that is shaped like Jetstream: it replays what it is given, in the framing of the first or
//! of the second protocol, keeps only so much of it, and fails as it is told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use loggia_firehose::blocks::link::Link;
use loggia_syntax::Tid;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// When the first event happens: 2026-08-12, noon.
const FIRST: i64 = 1_786_536_000_000_000;
/// Events are a millisecond apart.
const STEP: i64 = 1000;
/// What the second protocol takes for a time.
const TIMES: i64 = 1_000_000_000_000_000;

/// Which framing it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    First,
    Second,
}

/// The server. What it is told to say goes to everybody who is connected, and to those who come later
/// with a cursor.
pub struct Jetstream {
    world: Arc<World>,
    port: u16,
}

struct World {
    framing: Framing,
    state: Mutex<Inner>,
    /// Counts changes, so that connections look again.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    entries: Vec<Entry>,
    /// How many of the first entries are no longer kept.
    forgotten: usize,
    next: i64,
    refusing: bool,
    /// Whoever connected before is hung up on when this grows.
    era: u64,
    queries: Vec<String>,
}

#[derive(Clone)]
struct Entry {
    seq: i64,
    time: i64,
    collection: Option<String>,
    text: String,
}

impl Jetstream {
    /// A server without history.
    pub async fn start(framing: Framing) -> Self {
        let world = Arc::new(World {
            framing,
            state: Mutex::default(),
            changes: watch::Sender::new(0),
        });
        let routes = Router::new()
            .route("/subscribe", get(subscribe))
            .route(
                "/xrpc/network.bsky.jetstream.subscribeEvents",
                get(subscribe),
            )
            .with_state(world.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { world, port }
    }

    /// Where it is, as a setting names it.
    pub fn url(&self) -> String {
        let path = match self.world.framing {
            Framing::First => "subscribe",
            Framing::Second => "xrpc/network.bsky.jetstream.subscribeEvents",
        };
        format!("ws://localhost:{}/{path}", self.port)
    }

    /// A record of this repository was created, updated or deleted. Returns its hash, which a delete
    /// has not.
    pub fn commit(&self, did: &str, operation: &str, path: &str, record: Option<Value>) -> String {
        let (collection, rkey) = path.split_once('/').expect("collection/rkey");
        let time = self.world.time();
        let rev = Tid::from_micros(time.unsigned_abs(), 0).expect("a revision");
        let mut commit = json!({
            "rev": rev, "operation": operation, "collection": collection, "rkey": rkey,
        });
        let mut hash = String::new();
        if let Some(record) = record {
            hash = Link::of_dag_cbor(record.to_string().as_bytes())
                .to_cid()
                .into();
            commit["cid"] = json!(hash);
            commit["record"] = record;
        }
        self.say(did, "commit", commit, Some(collection));
        hash
    }

    /// The account's status changed.
    pub fn account(&self, did: &str, active: bool) {
        self.say(
            did,
            "account",
            json!({"did": did, "active": active, "seq": 1}),
            None,
        );
    }

    fn say(&self, did: &str, kind: &str, body: Value, collection: Option<&str>) {
        let (time, framing) = (self.world.time(), self.world.framing);
        self.world.change(|inner| {
            let seq = inner.next + 1;
            let event = match framing {
                Framing::First => first(did, time, kind, &body),
                Framing::Second => second(did, seq, time, kind, body),
            };
            inner.next = seq;
            inner.entries.push(Entry {
                seq,
                time,
                collection: collection.map(str::to_owned),
                text: event.to_string(),
            });
        });
    }

    /// Says something that is no event.
    pub fn say_garbage(&self, text: &str) {
        let time = self.world.time();
        self.world.change(|inner| {
            inner.entries.push(Entry {
                seq: inner.next,
                time,
                collection: None,
                text: text.to_owned(),
            });
        });
    }

    /// Lets time pass without an event.
    pub fn pass(&self, steps: i64) {
        self.world.change(|inner| inner.next += steps);
    }

    /// Lets time pass until now, if that is later.
    pub fn pass_until(&self, now: Timestamp) {
        let steps = (now.as_microsecond() - self.world.time()) / STEP;
        self.pass(steps.max(0));
    }

    /// Forgets everything but the last so many events.
    pub fn keep_only(&self, events: usize) {
        self.world
            .change(|inner| inner.forgotten = inner.entries.len().saturating_sub(events));
    }

    /// Hangs up on everybody.
    pub fn hang_up(&self) {
        self.world.change(|inner| inner.era += 1);
    }

    /// Whether nobody is let in.
    pub fn refuse(&self, refusing: bool) {
        self.world.change(|inner| inner.refusing = refusing);
    }

    /// The queries of all connections that were asked for so far.
    pub fn queries(&self) -> Vec<String> {
        self.world.look(|inner| inner.queries.clone())
    }
}

impl World {
    fn time(&self) -> i64 {
        self.look(|inner| FIRST + inner.next * STEP)
    }

    fn look<T>(&self, look: impl FnOnce(&Inner) -> T) -> T {
        look(&self.state.lock().expect("nobody panicked"))
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.state.lock().expect("nobody panicked"));
        self.changes.send_modify(|count| *count += 1);
    }
}

fn first(did: &str, time: i64, kind: &str, body: &Value) -> Value {
    json!({"did": did, "time_us": time, "kind": kind, kind: body})
}

fn second(did: &str, seq: i64, time: i64, kind: &str, mut body: Value) -> Value {
    let nsid = "network.bsky.jetstream.subscribeEvents";
    let when = jiff::Timestamp::from_microsecond(time).expect("a time");
    let mut payload = match kind {
        "commit" => body.take(),
        _ => json!({kind: body}),
    };
    payload["$type"] = json!(format!("{nsid}#{kind}"));
    payload["seq"] = json!(seq);
    payload["did"] = json!(did);
    payload["time"] = json!(when.to_string());
    json!({"$type": "message", "payload": payload})
}

async fn subscribe(
    State(world): State<Arc<World>>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response {
    let query = query.unwrap_or_default();
    world
        .state
        .lock()
        .expect("nobody panicked")
        .queries
        .push(query.clone());
    if world.look(|inner| inner.refusing) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match Reading::from(&world, &query) {
        Ok(reading) => upgrade.on_upgrade(move |socket| reading.serve(socket)),
        Err(floor) => {
            let message = format!("the oldest event has number {floor}");
            let body = json!({"error": "CursorTooOld", "message": message});
            (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
        }
    }
}

/// One connection.
struct Reading {
    world: Arc<World>,
    era: u64,
    next: usize,
    collections: Vec<String>,
    /// Said before anything else.
    notice: Option<String>,
}

impl Reading {
    /// Where a query asks to begin; an error with the oldest number if that is too old.
    fn from(world: &Arc<World>, query: &str) -> Result<Self, i64> {
        let (mut cursor, mut collections) = (None, Vec::new());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "cursor" => cursor = value.parse().ok(),
                "wantedCollections" | "collections" => collections.push(value.into_owned()),
                _ => {}
            }
        }
        world.look(|inner| {
            let kept = &inner.entries[inner.forgotten..];
            let skipped = match cursor {
                None => kept.len(),
                Some(from) if world.framing == Framing::Second && from < TIMES => {
                    let floor = kept.first().map_or(inner.next + 1, |entry| entry.seq);
                    if from < floor {
                        return Err(floor);
                    }
                    kept.partition_point(|entry| entry.seq < from)
                }
                Some(from) => kept.partition_point(|entry| entry.time < from),
            };
            let is_clamped = inner.forgotten > 0
                && cursor.is_some_and(|from| inner.entries[inner.forgotten - 1].time >= from);
            let notice = world.framing == Framing::Second && is_clamped && skipped == 0;
            Ok(Self {
                world: world.clone(),
                era: inner.era,
                next: inner.forgotten + skipped,
                collections,
                notice: notice.then(outdated),
            })
        })
    }

    async fn serve(mut self, mut socket: WebSocket) {
        let mut changes = self.world.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if self.world.look(|inner| inner.era != self.era) {
                return;
            }
            while let Some(text) = self.following() {
                if socket.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                // Whoever reads answers pings.
                came = socket.recv() => if !matches!(came, Some(Ok(_))) { return },
            }
        }
    }

    fn following(&mut self) -> Option<String> {
        if let Some(notice) = self.notice.take() {
            return Some(notice);
        }
        loop {
            let next = self.next;
            let entry = self.world.look(|inner| inner.entries.get(next).cloned())?;
            self.next += 1;
            if entry
                .collection
                .is_none_or(|collection| self.wants(&collection))
            {
                return Some(entry.text);
            }
        }
    }

    fn wants(&self, collection: &str) -> bool {
        self.collections.is_empty()
            || self
                .collections
                .iter()
                .any(|wanted| match wanted.strip_suffix('*') {
                    Some(prefix) => collection.starts_with(prefix),
                    None => collection == wanted,
                })
    }
}

fn outdated() -> String {
    let kind = "network.bsky.jetstream.subscribeEvents#info";
    let payload = json!({"$type": kind, "name": "OutdatedCursor"});
    json!({"$type": "message", "payload": payload}).to_string()
}
