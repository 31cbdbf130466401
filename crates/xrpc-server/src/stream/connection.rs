//! One open event stream: pulls messages, writes frames, and ends for a reason.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::extract::ws::{CloseFrame, Message as Socketed, WebSocket, close_code};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use loggia_xrpc::{DeclaredError, Failure, Subscription};
use metrics::Counter;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::frame::{Frame, FrameError, FrameProtocol};
use super::handler::Opening;
use crate::serve::Farewell;
use crate::settings::StreamSettings;
use crate::{status, stop};

/// Pings without a sign of life after which a consumer is taken for gone.
const MOST_SILENT_PINGS: u8 = 2;

/// Why a stream ends.
enum End {
    /// The handler has said everything.
    Complete,
    /// The handler said no, or failed.
    Failed {
        error: &'static str,
        message: Option<String>,
        code: u16,
    },
    /// The consumer took no frame for too long.
    TooSlow,
    /// The consumer closed the connection.
    Closed,
    /// The connection broke, or the client broke the rules.
    Broken,
    /// The service shuts down.
    ShuttingDown,
}

/// Serves one consumer until there is a reason to stop.
pub(super) async fn run<P: FrameProtocol, M: Subscription>(
    socket: WebSocket,
    opening: Opening<M>,
    settings: &StreamSettings,
    farewell: Option<Arc<Farewell>>,
    frames: Option<Counter>,
) {
    let (mut sink, mut incoming) = socket.split();
    let silent = AtomicU8::new(0);
    let end = {
        let (queue, waiting) = mpsc::channel(settings.queue.max(1));
        let produced = AssertUnwindSafe(produce::<P, M>(opening, queue)).catch_unwind();
        let written = write(&mut sink, waiting, settings, &silent, frames);
        let read = read(&mut incoming, &silent);
        let closing = Farewell::said(farewell.as_deref());
        first_reason(produced, written, read, closing).await
    };
    finish::<P>(sink, incoming, settings, end).await;
}

/// The first reason to end; a handler that is done still gets its frames written.
async fn first_reason(
    produced: impl Future<Output = std::thread::Result<End>>,
    written: impl Future<Output = Option<End>>,
    read: impl Future<Output = End>,
    closing: impl Future<Output = ()>,
) -> End {
    tokio::pin!(produced, written, read, closing);
    let mut said = None;
    loop {
        tokio::select! {
            end = &mut produced, if said.is_none() => said = Some(end.unwrap_or_else(panicked)),
            end = &mut written => return end.or(said).unwrap_or(End::Complete),
            end = &mut read => return end,
            () = &mut closing => return End::ShuttingDown,
        }
    }
}

/// Runs the handler and queues its frames; a full queue makes it wait.
async fn produce<P: FrameProtocol, M: Subscription>(
    opening: Opening<M>,
    queue: mpsc::Sender<Frame>,
) -> End {
    let mut stream = match opening.await {
        Ok(stream) => stream,
        Err(failure) => return failed(failure),
    };
    while let Some(event) = stream.next().await {
        let frame = match event.map(|message| P::message(&message)) {
            Ok(Ok(frame)) => frame,
            Ok(Err(error)) => return unwritable(&error),
            Err(failure) => return failed(failure),
        };
        if queue.send(frame).await.is_err() {
            // Nobody writes any more; that side knows why.
            return End::Broken;
        }
    }
    End::Complete
}

fn failed<E: DeclaredError>(failure: Failure<E>) -> End {
    match failure {
        Failure::Declared(declared) => End::Failed {
            error: declared.error.name(),
            message: declared
                .message
                .or_else(|| declared.error.description().map(str::to_owned)),
            code: close_code::POLICY,
        },
        Failure::Rejected(rejection) => End::Failed {
            error: rejection.error,
            message: Some(rejection.message),
            code: close_code::POLICY,
        },
        Failure::Internal(error) => {
            stop::log_internal(&*error);
            internal()
        }
    }
}

fn unwritable(error: &FrameError) -> End {
    stop::log_internal(error);
    internal()
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> End {
    stop::log_panic(&*panic);
    internal()
}

fn internal() -> End {
    End::Failed {
        error: status::INTERNAL,
        message: Some(status::INTERNAL_MESSAGE.to_owned()),
        code: close_code::ERROR,
    }
}

/// Writes what is queued, and pings. `None`: everything is written and nothing more will come.
async fn write(
    sink: &mut SplitSink<WebSocket, Socketed>,
    mut waiting: mpsc::Receiver<Frame>,
    settings: &StreamSettings,
    silent: &AtomicU8,
    frames: Option<Counter>,
) -> Option<End> {
    let mut pings = interval(settings.ping_interval);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    loop {
        let message = tokio::select! {
            frame = waiting.recv() => socketed(frame?),
            _ = pings.tick() => {
                if silent.fetch_add(1, Ordering::Relaxed) >= MOST_SILENT_PINGS {
                    return Some(End::Broken);
                }
                Socketed::Ping(Bytes::new())
            }
        };
        match timeout(settings.stall_timeout, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_broken)) => return Some(End::Broken),
            Err(_elapsed) => return Some(End::TooSlow),
        }
        if let Some(frames) = &frames {
            frames.increment(1);
        }
    }
}

fn socketed(frame: Frame) -> Socketed {
    match frame {
        Frame::Binary(bytes) => Socketed::Binary(bytes),
        Frame::Text(text) => Socketed::Text(text.into()),
    }
}

/// Reads what clients have no business to send: ignored, but a sign of life. Pings are answered
/// beneath us.
async fn read(incoming: &mut SplitStream<WebSocket>, silent: &AtomicU8) -> End {
    while let Some(message) = incoming.next().await {
        match message {
            Ok(Socketed::Close(_)) => return End::Closed,
            Ok(_ignored) => silent.store(0, Ordering::Relaxed),
            Err(error) => {
                tracing::debug!(%error, "event stream broke");
                return End::Broken;
            }
        }
    }
    End::Closed
}

/// Says why, closes, and waits a little for the consumer to have read it.
async fn finish<P: FrameProtocol>(
    mut sink: SplitSink<WebSocket, Socketed>,
    mut incoming: SplitStream<WebSocket>,
    settings: &StreamSettings,
    end: End,
) {
    let (frame, code) = match end {
        End::Closed => (None, close_code::NORMAL),
        End::Complete => (None, close_code::NORMAL),
        End::Broken => (None, close_code::POLICY),
        End::ShuttingDown => (None, close_code::AWAY),
        End::Failed {
            error,
            message,
            code,
        } => (Some(P::error(error, message.as_deref())), code),
        End::TooSlow => {
            tracing::info!("consumer of an event stream is too slow");
            let message = "frames were not taken in time";
            (
                Some(P::error(status::CONSUMER_TOO_SLOW, Some(message))),
                close_code::POLICY,
            )
        }
    };
    let closing = async {
        match frame {
            Some(Ok(frame)) => sink.send(socketed(frame)).await?,
            Some(Err(error)) => stop::log_internal(&error),
            None => {}
        }
        sink.send(Socketed::Close(Some(CloseFrame {
            code,
            reason: "".into(),
        })))
        .await?;
        while let Some(Ok(_)) = incoming.next().await {}
        Ok::<_, axum::Error>(())
    };
    match timeout(settings.close_timeout, closing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "event stream was gone before it was closed"),
        Err(_elapsed) => tracing::debug!("event stream did not close in time"),
    }
}
