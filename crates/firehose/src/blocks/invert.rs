//! What a tree was before a commit: its changes taken back one by one, with the nodes that came along.

mod node;

use sha2::{Digest as _, Sha256};

use super::car::Car;
use super::link::Link;
use super::tree::TreeError;
use node::{Item, Node, Open, Reading};

/// A change to take back.
#[derive(Clone, Copy, Debug)]
pub struct Undo<'a> {
    /// Of which key.
    pub key: &'a str,
    /// What it has now; none if it is gone.
    pub now: Option<Link>,
    /// What it had before; none if it is new.
    pub before: Option<Link>,
}

/// The root that a tree had before these changes, if they are all that happened to it.
///
/// # Errors
/// A node that is needed is missing, or the tree does not have what a change says that it has.
pub fn before(car: &Car<'_>, root: Link, changes: &[Undo<'_>]) -> Result<Link, TreeError> {
    let mut tree = Tree::open(car, root)?;
    for change in changes.iter().rev() {
        let key = change.key.as_bytes();
        match (change.now, change.before) {
            (Some(now), None) => tree.remove(key, now)?,
            (None, Some(before)) => tree.insert(key, before)?,
            (Some(now), Some(before)) => {
                let reading = &mut tree.reading;
                tree.root.replace(reading, key, (now, before))?;
            }
            (None, None) => return Err(TreeError::Otherwise),
        }
    }
    tree.root.link()
}

struct Tree<'c, 'a> {
    reading: Reading<'c, 'a>,
    root: Open,
    /// Of the root; those below have one less each.
    layer: u32,
}

impl<'c, 'a> Tree<'c, 'a> {
    fn open(car: &'c Car<'a>, root: Link) -> Result<Self, TreeError> {
        let mut reading = Reading::of(car);
        let root = reading.open(Node::Closed(root))?;
        let layer = match root.entries.first() {
            Some(first) => layer(&first.key),
            None if root.is_empty() => 0,
            None => return Err(TreeError::Malformed),
        };
        Ok(Self {
            reading,
            root,
            layer,
        })
    }

    /// Takes a key out. A root that has nothing left but a subtree gives way to that.
    fn remove(&mut self, key: &[u8], value: Link) -> Result<(), TreeError> {
        self.root
            .remove(&mut self.reading, key, value, self.layer)?;
        while self.root.entries.is_empty()
            && let Some(below) = self.root.left.take()
        {
            self.root = self.reading.open(below)?;
            self.layer = self.layer.checked_sub(1).ok_or(TreeError::Malformed)?;
        }
        Ok(())
    }

    /// Puts a key in. One of a higher layer than the root's gets a root of its own.
    fn insert(&mut self, key: &[u8], value: Link) -> Result<(), TreeError> {
        let of_key = layer(key);
        if self.root.is_empty() {
            self.layer = of_key;
        }
        if of_key <= self.layer {
            let layers = (self.layer, of_key);
            return self.root.insert(&mut self.reading, key, value, layers);
        }
        let root = Node::Open(Box::new(std::mem::take(&mut self.root)));
        let (mut left, mut right) = self.reading.split(Some(root), key, self.layer)?;
        for _ in self.layer + 1..of_key {
            (left, right) = (raised(left), raised(right));
        }
        self.root.left = left;
        self.root.entries.push(Item {
            key: key.to_vec(),
            value,
            right,
        });
        self.layer = of_key;
        Ok(())
    }
}

/// A subtree one layer higher: a node with nothing but it.
fn raised(node: Option<Node>) -> Option<Node> {
    node.map(|node| {
        Node::Open(Box::new(Open {
            left: Some(node),
            entries: Vec::new(),
        }))
    })
}

/// In which layer of a tree a key stands: how many pairs of zero bits its hash begins with.
fn layer(key: &[u8]) -> u32 {
    let mut bits = 0;
    for byte in Sha256::digest(key) {
        bits += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    bits / 2
}

#[cfg(test)]
mod tests;
