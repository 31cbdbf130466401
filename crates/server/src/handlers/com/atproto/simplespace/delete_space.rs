//! `com.atproto.simplespace.deleteSpace`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::simplespace::delete_space::{DeleteSpace, Error, Input};
use loggia_auth::scope::{ManageOp, SpaceAccess};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{NoBody, Reply};

use crate::space_host::SpaceHost;
use crate::space_host::caller::SpaceAccount;

/// The space is gone with its members and what the owner has in it, and whoever is registered for it
/// is told. Of a large one the rest goes in the background, and until then none of its name can be opened.
/// Doing it again is harmless.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
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
    let closed = host.close(&mut tx, (&space, &caller.did), now).await?;
    tx.commit().await?;
    closed.deliver(&host).await;
    Ok(NoBody)
}
