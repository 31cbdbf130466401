//! `GET /projections/{id}/subscribe`: a WebSocket of notifications.

mod talk;

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Farewell, Refusal};
use serde::Deserialize;

use super::caller::Client;
use super::web::Segment;
use super::{Rest, notifications, refuse};
use crate::projections::feed::Feed;
use crate::projections::owner_of_client;

/// Bytes of a frame from the client, which has nothing to say. Named in a reason to close as well.
const MOST_SAID: usize = 4096;
/// Bytes for reading, of each connection.
const READ_BUFFER: usize = 1024;

/// Where to begin.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    after_sequence: Option<i64>,
}

/// Everything after `afterSequence`, then what is new; only that without it.
pub(super) async fn subscribe(
    State(rest): State<Rest>,
    Client(client): Client,
    Segment(id): Segment,
    asked: Result<Query<Asked>, QueryRejection>,
    farewell: Option<Extension<Arc<Farewell>>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let Query(asked) = asked.map_err(|error| refuse::invalid(error.body_text()))?;
    let holding = rest.desk.holders.hold(client);
    let found = notifications::find(&rest, &id, &owner_of_client(client)).await?;
    let upgrade = upgrade.map_err(|_| {
        let refused = Rejection::new(426, "UpgradeRequired", "this is a WebSocket");
        Refusal::from(refused.header("upgrade", "websocket"))
    })?;
    let after = asked.after_sequence.unwrap_or(found.sequence);
    if !(0..=found.sequence).contains(&after) {
        let message = "no notification has had the number `afterSequence` yet";
        return Err(Rejection::new(400, "FutureCursor", message).into());
    }
    let permit = rest.streams.clone().try_acquire_owned().map_err(|_| {
        let refused = Rejection::new(503, "NotEnoughResources", "too many streams are open");
        Refusal::from(refused.header("retry-after", "10"))
    })?;
    let projections = rest.desk.storage.projections();
    let feed = Feed::new(projections, &rest.desk.followers, found.id, after);
    let farewell = farewell.map(|Extension(farewell)| farewell);
    Ok(upgrade
        .max_message_size(MOST_SAID)
        .max_frame_size(MOST_SAID)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .on_failed_upgrade(|error| tracing::debug!(%error, "upgrade to a WebSocket failed"))
        .on_upgrade(async move |socket| {
            talk::run(socket, feed, holding, farewell).await;
            drop(permit);
        }))
}
