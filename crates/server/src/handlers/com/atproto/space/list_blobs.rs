//! `com.atproto.space.listBlobs`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::list_blobs::{ListBlobs, Output, Params};
use loggia_storage::ReferredBlobs;
use loggia_syntax::Cid;
use loggia_xrpc::Reply;

use crate::space_host::reader::RepoReader;
use crate::space_host::{SpaceHost, check_cursor};

/// Those that records refer to, in the order of their hashes. The cursor is the last of a page.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: RepoReader,
    params: Params,
) -> Reply<ListBlobs> {
    check_cursor::<Cid>(params.cursor.as_deref())?;
    let opened = host.open(&caller, &params.space, &params.repo).await?;
    let limit = u32::try_from(params.limit)?;
    let wanted = ReferredBlobs {
        since: params.since.as_ref(),
        after: params.cursor.as_deref().unwrap_or_default(),
        limit: limit + 1,
    };
    let mut cids = host.storage.blobs().list(&opened.state, wanted).await?;
    let more = cids.len() > limit as usize;
    cids.truncate(limit as usize);
    let last = cids.last().map(ToString::to_string);
    Ok(Output {
        cursor: last.filter(|_| more),
        cids,
        extra: Default::default(),
    })
}
