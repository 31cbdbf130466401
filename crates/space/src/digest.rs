//! Content identifiers of what is written here.

use cid::multihash::Multihash;
use loggia_syntax::Cid;
use sha2::{Digest as _, Sha256};

/// The codec of DAG-CBOR.
pub(crate) const DAG_CBOR: u64 = 0x71;
/// The codec of plain bytes.
const RAW: u64 = 0x55;
/// The code of SHA-256.
pub(crate) const SHA2_256: u64 = 0x12;

/// The identifier of a record, commit or index: version 1, DAG-CBOR, SHA-256.
pub fn cid_of(dag_cbor: &[u8]) -> Cid {
    Cid::try_from(&binary_cid_of(dag_cbor)).expect("it has version 1")
}

pub(crate) fn binary_cid_of(dag_cbor: &[u8]) -> cid::Cid {
    let hash = Multihash::wrap(SHA2_256, &Sha256::digest(dag_cbor));
    cid::Cid::new_v1(DAG_CBOR, hash.expect("32 bytes fit"))
}

/// The identifier of plain bytes, as blobs have it.
pub fn raw_cid_of(bytes: &[u8]) -> Cid {
    let hash = Multihash::wrap(SHA2_256, &Sha256::digest(bytes));
    let cid = cid::Cid::new_v1(RAW, hash.expect("32 bytes fit"));
    Cid::try_from(&cid).expect("it has version 1")
}
