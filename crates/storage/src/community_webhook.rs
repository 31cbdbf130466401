//! Webhooks that are told what happens in the spaces of their owner. Each has an endpoint of its own id,
//! made, changed and removed in its transaction.

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{CancelReason, DisableReason, Endpoint, EndpointId, Secret, Target};
use loggia_syntax::{Did, Nsid};

use crate::announcement::announce_endpoint;
use crate::column::{Reading, millis};
use crate::sql::{self, Connection, Row};
use crate::{BadRow, EndpointChange, OwnedEndpoint, Storage, StorageError, Write, endpoint};

/// A webhook as it is kept.
#[derive(Clone, Debug)]
pub struct CommunityWebhook {
    /// The names of the events that it is told of, in its owner's order.
    pub events: Vec<String>,
    /// Its endpoint, whose id is its own.
    pub owned: OwnedEndpoint,
}

/// What an owner wants changed: only what is given.
#[derive(Clone, Debug, Default)]
pub struct CommunityWebhookChange {
    /// Where deliveries go; what waits goes there as well.
    pub target: Option<Target>,
    /// See [`CommunityWebhook::events`].
    pub events: Option<Vec<String>>,
    /// The kinds of notification that it is not told of any more: what waits of these is cancelled.
    pub dropped: Vec<Nsid>,
    /// Whether deliveries go one at a time and in order.
    pub in_order: Option<bool>,
    /// Whether it is told at all.
    pub active: Option<bool>,
}

/// The webhooks of a store. Somebody else's is as good as none.
#[derive(Clone, Debug)]
pub struct CommunityWebhooks {
    pub(crate) storage: Storage,
}

impl CommunityWebhooks {
    /// How many an owner has.
    pub async fn count(&self, owner: &Did) -> Result<i64, StorageError> {
        sql::query_scalar(COUNT)
            .bind(owner.as_str())
            .fetch_one(self.storage.readers())
            .await
            .map_err(StorageError::doing("count community webhooks"))
    }

    /// Adds a webhook, unless its owner has `most` of them; whether it was added.
    pub async fn insert(
        &self,
        tx: &mut Write,
        endpoint: &Endpoint,
        events: &[String],
        most: u32,
    ) -> Result<bool, StorageError> {
        let owner = &endpoint.owner;
        hold(tx.sql(), owner).await?;
        let kept: i64 = sql::query_scalar(COUNT)
            .bind(owner.as_str())
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("count community webhooks"))?;
        if kept >= i64::from(most) {
            return Ok(false);
        }
        sql::query("INSERT INTO community_webhook (id, owner, events) VALUES ($1, $2, $3)")
            .bind(&endpoint.id.as_bytes()[..])
            .bind(owner.as_str())
            .bind(write_events(events))
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("insert a community webhook"))?;
        self.storage.endpoints().insert(tx, endpoint).await?;
        Ok(true)
    }

    /// The owner's webhook of this id.
    pub async fn find(
        &self,
        owner: &Did,
        id: EndpointId,
    ) -> Result<Option<CommunityWebhook>, StorageError> {
        let row = sql::query("SELECT * FROM community_webhook WHERE id = $1 AND owner = $2")
            .bind(&id.as_bytes()[..])
            .bind(owner.as_str())
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("find a community webhook"))?;
        match row {
            Some(row) => self.whole(owner, read(&row)?).await,
            None => Ok(None),
        }
    }

    /// All of an owner's webhooks, newest first.
    pub async fn list(&self, owner: &Did) -> Result<Vec<CommunityWebhook>, StorageError> {
        let rows = sql::query("SELECT * FROM community_webhook WHERE owner = $1 ORDER BY id DESC")
            .bind(owner.as_str())
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list community webhooks"))?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.extend(self.whole(owner, read(row)?).await?);
        }
        Ok(found)
    }

    async fn whole(
        &self,
        owner: &Did,
        (id, events): (EndpointId, Vec<String>),
    ) -> Result<Option<CommunityWebhook>, StorageError> {
        let owned = self.storage.endpoints().find_owned(owner, id).await?;
        Ok(owned.map(|owned| CommunityWebhook { events, owned }))
    }

    /// The owner's webhooks that are told of an event, oldest first. In the transaction that enqueues
    /// for them. One that cannot be read is left out and logged: the others are told.
    pub async fn wanting(
        &self,
        tx: &mut Write,
        owner: &Did,
        event: &str,
    ) -> Result<Vec<EndpointId>, StorageError> {
        let rows = sql::query("SELECT * FROM community_webhook WHERE owner = $1 ORDER BY id")
            .bind(owner.as_str())
            .fetch_all(tx.sql())
            .await
            .map_err(StorageError::doing("look for community webhooks"))?;
        let wants = |(id, events): (EndpointId, Vec<String>)| {
            events.iter().any(|wanted| wanted == event).then_some(id)
        };
        Ok(rows.iter().filter_map(readable).filter_map(wants).collect())
    }

    /// Changes what is given of the owner's webhook; whether there is such. After the commit, tell the
    /// engine's handle.
    pub async fn update(
        &self,
        tx: &mut Write,
        (owner, id): (&Did, EndpointId),
        change: CommunityWebhookChange,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        hold(tx.sql(), owner).await?;
        if !is_there(tx.sql(), owner, id).await? {
            return Ok(false);
        }
        let moved = change.target.is_some();
        let endpoint = EndpointChange {
            target: change.target,
            in_order: change.in_order,
            ..EndpointChange::default()
        };
        let endpoints = self.storage.endpoints();
        let which = (owner, id, false);
        endpoints.change(tx, which, endpoint, now).await?;
        if let Some(events) = change.events {
            sql::query("UPDATE community_webhook SET events = $1 WHERE id = $2")
                .bind(write_events(&events))
                .bind(&id.as_bytes()[..])
                .execute(tx.sql())
                .await
                .map_err(StorageError::doing("change a community webhook"))?;
        }
        for kind in &change.dropped {
            cancel(tx.sql(), id, kind, now).await?;
        }
        match change.active {
            Some(false) => {
                endpoints.disable(tx, id, DisableReason::Owner, now).await?;
            }
            Some(true) => endpoints.enable(tx, id).await?,
            // Whoever takes over is not to suffer for who was there before.
            None if moved => endpoints.enable(tx, id).await?,
            None => {}
        }
        announce_endpoint(tx.sql(), id).await?;
        Ok(true)
    }

    /// Removes the owner's webhook, its secrets at once; whether there was such. What is pending for it
    /// is cancelled. After the commit, tell the engine's handle.
    pub async fn delete(
        &self,
        tx: &mut Write,
        (owner, id): (&Did, EndpointId),
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let deleted = sql::query("DELETE FROM community_webhook WHERE id = $1 AND owner = $2")
            .bind(&id.as_bytes()[..])
            .bind(owner.as_str())
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("delete a community webhook"))?;
        if deleted == 1 {
            endpoint::delete(tx.sql(), owner, (id, false), now).await?;
        }
        Ok(deleted == 1)
    }

    /// Signs with a new secret from now on, and for `overlap` with the one before as well; whether
    /// there is such a webhook. After the commit, tell the engine's handle.
    pub async fn rotate(
        &self,
        tx: &mut Write,
        (owner, id): (&Did, EndpointId),
        secret: Secret,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        hold(tx.sql(), owner).await?;
        if !is_there(tx.sql(), owner, id).await? {
            return Ok(false);
        }
        let endpoints = self.storage.endpoints();
        let which = (owner, id, false);
        endpoints.exchange(tx, which, secret, overlap, now).await
    }
}

