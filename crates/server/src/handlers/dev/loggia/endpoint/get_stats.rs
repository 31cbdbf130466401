//! `dev.loggia.endpoint.getStats`

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use loggia_api::dev::loggia::endpoint::get_stats::{
    self, Counts, Error, GetStats, Latency, Output, Params,
};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{EndpointStats, LastError};
use loggia_xrpc::{Reply, declared};

use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;
use crate::view::{datetime, timestamp};

/// How far back is counted unless the caller says otherwise.
const BACK: SignedDuration = SignedDuration::from_hours(24);

/// Numbers of one endpoint of the caller.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<GetStats> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = params.id.parse().map_err(|_| not_found())?;
    if !desk.storage.deliveries().concern(&owner, id).await? {
        return Err(not_found().into());
    }
    let back = SystemClock.now() - BACK;
    let since = params.since.as_ref().map_or(back, timestamp);
    let stats = desk.storage.endpoints().stats(id, since).await?;
    Ok(output(&stats, since)?)
}

fn output(stats: &EndpointStats, since: Timestamp) -> Result<Output, std::num::TryFromIntError> {
    let latency = stats.latency.map(|(p50, p99)| {
        Ok::<_, std::num::TryFromIntError>(Latency {
            p50: p50.try_into()?,
            p99: p99.try_into()?,
            extra: Default::default(),
        })
    });
    Ok(Output {
        since: datetime(since),
        complete: stats.complete,
        deliveries: Counts {
            pending: count(stats, "pending")?,
            leased: count(stats, "leased")?,
            delivered: count(stats, "delivered")?,
            expired: count(stats, "expired")?,
            abandoned: count(stats, "abandoned")?,
            cancelled: count(stats, "cancelled")?,
            extra: Default::default(),
        },
        attempts: stats.attempts.try_into()?,
        latency: latency.transpose()?,
        last_error: stats.last_error.as_ref().map(last_error),
        extra: Default::default(),
    })
}

fn count(stats: &EndpointStats, state: &str) -> Result<i64, std::num::TryFromIntError> {
    let mut counts = stats.deliveries.iter();
    let found = counts.find(|(name, _)| name == state);
    found.map_or(Ok(0), |(_, count)| i64::try_from(*count))
}

fn last_error(error: &LastError) -> get_stats::LastError {
    get_stats::LastError {
        at: datetime(error.at),
        status: error.status.map(i64::from),
        fault: error.fault.map(|fault| fault.as_str().into()),
        extra: Default::default(),
    }
}
