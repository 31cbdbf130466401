//! `GET /projections`, and `GET`, `DELETE` and `POST …/reactivate` of one.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::Timestamp;
use loggia_delivery::{Clock as _, EndpointState, SystemClock};
use loggia_storage::{Parked, ProjectionStatus};
use loggia_xrpc_server::Refusal;
use serde::{Deserialize, Serialize};

use super::caller::Owner;
use super::web::Segment;
use super::{Rest, refuse};
use crate::projections::definition::Selection;
use crate::projections::desk::Shown;
use crate::projections::names;

/// Projections of one answer unless fewer are asked for, as many as an owner can have.
const PAGE: u32 = 100;

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    cursor: Option<String>,
    limit: Option<u32>,
}

/// A projection as its owner sees it. Its webhook's secret is told when it is made, and never again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProjectionView {
    projection_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parked: Option<ParkedView>,
    /// The position of the last event that is folded.
    cursor: i64,
    /// The last notification; 0 before the first.
    sequence: i64,
    selection: Selection,
    #[serde(skip_serializing_if = "Option::is_none")]
    reducer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notifications: Option<NotificationsView>,
    /// From when on the events of its source are kept, if some have gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    history_from: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Why one stands still.
#[derive(Serialize)]
struct ParkedView {
    /// What it stands before; absent if the store cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    error: String,
    at: Timestamp,
}

#[derive(Serialize)]
struct NotificationsView {
    webhook: WebhookView,
}

#[derive(Serialize)]
struct WebhookView {
    enabled: bool,
    url: String,
    isolated: bool,
}

/// Projections, newest first.
#[derive(Serialize)]
pub(super) struct ProjectionsView {
    projections: Vec<ProjectionView>,
    /// Ask again with it; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Something is done, of which there is no more to say.
#[derive(Serialize)]
pub(super) struct Done {
    success: bool,
}

/// `GET /projections`
pub(super) async fn list(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<ProjectionsView>, Refusal> {
    let Query(asked) = asked.map_err(|error| refuse::invalid(error.body_text()))?;
    let limit = refuse::within("limit", asked.limit, PAGE)?;
    let after = asked.cursor.as_deref().map(|cursor| {
        let none = || refuse::invalid("`cursor` is none that was given out");
        names::read_projection(cursor).ok_or_else(none)
    });
    let projections = rest.desk.storage.projections();
    let found = projections.list(&owner, after.transpose()?, limit + 1);
    let mut found = found.await.map_err(refuse::storage)?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more);
    let cursor = last.map(|last| names::projection(last.id));
    let mut projections = Vec::with_capacity(found.len());
    for found in found {
        let shown = rest.desk.show(found).await;
        projections.push(view(shown.map_err(refuse::desk)?));
    }
    Ok(Json(ProjectionsView {
        projections,
        cursor,
    }))
}

/// `GET /projections/{id}`
pub(super) async fn get(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    Segment(id): Segment,
) -> Result<Json<ProjectionView>, Refusal> {
    let shown = rest.desk.shown(refuse::read_id(&id)?, &owner).await;
    Ok(Json(view(shown.map_err(refuse::desk)?)))
}

/// `DELETE /projections/{id}`
pub(super) async fn delete(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    Segment(id): Segment,
) -> Result<Json<Done>, Refusal> {
    let id = refuse::read_id(&id)?;
    let deleted = rest.desk.delete(id, &owner, SystemClock.now()).await;
    deleted.map_err(refuse::desk)?;
    Ok(Json(Done { success: true }))
}

/// `POST /projections/{id}/reactivate`: from the first event on, a parked one as well.
pub(super) async fn reactivate(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    Segment(id): Segment,
) -> Result<Json<ProjectionView>, Refusal> {
    let id = refuse::read_id(&id)?;
    let shown = rest.desk.reactivate(id, &owner, SystemClock.now()).await;
    Ok(Json(view(shown.map_err(refuse::desk)?)))
}

fn view(shown: Shown) -> ProjectionView {
    let Shown {
        projection,
        definition,
        endpoint,
        history_from,
    } = shown;
    let (status, parked) = match projection.status {
        ProjectionStatus::Active => ("active", None),
        ProjectionStatus::Parked(parked) => ("parked", Some(parked_view(parked))),
    };
    let webhook = endpoint.map(|owned| WebhookView {
        enabled: matches!(owned.endpoint.state, EndpointState::Active),
        url: owned.endpoint.target.as_str().to_owned(),
        isolated: projection.isolated,
    });
    ProjectionView {
        projection_id: names::projection(projection.id),
        name: definition.name,
        status,
        parked,
        cursor: projection.cursor,
        sequence: projection.sequence,
        selection: definition.selection,
        reducer: definition.reducer,
        key: definition.key,
        state_type: definition.state_type,
        notifications: webhook.map(|webhook| NotificationsView { webhook }),
        history_from,
        created_at: projection.created_at,
        updated_at: projection.updated_at,
    }
}

fn parked_view(parked: Parked) -> ParkedView {
    ParkedView {
        event: parked.event.map(names::event),
        error: parked.error,
        at: parked.at,
    }
}
