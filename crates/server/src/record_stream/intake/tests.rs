//! Batches with more deliveries than one transaction takes.

use bytes::Bytes;
use jiff::SignedDuration;
use loggia_delivery::{Endpoint, EndpointId, Profile, Secrets, Target};
use loggia_firehose::{Action, Change, Cursor, Event, Record, What};
use loggia_storage::{DeliveryFilter, Whose, WispState, WispWebhook};
use loggia_syntax::{Did, Nsid, RecordKey, Tid};

use super::*;
use crate::projections::Feeding;
use crate::streamplace::tests::Scene;
use crate::wisp::Version;

const STREAM: &str = "network";
const CLAIM: &str = "record stream network";
const WATCHED: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

fn owner() -> Did {
    Did::new("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb").expect("a DID")
}

/// An intake that takes so many deliveries at once, and four webhooks that watch one account.
async fn intake(scene: &Scene, most: usize) -> Intake {
    let storage = &scene.storage;
    let now = SystemClock.now();
    for number in 1..=4 {
        let id = EndpointId::new(now, [number; 10]);
        let target = Target::new(&format!("https://feed.example.com/{number}"));
        let endpoint = Endpoint::new(
            id,
            owner(),
            target.expect("a URL"),
            Profile::Wisp,
            Secrets::default(),
            now,
        );
        let webhook = WispWebhook {
            owner: owner(),
            rkey: RecordKey::new(format!("hook{number}")).expect("a key"),
            endpoint: Some(id),
            state: WispState::Active,
            paused: false,
            scope: format!("at://{WATCHED}"),
            backlinks: false,
            actions: Vec::new(),
            secret_id: None,
            cid: None,
            rev: "3lq6x5f2abcde".to_owned(),
        };
        let mut tx = storage.begin().await.expect("begins");
        let inserted = storage.endpoints().insert(&mut tx, &endpoint).await;
        inserted.expect("inserts");
        let put = storage.wisp_webhooks().put(&mut tx, &webhook, now).await;
        put.expect("puts");
        tx.commit().await.expect("commits");
    }
    Intake {
        storage: storage.clone(),
        engine: scene.engine.clone(),
        bell: Bell::default(),
        streamplace: scene.streamplace.clone(),
        feeding: Feeding::new(storage.clone(), Arc::default()),
        terms: Terms {
            version: Version::First,
        },
        looked: Looked::default(),
        most,
    }
}

fn batch(events: usize) -> Batch {
    let now = SystemClock.now();
    let event = |number: usize| Event {
        time: now,
        did: Did::new(WATCHED).expect("a DID"),
        what: What::Change(Change {
            rev: Tid::from_static("3kabcdefgh222"),
            action: Action::Create,
            collection: Nsid::from_static("app.bsky.feed.post"),
            rkey: RecordKey::new(format!("post{number}")).expect("a key"),
            cid: None,
            record: Some(Record::from_json(Bytes::from_static(b"{}"))),
        }),
    };
    Batch {
        events: (0..events).map(event).collect(),
        cursor: Some(Cursor {
            source: "wss://jetstream.example.com/subscribe".to_owned(),
            position: 7,
            time: now,
        }),
        frames: events,
        ..Batch::default()
    }
}

async fn enqueued(storage: &Storage) -> usize {
    let filter = DeliveryFilter::default();
    let (owner, deliveries) = (owner(), storage.deliveries());
    let page = deliveries.page(Whose::Of(&owner), &filter, None, 99).await;
    page.expect("lists").deliveries.len()
}

#[tokio::test]
async fn what_is_too_much_for_one_transaction_goes_into_others_and_the_place_into_the_last() {
    let scene = Scene::new("split").await;
    let (intake, storage) = (intake(&scene, 10).await, &scene.storage);
    let node = NodeId::new("single");
    let lease = SignedDuration::from_secs(30);
    let taken = storage.claims().take(CLAIM, &node, lease).await;
    assert!(taken.expect("takes"));
    let batch = batch(10);
    let taking = Taking {
        stream: STREAM,
        claim: CLAIM,
        node: &node,
        batch: &batch,
    };
    let mut known = KnownWebhooks::default();
    let part = intake.take_from(&taking, &mut known, 0).await;
    assert_eq!(part.expect("takes"), 3, "the third reaches the limit");
    assert_eq!(enqueued(storage).await, 3 * 4, "no event is half told");
    let cursors = storage.stream_cursors();
    assert!(cursors.list(STREAM).await.expect("lists").is_empty());

    // As after a crash: all of it again, and nothing twice.
    intake.take(&taking, &mut known).await.expect("takes");
    assert_eq!(enqueued(storage).await, 10 * 4);
    let cursors = cursors.list(STREAM).await.expect("lists");
    assert_eq!((cursors.len(), cursors[0].position), (1, 7));
}
