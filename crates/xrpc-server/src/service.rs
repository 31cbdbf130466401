//! A table of methods and their handlers.

use std::collections::HashMap;
use std::collections::hash_map;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use loggia_xrpc::{Kind, Method, Subscription};
use tokio::sync::Semaphore;

use crate::call::BodyLimits;
use crate::dispatch::{App, Dispatch, Entry};
use crate::endpoint::{Endpoint, Served};
use crate::explain::Explain;
use crate::gate::Gate;
use crate::handler::Handler;
use crate::health::{Check, HealthCheck};
use crate::meter::Meter;
use crate::passage::MethodInfo;
use crate::rate::{Limiter, Quotas};
use crate::settings::{MethodLimits, Settings};
use crate::stream::{CborV0, FrameProtocol, Subscribed, SubscriptionHandler};

/// How long the way to an open event stream may take where nothing else is said: authentication and
/// params are checked in it.
const OPENING_TIMEOUT: Duration = Duration::from_secs(30);

/// A table of methods and their handlers, which becomes an axum router.
///
/// `S` is the state that extractors take their slices from, as in axum.
pub struct Service<S = ()> {
    methods: HashMap<&'static str, Registered<S>>,
    limits: HashMap<&'static str, MethodLimits>,
    settings: Settings,
    checks: Vec<Check>,
    explain: Option<Box<dyn Explain>>,
    gate: Option<Box<dyn Gate>>,
}

struct Registered<S> {
    kind: Kind,
    endpoint: Box<dyn Endpoint<S>>,
}

