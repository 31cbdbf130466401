//! Snapshots of repositories.

use data_encoding::HEXLOWER;
use loggia_auth::PublicKey;
use loggia_space::snapshot::{self, BadSnapshot, Part, Reader, Values};
use loggia_space::{BadCommit, Index, RecordPath, SignedCommit, cid_of};
use loggia_syntax::{Did, SpaceRef};
use proptest::prelude::*;

use crate::commit::{author, space, with};
use crate::vectors::{bytes, each, read as vectors, text};

fn read(
    file: &[u8],
    (space, author): (&SpaceRef, &Did),
    key: &PublicKey,
    values: Values,
) -> Result<Vec<Part>, BadSnapshot> {
    let mut reader = Reader::new(space, author, values, with(key));
    let mut parts = Vec::new();
    for piece in file.chunks(100) {
        reader.push(piece);
        while let Some(part) = reader.next()? {
            parts.push(part);
        }
    }
    reader.end().map(|()| parts)
}

fn path(text: &str) -> RecordPath {
    let (collection, rkey) = text.split_once('/').expect("a path");
    RecordPath {
        collection: collection.parse().expect("a collection"),
        rkey: rkey.parse().expect("a key"),
    }
}

fn index(records: &[(&str, &[u8])]) -> Index {
    let records = records.iter().map(|(at, value)| (path(at), cid_of(value)));
    Index::new(records).expect("each once")
}

/// Three records, two of which have the same contents.
const RECORDS: [(&str, &[u8]); 3] = [
    ("com.example.post/b", b"\xa1ax\x01"),
    ("com.example.post/a", b"\xa0"),
    ("com.example.a/long", b"\xa0"),
];

fn file(commit: &SignedCommit, index: &Index, values: &[&[u8]]) -> Vec<u8> {
    let mut file = snapshot::head(commit, index);
    for value in values {
        file.extend(snapshot::record(value));
    }
    file
}

#[test]
fn vectors_are_read_and_written_alike() {
    let Some(vectors) = vectors("signed_commit_and_car.json") else {
        return;
    };
    for case in each(&vectors, "cases") {
        let commit = SignedCommit::from_dag_cbor(&bytes(case, "commit_drisl")).expect("a commit");
        let records = each(&vectors, "records").iter().map(|record| {
            let at = format!("{}/{}", text(record, "collection"), text(record, "rkey"));
            let value = bytes(record, "drisl");
            assert_eq!(cid_of(&value).as_str(), text(record, "cid"));
            (path(&at), value)
        });
        let records: Vec<_> = records.collect();
        let cids = records
            .iter()
            .map(|(path, value)| (path.clone(), cid_of(value)));
        let index = Index::new(cids).expect("each once");
        let written = index.to_dag_cbor();
        assert_eq!(written, bytes(case, "index_drisl"));
        assert_eq!(cid_of(&written).as_str(), text(case, "index_cid"));
        assert_eq!(
            cid_of(&commit.to_dag_cbor()).as_str(),
            text(case, "commit_cid")
        );
        assert_eq!(index.set_hash().digest(), commit.hash);

        let mut whole = snapshot::head(&commit, &index);
        assert_eq!(whole, bytes(case, "car_exclude_values"));
        for (path, cid) in index.iter() {
            let (_, value) = records
                .iter()
                .find(|(other, _)| other == path)
                .expect("one");
            assert_eq!(cid_of(value), *cid);
            whole.extend(snapshot::record(value));
        }
        assert_eq!(HEXLOWER.encode(&whole), text(case, "car_hex"));

        let key = PublicKey::from_did_key(text(&case["signing_key"], "did_key")).expect("a key");
        let space = text(case, "space").parse().expect("a space");
        let author = text(case, "author").parse().expect("a DID");
        let parts = read(&whole, (&space, &author), &key, Values::Included).expect("it holds");
        assert_eq!(parts.len(), 4);
        assert_eq!(parts[0], Part::Commit(commit.clone()));
        let parts = read(
            &bytes(case, "car_exclude_values"),
            (&space, &author),
            &key,
            Values::Excluded,
        );
        assert_eq!(parts, Ok(vec![Part::Commit(commit)]));
    }
}

#[test]
fn a_snapshot_is_read_in_the_order_of_its_index() {
    let alice = author(1);
    let index = index(&RECORDS);
    let commit = alice.sign(index.set_hash().digest());
    let ordered: [&[u8]; 3] = [b"\xa0", b"\xa0", b"\xa1ax\x01"];
    let whole = file(&commit, &index, &ordered);
    let whose = (&space(), &alice.did);
    let parts = read(&whole, whose, alice.key.public(), Values::Included).expect("it holds");
    let records: Vec<_> = parts[1..]
        .iter()
        .map(|part| match part {
            Part::Record { path, value, .. } => (path.to_string(), value.to_vec()),
            Part::Commit(_) => panic!("two commits"),
        })
        .collect();
    let expected = [
        "com.example.a/long",
        "com.example.post/a",
        "com.example.post/b",
    ];
    let expected = expected.map(str::to_owned).into_iter();
    let expected: Vec<_> = expected.zip(ordered.map(<[u8]>::to_vec)).collect();
    assert_eq!(records, expected);
}

