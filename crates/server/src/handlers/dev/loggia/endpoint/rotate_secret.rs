//! `dev.loggia.endpoint.rotateSecret`

use axum::extract::State;
use jiff::SignedDuration;
use loggia_api::dev::loggia::endpoint::rotate_secret::{
    Error, Input, InputSignature, Output, RotateSecret,
};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Reply, declared};

use super::secret::{secret, shown};
use super::view::{public_key, view};
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// How long the old secret keeps signing unless the caller says otherwise, in seconds: a day.
const OVERLAP: i64 = 86_400;

/// What to check signatures by from now on is in this answer only.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<RotateSecret> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = input.id.parse().map_err(|_| not_found())?;
    let overlap = SignedDuration::from_secs(input.overlap_seconds.unwrap_or(OVERLAP));
    let now = SystemClock.now();
    let endpoints = desk.endpoints();
    let found = endpoints.find_owned(&owner, id).await?;
    let owned = found.ok_or_else(not_found)?;
    if !owned.managed {
        return Err(declared(Error::NotManaged).into());
    }
    let key_pair = match input.signature {
        None => public_key(&owned.endpoint).is_some(),
        Some(signature) => signature == InputSignature::V1a,
    };
    let new = secret(owned.endpoint.profile, key_pair, None)
        .map_err(|error| declared(Error::InvalidSecret).message(error.to_string()))?;
    let mut tx = desk.storage.begin().await?;
    let rotated = endpoints.rotate(&mut tx, &owner, id, new.clone(), overlap, now);
    if !rotated.await? {
        return Err(not_found().into());
    }
    tx.commit().await?;
    desk.engine.endpoint_dropped(id).await;
    let owned = endpoints.find_owned(&owner, id).await?;
    let owned = owned.ok_or_else(not_found)?;
    let (secret, public_key) = shown(&new);
    Ok(Output {
        endpoint: view(owned, now)?,
        secret,
        public_key,
        extra: Default::default(),
    })
}