impl<S: Send + Sync + 'static> Service<S> {
    /// A service without any method.
    pub fn new() -> Self {
        Self {
            methods: HashMap::new(),
            limits: HashMap::new(),
            settings: Settings::default(),
            checks: Vec::new(),
            explain: None,
            gate: None,
        }
    }

    /// Serves a query or procedure: `.method::<GetRecord, _, _>(get_record::handle)`.
    ///
    /// # Panics
    /// If the method has a handler already.
    #[must_use]
    pub fn method<M, H, T>(self, handler: H) -> Self
    where
        M: Method,
        H: Handler<M, M::Shape, T, S>,
        T: 'static,
    {
        self.register(M::NSID, M::KIND, Box::new(Served::<M, H, T>::new(handler)))
    }

    /// Serves a subscription: `.subscription::<SubscribeRepos, _, _>(subscribe_repos::handle)`.
    ///
    /// # Panics
    /// If the method has a handler already.
    #[must_use]
    pub fn subscription<M, H, T>(self, handler: H) -> Self
    where
        M: Subscription,
        H: SubscriptionHandler<M, M::Shape, T, S>,
        T: 'static,
    {
        self.subscription_over::<CborV0, M, H, T>(handler)
    }

    /// Serves a subscription with frames of another protocol than [`CborV0`].
    ///
    /// # Panics
    /// If the method has a handler already.
    #[must_use]
    pub fn subscription_over<P, M, H, T>(self, handler: H) -> Self
    where
        P: FrameProtocol,
        M: Subscription,
        H: SubscriptionHandler<M, M::Shape, T, S>,
        T: 'static,
    {
        let endpoint = Box::new(Subscribed::<P, M, H, T>::new(handler));
        self.register(M::NSID, Kind::Subscription, endpoint)
    }

    fn register(mut self, nsid: &'static str, kind: Kind, endpoint: Box<dyn Endpoint<S>>) -> Self {
        match self.methods.entry(nsid) {
            hash_map::Entry::Occupied(_) => panic!("{nsid} has two handlers"),
            hash_map::Entry::Vacant(place) => {
                place.insert(Registered { kind, endpoint });
            }
        }
        self
    }

    /// All methods of another service as well; its settings, limits, checks, catalog and gate are
    /// left.
    ///
    /// # Panics
    /// If both have a handler of the same method.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        for (nsid, registered) in other.methods {
            self = self.register(nsid, registered.kind, registered.endpoint);
        }
        self
    }

    /// Settings of the whole service.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// What one method sets differently: `.limits(GetBlob::NSID, MethodLimits { … })`.
    #[must_use]
    pub fn limits(mut self, nsid: &'static str, limits: MethodLimits) -> Self {
        self.limits.insert(nsid, limits);
        self
    }

    /// The lexicons, so that a body that does not fit is told everything that is wrong with it.
    #[must_use]
    pub fn catalog(mut self, explain: impl Explain) -> Self {
        self.explain = Some(Box::new(explain));
        self
    }

    /// Who may call at all.
    #[must_use]
    pub fn gate(mut self, gate: impl Gate) -> Self {
        self.gate = Some(Box::new(gate));
        self
    }

    /// Something that must work for `/xrpc/_health` to say so.
    #[must_use]
    pub fn health_check(mut self, name: &'static str, check: HealthCheck) -> Self {
        self.checks.push(Check { name, check });
        self
    }

    /// The NSIDs that are served, in order.
    pub fn methods(&self) -> Vec<MethodInfo> {
        let info = |(&nsid, registered): (&&'static str, &Registered<S>)| MethodInfo {
            nsid,
            kind: registered.kind,
        };
        let mut methods: Vec<_> = self.methods.iter().map(info).collect();
        methods.sort_unstable_by_key(|info| info.nsid);
        methods
    }

    /// The router, with the state that extractors take their slices from.
    ///
    /// Everything is answered by the router's fallback: routes added beside it (a landing page) come
    /// first and are not part of the service.
    ///
    /// # Panics
    /// If [`Service::limits`] named a method that has no handler.
    pub fn with_state(self, state: S) -> Router {
        Router::new().fallback_service(Dispatch(Arc::new(self.into_app(state))))
    }

    fn into_app(self, state: S) -> App<S> {
        let Self {
            methods,
            mut limits,
            settings,
            checks,
            explain,
            gate,
        } = self;
        let methods = methods
            .into_iter()
            .map(|(nsid, registered)| {
                let limits = limits.remove(nsid).unwrap_or_default();
                (nsid, entry(nsid, registered, limits, &settings))
            })
            .collect();
        if let Some(nsid) = limits.keys().next() {
            panic!("{nsid} has limits but no handler");
        }
        App {
            state,
            methods,
            limiter: Limiter::new(&settings.rate_limits, settings.rate_keys),
            other: settings
                .metrics
                .as_ref()
                .map(|metrics| Meter::new(metrics, "other")),
            checks,
            explain,
            gate,
            quotas: Quotas::new(settings.rate_keys),
            calls: Semaphore::new(settings.most_calls.min(Semaphore::MAX_PERMITS)),
            streams: Arc::new(Semaphore::new(
                settings
                    .streams
                    .most_connections
                    .min(Semaphore::MAX_PERMITS),
            )),
            settings,
        }
    }
}

impl Service<()> {
    /// The router of a service whose handlers need no state.
    pub fn into_router(self) -> Router {
        self.with_state(())
    }
}

impl<S: Send + Sync + 'static> Default for Service<S> {
    fn default() -> Self {
        Self::new()
    }
}

fn entry<S>(
    nsid: &'static str,
    registered: Registered<S>,
    limits: MethodLimits,
    settings: &Settings,
) -> Entry<S> {
    let default_timeout = match registered.kind {
        Kind::Query | Kind::Procedure => settings.request_timeout,
        Kind::Subscription => OPENING_TIMEOUT,
    };
    Entry {
        info: MethodInfo {
            nsid,
            kind: registered.kind,
        },
        endpoint: registered.endpoint,
        limits: BodyLimits {
            json: limits.body_limit.unwrap_or(settings.json_limit),
            raw: limits.body_limit.unwrap_or(settings.raw_limit),
        },
        timeout: limits.request_timeout.unwrap_or(default_timeout),
        limiter: Limiter::new(&limits.rate_limits, settings.rate_keys),
        meter: settings
            .metrics
            .as_ref()
            .map(|metrics| Meter::new(metrics, nsid)),
    }
}
