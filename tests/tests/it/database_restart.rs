//! The database goes away under load, in good order and not, and comes back: so does the server, by
//! itself.

use std::time::Duration;

use loggia_services::{Durability, Postgres};

use crate::support::aftermath::{Audience, all_is_over};
use crate::support::load::Load;
use crate::support::process::ServerProcess;
use crate::support::rows::Database;

#[tokio::test(flavor = "multi_thread")]
async fn is_lived_through() {
    let mut postgres = Postgres::start(Durability::Process).expect("a PostgreSQL");
    let url = postgres.own_database().expect("a database");
    let settings = [
        ("database_url", url.clone()),
        ("lease_seconds", "5".to_owned()),
        ("attempt_timeout_ms", "1000".to_owned()),
    ];
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut server = ServerProcess::start(data.path(), &settings).await;
    let alice = server.caller("alice");
    let mut audience = Audience::of(&alice).await;
    let load = Load::start(std::slice::from_ref(&alice), 8, alice.did());
    for end in [Postgres::crash, Postgres::stop] {
        load.gets_on(20).await;
        end(&mut postgres).expect("it ends");
        // While it is away nothing is acknowledged; the server stays.
        tokio::time::sleep(Duration::from_secs(1)).await;
        postgres.resume().expect("it comes back");
        audience.note(&mut Database::postgres(&url).await).await;
        load.gets_on(20).await;
        server.ready().await;
    }
    let acknowledged = load.stop().await;
    audience.heard(&acknowledged).await;
    all_is_over(&mut Database::postgres(&url).await).await;
}
