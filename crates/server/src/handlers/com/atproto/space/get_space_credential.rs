//! `com.atproto.space.getSpaceCredential`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::get_space_credential::{
    Error, GetSpaceCredential, Input, Output,
};
use loggia_auth::Refusal as _;
use loggia_auth::attestation::Attestation;
use loggia_callers::CredentialSeeker;
use loggia_delivery::{Clock, SystemClock};
use loggia_syntax::SpaceRef;
use loggia_xrpc::{Failure, Rejection, Reply, declared};

use crate::space_host::{Applicant, NotAdmitted, SpaceHost};

/// For whom an account delegates to, if the space lets both in. Token and proof are used up by then.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    CredentialSeeker(seeker): CredentialSeeker,
    input: Input,
) -> Reply<GetSpaceCredential> {
    let delegation = &seeker.delegation;
    delegation
        .check_space(&input.space)
        .map_err(|error| declared(Error::InvalidDelegationToken).message(error.to_string()))?;
    if !host.governs(&input.space).await.map_err(refusal)? {
        return Err(declared(Error::SpaceNotFound).into());
    }
    let app = match &input.client_attestation {
        Some(token) => Some(attested(&host, token, &input.space).await?),
        None => None,
    };
    let applicant = Applicant {
        space: &input.space,
        user: delegation.user(),
        app: app.as_ref().map(|app| &app.client_id),
        binding: &seeker.binding,
    };
    let credential = host.admit(&applicant, SystemClock.now()).await;
    Ok(Output {
        credential: credential.map_err(refusal)?,
        extra: Default::default(),
    })
}

async fn attested(
    host: &SpaceHost,
    token: &str,
    space: &SpaceRef,
) -> Result<Attestation, Failure<Error>> {
    let (authority, now) = (space.authority(), SystemClock.now());
    let verified = host.attestations.verify(token, &authority, now).await;
    verified.map_err(|error| match error.answer() {
        (500, ..) => Failure::Internal(Box::new(error)),
        (400, _, message) => declared(Error::InvalidClientAttestation)
            .message(message)
            .into(),
        (status, name, message) => Rejection::new(status, name, message).into(),
    })
}

fn refusal(refused: NotAdmitted) -> Failure<Error> {
    let error = match refused {
        NotAdmitted::Space => Error::SpaceNotFound,
        NotAdmitted::Deleted => Error::SpaceDeleted,
        NotAdmitted::App => Error::AppNotAuthorized,
        NotAdmitted::User => Error::UserNotAuthorized,
        NotAdmitted::TooMany => {
            let message = "there are too many credentials of the account for this space: use them";
            return Rejection::new(429, "RateLimitExceeded", message).into();
        }
        NotAdmitted::Storage(_) | NotAdmitted::Accounts(_) | NotAdmitted::Mint(_) => {
            return Failure::Internal(Box::new(refused));
        }
    };
    declared(error).into()
}
