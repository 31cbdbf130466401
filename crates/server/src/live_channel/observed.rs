//! What became of a delivery, as the engine tells it.

use jiff::Timestamp;
use loggia_delivery::{Observed, Observer, Profile, State};
use serde::Deserialize;

use super::{LiveChannel, LiveOutcome, LiveStatus};

impl Observer for LiveChannel {
    /// Tells how deliveries ended; what is tried again is no outcome for a dashboard.
    fn recorded(&self, outcome: &Observed<'_>) {
        if let Some(outcome) = live(outcome) {
            self.tell(outcome);
        }
    }
}

/// What a notification of Wisp's says of the record.
#[derive(Default, Deserialize)]
struct RecordEvent {
    event: Option<String>,
    did: Option<String>,
    collection: Option<String>,
    rkey: Option<String>,
    cid: Option<String>,
}

fn live(outcome: &Observed<'_>) -> Option<LiveOutcome> {
    let (status, at) = ended(&outcome.settled.state).filter(|_| !outcome.stale)?;
    let (endpoint, notification) = (&outcome.due.endpoint, &outcome.due.notification);
    let is_record = matches!(endpoint.profile, Profile::Wisp | Profile::Wisp2);
    let event = match is_record {
        true => serde_json::from_slice(&notification.body).unwrap_or_default(),
        false => RecordEvent::default(),
    };
    Some(LiveOutcome {
        owner_did: endpoint.owner.to_string(),
        rkey: endpoint.id.to_string(),
        record_at: is_record.then_some(endpoint.id),
        url: LiveOutcome::NO_URL,
        event_kind: event.event.unwrap_or_else(|| notification.kind.to_string()),
        event_did: event.did,
        event_collection: event.collection,
        event_rkey: event.rkey,
        cid: event.cid,
        status,
        delivered_at: at,
    })
}

fn ended(state: &State) -> Option<(LiveStatus, Timestamp)> {
    match *state {
        State::Delivered { at, .. } => Some((LiveStatus::Ok, at)),
        State::Abandoned { at, .. } | State::Expired { at, .. } => Some((LiveStatus::Failed, at)),
        State::Pending { .. } | State::Leased { .. } | State::Cancelled { .. } => None,
    }
}
