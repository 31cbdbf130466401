//! `dev.loggia.endpoint.update`

use axum::extract::State;
use loggia_api::dev::loggia::endpoint::update::{Error, Input, Output, Update};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::EndpointChange;
use loggia_xrpc::{Declared, Rejection, Reply, declared};

use super::view::{custom_headers, per_second, view};
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;
use crate::plain_text;

/// Changes only what is given.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Update> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = input.id.parse().map_err(|_| not_found())?;
    if says_nothing(&input) {
        let message = "nothing to change: give at least one field beside `id`";
        return Err(Rejection::invalid_request(message).into());
    }
    plain_text::check("description", input.description.as_deref())?;
    let change = change(&desk, input)?;
    let found = desk.endpoints().find_owned(&owner, id).await?;
    if !found.ok_or_else(not_found)?.managed {
        return Err(declared(Error::NotManaged).into());
    }
    let now = SystemClock.now();
    let mut tx = desk.storage.begin().await?;
    let endpoints = desk.endpoints();
    let updated = endpoints.update(&mut tx, &owner, id, change, now).await?;
    let owned = updated.ok_or_else(not_found)?;
    tx.commit().await?;
    desk.engine.endpoint_dropped(id).await;
    Ok(Output {
        endpoint: view(owned, now)?,
        extra: Default::default(),
    })
}

fn says_nothing(input: &Input) -> bool {
    let nothing = Input {
        id: input.id.clone(),
        url: None,
        description: None,
        kinds: None,
        in_order: None,
        per_second: None,
        headers: None,
        extra: input.extra.clone(),
    };
    *input == nothing
}

fn change(desk: &DeliveryDesk, input: Input) -> Result<EndpointChange, Declared<Error>> {
    let target = input.url.map(|url| desk.read_target(url.as_str()));
    let headers = input.headers.map(custom_headers);
    Ok(EndpointChange {
        profile: None,
        target: target
            .transpose()
            .map_err(|reason| declared(Error::InvalidUrl).message(reason))?,
        description: input.description,
        kinds: input.kinds,
        in_order: input.in_order,
        per_second: input.per_second.map(per_second),
        headers: headers.transpose().map_err(|error| {
            declared(Error::InvalidHeader).message(format!("`headers`: {error}"))
        })?,
    })
}
