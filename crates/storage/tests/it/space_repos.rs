//! Repositories in spaces: what is written, and what is there afterwards.

use loggia_space::{RecordPath, SetHash, cid_of};
use loggia_storage::{
    LogPlace, RecordAction, RecordRange, RecordValue, RecordWrite, RepoName, RepoState, Storage,
    Unwritten, Written, Wrote,
};
use loggia_syntax::{Nsid, SpaceRef, Tid};

use crate::fixture::{Place, did, on_both, seconds};

on_both!(
    what_is_written_is_there_with_its_log_and_hash,
    all_of_a_list_happens_or_nothing,
    revisions_only_go_up,
    what_changes_nothing_has_no_revision,
    records_are_listed_in_both_directions,
    the_log_goes_on_after_any_place,
    of_writers_at_once_none_is_lost,
    a_repository_has_as_many_records_as_are_allowed,
    a_deleted_repository_leaves_nothing,
    an_account_has_the_spaces_that_it_owns_and_writes_in,
    a_large_list_is_one_revision,
    a_log_is_shortened_from_its_beginning,
);

pub fn repo(author: &str) -> RepoName {
    let space = format!("at://{}/space/com.example.forum/a", did("alice"));
    RepoName {
        author: did(author),
        space: SpaceRef::new(space).expect("a space"),
    }
}

fn path(text: &str) -> RecordPath {
    let (collection, rkey) = text.split_once('/').expect("a path");
    RecordPath {
        collection: format!("com.example.{collection}")
            .parse()
            .expect("an NSID"),
        rkey: rkey.parse().expect("a key"),
    }
}

/// A record with a number in it.
fn value(number: u8) -> RecordValue {
    let dag_cbor = vec![0xa1, 0x61, 0x61, number];
    RecordValue {
        cid: cid_of(&dag_cbor),
        dag_cbor,
        blobs: Vec::new(),
    }
}

fn create(at: &str, number: u8) -> RecordWrite {
    write_of(at, RecordAction::Create(value(number)))
}

pub fn write_of(at: &str, action: RecordAction) -> RecordWrite {
    RecordWrite {
        path: path(at),
        action,
    }
}

async fn wrote(storage: &Storage, repo: &RepoName, writes: &[RecordWrite], most: u32) -> Wrote {
    let mut tx = storage.begin().await.expect("begins");
    let repos = storage.space_repos();
    let wrote = repos
        .write(&mut tx, repo, writes, most, (seconds(0), 7))
        .await;
    tx.commit().await.expect("commits");
    wrote.expect("runs")
}

pub async fn write(storage: &Storage, writes: &[RecordWrite]) -> Written {
    match wrote(storage, &repo("bob"), writes, 1000).await {
        Wrote::Written(written) => written,
        other => panic!("{other:?}"),
    }
}

pub async fn state(storage: &Storage) -> RepoState {
    let state = storage.space_repos().state(&repo("bob")).await;
    state.expect("runs").expect("is there")
}

/// The hash over what is there, made from the start.
async fn hash_of_all(storage: &Storage) -> SetHash {
    let snapshot = storage.space_repos().snapshot(&repo("bob")).await;
    let (state, records) = snapshot.expect("runs").expect("is there");
    let mut hash = SetHash::new();
    for record in &records {
        hash.add(&record.path.collection, &record.path.rkey, &record.cid);
    }
    assert_eq!(records.len(), state.records as usize);
    assert_eq!(hash, state.hash);
    hash
}

