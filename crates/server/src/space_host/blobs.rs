//! References to blobs.

use std::io;

use futures_util::TryStreamExt as _;
use loggia_space::raw_cid_of;
use loggia_syntax::data::{Blob, CidLink, LinkError};
use loggia_xrpc::Chunks;

/// The reference to these bytes.
pub(crate) fn reference(data: &[u8], mime_type: &str) -> Result<Blob, LinkError> {
    let link = CidLink::try_from(&raw_cid_of(data))?;
    Ok(Blob::new(link, mime_type, data.len() as u64))
}

/// All of a body, which the server's limit has bounded.
pub(crate) async fn read_all(chunks: Chunks) -> io::Result<Vec<u8>> {
    let add = async |mut all: Vec<u8>, chunk: bytes::Bytes| {
        all.extend_from_slice(&chunk);
        Ok(all)
    };
    chunks.try_fold(Vec::new(), add).await
}
