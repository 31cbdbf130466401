use loggia_space::cid_of;
use loggia_storage::{MasterKey, Storage};
use loggia_syntax::{Did, Nsid, SpaceRef};

use super::*;

fn tid(micros: u64) -> Tid {
    Tid::from_micros(micros, 0).expect("in range")
}

fn cid(number: usize) -> Cid {
    cid_of(&number.to_be_bytes())
}

fn path(rkey: usize) -> RecordPath {
    RecordPath {
        collection: Nsid::from_static("com.example.note"),
        rkey: rkey.to_string().parse().expect("a key"),
    }
}

/// Operation `number`, which makes the record of that number.
fn made(number: usize, rev: u64) -> Operation {
    let RecordPath { collection, rkey } = path(number);
    Operation {
        rev: tid(rev),
        collection,
        rkey,
        cid: Some(cid(number)),
        prev: None,
    }
}

/// What the hash says of these records; the signature says nothing here.
fn commit(records: impl Iterator<Item = usize>, rev: u64) -> SignedCommit {
    let mut hash = SetHash::new();
    for number in records {
        let RecordPath { collection, rkey } = path(number);
        hash.add(&collection, &rkey, &cid(number));
    }
    SignedCommit {
        hash: hash.digest(),
        ikm: [0; 32],
        mac: [0; 32],
        sig: [0; 64],
        rev: tid(rev).to_string(),
    }
}

/// An empty copy, as a store begins it.
async fn empty(name: &str) -> SpaceCopy {
    let storage = Storage::memory(name, &MasterKey::new([7; 32])).await;
    let storage = storage.expect("opens");
    let space = SpaceRef::new("at://did:plc:abc123/space/com.example.forum/main");
    let space = space.expect("a space");
    let author = Did::new("did:plc:alice").expect("a DID");
    let (copies, now) = (storage.space_copies(), jiff::Timestamp::UNIX_EPOCH);
    let mut tx = storage.begin().await.expect("begins");
    let inserted = copies.insert_space(&mut tx, &space, now).await;
    assert!(inserted.expect("runs"));
    let found = copies.find_space_in(&mut tx, &space).await;
    let found = found.expect("runs").expect("is there");
    let begun = copies.begin(&mut tx, &found, std::slice::from_ref(&author));
    assert!(begun.await.expect("runs"));
    tx.commit().await.expect("commits");
    let name = RepoName { author, space };
    copies.find(&name).await.expect("runs").expect("is there")
}

#[tokio::test]
async fn a_long_log_is_cut_between_revisions_and_each_part_fits_its_hash() {
    let mut copy = empty("proof_parts").await;
    copy.quiet_until = Some(tid(1));
    // Revisions of 200 changes, as a host takes them in one call.
    let all = 0..1_000;
    let log: Vec<_> = all.clone().map(|n| made(n, 1 + n as u64 / 200)).collect();
    let steps = follow(&copy, HashMap::new(), &log, &commit(all, 5)).expect("holds");
    let parts = steps.iter().map(|step| (step.changes.len(), step.quiet));
    assert_eq!(parts.collect::<Vec<_>>(), [(400, 200), (400, 0), (200, 0)]);
    assert_eq!(steps[0].rev, Some(tid(2)));
    assert_eq!(steps[0].hash.digest(), commit(0..400, 2).hash);
}

#[tokio::test]
async fn a_whole_repository_is_cut_anywhere_and_has_its_revision_at_the_end() {
    let mut copy = empty("proof_whole").await;
    copy.quiet_until = None;
    let entries = (0..1_200).map(|number| (path(number), cid(number)));
    let index = Index::new(entries).expect("no two are the same");
    let commit = commit(0..1_200, 9);
    let snapshot = Snapshot { commit, index };
    let commit = snapshot.commit.clone();
    let nothing = BTreeSet::new();
    let steps = difference(&copy, Vec::new(), &snapshot, &nothing).expect("holds");
    let revs: Vec<_> = steps.iter().map(|step| step.rev.clone()).collect();
    assert_eq!(revs, [None, None, Some(tid(9))]);
    assert_eq!(steps[2].hash.digest(), commit.hash);
    // Whoever stopped after the first part has the rest to do.
    let done = &steps[0].changes;
    let held = done.iter().map(|change| {
        let path = RecordPath {
            collection: change.collection.clone(),
            rkey: change.rkey.clone(),
        };
        (path, change.cid.clone().expect("it was made"))
    });
    let mut partial = copy.clone();
    partial.hash = steps[0].hash.clone();
    let rest = difference(&partial, held.collect(), &snapshot, &nothing).expect("holds");
    assert_eq!(rest.len(), 2);
    assert_eq!(rest[1].hash.digest(), commit.hash);
}

