//! Three servers on one PostgreSQL: one dies, one stands still for longer than its lease, and what
//! they held goes out through the others.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use loggia_server::chance;
use loggia_services::Postgres;

use crate::support::aftermath::{Audience, all_is_over};
use crate::support::is_long;
use crate::support::load::{self, Load};
use crate::support::process::ServerProcess;
use crate::support::rows::Database;

/// The shortest that can be set, in seconds.
const LEASE: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn take_over_from_one_that_dies_and_one_that_stands_still() {
    let url = Postgres::database().await;
    let settings = [
        ("database_url", url.clone()),
        ("master_key", BASE64_STANDARD.encode(chance::bytes::<32>())),
        ("lease_seconds", LEASE.to_string()),
        ("attempt_timeout_ms", "1000".to_owned()),
    ];
    let folders = [(); 3].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let mut nodes = Vec::new();
    for folder in &folders {
        nodes.push(ServerProcess::start(folder.path(), &settings).await);
    }
    let [steady, dying, sleeping] = &mut nodes[..] else {
        unreachable!("there are three")
    };
    let alice = steady.caller("alice");
    load::open(&alice).await;
    let mut audience = Audience::of(&alice).await;
    let mut database = Database::postgres(&url).await;
    let authors = [alice.clone(), dying.caller("bob"), sleeping.caller("carol")];
    let load = Load::start(&authors, 4, alice.did());
    for _ in 0..if is_long() { 5 } else { 1 } {
        load.gets_on(60).await;
        dying.kill();
        audience.note(&mut database).await;
        load.gets_on(30).await;
        sleeping.signal("STOP");
        audience.note(&mut database).await;
        // Longer than its lease: the others take over what it held.
        tokio::time::sleep(Duration::from_secs(LEASE + 2)).await;
        sleeping.signal("CONT");
        audience.note(&mut database).await;
        sleeping.ready().await;
        dying.spawn_again();
        dying.ready().await;
    }
    load.gets_on(60).await;
    let acknowledged = load.stop().await;
    audience.heard(&acknowledged).await;
    all_is_over(&mut database).await;
    no_delivery_is_recorded_twice(&mut database).await;
}

/// An attempt of somebody who had lost the delivery is on record; it moves the delivery no more.
async fn no_delivery_is_recorded_twice(database: &mut Database) {
    for row in database.deliveries().await {
        let last = row.last.as_ref().expect("it was attempted");
        assert!(row.attempts >= 1 && row.attempts <= last.number, "{row:?}");
    }
}
