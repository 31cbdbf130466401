//! `com.atproto.space.unregisterNotify`: end a registration before its time.

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::unregister_notify::{Error, Input, UnregisterNotify};
use loggia_callers::Either;
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Unregistering, UnregisteringBy};
use loggia_xrpc::{NoBody, Reply, declared};

use crate::plain_text;
use crate::registrant::Registrant;
use crate::space_host::SpaceHost;

/// The authority of the space and the service itself end whatever there is of the service, in either
/// shape; anybody else what they have registered. What still waits to be delivered is cancelled.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    registrant: Registrant,
    input: Input,
) -> Reply<UnregisterNotify> {
    plain_text::check("service", Some(&input.service))?;
    if host.lacks_space(&input.space).await? {
        return Err(declared(Error::SpaceNotFound).into());
    }
    let (reader, credential) = match registrant {
        Either::First(caller) => (Some(caller.0), None),
        Either::Second(caller) => {
            let credential = caller.reader.credential().id();
            let spaces = host.storage.spaces();
            let holder = spaces.holder(&input.space, credential).await?;
            (holder, Some(credential.to_owned()))
        }
    };
    let (service, _) = input
        .service
        .split_once('#')
        .unwrap_or((&input.service, ""));
    let by = match &reader {
        // One of the two is known.
        None => UnregisteringBy::SomeReader(credential.as_deref().unwrap_or_default()),
        Some(did) if input.space.authority() == *did || did.as_str() == service => {
            UnregisteringBy::Whoever
        }
        Some(did) => UnregisteringBy::Reader(did),
    };
    let ending = Unregistering {
        space: &input.space,
        service: &input.service,
        by,
    };
    let mut tx = host.storage.begin().await?;
    let registrations = host.storage.registrations();
    let now = SystemClock.now();
    let ended = registrations.unregister(&mut tx, &ending, now).await?;
    tx.commit().await?;
    host.notices.ended(ended).await;
    Ok(NoBody)
}
