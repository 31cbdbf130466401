//! What was missed in a gap of a stream, as far as the hosts of accounts can still tell: records that
//! were made meanwhile in what a webhook watches. What was changed or removed they cannot tell, nor
//! what refers to something from elsewhere.

use std::collections::HashSet;

use jiff::Timestamp;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_firehose::{Action, Actions, Change, Event, Record, Scope, What};
use loggia_storage::{Enqueue, Errand, Write};
use loggia_syntax::{Did, Nsid, Tid};

use super::hint::Missed;
use super::host::{Found, Said};
use super::worker::{Undone, WispRegistry};
use crate::record_stream::{KnownWebhooks, Telling};

/// Pages of a collection that are looked through: the newest ten thousand records.
const PAGES: usize = 100;
/// Records that one transaction tells of.
const PART: usize = 100;

impl WispRegistry {
    /// Tells of the records that were made in a gap, in what one webhook or several watch. The subject
    /// ends with the scope.
    pub(super) async fn fill_gap(&self, errand: &Errand) -> Result<(), Undone> {
        let missed: Missed = serde_json::from_str(&errand.payload)?;
        let scope = errand.subject.rsplit(' ').next().unwrap_or_default();
        let scope = Scope::read(scope, false, Actions::ALL).map_err(|_| Undone::Subject)?;
        let collection = scope
            .collection()
            .map(|pattern| Nsid::new(pattern.as_str()));
        let events = match collection {
            Some(Ok(collection)) => self.missed(scope.did(), &collection, &missed).await?,
            // A pattern, or all collections: which there are is not asked.
            _ => Vec::new(),
        };
        tracing::info!(
            scope = errand.subject,
            records = events.len(),
            "a gap was looked through"
        );
        // Told first, done then: what is told twice is told once.
        for part in events.chunks(PART) {
            let mut tx = self.storage.begin().await?;
            self.tell_part(&mut tx, part).await?;
            tx.commit().await?;
            self.engine.wake();
        }
        let mut tx = self.storage.begin().await?;
        self.storage.errands().done(&mut tx, errand).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn tell_part(&self, tx: &mut Write, events: &[Event]) -> Result<(), Undone> {
        let (now, webhooks) = (SystemClock.now(), self.storage.wisp_webhooks());
        let mut known = KnownWebhooks::default();
        known.refresh(tx, &webhooks).await?;
        let mut telling = Telling::new(&self.storage, tx, &known, events).await?;
        for event in events {
            telling.tell(event, &known, &self.terms, "", now);
        }
        let (news, references) = telling.ended();
        let all = news.iter().map(|one| Enqueue {
            new: one.new.clone(),
            recipients: &one.recipients,
            lease: None,
            room: 0,
        });
        let all = all.collect();
        let deliveries = self.storage.deliveries();
        deliveries.enqueue_all(tx, all, now).await?;
        references.keep(&self.storage, tx, now).await?;
        Ok(())
    }

    /// The records of a collection whose keys are times within the gap, oldest first.
    async fn missed(
        &self,
        did: &Did,
        collection: &Nsid,
        missed: &Missed,
    ) -> Result<Vec<Event>, Undone> {
        let mut events = Vec::new();
        let (mut cursor, mut cursors) = (None, HashSet::new());
        let mut turn = self.hosts.turn(did, SystemClock.now()).await?;
        for _ in 0..PAGES {
            let page = self.hosts.page(&mut turn, did, collection, cursor);
            let page = match page.await? {
                Said::Found(page) => page,
                Said::NotFound | Said::Away => break,
            };
            let mut older = page.records.is_empty();
            for found in page.records {
                let Ok(tid) = Tid::new(found.rkey.as_str()) else {
                    continue;
                };
                let made = time_of(&tid);
                older |= made.is_some_and(|made| made < missed.from);
                if made.is_some_and(|made| (missed.from..=missed.to).contains(&made)) {
                    events.extend(event(did, collection, tid, found, made));
                }
            }
            cursor = page.cursor.filter(|_| !older);
            if !cursor
                .as_ref()
                .is_some_and(|next| cursors.insert(next.clone()))
            {
                break;
            }
        }
        events.reverse();
        Ok(events)
    }
}

/// When a record was made, as its key says.
fn time_of(tid: &Tid) -> Option<Timestamp> {
    let micros = i64::try_from(tid.micros()).ok()?;
    Timestamp::from_microsecond(micros).ok()
}

/// The record as an event. Its key stands in for the revision, which nobody knows any more.
fn event(
    did: &Did,
    collection: &Nsid,
    tid: Tid,
    found: Found,
    made: Option<Timestamp>,
) -> Option<Event> {
    Some(Event {
        time: made?,
        did: did.clone(),
        what: What::Change(Change {
            rev: tid,
            action: Action::Create,
            collection: collection.clone(),
            rkey: found.rkey,
            cid: found.cid,
            record: Some(Record::from_json(found.record.into())),
        }),
    })
}
