//! `dev.loggia.delivery.send`

use axum::extract::State;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_api::dev::loggia::delivery::send::{Error, Input, Output, Send};
use loggia_delivery::{Clock, EndpointId, Notification, SystemClock};
use loggia_syntax::{Did, Nsid};
use loggia_xrpc::{Declared, Failure, Reply, declared};

use crate::caller::Caller;
use crate::delivery_desk::{Audience, DeliveryDesk, LASTS, Saying};
use crate::plain_text;
use crate::view::timestamp;

/// The farthest end that a caller may name: what has ended is not kept longer either.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is answered is on disk.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Send> {
    let now = SystemClock.now();
    let saying = saying(&owner, &input, now)?;
    let audience = match &input.endpoints {
        Some(ids) => Audience::These(named(&desk, &owner, ids).await?),
        None => Audience::Wanting(owner),
    };
    let enqueued = desk.tell(audience, saying, now).await?;
    Ok(Output {
        id: enqueued.notification.to_string(),
        deliveries: enqueued.new.try_into()?,
        extra: Default::default(),
    })
}

fn saying(owner: &Did, input: &Input, now: Timestamp) -> Result<Saying, Failure<Error>> {
    plain_text::check("subject", Some(&input.subject))?;
    plain_text::check("source", input.source.as_deref())?;
    if is_ours(&input.kind) {
        return Err(declared(Error::ReservedKind).into());
    }
    let body = Bytes::from(serde_json::to_vec(&input.body)?);
    if body.len() > Notification::MAX_BODY {
        return Err(declared(Error::BodyTooLarge).status(413).into());
    }
    Ok(Saying {
        kind: input.kind.clone(),
        subject: input.subject.clone(),
        body,
        // Names are each caller's own, and each kind's.
        source: (input.source.as_ref()).map(|source| format!("{owner} {} {source}", input.kind)),
        deadline: deadline(input, now)?,
    })
}

/// Whether only this server tells things of this kind, e.g. that an endpoint was disabled: receivers
/// rely on who says so.
fn is_ours(kind: &Nsid) -> bool {
    kind.as_str().starts_with("dev.loggia.")
}

fn deadline(input: &Input, now: Timestamp) -> Result<Timestamp, Declared<Error>> {
    let Some(given) = &input.expires_at else {
        return Ok(now + LASTS);
    };
    let given = timestamp(given);
    match given > now && given <= now + LONGEST {
        true => Ok(given),
        false => Err(declared(Error::InvalidExpiry)),
    }
}

/// The named endpoints, each once.
async fn named(
    desk: &DeliveryDesk,
    owner: &Did,
    ids: &[String],
) -> Result<Vec<EndpointId>, Failure<Error>> {
    let mut named = Vec::with_capacity(ids.len());
    for text in ids {
        let not_found = || {
            let message = format!("`endpoints`: the caller has made no endpoint {text}");
            declared(Error::NotFound).status(404).message(message)
        };
        let id = text.parse().map_err(|_| not_found())?;
        let found = desk.endpoints().find_owned(owner, id).await?;
        found.filter(|owned| owned.managed).ok_or_else(not_found)?;
        if !named.contains(&id) {
            named.push(id);
        }
    }
    Ok(named)
}
