//! `com.atproto.simplespace.removeMember`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::simplespace::remove_member::{Error, Input, RemoveMember};
use loggia_auth::scope::{ManageOp, SpaceAccess};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{NoBody, Reply};

use crate::space_host::SpaceHost;
use crate::space_host::caller::SpaceAccount;

/// Where the space goes by its list, the credentials of who is struck off end with it.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<RemoveMember> {
    caller.require(&input.space, SpaceAccess::Manage(ManageOp::Update))?;
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let space = host
        .owned::<Error>(&mut tx, &input.space, &caller.did)
        .await?;
    let news = host
        .dismiss::<Error>(&mut tx, (&space, &caller.did), &input.did, now)
        .await?;
    tx.commit().await?;
    news.unwrap_or_default().deliver(&host.notices.engine).await;
    Ok(NoBody)
}
