//! `dev.loggia.delivery.list`

use axum::extract::State;
use loggia_api::dev::loggia::delivery::list::{Error, List, Output, Params};
use loggia_delivery::EndpointId;
use loggia_storage::{DeliveryFilter, ListError, Whose};
use loggia_xrpc::{Failure, Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;
use crate::view::timestamp;

/// Newest first. Deliveries to deleted endpoints are among them.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<List> {
    let endpoint = match &params.endpoint {
        None => None,
        Some(text) => {
            let not_found = || declared(Error::NotFound).status(404);
            let id: EndpointId = text.parse().map_err(|_| not_found())?;
            if !desk.storage.deliveries().concern(&owner, id).await? {
                return Err(not_found().into());
            }
            Some(id)
        }
    };
    let filter = DeliveryFilter {
        endpoint,
        state: params.state.map(|state| state.as_str().to_owned()),
        kind: params.kind,
        since: params.since.as_ref().map(timestamp),
    };
    let limit = u32::try_from(params.limit)?;
    let page = desk
        .storage
        .deliveries()
        .page(Whose::Of(&owner), &filter, params.cursor.as_deref(), limit)
        .await
        .map_err(failure)?;
    Ok(Output {
        deliveries: page.deliveries.into_iter().map(view::delivery).collect(),
        cursor: page.cursor,
        extra: Default::default(),
    })
}

fn failure(error: ListError) -> Failure<Error> {
    match error {
        ListError::InvalidCursor => declared(Error::InvalidCursor).into(),
        ListError::Storage(error) => error.into(),
    }
}
