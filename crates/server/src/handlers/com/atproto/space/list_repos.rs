//! `com.atproto.space.listRepos`: who has written in a space, in the order in which that was heard.

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::list_repos::{Error, ListRepos, Output, Params, Repo};
use loggia_auth::scope::SpaceAccess;
use loggia_callers::Either;
use loggia_storage::SpaceWriter;
use loggia_syntax::Tid;
use loggia_xrpc::{Reply, declared};

use crate::space_host::reader::SpaceViewer;
use crate::space_host::{SpaceHost, check_cursor};

/// For the owner of the space, and for readers with a credential. To all others there is no such space.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceViewer,
    params: Params,
) -> Reply<ListRepos> {
    check_cursor::<Tid>(params.cursor.as_deref())?;
    let not_found = || declared(Error::SpaceNotFound);
    if let Either::First(account) = &caller {
        if account.did != params.space.authority() {
            return Err(not_found().into());
        }
        account.require(&params.space, SpaceAccess::ReadSelf)?;
    }
    if host.storage.spaces().find(&params.space).await?.is_none() {
        return Err(not_found().into());
    }
    let limit = u32::try_from(params.limit).unwrap_or(u32::MAX);
    let after = params.cursor.unwrap_or_default();
    let chains = host.storage.space_chains();
    let writers = chains.list(&params.space, &after, limit).await?;
    Ok(Output {
        cursor: writers.last().map(|last| last.space_rev.to_string()),
        repos: writers.into_iter().map(shown).collect(),
        extra: Default::default(),
    })
}

fn shown(writer: SpaceWriter) -> Repo {
    Repo {
        did: writer.did,
        repo_rev: writer.repo_rev,
        hash: writer.hash[..].into(),
        space_rev: writer.space_rev,
        extra: Default::default(),
    }
}
