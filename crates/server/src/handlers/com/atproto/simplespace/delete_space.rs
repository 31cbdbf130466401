//! `com.atproto.simplespace.deleteSpace`

use axum::extract::State;
use loggia_api::com::atproto::simplespace::delete_space::{DeleteSpace, Error, Input};
use loggia_auth::scope::{ManageOp, SpaceAccess};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::RepoName;
use loggia_xrpc::{NoBody, Reply};

use crate::space_host::SpaceHost;
use crate::space_host::caller::SpaceAccount;
use crate::space_hub;

/// The space is gone with its members and what the owner has in it, and whoever is registered for it
/// is told. Doing it again is harmless.
pub async fn handle(
    State(host): State<SpaceHost>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<DeleteSpace> {
    caller.require(&input.space, SpaceAccess::Manage(ManageOp::Delete))?;
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let spaces = host.storage.spaces();
    spaces.hold(&mut tx, &input.space).await?;
    let is_owner = input.space.authority() == caller.did;
    if is_owner && spaces.is_deleted_in(&mut tx, &input.space).await? {
        return Ok(NoBody);
    }
    let space = host
        .owned::<Error>(&mut tx, &input.space, &caller.did)
        .await?;
    let news = host
        .disband::<Error>(&mut tx, (&space, &caller.did), now)
        .await?;
    let space = space.uri;
    // Readers hear of the end before what they have registered ends with their credentials.
    let told = space_hub::deleted(&host.notices, &mut tx, &space, now).await?;
    host.copies.forget(&mut tx, &space).await?;
    host.revoke::<Error>(&mut tx, &space, None, now).await?;
    let repo = RepoName {
        author: caller.did,
        space,
    };
    host.storage.space_repos().delete(&mut tx, &repo).await?;
    let chains = host.storage.space_chains();
    chains.delete(&mut tx, &repo.space).await?;
    tx.commit().await?;
    told.deliver();
    news.deliver(&host.notices.engine).await;
    Ok(NoBody)
}