async fn what_is_written_is_there_with_its_log_and_hash(place: Place) {
    let storage = place.open().await;
    let repos = storage.space_repos();
    assert_eq!(repos.state(&repo("bob")).await.expect("runs"), None);
    let first = write(&storage, &[create("post/a", 1), create("post/b", 2)]).await;
    assert_eq!(first.changes.len(), 2);
    assert_eq!(first.hash, hash_of_all(&storage).await.digest());
    let second = write(
        &storage,
        &[
            write_of("post/a", RecordAction::Put(value(3))),
            write_of("post/b", RecordAction::Delete),
            write_of("like/c", RecordAction::Put(value(3))),
        ],
    )
    .await;
    assert!(second.rev > first.rev);
    assert_eq!(second.hash, hash_of_all(&storage).await.digest());
    let changes: Vec<_> = second
        .changes
        .iter()
        .map(|change| (change.prev.clone(), change.cid.clone()))
        .collect();
    let cid = |number| Some(value(number).cid);
    assert_eq!(changes, [(cid(1), cid(3)), (cid(2), None), (None, cid(3))]);

    let state = state(&storage).await;
    assert_eq!((&state.rev, state.records), (&second.rev, 2));
    let found = repos.find_record(&state, &path("post/a")).await;
    assert_eq!(
        found.expect("runs"),
        Some((value(3).cid, value(3).dag_cbor))
    );
    let gone = repos.find_record(&state, &path("post/b")).await;
    assert_eq!(gone.expect("runs"), None);
    let paths = [path("post/a"), path("post/b"), path("like/c")];
    let mut values = repos.values(&state, &paths).await.expect("runs");
    values.sort_by(|one, other| one.0.cmp(&other.0));
    let read: Vec<_> = values.into_iter().map(|(path, ..)| path).collect();
    assert_eq!(read, [path("like/c"), path("post/a")]);

    let log = repos.list_operations(&state, None, 99).await.expect("runs");
    let places: Vec<_> = log.iter().map(|op| op.place.to_string()).collect();
    let (one, two) = (&first.rev, &second.rev);
    let expected = [
        format!("{one}/0"),
        format!("{one}/1"),
        format!("{two}/0"),
        format!("{two}/1"),
        format!("{two}/2"),
    ];
    assert_eq!(places, expected);
    let current: Vec<_> = log.iter().map(|op| op.size).collect();
    assert_eq!(current, [None, None, Some(4), None, Some(4)]);
    let mut copy = loggia_space::Copy::default();
    for logged in &log {
        copy.apply(&logged.operation).expect("in order");
    }
    assert_eq!((copy.rev, copy.hash), (Some(second.rev), state.hash));
}

async fn all_of_a_list_happens_or_nothing(place: Place) {
    let storage = place.open().await;
    write(&storage, &[create("post/a", 1)]).await;
    let before = state(&storage).await;
    for (last, refused) in [
        (create("post/a", 2), Unwritten::Exists(path("post/a"))),
        (create("post/b", 2), Unwritten::Exists(path("post/b"))),
        (
            write_of("post/x", RecordAction::Update(value(2))),
            Unwritten::Missing(path("post/x")),
        ),
        (
            write_of("post/x", RecordAction::Delete),
            Unwritten::Missing(path("post/x")),
        ),
    ] {
        let writes = [create("post/b", 1), last];
        let outcome = wrote(&storage, &repo("bob"), &writes, 1000).await;
        assert_eq!(outcome, Wrote::Refused(refused));
        assert_eq!(state(&storage).await, before);
    }
    // Each change sees what those before it did.
    let writes = [
        create("post/b", 1),
        write_of("post/b", RecordAction::Update(value(2))),
        write_of("post/b", RecordAction::Delete),
        create("post/b", 3),
    ];
    let written = write(&storage, &writes).await;
    assert_eq!(written.changes.len(), 4);
    assert_eq!(written.hash, hash_of_all(&storage).await.digest());
}

async fn revisions_only_go_up(place: Place) {
    let storage = place.open().await;
    let mut last: Option<Tid> = None;
    for number in 0..5 {
        // The clock stands still.
        let written = write(&storage, &[create(&format!("post/{number}"), number)]).await;
        assert!(last.as_ref().is_none_or(|last| written.rev > *last));
        last = Some(written.rev);
    }
}

