//! Counting and timing calls, for Prometheus.
//!
//! Labels are NSIDs that the service has and statuses that it answers: nothing a caller could make
//! up. Unknown methods and paths count as `other`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

/// Seconds; from what memory answers to what a timeout allows.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
];

/// How many of something were done together: what is counted so has a name that ends as in [`COUNTED`].
const COUNTS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
/// See [`COUNTS`].
const COUNTED: [&str; 2] = ["_size", "_batch"];

/// Calls between two tidyings: what histograms gather between scrapes stays bounded.
const UPKEEP_EVERY: u64 = 4096;

/// The metrics of a process.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    calls: AtomicU64,
}

impl Metrics {
    /// Metrics of nothing yet.
    pub fn new() -> Self {
        let times = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .expect("there are buckets");
        let counts = COUNTED.into_iter().fold(times, |builder, end| {
            let matcher = Matcher::Suffix(end.to_owned());
            let builder = builder.set_buckets_for_metric(matcher, &COUNTS);
            builder.expect("there are buckets")
        });
        let recorder = counts.build_recorder();
        let handle = recorder.handle();
        Self(Arc::new(Inner {
            recorder: Arc::new(recorder),
            handle,
            calls: AtomicU64::new(0),
        }))
    }

    /// Makes these the metrics of the whole process, so that the macros of the `metrics` crate in
    /// other crates count here as well. Fails if something else already is.
    pub fn install(&self) -> Result<(), metrics::SetRecorderError<Arc<PrometheusRecorder>>> {
        metrics::set_global_recorder(Arc::clone(&self.0.recorder))
    }

    /// The text that Prometheus scrapes.
    pub fn render(&self) -> String {
        self.0.handle.render()
    }

    fn tidy(&self) {
        if self.0.calls.fetch_add(1, Ordering::Relaxed) % UPKEEP_EVERY == UPKEEP_EVERY - 1 {
            self.0.handle.run_upkeep();
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The metrics of one method, looked up once.
pub(crate) struct Meter {
    metrics: Metrics,
    nsid: &'static str,
    succeeded: OnceLock<Counter>,
    duration: Histogram,
    in_flight: Gauge,
    streams: Gauge,
    frames: Counter,
}

impl Meter {
    pub fn new(metrics: &Metrics, nsid: &'static str) -> Self {
        with_local_recorder(&*metrics.0.recorder, || Self {
            metrics: metrics.clone(),
            nsid,
            succeeded: OnceLock::new(),
            duration: histogram!("xrpc_request_duration_seconds", "nsid" => nsid),
            in_flight: gauge!("xrpc_requests_in_flight", "nsid" => nsid),
            streams: gauge!("xrpc_streams_open", "nsid" => nsid),
            frames: counter!("xrpc_frames_sent_total", "nsid" => nsid),
        })
    }

    /// A call begins; it ends when the guard is dropped.
    pub fn begin(&self) -> InFlight {
        InFlight::of(&self.in_flight)
    }

    /// A stream opens; it closes when the guard is dropped.
    pub fn open_stream(&self) -> (InFlight, Counter) {
        (InFlight::of(&self.streams), self.frames.clone())
    }

    /// A call was answered.
    pub fn end(&self, status: u16, took: Duration) {
        self.duration.record(took.as_secs_f64());
        let count = || {
            with_local_recorder(
                &*self.metrics.0.recorder,
                || counter!("xrpc_requests_total", "nsid" => self.nsid, "status" => status.to_string()),
            )
        };
        match status {
            200 => self.succeeded.get_or_init(count).increment(1),
            _ => count().increment(1),
        }
        self.metrics.tidy();
    }
}

/// Raises a gauge while it lives.
pub(crate) struct InFlight(Gauge);

impl InFlight {
    fn of(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
