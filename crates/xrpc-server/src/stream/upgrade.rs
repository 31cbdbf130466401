//! From an HTTP request to an open event stream.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request};
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode, header};
use loggia_xrpc::{Rejection, Subscription};
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::connection;
use super::frame::FrameProtocol;
use super::handler::{Opening, SubscriptionHandler};
use crate::call::Call;
use crate::endpoint::Endpoint;
use crate::serve::Farewell;
use crate::status;
use crate::stop::Stop;

/// Bytes for reading, of each connection: clients have nothing to say. What the library takes by itself
/// is 128 KiB, most of what a connection costs.
const READ_BUFFER: usize = 1024;

/// Remembered without being held.
type Types<P, M, T> = PhantomData<fn() -> (P, M, T)>;

/// A subscription, its handler, and how its frames are written.
pub(crate) struct Subscribed<P, M, H, T> {
    handler: H,
    types: Types<P, M, T>,
}

impl<P, M, H, T> Subscribed<P, M, H, T> {
    pub fn new(handler: H) -> Self {
        Self {
            handler,
            types: PhantomData,
        }
    }
}

impl<P, M, H, T, S> Endpoint<S> for Subscribed<P, M, H, T>
where
    P: FrameProtocol,
    M: Subscription,
    H: SubscriptionHandler<M, M::Shape, T, S>,
    T: 'static,
    S: Send + Sync + 'static,
{
    fn extracts(&self) -> bool {
        H::EXTRACTS
    }

    fn answer<'a>(
        &'a self,
        call: Call<'a, S>,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, Stop>> {
        async move {
            // The body is let go: a WebSocket has none.
            let (mut parts, _) = request.into_parts();
            wants_websocket(&parts.headers)?;
            let opening = self.handler.open(&call, &mut parts).await?;
            let permit = room(&call)?;
            upgrade::<P, M, S>(&call, &mut parts, opening, permit).await
        }
        .boxed()
    }
}

/// 426 unless the request asks for a WebSocket. Both headers are lists of tokens.
fn wants_websocket(headers: &HeaderMap) -> Result<(), Rejection> {
    if lists(headers, &header::CONNECTION, "upgrade")
        && lists(headers, &header::UPGRADE, "websocket")
    {
        return Ok(());
    }
    let code = StatusCode::UPGRADE_REQUIRED;
    Err(Rejection::new(
        code.as_u16(),
        status::name_of(code),
        "this method is a WebSocket",
    )
    .header("upgrade", "websocket")
    .header("connection", "upgrade"))
}

fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|listed| listed.trim().eq_ignore_ascii_case(token))
}

fn room<S>(call: &Call<'_, S>) -> Result<OwnedSemaphorePermit, Rejection> {
    Arc::clone(call.streams).try_acquire_owned().map_err(|_| {
        let code = StatusCode::SERVICE_UNAVAILABLE;
        Rejection::new(
            code.as_u16(),
            status::name_of(code),
            "too many event streams are open",
        )
        .header("retry-after", "10")
    })
}

async fn upgrade<P: FrameProtocol, M: Subscription, S: Send + Sync>(
    call: &Call<'_, S>,
    parts: &mut Parts,
    opening: Opening<M>,
    permit: OwnedSemaphorePermit,
) -> Result<Response, Stop> {
    let farewell = parts.extensions.get::<Arc<Farewell>>().cloned();
    let upgrade = WebSocketUpgrade::from_request_parts(parts, call.state)
        .await
        .map_err(Stop::extractor)?;
    let limit = call.settings.streams.client_frame_limit;
    let settings = call.settings.streams.clone();
    let counted = call.meter.map(|meter| meter.open_stream());
    let span = tracing::Span::current();
    Ok(upgrade
        .max_message_size(limit)
        .max_frame_size(limit)
        .read_buffer_size(READ_BUFFER)
        .protocols(P::SUBPROTOCOL)
        .on_failed_upgrade(|error| tracing::debug!(%error, "upgrade to a WebSocket failed"))
        .on_upgrade(move |socket| {
            async move {
                let (open, frames) = counted.unzip();
                connection::run::<P, M>(socket, opening, &settings, farewell, frames).await;
                drop((open, permit));
            }
            .instrument(span)
        }))
}