async fn what_changes_nothing_has_no_revision(place: Place) {
    let storage = place.open().await;
    let nothing = [write_of("post/a", RecordAction::Clear)];
    let outcome = wrote(&storage, &repo("bob"), &nothing, 1000).await;
    assert_eq!(outcome, Wrote::Unchanged);
    let none = storage.space_repos().state(&repo("bob")).await;
    assert_eq!(none.expect("runs"), None, "no repository was made for it");
    write(&storage, &[create("post/a", 1)]).await;
    let before = state(&storage).await;
    for action in [RecordAction::Put(value(1)), RecordAction::Update(value(1))] {
        let same = [write_of("post/a", action)];
        let outcome = wrote(&storage, &repo("bob"), &same, 1000).await;
        assert_eq!(outcome, Wrote::Unchanged);
    }
    assert_eq!(state(&storage).await, before);
}

async fn records_are_listed_in_both_directions(place: Place) {
    let storage = place.open().await;
    let all = ["like/b", "post/a", "post/b", "post/c"];
    let writes: Vec<_> = all.iter().map(|at| create(at, 1)).collect();
    write(&storage, &writes).await;
    let (repos, state) = (storage.space_repos(), state(&storage).await);
    let posts: Nsid = "com.example.post".parse().expect("an NSID");
    for (collection, ascending, expected) in [
        (None, true, vec!["like/b", "post/a", "post/b", "post/c"]),
        (None, false, vec!["post/c", "post/b", "post/a", "like/b"]),
        (Some(&posts), true, vec!["post/a", "post/b", "post/c"]),
        (Some(&posts), false, vec!["post/c", "post/b", "post/a"]),
    ] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let range = RecordRange {
                collection,
                after: after.as_ref(),
                ascending,
                limit: 2,
            };
            let page = repos.list_records(&state, &range).await.expect("runs");
            let Some(last) = page.last() else { break };
            after = Some(last.path.clone());
            seen.extend(page.into_iter().map(|record| record.path));
        }
        let expected: Vec<_> = expected.into_iter().map(path).collect();
        assert_eq!(seen, expected, "{collection:?} {ascending}");
    }
}

async fn the_log_goes_on_after_any_place(place: Place) {
    let storage = place.open().await;
    let first = write(&storage, &[create("post/a", 1), create("post/b", 1)]).await;
    let second = write(&storage, &[create("post/c", 1)]).await;
    let (repos, state) = (storage.space_repos(), state(&storage).await);
    let places = async |after: Option<(&Tid, Option<u32>)>, limit| {
        let log = repos.list_operations(&state, after, limit).await;
        let places = log
            .expect("runs")
            .into_iter()
            .map(|op| op.place.to_string());
        places.collect::<Vec<_>>()
    };
    let (one, two) = (&first.rev, &second.rev);
    let (b, c) = (format!("{one}/1"), format!("{two}/0"));
    assert_eq!(places(None, 1).await, [format!("{one}/0")]);
    assert_eq!(places(Some((one, Some(0))), 9).await, [b, c.clone()]);
    assert_eq!(places(Some((one, None)), 9).await, [c]);
    assert!(places(Some((two, Some(0))), 9).await.is_empty());
}

async fn of_writers_at_once_none_is_lost(place: Place) {
    let storage = place.open().await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..8 {
        let storage = storage.clone();
        writers.spawn(async move {
            write(&storage, &[create(&format!("post/{number}"), number)])
                .await
                .rev
        });
    }
    let mut revs = writers.join_all().await;
    revs.sort();
    revs.dedup();
    assert_eq!(revs.len(), 8, "each has a revision of its own");
    assert_eq!(state(&storage).await.records, 8);
    hash_of_all(&storage).await;
}

async fn a_repository_has_as_many_records_as_are_allowed(place: Place) {
    let storage = place.open().await;
    let outcome = async |writes: &[RecordWrite]| wrote(&storage, &repo("bob"), writes, 2).await;
    let three = [
        create("post/a", 1),
        create("post/b", 1),
        create("post/c", 1),
    ];
    assert_eq!(outcome(&three).await, Wrote::Refused(Unwritten::Full));
    assert!(matches!(outcome(&three[..2]).await, Wrote::Written(_)));
    assert_eq!(outcome(&three[2..]).await, Wrote::Refused(Unwritten::Full));
    let instead = [
        write_of("post/a", RecordAction::Delete),
        create("post/c", 1),
    ];
    assert!(matches!(outcome(&instead).await, Wrote::Written(_)));
}