#[tokio::test]
async fn of_a_whole_that_is_new_only_what_is_recent_is_told() {
    let mut copy = empty("proof_recent").await;
    copy.quiet_until = Some(tid(1));
    let entries = (0..1_200).map(|number| (path(number), cid(number)));
    let index = Index::new(entries).expect("no two are the same");
    let commit = commit(0..1_200, 9);
    let snapshot = Snapshot { commit, index };
    // One that is there, and one that came and went.
    let recent = BTreeSet::from([path(3), path(5_000)]);
    let steps = difference(&copy, Vec::new(), &snapshot, &recent).expect("holds");
    let loud = steps.iter().flat_map(|step| &step.changes[step.quiet..]);
    let loud: Vec<_> = loud
        .map(|change| (change.rkey.to_string(), change.cid.clone()))
        .collect();
    assert_eq!(
        loud,
        [("3".to_owned(), Some(cid(3))), ("5000".to_owned(), None)]
    );
    let told = steps.iter().map(|step| step.changes.len()).sum::<usize>();
    assert_eq!(told, 1_201);
    assert_eq!(steps[2].hash.digest(), snapshot.commit.hash);
    assert_eq!(steps[2].rev, Some(tid(9)));
    // A copy that was proved before tells of everything.
    copy.rev = Some(tid(2));
    let steps = difference(&copy, Vec::new(), &snapshot, &recent).expect("holds");
    assert!(steps.iter().all(|step| step.quiet == 0));
}

#[tokio::test]
async fn what_was_proved_is_not_taken_back() {
    let mut copy = empty("proof_back").await;
    copy.rev = Some(tid(5));
    let index = Index::new([(path(1), cid(1))]).expect("one");
    let refused = |rev| {
        let (commit, index) = (commit(1..2, rev), index.clone());
        let snapshot = Snapshot { commit, index };
        let refused = difference(&copy, Vec::new(), &snapshot, &BTreeSet::new());
        refused.expect_err("refused").to_string()
    };
    assert!(refused(4).contains("older than"), "{}", refused(4));
    assert!(refused(5).contains("other records"), "{}", refused(5));
    for log in [
        vec![made(1, 5)],
        vec![made(1, 4)],
        vec![made(1, 6), made(2, 3)],
    ] {
        let commit = commit(1..2, 5);
        let followed = follow(&copy, HashMap::new(), &log, &commit);
        followed.expect_err("refused");
    }
}

#[tokio::test]
async fn limits_are_kept() {
    let copy = empty("proof_limits").await;
    let most = limits::REVISION;
    let log: Vec<_> = (0..=most).map(|number| made(number, 1)).collect();
    let refused = follow(&copy, HashMap::new(), &log, &commit(0..=most, 1));
    assert!(matches!(refused, Err(Unproved::Large(_))), "{refused:?}");
    let mut full = copy.clone();
    full.records = limits::RECORDS;
    let refused = follow(&full, HashMap::new(), &[made(0, 1)], &commit(0..1, 1));
    assert!(matches!(refused, Err(Unproved::Full(_))), "{refused:?}");
    // A deletion of what is not there, and a change into nothing.
    let mut gone = made(1, 1);
    (gone.cid, gone.prev) = (None, Some(cid(1)));
    let mut nothing = made(1, 1);
    nothing.cid = None;
    for operation in [gone, nothing] {
        let refused = follow(&copy, HashMap::new(), &[operation], &commit(0..0, 1));
        assert!(matches!(refused, Err(Unproved::Before(_))), "{refused:?}");
    }
}
