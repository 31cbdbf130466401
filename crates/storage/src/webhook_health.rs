//! How the endpoint of a webhook is doing, for the webhook's owner to see.

use loggia_delivery::{EndpointId, Health};
use sqlx::SqliteConnection;

use crate::column::millis;
use crate::{StorageError, WebhookId};

impl WebhookId {
    /// The endpoint that a webhook's deliveries go to: it has the webhook's own id, so that what
    /// becomes of them is written to the webhook in the same batch.
    pub fn endpoint(&self) -> EndpointId {
        EndpointId::from_slice(self.as_bytes()).expect("both are sixteen bytes")
    }
}

/// Shows a webhook's owner how its endpoint is doing; most endpoints are of no webhook.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    endpoint: EndpointId,
    health: &Health,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE webhook SET last_triggered = ?, error_count = ? WHERE id = ?")
        .bind(health.last_success.map(millis))
        .bind(health.consecutive_failures)
        .bind(&endpoint.as_bytes()[..])
        .execute(connection)
        .await
        .map_err(StorageError::doing("write a webhook's health"))?;
    Ok(())
}
