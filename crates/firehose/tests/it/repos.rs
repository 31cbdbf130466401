//! What frames of `subscribeRepos` say.

use bytes::Bytes;
use ipld_core::ipld;
use ipld_core::ipld::Ipld;
use loggia_firehose::blocks::car::Car;
use loggia_firehose::{Action, Change, Frame, Notice, Reason, Wanted, What, repos};
use serde_json::{Value, json};

use crate::repo::{DID, Keys, REV, Repo, Store, TIME, commit, frame, headed, op};

const POST: &str = "app.bsky.feed.post/3l3qo2vuowo2b";
const LIKE: &str = "app.bsky.feed.like/3l3qo2vuowo2b";
const GONE: &str = "app.bsky.feed.post/3l3qo2vuowo2a";

fn read(frame: &[u8]) -> Result<Frame, Reason> {
    repos::read(frame, &Wanted::all()).map_err(|malformed| malformed.reason)
}

async fn read_signed(frame: &[u8], known: bool) -> Result<Frame, Reason> {
    let read = repos::read_signed(frame, &Wanted::all(), &Keys { known }).await;
    read.map_err(|malformed| malformed.reason)
}

fn changes(frame: &Frame) -> Vec<&Change> {
    let mut changes = Vec::new();
    for what in whats(frame) {
        if let What::Change(change) = what {
            changes.push(change);
        }
    }
    changes
}

fn actions(frame: &Frame) -> Vec<Action> {
    changes(frame).iter().map(|change| change.action).collect()
}

fn whats(frame: &Frame) -> Vec<&What> {
    frame.events.iter().map(|event| &event.what).collect()
}

/// A post and a like that are there, and a post that is gone.
fn whole() -> (Repo, Vec<Ipld>) {
    let mut repo = Repo::new();
    let post = repo.put(
        POST,
        &ipld!({"text": "é", "n": -5, "tags": [1, true, null]}),
    );
    let like = repo.put(
        LIKE,
        &ipld!({"subject": {"cid": post}, "b": Ipld::Bytes(vec![1, 2])}),
    );
    let ops = vec![
        op("create", POST, Some(post)),
        op("update", LIKE, Some(like)),
        op("delete", GONE, None),
    ];
    (repo, ops)
}

fn whole_frame() -> Bytes {
    let (repo, ops) = whole();
    let (root, blocks) = repo.signed();
    frame("#commit", &commit(root, blocks, ops))
}

#[tokio::test]
async fn a_commit_and_what_it_did() {
    let bytes = whole_frame();
    let said = read(&bytes).expect("a frame");
    let mut signed = read_signed(&bytes, true).await.expect("a frame");
    assert!(signed.chain.take().is_some(), "it is a link of a chain");
    assert_eq!(signed, said);
    let place = said.place.expect("a place");
    assert_eq!(
        (place.position, place.time),
        (7, TIME.parse().expect("a time"))
    );
    assert_eq!(
        actions(&said),
        [Action::Create, Action::Update, Action::Delete]
    );
    let [post, like, gone] = changes(&said)[..] else {
        panic!("three");
    };
    assert_eq!(said.events[0].did.as_str(), DID);
    assert_eq!(post.rev.as_str(), REV);
    assert_eq!(format!("{}/{}", post.collection, post.rkey), POST);
    let json = |change: &Change| -> Value {
        let record = change.record.as_ref().expect("a record");
        serde_json::from_slice(record.as_json()).expect("JSON")
    };
    assert_eq!(
        json(post),
        json!({"text": "é", "n": -5, "tags": [1, true, null]})
    );
    let cid = post.cid.as_ref().expect("a hash").as_str();
    let bytes = json!({"$bytes": "AQI"});
    assert_eq!(
        json(like),
        json!({"subject": {"cid": {"$link": cid}}, "b": bytes})
    );
    assert_eq!((&gone.cid, &gone.record), (&None, &None));
}

#[test]
fn of_what_is_not_wanted_nothing_is_looked_at() {
    let wanted = Wanted::of(["app.bsky.feed.like"]);
    let said = repos::read(&whole_frame(), &wanted).expect("a frame");
    assert_eq!(actions(&said), [Action::Update]);
    let (repo, ops) = whole();
    let garbage = frame(
        "#commit",
        &commit(repo.signed().0, b"garbage".to_vec(), ops),
    );
    let said = repos::read(&garbage, &Wanted::of(["a.b.c"])).expect("a frame");
    assert!(said.events.is_empty() && said.place.is_some());
    assert_eq!(read(&garbage), Err(Reason::Car));
}

#[test]
fn blocks_that_are_missing_or_false_are_told() {
    let with = |change: fn(&mut Store)| {
        let (mut repo, ops) = whole();
        change(&mut repo.store);
        let (root, blocks) = repo.signed();
        read(&frame("#commit", &commit(root, blocks, ops))).expect("a frame")
    };
    let missing = with(|store| drop(store.0.remove(0)));
    assert_eq!(missing.flaws, [Reason::Missing]);
    assert_eq!(actions(&missing), [Action::Update, Action::Delete]);
    assert_eq!(whats(&missing).last(), Some(&&What::Resync));
    let tampered = with(|store| store.0[0].1[1] ^= 1);
    assert_eq!(tampered.flaws, [Reason::Digest]);
    let not_an_object = with(|store| store.0[0] = (store.0[0].0, vec![0x80]));
    assert_eq!(not_an_object.flaws, [Reason::Digest]);
}

