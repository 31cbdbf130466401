//! Telling the webhooks of `place.stream.server.*` what happens to their owners.
//!
//! What the record stream brings is looked at in the stream's own transaction (`Streamplace::take`).
//! What a webhook wants to hear becomes an errand there. The `worker` then looks up who is behind it,
//! composes what each webhook is told, and enqueues that in the transaction that ends the errand. What
//! was said has the name of its event, so that a stream that is read again says nothing twice.

mod body;
mod happening;
mod leads;
mod looks;
mod named;
mod text;
mod worker;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use loggia_api::dev::loggia::stream::notify_received::NotifyReceived;
use loggia_delivery::Handle;
use loggia_firehose::Event;
use loggia_storage::{Storage, StorageError, Write};
use loggia_syntax::{Did, Nsid};
use loggia_xrpc::Method;
use tokio::sync::Notify;

use crate::delivery_desk::DeliveryDesk;
pub(crate) use body::format;
use happening::{Happening, What};
pub(crate) use looks::Mirror;

/// The kind of errand that is done here. Whoever reads the stream waits while there are too many of
/// these, see [`Errands::MOST`](loggia_storage::Errands::MOST).
pub const ERRAND: &str = "streamplace";

/// Tells webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Streamplace {
    storage: Storage,
    engine: Handle,
    mirror: Mirror,
    nodes: Arc<[Did]>,
    news: Arc<Notify>,
}

impl Streamplace {
    /// Tells over the store and engine of this desk; `nodes` are believed when they say that video has
    /// come in.
    pub(crate) fn new(desk: &DeliveryDesk, mirror: Mirror, nodes: &Arc<[Did]>) -> Self {
        Self {
            storage: desk.storage.clone(),
            engine: desk.engine.clone(),
            mirror,
            nodes: nodes.clone(),
            news: Arc::default(),
        }
    }

    /// Keeps what webhooks want to hear of these events, in the transaction that is done with them: with
    /// one look for webhooks, however many events. Whether there was any; then call
    /// [`Streamplace::wake`] after the commit.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn take(
        &self,
        tx: &mut Write,
        events: &[Event],
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let mut found = Vec::new();
        for event in events {
            let Some((change, leads)) = leads::leads(event) else {
                continue;
            };
            found.extend(leads.into_iter().map(|lead| (event, change, lead)));
        }
        let asked = found.iter().map(|(.., lead)| {
            let occasion = lead.what.occasion().as_str();
            (lead.streamer.as_str(), occasion)
        });
        let asked: BTreeSet<_> = asked.collect();
        if asked.is_empty() {
            return Ok(false);
        }
        let wanted = self.storage.webhooks().wanted(tx, &asked).await?;
        let mut happenings = Vec::new();
        for (event, change, lead) in found {
            let occasion = lead.what.occasion().as_str();
            let pair = (lead.streamer.to_string(), occasion.to_owned());
            if wanted.contains(&pair) {
                let leads::Lead { streamer, what } = lead;
                happenings.push(Happening::of_change(event, change, streamer, what, now));
            }
        }
        self.keep(tx, &happenings, now).await?;
        Ok(!happenings.is_empty())
    }

    /// Tells that the first video of a stream has come in; whether a webhook wants to hear of it.
    ///
    /// # Errors
    /// The store failed; then nobody is told.
    pub(crate) async fn received(
        &self,
        (streamer, node): (Did, Did),
        segment: &str,
        title: Option<String>,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let happening = Happening {
            subject: format!("{streamer}::{segment}"),
            kind: Nsid::from_static(NotifyReceived::NSID),
            streamer,
            actor: node,
            at: now,
            what: What::Received { title },
            record: None,
        };
        let occasion = happening.occasion().as_str();
        let mut tx = self.storage.begin().await?;
        let asked = BTreeSet::from([(happening.streamer.as_str(), occasion)]);
        let wanted = self.storage.webhooks().wanted(&mut tx, &asked).await?;
        if wanted.is_empty() {
            return Ok(false);
        }
        self.keep(&mut tx, &[happening], now).await?;
        tx.commit().await?;
        self.wake();
        Ok(true)
    }

    /// Whether this caller may say that a stream of this account has begun.
    pub(crate) fn may_tell_of(&self, caller: &Did, streamer: &Did) -> bool {
        caller == streamer || self.nodes.contains(caller)
    }

    /// There may be something to tell. Without this it is found a moment later.
    pub(crate) fn wake(&self) {
        self.news.notify_one();
    }

    async fn keep(
        &self,
        tx: &mut Write,
        happenings: &[Happening],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let errands: Vec<_> = happenings
            .iter()
            .map(|happening| (happening.errand(), happening.to_payload()))
            .collect();
        let errands: Vec<_> = errands
            .iter()
            .map(|(subject, payload)| (subject.as_str(), payload.as_str()))
            .collect();
        self.storage
            .errands()
            .put_all(tx, ERRAND, &errands, now)
            .await
    }
}

#[cfg(test)]
pub(crate) mod tests;
