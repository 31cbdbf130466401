//! The log of operations.

use std::collections::HashMap;

use loggia_space::{BadPlace, Copy, Operation, OperationPlace, SetHash, cid_of};
use loggia_syntax::{Cid, Nsid, RecordKey, Tid};
use proptest::prelude::*;

use crate::commit::author;

fn collection() -> Nsid {
    Nsid::from_static("com.example.post")
}

fn rev(number: u64) -> Tid {
    Tid::from_micros(1_700_000_000_000_000 + number, 0).expect("in range")
}

/// What an author does: a key, and the contents afterwards, none to delete it.
fn log(writes: &[(u8, Option<u8>)]) -> (Vec<Operation>, HashMap<u8, Cid>) {
    let mut held: HashMap<u8, Cid> = HashMap::new();
    let mut operations = Vec::new();
    for (number, (key, contents)) in writes.iter().enumerate() {
        let cid = contents.map(|contents| cid_of(&[contents]));
        let prev = match &cid {
            Some(cid) => held.insert(*key, cid.clone()),
            None => held.remove(key),
        };
        operations.push(Operation {
            rev: rev(number as u64 / 3),
            collection: collection(),
            rkey: RecordKey::new(format!("k{key}")).expect("a key"),
            cid,
            prev,
        });
    }
    (operations, held)
}

fn hash_of(held: &HashMap<u8, Cid>) -> SetHash {
    let mut hash = SetHash::new();
    for (key, cid) in held {
        let rkey = RecordKey::new(format!("k{key}")).expect("a key");
        hash.add(&collection(), &rkey, cid);
    }
    hash
}

#[test]
fn a_copy_agrees_with_the_commit_of_what_it_followed_only() {
    let (operations, held) = log(&[(1, Some(1)), (2, Some(2)), (1, Some(3)), (2, None)]);
    let mut commit = author(1).sign(hash_of(&held).digest());
    commit.rev = rev(1).to_string();
    let mut copy = Copy::default();
    for operation in &operations {
        assert!(!copy.agrees_with(&commit));
        copy.apply(operation).expect("in order");
    }
    assert!(copy.agrees_with(&commit));
    commit.rev = rev(2).to_string();
    assert!(!copy.agrees_with(&commit), "another revision");
}

#[test]
fn what_comes_late_is_refused_and_changes_nothing() {
    let (operations, _) = log(&[(1, Some(1)), (2, Some(2)), (3, Some(3)), (4, Some(4))]);
    let mut copy = Copy::default();
    copy.apply(&operations[3]).expect("the first");
    let before = copy.clone();
    let error = copy.apply(&operations[0]).expect_err("it is older");
    assert_eq!((error.after, error.found), (rev(1), rev(0)));
    assert_eq!(copy, before);
}

#[test]
fn places_are_read_as_they_are_written() {
    let place = OperationPlace {
        rev: rev(1),
        number: 17,
    };
    assert_eq!(place.to_string().parse(), Ok(place.clone()));
    let later = OperationPlace {
        rev: rev(2),
        number: 0,
    };
    assert!(place < later);
    let tid = rev(1);
    for bad in ["", "/", "17", "x/17", "/17"] {
        assert_eq!(bad.parse::<OperationPlace>(), Err(BadPlace), "{bad}");
    }
    for bad in ["", "/", "/-1", "/+1", "/4294967296", "/1/1", "/ 1"] {
        let text = format!("{tid}{bad}");
        assert_eq!(text.parse::<OperationPlace>(), Err(BadPlace), "{text}");
    }
}

proptest! {
    #[test]
    fn following_the_log_is_the_same_as_looking_at_the_end(
        writes in prop::collection::vec((0u8..6, prop::option::of(0u8..9)), 0..40),
    ) {
        let (operations, held) = log(&writes);
        let mut copy = Copy::default();
        for operation in &operations {
            copy.apply(operation).expect("in order");
        }
        prop_assert_eq!(copy.hash, hash_of(&held));
    }
}
