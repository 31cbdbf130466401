//! The way of a request: which method, may it run, what comes of it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method as Verb, StatusCode, header};
use loggia_xrpc::{Kind, Rejection};
use tokio::sync::Semaphore;
use tracing::{Instrument, field};

use crate::call::{BodyLimits, Call};
use crate::decode::Fault;
use crate::endpoint::Endpoint;
use crate::explain::Explain;
use crate::health::{self, Check};
use crate::meter::Meter;
use crate::passage::{MethodInfo, Passage, REQUEST_ID};
use crate::rate::{self, Limiter};
use crate::settings::Settings;
use crate::target::Target;
use crate::{cors, envelope, status, stop};

/// A method with everything that its calls need.
pub(crate) struct Entry<S> {
    pub info: MethodInfo,
    pub endpoint: Box<dyn Endpoint<S>>,
    pub limits: BodyLimits,
    pub timeout: Duration,
    pub limiter: Limiter,
    pub meter: Option<Meter>,
}

/// A service with its state, ready to answer.
pub(crate) struct App<S> {
    pub state: S,
    pub settings: Settings,
    pub methods: HashMap<&'static str, Entry<S>>,
    pub limiter: Limiter,
    /// Counts what is not a call of a method.
    pub other: Option<Meter>,
    pub checks: Vec<Check>,
    pub explain: Option<Box<dyn Explain>>,
    pub calls: Semaphore,
    pub streams: Arc<Semaphore>,
}

/// An [`App`] as axum takes it.
pub(crate) struct Dispatch<S>(pub Arc<App<S>>);

impl<S> Clone for Dispatch<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Send + Sync + 'static> tower::Service<Request> for Dispatch<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let app = Arc::clone(&self.0);
        Box::pin(async move { Ok(app.answer(request).await) })
    }
}

impl<S: Send + Sync + 'static> App<S> {
    /// Answers any request at all, inside a span, counted and timed.
    async fn answer(&self, request: Request) -> Response {
        let started = Instant::now();
        let passage = Passage::of(request.headers());
        let target = Target::of(self, request.method(), request.uri().path());
        let meter = target.meter(self);
        let in_flight = meter.map(Meter::begin);
        let id = passage.id.header();
        let span = tracing::info_span!(
            "xrpc",
            nsid = target.nsid(),
            request_id = passage.id.as_str(),
            trace_id = %format_args!("{:032x}", passage.trace.trace_id),
            span_id = %format_args!("{:016x}", passage.trace.span_id),
            caller = field::Empty,
        );
        let mut response = self
            .reach(target, request, passage)
            .instrument(span.clone())
            .await;
        drop(in_flight);
        let (code, took) = (response.status().as_u16(), started.elapsed());
        span.in_scope(|| {
            tracing::info!(
                status = code,
                duration_ms = took.as_secs_f64() * 1000.0,
                "answered"
            );
        });
        if let Some(meter) = meter {
            meter.end(code, took);
        }
        if self.settings.cors {
            cors::allow(response.headers_mut());
        }
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }

    async fn reach(&self, target: Target<'_, S>, request: Request, passage: Passage) -> Response {
        match target {
            Target::Method(entry) => self.call(entry, request, passage).await,
            Target::Preflight(verbs)
                if self.settings.cors && cors::is_preflight(request.headers()) =>
            {
                cors::preflight(request.headers(), verbs)
            }
            Target::Preflight(verbs) => options(verbs),
            Target::Health => self.health().await,
            Target::Metrics(metrics) => text(metrics.render()),
            Target::Refused(rejection) => envelope::reject(&rejection),
        }
    }

    /// A health check that panics is a service that does not work.
    async fn health(&self) -> Response {
        let answer = health::answer(&self.settings.version, &self.checks);
        AssertUnwindSafe(answer)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| {
                stop::log_panic(&*panic);
                envelope::internal()
            })
    }

    /// Limits, then the method.
    async fn call(&self, entry: &Entry<S>, request: Request, passage: Passage) -> Response {
        let (mut parts, body) = request.into_parts();
        let key = &self.settings.rate_key;
        let limiters = [&self.limiter, &entry.limiter];
        let allowance = rate::count(limiters, key, &self.settings.clock, &parts);
        let mut response = match &allowance {
            Some(allowance) if !allowance.is_left() => allowance.refuse(),
            _ => {
                if entry.endpoint.extracts() {
                    parts.extensions.insert(entry.info);
                    parts.extensions.insert(passage.trace);
                    parts.extensions.insert(passage.id);
                }
                self.run(entry, Request::from_parts(parts, body)).await
            }
        };
        if let Some(allowance) = allowance {
            allowance.write(response.headers_mut());
        }
        response
    }

    /// The method itself, within its time; whatever comes of it is a response.
    async fn run(&self, entry: &Entry<S>, request: Request) -> Response {
        let Ok(_permit) = self.calls.try_acquire() else {
            return busy("too many calls at the same time; try again soon");
        };
        let fault = Fault::default();
        let call = Call {
            state: &self.state,
            settings: &self.settings,
            limits: entry.limits,
            info: entry.info,
            explain: self.explain.as_deref(),
            fault: &fault,
            streams: &self.streams,
            meter: entry.meter.as_ref(),
        };
        let answer = AssertUnwindSafe(async {
            match entry.endpoint.answer(call, request).await {
                Ok(response) => response,
                Err(stop) => stop.respond().await,
            }
        });
        match tokio::time::timeout(entry.timeout, answer.catch_unwind()).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => {
                stop::log_panic(&*panic);
                envelope::internal()
            }
            Err(_elapsed) => {
                tracing::error!("call took longer than its time");
                busy("the answer took too long; try again later")
            }
        }
    }
}

fn busy(message: &str) -> Response {
    let code = StatusCode::SERVICE_UNAVAILABLE;
    let rejection =
        Rejection::new(code.as_u16(), status::name_of(code), message).header("retry-after", "1");
    envelope::reject(&rejection)
}

fn options(verbs: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(verbs));
    response
}

fn text(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The verbs of a kind, as in `Allow`.
pub(crate) fn verbs(kind: Kind) -> &'static str {
    match kind {
        Kind::Query => "GET, HEAD",
        Kind::Procedure => "POST",
        Kind::Subscription => "GET",
    }
}

/// Whether a kind is called with this verb.
pub(crate) fn takes(kind: Kind, verb: &Verb) -> bool {
    match kind {
        Kind::Query => verb == Verb::GET || verb == Verb::HEAD,
        Kind::Procedure => verb == Verb::POST,
        Kind::Subscription => verb == Verb::GET,
    }
}
