//! The way of a request: which method, may it run, what comes of it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, Method as Verb, StatusCode, header};
use loggia_xrpc::{Kind, Rejection};
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{Instrument, field};

use crate::call::{BodyLimits, Call};
use crate::decode::Fault;
use crate::endpoint::Endpoint;
use crate::explain::Explain;
use crate::gate::Gate;
use crate::health::{self, Check};
use crate::meter::Meter;
use crate::passage::{MethodInfo, Passage, REQUEST_ID};
use crate::rate::{self, Allowance, Limiter, Quotas};
use crate::settings::Settings;
use crate::stop::{IsOutage, Stop};
use crate::target::Target;
use crate::{cors, envelope, stop, strict};

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
    pub gate: Option<Box<dyn Gate>>,
    pub quotas: Quotas,
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
        Box::pin(Arc::clone(&self.0).answer(request))
    }
}

/// What a request leads to.
///
/// Made without waiting, so that the request itself is handed on at once: no future but the method's
/// own has to hold it, which would make every call's memory kilobytes longer.
enum Way<'a> {
    /// The answer is known.
    Answered(Response),
    /// The health checks are to be asked.
    Checks,
    /// The method is at work.
    Work(Work<'a>),
}

/// What a request leads to, before the gate.
enum Reached<'a, S> {
    /// The gate is to be passed.
    Gate(Box<Waiting<'a, S>>),
    /// There is none, or it does not concern the request.
    Way(Way<'a>),
}

/// A call before the gate.
struct Waiting<'a, S> {
    gate: &'a dyn Gate,
    entry: &'a Entry<S>,
    parts: Parts,
    body: Body,
}

/// A method at work.
struct Work<'a> {
    answer: BoxFuture<'a, Result<Response, Stop>>,
    is_outage: IsOutage,
    timeout: Duration,
    _permit: SemaphorePermit<'a>,
}