#[test]
fn too_big_and_sync_ask_to_look_again() {
    let (repo, _) = whole();
    let (root, _) = repo.signed();
    let mut big = commit(root, vec![], vec![]);
    if let Ipld::Map(members) = &mut big {
        members.insert("tooBig".into(), true.into());
    }
    assert_eq!(
        whats(&read(&frame("#commit", &big)).expect("a frame")),
        [&What::Resync]
    );
    let sync =
        ipld!({"seq": 8, "did": DID, "rev": REV, "blocks": Ipld::Bytes(vec![]), "time": TIME});
    let sync = read(&frame("#sync", &sync)).expect("a frame");
    assert_eq!(whats(&sync), [&What::Resync]);
    assert_eq!(sync.place.expect("a place").position, 8);
}

#[test]
fn accounts_identities_and_notices() {
    let identity = ipld!({"seq": 1, "did": DID, "time": TIME, "handle": "alice.test"});
    let identity = read(&frame("#identity", &identity)).expect("a frame");
    let handle = Some("alice.test".parse().expect("a handle"));
    assert_eq!(whats(&identity), [&What::Identity { handle }]);
    let account = ipld!({"seq": 2, "did": DID, "time": TIME, "active": false, "status": "deleted"});
    let account = read(&frame("#account", &account)).expect("a frame");
    let status = Some("deleted".to_owned());
    assert_eq!(
        whats(&account),
        [&What::Account {
            active: false,
            status
        }]
    );

    let info = |name: &str| frame("#info", &ipld!({"name": name}));
    let error = |name: &str| {
        headed(
            &ipld!({"op": -1}),
            &ipld!({"error": name, "message": "bye"}),
        )
    };
    for (frame, notice) in [
        (info("OutdatedCursor"), Some(Notice::Outdated)),
        (info("Weather"), None),
        (error("FutureCursor"), Some(Notice::Future)),
        (error("ConsumerTooSlow"), Some(Notice::End)),
        (frame("#weather", &ipld!({"rain": true})), None),
        (headed(&ipld!({"op": 2, "t": "#commit"}), &ipld!({})), None),
    ] {
        let said = read(&frame).expect("a frame");
        assert_eq!(
            (said.notice, said.place, said.events.len()),
            (notice, None, 0)
        );
    }
}

#[test]
fn malformed_frames_say_why() {
    let with = |name: &str, value: Ipld| {
        let (repo, ops) = whole();
        let (root, blocks) = repo.signed();
        let Ipld::Map(mut members) = commit(root, blocks, ops) else {
            panic!("a map");
        };
        members.insert(name.to_owned(), value);
        read(&frame("#commit", &Ipld::Map(members))).expect_err(name)
    };
    assert_eq!(with("seq", "7".into()), Reason::Shape);
    assert_eq!(with("time", "noon".into()), Reason::Identifier);
    assert_eq!(with("repo", "alice".into()), Reason::Identifier);
    assert_eq!(with("rev", "soon".into()), Reason::Identifier);
    assert_eq!(with("commit", "bafy".into()), Reason::Shape);
    assert_eq!(with("blocks", Ipld::Bytes(vec![])), Reason::Missing);
    assert_eq!(with("blocks", Ipld::Bytes(vec![5, 1, 2])), Reason::Car);
    assert_eq!(
        with("ops", vec![op("delete", GONE, None); 201].into()),
        Reason::Limit
    );
    let flawed = |operation: Ipld| {
        let (repo, _) = whole();
        let (root, blocks) = repo.signed();
        read(&frame("#commit", &commit(root, blocks, vec![operation])))
            .expect("a frame")
            .flaws
    };
    assert_eq!(flawed(op("create", POST, None)), [Reason::Shape]);
    assert_eq!(flawed(op("destroy", POST, None)), [Reason::Shape]);
    assert_eq!(flawed(op("delete", "posts", None)), [Reason::Identifier]);
    assert_eq!(flawed(op("delete", "posts/1", None)), [Reason::Identifier]);
    assert_eq!(
        flawed(op("delete", "a.b.c/1/2", None)),
        [Reason::Identifier]
    );
    for (bytes, reason) in [
        (&b""[..], Reason::Syntax),
        (b"\xff", Reason::Syntax),
        (b"\xa1\x62op\x01", Reason::Shape),
        (b"\xa2\x61t\x67#commit\x62op\x01", Reason::Shape),
    ] {
        assert_eq!(read(bytes), Err(reason), "{bytes:?}");
    }
    let mut longer = whole_frame().to_vec();
    longer.push(0);
    assert_eq!(read(&longer), Err(Reason::Syntax));
}

