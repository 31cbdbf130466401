//! Composing and enqueueing what was kept, side by side, so that whoever is slow to look up holds up
//! nobody else.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Clock as _, NewNotification, Notification, NotificationId, Recipient, SystemClock,
};
use loggia_storage::{Enqueue, Errand, StorageError, Webhook, Write};

use super::body::Telling;
use super::happening::{Happening, Occasion, What};
use super::looks::Looks;
use super::{ERRAND, Streamplace};
use crate::chance;
use crate::errands::look_beside;

/// Between two looks for what another process has kept, or what could not be done before.
const PAUSE: Duration = Duration::from_secs(1);

/// Errands at a time: each waits a few seconds for look-ups at most, so that whoever has many that
/// nobody answers for slows the others down to a dozen a second and no further.
const AT_ONCE: usize = 64;

/// Errands of one look: those that are under way, and as many others.
const LOOKED_AT: u32 = 128;

const _: () = assert!(LOOKED_AT as usize == 2 * AT_ONCE);

/// How long after a failure of the store an errand is tried again, doubled with every failure.
const FIRST_GAP: SignedDuration = SignedDuration::from_secs(1);
/// The longest of these gaps.
const LONGEST_GAP: SignedDuration = SignedDuration::from_mins(5);

/// Why an errand could not be done.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the errand or its message is no JSON")]
    Json(#[from] serde_json::Error),
}

impl Undone {
    fn log(&self, errand: &Errand) {
        let error = self as &dyn std::error::Error;
        let subject = errand.subject.as_str();
        match self {
            Self::Storage(_) => {
                tracing::error!(error, subject, "a streamer cannot be told, again later");
            }
            Self::Json(_) => {
                tracing::error!(error, subject, "what happened to a streamer is dropped")
            }
        }
    }
}

impl Streamplace {
    /// Works until `shutdown` ends. What is cut off is done after the next start, here or at another
    /// node.
    pub(crate) async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let mut working = FuturesUnordered::new();
        let mut busy = HashSet::new();
        loop {
            let (due, ended) = look_beside(self.due(&busy), &mut working).await;
            for errand in due {
                busy.insert(errand.subject.clone());
                working.push(self.finish(errand));
            }
            if !ended.is_empty() {
                busy.retain(|subject| !ended.contains(subject));
                continue;
            }
            // A wake that comes in between is not lost.
            let look = tokio::time::timeout(PAUSE, self.news.notified());
            tokio::pin!(look);
            loop {
                tokio::select! {
                    () = &mut shutdown => return,
                    // News, or time to look again.
                    _ = &mut look => break,
                    Some(subject) = working.next() => {
                        busy.remove(&subject);
                        if busy.len() == AT_ONCE / 2 {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// What is due and not under way, as much as there are places for.
    async fn due(&self, busy: &HashSet<String>) -> Vec<Errand> {
        let room = AT_ONCE.saturating_sub(busy.len());
        if room == 0 {
            return Vec::new();
        }
        let errands = self.storage.errands();
        match errands.due(ERRAND, SystemClock.now(), LOOKED_AT).await {
            Ok(mut due) => {
                due.retain(|errand| !busy.contains(&errand.subject));
                due.truncate(room);
                due
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "webhooks of streamers cannot be told, again soon");
                Vec::new()
            }
        }
    }

    /// Does one errand, or puts it off; which it was.
    async fn finish(&self, errand: Errand) -> String {
        self.try_finish(&errand).await;
        errand.subject
    }

    async fn try_finish(&self, errand: &Errand) {
        let done = match serde_json::from_str(&errand.payload) {
            Ok(happening) => self.tell(errand, &happening).await,
            Err(error) => Err(error.into()),
        };
        let Err(undone) = done else { return };
        undone.log(errand);
        let put_off = match &undone {
            Undone::Storage(_) => self.put_off(errand, &undone).await,
            // It would be no other the next time.
            Undone::Json(_) => self.drop_errand(errand).await,
        };
        if let Err(error) = put_off {
            Undone::from(error).log(errand);
        }
    }

    async fn put_off(&self, errand: &Errand, undone: &Undone) -> Result<(), StorageError> {
        let doublings = errand.attempts.min(16);
        let gap = FIRST_GAP.saturating_mul(1 << doublings).min(LONGEST_GAP);
        let until = SystemClock.now().saturating_add(gap);
        let errands = self.storage.errands();
        errands
            .postpone(errand, until.unwrap_or(Timestamp::MAX), &undone.to_string())
            .await
    }

    async fn drop_errand(&self, errand: &Errand) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        self.storage.errands().done(&mut tx, errand).await?;
        tx.commit().await
    }

    /// Tells each webhook that wants to hear it and has not heard it yet.
    async fn tell(&self, errand: &Errand, happening: &Happening) -> Result<(), Undone> {
        let now = SystemClock.now();
        let looks = self.mirror.looks(happening, now).await;
        let now = SystemClock.now();
        let mut tx = self.storage.begin().await?;
        if !self.storage.errands().done(&mut tx, errand).await? {
            // Another node was quicker, or the stream has said it again.
            return Ok(());
        }
        let told = self.told(&mut tx, happening).await?;
        let mut composed = Vec::with_capacity(told.len());
        for webhook in &told {
            composed.push(compose(happening, &looks, webhook, now)?);
        }
        let reservation = self.engine.reserve(composed.len(), now);
        let all = composed.iter().map(|(new, recipient)| Enqueue {
            new: new.clone(),
            recipients: std::slice::from_ref(recipient),
            lease: reservation.lease(),
            room: 1,
        });
        let deliveries = self.storage.deliveries();
        let enqueued = deliveries.enqueue_all(&mut tx, all.collect(), now).await?;
        tx.commit().await?;
        let pending = enqueued.iter().any(|enqueued| enqueued.pending > 0);
        reservation.offer(enqueued.into_iter().flat_map(|one| one.due).collect());
        if pending {
            self.engine.wake();
        }
        Ok(())
    }

    /// A streamer who is named in their own chat hears of it once: as chat, where a webhook wants both.
    async fn told(
        &self,
        tx: &mut Write,
        happening: &Happening,
    ) -> Result<Vec<Webhook>, StorageError> {
        let occasion = happening.occasion().as_str();
        let webhooks = self.storage.webhooks();
        let mut told = webhooks.told(tx, &happening.streamer, occasion).await?;
        if let What::Mention {
            chat: Some(chat), ..
        } = &happening.what
            && *chat == happening.streamer
        {
            let chat = Occasion::Chat.as_str();
            told.retain(|webhook| !webhook.fields.events.iter().any(|event| event == chat));
        }
        Ok(told)
    }
}

fn compose(
    happening: &Happening,
    looks: &Looks,
    webhook: &Webhook,
    now: Timestamp,
) -> Result<(NewNotification, Recipient), serde_json::Error> {
    let telling = Telling {
        happening,
        looks,
        webhook,
    };
    let deadline = happening.deadline();
    let notification = Notification {
        id: NotificationId::new(now, chance::bytes()),
        kind: happening.kind.clone(),
        subject: happening.subject.clone(),
        body: telling.body()?,
        created_at: now,
        deadline,
    };
    let new = NewNotification {
        notification,
        source: Some(happening.source(webhook.id)),
    };
    let recipient = Recipient {
        muted: telling.is_muted(),
        ..Recipient::new(webhook.id.endpoint(), deadline)
    };
    Ok((new, recipient))
}
