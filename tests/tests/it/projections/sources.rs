//! What happens elsewhere, in the histories of those who read it.

use jiff::Timestamp;
use loggia_server::projections::definition::{Definition, Records, Space};
use loggia_server::projections::intake::{RecordChange, SourceEvent, take};
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

async fn taken(storage: &Storage, events: &[SourceEvent]) -> usize {
    let mut tx = storage.begin().await.expect("begins");
    let taken = take(storage, &mut tx, events, START).await.expect("takes");
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
    assert!(of_space.check_reader(&did("host")).is_ok());
    assert!(
        of_space.check_reader(&did("everyone")).is_err(),
        "not theirs"
    );
    reader(&storage, 4, "host", of_space.clone()).await;

    let (alice, bob) = (did("alice"), did("bob"));
    let (post, rkey) = (
        Nsid::new(post).expect("an NSID"),
        RecordKey::new("3k").expect("a key"),
    );
    let change = |author| RecordChange {
        author,
        collection: &post,
        rkey: &rkey,
        rev: "3kabc",
        action: "create",
        cid: Some("bafy"),
        record: Some(r#"{"text":"hi"}"#),
    };
    let events = [
        SourceEvent::of_record(change(&alice)),
        SourceEvent::of_record(change(&bob)),
        SourceEvent::in_space(&space, change(&alice)),
    ];
    assert_eq!(taken(&storage, &events).await, 2 + 1 + 1);
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
    assert_eq!(history("one").await.len(), 1);
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
