//! What can be set about a service, and why each number is what it is.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::meter::Metrics;
use crate::rate::{Clock, KeyFunction, RateLimit, SystemClock, by_peer_address};

/// Settings of a whole service. `..Settings::default()` is meant to be enough.
#[derive(Clone)]
pub struct Settings {
    /// Check params and input against the lexicon. On: handlers may trust what they get.
    pub validate_input: bool,
    /// Check output against the lexicon and answer 500 if it does not hold. Off: it costs as much as
    /// checking input and finds only our own mistakes; on in tests.
    pub validate_output: bool,
    /// Bytes of a JSON body after decoding. 1 MiB: a record is at most 1 MB in this network.
    pub json_limit: usize,
    /// Bytes of any other body after decoding. 5 MiB, unless the method says otherwise.
    pub raw_limit: usize,
    /// Bytes of a coded body before decoding. 1 MiB; the limits above hold after decoding as well.
    pub coded_limit: usize,
    /// Bytes of a query string. 16 KiB: a hundred AT-URIs of 140 bytes fit.
    pub query_limit: usize,
    /// How long a JSON body may take to arrive. 15 s: 1 MiB over 70 KB/s.
    pub body_timeout: Duration,
    /// How long a call may take altogether, subscriptions aside. 30 s, as reverse proxies wait.
    pub request_timeout: Duration,
    /// Calls at the same time; more are answered 503. 4,096: with full JSON bodies that is 4 GiB, so
    /// a small machine with large limits wants fewer.
    pub most_calls: usize,
    /// Limits per caller that hold over all methods together. None: a service knows its callers.
    pub rate_limits: Vec<RateLimit>,
    /// Callers that each rate limit tells apart in one window; all others share one count.
    /// 65,536: some 8 MiB at most.
    pub rate_keys: usize,
    /// Who is counted as one caller. The peer's address; behind a proxy use
    /// [`by_forwarded_address`](crate::by_forwarded_address).
    pub rate_key: KeyFunction,
    /// The clock of the rate limits.
    pub clock: Arc<dyn Clock>,
    /// Let web pages of any origin call. On: XRPC is made for clients in browsers, and no method
    /// here reads cookies.
    pub cors: bool,
    /// Compress JSON and text answers of at least this many bytes if the client takes it; `None`
    /// never. 1 KiB: below it the answer fits one packet anyway.
    pub compress_from: Option<usize>,
    /// Serve `/xrpc/_health` to everybody. On.
    pub public_health: bool,
    /// What `/xrpc/_health` names as `version`.
    pub version: String,
    /// Count and time calls.
    pub metrics: Option<Metrics>,
    /// Serve the metrics at `/metrics` to everybody who reaches this listener. Off: they tell how
    /// busy a service is; [`Metrics::render`] serves them elsewhere.
    pub public_metrics: bool,
    /// Which internal errors mean that something this service needs, its database say, is away for
    /// now: answered 503 with `Retry-After` instead of 500. None.
    pub is_outage: fn(&(dyn Error + 'static)) -> bool,
    /// Subscriptions.
    pub streams: StreamSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            validate_input: true,
            validate_output: false,
            json_limit: 1 << 20,
            raw_limit: 5 << 20,
            coded_limit: 1 << 20,
            query_limit: 16 << 10,
            body_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            most_calls: 4096,
            rate_limits: Vec::new(),
            rate_keys: 65_536,
            rate_key: Arc::new(by_peer_address),
            clock: Arc::new(SystemClock),
            cors: true,
            compress_from: Some(1024),
            public_health: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            metrics: None,
            public_metrics: false,
            is_outage: |_| false,
            streams: StreamSettings::default(),
        }
    }
}

/// Settings of subscriptions.
#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// Frames that wait for one consumer. 64: with frames of a few kilobytes a consumer costs at most
    /// some hundred kilobytes.
    pub queue: usize,
    /// How long a full queue may stand still before the consumer is told `ConsumerTooSlow` and let
    /// go. 10 s.
    pub stall_timeout: Duration,
    /// How long the last frames may take once a connection ends. 2 s.
    pub close_timeout: Duration,
    /// How often a silent consumer is pinged; after two pings without a sign of life it is gone.
    /// 30 s, below the idle timeout of common proxies.
    pub ping_interval: Duration,
    /// Bytes of a frame from the client. 4 KiB: clients have nothing to say, and what they say is
    /// ignored.
    pub client_frame_limit: usize,
    /// Open connections; more are answered 503. 1,024.
    pub most_connections: usize,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            queue: 64,
            stall_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(2),
            ping_interval: Duration::from_secs(30),
            client_frame_limit: 4096,
            most_connections: 1024,
        }
    }
}

/// What one method sets differently from its service; `None` keeps the service's setting.
#[derive(Clone, Debug, Default)]
pub struct MethodLimits {
    /// Bytes of the body after decoding.
    pub body_limit: Option<usize>,
    /// How long a call may take altogether.
    pub request_timeout: Option<Duration>,
    /// Limits per caller, beside those of the service.
    pub rate_limits: Vec<RateLimit>,
}