impl<S: Send + Sync + 'static> App<S> {
    /// Answers any request at all, inside a span, counted and timed.
    async fn answer(self: Arc<Self>, request: Request) -> Result<Response, Infallible> {
        let started = Instant::now();
        let passage = Passage::of(request.headers());
        let target = Target::of(&self, request.method(), request.uri().path());
        let meter = target.meter(&self);
        let in_flight = meter.map(Meter::begin);
        let span = tracing::info_span!(
            "xrpc",
            nsid = target.nsid(),
            request_id = passage.id.as_str(),
            trace_id = %format_args!("{:032x}", passage.trace.trace_id),
            span_id = %format_args!("{:016x}", passage.trace.span_id),
            caller = field::Empty,
        );
        let fault = Fault::default();
        let (reached, mut allowance) =
            span.in_scope(|| self.reach(target, request, &passage, &fault));
        let way = match reached {
            Reached::Way(way) => way,
            Reached::Gate(waiting) => {
                let passed = self.pass(*waiting, &fault, &mut allowance);
                Box::pin(passed.instrument(span.clone())).await
            }
        };
        let mut response = match way {
            Way::Answered(response) => response,
            // Boxed, since this is rare and its future large.
            Way::Checks => Box::pin(self.health().instrument(span.clone())).await,
            Way::Work(work) => work.finish().instrument(span.clone()).await,
        };
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
        let headers = response.headers_mut();
        if let Some(allowance) = allowance {
            allowance.write(headers);
        }
        if self.settings.cors {
            cors::allow(headers);
        }
        headers.insert(REQUEST_ID, passage.id.into_header());
        Ok(response)
    }

    fn reach<'a>(
        &'a self,
        target: Target<'a, S>,
        request: Request,
        passage: &Passage,
        fault: &'a Fault,
    ) -> (Reached<'a, S>, Option<Allowance>) {
        let answer = match target {
            Target::Method(entry) => return self.call(entry, request, passage, fault),
            Target::Health => return (Reached::Way(Way::Checks), None),
            Target::Preflight(verbs)
                if self.settings.cors && cors::is_preflight(request.headers()) =>
            {
                cors::preflight(request.headers(), verbs)
            }
            Target::Preflight(verbs) => options(verbs),
            Target::Metrics(metrics) => text(metrics.render()),
            Target::Refused(rejection) => return self.refuse(&rejection, request),
        };
        (Reached::Way(Way::Answered(answer)), None)
    }

    /// What is no call of a method counts as one, so that guessing is limited as well.
    fn refuse<'a>(
        &'a self,
        rejection: &Rejection,
        request: Request,
    ) -> (Reached<'a, S>, Option<Allowance>) {
        let (parts, _) = request.into_parts();
        let key = &self.settings.rate_key;
        let allowance = rate::count([&self.limiter], key, &self.settings.clock, &parts);
        let spent = allowance.as_ref().filter(|it| !it.is_left());
        let answer = match spent {
            Some(spent) => spent.refuse(),
            None => envelope::reject(rejection),
        };
        (Reached::Way(Way::Answered(answer)), allowance)
    }

    /// Limits, then the method.
    fn call<'a>(
        &'a self,
        entry: &'a Entry<S>,
        request: Request,
        passage: &Passage,
        fault: &'a Fault,
    ) -> (Reached<'a, S>, Option<Allowance>) {
        let (mut parts, body) = request.into_parts();
        let key = &self.settings.rate_key;
        let limiters = [&self.limiter, &entry.limiter];
        let allowance = rate::count(limiters, key, &self.settings.clock, &parts);
        let spent = allowance.as_ref().filter(|it| !it.is_left());
        let gate = self.gate.as_deref();
        if gate.is_some() || entry.endpoint.extracts() {
            parts.extensions.insert(entry.info);
            parts.extensions.insert(passage.trace);
            parts.extensions.insert(passage.id.clone());
        }
        let reached = match (spent, strict::once(&parts.headers), gate) {
            (Some(spent), _, _) => Reached::Way(Way::Answered(spent.refuse())),
            (None, Err(rejection), _) => Reached::Way(Way::Answered(envelope::reject(&rejection))),
            (None, Ok(()), None) => Reached::Way(self.start(entry, parts, body, fault)),
            (None, Ok(()), Some(gate)) => Reached::Gate(Box::new(Waiting {
                gate,
                entry,
                parts,
                body,
            })),
        };
        (reached, allowance)
    }

    /// Through the gate to the method. `allowance` becomes that of the caller's quota if less is left
    /// of it.
    async fn pass<'a>(
        &'a self,
        mut call: Waiting<'a, S>,
        fault: &'a Fault,
        allowance: &mut Option<Allowance>,
    ) -> Way<'a> {
        let admitted = AssertUnwindSafe(call.gate.admit(&mut call.parts));
        let quota = match within(call.entry.timeout, admitted).await {
            Ok(Ok(quota)) => quota,
            Ok(Err(refusal)) => return Way::Answered(refusal.into_response()),
            Err(failed) => return Way::Answered(failed),
        };
        if let Some(quota) = quota {
            let counted = self.quotas.count(&quota, self.settings.clock.now());
            let counted = match allowance.take() {
                Some(other) => other.tighter(counted),
                None => counted,
            };
            let counted = allowance.insert(counted);
            if !counted.is_left() {
                return Way::Answered(counted.refuse());
            }
        }
        self.start(call.entry, call.parts, call.body, fault)
    }

    /// The method itself, if not too many are at work.
    fn start<'a>(
        &'a self,
        entry: &'a Entry<S>,
        parts: Parts,
        body: Body,
        fault: &'a Fault,
    ) -> Way<'a> {
        let Ok(permit) = self.calls.try_acquire() else {
            return Way::Answered(envelope::busy(
                "too many calls at the same time; try again soon",
            ));
        };
        let call = Call {
            state: &self.state,
            settings: &self.settings,
            limits: entry.limits,
            info: entry.info,
            explain: self.explain.as_deref(),
            fault,
            streams: &self.streams,
            meter: entry.meter.as_ref(),
        };
        let request = Request::from_parts(parts, body);
        Way::Work(Work {
            answer: entry.endpoint.answer(call, request),
            is_outage: self.settings.is_outage,
            timeout: entry.timeout,
            _permit: permit,
        })
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
}

impl Work<'_> {
    /// The method's answer, within its time; whatever comes of it is a response.
    async fn finish(self) -> Response {
        let answer = AssertUnwindSafe(async {
            match self.answer.await {
                Ok(response) => response,
                Err(stop) => Box::pin(stop.respond(self.is_outage)).await,
            }
        });
        within(self.timeout, answer)
            .await
            .unwrap_or_else(|late| late)
    }
}

/// What comes of work within its time; else the answer that says that it failed or took too long.
async fn within<T>(
    time: Duration,
    work: AssertUnwindSafe<impl Future<Output = T>>,
) -> Result<T, Response> {
    match tokio::time::timeout(time, work.catch_unwind()).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(panic)) => {
            stop::log_panic(&*panic);
            Err(envelope::internal())
        }
        Err(_elapsed) => {
            tracing::error!("call took longer than its time");
            Err(envelope::busy("the answer took too long; try again later"))
        }
    }
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
