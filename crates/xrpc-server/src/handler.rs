//! Plain async functions as handlers of methods.

use axum::extract::{FromRequestParts, Request};
use loggia_xrpc::{Method, Reply, shape};

use crate::call::Call;
use crate::from_call::{FromCall, Late};
use crate::stop::Stop;

/// A handler of the method `M`: an async function of up to eight axum extractors followed by the
/// decoded arguments that `M` has, which returns [`Reply<M>`].
///
/// `Shape` is `M::Shape`; `T` are the extractors. Extractors run first, so that nobody's body is
/// read before the caller is known. The last of them may be a [`FromCall`], which proves what it
/// claims once the arguments are decoded. They find [`MethodInfo`](crate::MethodInfo),
/// [`RequestId`](crate::RequestId) and [`TraceContext`](crate::TraceContext) in the request's
/// extensions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle the method `{M}`",
    label = "not a handler of `{M}` (the method's module path is its NSID)",
    note = "a handler is `async fn handle(extractors…, params: Params, input: Input) -> Reply<{M}>`; leave out `params` or `input` if the lexicon has none, extractors come first and there are at most eight",
    note = "every extractor must implement `FromRequestParts<{S}>` (the last one: or `FromCall`), and the future must be `Send`"
)]
pub trait Handler<M: Method, Shape, T, S>: Send + Sync + 'static {
    /// Whether extractors run, which look into the request's extensions.
    #[doc(hidden)]
    const EXTRACTS: bool;

    /// Takes the arguments out of the call and runs the handler.
    #[doc(hidden)]
    fn call(
        &self,
        call: Call<'_, S>,
        request: Request,
    ) -> impl Future<Output = Result<M::Output, Stop>> + Send;
}

/// One impl of [`Handler`] for each shape with these extractors, and one more for each with a
/// [`FromCall`] behind them.
macro_rules! handlers {
    ($extracts:literal [$($extractor:ident)*]) => {
        handlers!(
            $extracts [$($extractor)*]
            Nothing nothing (params input) []
        );
        handlers!(
            $extracts [$($extractor)*]
            ParamsOnly params_only (params input) [params: Params]
        );
        handlers!(
            $extracts [$($extractor)*]
            InputOnly input_only (params input) [input: Input]
        );
        handlers!(
            $extracts [$($extractor)*]
            ParamsAndInput params_and_input (params input) [params: Params, input: Input]
        );
    };
    (
        $extracts:literal [$($extractor:ident)*]
        $shape:ident $decode:ident ($params:ident $input:ident)
        [$($argument:ident: $kind:ident),*]
    ) => {
        impl<M, S, F, Fut, $($extractor,)*> Handler<M, shape::$shape, ($($extractor,)*), S> for F
        where
            M: Method,
            S: Send + Sync + 'static,
            F: Fn($($extractor,)* $(M::$kind,)*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Reply<M>> + Send,
            $($extractor: FromRequestParts<S> + Send + 'static,)*
        {
            const EXTRACTS: bool = $extracts;

            #[allow(
                non_snake_case,
                unused_mut,
                unused_variables,
                reason = "extractors are named like their types, and not every shape has all"
            )]
            async fn call(&self, call: Call<'_, S>, request: Request) -> Result<M::Output, Stop> {
                let (mut parts, body) = request.into_parts();
                $(let $extractor: $extractor = call.extract(&mut parts).await?;)*
                let ($params, $input) = call.$decode::<M>(&parts, body).await?;
                Ok((self)($($extractor,)* $($argument,)*).await?)
            }
        }

        impl<M, S, F, Fut, $($extractor,)* L>
            Handler<M, shape::$shape, Late<($($extractor,)*), L>, S> for F
        where
            M: Method,
            S: Send + Sync + 'static,
            F: Fn($($extractor,)* L, $(M::$kind,)*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Reply<M>> + Send,
            $($extractor: FromRequestParts<S> + Send + 'static,)*
            L: FromCall<M::Params, M::Input, S>,
        {
            const EXTRACTS: bool = true;

            #[allow(
                non_snake_case,
                reason = "extractors are named like their types"
            )]
            async fn call(&self, call: Call<'_, S>, request: Request) -> Result<M::Output, Stop> {
                let (mut parts, body) = request.into_parts();
                $(let $extractor: $extractor = call.extract(&mut parts).await?;)*
                let claim = L::claim(&mut parts, call.state).map_err(Stop::extractor)?;
                let ($params, $input) = call.$decode::<M>(&parts, body).await?;
                let late = L::prove(claim, call.arguments(&$params, &$input), call.state);
                let late = late.await.map_err(Stop::extractor)?;
                Ok((self)($($extractor,)* late, $($argument,)*).await?)
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
