//! A whole repository in one file: a CAR whose two roots are the signed commit and the index, and after
//! them the records in the order of the index.

mod reader;

use crate::digest::binary_cid_of;
use crate::{Index, SignedCommit, car};

pub use reader::{BadSnapshot, MOST_INDEX, Part, Reader, Values};

/// Commit and index as they begin a file. [`record`] for each entry of the index follows, in its order, or
/// nothing at all where only the index was asked for.
pub fn head(commit: &SignedCommit, index: &Index) -> Vec<u8> {
    let (commit, index) = (commit.to_dag_cbor(), index.to_dag_cbor());
    let roots = [binary_cid_of(&commit), binary_cid_of(&index)];
    let [commit_cid, index_cid] = &roots;
    let mut head = car::header(&[commit_cid, index_cid]);
    head.extend(car::block(commit_cid, &commit));
    head.extend(car::block(index_cid, &index));
    head
}

/// A record, DAG-CBOR, as it stands in a file. One that is in the index twice stands there twice.
pub fn record(dag_cbor: &[u8]) -> Vec<u8> {
    car::block(&binary_cid_of(dag_cbor), dag_cbor)
}
