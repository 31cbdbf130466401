//! `dev.loggia.endpoint.list`

use axum::extract::State;
use loggia_api::dev::loggia::endpoint::list::{Error, List, Output, Params};
use loggia_delivery::{Clock, EndpointId, SystemClock};
use loggia_xrpc::{Reply, declared};

use super::view::view;
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// Newest first; deleted ones are not among them.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<List> {
    let limit = usize::try_from(params.limit)?;
    let cursor = params.cursor.map(|cursor| cursor.parse::<EndpointId>());
    let after = cursor
        .transpose()
        .map_err(|_| declared(Error::InvalidCursor))?;
    let one_more = u32::try_from(limit + 1)?;
    let mut found = desk.endpoints().list(&owner, after, one_more).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let cursor = last.map(|last| last.endpoint.id.to_string());
    let now = SystemClock.now();
    let endpoints = found.into_iter().map(|owned| view(owned, now));
    Ok(Output {
        endpoints: endpoints.collect::<Result<_, _>>()?,
        cursor,
        extra: Default::default(),
    })
}
