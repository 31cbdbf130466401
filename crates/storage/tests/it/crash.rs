//! What is on the disk when the process is gone, and how it is found again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use loggia_delivery::{
    Answer, Clock, DeliveryId, Engine, Fault, Lease, Limits, NodeId, Queue, Request, State,
    Transport,
};
use loggia_storage::{MasterKey, Storage, StorageError};

use crate::fixture::{
    Folder, Place, START, endpoint, key, notification, on_both, recipient, seconds,
};

on_both!(
    an_engine_over_the_store_delivers_what_a_crash_left_behind,
    another_master_key_is_refused_at_once,
);

#[cfg(unix)]
#[tokio::test]
async fn what_is_on_the_disk_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let storage = folder.open().await;
    acknowledge(&storage).await;
    for file in folder.files() {
        let of_others = file.metadata().expect("is there").permissions().mode() & 0o077;
        assert_eq!(of_others, 0, "{}", file.display());
    }
}

/// Enqueues one delivery under a lease that nobody will honour.
async fn acknowledge(storage: &Storage) -> DeliveryId {
    let mut tx = storage.begin().await.expect("begins");
    storage
        .endpoints()
        .insert(&mut tx, &endpoint(1))
        .await
        .expect("inserts");
    let lease = Lease {
        node: NodeId::new("here"),
        until: seconds(300),
    };
    let recipients = [recipient(&endpoint(1))];
    let new = notification(1, None);
    let enqueued = storage
        .deliveries()
        .enqueue(&mut tx, new, &recipients, Some(&lease), START)
        .await;
    tx.commit().await.expect("commits");
    enqueued.expect("enqueues").due[0].id
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash() {
    let folder = Folder::new();
    let storage = folder.open().await;
    let id = acknowledge(&storage).await;
    // A transaction that was under way when the process died.
    let mut tx = storage.begin().await.expect("begins");
    storage
        .endpoints()
        .insert(&mut tx, &endpoint(2))
        .await
        .expect("inserts");
    std::mem::forget(tx);
    std::mem::forget(storage);

    let copy = folder.copy();
    let storage = copy.open().await;
    let deliveries = storage.deliveries();
    let voided = deliveries
        .void_leases(&NodeId::new("there"), seconds(1))
        .await;
    assert_eq!(voided.expect("voids"), 0, "somebody else's leases stand");
    let voided = deliveries
        .void_leases(&NodeId::new("here"), seconds(1))
        .await;
    assert_eq!(voided.expect("voids"), 1);
    let found = deliveries.list(id.notification).await.expect("lists");
    assert_eq!(
        found[0].state,
        State::Pending {
            attempts: 0,
            due: seconds(1)
        }
    );
    assert_eq!(
        storage
            .endpoints()
            .find(endpoint(2).id)
            .await
            .expect("finds"),
        None
    );
}

/// Counts requests and answers 200.
struct Counting(Arc<AtomicU64>);

impl Transport for Counting {
    async fn send(&self, _: Request) -> Result<Answer, Fault> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Answer {
            status: 200,
            retry_after: None,
            body: Bytes::new(),
        })
    }
}

/// Time stands still, and whoever sleeps past it sleeps for ever.
struct Still;

impl Clock for Still {
    fn now(&self) -> jiff::Timestamp {
        seconds(1)
    }

    async fn sleep_until(&self, at: jiff::Timestamp) {
        if at > self.now() {
            std::future::pending::<()>().await;
        }
    }
}

async fn an_engine_over_the_store_delivers_what_a_crash_left_behind(place: Place) {
    let storage = place.open().await;
    let id = acknowledge(&storage).await;
    storage.close().await;

    let storage = place.open().await;
    let requests = Arc::new(AtomicU64::new(0));
    let transport = Counting(requests.clone());
    let (node, limits) = (NodeId::new("here"), Limits::default());
    let (engine, _handle) = Engine::new(node, storage.deliveries(), transport, Still, || 0, limits);
    let deliveries = storage.deliveries();
    let delivered = async {
        loop {
            let found = deliveries.list(id.notification).await.expect("lists");
            if matches!(found[0].state, State::Delivered { attempts: 1, .. }) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let run = engine.run(delivered);
    let ended = tokio::time::timeout(Duration::from_secs(30), run).await;
    ended.expect("it is delivered soon").expect("a clean stop");
    assert_eq!(requests.load(Ordering::Relaxed), 1);
}

async fn another_master_key_is_refused_at_once(place: Place) {
    place.open().await.close().await;
    let other = place.try_open(&MasterKey::new([8; 32])).await;
    assert!(matches!(other, Err(StorageError::WrongKey)));
    place
        .try_open(&key())
        .await
        .expect("the right one still opens");
}

#[tokio::test]
async fn secrets_are_not_in_the_file() {
    let folder = Folder::new();
    let storage = folder.open().await;
    acknowledge(&storage).await;
    storage.close().await;
    let secret = endpoint(1).secrets.current.expect("it has one");
    let file = folder.database();
    let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(
        holds(b"https://feed.example.com/1"),
        "the row is in the file"
    );
    assert!(!holds(secret.hmac_key().expect("it is symmetric")));
    assert!(!holds(secret.to_text().as_bytes()));
}

#[tokio::test]
async fn a_store_in_memory_works_the_same() {
    let storage = Storage::memory("crash", &key()).await.expect("opens");
    let id = acknowledge(&storage).await;
    let found = storage
        .deliveries()
        .list(id.notification)
        .await
        .expect("lists");
    assert!(matches!(found[0].state, State::Leased { .. }));
}
