//! `/api/secret`: the same as `place.wisp.v2.secret.*`, for a person with a browser.

use axum::extract::{Path, State};
use bytes::Bytes;
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::WispSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Rest;
use super::answer::{Answer, Refused, success};
use super::mutations::Action;
use crate::login::LoggedIn;
use crate::view::datetime;

/// Names and times, and no token.
pub(super) async fn list(State(rest): State<Rest>, person: LoggedIn) -> Answer {
    let secrets = rest.secrets.list(&person.did).await?;
    let shown: Vec<Value> = secrets.into_iter().map(shown).collect();
    success(json!({ "secrets": shown }))
}

fn shown(secret: WispSecret) -> Value {
    let mut shown = json!({ "name": secret.name, "createdAt": datetime(secret.created_at) });
    if let Some(at) = secret.rotated_at {
        shown["lastRotatedAt"] = json!(datetime(at));
    }
    shown
}

#[derive(Deserialize)]
struct New {
    name: String,
}

/// The token is in this answer only.
pub(super) async fn create(State(rest): State<Rest>, person: LoggedIn, body: Bytes) -> Answer {
    let now = SystemClock.now();
    rest.mutations
        .count(&person.did, Action::CreateSecret, now)?;
    let New { name } =
        serde_json::from_slice(&body).map_err(|_| Refused::Request("`name` is missing"))?;
    let token = rest.secrets.create(&person.did, &name, now).await?;
    success(json!({ "name": name, "token": *token, "createdAt": datetime(now) }))
}

/// The new token is in this answer only.
pub(super) async fn rotate(
    State(rest): State<Rest>,
    person: LoggedIn,
    Path(name): Path<String>,
) -> Answer {
    let now = SystemClock.now();
    rest.mutations
        .count(&person.did, Action::RotateSecret, now)?;
    let token = rest.secrets.rotate(&person.did, &name, now).await?;
    success(json!({ "name": name, "token": *token, "rotatedAt": datetime(now) }))
}

/// Webhooks that name the secret are not told any more.
pub(super) async fn remove(
    State(rest): State<Rest>,
    person: LoggedIn,
    Path(name): Path<String>,
) -> Answer {
    let now = SystemClock.now();
    rest.mutations
        .count(&person.did, Action::DeleteSecret, now)?;
    rest.secrets.delete(&person.did, &name, now).await?;
    success(json!({}))
}
