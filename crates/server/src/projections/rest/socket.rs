//! `GET /projections/{id}/subscribe`: a WebSocket of notifications.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use loggia_storage::StorageError;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Farewell, Refusal};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::caller::Owner;
use super::{Rest, notifications, refuse};
use crate::projections::feed::Feed;

/// How often a silent client is pinged: below the idle timeout of common proxies.
const PING: Duration = Duration::from_secs(30);
/// Pings without a sign of life after which a client is taken for gone.
const MOST_SILENT_PINGS: u8 = 2;
/// How long one frame may wait for a client to take it.
const STALL: Duration = Duration::from_secs(10);
/// How long saying good-bye may take.
const CLOSE: Duration = Duration::from_secs(2);
/// Bytes of a frame from the client, which has nothing to say.
const MOST_SAID: usize = 4096;
/// Bytes for reading, of each connection.
const READ_BUFFER: usize = 1024;

/// Where to begin.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    after_sequence: Option<i64>,
}

/// Why a stream ends.
enum End {
    /// The client closed it, or is gone.
    Gone,
    /// The client took no frame for too long.
    TooSlow,
    /// The server stops.
    Stopping,
    /// The store failed.
    Failed(StorageError),
}

/// Everything after `afterSequence`, then what is new; only that without it.
pub(super) async fn subscribe(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    farewell: Option<Extension<Arc<Farewell>>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let Query(asked) = asked.map_err(|error| refuse::invalid(error.body_text()))?;
    let found = notifications::find(&rest, &id, &owner).await?;
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
            run(socket, feed, farewell).await;
            drop(permit);
        }))
}

async fn run(socket: WebSocket, mut feed: Feed, farewell: Option<Arc<Farewell>>) {
    let (mut sink, mut incoming) = socket.split();
    let silent = AtomicU8::new(0);
    let end = tokio::select! {
        end = write(&mut sink, &mut feed, &silent) => end,
        end = read(&mut incoming, &silent) => end,
        () = Farewell::said(farewell.as_deref()) => End::Stopping,
    };
    if timeout(CLOSE, finish(sink, incoming, end)).await.is_err() {
        tracing::debug!("a stream of notifications did not close in time");
    }
}

async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    feed: &mut Feed,
    silent: &AtomicU8,
) -> End {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    loop {
        let before = feed.after();
        let message = tokio::select! {
            next = feed.next() => match next {
                Ok(notice) => {
                    if notice.sequence != before + 1 {
                        let missed = swept(before, notice.sequence);
                        if let Some(end) = send(sink, missed).await {
                            return end;
                        }
                    }
                    Message::text(notice.body)
                }
                Err(error) => return End::Failed(error),
            },
            _ = pings.tick() => {
                if silent.fetch_add(1, Ordering::Relaxed) >= MOST_SILENT_PINGS {
                    return End::Gone;
                }
                Message::Ping(bytes::Bytes::new())
            }
        };
        if let Some(end) = send(sink, message).await {
            return end;
        }
    }
}

/// Says that what was missed is no longer kept: instead of a gap that nobody is told of.
fn swept(after: i64, next: i64) -> Message {
    let told =
        json!({ "type": "subscription.outdated", "afterSequence": after, "nextSequence": next });
    Message::text(told.to_string())
}

async fn send(sink: &mut SplitSink<WebSocket, Message>, message: Message) -> Option<End> {
    match timeout(STALL, sink.send(message)).await {
        Ok(Ok(())) => None,
        Ok(Err(_broken)) => Some(End::Gone),
        Err(_elapsed) => Some(End::TooSlow),
    }
}

/// Reads what clients have no business to send: ignored, but a sign of life.
async fn read(incoming: &mut SplitStream<WebSocket>, silent: &AtomicU8) -> End {
    while let Some(Ok(message)) = incoming.next().await {
        if matches!(message, Message::Close(_)) {
            return End::Gone;
        }
        silent.store(0, Ordering::Relaxed);
    }
    End::Gone
}

async fn finish(
    mut sink: SplitSink<WebSocket, Message>,
    mut incoming: SplitStream<WebSocket>,
    end: End,
) {
    let (code, reason) = match end {
        End::Gone => (close_code::NORMAL, ""),
        End::TooSlow => (close_code::POLICY, "frames were not taken in time"),
        End::Stopping => (close_code::AWAY, "the server stops: connect again"),
        End::Failed(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "a stream of notifications failed");
            (close_code::ERROR, "the server failed: connect again")
        }
    };
    let reason = reason.into();
    let close = Message::Close(Some(CloseFrame { code, reason }));
    if let Err(error) = sink.send(close).await {
        return tracing::debug!(%error, "a stream was gone before it was closed");
    }
    while let Some(Ok(_)) = incoming.next().await {}
}
