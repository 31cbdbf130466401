//! `com.atproto.space.registerNotify`: ask to be told of writes in a space for the next 24 hours.

use axum::extract::State;
use jiff::Timestamp;
use loggia_api::dev::loggia::compat::register_notify::{Error, Output};
use loggia_delivery::{Clock, Endpoint, EndpointId, Profile, Secret, Secrets, SystemClock, Target};
use loggia_storage::{NewRegistration, Registered, Registration, RegistrationId};
use loggia_syntax::Did;
use loggia_xrpc::{Declared, Reply, declared};

use crate::chance;
use crate::overlay::{Either, RegisterNotify, RegisterNotifyShapes, Shaped};
use crate::registrant::{Registrant, Right};
use crate::space_notices::{REGISTRATION_LASTS, SpaceNotices, read_space};
use crate::view::datetime;

/// The caller is the space's authority, or a reader with a space credential for it. A secret is in the
/// answer the first time only.
///
/// Who lost that answer registers another URL, for which a different query is enough, and lets the
/// first registration expire. A repeat gives no new secret, because whoever repeats it to renew still
/// verifies with the old one, and several processes of one service may.
pub async fn handle(
    State(notices): State<SpaceNotices>,
    registrant: Registrant,
    input: Shaped<RegisterNotifyShapes>,
) -> Reply<RegisterNotify> {
    let input = input.compat()?;
    let space = read_space(&input.space)?;
    let right = Right::of(registrant, &space)?;
    let url = notices
        .guard
        .read_url(input.endpoint.as_str())
        .map_err(invalid_endpoint)?;
    let target = Target::new(url.as_str()).map_err(invalid_endpoint)?;

    let now = SystemClock.now();
    let secret = Secret::generate(chance::bytes());
    let new = NewRegistration {
        id: RegistrationId::new(now, chance::bytes()),
        space,
        service_did: input.service_did,
        endpoint: endpoint(&right.authority, target, secret.clone(), now),
        created_by: right.authority.clone(),
        credential: right.credential.clone(),
        expires_at: now + REGISTRATION_LASTS,
    };
    let mut tx = notices.storage.begin().await?;
    let registered = notices
        .storage
        .registrations()
        .register(&mut tx, new, &notices.caps, now)
        .await?;
    let (registration, secret) = match registered {
        Registered::New(registration) => (registration, Some(secret)),
        Registered::Renewed(registration) => (registration, None),
        Registered::SpaceFull => return Err(too_many(right.of_the_space()).into()),
        Registered::CallerFull => return Err(too_many(right.of_the_caller()).into()),
    };
    tx.commit().await?;
    Ok(output(&registration, secret.as_ref()))
}

fn endpoint(owner: &Did, target: Target, secret: Secret, now: Timestamp) -> Endpoint {
    Endpoint::new(
        EndpointId::new(now, chance::bytes()),
        owner.clone(),
        target,
        Profile::SpaceWebhook,
        Secrets::one(secret),
        now,
    )
}

fn output(registration: &Registration, secret: Option<&Secret>) -> Output {
    Output {
        id: registration.id.to_string(),
        expires_at: datetime(registration.expires_at),
        secret: secret.map(|secret| secret.to_text().to_string()),
        extra: Default::default(),
    }
}

type Declares<E> = Declared<Either<loggia_api::com::atproto::space::register_notify::Error, E>>;

fn invalid_endpoint(error: impl std::error::Error) -> Declares<Error> {
    let cause = error
        .source()
        .map_or(String::new(), |cause| format!(": {cause}"));
    declared(Either::Compat(Error::InvalidEndpoint)).message(format!("`endpoint`: {error}{cause}"))
}

fn too_many(who: &str) -> Declares<Error> {
    let message = format!("{who} cannot have more registrations: let some expire first");
    declared(Either::Compat(Error::TooManyRegistrations)).message(message)
}
