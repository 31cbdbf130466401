//! Webhooks of `place.stream.server.*`: one row for each URL that an account wants told.

mod endpoint;
mod format;
mod row;
mod told;

use jiff::Timestamp;
use loggia_delivery::{EndpointId, sortable_id};
use loggia_syntax::Did;
use serde::{Deserialize, Serialize};

use crate::column::millis;
use crate::{Storage, StorageError, Write, endpoint as endpoints, sql};
pub use format::WebhookFormat;
use row::{count, find, hold, insert, update, url_holder, write_events};
pub(crate) use row::{read, select_webhooks};

sortable_id! {
    /// Which webhook.
    WebhookId
}

impl WebhookId {
    /// The endpoint that a webhook's deliveries go to: it has the webhook's own id, so that what
    /// becomes of them is written to the webhook in the same batch.
    pub fn endpoint(&self) -> EndpointId {
        EndpointId::from_slice(self.as_bytes()).expect("both are sixteen bytes")
    }
}

/// A webhook as it is kept. An empty text or list is one that was never set, or was cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Which webhook.
    pub id: WebhookId,
    /// The account that it belongs to.
    pub owner: Did,
    /// What its owner wrote.
    pub fields: WebhookFields,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Option<Timestamp>,
    /// When something was last delivered; moved with the health of [`WebhookId::endpoint`].
    pub last_triggered: Option<Timestamp>,
    /// Failed attempts since then.
    pub error_count: u32,
}

/// What the owner of a webhook writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookFields {
    /// Where to, in the normal form of its URL; unique for each owner, letter by letter.
    pub url: String,
    /// Which events, as the lexicon names them, in the owner's order.
    pub events: Vec<String>,
    /// Whether it is told at all.
    pub active: bool,
    /// Whether chat messages carry the sender's handle in the text.
    pub streamplace_format: bool,
    /// Put before every text.
    pub prefix: String,
    /// Put after every text.
    pub suffix: String,
    /// Applied to every text, in order.
    pub rewrite: Vec<RewriteRule>,
    /// A message with any of these words is not sent.
    pub mute_words: Vec<String>,
    /// For its owner.
    pub name: String,
    /// For its owner.
    pub description: String,
    /// In which form it is told; what its host reads if none was chosen.
    pub format: Option<WebhookFormat>,
}

/// One replacement of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewriteRule {
    /// What is replaced, wherever it stands.
    pub from: String,
    /// What stands there instead.
    pub to: String,
}

/// What an owner wants changed: only what is given. An empty text or list clears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// See [`WebhookFields::url`].
    pub url: Option<String>,
    /// See [`WebhookFields::events`].
    pub events: Option<Vec<String>>,
    /// See [`WebhookFields::active`].
    pub active: Option<bool>,
    /// See [`WebhookFields::streamplace_format`].
    pub streamplace_format: Option<bool>,
    /// See [`WebhookFields::prefix`].
    pub prefix: Option<String>,
    /// See [`WebhookFields::suffix`].
    pub suffix: Option<String>,
    /// See [`WebhookFields::rewrite`].
    pub rewrite: Option<Vec<RewriteRule>>,
    /// See [`WebhookFields::mute_words`].
    pub mute_words: Option<Vec<String>>,
    /// See [`WebhookFields::name`].
    pub name: Option<String>,
    /// See [`WebhookFields::description`].
    pub description: Option<String>,
    /// See [`WebhookFields::format`]; none to go by the host again.
    pub format: Option<Option<WebhookFormat>>,
}

/// What became of an insert.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Inserted {
    /// It is there.
    Done(Box<Webhook>),
    /// The owner has one of this URL already.
    DuplicateUrl,
    /// The owner has as many as are allowed.
    TooMany,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Updated {
    /// It is changed.
    Done(Box<Webhook>),
    /// The owner has none of this id, whether or not somebody else has.
    NotFound,
    /// The owner has another one of this URL.
    DuplicateUrl,
}

/// The webhooks of a store. Somebody else's webhook is as good as none.
#[derive(Clone, Debug)]
pub struct Webhooks {
    pub(crate) storage: Storage,
}

