//! The search tree of a repository (Merkle search tree): which record a key has.

use std::cmp::Ordering;

use serde::Deserialize;

use super::car::{Car, CarError};
use super::link::Link;

/// The most nodes between root and leaf. A layer is decided by leading zero bits of a SHA-256, two at a
/// time, so that a real tree has fewer.
pub(super) const DEEPEST: usize = 130;
/// The longest key: a collection, a slash and a record key.
const LONGEST_KEY: usize = 1024;

/// Why a tree does not say what a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A node on the way is missing, or not what its link says.
    #[error("a node of the tree cannot be had")]
    Node(#[source] CarError),
    /// A node is not made as a node is, or its keys are out of order.
    #[error("a node of the tree is malformed")]
    Malformed,
    /// It does not have what it is said to have.
    #[error("the tree does not have what it is said to have")]
    Otherwise,
}

/// A node: a subtree, and entries that each may have a subtree after them.
#[derive(Deserialize)]
struct Node<'a> {
    #[serde(rename = "l")]
    left: Option<Link>,
    #[serde(rename = "e", borrow)]
    entries: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    /// How many bytes of the key before it the key begins with.
    #[serde(rename = "p")]
    prefix: u64,
    /// The rest of the key.
    #[serde(rename = "k", borrow)]
    suffix: &'a [u8],
    #[serde(rename = "v")]
    value: Link,
    #[serde(rename = "t")]
    right: Option<Link>,
}

/// What stands under a key in the tree of this root, as far as the file has its nodes; none if nothing
/// does.
///
/// # Errors
/// If a node on the way is missing or malformed: then nothing is known.
pub fn find(car: &Car<'_>, root: Link, key: &str) -> Result<Option<Link>, TreeError> {
    let mut at = root;
    for _ in 0..DEEPEST {
        let block = car.block(at).map_err(TreeError::Node)?;
        let node: Node<'_> =
            serde_ipld_dagcbor::from_slice(block).map_err(|_| TreeError::Malformed)?;
        match node.find(key.as_bytes())? {
            Step::Found(value) => return Ok(Some(value)),
            Step::Nowhere => return Ok(None),
            Step::Below(node) => at = node,
        }
    }
    Err(TreeError::Malformed)
}

/// A node's subtree before all entries, and its entries: key, value, and the subtree after it.
pub(super) fn entries<'a>(
    car: &Car<'a>,
    node: Link,
) -> Result<
    (
        Option<Link>,
        impl Iterator<Item = Result<Read, TreeError>> + use<'a>,
    ),
    TreeError,
> {
    let block = car.block(node).map_err(TreeError::Node)?;
    let node: Node<'a> = serde_ipld_dagcbor::from_slice(block).map_err(|_| TreeError::Malformed)?;
    let mut last: Option<Vec<u8>> = None;
    let entries = node.entries.into_iter().map(move |entry| {
        let key = entry.key(last.as_deref().unwrap_or_default());
        let key = key.ok_or(TreeError::Malformed)?;
        if last.as_ref().is_some_and(|last| key <= *last) {
            return Err(TreeError::Malformed);
        }
        last = Some(key.clone());
        Ok((key, entry.value, entry.right))
    });
    Ok((node.left, entries))
}

/// An entry as it was read.
pub(super) type Read = (Vec<u8>, Link, Option<Link>);

enum Step {
    Found(Link),
    Below(Link),
    Nowhere,
}

impl Node<'_> {
    fn find(&self, key: &[u8]) -> Result<Step, TreeError> {
        let mut before = self.left;
        let mut current = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let next = entry.key(&current).ok_or(TreeError::Malformed)?;
            if at > 0 && next <= current {
                return Err(TreeError::Malformed);
            }
            match key.cmp(&next[..]) {
                Ordering::Equal => return Ok(Step::Found(entry.value)),
                Ordering::Less => break,
                Ordering::Greater => before = entry.right,
            }
            current = next;
        }
        Ok(before.map_or(Step::Nowhere, Step::Below))
    }
}

impl Entry<'_> {
    fn key(&self, last: &[u8]) -> Option<Vec<u8>> {
        let shared = last.get(..usize::try_from(self.prefix).ok()?)?;
        let key = [shared, self.suffix].concat();
        (key.len() <= LONGEST_KEY).then_some(key)
    }
}
