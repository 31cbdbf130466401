//! The endpoint of a webhook: made, changed and removed with it, in the same transaction.

use jiff::Timestamp;
use loggia_delivery::{DisableReason, Endpoint, EndpointState, Profile, Secret, Secrets, Target};

use crate::announcement::announce_endpoint;
use crate::column::millis;
use crate::endpoint;
use crate::sql::{self, Connection};
use crate::webhook::row::find;
use crate::{StorageError, Webhook, WebhookId, Webhooks, Write};
use loggia_syntax::Did;

/// The endpoint of a new webhook.
pub(super) fn of(webhook: &Webhook) -> Result<Endpoint, StorageError> {
    let target = Target::new(&webhook.fields.url).map_err(StorageError::Target)?;
    let mut endpoint = Endpoint::new(
        webhook.id.endpoint(),
        webhook.owner.clone(),
        target,
        Profile::Stream,
        Secrets::default(),
        webhook.created_at,
    );
    if !webhook.fields.active {
        endpoint.state = EndpointState::Disabled {
            reason: DisableReason::Owner,
            at: webhook.created_at,
        };
    }
    Ok(endpoint)
}

/// Makes the endpoint fit a webhook that was changed. What waits for another URL is cancelled, and
/// that one's failures are forgotten. One that is on is told again, whatever had disabled it.
pub(super) async fn fit(
    connection: &mut Connection,
    webhook: &mut Webhook,
    moved: bool,
    now: Timestamp,
) -> Result<(), StorageError> {
    let id = webhook.id.endpoint();
    if moved {
        turn(connection, webhook).await?;
        cancel_changed(connection, webhook.id, now).await?;
    }
    if !webhook.fields.active {
        endpoint::disable(connection, id, DisableReason::Owner, now).await?;
    } else if endpoint::enable(connection, id).await? || moved {
        forgive(connection, webhook).await?;
    }
    announce_endpoint(connection, id).await
}

async fn turn(connection: &mut Connection, webhook: &Webhook) -> Result<(), StorageError> {
    let target = Target::new(&webhook.fields.url).map_err(StorageError::Target)?;
    sql::query(
        "UPDATE endpoint SET url = $1, consecutive_failures = 0, failing_since = NULL
         WHERE id = $2",
    )
    .bind(target.as_str())
    .bind(&webhook.id.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("change a webhook's endpoint"))?;
    Ok(())
}

/// All of it at once: what is said to a chat room lives for hours at most.
async fn cancel_changed(
    connection: &mut Connection,
    id: WebhookId,
    now: Timestamp,
) -> Result<(), StorageError> {
    sql::query(
        "UPDATE delivery SET state = 'cancelled', due = NULL, node = NULL, ended_at = $1,
             reason = 'changed'
         WHERE endpoint = $2 AND state IN ('pending', 'leased')",
    )
    .bind(millis(now))
    .bind(&id.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("cancel a changed webhook's deliveries"))?;
    Ok(())
}

async fn forgive(connection: &mut Connection, webhook: &mut Webhook) -> Result<(), StorageError> {
    webhook.error_count = 0;
    sql::query("UPDATE webhook SET error_count = 0 WHERE id = $1")
        .bind(&webhook.id.as_bytes()[..])
        .execute(connection)
        .await
        .map_err(StorageError::doing("forgive a webhook's failures"))?;
    Ok(())
}

impl Webhooks {
    /// Signs what the owner's webhook is told from now on, or no longer; whether there is such a
    /// webhook. After the commit, tell the engine's handle.
    pub async fn sign(
        &self,
        tx: &mut Write,
        owner: &Did,
        id: WebhookId,
        secret: Option<Secret>,
    ) -> Result<bool, StorageError> {
        if find(tx.sql(), owner, id).await?.is_none() {
            return Ok(false);
        }
        let sealer = &self.storage.inner.sealer;
        endpoint::sign(tx.sql(), sealer, id.endpoint(), secret).await?;
        announce_endpoint(tx.sql(), id.endpoint()).await?;
        Ok(true)
    }
}
