//! What was missed in a gap of a stream, as far as the hosts of accounts can still tell: records that
//! were made meanwhile in what a webhook watches, be it one collection, several or all. What was changed or
//! removed they cannot tell, nor what refers to something from elsewhere.

use std::collections::HashSet;

use jiff::Timestamp;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_firehose::{Action, Actions, Change, Event, Record, Scope, What};
use loggia_storage::{Enqueue, Errand, Write};
use loggia_syntax::{Did, Nsid, Tid};

use super::GAP;
use super::hint::Missed;
use super::host::{Found, Said, Turn};
use super::worker::{Undone, WispRegistry, places_of};
use crate::record_stream::{KnownWebhooks, Seen, Telling};

/// Pages that are looked through for one scope, of all its collections: the newest ten thousand records.
const PAGES: usize = 100;
/// Bytes of records that are held until they are told of.
const MOST_HELD: usize = 64 << 20;
/// Records that one transaction tells of.
const PART: usize = 100;
/// Collections that are looked through of one account.
const COLLECTIONS: usize = 50;

impl WispRegistry {
    /// Tells of the records that were made in a gap, in what one webhook or several watch. The subject
    /// ends with the scope.
    pub(super) async fn fill_gap(&self, errand: &Errand) -> Result<(), Undone> {
        let missed: Missed = serde_json::from_str(&errand.payload)?;
        let scope = errand.subject.rsplit(' ').next().unwrap_or_default();
        let scope = Scope::read(scope, false, Actions::ALL).map_err(|_| Undone::Subject)?;
        let events = self.missed_of(&scope, &missed).await?;
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
        let seen = Seen {
            relay: "",
            now,
            terms: self.terms,
        };
        telling.tell(events, &known, &seen, usize::MAX);
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

    /// What was made in what a scope watches, oldest first.
    async fn missed_of(&self, scope: &Scope, missed: &Missed) -> Result<Vec<Event>, Undone> {
        let did = &scope.did();
        let mut turn = self
            .hosts
            .turn(places_of(GAP), did, SystemClock.now())
            .await?;
        let mut looked = Looked::default();
        for collection in self.watched(&mut turn, scope).await? {
            self.missed(&mut turn, (did, &collection), missed, &mut looked)
                .await?;
        }
        if looked.is_over() {
            tracing::warn!(%did, "a gap has more than is looked through: the rest is not told");
        }
        looked.events.sort_by_key(|event| event.time);
        Ok(looked.events)
    }

    /// The collections that a scope watches; where it does not name one, the account's host says which
    /// there are.
    async fn watched(&self, turn: &mut Turn, scope: &Scope) -> Result<Vec<Nsid>, Undone> {
        let pattern = scope.collection();
        if let Some(Ok(collection)) = pattern.map(|pattern| Nsid::new(pattern.as_str())) {
            return Ok(vec![collection]);
        }
        let said = self.hosts.collections(turn, &scope.did()).await?;
        let mut all = match said {
            Said::Found(collections) => collections,
            Said::NotFound | Said::Away => Vec::new(),
        };
        all.retain(|one| pattern.is_none_or(|pattern| pattern.matches(one.as_str())));
        if all.len() > COLLECTIONS {
            let (did, there) = (scope.did(), all.len());
            tracing::warn!(%did, there, "a gap is looked through in {COLLECTIONS} collections only");
        }
        all.truncate(COLLECTIONS);
        Ok(all)
    }

    /// The records of a collection whose keys are times within the gap.
    async fn missed(
        &self,
        turn: &mut Turn,
        (did, collection): (&Did, &Nsid),
        missed: &Missed,
        looked: &mut Looked,
    ) -> Result<(), Undone> {
        let (mut cursor, mut cursors) = (None, HashSet::new());
        while !looked.is_over() {
            looked.pages += 1;
            let page = self.hosts.page(turn, did, collection, cursor);
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
                    looked.bytes += found.record.len();
                    looked
                        .events
                        .extend(event(did, collection, tid, found, made));
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
        Ok(())
    }
}

/// What was found in a gap, and how much was looked through for it.
#[derive(Default)]
struct Looked {
    events: Vec<Event>,
    pages: usize,
    bytes: usize,
}

impl Looked {
    fn is_over(&self) -> bool {
        self.pages >= PAGES || self.bytes >= MOST_HELD
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
