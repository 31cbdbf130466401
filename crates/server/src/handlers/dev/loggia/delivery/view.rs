//! Deliveries, attempts and replays as the lexicon shows them.

use loggia_api::dev::loggia::delivery::defs::{self, ReplayStatus};
use loggia_delivery::{Attempt, DeliveryId, Outcome, State};
use loggia_storage::{LoggedDelivery, Redelivery, RedeliveryEnd};

use crate::view::datetime;

/// Reads the two ids of a delivery; what are no ids of ours name nothing.
pub fn read_id(notification: &str, endpoint: &str) -> Option<DeliveryId> {
    Some(DeliveryId {
        notification: notification.parse().ok()?,
        endpoint: endpoint.parse().ok()?,
    })
}

/// The delivery as the owner of its endpoint sees it.
pub fn delivery(logged: LoggedDelivery) -> defs::Delivery {
    let (reason, due, ended_at) = match &logged.state {
        State::Pending { due, .. } => (None, Some(*due), None),
        State::Leased { .. } => (None, None, None),
        State::Delivered { at, .. } | State::Expired { at, .. } => (None, None, Some(*at)),
        State::Abandoned { at, reason, .. } => (Some(reason.as_str()), None, Some(*at)),
        State::Cancelled { at, reason, .. } => (Some(reason.as_str()), None, Some(*at)),
    };
    defs::Delivery {
        notification: logged.id.notification.to_string(),
        endpoint: logged.id.endpoint.to_string(),
        kind: logged.kind,
        subject: logged.subject,
        state: logged.state.name().into(),
        reason: reason.map(Into::into),
        attempts: logged.attempts.into(),
        created_at: datetime(logged.created_at),
        due: due.map(datetime),
        ended_at: ended_at.map(datetime),
        deadline: datetime(logged.deadline),
        extra: Default::default(),
    }
}

/// The attempt with the beginning of what came back.
pub fn attempt(attempt: &Attempt) -> Result<defs::Attempt, std::num::TryFromIntError> {
    let (answer, fault) = match &attempt.outcome {
        Outcome::Answered(answer) => (Some(answer), None),
        Outcome::Failed(fault) => (None, Some(fault.as_str())),
    };
    let excerpt = answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned());
    Ok(defs::Attempt {
        number: attempt.number.into(),
        started_at: datetime(attempt.started),
        duration_ms: attempt.duration_ms.try_into()?,
        status: answer.map(|answer| answer.status.into()),
        fault: fault.map(Into::into),
        retry_after: answer.and_then(|answer| answer.retry_after.clone()),
        excerpt: excerpt.filter(|excerpt| !excerpt.is_empty()),
        refused: attempt.refused.then_some(true),
        extra: Default::default(),
    })
}

/// The replay with how far it has come.
pub fn replay(redelivery: &Redelivery) -> Result<defs::Replay, std::num::TryFromIntError> {
    let (status, reason) = match redelivery.end {
        None => (ReplayStatus::Running, None),
        Some((_, RedeliveryEnd::Done)) => (ReplayStatus::Done, None),
        Some((_, RedeliveryEnd::Disabled)) => (ReplayStatus::Stopped, Some("disabled".into())),
    };
    let states = redelivery.states.iter().map(|state| state.as_str().into());
    Ok(defs::Replay {
        id: redelivery.id.to_string(),
        endpoint: redelivery.endpoint.to_string(),
        since: datetime(redelivery.since),
        states: states.collect(),
        status,
        reason,
        matched: redelivery.matched.try_into()?,
        replayed: redelivery.replayed.try_into()?,
        created_at: datetime(redelivery.created_at),
        ended_at: redelivery.end.map(|(at, _)| datetime(at)),
        extra: Default::default(),
    })
}
