//! One attempt: sign, send, wait no longer than allowed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::Instrument;

use super::limits;
use crate::clock::after;
use crate::{Attempt, Clock, Due, Fault, Outcome, Transport};

/// How an attempt went.
pub(super) struct Attempted {
    started: Timestamp,
    ended: Timestamp,
    pub(super) outcome: Outcome,
}

impl Attempted {
    /// The row for the record.
    pub(super) fn record(self, number: u32) -> Attempt {
        let millis = self.ended.duration_since(self.started).as_millis();
        let duration_ms = u64::try_from(millis).unwrap_or(0);
        Attempt {
            number,
            started: self.started,
            duration_ms,
            outcome: self.outcome,
        }
        .excerpted()
    }
}

/// An attempt whose task ended without an outcome.
pub(super) fn lost(due: &Due, started: Timestamp, ended: Timestamp) -> Attempted {
    tracing::error!(delivery = %due.id, "the transport panicked");
    Attempted {
        started,
        ended,
        outcome: Outcome::Failed(Fault::Internal),
    }
}

/// Makes the attempt. The transport obeys the deadline itself; should it not, the engine does.
pub(super) fn make<T: Transport, C: Clock>(
    due: &Due,
    transport: &Arc<T>,
    clock: &Arc<C>,
    timeout: Duration,
    now: Timestamp,
) -> impl Future<Output = Attempted> + Send + 'static {
    let request =
        due.endpoint
            .profile
            .wire()
            .request(&due.notification, &due.endpoint, now, timeout);
    let number = due.attempts.saturating_add(1);
    let span = tracing::info_span!(
        "delivery.attempt",
        notification = %due.id.notification,
        endpoint = %due.id.endpoint,
        host = &**due.endpoint.target.host(),
        number,
    );
    let (transport, clock) = (transport.clone(), clock.clone());
    let attempt = async move {
        let outcome = tokio::select! {
            answer = transport.send(request) => answer.map_or_else(Outcome::Failed, Outcome::Answered),
            () = clock.sleep_until(after(now, limits::grace(timeout))) => {
                Outcome::Failed(Fault::Timeout)
            }
        };
        let attempted = Attempted {
            started: now,
            ended: clock.now(),
            outcome,
        };
        log(&attempted);
        attempted
    };
    attempt.instrument(span)
}

fn log(attempted: &Attempted) {
    let duration_ms = attempted
        .ended
        .duration_since(attempted.started)
        .as_millis();
    match &attempted.outcome {
        Outcome::Answered(answer) => {
            tracing::debug!(status = answer.status, duration_ms, "the receiver answered");
        }
        Outcome::Failed(fault) => {
            tracing::debug!(
                fault = fault.as_str(),
                duration_ms,
                "the receiver did not answer"
            );
        }
    }
}
