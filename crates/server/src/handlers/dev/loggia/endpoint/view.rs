//! An endpoint between the wire and the store.

use std::num::NonZeroU32;

use jiff::Timestamp;
use loggia_api::dev::loggia::endpoint::defs::{self, EndpointSignature};
use loggia_delivery::{CustomHeaders, Endpoint, EndpointId, EndpointState, InvalidHeaders};
use loggia_storage::{OwnedEndpoint, StorageError};
use loggia_syntax::Uri;
use loggia_xrpc::{DeclaredError, Failure};

use crate::view::datetime;

/// A stored endpoint that the lexicon has no form for: written by a newer program, or by hand.
#[derive(Debug, thiserror::Error)]
#[error("endpoint {0} has a URL that cannot be shown")]
pub struct Unshowable(EndpointId);

/// An error of looking an endpoint up; `declared` says that its row cannot be read.
pub fn unreadable<E: DeclaredError>(error: StorageError, declared: E) -> Failure<E> {
    match error {
        StorageError::BadRow(_) => loggia_xrpc::declared(declared).into(),
        error => error.into(),
    }
}

/// The endpoint as its owner sees it.
pub fn view(owned: OwnedEndpoint, now: Timestamp) -> Result<defs::Endpoint, Unshowable> {
    let endpoint = &owned.endpoint;
    let overlap = endpoint.secrets.previous.as_ref().map(|&(_, until)| until);
    let url = Uri::new(endpoint.target.as_str()).map_err(|_| Unshowable(endpoint.id))?;
    Ok(defs::Endpoint {
        id: endpoint.id.to_string(),
        url,
        profile: endpoint.profile.as_str().into(),
        state: state(endpoint.state),
        managed: owned.managed,
        description: owned.description,
        kinds: owned.kinds,
        in_order: endpoint.in_order,
        per_second: endpoint.per_second.map(|most| i64::from(most.get())),
        headers: endpoint.headers.names().map(str::to_owned).collect(),
        signature: signature(endpoint),
        public_key: public_key(endpoint),
        overlap_until: overlap.filter(|until| now < *until).map(datetime),
        created_at: datetime(endpoint.created_at),
        updated_at: owned.updated_at.map(datetime),
        last_success: endpoint.health.last_success.map(datetime),
        consecutive_failures: endpoint.health.consecutive_failures.into(),
        extra: Default::default(),
    })
}

/// The public half of what an endpoint's requests are signed with, if it has one.
pub fn public_key(endpoint: &Endpoint) -> Option<String> {
    let current = endpoint.secrets.current.as_ref()?;
    current.public_key().map(|key| key.to_text())
}

/// The headers that somebody wants added, checked.
pub fn custom_headers(headers: Vec<defs::Header>) -> Result<CustomHeaders, InvalidHeaders> {
    CustomHeaders::new(
        headers
            .into_iter()
            .map(|header| (header.name, header.value)),
    )
}

/// A rate as the lexicon's limits let it come in; none for 0.
pub fn per_second(most: i64) -> Option<NonZeroU32> {
    u32::try_from(most).ok().and_then(NonZeroU32::new)
}

fn signature(endpoint: &Endpoint) -> EndpointSignature {
    match &endpoint.secrets.current {
        None => EndpointSignature::None,
        Some(secret) if secret.public_key().is_some() => EndpointSignature::V1a,
        Some(_) => EndpointSignature::V1,
    }
}

fn state(state: EndpointState) -> defs::State {
    let (status, reason, at) = match state {
        EndpointState::Active => (defs::StateStatus::Active, None, None),
        EndpointState::Disabled { reason, at } => (
            defs::StateStatus::Disabled,
            Some(reason.as_str().into()),
            Some(datetime(at)),
        ),
    };
    defs::State {
        status,
        reason,
        at,
        extra: Default::default(),
    }
}
