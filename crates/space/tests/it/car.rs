//! CAR files.

use loggia_space::car::{BadCar, Item, Limits, Reader};
use loggia_space::{cid_of, snapshot};
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    roots: 2,
    block: 1024,
};

/// `{"roots": [], "version": 1}`, with its length.
const HEADER: &[u8] = b"\x11\xa2eroots\x80gversion\x01";

/// All that a file holds, read in pieces of so many bytes.
pub fn read(file: &[u8], piece: usize) -> Result<Vec<Item>, BadCar> {
    let mut reader = Reader::new(LIMITS);
    let mut items = Vec::new();
    for piece in file.chunks(piece) {
        reader.push(piece);
        while let Some(item) = reader.next()? {
            items.push(item);
        }
    }
    reader.end().map(|()| items)
}

fn blocks(contents: &[&[u8]]) -> Vec<u8> {
    let mut file = HEADER.to_vec();
    for contents in contents {
        file.extend(snapshot::record(contents));
    }
    file
}

#[test]
fn blocks_come_as_they_stand_however_the_bytes_come() {
    let long = vec![1; 900];
    let file = blocks(&[b"\xa0", b"", &long]);
    let items = read(&file, file.len()).expect("a file");
    let found: Vec<_> = items.iter().skip(1).collect();
    assert_eq!(items[0], Item::Roots(Vec::new()));
    for (item, contents) in found.iter().zip([&b"\xa0"[..], b"", &long]) {
        let Item::Block(block) = item else {
            panic!("{item:?}")
        };
        assert_eq!((&block.data[..], &block.cid), (contents, &cid_of(contents)));
    }
    assert_eq!(found.len(), 3);
    for piece in [1, 2, 7, 100] {
        assert_eq!(read(&file, piece).as_ref(), Ok(&items));
    }
}

#[test]
fn a_file_that_ends_early_or_not_at_all_is_refused() {
    let file = blocks(&[b"\xa0"]);
    let whole = [HEADER.len(), file.len()];
    for end in 0..=file.len() {
        let read = read(&file[..end], 16);
        assert_eq!(read.is_ok(), whole.contains(&end), "{end}: {read:?}");
    }
    let mut endless = HEADER.to_vec();
    endless.extend([0xff; 8]);
    assert_eq!(read(&endless, 16), Err(BadCar::Length(18)));
}

#[test]
fn no_section_is_larger_than_it_may_be() {
    let file = blocks(&[&[1; 1024]]);
    let refused = read(&file, 16).expect_err("too large");
    assert!(matches!(
        refused,
        BadCar::TooLarge {
            length: 1060,
            most: 1024,
            at: 18
        }
    ));
    // It is refused before its bytes are there.
    let mut reader = Reader::new(LIMITS);
    reader.push(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
    let refused = reader.next().expect_err("too large");
    assert!(
        matches!(refused, BadCar::TooLarge { at: 0, .. }),
        "{refused}"
    );
}

#[test]
fn contents_must_be_what_their_identifier_says() {
    let mut file = blocks(&[b"\xa0"]);
    *file.last_mut().expect("bytes") ^= 1;
    let at = HEADER.len() as u64;
    let cid = cid_of(b"\xa0");
    assert_eq!(read(&file, 16), Err(BadCar::Contents { at, cid }));
    for identifier in [
        &b"\x00"[..],
        b"\x12\x20",
        b"\x01\x71\x00\x00",
        b"\x01\x71\x12\x01\x00",
        b"\x02\x71\x12\x00",
    ] {
        let mut file = HEADER.to_vec();
        file.push(identifier.len() as u8);
        file.extend(identifier);
        assert!(read(&file, 16).is_err(), "{identifier:?}");
    }
}

#[test]
fn what_has_no_header_is_no_file() {
    for bad in [
        &b"\x00"[..],
        b"\x01\xa0",
        b"\x11\xa2eroots\x80gversion\x02",
        b"\x0a\xa1gversion\x01",
        b"PK\x03\x04",
    ] {
        assert!(read(bad, 16).is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1usize..50) {
        drop(read(&bytes, piece));
        let mut begun = HEADER.to_vec();
        begun.extend(bytes);
        drop(read(&begun, piece));
    }
}
