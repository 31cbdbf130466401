//! One attempt: sign, send, wait no longer than allowed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::Instrument;

use super::limits;
use crate::clock::after;
use crate::{
    Answer, Attempt, Call, Clock, Dressing, Due, Fault, Minting, Outcome, Request, Signer,
    Transport, Verdict,
};

/// How an attempt went.
#[derive(Debug)]
pub(super) struct Attempted {
    started: Timestamp,
    ended: Timestamp,
    pub(super) outcome: Outcome,
}

impl Attempted {
    pub(super) fn took(&self) -> SignedDuration {
        self.ended.duration_since(self.started)
    }

    /// The row for the record, with what follows from it.
    pub(super) fn record(self, number: u32, verdict: Verdict) -> Attempt {
        let is_success = |answer: &Answer| (200..300).contains(&answer.status);
        let refused = match &self.outcome {
            Outcome::Answered(answer) => is_success(answer) && verdict != Verdict::Success,
            Outcome::Failed(_) => false,
        };
        let millis = self.took().as_millis();
        let duration_ms = u64::try_from(millis).unwrap_or(0);
        Attempt {
            number,
            started: self.started,
            duration_ms,
            outcome: self.outcome,
            refused,
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

/// What attempts are made with.
pub(super) struct Means<T, C> {
    pub(super) transport: Arc<T>,
    pub(super) clock: Arc<C>,
    pub(super) signer: Arc<dyn Signer>,
}

/// A request, or what it takes to make one when the attempt runs.
enum Prepared {
    Ready(Request),
    ToSign(Box<Due>),
}

/// Makes the attempt. The transport obeys the deadline itself; should it not, the engine does.
pub(super) fn make<T: Transport, C: Clock>(
    due: &Due,
    means: &Means<T, C>,
    timeout: Duration,
    now: Timestamp,
) -> impl Future<Output = Attempted> + Send + 'static {
    let prepared = prepare(due, timeout, now);
    let span = tracing::info_span!(
        "delivery.attempt",
        notification = %due.id.notification,
        endpoint = %due.id.endpoint,
        host = &**due.endpoint.target.host(),
        number = due.number(due.attempts.saturating_add(1)),
    );
    let (transport, clock) = (means.transport.clone(), means.clock.clone());
    let signer = means.signer.clone();
    let attempt = async move {
        let send = async {
            let due = match prepared {
                Prepared::Ready(request) => return transport.send(request).await,
                Prepared::ToSign(due) => due,
            };
            let request = sign(&due, signer.service_auth(&due, now), timeout, now).await?;
            let answer = transport.send(request).await?;
            let at = clock.now();
            let left = timeout.checked_sub(at.duration_since(now).unsigned_abs());
            match (signer.another(&due, answer.status, at), left) {
                (Some(minting), Some(left)) => {
                    transport.send(sign(&due, minting, left, at).await?).await
                }
                _ => Ok(answer),
            }
        };
        let outcome = tokio::select! {
            biased;
            answer = send => answer.map_or_else(Outcome::Failed, Outcome::Answered),
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

fn prepare(due: &Due, timeout: Duration, now: Timestamp) -> Prepared {
    let wire = due.endpoint.profile.wire();
    match wire.call {
        Call::Post => Prepared::Ready(wire.request(
            due,
            &Dressing {
                token: None,
                now,
                timeout,
            },
        )),
        Call::Xrpc => Prepared::ToSign(Box::new(due.clone())),
    }
}

async fn sign(
    due: &Due,
    minting: Minting<'_>,
    timeout: Duration,
    now: Timestamp,
) -> Result<Request, Fault> {
    let token = minting.await.map_err(|error| {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "an attempt cannot be signed");
        Fault::Signing
    })?;
    let dressing = Dressing {
        token: Some(&token.0),
        now,
        timeout,
    };
    Ok(due.endpoint.profile.wire().request(due, &dressing))
}

fn log(attempted: &Attempted) {
    let duration_ms = attempted.took().as_millis();
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
