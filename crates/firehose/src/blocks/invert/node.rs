//! Nodes of a tree that can be changed. Those that no change reaches stay closed.

use ipld_core::ipld;
use ipld_core::ipld::Ipld;

use crate::blocks::car::Car;
use crate::blocks::link::Link;
use crate::blocks::tree::{self, TreeError};

/// Bytes of keys that are taken out of nodes: a small node can stand for long keys, and be there often.
const MOST_KEYS: usize = 16 * 1024 * 1024;

/// A subtree.
pub(super) enum Node {
    /// As the file has it, if it does.
    Closed(Link),
    Open(Box<Open>),
}

/// A node: a subtree, and entries that each may have a subtree after them.
#[derive(Default)]
pub(super) struct Open {
    pub(super) left: Option<Node>,
    pub(super) entries: Vec<Item>,
}

pub(super) struct Item {
    pub(super) key: Vec<u8>,
    pub(super) value: Link,
    pub(super) right: Option<Node>,
}

/// Opens nodes, as far as there is room.
pub(super) struct Reading<'c, 'a> {
    car: &'c Car<'a>,
    room: usize,
}

type Halves = (Option<Node>, Option<Node>);

impl<'c, 'a> Reading<'c, 'a> {
    pub(super) fn of(car: &'c Car<'a>) -> Self {
        Self {
            car,
            room: MOST_KEYS,
        }
    }

    pub(super) fn open(&mut self, node: Node) -> Result<Open, TreeError> {
        let link = match node {
            Node::Open(open) => return Ok(*open),
            Node::Closed(link) => link,
        };
        let (left, entries) = tree::entries(self.car, link)?;
        let mut open = Open {
            left: left.map(Node::Closed),
            entries: Vec::new(),
        };
        for entry in entries {
            let (key, value, right) = entry?;
            let room = self.room.checked_sub(key.len());
            self.room = room.ok_or(TreeError::Malformed)?;
            open.entries.push(Item {
                key,
                value,
                right: right.map(Node::Closed),
            });
        }
        Ok(open)
    }

    /// What is before and what is after a key that is not there.
    pub(super) fn split(
        &mut self,
        node: Option<Node>,
        key: &[u8],
        layer: u32,
    ) -> Result<Halves, TreeError> {
        let Some(node) = node else {
            return Ok((None, None));
        };
        let mut before = self.open(node)?;
        let Err(at) = before.place(key) else {
            return Err(TreeError::Otherwise);
        };
        let entries = before.entries.split_off(at);
        let slot = before.slot(at);
        let below = match slot.take() {
            None => (None, None),
            below => self.split(below, key, lower(layer)?)?,
        };
        *slot = below.0;
        let after = Open {
            left: below.1,
            entries,
        };
        Ok((before.closed(), after.closed()))
    }

    /// Two subtrees of a layer that nothing stands between any more.
    fn merge(&mut self, (before, after): Halves, layer: u32) -> Result<Option<Node>, TreeError> {
        let (before, after) = match (before, after) {
            (Some(before), Some(after)) => (before, after),
            (one, other) => return Ok(one.or(other)),
        };
        let (mut before, mut after) = (self.open(before)?, self.open(after)?);
        let end = before.entries.len();
        let slot = before.slot(end);
        let between = (slot.take(), after.left.take());
        *slot = match between {
            (Some(_), Some(_)) => self.merge(between, lower(layer)?)?,
            (one, other) => one.or(other),
        };
        before.entries.append(&mut after.entries);
        Ok(before.closed())
    }
}

