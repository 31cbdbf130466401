//! What a PostgreSQL server does to those who use it: it is restarted, and it tells them things.

use std::time::Duration;

use loggia_delivery::{DisableReason, Queue as _};
use loggia_services::{Durability, Postgres};
use loggia_storage::{Announcement, Announcements, MasterKey, Storage, StorageError, Used};

use crate::fixture::{Place, key, notification, seconds};
use crate::work::{add_endpoints, enqueue, take};

/// Long enough for the slowest machine; what is waited for takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

async fn next(announcements: &mut Announcements) -> Announcement {
    let next = tokio::time::timeout(PATIENCE, announcements.next()).await;
    next.expect("something is announced")
}

#[tokio::test]
async fn nodes_hear_of_work_and_of_endpoints() {
    let place = Place::postgres().await;
    let (here, there) = (place.open().await, place.open().await);
    let endpoints = add_endpoints(&here, 1).await;
    let mut heard = there.announcements();
    assert_eq!(next(&mut heard).await, Announcement::Due, "what was missed");
    enqueue(&here, notification(1, None), &endpoints, None).await;
    assert_eq!(next(&mut heard).await, Announcement::Due);
    assert_eq!(take(&there, 9, &[], 1).await.due.len(), 1);
    let mut tx = here.begin().await.expect("begins");
    let (id, reason) = (endpoints[0].id, DisableReason::Owner);
    let disabled = here
        .endpoints()
        .disable(&mut tx, id, reason, seconds(2))
        .await;
    disabled.expect("disables");
    tx.commit().await.expect("commits");
    assert_eq!(next(&mut heard).await, Announcement::Endpoint(id));
}

#[tokio::test]
async fn on_sqlite_nothing_is_announced() {
    let place = Place::sqlite();
    let storage = place.open().await;
    let mut heard = storage.announcements();
    let endpoints = add_endpoints(&storage, 1).await;
    enqueue(&storage, notification(1, None), &endpoints, None).await;
    let nothing = tokio::time::timeout(Duration::ZERO, heard.next()).await;
    nothing.expect_err("there is nobody else");
}

async fn use_up(storage: &Storage, key: &str) -> Result<Used, StorageError> {
    let replays = storage.replays();
    replays.consume("test", key, seconds(60)).await
}

/// Stops or crashes the server while connections are open, starts it again, and uses the store.
async fn outlives(end: impl FnOnce(&mut Postgres)) {
    let mut server = tokio::task::spawn_blocking(|| Postgres::start(Durability::Process))
        .await
        .expect("no panic")
        .expect("a PostgreSQL of one's own");
    let url = server.own_database().expect("a database");
    let location = url.parse().expect("a location");
    let storage = Storage::open(&location, &key()).await.expect("opens");
    let mut heard = storage.announcements();
    assert_eq!(next(&mut heard).await, Announcement::Due);
    // Several connections are open and idle when the server goes.
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let storage = storage.clone();
        tasks.spawn(async move { use_up(&storage, &format!("before {number}")).await });
    }
    for used in tasks.join_all().await {
        assert_eq!(used.expect("the server runs"), Used::First);
    }
    let cut_off = storage.begin().await.expect("begins");

    end(&mut server);
    let error = cut_off.commit().await.expect_err("the server is gone");
    assert!(matches!(error, StorageError::Sql { .. }), "{error:?}");
    server.resume().expect("starts again");

    let used = use_up(&storage, "after").await;
    assert_eq!(used.expect("a write finds a connection"), Used::First);
    assert_eq!(
        use_up(&storage, "before 1").await.expect("again"),
        Used::Before
    );
    assert_eq!(
        next(&mut heard).await,
        Announcement::Due,
        "who listens does so again, and looks for what was missed"
    );
    let oldest = storage.deliveries().oldest_due().await;
    assert_eq!(oldest.expect("reads work as well"), None);
    storage.close().await;
}

#[tokio::test]
async fn a_store_outlives_a_restart_of_its_server() {
    outlives(|server| server.stop().expect("stops")).await;
}

#[tokio::test]
async fn a_store_outlives_a_crash_of_its_server() {
    outlives(|server| server.crash().expect("ends")).await;
}

#[tokio::test]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let place = Place::postgres().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let location = place.location();
        tasks.spawn(async move { Storage::open(&location, &key()).await });
    }
    for opened in tasks.join_all().await {
        opened.expect("opens").close().await;
    }
    let other = place.try_open(&MasterKey::new([8; 32])).await;
    assert!(matches!(other, Err(StorageError::WrongKey)));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    let location = "postgres://anna:hush@127.0.0.1:1/none";
    let location = location.parse().expect("a location");
    let joined = Storage::join(&location, &key()).await;
    let error = joined.expect_err("nobody listens there");
    let text = format!("{error}: {error:?}");
    assert!(text.contains("none on 127.0.0.1:1"), "{text}");
    assert!(!text.contains("hush"), "{text}");
}

/// The store's own clock has no part in the tests, but the database's has: a node that beats twice
/// lives.
#[tokio::test]
async fn a_life_begins_anew_with_each_beat() {
    let storage = Place::postgres().await.open().await;
    let node = crate::work::node();
    let minute = jiff::SignedDuration::from_mins(1);
    for lapsed in [true, false, false] {
        let life = storage
            .deliveries()
            .heartbeat(&node, minute, seconds(0))
            .await;
        assert_eq!(life.expect("beats").lapsed, lapsed);
    }
}