async fn a_deleted_repository_leaves_nothing(place: Place) {
    let storage = place.open().await;
    write(&storage, &[create("post/a", 1), create("post/b", 1)]).await;
    let repos = storage.space_repos();
    for is_gone in [false, false, true, true] {
        let mut tx = storage.begin().await.expect("begins");
        let deleted = repos.delete_part(&mut tx, &repo("bob"), 2).await;
        assert_eq!(deleted.expect("runs"), is_gone);
        tx.commit().await.expect("commits");
    }
    let none = repos.state(&repo("bob")).await.expect("runs");
    assert_eq!(none, None);
    for table in ["space_record", "space_operation"] {
        let question = match table {
            "space_record" => "SELECT CAST(count(*) AS TEXT) FROM space_record",
            _ => "SELECT CAST(count(*) AS TEXT) FROM space_operation",
        };
        assert_eq!(place.ask(question).await, "0", "{table}");
    }
}

async fn an_account_has_the_spaces_that_it_owns_and_writes_in(place: Place) {
    let storage = place.open().await;
    write(&storage, &[create("post/a", 1)]).await;
    let repos = storage.space_repos();
    let forum: Nsid = "com.example.forum".parse().expect("an NSID");
    let other: Nsid = "com.example.other".parse().expect("an NSID");
    let (alice, bob) = (did("alice"), did("bob"));
    for (space_type, authority, after, found) in [
        (None, None, "", 1),
        (Some(&forum), Some(&alice), "", 1),
        (Some(&other), None, "", 0),
        (None, Some(&bob), "", 0),
        (None, None, repo("bob").space.as_str(), 0),
    ] {
        let listed = repos
            .list_spaces(&bob, space_type, authority, after, 9)
            .await;
        assert_eq!(listed.expect("runs").len(), found);
    }
    let none = repos.list_spaces(&alice, None, None, "", 9).await;
    assert!(none.expect("runs").is_empty(), "alice has opened none here");
}

async fn a_large_list_is_one_revision(place: Place) {
    let storage = place.open().await;
    let writes: Vec<_> = (0..200)
        .map(|number| create(&format!("post/{number}"), 1))
        .collect();
    let written = write(&storage, &writes).await;
    assert_eq!(written.changes.len(), 200);
    assert_eq!(state(&storage).await.records, 200);
    assert_eq!(hash_of_all(&storage).await.digest(), written.hash);
}

async fn a_log_is_shortened_from_its_beginning(place: Place) {
    let storage = place.open().await;
    let repos = storage.space_repos();
    let mut tx = storage.begin().await.expect("begins");
    for (at, rkey) in [(10, "post/a"), (20, "post/b"), (30, "post/c")] {
        let writes = [create(rkey, 1)];
        let wrote = repos
            .write(&mut tx, &repo("bob"), &writes, 9, (seconds(at), 0))
            .await;
        assert!(matches!(wrote.expect("runs"), Wrote::Written(_)));
    }
    tx.commit().await.expect("commits");
    let log = async || {
        let now = state(&storage).await;
        let log = repos.list_operations(&now, None, 9).await;
        let log = log.expect("runs").into_iter();
        log.map(|logged| logged.operation.rkey.to_string())
            .collect::<Vec<_>>()
    };
    let shorten = async |before: i64, from: LogPlace, limit: u32| {
        let shortened = repos.shorten_logs(seconds(before), from, limit).await;
        shortened.expect("runs")
    };
    let start = LogPlace::default();
    assert_eq!(shorten(10, start, 9).await, (0, start));
    let (removed, place) = shorten(21, start, 1).await;
    assert!(removed == 1 && place != start);
    assert_eq!(log().await, ["b", "c"]);
    assert_eq!(shorten(21, place, 9).await, (1, place));
    assert_eq!(log().await, ["c"]);
    // Everything may go: the records and the hash stay.
    assert_eq!(shorten(99, start, 9).await, (1, place));
    assert_eq!((log().await.len(), state(&storage).await.records), (0, 3));
}
