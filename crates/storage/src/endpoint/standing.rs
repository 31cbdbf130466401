//! Endpoints that stand for something else of their owner: changed with that, and never by themselves.

use jiff::Timestamp;
use loggia_delivery::{CancelReason, DisableReason, Endpoint, EndpointId, Secrets};

use crate::announcement::announce_endpoint;
use crate::column::millis;
use crate::endpoint::{Endpoints, OwnedEndpoint, disable, insert};
use crate::sql;
use crate::{StorageError, Write};

impl Endpoints {
    /// Makes an endpoint that stands for something, or gives it this target, profile and these secrets,
    /// and tells it again with its failures forgiven. `description` is for whoever lists it. What is
    /// open for it stays; see [`Endpoints::cancel_open`]. After the commit, tell the engine's handle.
    pub async fn put_standing(
        &self,
        tx: &mut Write,
        endpoint: &Endpoint,
        description: &str,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let owned = OwnedEndpoint {
            managed: false,
            description: description.to_owned(),
            updated_at: Some(now),
            ..OwnedEndpoint::new(endpoint.clone())
        };
        let known: Option<i64> = sql::query_scalar("SELECT 1 FROM endpoint WHERE id = $1")
            .bind(&endpoint.id.as_bytes()[..])
            .fetch_optional(tx.sql())
            .await
            .map_err(StorageError::doing("look for an endpoint"))?;
        if known.is_none() {
            return insert(tx.sql(), &self.storage.inner.sealer, &owned).await;
        }
        self.write(tx.sql(), &owned).await?;
        self.enable(tx, endpoint.id).await
    }

    /// Gives an endpoint that stands for something other secrets, at once and without overlap. After
    /// the commit, tell the engine's handle.
    pub async fn put_secrets(
        &self,
        tx: &mut Write,
        id: EndpointId,
        secrets: Secrets,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let sealer = &self.storage.inner.sealer;
        let Some(endpoint) = super::find(tx.sql(), sealer, id).await? else {
            return Err(StorageError::NoEndpoint(id));
        };
        let endpoint = Endpoint {
            secrets,
            ..endpoint
        };
        let sealed = super::row::Sealed::of(&endpoint, sealer);
        sql::query(
            "UPDATE endpoint SET secret = $1, previous_secret = $2, previous_until = $3,
                 updated_at = $4 WHERE id = $5",
        )
        .bind(sealed.secret)
        .bind(sealed.previous_secret)
        .bind(sealed.previous_until)
        .bind(millis(now))
        .bind(&id.as_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("change an endpoint's secrets"))?;
        announce_endpoint(tx.sql(), id).await
    }

    /// What an endpoint stood for is gone: its secrets go at once, what is open for it is cancelled,
    /// and its row goes with the record of its deliveries. After the commit, tell the engine's handle.
    pub async fn retire(
        &self,
        tx: &mut Write,
        id: EndpointId,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        sql::query(
            "UPDATE endpoint SET disabled_reason = $1, disabled_at = $2, secret = NULL,
                 previous_secret = NULL, previous_until = NULL, headers = NULL, kinds = '[]'
             WHERE id = $3 AND (disabled_reason IS NULL OR disabled_reason <> $1)",
        )
        .bind(DisableReason::Deleted.as_str())
        .bind(millis(now))
        .bind(&id.as_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("delete an endpoint"))?;
        disable(tx.sql(), id, DisableReason::Deleted, now).await?;
        announce_endpoint(tx.sql(), id).await
    }

    /// Cancels everything that is open for an endpoint; how many deliveries those were. An attempt
    /// that is under way is made and recorded, and changes nothing any more. After the commit, tell
    /// the engine's handle.
    pub async fn cancel_open(
        &self,
        tx: &mut Write,
        id: EndpointId,
        reason: CancelReason,
        now: Timestamp,
    ) -> Result<u64, StorageError> {
        let cancelled = sql::query(
            "UPDATE delivery SET state = 'cancelled', due = NULL, node = NULL, ended_at = $1,
                 reason = $2
             WHERE endpoint = $3 AND state IN ('pending', 'leased')",
        )
        .bind(millis(now))
        .bind(reason.as_str())
        .bind(&id.as_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("cancel an endpoint's deliveries"))?;
        if cancelled > 0 {
            announce_endpoint(tx.sql(), id).await?;
        }
        Ok(cancelled)
    }
}
