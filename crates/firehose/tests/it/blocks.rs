//! CAR files, trees and records by themselves.

use ipld_core::ipld;
use ipld_core::ipld::Ipld;
use loggia_firehose::blocks::car::{Car, CarError};
use loggia_firehose::blocks::json;
use loggia_firehose::blocks::link::Link;
use loggia_firehose::blocks::tree::{self, TreeError};

use crate::repo::{Repo, Store, link};

#[test]
fn car_files_are_bounded_and_checked() {
    let mut repo = Repo::new();
    repo.put("app.bsky.feed.post/1", &ipld!({"text": "one"}));
    repo.put("app.bsky.feed.post/2", &ipld!({"text": "two"}));
    let (root, file) = repo.signed();
    let car = Car::read(&file, 4).expect("a file");
    assert_eq!(car.roots().len(), 1);
    assert_eq!(car.roots()[0].to_cid().as_str(), root.to_string());
    assert!(car.block(car.roots()[0]).is_ok());
    assert_eq!(Car::read(&file, 3).err(), Some(CarError::TooMany));
    assert_eq!(
        Car::read(&file[..file.len() - 1], 9).err(),
        Some(CarError::Block)
    );
    for cut in 0..file.len() {
        // At the end of a block a file may end.
        if let Ok(car) = Car::read(&file[..cut], 9) {
            assert_eq!(car.roots().len(), 1);
        }
    }
    assert_eq!(Car::read(&[], 9).err(), Some(CarError::Header));
}

#[test]
fn records_become_json_only_if_they_are_dag_cbor() {
    let text =
        |bytes: &[u8]| json::object(bytes).map(|text| String::from_utf8(text).expect("text"));
    let of = |value: &Ipld| text(&serde_ipld_dagcbor::to_vec(value).expect("DAG-CBOR"));
    let cid = link(b"x");
    let json = of(&ipld!({"bb": "\"\\\n\u{1}", "a": {"l": cid}, "c": [[], {}], "d": 1.5}));
    let expected =
        format!(r#"{{"a":{{"l":{{"$link":"{cid}"}}}},"c":[[],{{}}],"d":1.5,"bb":"\"\\\n\u0001"}}"#);
    assert_eq!(json.as_deref(), Some(expected.as_str()));
    let ends = of(&ipld!({"min": i64::MIN, "max": i64::MAX}));
    let expected = r#"{"max":9223372036854775807,"min":-9223372036854775808}"#;
    assert_eq!(ends.as_deref(), Some(expected));
    for bytes in [
        &b"\x80"[..],
        b"\x01",
        b"",
        b"\xa1\x61a",
        // Twice the same field, fields out of order, and something after the object.
        b"\xa2\x61a\x01\x61a\x02",
        b"\xa2\x61b\x01\x61a\x02",
        b"\xa1\x61a\x01\x00",
        // A number beyond 64 bits with a sign, and an unknown tag.
        b"\xa1\x61a\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x61a\xc1\x01",
    ] {
        assert_eq!(text(bytes), None, "{bytes:?}");
    }
    let deep = [vec![0xa1, 0x61, b'a'], vec![0x81; 10_000], vec![0x00]].concat();
    assert_eq!(text(&deep), None);
}

/// A node: what is before all keys, and keys with what they have and what is after them.
fn node(left: Option<cid::Cid>, entries: &[(i64, &str, cid::Cid, Option<cid::Cid>)]) -> Ipld {
    let link = |link: Option<cid::Cid>| link.map_or(Ipld::Null, Ipld::Link);
    let entries = entries.iter().map(|(prefix, suffix, value, right)| {
        let suffix = Ipld::Bytes(suffix.as_bytes().to_vec());
        ipld!({"p": *prefix, "k": suffix, "v": *value, "t": link(*right)})
    });
    ipld!({"l": link(left), "e": entries.collect::<Vec<Ipld>>()})
}

#[test]
fn a_key_is_found_in_any_layer_or_is_not_there() {
    let value = |name: &str| link(name.as_bytes());
    let mut store = Store::default();
    let first = store.add(&node(
        None,
        &[(0, "a.b.c/1", value("1"), None), (6, "2", value("2"), None)],
    ));
    let deep = store.add(&node(None, &[(0, "a.b.c/5", value("5"), None)]));
    let middle = store.add(&node(Some(deep), &[(0, "a.b.c/6", value("6"), None)]));
    let gone = value("a node that is not in the file");
    let root = store.add(&node(
        Some(first),
        &[
            (0, "a.b.c/3", value("3"), Some(middle)),
            (6, "8", value("8"), Some(gone)),
        ],
    ));
    let file = store.car(root);
    let car = Car::read(&file, 10).expect("a file");
    let find = |key: &str| tree::find(&car, car.roots()[0], key);
    for name in ["1", "2", "3", "5", "6", "8"] {
        let found = find(&format!("a.b.c/{name}")).expect(name).expect(name);
        assert_eq!(found.to_cid().as_str(), value(name).to_string());
    }
    for name in ["0", "15", "4", "7"] {
        assert_eq!(find(&format!("a.b.c/{name}")), Ok(None), "{name}");
    }
    // After the last key there is a node that nobody has, and so nothing is known.
    assert_eq!(find("a.b.c/9"), Err(TreeError::Node(CarError::Missing)));
}

#[test]
fn a_tree_that_is_none_is_told() {
    let value = link(b"x");
    let find = |node: &Ipld| {
        let mut store = Store::default();
        let root = store.add(node);
        let file = store.car(root);
        let car = Car::read(&file, 10).expect("a file");
        tree::find(&car, car.roots()[0], "a.b.c/5")
    };
    for wrong in [
        ipld!({"l": null}),
        ipld!([]),
        node(None, &[(3, "a.b.c/1", value, None)]),
        node(None, &[(0, "a.b.c/2", value, None), (6, "1", value, None)]),
        node(None, &[(0, "a.b.c/2", value, None), (7, "", value, None)]),
        node(None, &[(0, &"a".repeat(1025), value, None)]),
    ] {
        assert_eq!(find(&wrong), Err(TreeError::Malformed), "{wrong:?}");
    }
}

#[test]
fn links_are_of_two_kinds() {
    let cid = link(b"x");
    let bytes = cid.to_bytes();
    let read = Link::read(&bytes).expect("a link");
    assert!(read.is_of(b"x") && !read.is_of(b"y"));
    assert_eq!(read, Link::of_dag_cbor(b"x"));
    assert_eq!(read.to_cid().as_str(), cid.to_string());
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        Link::read(&bytes).is_some()
    };
    assert!(with(1, 0x55) && with(35, 0));
    assert!(!with(0, 0) && !with(1, 0x70) && !with(2, 0x13) && !with(3, 0x1f));
    assert!(Link::read(&bytes[..35]).is_none());
}