impl WebhookChange {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn apply(self, fields: &mut WebhookFields) {
        fn put<T>(field: &mut T, given: Option<T>) {
            if let Some(given) = given {
                *field = given;
            }
        }
        put(&mut fields.url, self.url);
        put(&mut fields.events, self.events);
        put(&mut fields.active, self.active);
        put(&mut fields.streamplace_format, self.streamplace_format);
        put(&mut fields.prefix, self.prefix);
        put(&mut fields.suffix, self.suffix);
        put(&mut fields.rewrite, self.rewrite);
        put(&mut fields.mute_words, self.mute_words);
        put(&mut fields.name, self.name);
        put(&mut fields.description, self.description);
        put(&mut fields.format, self.format);
    }
}

impl Webhooks {
    /// Adds a webhook and its endpoint, unless its owner has the URL already or has `most` of them.
    pub async fn insert(
        &self,
        tx: &mut Write,
        id: WebhookId,
        owner: &Did,
        fields: WebhookFields,
        most: u32,
        now: Timestamp,
    ) -> Result<Inserted, StorageError> {
        hold(tx.sql(), owner).await?;
        if url_holder(tx.sql(), owner, &fields.url).await?.is_some() {
            return Ok(Inserted::DuplicateUrl);
        }
        if count(tx.sql(), owner).await? >= i64::from(most) {
            return Ok(Inserted::TooMany);
        }
        let created_at = Timestamp::from_millisecond(millis(now)).unwrap_or(now);
        let (updated_at, last_triggered) = (None, None);
        let owner = owner.clone();
        let webhook = Webhook {
            id,
            owner,
            fields,
            created_at,
            updated_at,
            last_triggered,
            error_count: 0,
        };
        insert(tx.sql(), &webhook).await?;
        write_events(tx.sql(), &webhook).await?;
        let endpoint = endpoint::of(&webhook)?;
        self.storage.endpoints().insert(tx, &endpoint).await?;
        Ok(Inserted::Done(Box::new(webhook)))
    }

    /// Changes what is given of the owner's webhook, and its endpoint with it: what waits for another
    /// URL, or for a webhook that is off now, is cancelled; one that is on is told again, should its
    /// endpoint have been disabled. After the commit, tell the engine's handle.
    pub async fn update(
        &self,
        tx: &mut Write,
        owner: &Did,
        id: WebhookId,
        change: WebhookChange,
        now: Timestamp,
    ) -> Result<Updated, StorageError> {
        hold(tx.sql(), owner).await?;
        let Some(mut webhook) = find(tx.sql(), owner, id).await? else {
            return Ok(Updated::NotFound);
        };
        let url = webhook.fields.url.clone();
        change.apply(&mut webhook.fields);
        let holder = url_holder(tx.sql(), owner, &webhook.fields.url).await?;
        if holder.is_some_and(|holder| holder != id) {
            return Ok(Updated::DuplicateUrl);
        }
        webhook.updated_at = Some(Timestamp::from_millisecond(millis(now)).unwrap_or(now));
        update(tx.sql(), &webhook).await?;
        write_events(tx.sql(), &webhook).await?;
        let moved = webhook.fields.url != url;
        endpoint::fit(tx.sql(), &mut webhook, moved, now).await?;
        Ok(Updated::Done(Box::new(webhook)))
    }

    /// The owner's webhook of this id.
    pub async fn find(&self, owner: &Did, id: WebhookId) -> Result<Option<Webhook>, StorageError> {
        let doing = StorageError::doing("find a webhook");
        let mut connection = self.storage.readers().acquire().await.map_err(doing)?;
        find(&mut connection, owner, id).await
    }

    /// Whether there is a webhook of this id, whoever owns it: tells a missing one from somebody
    /// else's.
    pub async fn is_anybodys(&self, id: WebhookId) -> Result<bool, StorageError> {
        let found: Option<i64> = sql::query_scalar("SELECT 1 FROM webhook WHERE id = $1")
            .bind(id.as_bytes().as_slice())
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("look for a webhook"))?;
        Ok(found.is_some())
    }

    /// Removes the owner's webhook; whether there was one. What is pending for it is cancelled, and its
    /// endpoint goes with the record of its deliveries. After the commit, tell the engine's handle.
    pub async fn delete(
        &self,
        tx: &mut Write,
        owner: &Did,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let deleted = sql::query("DELETE FROM webhook WHERE id = $1 AND owner = $2")
            .bind(&id.as_bytes()[..])
            .bind(owner.as_str())
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("delete a webhook"))?;
        if deleted == 1 {
            endpoints::delete(tx.sql(), owner, (id.endpoint(), false), now).await?;
        }
        Ok(deleted == 1)
    }
}
