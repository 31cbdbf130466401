//! `com.atproto.space.getRepo`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::get_repo::{Error, GetRepo, Output, Params};
use loggia_space::{BadIndex, Index, snapshot as format};
use loggia_xrpc::{Binary, Body as _, Content, Rejection, Reply};

use crate::space_host::reader::RepoReader;
use crate::space_host::{SpaceHost, signed, snapshot};

/// Streamed; the index is made first, which the records follow in its order.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: RepoReader,
    params: Params,
) -> Reply<GetRepo> {
    let opened = host.open(&caller, &params.space, &params.repo).await?;
    let key = host.key_of(&params.repo).await?;
    let repos = host.storage.space_repos();
    let Some((state, mut records)) = repos.snapshot(&opened.name).await? else {
        let message = "the repository is changed faster than it can be read; try again";
        return Err(Rejection::new(503, "NotEnoughResources", message).into());
    };
    let commit = signed(&key, &opened.name, &state)?;
    let head = move || {
        records.sort_by(|one, other| one.path.cmp(&other.path));
        let entries = records
            .iter()
            .map(|record| (record.path.clone(), record.cid.clone()));
        let index = Index::new(entries)?;
        Ok::<_, BadIndex>((format::head(&commit, &index), records))
    };
    let (head, mut records) = host.computing.run::<_, Error>(head).await??;
    if params.exclude_values {
        records.clear();
    }
    Ok(Output(Binary {
        content_type: Output::ENCODING.to_owned(),
        content: Content::Stream(snapshot(repos, state, head, records)),
    }))
}
