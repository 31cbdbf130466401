//! Wisp's webhooks in memory, as of the last transaction that looked.

use std::collections::HashMap;

use loggia_delivery::EndpointId;
use loggia_firehose::{Action, Actions, Event, Matcher, Matches, References, Scope};
use loggia_storage::{StorageError, WispChange, WispState, WispWebhook, WispWebhooks, Write};
use loggia_syntax::{Did, RecordKey};

/// Changes that are read at once.
const PAGE: u32 = 1000;

/// The webhooks that are told, and whom an event concerns among them.
#[derive(Default)]
pub(crate) struct KnownWebhooks {
    seq: i64,
    matcher: Matcher<u32>,
    slots: HashMap<(Did, RecordKey), u32>,
    told: HashMap<u32, KnownWebhook>,
    next: u32,
}

/// A webhook that is told.
#[derive(Clone, Debug)]
pub(crate) struct KnownWebhook {
    pub(crate) owner: Did,
    pub(crate) rkey: RecordKey,
    pub(crate) endpoint: EndpointId,
}

impl KnownWebhooks {
    /// Learns what has changed since the last time.
    pub(crate) async fn refresh(
        &mut self,
        tx: &mut Write,
        webhooks: &WispWebhooks,
    ) -> Result<(), StorageError> {
        loop {
            let changes = webhooks.changed(tx, self.seq, PAGE).await?;
            let more = changes.len() == PAGE as usize;
            for change in changes {
                self.learn(change);
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn learn(&mut self, change: WispChange) {
        self.seq = change.seq;
        let Some(webhook) = change.webhook else {
            return;
        };
        let key = (webhook.owner.clone(), webhook.rkey.clone());
        match (scope(&webhook), webhook.endpoint) {
            (Some(scope), Some(endpoint)) => self.put(key, scope, endpoint),
            _ => self.remove(&key),
        }
    }

    fn put(&mut self, key: (Did, RecordKey), scope: Scope, endpoint: EndpointId) {
        let slot = *self.slots.entry(key.clone()).or_insert_with(|| {
            self.next += 1;
            self.next
        });
        let (owner, rkey) = key;
        self.matcher.insert(slot, scope);
        let known = KnownWebhook {
            owner,
            rkey,
            endpoint,
        };
        self.told.insert(slot, known);
    }

    fn remove(&mut self, key: &(Did, RecordKey)) {
        if let Some(slot) = self.slots.remove(key) {
            self.matcher.remove(&slot);
            self.told.remove(&slot);
        }
    }

    /// The webhook of this endpoint is told no more, until it changes.
    pub(crate) fn forget(&mut self, endpoint: EndpointId) {
        let gone = self.told.values().filter(|one| one.endpoint == endpoint);
        let gone = gone.map(|one| (one.owner.clone(), one.rkey.clone()));
        for key in gone.collect::<Vec<_>>() {
            self.remove(&key);
        }
    }

    /// Whether anybody watches what refers to something.
    pub(crate) fn has_backlinks(&self) -> bool {
        self.matcher.has_backlinks()
    }

    /// Which of these events may concern somebody; of any other, what is kept of its record may.
    pub(crate) fn sift(&self, events: &[Event]) -> Vec<bool> {
        self.matcher.sift(events)
    }

    /// Whom an event concerns, and what is to be kept of the record's references.
    pub(crate) fn matches(&self, event: &Event, earlier: &References, found: &mut Matches<u32>) {
        self.matcher.matches(event, earlier, found);
    }

    /// The webhook of a key that was found.
    pub(crate) fn webhook(&self, slot: u32) -> Option<&KnownWebhook> {
        self.told.get(&slot)
    }
}

/// What a webhook watches, if it is told at all.
fn scope(webhook: &WispWebhook) -> Option<Scope> {
    if webhook.state != WispState::Active || webhook.paused {
        return None;
    }
    let actions = Action::ALL.into_iter().filter(|action| {
        let mut wanted = webhook.actions.iter();
        wanted.any(|wanted| wanted == action.as_str())
    });
    let read = Scope::read(&webhook.scope, webhook.backlinks, Actions::of(actions));
    let read = read.inspect_err(|error| {
        let (owner, rkey) = (&webhook.owner, &webhook.rkey);
        tracing::error!(%error, %owner, %rkey, "a webhook's scope is none any more");
    });
    read.ok()
}