impl Open {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.left.is_none()
    }

    /// Where a key is, or would be.
    fn place(&self, key: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|item| item.key[..].cmp(key))
    }

    /// The subtree before the entry of this number.
    fn slot(&mut self, at: usize) -> &mut Option<Node> {
        match at.checked_sub(1) {
            None => &mut self.left,
            Some(last) => &mut self.entries[last].right,
        }
    }

    /// As a subtree of another; none if there is nothing in it.
    fn closed(self) -> Option<Node> {
        (!self.is_empty()).then(|| Node::Open(Box::new(self)))
    }

    pub(super) fn remove(
        &mut self,
        reading: &mut Reading<'_, '_>,
        key: &[u8],
        value: Link,
        layer: u32,
    ) -> Result<(), TreeError> {
        match self.place(key) {
            Ok(at) if self.entries[at].value == value => {
                let item = self.entries.remove(at);
                let slot = self.slot(at);
                let around = (slot.take(), item.right);
                *slot = reading.merge(around, layer)?;
            }
            Ok(_) => return Err(TreeError::Otherwise),
            Err(at) => {
                let slot = self.slot(at);
                let below = slot.take().ok_or(TreeError::Otherwise)?;
                let mut below = reading.open(below)?;
                below.remove(reading, key, value, lower(layer)?)?;
                *slot = below.closed();
            }
        }
        Ok(())
    }

    pub(super) fn replace(
        &mut self,
        reading: &mut Reading<'_, '_>,
        key: &[u8],
        (from, to): (Link, Link),
    ) -> Result<(), TreeError> {
        let mut open = self;
        // Every turn opens a node below the one before.
        for _ in 0..tree::DEEPEST {
            let at = match open.place(key) {
                Ok(at) if open.entries[at].value == from => {
                    open.entries[at].value = to;
                    return Ok(());
                }
                Ok(_) => return Err(TreeError::Otherwise),
                Err(at) => at,
            };
            let slot = open.slot(at);
            let below = slot.take().ok_or(TreeError::Otherwise)?;
            let below = Box::new(reading.open(below)?);
            open = match slot.insert(Node::Open(below)) {
                Node::Open(below) => below,
                Node::Closed(_) => return Err(TreeError::Malformed),
            };
        }
        Err(TreeError::Malformed)
    }

    /// Puts a key of a layer into a node of a layer that is not below it.
    pub(super) fn insert(
        &mut self,
        reading: &mut Reading<'_, '_>,
        key: &[u8],
        value: Link,
        (layer, of_key): (u32, u32),
    ) -> Result<(), TreeError> {
        let Err(at) = self.place(key) else {
            return Err(TreeError::Otherwise);
        };
        let slot = self.slot(at);
        if layer == of_key {
            let (before, right) = match slot.take() {
                None => (None, None),
                below => reading.split(below, key, lower(layer)?)?,
            };
            *slot = before;
            let key = key.to_vec();
            self.entries.insert(at, Item { key, value, right });
            return Ok(());
        }
        let mut below = match slot.take() {
            None => Self::default(),
            Some(below) => reading.open(below)?,
        };
        below.insert(reading, key, value, (lower(layer)?, of_key))?;
        *slot = below.closed();
        Ok(())
    }

    /// Its link, and with it those of all that is open below.
    pub(super) fn link(&self) -> Result<Link, TreeError> {
        let mut entries = Vec::with_capacity(self.entries.len());
        let mut last: &[u8] = &[];
        for item in &self.entries {
            let shared = item
                .key
                .iter()
                .zip(last)
                .take_while(|(one, other)| one == other);
            let shared = shared.count();
            entries.push(ipld!({
                "p": Ipld::Integer(shared as i128),
                "k": Ipld::Bytes(item.key[shared..].to_vec()),
                "v": item.value.to_ipld(),
                "t": shown(item.right.as_ref())?,
            }));
            last = &item.key;
        }
        let node = ipld!({ "l": shown(self.left.as_ref())?, "e": entries });
        let block = serde_ipld_dagcbor::to_vec(&node).map_err(|_| TreeError::Malformed)?;
        Ok(Link::of_dag_cbor(&block))
    }
}

fn shown(node: Option<&Node>) -> Result<Ipld, TreeError> {
    Ok(match node {
        None => Ipld::Null,
        Some(Node::Closed(link)) => link.to_ipld(),
        Some(Node::Open(open)) => open.link()?.to_ipld(),
    })
}

/// The layer below; there is none below the lowest.
fn lower(layer: u32) -> Result<u32, TreeError> {
    layer.checked_sub(1).ok_or(TreeError::Malformed)
}
