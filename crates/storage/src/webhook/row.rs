//! Webhooks as rows.

use loggia_syntax::Did;
use serde::Serialize;

use crate::column::{Reading, millis};
use crate::sql::{self, Connection, Row};
use crate::webhook::{Webhook, WebhookFields, WebhookFormat, WebhookId};
use crate::{BadRow, StorageError};

/// The columns of a webhook and its events as a JSON list, with this `WHERE` and so on, in the words
/// of a [`Backend`](crate::sql::Backend).
macro_rules! select_webhooks {
    ($backend:expr, $rest:literal) => {
        match $backend {
            $crate::sql::Backend::Sqlite => concat!(
                "SELECT w.*, (SELECT json_group_array(e.event ORDER BY e.position)
                     FROM webhook_event e WHERE e.webhook = w.id) AS events
                 FROM webhook w ",
                $rest
            ),
            $crate::sql::Backend::Postgres => concat!(
                "SELECT w.*, coalesce((SELECT json_agg(e.event ORDER BY e.position)::text
                     FROM webhook_event e WHERE e.webhook = w.id), '[]') AS events
                 FROM webhook w ",
                $rest
            ),
        }
    };
}
pub(crate) use select_webhooks;

pub(crate) fn read(row: &Row) -> Result<Webhook, BadRow> {
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
            format: reading.parse("format", |name: Option<&str>| {
                name.map(str::parse).transpose()
            })?,
        },
        created_at: reading.time("created_at")?,
        updated_at: reading.maybe_time("updated_at")?,
        last_triggered: reading.maybe_time("last_triggered")?,
        error_count: reading.count("error_count")?,
    })
}

/// How many an owner has and which URLs stays as it is until the transaction ends.
pub(super) async fn hold(connection: &mut Connection, owner: &Did) -> Result<(), StorageError> {
    connection.hold(&format!("webhooks of {owner}")).await
}

pub(super) async fn find(
    connection: &mut Connection,
    owner: &Did,
    id: WebhookId,
) -> Result<Option<Webhook>, StorageError> {
    let backend = connection.backend();
    let row = sql::query(select_webhooks!(
        backend,
        "WHERE w.id = $1 AND w.owner = $2"
    ))
    .bind(&id.as_bytes()[..])
    .bind(owner.as_str())
    .fetch_optional(connection)
    .await
    .map_err(StorageError::doing("find a webhook"))?;
    Ok(row.as_ref().map(read).transpose()?)
}

pub(super) async fn url_holder(
    connection: &mut Connection,
    owner: &Did,
    url: &str,
) -> Result<Option<WebhookId>, StorageError> {
    let row = sql::query("SELECT id FROM webhook WHERE owner = $1 AND url = $2")
        .bind(owner.as_str())
        .bind(url)
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("look for a webhook's URL"))?;
    let Some(row) = row else { return Ok(None) };
    let reading = Reading::new("webhook", "(unreadable)", &row);
    Ok(Some(reading.parse("id", WebhookId::from_slice)?))
}

pub(super) async fn count(connection: &mut Connection, owner: &Did) -> Result<i64, StorageError> {
    sql::query("SELECT count(*) FROM webhook WHERE owner = $1")
        .bind(owner.as_str())
        .fetch_one(connection)
        .await
        .and_then(|row| row.get(0))
        .map_err(StorageError::doing("count webhooks"))
}

pub(super) async fn insert(
    connection: &mut Connection,
    webhook: &Webhook,
) -> Result<(), StorageError> {
    let fields = &webhook.fields;
    sql::query(
        "INSERT INTO webhook (url, active, streamplace_format, prefix, suffix, rewrite, mute_words,
             name, description, created_at, error_count, id, owner, format)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13)",
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
    .bind(fields.format.map(WebhookFormat::as_str))
    .execute(connection)
    .await
    .map_err(StorageError::doing("insert a webhook"))?;
    Ok(())
}

pub(super) async fn update(
    connection: &mut Connection,
    webhook: &Webhook,
) -> Result<(), StorageError> {
    let fields = &webhook.fields;
    sql::query(
        "UPDATE webhook SET url = $1, active = $2, streamplace_format = $3, prefix = $4, suffix = $5,
             rewrite = $6, mute_words = $7, name = $8, description = $9, updated_at = $10,
             format = $13
         WHERE id = $11 AND owner = $12",
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
    .bind(fields.format.map(WebhookFormat::as_str))
    .execute(connection)
    .await
    .map_err(StorageError::doing("update a webhook"))?;
    Ok(())
}

pub(super) async fn write_events(
    connection: &mut Connection,
    webhook: &Webhook,
) -> Result<(), StorageError> {
    let id = &webhook.id.as_bytes()[..];
    sql::query("DELETE FROM webhook_event WHERE webhook = $1")
        .bind(id)
        .execute(&mut *connection)
        .await
        .map_err(StorageError::doing("clear a webhook's events"))?;
    for (position, event) in (0_i64..).zip(&webhook.fields.events) {
        sql::query("INSERT INTO webhook_event (webhook, position, event) VALUES ($1, $2, $3)")
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
