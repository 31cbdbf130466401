//! A graceful stop: nothing new, finish or release what is there.

use super::{Engine, Message};
use crate::clock::after;
use crate::{Clock, Event, Queue, Transport};

impl<Q: Queue, T: Transport, C: Clock> Engine<Q, T, C> {
    /// Releases what waits, gives attempts in flight until the end of the budget, writes all
    /// outcomes.
    ///
    /// The node's last heartbeat holds until then: no attempt was begun that it does not outlast.
    pub(super) async fn stop(mut self) -> Result<(), Q::Error> {
        tracing::info!(in_flight = self.flying.len(), "delivery stops");
        self.gate.close();
        self.inbox.close();
        self.beating.shutdown().await;
        self.wind_down().await;
        self.attempts.shutdown().await;
        let mut cut_short: Vec<_> = self.flying.drain().map(|(_, (due, _))| due).collect();
        cut_short.sort_unstable_by_key(|due| due.id);
        for due in cut_short {
            self.give_back(due, Event::Release);
        }
        while let Some(ended) = self.recording.join_next().await {
            self.recorded(ended);
        }
        if self.outcomes.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let (settled, dues) = (
            std::mem::take(&mut self.outcomes),
            std::mem::take(&mut self.dues),
        );
        let recorded = self.queue.record(&self.node, &settled, now).await?;
        self.tell(&settled, &dues, &recorded);
        Ok(())
    }

    /// Waits, within the budget, for attempts in flight, for a look at the queue that is under way,
    /// and for reservations that were granted before.
    async fn wind_down(&mut self) {
        let clock = self.clock.clone();
        let budget = clock.sleep_until(after(clock.now(), self.limits.stop_span()));
        tokio::pin!(budget);
        let mut inbox_open = true;
        loop {
            let now = clock.now();
            for due in self.lanes.empty_all(now) {
                self.give_back(due, Event::Release);
            }
            self.start_recording(now);
            if !inbox_open && self.flying.is_empty() && self.leasing.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                Some(ended) = self.attempts.join_next_with_id() => self.attempted(ended),
                Some(ended) = self.leasing.join_next() => self.leased(ended),
                Some(ended) = self.recording.join_next() => self.recorded(ended),
                message = self.inbox.recv(), if inbox_open => match message {
                    Some(Message::Offered(due)) => self.accept(*due, now),
                    Some(Message::Wake | Message::Dropped(_)) => {}
                    None => inbox_open = false,
                },
                () = &mut budget => return,
            }
        }
    }
}
