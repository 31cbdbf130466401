//! `POST /events`, `POST /events/batch`, `GET /events/{aggregateId}`

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Json, body::Bytes};
use jiff::Timestamp;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{Appended, StoredEvent};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::caller::Owner;
use super::object::Object;
use super::web::Segment;
use super::{Rest, refuse};
use crate::projections::intake::Given;
use crate::projections::names;

/// Events of one batch.
const MOST_EVENTS: usize = 100;
/// Events of one answer, each of which may have a quarter of a megabyte.
const PAGE: u32 = 100;

/// An event in a body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewEvent<'a> {
    aggregate_id: Option<String>,
    aggregate_type: Option<String>,
    event_type: String,
    #[serde(borrow)]
    data: &'a RawValue,
    expected_version: Option<i64>,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// Several, of one aggregate or each of its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Batch<'a> {
    aggregate_id: Option<String>,
    aggregate_type: Option<String>,
    expected_version: Option<i64>,
    #[serde(borrow)]
    events: Vec<Object<NewEvent<'a>>>,
}

/// What an event has become.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppendedView {
    event_id: String,
    aggregate_id: String,
    aggregate_type: String,
    version: i64,
    timestamp: Timestamp,
}

/// What a batch has become; versions if it is of one aggregate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchView {
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregate_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_version: Option<i64>,
    event_ids: Vec<String>,
}

/// An event of the history.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventView {
    event_id: String,
    aggregate_id: String,
    aggregate_type: String,
    event_type: String,
    version: i64,
    data: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<RawValue>>,
    timestamp: Timestamp,
}

/// Events of an aggregate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventsView {
    events: Vec<EventView>,
    /// Ask again after this version; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after_version: Option<i64>,
}

/// What is listed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Listing {
    #[serde(default)]
    after_version: i64,
}

/// `POST /events`
pub(super) async fn append(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<AppendedView>), Refusal> {
    let body = read_body(body)?;
    let event: NewEvent<'_> = parse(&body)?;
    let now = SystemClock.now();
    let new = given(event, None, None)?
        .check(now)
        .map_err(refuse::invalid)?;
    let appended = rest.desk.append(&owner, vec![new], now).await;
    let stored = done(appended.map_err(refuse::storage)?)?;
    let event = stored.into_iter().next();
    let event = event.ok_or_else(|| refuse::invalid("the event was appended before"))?;
    Ok((StatusCode::CREATED, Json(appended_view(event))))
}

/// `POST /events/batch`
pub(super) async fn append_batch(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<BatchView>), Refusal> {
    let body = read_body(body)?;
    let batch: Batch<'_> = parse(&body)?;
    if !(1..=MOST_EVENTS).contains(&batch.events.len()) {
        return Err(refuse::invalid(format!(
            "a batch has 1 to {MOST_EVENTS} events"
        )));
    }
    let now = SystemClock.now();
    let (id, kind) = (
        batch.aggregate_id.as_deref(),
        batch.aggregate_type.as_deref(),
    );
    let mut new = Vec::with_capacity(batch.events.len());
    // That of the batch is the version before its first event.
    let mut expected = batch.expected_version;
    for Object(event) in batch.events {
        let mut given = given(event, id, kind)?;
        let before = expected.take();
        given.expected = given.expected.or(before);
        new.push(given.check(now).map_err(refuse::invalid)?);
    }
    let appended = rest.desk.append(&owner, new, now).await;
    let stored = done(appended.map_err(refuse::storage)?)?;
    Ok((StatusCode::CREATED, Json(batch_view(&stored))))
}

/// `GET /events/{aggregateId}`
pub(super) async fn list(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    Segment(aggregate): Segment,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Result<Json<EventsView>, Refusal> {
    let Query(listing) = listing.map_err(|error| refuse::invalid(error.body_text()))?;
    if aggregate.contains('\0') {
        return Err(refuse::invalid("an aggregate's id has no NUL"));
    }
    let after = listing.after_version;
    refuse::negative("afterVersion", Some(after))?;
    let events = rest.desk.events(&owner, &aggregate, after, PAGE).await;
    let events = events.map_err(refuse::storage)?;
    let is_full = events.len() == PAGE as usize;
    let last = events.last().map(|event| event.version);
    let views = events.into_iter().map(event_view).collect::<Result<_, _>>();
    Ok(Json(EventsView {
        events: views.map_err(|error| Refusal::internal(&error))?,
        next_after_version: last.filter(|_| is_full),
    }))
}

pub(super) fn read_body(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    body.map_err(|error| refuse::body(error.status().as_u16(), error.body_text()))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    let parsed = serde_json::from_slice(body);
    let Object(parsed) = parsed.map_err(|error| refuse::invalid(error.to_string()))?;
    Ok(parsed)
}

fn given<'a>(
    event: NewEvent<'a>,
    aggregate: Option<&str>,
    aggregate_type: Option<&str>,
) -> Result<Given<'a>, Refusal> {
    let aggregate = event.aggregate_id.or_else(|| aggregate.map(str::to_owned));
    let aggregate = aggregate.ok_or_else(|| refuse::invalid("`aggregateId` is missing"))?;
    Ok(Given {
        aggregate,
        aggregate_type: event
            .aggregate_type
            .or_else(|| aggregate_type.map(str::to_owned)),
        kind: event.event_type,
        data: event.data.get(),
        expected: event.expected_version,
        correlation: event.correlation_id,
        causation: event.causation_id,
        metadata: event.metadata.map(RawValue::get),
    })
}

fn done(appended: Appended) -> Result<Vec<StoredEvent>, Refusal> {
    match appended {
        Appended::Done(stored) => Ok(stored),
        Appended::Conflict { place, version } => {
            let message = format!(
                "the aggregate of event {place} has version {version}, which is not the one expected"
            );
            Err(Rejection::new(409, "VersionConflict", message).into())
        }
    }
}

fn appended_view(event: StoredEvent) -> AppendedView {
    AppendedView {
        event_id: names::event(event.id),
        aggregate_id: event.aggregate,
        aggregate_type: event.aggregate_type,
        version: event.version,
        timestamp: event.created_at,
    }
}

fn batch_view(stored: &[StoredEvent]) -> BatchView {
    let first = stored.first();
    let one = first.filter(|first| {
        stored
            .iter()
            .all(|event| event.aggregate == first.aggregate)
    });
    BatchView {
        aggregate_id: one.map(|first| first.aggregate.clone()),
        start_version: one.map(|first| first.version),
        end_version: one.and(stored.last()).map(|last| last.version),
        event_ids: stored.iter().map(|event| names::event(event.id)).collect(),
    }
}

fn event_view(event: StoredEvent) -> serde_json::Result<EventView> {
    Ok(EventView {
        event_id: names::event(event.id),
        aggregate_id: event.aggregate,
        aggregate_type: event.aggregate_type,
        event_type: event.kind,
        version: event.version,
        data: RawValue::from_string(event.data)?,
        correlation_id: event.correlation,
        causation_id: event.causation,
        metadata: event.metadata.map(RawValue::from_string).transpose()?,
        timestamp: event.created_at,
    })
}
