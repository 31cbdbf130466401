//! `GET /projections/{id}/notifications`, and new secrets for webhooks.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::Projection;
use loggia_syntax::Did;
use loggia_xrpc_server::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::caller::Owner;
use super::web::Segment;
use super::{Rest, refuse};

/// Notifications of one answer unless fewer are asked for; each may have a quarter of a megabyte.
const PAGE: u32 = 100;

/// What is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    after_sequence: Option<i64>,
    limit: Option<u32>,
}

/// Notifications, ascending.
#[derive(Serialize)]
pub(super) struct Notifications {
    notifications: Vec<Box<RawValue>>,
}

/// A new secret.
#[derive(Serialize)]
pub(super) struct Rotated {
    success: bool,
    secret: String,
    isolated: bool,
}

/// `GET /projections/{id}/notifications`
pub(super) async fn list(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    Segment(id): Segment,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Notifications>, Refusal> {
    let Query(asked) = asked.map_err(|error| refuse::invalid(error.body_text()))?;
    let limit = refuse::within("limit", asked.limit, PAGE)?;
    refuse::negative("afterSequence", asked.after_sequence)?;
    let found = find(&rest, &id, &owner).await?;
    let projections = rest.desk.storage.projections();
    let notices = match asked.after_sequence {
        Some(after) => projections.notices_after(found.id, after, limit).await,
        None => projections.latest_notices(found.id, limit).await,
    };
    let notices = notices.map_err(refuse::storage)?.into_iter();
    let raw = notices.map(|notice| RawValue::from_string(notice.body));
    let notifications = raw.collect::<Result<_, _>>();
    Ok(Json(Notifications {
        notifications: notifications.map_err(|error| Refusal::internal(&error))?,
    }))
}

/// `POST /webhooks/rotate`
pub(super) async fn rotate_shared(
    State(rest): State<Rest>,
    Owner(owner): Owner,
) -> Result<Json<Rotated>, Refusal> {
    let secret = rest.desk.rotate_shared(&owner, SystemClock.now()).await;
    let secret = secret.map_err(refuse::desk)?;
    Ok(Json(Rotated {
        success: true,
        secret: secret.to_text().to_string(),
        isolated: false,
    }))
}

/// `POST /projections/{id}/webhook/rotate`
pub(super) async fn rotate(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    Segment(id): Segment,
) -> Result<Json<Rotated>, Refusal> {
    let id = refuse::read_id(&id)?;
    let secret = rest.desk.rotate(id, &owner, SystemClock.now()).await;
    let secret = secret.map_err(refuse::desk)?;
    Ok(Json(Rotated {
        success: true,
        secret: secret.to_text().to_string(),
        isolated: true,
    }))
}

/// A projection whose notifications the owner may read.
pub(super) async fn find(rest: &Rest, id: &str, owner: &Did) -> Result<Projection, Refusal> {
    let found = rest.desk.readable(refuse::read_id(id)?, owner).await;
    found.map_err(refuse::desk)
}
