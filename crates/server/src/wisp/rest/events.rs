//! `/api/webhook/events`: how the last deliveries ended.

use axum::Json;
use axum::extract::State;
use loggia_storage::WispOutcome;
use loggia_syntax::{AtUri, Did};
use serde_json::{Value, json};

use super::Rest;
use super::answer::{Answer, success};
use crate::login::LoggedIn;
use crate::view::datetime;
use crate::wisp::Version;
use crate::wisp::happening::Cause;

/// Deliveries that are listed.
const MOST: u32 = 100;

/// The last first: the bare array of Wisp's page, or what its newer service answers.
pub(super) async fn list(State(rest): State<Rest>, person: LoggedIn) -> Answer {
    let outcomes = rest.storage.wisp_webhooks().log(&person.did, MOST).await?;
    let outcomes = outcomes.iter();
    match rest.version {
        Version::First => Ok(Json(outcomes.map(of_the_page).collect())),
        Version::Second => {
            let events: Value = outcomes
                .map(|outcome| newer(&person.did, outcome))
                .collect();
            success(json!({ "events": events }))
        }
    }
}

fn of_the_page(outcome: &WispOutcome) -> Value {
    let told = Told::of(outcome);
    json!({
        "id": outcome.id.to_string(),
        "rkey": outcome.rkey,
        "url": outcome.url,
        "event_kind": told.action,
        "event_did": told.did,
        "event_collection": told.collection,
        "event_rkey": told.rkey,
        "status": if outcome.delivered { "ok" } else { "failed" },
        "delivered_at": datetime(outcome.at),
    })
}

fn newer(owner: &Did, outcome: &WispOutcome) -> Value {
    let told = Told::of(outcome);
    let mut event = json!({
        "ownerDid": owner,
        "rkey": outcome.rkey,
        // Its path may hold a token.
        "url": "[redacted]",
        "eventKind": told.action,
        "eventDid": told.did,
        "eventCollection": told.collection,
        "eventRkey": told.rkey,
        "status": if outcome.delivered { "ok" } else { "dead_letter" },
        "deliveredAt": datetime(outcome.at),
    });
    if let Some(cid) = told.cid {
        event["cid"] = cid.into();
    }
    event
}

/// What was told, taken from the names of the notification; empty where they do not say.
#[derive(Default)]
struct Told {
    action: String,
    did: String,
    collection: String,
    rkey: String,
    cid: Option<String>,
}

impl Told {
    fn of(outcome: &WispOutcome) -> Self {
        let mut told = Self::default();
        if let Ok(uri) = AtUri::new(outcome.subject.as_str()) {
            let parts = uri.parts();
            told.did = parts.authority.to_owned();
            told.collection = parts.collection.unwrap_or_default().to_owned();
            told.rkey = parts.rkey.unwrap_or_default().to_owned();
        }
        if let Some(cause) = outcome.source.as_deref().and_then(Cause::read) {
            told.action = cause.action.to_owned();
            told.cid = cause.cid.map(str::to_owned);
        }
        told
    }
}
