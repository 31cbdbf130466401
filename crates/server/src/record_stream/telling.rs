//! Whom the events of a batch concern among Wisp's webhooks, and what they are told.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{NewNotification, Notification, NotificationId, Recipient};
use loggia_firehose::{Action, Change, Event, Matches, References, What};
use loggia_storage::{Storage, StorageError, Write};
use loggia_syntax::Nsid;

use super::known::{KnownWebhook, KnownWebhooks};
use crate::chance;
use crate::wisp::{Happening, Unfit, Version};

/// How long a change interests its receiver: what could not be delivered for a day is old.
const INTERESTS: SignedDuration = SignedDuration::from_hours(24);

/// How webhooks are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Which generation of Wisp's service the receivers know.
    pub(crate) version: Version,
}

/// Where and when events were seen, and how they are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// Scheme, host and path; nothing if it was no stream.
    pub(crate) relay: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) terms: Terms,
}

/// What is to be told, as it comes together.
pub(crate) struct Telling {
    news: Vec<News>,
    deliveries: usize,
    found: Matches<u32>,
    references: Kept,
}

/// One notification, and whom it goes to.
pub(crate) struct News {
    pub(crate) new: NewNotification,
    pub(crate) recipients: Vec<Recipient>,
}

/// What records refer to: as it was kept, and as it is to be kept.
#[derive(Default)]
pub(crate) struct Kept {
    known: HashMap<String, References>,
    changed: BTreeMap<String, References>,
}

impl Telling {
    /// Nothing told yet; what these events' records referred to before is looked up.
    pub(crate) async fn new(
        storage: &Storage,
        tx: &mut Write,
        webhooks: &KnownWebhooks,
        events: &[Event],
    ) -> Result<Self, StorageError> {
        let mut references = Kept::default();
        if webhooks.has_backlinks() {
            references.look_up(storage, tx, events).await?;
        }
        Ok(Self {
            news: Vec::new(),
            deliveries: 0,
            found: Matches::default(),
            references,
        })
    }

    /// Everything that is told, and what is to be kept of references.
    pub(crate) fn ended(self) -> (Vec<News>, Kept) {
        (self.news, self.references)
    }

    /// Adds what these events have to tell, one after another until there are so many deliveries; how many
    /// events that took.
    pub(crate) fn tell(
        &mut self,
        events: &[Event],
        webhooks: &KnownWebhooks,
        seen: &Seen<'_>,
        most: usize,
    ) -> usize {
        let likely = webhooks.sift(events);
        for (taken, (event, likely)) in events.iter().zip(likely).enumerate() {
            if self.deliveries >= most {
                return taken;
            }
            if likely || !self.references.is_empty() {
                self.tell_of(event, webhooks, seen, likely);
            }
        }
        events.len()
    }

    fn tell_of(&mut self, event: &Event, webhooks: &KnownWebhooks, seen: &Seen<'_>, likely: bool) {
        let (What::Change(change), Some(happening)) =
            (&event.what, Happening::of(event, seen.relay))
        else {
            return;
        };
        let uri = happening.uri();
        let none = References::default();
        let earlier = match self.references.of(&uri) {
            Some(earlier) => earlier,
            None if likely => &none,
            None => return,
        };
        webhooks.matches(event, earlier, &mut self.found);
        if self.found.too_complex.is_some() {
            metrics::counter!("loggia_stream_too_complex_total").increment(1);
        }
        if let Some(references) = self.found.references.take() {
            self.references.put(uri, references);
        }
        let told = self
            .found
            .keys
            .iter()
            .filter_map(|key| webhooks.webhook(*key));
        let told: Vec<_> = told
            .filter(|one| !happening.is_of(&one.owner, &one.rkey))
            .collect();
        if told.is_empty() {
            return;
        }
        match news(&happening, &change.collection, &told, seen) {
            Ok(news) => {
                self.deliveries += news.recipients.len();
                self.news.push(news);
            }
            Err(unfit) => {
                metrics::counter!("loggia_stream_untold_total").increment(1);
                tracing::warn!(uri = happening.uri(), %unfit, "nobody is told of a record");
            }
        }
    }
}

fn news(
    happening: &Happening<'_>,
    collection: &Nsid,
    told: &[&KnownWebhook],
    seen: &Seen<'_>,
) -> Result<News, Unfit> {
    let (now, version) = (seen.now, seen.terms.version);
    let deadline = now.saturating_add(INTERESTS).unwrap_or(Timestamp::MAX);
    let notification = Notification {
        id: NotificationId::new(now, chance::bytes()),
        kind: collection.clone(),
        subject: happening.uri(),
        body: happening.body(version)?,
        created_at: now,
        deadline,
    };
    let recipients = told.iter().map(|webhook| Recipient {
        key: Some(happening.key(version, &webhook.owner, &webhook.rkey)),
        ..Recipient::new(webhook.endpoint, deadline)
    });
    Ok(News {
        recipients: recipients.collect(),
        new: NewNotification {
            notification,
            source: Some(happening.source()),
        },
    })
}

fn address(event: &Event, change: &Change) -> String {
    format!("at://{}/{}/{}", event.did, change.collection, change.rkey)
}

impl Kept {
    /// What was kept of records that are no longer what they were.
    async fn look_up(
        &mut self,
        storage: &Storage,
        tx: &mut Write,
        events: &[Event],
    ) -> Result<(), StorageError> {
        let old = events.iter().filter_map(|event| match &event.what {
            What::Change(change) if change.action != Action::Create => Some(address(event, change)),
            _ => None,
        });
        let mut old: Vec<_> = old.collect();
        old.sort_unstable();
        old.dedup();
        let uris: Vec<_> = old.iter().map(String::as_str).collect();
        let found = storage.backlink_references().find(tx, &uris).await?;
        let read = |(uri, text): (String, String)| (uri, References::from_stored(&text));
        self.known = found.into_iter().map(read).collect();
        Ok(())
    }

    fn of(&self, uri: &str) -> Option<&References> {
        self.changed.get(uri).or_else(|| self.known.get(uri))
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty() && self.changed.is_empty()
    }

    fn put(&mut self, uri: String, references: References) {
        self.changed.insert(uri, references);
    }

    /// Keeps what has changed.
    pub(crate) async fn keep(
        &self,
        storage: &Storage,
        tx: &mut Write,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let texts: Vec<_> = self
            .changed
            .iter()
            .map(|(uri, references)| (uri.as_str(), references.to_stored()))
            .collect();
        let all: Vec<_> = texts.iter().map(|(uri, text)| (*uri, &**text)).collect();
        let too_large = storage.backlink_references().put(tx, &all, now).await?;
        metrics::counter!("loggia_stream_too_complex_total").increment(too_large as u64);
        Ok(())
    }
}
