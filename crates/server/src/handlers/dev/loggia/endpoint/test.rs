//! `dev.loggia.endpoint.test`

use axum::extract::State;
use bytes::Bytes;
use loggia_api::dev::loggia::endpoint::defs::TestedNotification;
use loggia_api::dev::loggia::endpoint::test::{Error, Input, Output, Test};
use loggia_delivery::{Clock, EndpointState, SystemClock};
use loggia_syntax::Nsid;
use loggia_xrpc::{Reply, declared};

use crate::caller::Caller;
use crate::delivery_desk::{Audience, DeliveryDesk, LASTS, Saying};
use crate::view::datetime;

/// The kind of the notification.
const TESTED: &str = "dev.loggia.endpoint.tested";

/// A delivery like any other.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Test> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = input.id.parse().map_err(|_| not_found())?;
    let now = SystemClock.now();
    let found = desk.endpoints().find_owned(&owner, id).await?;
    let owned = found.ok_or_else(not_found)?;
    if !owned.managed {
        return Err(declared(Error::NotManaged).into());
    }
    if owned.endpoint.state != EndpointState::Active {
        return Err(declared(Error::EndpointDisabled).into());
    }
    let body = TestedNotification {
        endpoint: id.to_string(),
        at: datetime(now),
        extra: Default::default(),
    };
    let saying = Saying {
        kind: Nsid::from_static(TESTED),
        subject: id.to_string(),
        body: Bytes::from(serde_json::to_vec(&body)?),
        source: None,
        deadline: now + LASTS,
    };
    let enqueued = desk.tell(Audience::These(vec![id]), saying, now).await?;
    Ok(Output {
        notification: enqueued.notification.to_string(),
        extra: Default::default(),
    })
}
