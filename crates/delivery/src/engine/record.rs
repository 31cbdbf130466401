//! Outcomes, written in batches: the next forms while the last commits.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinError;

use super::Engine;
use crate::clock::after;
use crate::{Clock, Due, Observed, Queue, Recorded, Settled, State, Transport};

impl<Q: Queue, T: Transport, C: Clock> Engine<Q, T, C> {
    /// Keeps an outcome until it is written.
    pub(super) fn keep(&mut self, settled: Settled, due: Due) {
        self.ordered |= due.endpoint.in_order;
        self.outcomes.push(settled);
        if self.observer.is_some() {
            self.dues.push(due);
        }
    }

    pub(super) fn start_recording(&mut self, now: Timestamp) {
        if self.outcomes.is_empty() || !self.recording.is_empty() || now < self.next_record {
            return;
        }
        self.batch = Arc::new(std::mem::take(&mut self.outcomes));
        self.batch_dues = std::mem::take(&mut self.dues);
        self.batch_ordered = std::mem::take(&mut self.ordered);
        let (queue, node, batch) = (self.queue.clone(), self.node.clone(), self.batch.clone());
        self.recording
            .spawn(async move { queue.record(&node, &batch, now).await });
    }

    pub(super) fn recorded(&mut self, ended: Result<Result<Recorded, Q::Error>, JoinError>) {
        let batch = std::mem::take(&mut self.batch);
        let dues = std::mem::take(&mut self.batch_dues);
        let ordered = std::mem::take(&mut self.batch_ordered);
        self.gate.recorded(matches!(ended, Ok(Ok(_))));
        match ended {
            Ok(Ok(recorded)) => {
                self.meters.recorded(batch.len(), recorded.stale.len());
                self.look_for(&batch);
                if ordered {
                    self.next_lease = self.clock.now();
                }
                self.tell(&batch, &dues, &recorded);
                return self.note(&recorded);
            }
            Ok(Err(error)) => {
                let error = &error as &dyn Error;
                let outcomes = batch.len();
                tracing::error!(error, outcomes, "outcomes cannot be written, again soon");
            }
            Err(error) => {
                let outcomes = batch.len();
                tracing::error!(%error, outcomes, "the writing of outcomes was lost, again soon");
            }
        }
        self.meters.failed();
        self.next_record = after(self.clock.now(), self.limits.poll_span());
        let batch = Arc::unwrap_or_clone(batch);
        self.outcomes.splice(0..0, batch);
        self.dues.splice(0..0, dues);
        self.ordered |= ordered;
    }

    /// Tells the observer what is on disk now.
    pub(super) fn tell(&self, batch: &[Settled], dues: &[Due], recorded: &Recorded) {
        let Some(observer) = &self.observer else {
            return;
        };
        let stale: HashSet<_> = recorded.stale.iter().collect();
        for (settled, due) in batch.iter().zip(dues) {
            let stale = stale.contains(&settled.id);
            observer.recorded(&Observed {
                due,
                settled,
                stale,
            });
        }
    }

    fn note(&mut self, recorded: &Recorded) {
        if !recorded.stale.is_empty() {
            let deliveries = recorded.stale.len();
            tracing::warn!(deliveries, "deliveries were no longer held by this node");
        }
        let now = self.clock.now();
        for &endpoint in &recorded.disabled {
            self.return_lane(endpoint, now);
        }
    }

    /// Sees to it that the retries of this batch are found when they are due.
    fn look_for(&mut self, batch: &[Settled]) {
        for settled in batch {
            if let State::Pending { due, .. } = settled.state {
                self.next_lease = self.next_lease.min(due);
            }
        }
    }
}
