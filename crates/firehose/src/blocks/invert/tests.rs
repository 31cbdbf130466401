//! Trees that are built, changed, and taken back to what they were.

use std::collections::BTreeMap;

use ipld_core::ipld;
use ipld_core::ipld::Ipld;

use super::*;
use crate::blocks::car::CarError;

/// A tree by its definition, all of its nodes in a file.
#[derive(Default)]
struct Built {
    blocks: Vec<(Link, Vec<u8>)>,
}

type Records = BTreeMap<String, Link>;

impl Built {
    fn node(&mut self, records: &[(&String, &Link)], layer: u32) -> Option<Link> {
        if records.is_empty() {
            return None;
        }
        let (mut left, mut entries, mut from) = (Ipld::Null, Vec::<(String, Ipld, Ipld)>::new(), 0);
        let subtree = |built: &mut Self, part: &[(&String, &Link)]| {
            let below = layer
                .checked_sub(1)
                .and_then(|layer| built.node(part, layer));
            below.map_or(Ipld::Null, Link::to_ipld)
        };
        for (at, (key, value)) in records.iter().enumerate() {
            if super::layer(key.as_bytes()) == layer {
                let below = subtree(self, &records[from..at]);
                match entries.last_mut() {
                    None => left = below,
                    Some(last) => last.2 = below,
                }
                entries.push(((*key).clone(), value.to_ipld(), Ipld::Null));
                from = at + 1;
            }
        }
        let below = subtree(self, &records[from..]);
        match entries.last_mut() {
            None => left = below,
            Some(last) => last.2 = below,
        }
        Some(self.add(left, entries))
    }

    fn add(&mut self, left: Ipld, entries: Vec<(String, Ipld, Ipld)>) -> Link {
        let mut last = String::new();
        let entries = entries.into_iter().map(|(key, value, right)| {
            let shared = key.bytes().zip(last.bytes());
            let shared = shared.take_while(|(one, other)| one == other).count();
            let rest = Ipld::Bytes(key.as_bytes()[shared..].to_vec());
            last = key;
            ipld!({ "p": Ipld::Integer(shared as i128), "k": rest, "v": value, "t": right })
        });
        let entries: Vec<Ipld> = entries.collect();
        let node = ipld!({ "l": left, "e": entries });
        let block = serde_ipld_dagcbor::to_vec(&node).expect("DAG-CBOR");
        let link = Link::of_dag_cbor(&block);
        self.blocks.push((link, block));
        link
    }

    fn tree(records: &Records) -> (Self, Link) {
        let mut built = Self::default();
        let all: Vec<_> = records.iter().collect();
        let top = all
            .iter()
            .map(|(key, _)| super::layer(key.as_bytes()))
            .max();
        let root = built.node(&all, top.unwrap_or(0));
        let root = root.unwrap_or_else(|| built.add(Ipld::Null, Vec::new()));
        (built, root)
    }

    fn file(&self) -> Vec<u8> {
        let header = ipld!({ "version": 1, "roots": Ipld::List(Vec::new()) });
        let mut file = part(&[], &serde_ipld_dagcbor::to_vec(&header).expect("DAG-CBOR"));
        for (link, block) in &self.blocks {
            file.extend(part(&link.bytes(), block));
        }
        file
    }
}

fn part(link: &[u8], block: &[u8]) -> Vec<u8> {
    let (mut length, mut part) = (link.len() + block.len(), Vec::new());
    while length > 0x7f {
        part.push(length as u8 | 0x80);
        length >>= 7;
    }
    part.push(length as u8);
    part.extend(link);
    part.extend(block);
    part
}

fn value(number: usize) -> Link {
    Link::of_dag_cbor(&number.to_le_bytes())
}

fn key(number: usize) -> String {
    format!("app.bsky.feed.post/{number:013}")
}

/// Numbers that look like chance, always the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % limit
    }
}

