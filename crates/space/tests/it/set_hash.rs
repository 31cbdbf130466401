//! The set hash.

use loggia_space::{BadState, SetHash, cid_of};
use loggia_syntax::{Nsid, RecordKey};
use proptest::prelude::*;
use serde_json::Value;

use crate::vectors::{bytes, each, read, text};

fn of(elements: &[String]) -> SetHash {
    let mut hash = SetHash::new();
    for element in elements {
        hash.add_element(element);
    }
    hash
}

#[test]
fn vectors_hold() {
    let Some(vectors) = read("lthash.json") else {
        return;
    };
    let published = each(&vectors, "published").iter();
    for case in published.chain(each(&vectors, "derived_by_running_reference_code")) {
        let elements = |name: &str| {
            let list = case[name].as_array().expect("a list").iter();
            list.map(|element| element.as_str().expect("a text").to_owned())
                .collect::<Vec<_>>()
        };
        let mut hash = of(&elements("add"));
        for element in elements("remove") {
            hash.remove_element(&element);
        }
        assert_eq!(hash.digest()[..], bytes(case, "digest"), "{case}");
        if case["state_first_32_bytes_hex"] != Value::Null {
            let state = hash.state();
            assert_eq!(state[..32], bytes(case, "state_first_32_bytes"), "{case}");
            assert_eq!(state[2016..], bytes(case, "state_last_32_bytes"), "{case}");
        }
    }
    let record = &vectors["record_element"];
    let parts = ["collection", "rkey", "cid"].map(|part| text(record, part));
    assert_eq!(
        parts.join("/"),
        text(record, "element"),
        "as records are written"
    );
}

#[test]
fn a_record_is_its_path_and_its_identifier() {
    let collection = Nsid::from_static("com.example.post");
    let (rkey, cid) = (RecordKey::new("a").expect("a key"), cid_of(&[0xa0]));
    let mut hash = SetHash::new();
    hash.add(&collection, &rkey, &cid);
    assert_eq!(hash, of(&[format!("com.example.post/a/{cid}")]));
    hash.remove(&collection, &rkey, &cid);
    assert_eq!(hash, SetHash::new());
}

#[test]
fn nothing_has_the_digest_of_zeros_and_65536_times_is_nothing() {
    let empty = "e5a00aa9991ac8a5ee3109844d84a55583bd20572ad3ffcd42792f3c36b183ad";
    let digest = data_encoding::HEXLOWER.encode(&SetHash::new().digest());
    assert_eq!(digest, empty);
    let mut hash = SetHash::new();
    for _ in 0..65_536 {
        hash.add_element("x");
    }
    assert_eq!(hash, SetHash::new());
}

#[test]
fn a_state_of_another_length_is_refused() {
    let state = of(&["x".to_owned()]).state();
    assert_eq!(state.len(), SetHash::STATE);
    assert_eq!(SetHash::from_state(&state), Ok(of(&["x".to_owned()])));
    for length in [0, 1, 2047, 2049] {
        let other = vec![0; length];
        assert_eq!(SetHash::from_state(&other), Err(BadState(length)));
    }
}

proptest! {
    #[test]
    fn order_does_not_matter_and_what_is_taken_away_is_gone(
        elements in prop::collection::vec(".{0,8}", 0..12),
        more in prop::collection::vec(".{0,8}", 0..6),
    ) {
        let mut backwards = elements.clone();
        backwards.reverse();
        let hash = of(&elements);
        prop_assert_eq!(&hash, &of(&backwards));
        let mut other = of(&[more.clone(), elements].concat());
        for element in &more {
            other.remove_element(element);
        }
        prop_assert_eq!(other, hash);
    }
}