#[test]
fn an_empty_repository_has_a_snapshot_too() {
    let alice = author(1);
    let empty = Index::default();
    let commit = alice.sign(empty.set_hash().digest());
    let whole = file(&commit, &empty, &[]);
    let whose = (&space(), &alice.did);
    let parts = read(&whole, whose, alice.key.public(), Values::Included);
    assert_eq!(parts, Ok(vec![Part::Commit(commit)]));
}

#[test]
fn what_is_not_exactly_what_was_signed_is_refused() {
    let (alice, mallory) = (author(1), author(2));
    let index = index(&RECORDS);
    let commit = alice.sign(index.set_hash().digest());
    let (a, b): (&[u8], &[u8]) = (b"\xa0", b"\xa1ax\x01");
    let (space, key) = (space(), alice.key.public());
    let refused = |file: &[u8], author: &Did, key: &PublicKey, values: Values| {
        read(file, (&space, author), key, values).expect_err("it does not hold")
    };
    let whole = file(&commit, &index, &[a, a, b]);
    let included = |file: &[u8]| refused(file, &alice.did, key, Values::Included);
    let signature = BadSnapshot::Commit(BadCommit::Signature);
    let by_another = refused(&whole, &alice.did, mallory.key.public(), Values::Included);
    assert_eq!(by_another, signature);
    assert_eq!(
        refused(&whole, &mallory.did, key, Values::Included),
        signature
    );
    let more = file(&commit, &index, &[a, a, b, b]);
    assert!(matches!(included(&more), BadSnapshot::Order { .. }));
    let turned = file(&commit, &index, &[a, b, a]);
    assert!(matches!(included(&turned), BadSnapshot::Order { .. }));
    assert_eq!(
        included(&file(&commit, &index, &[a, a])),
        BadSnapshot::Missing(1)
    );
    let unasked = refused(&whole, &alice.did, key, Values::Excluded);
    assert!(matches!(unasked, BadSnapshot::Order { .. }));
    let fewer = Index::new(index.iter().skip(1).cloned()).expect("each once");
    assert_eq!(included(&file(&commit, &fewer, &[a, b])), BadSnapshot::Hash);
    let nothing = snapshot::head(&commit, &index);
    assert_eq!(included(&nothing), BadSnapshot::Missing(3));
    assert!(matches!(included(&nothing[..200]), BadSnapshot::Car(_)));
    assert_eq!(
        included(b"\x11\xa2eroots\x80gversion\x01"),
        BadSnapshot::Roots(0)
    );
}

#[test]
fn an_index_has_each_path_once_and_in_order() {
    let twice = [
        (path("a.b.c/x"), cid_of(a())),
        (path("a.b.c/x"), cid_of(b())),
    ];
    assert!(Index::new(twice).is_err());
    let sorted = index(&RECORDS).to_dag_cbor();
    assert_eq!(Index::from_dag_cbor(&sorted), Ok(index(&RECORDS)));
    let entry = |at: &str| {
        let one = Index::new([(path(at), cid_of(a()))]).expect("one");
        one.to_dag_cbor()[1..].to_vec()
    };
    let map = |entries: &[&str]| {
        let mut map = vec![0xa0 + entries.len() as u8];
        map.extend(entries.iter().flat_map(|at| entry(at)));
        Index::from_dag_cbor(&map)
    };
    assert!(map(&["a.b.c/x", "a.b.c/y", "a.b.c/xx"]).is_ok());
    assert!(map(&["a.b.c/y", "a.b.c/x"]).is_err());
    assert!(map(&["a.b.c/xx", "a.b.c/x"]).is_err());
    assert!(map(&["a.b.c/x", "a.b.c/x"]).is_err());
    let mut no_path = vec![0xa1, 0x61, b'x'];
    no_path.extend(&entry("a.b.c/x")[8..]);
    assert!(Index::from_dag_cbor(&no_path).is_err());
}

fn a() -> &'static [u8] {
    b"\xa0"
}

fn b() -> &'static [u8] {
    b"\xa1ax\x01"
}

proptest! {
    #[test]
    fn a_changed_byte_is_noticed(place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let alice = author(1);
        let index = index(&RECORDS);
        let commit = alice.sign(index.set_hash().digest());
        let mut changed = file(&commit, &index, &[a(), a(), b()]);
        let place = place.index(changed.len());
        changed[place] ^= 1 << bit;
        let whose = (&space(), &alice.did);
        let read = read(&changed, whose, alice.key.public(), Values::Included);
        prop_assert!(read.is_err(), "byte {}, bit {}", place, bit);
    }
}
