//! What a stream measures. The label `stream` is the operator's name for the source: there are as many
//! as settings name.

use metrics::{Counter, Gauge, counter, gauge};

use crate::Reason;

pub(crate) struct Meters {
    name: String,
    /// `loggia_firehose_frames_total`.
    pub(crate) frames: Counter,
    /// `loggia_firehose_bytes_total`.
    pub(crate) bytes: Counter,
    /// `loggia_firehose_events_total`: of those that are wanted.
    pub(crate) events: Counter,
    /// `loggia_firehose_connections_total`.
    pub(crate) connections: Counter,
    /// `loggia_firehose_gaps_total`.
    pub(crate) gaps: Counter,
    /// `loggia_firehose_stalls_total`: connections that were closed because nothing was taken.
    pub(crate) stalls: Counter,
    /// `loggia_firehose_connected`.
    pub(crate) connected: Gauge,
}

impl Meters {
    /// Meters of the recorder that is installed now.
    pub(crate) fn new(name: &str) -> Self {
        let stream = || name.to_owned();
        Self {
            name: stream(),
            frames: counter!("loggia_firehose_frames_total", "stream" => stream()),
            bytes: counter!("loggia_firehose_bytes_total", "stream" => stream()),
            events: counter!("loggia_firehose_events_total", "stream" => stream()),
            connections: counter!("loggia_firehose_connections_total", "stream" => stream()),
            gaps: counter!("loggia_firehose_gaps_total", "stream" => stream()),
            stalls: counter!("loggia_firehose_stalls_total", "stream" => stream()),
            connected: gauge!("loggia_firehose_connected", "stream" => stream()),
        }
    }

    /// Counts what cannot be used, by reason.
    pub(crate) fn malformed(&self, reason: Reason) {
        counter!(
            "loggia_firehose_malformed_total",
            "stream" => self.name.clone(),
            "reason" => reason.as_str()
        )
        .increment(1);
    }
}

impl Drop for Meters {
    /// Whoever stops reading is not connected.
    fn drop(&mut self) {
        self.connected.set(0.0);
    }
}