const COUNT: &str = "SELECT count(*) FROM community_webhook WHERE owner = $1";

/// How many an owner has stays as it is until the transaction ends.
async fn hold(connection: &mut Connection, owner: &Did) -> Result<(), StorageError> {
    connection
        .hold(&format!("community webhooks of {owner}"))
        .await
}

/// Whether the owner has such a webhook: their endpoints stand for other things as well.
async fn is_there(
    connection: &mut Connection,
    owner: &Did,
    id: EndpointId,
) -> Result<bool, StorageError> {
    let found: i64 =
        sql::query_scalar("SELECT count(*) FROM community_webhook WHERE id = $1 AND owner = $2")
            .bind(&id.as_bytes()[..])
            .bind(owner.as_str())
            .fetch_one(connection)
            .await
            .map_err(StorageError::doing("look for a community webhook"))?;
    Ok(found == 1)
}

/// Cancels what waits of a kind.
async fn cancel(
    connection: &mut Connection,
    id: EndpointId,
    kind: &Nsid,
    now: Timestamp,
) -> Result<(), StorageError> {
    sql::query(
        "UPDATE delivery SET state = 'cancelled', due = NULL, node = NULL, ended_at = $1,
             reason = $2
         WHERE endpoint = $3 AND state IN ('pending', 'leased')
             AND (SELECT n.kind FROM notification n WHERE n.id = delivery.notification) = $4",
    )
    .bind(millis(now))
    .bind(CancelReason::Changed.as_str())
    .bind(&id.as_bytes()[..])
    .bind(kind.as_str())
    .execute(connection)
    .await
    .map_err(StorageError::doing(
        "cancel what a webhook is not told any more",
    ))?;
    Ok(())
}

fn write_events(events: &[String]) -> String {
    serde_json::json!(events).to_string()
}

fn readable(row: &Row) -> Option<(EndpointId, Vec<String>)> {
    read(row)
        .inspect_err(|bad| {
            let error = bad as &dyn std::error::Error;
            tracing::error!(error, "a community webhook cannot be read and is not told");
        })
        .ok()
}

fn read(row: &Row) -> Result<(EndpointId, Vec<String>), BadRow> {
    let unnamed = Reading::new("community_webhook", "(unreadable)", row);
    let id = unnamed.parse("id", EndpointId::from_slice)?;
    let reading = Reading::new("community_webhook", id, row);
    let events = reading.parse("events", |text: &str| serde_json::from_str(text))?;
    Ok((id, events))
}
