//! Webhooks of `place.stream.server.*`: one row for each URL that an account wants told.

use jiff::Timestamp;
use loggia_delivery::sortable_id;
use loggia_syntax::Did;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::column::{Reading, millis};
use crate::{BadRow, Storage, StorageError, Write};

sortable_id! {
    /// Which webhook.
    WebhookId
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
    }
}

impl Webhooks {
    /// Adds a webhook, unless its owner has the URL already or has `most` of them.
    pub async fn insert(
        &self,
        tx: &mut Write,
        id: WebhookId,
        owner: &Did,
        fields: WebhookFields,
        most: u32,
        now: Timestamp,
    ) -> Result<Inserted, StorageError> {
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
        Ok(Inserted::Done(Box::new(webhook)))
    }

    /// Changes what is given of the owner's webhook.
    pub async fn update(
        &self,
        tx: &mut Write,
        owner: &Did,
        id: WebhookId,
        change: WebhookChange,
        now: Timestamp,
    ) -> Result<Updated, StorageError> {
        let Some(mut webhook) = find(tx.sql(), owner, id).await? else {
            return Ok(Updated::NotFound);
        };
        change.apply(&mut webhook.fields);
        let holder = url_holder(tx.sql(), owner, &webhook.fields.url).await?;
        if holder.is_some_and(|holder| holder != id) {
            return Ok(Updated::DuplicateUrl);
        }
        webhook.updated_at = Some(Timestamp::from_millisecond(millis(now)).unwrap_or(now));
        update(tx.sql(), &webhook).await?;
        write_events(tx.sql(), &webhook).await?;
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
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM webhook WHERE id = ?")
            .bind(id.as_bytes().as_slice())
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("look for a webhook"))?;
        Ok(found.is_some())
    }

    /// Removes the owner's webhook; whether there was one.
    pub async fn delete(
        &self,
        tx: &mut Write,
        owner: &Did,
        id: WebhookId,
    ) -> Result<bool, StorageError> {
        let deleted = sqlx::query("DELETE FROM webhook WHERE id = ? AND owner = ?")
            .bind(&id.as_bytes()[..])
            .bind(owner.as_str())
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("delete a webhook"))?;
        Ok(deleted.rows_affected() == 1)
    }
}

/// The columns of a webhook and its events as a JSON list, with this `WHERE` and so on.
macro_rules! select_webhooks {
    ($rest:literal) => {
        concat!(
            "SELECT w.*, (SELECT json_group_array(e.event ORDER BY e.position)
                 FROM webhook_event e WHERE e.webhook = w.id) AS events
             FROM webhook w ",
            $rest
        )
    };
}
pub(crate) use select_webhooks;

pub(crate) fn read(row: &SqliteRow) -> Result<Webhook, BadRow> {
    let unnamed = Reading::new("webhook", "(unreadable)", row);
    let id = unnamed.parse("id", WebhookId::from_slice)?;
    let reading = Reading::new("webhook", id, row);
    Ok(Webhook {
        id,
        owner: reading.parse("owner", |text: &str| Did::new(text))?,
        fields: WebhookFields {
            url: reading.get("url")?,
            events: reading.parse("events", serde_json::from_str)?,
            active: reading.get("active")?,
            streamplace_format: reading.get("streamplace_format")?,
            prefix: reading.get("prefix")?,
            suffix: reading.get("suffix")?,
            rewrite: reading.parse("rewrite", serde_json::from_str)?,
            mute_words: reading.parse("mute_words", serde_json::from_str)?,
            name: reading.get("name")?,
            description: reading.get("description")?,
        },
        created_at: reading.time("created_at")?,
        updated_at: reading.maybe_time("updated_at")?,
        last_triggered: reading.maybe_time("last_triggered")?,
        error_count: reading.count("error_count")?,
    })
}

