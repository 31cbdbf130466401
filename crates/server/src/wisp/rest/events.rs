//! `/api/webhook/events`: how the last deliveries ended.

use std::cmp::Reverse;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::LINK;
use axum::http::{HeaderMap, HeaderValue};
use loggia_storage::{WispLogPlace, WispOutcome};
use loggia_syntax::{AtUri, Did};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Rest;
use super::answer::{Refused, success};
use crate::login::LoggedIn;
use crate::view::datetime;
use crate::wisp::Version;
use crate::wisp::happening::Cause;

/// Deliveries of one answer, unless fewer are asked for.
const MOST: u32 = 100;

/// Which part of the log is wanted: the newest without a cursor.
#[derive(Deserialize)]
pub(super) struct Asked {
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The last first: the bare array of Wisp's page, or what its newer service answers. Where older ones
/// begin stands in the header `Link`, and in what the newer service answers in `cursor` as well.
pub(super) async fn list(
    State(rest): State<Rest>,
    person: LoggedIn,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<(HeaderMap, Json<Value>), Refused> {
    let Query(asked) = asked.map_err(|_| Refused::Request("`limit` or `cursor` is none"))?;
    let limit = asked.limit.unwrap_or(MOST).clamp(1, MOST);
    let after = asked.cursor.as_deref().map(|cursor| {
        WispLogPlace::read(cursor).ok_or(Refused::Request("`cursor` is of no answer before"))
    });
    let webhooks = rest.storage.wisp_webhooks();
    let log = webhooks.log(&person.did, after.transpose()?, limit).await?;
    let mut outcomes = log.outcomes;
    outcomes.sort_by_key(|outcome| Reverse(outcome.at));
    let next = log.next.map(|next| next.to_string());
    let mut headers = HeaderMap::new();
    if let Some(next) = &next {
        let link = format!("</api/webhook/events?limit={limit}&cursor={next}>; rel=\"next\"");
        let link = HeaderValue::try_from(link).expect("ids are header text");
        headers.insert(LINK, link);
    }
    let outcomes = outcomes.iter();
    let body = match rest.version {
        Version::First => Json(outcomes.map(of_the_page).collect()),
        Version::Second => {
            let events: Value = outcomes
                .map(|outcome| newer(&person.did, outcome))
                .collect();
            let mut body = json!({ "events": events });
            if let Some(next) = next {
                body["cursor"] = next.into();
            }
            success(body)?
        }
    };
    Ok((headers, body))
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
