//! One served method, with its types forgotten.

use std::future::ready;
use std::marker::PhantomData;

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use loggia_xrpc::Method;

use crate::answer::{self, Form};
use crate::call::Call;
use crate::decode;
use crate::handler::Handler;
use crate::stop::{Cause, Stop};

/// One served method, with its types forgotten.
pub(crate) trait Endpoint<S>: Send + Sync + 'static {
    /// Whether it looks into the request's extensions.
    fn extracts(&self) -> bool;
    /// Answers a call.
    fn answer<'a>(
        &'a self,
        call: Call<'a, S>,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, Stop>>;
}

/// A handler and the method that it handles.
pub(crate) struct Served<M, H, T> {
    handler: H,
    types: PhantomData<fn() -> (M, T)>,
}

impl<M, H, T> Served<M, H, T> {
    pub fn new(handler: H) -> Self {
        Self {
            handler,
            types: PhantomData,
        }
    }
}

impl<M, H, T, S> Endpoint<S> for Served<M, H, T>
where
    M: Method,
    H: Handler<M, M::Shape, T, S>,
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
        if let Err(rejection) = answer::acceptable::<M::Output>(request.headers()) {
            return ready(Err(rejection.into())).boxed();
        }
        let form = Form::of(request.headers(), call.settings);
        let (settings, fault, limit) = (call.settings, call.fault, call.limits.raw);
        // One after the other in the same memory, where an async block would give each its own.
        let work = self.handler.call(call, request);
        let answer = work.then(move |output| async move {
            match output {
                Ok(output) => answer::answer(form, settings, output).await,
                Err(stop) => Err(match (stop.0, decode::blame(fault, limit)) {
                    // The handler could only say that reading failed; we know that it is not our fault.
                    (Cause::Internal(_), Some(rejection)) => rejection.into(),
                    (cause, _) => Stop(cause),
                }),
            }
        });
        answer.boxed()
    }
}