#[tokio::test]
async fn only_what_was_signed_is_believed() {
    let flaws = async |change: fn(&mut Repo), known: bool| {
        let (mut repo, ops) = whole();
        change(&mut repo);
        let (root, blocks) = repo.signed();
        let bytes = frame("#commit", &commit(root, blocks, ops));
        let said = read_signed(&bytes, known).await.expect("a frame");
        let none = changes(&said).is_empty();
        (said.flaws, none)
    };
    assert_eq!(flaws(|_| {}, true).await, (vec![], false));
    assert_eq!(flaws(|_| {}, false).await, (vec![Reason::Key], true));
    for change in [
        |repo: &mut Repo| drop(repo.commit.insert("did".into(), "did:plc:other".into())),
        |repo: &mut Repo| drop(repo.commit.insert("rev".into(), "3l3qo2vutsw2c".into())),
        |repo: &mut Repo| drop(repo.commit.insert("version".into(), 2_i64.into())),
    ] {
        assert_eq!(flaws(change, true).await, (vec![Reason::Commit], true));
    }
    // More members than are known today are signed along.
    let more = |repo: &mut Repo| drop(repo.commit.insert("more".into(), true.into()));
    assert_eq!(flaws(more, true).await, (vec![], false));
}

#[tokio::test]
async fn an_account_whose_key_cannot_be_found_is_to_be_looked_at() {
    let said = read_signed(&whole_frame(), false).await.expect("a frame");
    assert_eq!(
        (&said.flaws[..], whats(&said)),
        (&[Reason::Key][..], vec![&What::Resync])
    );
}

#[tokio::test]
async fn a_signature_of_somebody_else_is_none() {
    let (repo, ops) = whole();
    let (_, blocks) = repo.signed();
    let car = Car::read(&blocks, 100).expect("a file");
    let block = car.block(car.roots()[0]).expect("the commit");
    let mut forged: std::collections::BTreeMap<String, Ipld> =
        serde_ipld_dagcbor::from_slice(block).expect("a commit");
    forged.insert("sig".into(), Ipld::Bytes(vec![0; 64]));
    let (mut repo, _) = whole();
    // What the forged commit names is there, and not what it should be signed with.
    let root = repo.store.add(&Ipld::Map(forged));
    let bytes = frame("#commit", &commit(root, repo.signed().1, ops));
    let said = read_signed(&bytes, true).await.expect("a frame");
    assert_eq!(
        (said.flaws, said.events.len()),
        (vec![Reason::Signature], 0)
    );
}

#[tokio::test]
async fn a_tree_that_says_otherwise_wins() {
    let (mut repo, mut ops) = whole();
    let other = repo.store.add(&ipld!({"text": "I never said that"}));
    ops[0] = op("create", POST, Some(other));
    ops[2] = op("delete", LIKE, None);
    let (root, blocks) = repo.signed();
    let bytes = frame("#commit", &commit(root, blocks, ops));
    assert_eq!(actions(&read(&bytes).expect("a frame")).len(), 3);
    let said = read_signed(&bytes, true).await.expect("a frame");
    assert_eq!(said.flaws, [Reason::Tree, Reason::Tree]);
    assert_eq!(actions(&said), [Action::Update]);
    assert_eq!(whats(&said).last(), Some(&&What::Resync));
}

#[test]
fn a_record_is_not_told_more_often_than_there_is_room() {
    let mut repo = Repo::new();
    let text = "\u{1}".repeat(150_000);
    let post = repo.put(POST, &ipld!({"text": text}));
    let (root, blocks) = repo.signed();
    let ops = (0..200).map(|number| op("create", &format!("a.b.c/{number}"), Some(post)));
    let bytes = frame("#commit", &commit(root, blocks, ops.collect()));
    let said = read(&bytes).expect("a frame");
    // 900 KB of JSON each, 8 MiB in all.
    assert_eq!(changes(&said).len(), 10);
    assert!(said.flaws.iter().all(|flaw| *flaw == Reason::Limit));
    assert_eq!(whats(&said).last(), Some(&&What::Resync));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

    /// Whatever becomes of a frame on its way, reading it ends in an answer, and what is believed of it
    /// has the hash that it says.
    #[test]
    fn frames_that_were_changed_are_read_without_panic(
        changes in proptest::collection::vec((proptest::prelude::any::<usize>(), proptest::prelude::any::<u8>()), 1..5),
        cut in proptest::option::of(proptest::prelude::any::<usize>()),
    ) {
        let whole = whole_frame();
        let mut bytes = whole.to_vec();
        for (at, byte) in changes {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % bytes.len());
        }
        let original = read(&whole).expect("a frame");
        if let Ok(said) = read(&bytes) {
            for change in self::changes(&said) {
                let Some(cid) = &change.cid else { continue };
                let same = self::changes(&original);
                let same = same.iter().find(|other| other.cid.as_ref() == Some(cid));
                proptest::prop_assert_eq!(same.map(|other| &other.record), Some(&change.record));
            }
        }
    }
}
