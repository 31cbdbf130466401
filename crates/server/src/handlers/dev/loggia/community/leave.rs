//! `dev.loggia.community.leave`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::leave::{Error, Input, Leave, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Reply, declared};

use crate::caller::Caller;
use crate::space_host::SpaceHost;

/// Everybody leaves for themselves.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<Leave> {
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let spaces = host.storage.spaces();
    spaces.hold(&mut tx, &input.space).await?;
    let space = spaces.find_in(&mut tx, &input.space).await?;
    let space = space.ok_or_else(|| declared(Error::SpaceNotFound))?;
    let dismissed = host
        .dismiss::<Error>(&mut tx, (&space, &caller), &caller, now)
        .await?;
    let news = dismissed.ok_or_else(|| declared(Error::NotMember))?;
    tx.commit().await?;
    news.deliver(&host.notices.engine).await;
    Ok(Output {
        extra: Default::default(),
    })
}