async fn find(
    connection: &mut SqliteConnection,
    owner: &Did,
    id: WebhookId,
) -> Result<Option<Webhook>, StorageError> {
    let row = sqlx::query(select_webhooks!("WHERE w.id = ? AND w.owner = ?"))
        .bind(&id.as_bytes()[..])
        .bind(owner.as_str())
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("find a webhook"))?;
    Ok(row.as_ref().map(read).transpose()?)
}

async fn url_holder(
    connection: &mut SqliteConnection,
    owner: &Did,
    url: &str,
) -> Result<Option<WebhookId>, StorageError> {
    let row = sqlx::query("SELECT id FROM webhook WHERE owner = ? AND url = ?")
        .bind(owner.as_str())
        .bind(url)
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("look for a webhook's URL"))?;
    let Some(row) = row else { return Ok(None) };
    let reading = Reading::new("webhook", "(unreadable)", &row);
    Ok(Some(reading.parse("id", WebhookId::from_slice)?))
}

async fn count(connection: &mut SqliteConnection, owner: &Did) -> Result<i64, StorageError> {
    sqlx::query("SELECT count(*) FROM webhook WHERE owner = ?")
        .bind(owner.as_str())
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(StorageError::doing("count webhooks"))
}

async fn insert(connection: &mut SqliteConnection, webhook: &Webhook) -> Result<(), StorageError> {
    let fields = &webhook.fields;
    sqlx::query(
        "INSERT INTO webhook (url, active, streamplace_format, prefix, suffix, rewrite, mute_words,
             name, description, created_at, error_count, id, owner)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
    )
    .bind(&fields.url)
    .bind(fields.active)
    .bind(fields.streamplace_format)
    .bind(&fields.prefix)
    .bind(&fields.suffix)
    .bind(json(&fields.rewrite))
    .bind(json(&fields.mute_words))
    .bind(&fields.name)
    .bind(&fields.description)
    .bind(millis(webhook.created_at))
    .bind(&webhook.id.as_bytes()[..])
    .bind(webhook.owner.as_str())
    .execute(connection)
    .await
    .map_err(StorageError::doing("insert a webhook"))?;
    Ok(())
}

async fn update(connection: &mut SqliteConnection, webhook: &Webhook) -> Result<(), StorageError> {
    let fields = &webhook.fields;
    sqlx::query(
        "UPDATE webhook SET url = ?, active = ?, streamplace_format = ?, prefix = ?, suffix = ?,
             rewrite = ?, mute_words = ?, name = ?, description = ?, updated_at = ?
         WHERE id = ? AND owner = ?",
    )
    .bind(&fields.url)
    .bind(fields.active)
    .bind(fields.streamplace_format)
    .bind(&fields.prefix)
    .bind(&fields.suffix)
    .bind(json(&fields.rewrite))
    .bind(json(&fields.mute_words))
    .bind(&fields.name)
    .bind(&fields.description)
    .bind(webhook.updated_at.map(millis))
    .bind(&webhook.id.as_bytes()[..])
    .bind(webhook.owner.as_str())
    .execute(connection)
    .await
    .map_err(StorageError::doing("update a webhook"))?;
    Ok(())
}

async fn write_events(
    connection: &mut SqliteConnection,
    webhook: &Webhook,
) -> Result<(), StorageError> {
    let id = &webhook.id.as_bytes()[..];
    sqlx::query("DELETE FROM webhook_event WHERE webhook = ?")
        .bind(id)
        .execute(&mut *connection)
        .await
        .map_err(StorageError::doing("clear a webhook's events"))?;
    for (position, event) in (0_i64..).zip(&webhook.fields.events) {
        sqlx::query("INSERT INTO webhook_event (webhook, position, event) VALUES (?, ?, ?)")
            .bind(id)
            .bind(position)
            .bind(event)
            .execute(&mut *connection)
            .await
            .map_err(StorageError::doing("write a webhook's events"))?;
    }
    Ok(())
}

fn json(list: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(list).expect("lists of texts can always be written")
}
