//! The daily sweep: old deliveries go to the archive, and out of the database.

use std::path::{Path, PathBuf};

use async_compression::tokio::bufread::ZstdDecoder;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Answer, Attempt, Endpoint, EndpointId, Lease, NewNotification, NodeId, Notification,
    NotificationId, Outcome, Profile, Queue as _, Recipient, Report, Secret, Secrets, Settled,
    State, Target,
};
use loggia_server::archive::{Archive, ArchivePlace};
use loggia_server::daily::{Daily, Kept};
use loggia_storage::{MasterKey, Storage};
use loggia_syntax::{Did, Nsid};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, BufReader};

use crate::support::s3::{BUCKET, S3};

const START: Timestamp = Timestamp::constant(1_700_000_000, 0);
const KEPT: Kept = Kept {
    delivered: SignedDuration::from_hours(7 * 24),
    dead_letters: SignedDuration::from_hours(30 * 24),
    source_events: SignedDuration::from_hours(30 * 24),
    space_log: SignedDuration::from_hours(24 * 30),
};

fn day(days: i64) -> Timestamp {
    START + SignedDuration::from_hours(24 * days)
}

fn endpoint() -> Endpoint {
    Endpoint::new(
        EndpointId::new(START, [1; 10]),
        Did::new("did:web:owner.example.com").expect("a DID"),
        Target::new("https://hooks.example.com/secret-path").expect("a URL"),
        Profile::Standard,
        Secrets::one(Secret::generate([1; 32])),
        START,
    )
}

