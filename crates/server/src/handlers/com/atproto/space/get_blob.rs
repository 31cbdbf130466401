//! `com.atproto.space.getBlob`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::get_blob::{Error, GetBlob, Output, Params};
use loggia_xrpc::{Binary, Content, Reply, declared};

use crate::space_host::SpaceHost;
use crate::space_host::reader::RepoReader;

/// Of the type that its uploader gave it, which nobody has checked.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: RepoReader,
    params: Params,
) -> Reply<GetBlob> {
    let opened = host.open(&caller, &params.space, &params.repo).await?;
    let blobs = host.storage.blobs();
    let blob = blobs
        .find(&params.repo, &opened.state, &params.cid)
        .await?
        .ok_or_else(|| declared(Error::BlobNotFound))?;
    Ok(Output(Binary {
        content_type: blob.mime_type,
        content: Content::Whole(blob.data.into()),
    }))
}
