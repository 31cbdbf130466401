//! `com.atproto.space.getRecord`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::get_record::{Error, GetRecord, Output, Params};
use loggia_space::RecordPath;
use loggia_syntax::AtUri;
use loggia_xrpc::{Reply, declared};

use crate::space_host::reader::RepoReader;
use crate::space_host::{SpaceHost, value_of};

/// For the owner, and for readers of the space.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: RepoReader,
    params: Params,
) -> Reply<GetRecord> {
    let opened = host.open(&caller, &params.space, &params.repo).await?;
    let path = RecordPath {
        collection: params.collection,
        rkey: params.rkey,
    };
    let repos = host.storage.space_repos();
    let found = repos.find_record(&opened.state, &path).await?;
    let (cid, value) = found.ok_or_else(|| declared(Error::RecordNotFound))?;
    Ok(Output {
        uri: AtUri::in_space(&params.space, &params.repo, &path.collection, &path.rkey),
        cid,
        value: value_of(&value)?,
        extra: Default::default(),
    })
}
