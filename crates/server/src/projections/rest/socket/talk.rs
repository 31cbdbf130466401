//! What is said on an open stream, and how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use loggia_storage::StorageError;
use loggia_xrpc_server::Farewell;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::projections::feed::{Feed, FeedEnd};
use crate::projections::holders::Holding;
use crate::projections::names;

/// How often a silent client is pinged: below the idle timeout of common proxies.
const PING: Duration = Duration::from_secs(30);
/// Pings without a sign of life after which a client is taken for gone.
const MOST_SILENT_PINGS: u8 = 2;
/// How long one frame may wait for a client to take it.
const STALL: Duration = Duration::from_secs(10);
/// How long saying good-bye may take.
const CLOSE: Duration = Duration::from_secs(2);
/// The same for whoever was too slow: the reason stands behind what they have not taken yet.
const CLOSE_SLOW: Duration = Duration::from_secs(20);

/// Said to whoever sends a frame that is not read. A connection that broke in another way hears nothing.
const UNREADABLE: &str = "a frame of over 4096 bytes, or none: clients have nothing to say here";

/// Why a stream ends.
enum End {
    /// The client closed it, or is gone.
    Gone,
    /// The client took no frame for too long.
    TooSlow,
    /// The client sent what nobody reads.
    Unreadable,
    /// The client's key was revoked.
    Revoked,
    /// The projection was deleted.
    Deleted,
    /// The server stops.
    Stopping,
    /// The store failed.
    Failed(StorageError),
}

/// A WebSocket, or what stands for one.
pub(super) trait Socket:
    Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin
{
}

impl<S> Socket for S where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin
{
}

/// Gives out a feed until somebody ends it.
pub(super) async fn run<S: Socket>(
    socket: S,
    mut feed: Feed,
    mut holding: Holding,
    farewell: Option<Arc<Farewell>>,
) {
    let (mut sink, mut incoming) = socket.split();
    let silent = AtomicU8::new(0);
    let end = tokio::select! {
        biased;
        () = holding.revoked() => End::Revoked,
        end = write(&mut sink, &mut feed, &silent) => end,
        end = read(&mut incoming, &silent) => end,
        () = Farewell::said(farewell.as_deref()) => End::Stopping,
    };
    let patience = match &end {
        End::TooSlow => {
            let projection = names::projection(feed.id());
            let after = feed.after();
            tracing::info!(
                projection,
                after,
                "a stream's reader was too slow and is dropped"
            );
            CLOSE_SLOW
        }
        _ => CLOSE,
    };
    if timeout(patience, finish(sink, incoming, end))
        .await
        .is_err()
    {
        tracing::debug!("a stream of notifications did not close in time");
    }
}

async fn write<S: Socket>(
    sink: &mut SplitSink<S, Message>,
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
                Err(FeedEnd::Deleted) => return End::Deleted,
                Err(FeedEnd::Storage(error)) => return End::Failed(error),
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

async fn send<S: Socket>(sink: &mut SplitSink<S, Message>, message: Message) -> Option<End> {
    match timeout(STALL, sink.send(message)).await {
        Ok(Ok(())) => None,
        Ok(Err(_broken)) => Some(End::Gone),
        Err(_elapsed) => Some(End::TooSlow),
    }
}

/// Reads what clients have no business to send: ignored, but a sign of life.
async fn read<S: Socket>(incoming: &mut SplitStream<S>, silent: &AtomicU8) -> End {
    while let Some(message) = incoming.next().await {
        match message {
            Ok(Message::Close(_)) => return End::Gone,
            Ok(_ignored) => silent.store(0, Ordering::Relaxed),
            Err(error) => {
                tracing::debug!(%error, "a stream of notifications broke");
                return End::Unreadable;
            }
        }
    }
    End::Gone
}

async fn finish<S: Socket>(
    mut sink: SplitSink<S, Message>,
    mut incoming: SplitStream<S>,
    end: End,
) {
    let (code, reason) = match end {
        End::Gone => (close_code::NORMAL, ""),
        End::TooSlow => (close_code::AGAIN, "frames were not taken in time"),
        End::Unreadable => (close_code::SIZE, UNREADABLE),
        End::Revoked => (close_code::POLICY, "the key was revoked"),
        End::Deleted => (close_code::POLICY, "the projection was deleted"),
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

#[cfg(test)]
mod tests;