/// Changes some records; what was done.
fn change(records: &mut Records, chance: &mut Chance) -> Vec<(String, Option<Link>, Option<Link>)> {
    let mut done = BTreeMap::new();
    for _ in 0..1 + chance.below(6) {
        let key = key(chance.below(400));
        if done.contains_key(&key) {
            continue;
        }
        let before = records.get(&key).copied();
        let now = match chance.below(3) {
            0 if before.is_some() => None,
            _ => Some(value(1000 + chance.below(1_000_000))),
        };
        match now {
            Some(now) => records.insert(key.clone(), now),
            None => records.remove(&key),
        };
        done.insert(key, (now, before));
    }
    let done = done
        .into_iter()
        .map(|(key, (now, before))| (key, now, before));
    done.collect()
}

fn undo(done: &[(String, Option<Link>, Option<Link>)]) -> Vec<Undo<'_>> {
    let mut undone = Vec::new();
    for (key, now, before) in done {
        undone.push(Undo {
            key,
            now: *now,
            before: *before,
        });
    }
    undone
}

#[test]
fn a_tree_taken_back_is_the_one_before_whatever_was_changed() {
    let mut chance = Chance(7);
    let mut records = Records::new();
    for number in 0..200 {
        records.insert(key(2 * number), value(number));
    }
    let mut deepest = 0;
    for _ in 0..60 {
        let (_, before) = Built::tree(&records);
        let done = change(&mut records, &mut chance);
        let (built, root) = Built::tree(&records);
        let file = built.file();
        let car = Car::read(&file, 1000).expect("a file");
        let mut undone = undo(&done);
        assert_eq!(super::before(&car, root, &undone), Ok(before), "{done:?}");
        deepest = deepest.max(built.blocks.len());
        // Any order will do, and nothing may be missing.
        undone.reverse();
        assert_eq!(super::before(&car, root, &undone), Ok(before));
        undone.pop();
        assert_ne!(super::before(&car, root, &undone), Ok(before), "{done:?}");
    }
    assert!(deepest > 20, "trees of several layers");
}

#[test]
fn trees_come_from_nothing_and_go_back_to_it() {
    let (_, empty) = Built::tree(&Records::new());
    for number in 0..300 {
        let records = Records::from([(key(number), value(number))]);
        let (built, root) = Built::tree(&records);
        let file = built.file();
        let car = Car::read(&file, 10).expect("a file");
        let (name, now) = (key(number), Some(value(number)));
        let change = Undo {
            key: &name,
            now,
            before: None,
        };
        assert_eq!(before(&car, root, &[change]), Ok(empty));
        // And the other way round, from nothing.
        let (built, root) = Built::tree(&Records::new());
        let file = built.file();
        let car = Car::read(&file, 10).expect("a file");
        let gone = Undo {
            key: &name,
            now: None,
            before: now,
        };
        assert_eq!(before(&car, root, &[gone]), Ok(Built::tree(&records).1));
    }
}

#[test]
fn what_the_tree_does_not_have_cannot_be_taken_back() {
    let records = Records::from([(key(1), value(1)), (key(2), value(2))]);
    let (mut built, root) = Built::tree(&records);
    let file = built.file();
    let car = Car::read(&file, 10).expect("a file");
    let (one, other) = (key(1), key(3));
    for change in [
        Undo {
            key: &one,
            now: Some(value(9)),
            before: None,
        },
        Undo {
            key: &one,
            now: None,
            before: Some(value(1)),
        },
        Undo {
            key: &other,
            now: Some(value(3)),
            before: None,
        },
        Undo {
            key: &other,
            now: Some(value(3)),
            before: Some(value(2)),
        },
        Undo {
            key: &one,
            now: None,
            before: None,
        },
    ] {
        assert_eq!(
            before(&car, root, &[change]),
            Err(TreeError::Otherwise),
            "{change:?}"
        );
    }
    built.blocks.retain(|(link, _)| *link != root);
    let file = built.file();
    let car = Car::read(&file, 10).expect("a file");
    let missing = TreeError::Node(CarError::Missing);
    assert_eq!(before(&car, root, &[]), Err(missing));
}
