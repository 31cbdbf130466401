//! `dev.loggia.endpoint.create`

use axum::extract::State;
use jiff::Timestamp;
use loggia_api::dev::loggia::endpoint::create::{
    Create, Error, Input, InputProfile, InputSignature, Output,
};
use loggia_delivery::{Clock, Endpoint, EndpointId, Profile, Secret, Secrets, SystemClock, Target};
use loggia_storage::OwnedEndpoint;
use loggia_syntax::Did;
use loggia_xrpc::{Declared, Reply, declared};

use super::secret::{secret, shown};
use super::view::{custom_headers, per_second, view};
use crate::caller::Caller;
use crate::chance;
use crate::delivery_desk::DeliveryDesk;
use crate::plain_text;

/// What to check signatures by is in this answer only.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Create> {
    plain_text::check("description", input.description.as_deref())?;
    let target = desk
        .read_target(input.url.as_str())
        .map_err(|reason| declared(Error::InvalidUrl).message(reason))?;
    let profile = profile(input.profile);
    let key_pair = input.signature == Some(InputSignature::V1a);
    let secret = secret(profile, key_pair, input.secret.as_deref())
        .map_err(|error| declared(Error::InvalidSecret).message(error.to_string()))?;
    let now = SystemClock.now();
    let new = endpoint(owner, target, (profile, secret.clone()), input, now)?;
    let mut tx = desk.storage.begin().await?;
    if !desk.endpoints().create(&mut tx, &new, desk.most).await? {
        let message = format!(
            "an account can have {} endpoints: delete one first",
            desk.most
        );
        return Err(declared(Error::TooManyEndpoints).message(message).into());
    }
    tx.commit().await?;
    let (secret, public_key) = shown(&secret);
    Ok(Output {
        endpoint: view(new, now)?,
        secret,
        public_key,
        extra: Default::default(),
    })
}

fn endpoint(
    owner: Did,
    target: Target,
    (profile, secret): (Profile, Secret),
    input: Input,
    now: Timestamp,
) -> Result<OwnedEndpoint, Declared<Error>> {
    let headers = custom_headers(input.headers.unwrap_or_default())
        .map_err(|error| declared(Error::InvalidHeader).message(format!("`headers`: {error}")))?;
    let id = EndpointId::new(now, chance::bytes());
    let mut endpoint = Endpoint::new(id, owner, target, profile, Secrets::one(secret), now);
    endpoint.headers = headers;
    endpoint.in_order = input.in_order.unwrap_or(false);
    endpoint.per_second = input.per_second.and_then(per_second);
    Ok(OwnedEndpoint {
        description: input.description.unwrap_or_default(),
        kinds: input.kinds.unwrap_or_default(),
        ..OwnedEndpoint::new(endpoint)
    })
}

fn profile(named: Option<InputProfile>) -> Profile {
    match named {
        None | Some(InputProfile::Standard) => Profile::Standard,
        Some(InputProfile::Wisp) => Profile::Wisp,
        Some(InputProfile::Wisp2) => Profile::Wisp2,
        Some(InputProfile::Hapnd) => Profile::Hapnd,
        Some(InputProfile::Bettermode) => Profile::Bettermode,
        Some(InputProfile::Stream) => Profile::Stream,
    }
}
