//! `/api/webhook`: records in the person's repository.

use std::collections::HashMap;

use axum::extract::{Path, RawQuery, State};
use bytes::Bytes;
use jiff::Timestamp;
use loggia_api::com::atproto::repo::list_records::{self, ListRecords};
use loggia_api::com::atproto::repo::{delete_record, put_record};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{StorageError, WispState, WispWebhook};
use loggia_syntax::{AtIdentifier, Did, Nsid, RecordKey, Tid};
use loggia_xrpc::NoBody;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Rest;
use super::answer::{Answer, Refused, success};
use super::mutations::Action;
use super::record::record;
use crate::chance;
use crate::login::{LoggedIn, Pds};
use crate::wisp::{COLLECTION, Webhook};
use crate::wisp_registry;

/// Records of one person at most, and of one page.
const MOST: i64 = 50;

/// The person's records as their PDS lists them; beside each, what this server makes of it.
pub(super) async fn list(
    State(rest): State<Rest>,
    person: LoggedIn,
    RawQuery(query): RawQuery,
) -> Answer {
    let (mut limit, mut cursor) = (MOST, None);
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*name {
            "limit" => {
                let read = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=MOST).contains(limit));
                limit = read.ok_or(Refused::Request("`limit` is 1 to 50"))?;
            }
            "cursor" => cursor = Some(value.into_owned()),
            _ => {}
        }
    }
    let page = page(&person.pds(), limit, cursor, SystemClock.now()).await?;
    let states = states(&rest, &person.did).await?;
    let shown = page.records.into_iter().map(|record| {
        let rkey = record.uri.as_str().rsplit('/').next().unwrap_or_default();
        let state = states
            .get(rkey)
            .cloned()
            .unwrap_or(json!({ "state": "unknown" }));
        json!({ "uri": record.uri, "cid": record.cid, "value": record.value, "delivery": state })
    });
    let mut answer = json!({ "records": shown.collect::<Vec<_>>() });
    if let Some(cursor) = page.cursor {
        answer["cursor"] = cursor.into();
    }
    success(answer)
}

/// Writes a record under a new key.
pub(super) async fn create(State(rest): State<Rest>, person: LoggedIn, body: Bytes) -> Answer {
    let now = SystemClock.now();
    rest.mutations
        .count(&person.did, Action::CreateWebhook, now)?;
    let members = record(&body, now).ok_or_else(|| {
        Refused::Webhook("the body is neither a record nor its flat form".to_owned())
    })?;
    Webhook::from_members(members.clone(), &rest.guard)
        .map_err(|invalid| Refused::Webhook(invalid.message))?;
    let record = serde_json::from_value(Value::Object(members))
        .map_err(|error| Refused::Webhook(error.to_string()))?;
    let pds = person.pds();
    if page(&pds, MOST, None, now).await?.records.len() >= MOST as usize {
        return Err(Refused::Limit);
    }
    let rkey = key(now);
    let input = put_record::Input {
        repo: AtIdentifier::from(person.did.clone()),
        collection: Nsid::from_static(COLLECTION),
        rkey: rkey.clone(),
        validate: None,
        record,
        swap_record: None,
        swap_commit: None,
        extra: Default::default(),
    };
    let written = pds.call::<put_record::PutRecord>(&(), input, now).await?;
    look(&rest, &person.did, &rkey, now).await?;
    success(json!({ "rkey": rkey, "uri": written.uri }))
}

/// Removes a record; one that is not there is gone already.
pub(super) async fn remove(
    State(rest): State<Rest>,
    person: LoggedIn,
    Path(rkey): Path<String>,
) -> Answer {
    let now = SystemClock.now();
    rest.mutations
        .count(&person.did, Action::DeleteWebhook, now)?;
    let rkey = RecordKey::new(rkey).map_err(|_| Refused::Request("that is no record key"))?;
    let input = delete_record::Input {
        repo: AtIdentifier::from(person.did.clone()),
        collection: Nsid::from_static(COLLECTION),
        rkey: rkey.clone(),
        swap_record: None,
        swap_commit: None,
        extra: Default::default(),
    };
    let pds = person.pds();
    pds.call::<delete_record::DeleteRecord>(&(), input, now)
        .await?;
    look(&rest, &person.did, &rkey, now).await?;
    success(json!({}))
}

async fn page(
    pds: &Pds,
    limit: i64,
    cursor: Option<String>,
    now: Timestamp,
) -> Result<list_records::Output, Refused> {
    let params = list_records::Params {
        repo: AtIdentifier::from(pds.did().clone()),
        collection: Nsid::from_static(COLLECTION),
        limit,
        cursor,
        reverse: None,
    };
    Ok(pds.call::<ListRecords>(&params, NoBody, now).await?)
}

/// The record is read back at once, without waiting for a stream to tell of it; unless this server
/// follows none.
async fn look(
    rest: &Rest,
    owner: &Did,
    rkey: &RecordKey,
    now: Timestamp,
) -> Result<(), StorageError> {
    let Some(bell) = &rest.bell else {
        return Ok(());
    };
    let mut tx = rest.storage.begin().await?;
    let records = [(owner.clone(), rkey.clone())];
    wisp_registry::reread(&rest.storage, &mut tx, &records, now).await?;
    tx.commit().await?;
    bell.ring();
    Ok(())
}

/// What this server makes of the person's records, by key.
async fn states(rest: &Rest, owner: &Did) -> Result<HashMap<String, Value>, StorageError> {
    let webhooks = rest.storage.wisp_webhooks().list(owner).await?;
    let states = webhooks.into_iter();
    Ok(states
        .map(|webhook| (webhook.rkey.as_str().to_owned(), state(&webhook)))
        .collect())
}

fn state(webhook: &WispWebhook) -> Value {
    match &webhook.state {
        WispState::Active if webhook.paused => json!({ "state": "paused" }),
        WispState::Active => json!({ "state": "active" }),
        WispState::Disabled => json!({ "state": "disabled" }),
        WispState::Refused { reason, .. } => json!({ "state": "refused", "reason": reason }),
        WispState::Removed => json!({ "state": "unknown" }),
    }
}

/// A key that sorts by time.
fn key(now: Timestamp) -> RecordKey {
    let micros = u64::try_from(now.as_microsecond()).unwrap_or(0);
    let clock = u16::from_be_bytes(chance::bytes());
    let tid = Tid::from_micros(micros, clock).expect("the clock is before the year 2255");
    tid.into()
}
