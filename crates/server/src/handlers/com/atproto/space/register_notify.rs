//! `com.atproto.space.registerNotify`: ask to be told of writes in a space for the next 24 hours.

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::register_notify as official;
use loggia_api::dev::loggia::compat::register_notify::{Error, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, Rejection, Reply, declared};

use crate::overlay::{Either, RegisterNotify, RegisterNotifyShapes, Shaped};
use crate::registrant::Registrant;
use crate::space_host::SpaceHost;
use crate::space_hub::{NoRight, NotRegistered, Wish};
use crate::view::datetime;

type Errors = Either<official::Error, Error>;

/// The caller is the space's authority, an account that may read the space, or a reader with a space
/// credential for it. The answer is the same for both shapes. A secret is in the answer to the first
/// registration of a URL only.
///
/// Who lost that answer registers another URL, for which a different query is enough, and lets the
/// first registration expire. A repeat gives no new secret, because whoever repeats it to renew still
/// verifies with the old one, and several processes of one service may.
///
/// A repeat is that of the same account. Where nobody here knows who holds a credential, each credential
/// counts as somebody: the next one makes another registration, and the first ends with its credential.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    registrant: Registrant,
    input: Shaped<RegisterNotifyShapes>,
) -> Reply<RegisterNotify> {
    // A webhook is of a system that says that something is missing by the status.
    let (wish, missing) = match input {
        Shaped::Official(input) => (Wish::of_official(input, host.notices.drafts)?, 400),
        Shaped::Compat(input) => (Wish::of_compat(input)?, 404),
    };
    let now = SystemClock.now();
    let right = host.right(registrant, &wish.space, now).await;
    let right = right.map_err(|refused| no_right(refused, missing))?;
    let registered = wish.register(&host, &right, now).await;
    let (registration, secret) = registered.map_err(|error| refusal(error, missing))?;
    Ok(Output {
        id: registration.id.to_string(),
        expires_at: datetime(registration.expires_at),
        secret: secret.map(|secret| secret.to_text().to_string()),
        extra: Default::default(),
    })
}

fn no_space(missing: u16) -> Failure<Errors> {
    declared(Either::Official(official::Error::SpaceNotFound))
        .status(missing)
        .into()
}

fn no_right(refused: NoRight, missing: u16) -> Failure<Errors> {
    match refused {
        NoRight::Space => no_space(missing),
        NoRight::Account | NoRight::Reader => Rejection::forbidden(refused.to_string()).into(),
        NoRight::Storage(_) | NoRight::Accounts(_) => Failure::Internal(Box::new(refused)),
    }
}

fn refusal(refused: NotRegistered, missing: u16) -> Failure<Errors> {
    let error = match &refused {
        NotRegistered::Space => return no_space(missing),
        NotRegistered::Service(_) => Either::Official(official::Error::ServiceNotResolvable),
        NotRegistered::Nameless => Either::Official(official::Error::ServiceNotResolvable),
        NotRegistered::Url(_) => Either::Compat(Error::InvalidEndpoint),
        NotRegistered::Consent | NotRegistered::Gone => Either::Compat(Error::NotConsented),
        NotRegistered::TooMany(_) => Either::Compat(Error::TooManyRegistrations),
        NotRegistered::Ended => return Rejection::forbidden(refused.to_string()).into(),
        NotRegistered::Storage(_) => return Failure::Internal(Box::new(refused)),
    };
    let message = match &refused {
        NotRegistered::Url(error) => format!("`endpoint`: {}", with_cause(&**error)),
        NotRegistered::Service(error) => format!("`service`: {}", with_cause(error)),
        _ => refused.to_string(),
    };
    declared(error).message(message).into()
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
