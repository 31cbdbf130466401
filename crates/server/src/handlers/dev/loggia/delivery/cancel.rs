//! `dev.loggia.delivery.cancel`

use axum::extract::State;
use loggia_api::dev::loggia::delivery::cancel::{Cancel, Error, Input, Output};
use loggia_delivery::{Clock, DeliveryId, SystemClock};
use loggia_storage::Whose;
use loggia_xrpc::{Reply, declared};

use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// One delivery, or all that an endpoint waits for.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Cancel> {
    let not_found = || declared(Error::NotFound).status(404);
    let endpoint = input.endpoint.parse().map_err(|_| not_found())?;
    if !desk.storage.deliveries().concern(&owner, endpoint).await? {
        return Err(not_found().into());
    }
    let deliveries = desk.storage.deliveries();
    let only = match &input.notification {
        None => None,
        Some(text) => {
            let notification = text.parse().map_err(|_| not_found())?;
            let id = DeliveryId {
                notification,
                endpoint,
            };
            let found = deliveries.detail(Whose::Of(&owner), id).await?;
            found.ok_or_else(not_found)?;
            Some(id)
        }
    };
    let mut tx = desk.storage.begin().await?;
    let now = SystemClock.now();
    let cancelled = match only {
        Some(id) => i64::try_from(deliveries.cancel(&mut tx, &[id], now).await?.len())?,
        None => i64::try_from(deliveries.cancel_all(&mut tx, endpoint, now).await?)?,
    };
    tx.commit().await?;
    // What waits in memory goes back to the store, which knows better by now.
    desk.engine.endpoint_dropped(endpoint).await;
    Ok(Output {
        cancelled,
        extra: Default::default(),
    })
}
