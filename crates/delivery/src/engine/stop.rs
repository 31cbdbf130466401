//! A graceful stop: nothing new, finish or release what is there.

use super::{Engine, Message};
use crate::clock::after;
use crate::{Clock, Event, Queue, Transport};

impl<Q: Queue, T: Transport, C: Clock> Engine<Q, T, C> {
    /// Releases what waits, gives attempts in flight until the end of the budget, writes all
    /// outcomes.
    pub(super) async fn stop(mut self) -> Result<(), Q::Error> {
        tracing::info!(in_flight = self.flying.len(), "delivery stops");
        self.gate.close();
        self.inbox.close();
        self.wind_down().await;
        self.attempts.shutdown().await;
        let cut_short: Vec<_> = self.flying.drain().map(|(_, (due, _))| due).collect();
        for due in cut_short {
            self.give_back(due, Event::Release);
        }
        while let Some(ended) = self.recording.join_next().await {
            self.recorded(ended);
        }
        if self.outcomes.is_empty() {
            return Ok(());
        }
        self.queue
            .record(&self.node, &self.outcomes, self.clock.now())
            .await
            .map(drop)
    }

    /// Waits, within the budget, for attempts in flight, for a look at the queue that is under way,
    /// and for reservations that were granted before.
    async fn wind_down(&mut self) {
        let clock = self.clock.clone();
        let budget = clock.sleep_until(after(clock.now(), self.limits.stop_span()));
        tokio::pin!(budget);
        let mut inbox_open = true;
        loop {
            for due in self.lanes.empty_all() {
                self.give_back(due, Event::Release);
            }
            self.start_recording();
            if !inbox_open && self.flying.is_empty() && self.leasing.is_empty() {
                return;
            }
            tokio::select! {
                Some(ended) = self.attempts.join_next_with_id() => self.attempted(ended),
                Some(ended) = self.leasing.join_next() => self.leased(ended),
                Some(ended) = self.recording.join_next() => self.recorded(ended),
                message = self.inbox.recv(), if inbox_open => match message {
                    Some(Message::Offered(due)) => self.accept(*due),
                    Some(Message::Wake | Message::Dropped(_)) => {}
                    None => inbox_open = false,
                },
                () = &mut budget => return,
            }
        }
    }
}
