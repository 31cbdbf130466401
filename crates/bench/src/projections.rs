//! Events folded into states and notified, against the same jq program run over the same events with
//! nothing stored.
//!
//! The server folds what stands in its store when it starts: until its projection has come to the last
//! event. Each event changes a state, so each makes a notification in the log.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use loggia_reducer::{Program, Room};
use loggia_server::Server;
use loggia_server::config::Config;
use loggia_storage::{
    EventId, Location, MasterKey, NewEvent, NewProjection, ProjectionId, Storage,
};
use loggia_syntax::Did;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::delivery::{Database, postgres};
use crate::figures::{Verdict, per_second, row};

/// Events that are folded.
const EVENTS: u32 = 20_000;
/// Aggregates that they are of.
const AGGREGATES: u32 = 500;
/// Events of one append.
const BATCH: u32 = 500;
const KEY: [u8; 32] = [7; 32];
/// How long a fold may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// What adds up an order, and keeps its items.
const REDUCER: &str = ".total = ((.total // 0) + $event.data.amount)
    | .items = ((.items // []) + [$event.data.item] | .[-10:]) | .count = ((.count // 0) + 1)";

pub fn run() {
    let base = bare();
    row(
        "jq alone, nothing stored",
        &per_second(base),
        "1.00",
        &Verdict::None,
    );
    let runtime = Runtime::new().expect("a runtime can be started");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let time = runtime.block_on(stored(folder.path(), None));
    shown("SQLite: folded, notified and on disk", time, base);
    let database: Database = postgres();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = database.database();
    let time = runtime.block_on(stored(folder.path(), Some(&url)));
    shown("PostgreSQL: folded, notified and on disk", time, base);
}

fn shown(name: &str, time: f64, base: f64) {
    let ratio = format!("{:.2}", base / time);
    row(name, &per_second(time), &ratio, &Verdict::None);
}

fn data(number: u32) -> serde_json::Value {
    json!({ "amount": f64::from(number % 100) + 0.25, "item": format!("item {}", number % 37) })
}

/// Nanoseconds for each event.
fn per_event(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1e9 / f64::from(EVENTS)
}

/// The program over all events, one state in memory for each aggregate.
fn bare() -> f64 {
    let work = |room: &Room| {
        let program = Program::compile(REDUCER, room).expect("a program");
        let mut states = vec!["null".to_owned(); AGGREGATES as usize];
        let events: Vec<String> = (0..EVENTS)
            .map(|number| json!({ "type": "changed", "data": data(number) }).to_string())
            .collect();
        let begun = Instant::now();
        for (number, event) in events.iter().enumerate() {
            let state = &mut states[number % AGGREGATES as usize];
            let given = program.run(state, event, room).expect("runs");
            *state = given.expect("a state").json;
        }
        per_event(begun.elapsed())
    };
    Room::with(work).expect("there are threads")
}

/// The server over all events, each written with its state, its notification and the cursor.
async fn stored(data: &Path, database: Option<&str>) -> f64 {
    let mut config = Config::defaults();
    config.bind.set_port(0);
    config.data = data.to_owned();
    config.database = database.map(|url| url.parse().expect("a location"));
    let location: Location = config.location();
    let server = Server::start(config, Some(STANDARD.encode(KEY))).await;
    let server = server.expect("the server starts");
    let storage = Storage::join(&location, &MasterKey::new(KEY)).await;
    let storage = storage.expect("the store is there");
    let owner = Did::new("did:web:owner.example.com").expect("a DID");
    let id = fill(&storage, &owner).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let begun = Instant::now();
    let running = tokio::spawn(server.run(async { stopped.await.unwrap_or_default() }));
    loop {
        let found = storage.projections().find(id, &owner).await;
        let found = found.expect("reads").expect("is there");
        if found.cursor == i64::from(EVENTS) {
            assert_eq!(
                found.sequence,
                i64::from(EVENTS),
                "each event changes a state"
            );
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let time = per_event(begun.elapsed());
    stop.send(()).expect("the server runs");
    running.await.expect("does not panic").expect("stops well");
    time
}

/// A projection, and what it is to fold.
async fn fill(storage: &Storage, owner: &Did) -> ProjectionId {
    let now = Timestamp::UNIX_EPOCH;
    let id = ProjectionId::new(now, [1; 10]);
    let new = NewProjection {
        definition: json!({ "reducer": REDUCER }).to_string(),
        reads: None,
    };
    let mut tx = storage.begin().await.expect("begins");
    let projections = storage.projections();
    let inserted = projections.insert(&mut tx, (id, owner), &new, 1, now).await;
    assert!(inserted.expect("inserts"));
    tx.commit().await.expect("commits");
    for start in (0..EVENTS).step_by(BATCH as usize) {
        let events = (start..start + BATCH).map(|number| event(number, now));
        let mut tx = storage.begin().await.expect("begins");
        let history = storage.events();
        let appended = history.append(&mut tx, owner, events.collect(), now).await;
        assert!(matches!(appended, Ok(loggia_storage::Appended::Done(_))));
        tx.commit().await.expect("commits");
    }
    id
}

fn event(number: u32, now: Timestamp) -> NewEvent {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    NewEvent {
        id: EventId::new(now, random),
        aggregate: format!("order_{}", number % AGGREGATES),
        aggregate_type: "order".to_owned(),
        kind: "changed".to_owned(),
        data: data(number).to_string(),
        metadata: None,
        correlation: None,
        causation: None,
        source: None,
        origin: None,
        expected: None,
    }
}
