//! `dev.loggia.endpoint.delete`

use axum::extract::State;
use loggia_api::dev::loggia::endpoint::delete::{Delete, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Reply, declared};

use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// One endpoint of the caller goes, readable or not; the record of its deliveries stays for a while.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Delete> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = input.id.parse().map_err(|_| not_found())?;
    let mut tx = desk.storage.begin().await?;
    let now = SystemClock.now();
    if !desk.endpoints().delete(&mut tx, &owner, id, now).await? {
        return Err(match desk.endpoints().find_owned(&owner, id).await? {
            Some(_) => declared(Error::NotManaged).into(),
            None => not_found().into(),
        });
    }
    tx.commit().await?;
    desk.engine.endpoint_dropped(id).await;
    Ok(Output {
        extra: Default::default(),
    })
}
