//! Plain async functions as handlers of subscriptions.

use std::pin::Pin;

use axum::extract::FromRequestParts;
use futures_core::Stream;
use futures_util::future::BoxFuture;
use http::request::Parts;
use loggia_xrpc::{Failure, NoBody, Subscription, shape};

use crate::call::Call;
use crate::decode;
use crate::from_call::{FromCall, Late};
use crate::stop::Stop;

/// The stream that a handler of `M` may return where naming its own type is a burden.
pub type EventStream<M> = Pin<Box<dyn Stream<Item = Event<M>> + Send>>;

/// One item of a handler's stream. An `Err` is sent as the last frame.
pub(crate) type Event<M> =
    Result<<M as Subscription>::Message, Failure<<M as Subscription>::Error>>;

/// A handler with all its arguments, to be run once the connection is a WebSocket.
pub(crate) type Opening<M> =
    BoxFuture<'static, Result<EventStream<M>, Failure<<M as Subscription>::Error>>>;

/// A handler of the subscription `M`: an async function of up to eight axum extractors, followed by
/// `params` if `M` has any, which returns `Result<impl Stream, Failure<M::Error>>`.
///
/// The stream's items are `Result<M::Message, Failure<M::Error>>`. It is pulled no faster than the
/// consumer takes frames (and a bounded queue of them), and dropped when the consumer leaves.
/// Extractors and params answer over HTTP; what the function itself says no with is the first and
/// last frame.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle the subscription `{M}`",
    label = "not a handler of `{M}` (the method's module path is its NSID)",
    note = "a handler is `async fn handle(extractors…, params: Params) -> Result<impl Stream<Item = Result<Message, Failure<Error>>> + Send + 'static, Failure<Error>>`; leave out `params` if the lexicon has none, extractors come first and there are at most eight",
    note = "every extractor must implement `FromRequestParts<{S}>`, and the future must be `Send`"
)]
pub trait SubscriptionHandler<M: Subscription, Shape, T, S>: Clone + Send + Sync + 'static {
    /// Whether extractors run, which look into the request's extensions.
    #[doc(hidden)]
    const EXTRACTS: bool;

    /// Takes the arguments out of the request.
    #[doc(hidden)]
    fn open(
        &self,
        call: &Call<'_, S>,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<Opening<M>, Stop>> + Send;
}

macro_rules! handlers {
    ($extracts:literal [$($extractor:ident)*]) => {
        handlers!($extracts [$($extractor)*] Nothing []);
        handlers!($extracts [$($extractor)*] ParamsOnly [params: Params]);
    };
    (
        $extracts:literal [$($extractor:ident)*]
        $shape:ident [$($argument:ident: $kind:ident),*]
    ) => {
        impl<M, S, F, Fut, St, $($extractor,)*>
            SubscriptionHandler<M, shape::$shape, ($($extractor,)*), S> for F
        where
            M: Subscription,
            S: Send + Sync + 'static,
            F: Fn($($extractor,)* $(M::$kind,)*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Result<St, Failure<M::Error>>> + Send + 'static,
            St: Stream<Item = Event<M>> + Send + 'static,
            $($extractor: FromRequestParts<S> + Send + 'static,)*
        {
            const EXTRACTS: bool = $extracts;

            #[allow(
                non_snake_case,
                unused_variables,
                reason = "extractors are named like their types, and there may be none"
            )]
            async fn open(
                &self,
                call: &Call<'_, S>,
                parts: &mut Parts,
            ) -> Result<Opening<M>, Stop> {
                $(let $extractor: $extractor = call.extract(parts).await?;)*
                $(let $argument: M::$kind = decode::params(parts, call.settings)?;)*
                let handler = self.clone();
                Ok(Box::pin(async move {
                    let stream = handler($($extractor,)* $($argument,)*).await?;
                    Ok(Box::pin(stream) as EventStream<M>)
                }))
            }
        }

        impl<M, S, F, Fut, St, $($extractor,)* L>
            SubscriptionHandler<M, shape::$shape, Late<($($extractor,)*), L>, S> for F
        where
            M: Subscription,
            S: Send + Sync + 'static,
            F: Fn($($extractor,)* L, $(M::$kind,)*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Result<St, Failure<M::Error>>> + Send + 'static,
            St: Stream<Item = Event<M>> + Send + 'static,
            $($extractor: FromRequestParts<S> + Send + 'static,)*
            L: FromCall<M::Params, NoBody, S>,
        {
            const EXTRACTS: bool = true;

            #[allow(non_snake_case, reason = "extractors are named like their types")]
            async fn open(
                &self,
                call: &Call<'_, S>,
                parts: &mut Parts,
            ) -> Result<Opening<M>, Stop> {
                $(let $extractor: $extractor = call.extract(parts).await?;)*
                let claim = L::claim(parts, call.state).map_err(Stop::extractor)?;
                let params: M::Params = decode::params(parts, call.settings)?;
                let late = L::prove(claim, call.arguments(&params, &NoBody), call.state);
                let late = late.await.map_err(Stop::extractor)?;
                $(let $argument: M::$kind = params;)*
                let handler = self.clone();
                Ok(Box::pin(async move {
                    let stream = handler($($extractor,)* late, $($argument,)*).await?;
                    Ok(Box::pin(stream) as EventStream<M>)
                }))
            }
        }
    };
}

handlers!(false []);
handlers!(true[E1]);
handlers!(true [E1 E2]);
handlers!(true [E1 E2 E3]);
handlers!(true [E1 E2 E3 E4]);
handlers!(true [E1 E2 E3 E4 E5]);
handlers!(true [E1 E2 E3 E4 E5 E6]);
handlers!(true [E1 E2 E3 E4 E5 E6 E7]);
handlers!(true [E1 E2 E3 E4 E5 E6 E7 E8]);
