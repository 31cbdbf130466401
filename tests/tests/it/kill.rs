//! `kill -9` at random moments under load: what was acknowledged arrives, and arrives again only
//! where an attempt was under way.

use std::path::Path;
use std::time::Duration;

use loggia_services::Postgres;

use crate::support::aftermath::{Audience, all_is_over};
use crate::support::load::Load;
use crate::support::process::ServerProcess;
use crate::support::rows::Database;
use crate::support::{Seed, is_long};

/// Where the server keeps its data beside its folder.
enum Store {
    File,
    Postgres(String),
}

impl Store {
    fn settings(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::File => Vec::new(),
            // Whoever starts again is another node, and waits for the lease of the dead one.
            Self::Postgres(url) => vec![
                ("database_url", url.clone()),
                ("lease_seconds", "5".to_owned()),
                ("attempt_timeout_ms", "1000".to_owned()),
            ],
        }
    }

    async fn open(&self, data: &Path) -> Database {
        match self {
            Self::File => Database::sqlite(data).await,
            Self::Postgres(url) => Database::postgres(url).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loses_nothing_on_sqlite() {
    loses_nothing(&Store::File).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loses_nothing_on_postgres() {
    loses_nothing(&Store::Postgres(Postgres::database().await)).await;
}

async fn loses_nothing(store: &Store) {
    let rounds = if is_long() { 20 } else { 4 };
    let mut seed = Seed::of_this_run();
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut server = ServerProcess::start(data.path(), &store.settings()).await;
    let alice = server.caller("alice");
    let mut audience = Audience::of(&alice).await;
    let load = Load::start(std::slice::from_ref(&alice), 8, alice.did());
    for _ in 0..rounds {
        // In the middle of things, wherever that is.
        load.gets_on(10).await;
        tokio::time::sleep(Duration::from_millis(seed.below(300))).await;
        server.kill();
        audience.note(&mut store.open(data.path()).await).await;
        server.spawn_again();
        server.ready().await;
    }
    load.gets_on(10).await;
    let acknowledged = load.stop().await;
    audience.heard(&acknowledged).await;
    all_is_over(&mut store.open(data.path()).await).await;
}
