//! `com.atproto.space.notifySpaceDeleted`: tell everybody who is registered that the space is gone.

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::compat::notify_space_deleted::Output;
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Rejection, Reply};

use crate::caller::Caller;
use crate::overlay::{NotifySpaceDeleted, NotifySpaceDeletedShapes, Shaped};
use crate::space_host::SpaceHost;
use crate::space_hub::{self, elsewhere};
use crate::space_notices::read_space;

/// The caller must be the authority of the space, or whoever the settings name. This is the last that its
/// registrations hear. A space elsewhere is gone from then on, if its authority says so; one of an account
/// here goes by `deleteSpace` alone.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Shaped<NotifySpaceDeletedShapes>,
) -> Reply<NotifySpaceDeleted> {
    let space = match input {
        Shaped::Official(input) => input.space,
        Shaped::Compat(input) => read_space(&input.space)?,
    };
    let is_authority = caller == space.authority();
    if !is_authority && !host.notices.is_admin(&caller) {
        return Err(
            Rejection::forbidden("only the authority of a space may say that it is gone").into(),
        );
    }
    let is_elsewhere = !host.accounts.hosts(&space.authority()).await?;
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    if is_authority && is_elsewhere {
        elsewhere::deleted(&host, &mut tx, &space, now).await?;
    }
    let told = space_hub::deleted(&host.notices, &mut tx, &space, now).await?;
    tx.commit().await?;
    told.deliver();
    Ok(Output {
        success: true,
        extra: Default::default(),
    })
}
