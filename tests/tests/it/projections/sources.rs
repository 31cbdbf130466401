//! What happens elsewhere, in the histories of those who read it.

use jiff::Timestamp;
use loggia_server::projections::definition::{Definition, Records, Space};
use loggia_server::projections::sources::{Contents, RecordChange, take};
use loggia_storage::{MasterKey, NewProjection, ProjectionId, Storage};
use loggia_syntax::{Did, Nsid, RecordKey, SpaceRef};
use serde_json::Value;

const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn did(name: &str) -> Did {
    Did::new(format!("did:plc:{name}")).expect("a DID")
}

async fn reader(storage: &Storage, number: u8, owner: &str, definition: Definition) {
    let new = NewProjection {
        reads: definition.reads().expect("a source"),
        definition: serde_json::to_string(&definition).expect("JSON"),
    };
    let mut tx = storage.begin().await.expect("begins");
    let owner = did(owner);
    let which = (ProjectionId::new(START, [number; 10]), &owner);
    let projections = storage.projections();
    let inserted = projections.insert(&mut tx, which, &new, 9, START).await;
    assert!(inserted.expect("inserts"));
    tx.commit().await.expect("commits");
}

fn of_records(collection: &str, author: Option<&str>) -> Definition {
    let mut definition = Definition::default();
    definition.selection.records = Some(Records {
        collection: collection.to_owned(),
        did: author.map(|author| did(author).to_string()),
    });
    definition
}

async fn taken(storage: &Storage, changes: &[RecordChange<'_>]) -> usize {
    let mut tx = storage.begin().await.expect("begins");
    let taken = take(storage, &mut tx, changes, START).await.expect("takes");
    tx.commit().await.expect("commits");
    taken
}

#[tokio::test]
async fn changes_go_once_to_each_history_that_reads_them() {
    let storage = Storage::memory("sources", &MasterKey::new([7; 32]))
        .await
        .expect("opens");
    let (post, like) = ("com.example.post", "com.example.like");
    reader(&storage, 1, "everyone", of_records(post, None)).await;
    reader(&storage, 2, "one", of_records(post, Some("alice"))).await;
    reader(&storage, 3, "other", of_records(like, None)).await;
    let space = SpaceRef::from_any_spelling("at://did:plc:host/space/com.example.forum/main");
    let space = space.expect("a space");
    let mut of_space = Definition::default();
    of_space.selection.space = Some(Space {
        space: space.to_string(),
        collection: None,
    });
    assert_eq!(of_space.space(), Ok(Some(space.clone())));
    reader(&storage, 4, "host", of_space.clone()).await;
    // Nobody who may not read it, whatever stands in the store.
    reader(&storage, 5, "other", of_space.clone()).await;
    // Two projections of one owner, one history.
    reader(&storage, 6, "one", of_records(post, None)).await;

    let (alice, bob) = (did("alice"), did("bob"));
    let (post, rkey) = (
        Nsid::new(post).expect("an NSID"),
        RecordKey::new("3k").expect("a key"),
    );
    let change = |space, author| RecordChange {
        space,
        author,
        collection: &post,
        rkey: &rkey,
        rev: "3kabc",
        place: 0,
        action: "create",
        cid: Some("bafy"),
        record: Some(Contents::Json(br#"{"text":"hi"}"#)),
    };
    let events = [
        change(None, &alice),
        change(None, &bob),
        change(Some(&space), &alice),
    ];
    assert_eq!(taken(&storage, &events).await, 2 + 2 + 1);
    assert_eq!(taken(&storage, &events).await, 0, "taken before");

    let history = async |owner: &str| {
        let events = storage.events().after(&did(owner), 0, 9).await;
        events.expect("reads")
    };
    let read = history("everyone").await;
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].aggregate, "at://did:plc:alice/com.example.post/3k");
    assert_eq!(
        (read[0].kind.as_str(), read[0].data.as_str()),
        ("create", r#"{"text":"hi"}"#)
    );
    let metadata: Value =
        serde_json::from_str(read[0].metadata.as_deref().expect("some")).expect("JSON");
    assert_eq!(
        (&metadata["did"], &metadata["rev"]),
        (&"did:plc:alice".into(), &"3kabc".into())
    );
    let read = history("one").await;
    assert_eq!((read.len(), read[0].version, read[1].version), (2, 1, 1));
    let hers = of_records(post.as_str(), Some("alice"));
    let reads = hers.reads().expect("a source");
    assert!(hers.selects(&read[0], reads.as_deref()));
    assert!(!hers.selects(&read[1], reads.as_deref()), "that is Bob's");
    assert!(history("other").await.is_empty());
    let read = history("host").await;
    assert_eq!(read.len(), 1);
    let reads = of_space.reads().expect("a source");
    assert!(of_space.selects(&read[0], reads.as_deref()));
    assert!(
        !Definition::default().selects(&read[0], None),
        "not from the API"
    );
}

#[tokio::test]
async fn a_record_that_is_too_large_or_no_json_is_an_event_without_it() {
    let storage = Storage::memory("omitted", &MasterKey::new([7; 32]))
        .await
        .expect("opens");
    reader(&storage, 1, "a", of_records("com.example.post", None)).await;
    let (alice, post) = (did("alice"), Nsid::from_static("com.example.post"));
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(256 * 1024));
    for (rkey, record, why) in [
        ("large", large.as_bytes(), "tooLarge"),
        ("broken", b"{\"text\":", "unreadable"),
        ("bytes", b"\xff", "unreadable"),
    ] {
        let rkey = RecordKey::new(rkey).expect("a key");
        let change = RecordChange {
            space: None,
            author: &alice,
            collection: &post,
            rkey: &rkey,
            rev: "3kabc",
            place: 0,
            action: "create",
            cid: None,
            record: Some(Contents::Json(record)),
        };
        assert_eq!(taken(&storage, &[change]).await, 1);
        let events = storage
            .events()
            .after(&did("a"), 0, 9)
            .await
            .expect("reads");
        let last = events.last().expect("one");
        let metadata: Value =
            serde_json::from_str(last.metadata.as_deref().expect("some")).expect("JSON");
        assert_eq!(
            (last.data.as_str(), &metadata["omitted"]),
            ("null", &why.into())
        );
    }
}