/// A store with one delivery that arrived at [`START`].
async fn store(name: &str) -> Storage {
    let key = MasterKey::new([7; 32]);
    let storage = Storage::memory(name, &key).await.expect("opens");
    let endpoint = endpoint();
    let notification = Notification {
        id: NotificationId::new(START, [1; 10]),
        kind: Nsid::from_static("com.example.happened"),
        subject: "something".to_owned(),
        body: Bytes::from_static(br#"{"n":1}"#),
        created_at: START,
        deadline: day(1),
    };
    let new = NewNotification {
        notification,
        source: None,
    };
    let lease = Lease {
        node: NodeId::new("here"),
        until: day(1),
    };
    let recipient = Recipient::new(endpoint.id, day(1));
    let mut tx = storage.begin().await.expect("begins");
    let inserted = storage.endpoints().insert(&mut tx, &endpoint).await;
    inserted.expect("is inserted");
    let deliveries = storage.deliveries();
    let enqueued = deliveries
        .enqueue(&mut tx, new, &[recipient], Some(&lease), START)
        .await
        .expect("is enqueued");
    tx.commit().await.expect("commits");
    let answer = Answer {
        status: 200,
        retry_after: None,
        body: Bytes::from_static(b"thanks"),
    };
    let settled = Settled {
        id: enqueued.due[0].id,
        state: State::Delivered {
            attempts: 1,
            at: START,
        },
        attempt: Some(Attempt {
            number: 1,
            started: START,
            duration_ms: 12,
            outcome: Outcome::Answered(answer),
            refused: false,
        }),
        report: Some(Report::Succeeded),
        lease: enqueued.due[0].lease.clone(),
    };
    let recorded = deliveries.record(&lease.node, &[settled], START).await;
    recorded.expect("is recorded");
    storage
}

/// The lines of the files of an archive.
async fn lines(files: &[PathBuf]) -> Vec<Value> {
    let mut lines = Vec::new();
    for file in files {
        let file = tokio::fs::File::open(file).await.expect("is there");
        let mut text = String::new();
        ZstdDecoder::new(BufReader::new(file))
            .read_to_string(&mut text)
            .await
            .expect("is whole");
        lines.extend(
            text.lines()
                .map(|line| line.parse::<Value>().expect("JSON")),
        );
    }
    lines
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[tokio::test]
async fn a_day_later_than_kept_a_delivery_is_in_the_archive_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = ArchivePlace::Folder(folder.path().to_owned());
    let storage = store("daily-folder").await;
    let archive = Archive::open(&place, []).expect("opens");
    let daily = Daily::new(storage.clone(), archive, KEPT);

    assert_eq!(daily.sweep_if_due(day(7)).await.expect("sweeps"), Some(0));
    assert_eq!(
        daily.sweep_if_due(day(7)).await.expect("looks"),
        None,
        "once a day"
    );
    assert_eq!(daily.sweep_if_due(day(8)).await.expect("sweeps"), Some(1));
    assert!(
        storage
            .deliveries()
            .list(NotificationId::new(START, [1; 10]))
            .await
            .expect("lists")
            .is_empty()
    );

    let lines = lines(&files(folder.path())).await;
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    for (name, value) in [
        ("owner", json!("did:web:owner.example.com")),
        ("kind", json!("com.example.happened")),
        ("subject", json!("something")),
        ("state", json!("delivered")),
        ("body", json!({ "n": 1 })),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    let attempt = &line["attempts"][0];
    assert_eq!(
        (&attempt["status"], &attempt["excerpt"]),
        (&json!(200), &json!("thanks"))
    );
    let text = line.to_string();
    assert!(
        !text.contains("secret-path"),
        "a URL may be a secret: {text}"
    );
}

/// What each of Wisp's webhooks has been told, as its documentation says.
#[tokio::test]
async fn the_log_of_a_wisp_webhook_keeps_its_newest_500() {
    const LOG: usize = 500;
    let key = MasterKey::new([7; 32]);
    let storage = Storage::memory("daily-wisp", &key).await.expect("opens");
    let deliveries = storage.deliveries();
    let mut tx = storage.begin().await.expect("begins");
    let mut endpoints = Vec::new();
    for (number, profile) in [
        (1, Profile::Wisp),
        (2, Profile::Wisp2),
        (3, Profile::Standard),
    ] {
        let endpoint = Endpoint {
            id: EndpointId::new(START, [number; 10]),
            profile,
            ..endpoint()
        };
        let inserted = storage.endpoints().insert(&mut tx, &endpoint).await;
        inserted.expect("is inserted");
        endpoints.push(endpoint.id);
    }
    tx.commit().await.expect("commits");
    for number in 0..LOG + 3 {
        let at = START + SignedDuration::from_secs(i64::try_from(number).expect("few"));
        settle(&storage, &endpoints, number, at).await;
    }
    let daily = Daily::new(storage.clone(), None, KEPT);
    // On the same day: nothing is old.
    let swept = daily
        .sweep_if_due(START + SignedDuration::from_hours(3))
        .await;
    assert_eq!(swept.expect("sweeps"), Some(6));
    for (number, kept) in [(0, 1), (2, 1), (3, 3), (LOG + 2, 3)] {
        let left = deliveries.list(notification_id(number)).await;
        assert_eq!(left.expect("lists").len(), kept, "{number}");
    }
}

fn notification_id(number: usize) -> NotificationId {
    let mut random = [9; 10];
    random[2..].copy_from_slice(&(number as u64).to_be_bytes());
    NotificationId::new(START, random)
}

/// Tells endpoints something, which arrives at that time.
async fn settle(storage: &Storage, endpoints: &[EndpointId], number: usize, at: Timestamp) {
    let notification = Notification {
        id: notification_id(number),
        kind: Nsid::from_static("com.example.happened"),
        subject: "something".to_owned(),
        body: Bytes::from_static(b"{}"),
        created_at: at,
        deadline: day(1),
    };
    let new = NewNotification {
        notification,
        source: None,
    };
    let lease = Lease {
        node: NodeId::new("here"),
        until: day(1),
    };
    let recipients: Vec<_> = endpoints
        .iter()
        .map(|endpoint| Recipient::new(*endpoint, day(1)))
        .collect();
    let deliveries = storage.deliveries();
    let mut tx = storage.begin().await.expect("begins");
    let enqueued = deliveries.enqueue(&mut tx, new, &recipients, Some(&lease), at);
    let enqueued = enqueued.await.expect("is enqueued");
    tx.commit().await.expect("commits");
    let settled: Vec<_> = enqueued
        .due
        .iter()
        .map(|due| Settled {
            id: due.id,
            state: State::Delivered { attempts: 1, at },
            attempt: None,
            report: None,
            lease: due.lease.clone(),
        })
        .collect();
    let recorded = deliveries.record(&lease.node, &settled, at).await;
    recorded.expect("is recorded");
}

#[tokio::test]
async fn an_archive_may_be_a_bucket() {
    let s3 = S3::start();
    let place: ArchivePlace = format!("s3://{BUCKET}/loggia").parse().expect("a place");
    let archive = Archive::open(&place, s3.environment())
        .expect("opens")
        .expect("is on");
    let path = archive
        .write(b"{\"n\":1}\n", START, 7)
        .await
        .expect("is written");
    assert!(
        path.as_ref().starts_with("loggia/deliveries/2023/11/14/"),
        "{path}"
    );
    assert_eq!(
        lines(&[s3.object(path.as_ref())]).await,
        [json!({ "n": 1 })]
    );
}

#[tokio::test]
async fn what_cannot_be_archived_is_not_removed() {
    let s3 = S3::start();
    let environment = s3.environment();
    let place: ArchivePlace = "s3://no-such-bucket".parse().expect("a place");
    let storage = store("daily-refused").await;
    let archive = Archive::open(&place, environment).expect("opens");
    let daily = Daily::new(storage.clone(), archive, KEPT);
    daily
        .sweep_if_due(day(8))
        .await
        .expect_err("there is no such bucket");
    let left = storage
        .deliveries()
        .list(NotificationId::new(START, [1; 10]))
        .await;
    assert_eq!(left.expect("lists").len(), 1);
}
