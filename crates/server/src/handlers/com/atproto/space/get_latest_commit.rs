//! `com.atproto.space.getLatestCommit`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::get_latest_commit::{GetLatestCommit, Output, Params};
use loggia_xrpc::Reply;

use crate::space_host::reader::RepoReader;
use crate::space_host::{SpaceHost, shown, signed};

/// Signed for this reader alone.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: RepoReader,
    params: Params,
) -> Reply<GetLatestCommit> {
    let opened = host.open(&caller, &params.space, &params.repo).await?;
    let key = host.key_of(&params.repo).await?;
    let commit = signed(&key, &opened.name, &opened.state)?;
    Ok(Output {
        commit: shown(&commit, &opened.state),
        extra: Default::default(),
    })
}
