//! Looking at deliveries, replaying and cancelling them: everybody's.

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Clock as _, DeliveryId, DisableReason, EndpointId, EndpointState, InvalidId, SystemClock,
};
use loggia_storage::{
    AttemptPlace, DeliveryDetail, DeliveryFilter, DeliveryPage, EndpointStats, ListError,
    LoggedAttempt, NewRedelivery, REPLAY_LASTS, Redelivery, RedeliveryId, StorageError, Whose,
};

use super::Operator;
use crate::chance;

/// Attempts that are read at once.
const BATCH: u32 = 500;

/// Why nothing was done about deliveries.
#[derive(Debug, thiserror::Error)]
pub enum DeliveriesError {
    /// There is no such endpoint.
    #[error("there is no endpoint {0}")]
    NoEndpoint(EndpointId),
    /// There is no such delivery.
    #[error("there is no delivery {0}")]
    NoDelivery(DeliveryId),
    /// The delivery has not ended.
    #[error("delivery {0} is still on its way")]
    NotEnded(DeliveryId),
    /// The endpoint is not told.
    #[error("endpoint {0} is disabled: its owner has to enable it first")]
    Disabled(EndpointId),
    /// The endpoint is not told any more.
    #[error("endpoint {0} was deleted: what went there cannot go out again")]
    Deleted(EndpointId),
    /// Another replay of the endpoint has not ended.
    #[error("another replay of endpoint {0} has not ended yet")]
    Running(EndpointId),
    /// The cursor is none that a list gave out.
    #[error("the cursor is invalid")]
    InvalidCursor,
    /// The store failed.
    #[error("the deliveries cannot be read or written")]
    Storage(#[from] StorageError),
}

/// A text that is neither a time nor a span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a time such as 2026-01-31T12:00:00Z nor how long ago, such as 36h")]
pub struct InvalidSince(pub String);

/// Reads a time, or how long ago.
///
/// # Errors
/// It is neither.
pub fn read_since(text: &str) -> Result<Timestamp, InvalidSince> {
    let invalid = || InvalidSince(text.to_owned());
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let ago: SignedDuration = text.parse().map_err(|_| invalid())?;
    let then = SystemClock.now().checked_sub(ago.abs());
    then.map_err(|_| invalid())
}

/// Reads the two ids of a delivery, with a slash between them.
///
/// # Errors
/// It is no such pair.
pub fn read_delivery(text: &str) -> Result<DeliveryId, InvalidId> {
    let (notification, endpoint) = text.split_once('/').ok_or(InvalidId)?;
    Ok(DeliveryId {
        notification: notification.parse()?,
        endpoint: endpoint.parse()?,
    })
}

impl Operator {
    /// At most `limit` deliveries, newest first.
    ///
    /// # Errors
    /// A cursor that is none, or a store that fails.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<DeliveryPage, DeliveriesError> {
        let deliveries = self.storage.deliveries();
        let page = deliveries.page(Whose::Everybodys, filter, cursor, limit);
        page.await.map_err(|error| match error {
            ListError::InvalidCursor => DeliveriesError::InvalidCursor,
            ListError::Storage(error) => error.into(),
        })
    }

    /// One delivery with all that is kept of it.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn delivery(&self, id: DeliveryId) -> Result<DeliveryDetail, DeliveriesError> {
        let deliveries = self.storage.deliveries();
        let found = deliveries.detail(Whose::Everybodys, id).await?;
        found.ok_or(DeliveriesError::NoDelivery(id))
    }

    /// Begins a delivery anew. A running server notices within seconds.
    ///
    /// # Errors
    /// There is none that has ended, its endpoint is disabled, or the store fails.
    pub async fn replay(&self, id: DeliveryId) -> Result<(), DeliveriesError> {
        let found = self.delivery(id).await?;
        if found.delivery.state.is_open() {
            return Err(DeliveriesError::NotEnded(id));
        }
        self.check_active(id.endpoint).await?;
        let now = SystemClock.now();
        let mut tx = self.storage.begin().await?;
        let deliveries = self.storage.deliveries();
        let replayed = deliveries
            .replay(&mut tx, &[id], now + REPLAY_LASTS, now)
            .await?;
        tx.commit().await?;
        match replayed.is_empty() {
            true => Err(DeliveriesError::NotEnded(id)),
            false => Ok(()),
        }
    }

    /// Has a server, as soon as one runs, begin many deliveries of an endpoint anew.
    ///
    /// # Errors
    /// There is no such endpoint, it is disabled or being replayed already, or the store fails.
    pub async fn replay_all(
        &self,
        endpoint: EndpointId,
        since: Timestamp,
        states: Vec<loggia_storage::EndedState>,
    ) -> Result<Redelivery, DeliveriesError> {
        self.check_active(endpoint).await?;
        let now = SystemClock.now();
        let new = NewRedelivery {
            id: RedeliveryId::new(now, chance::bytes()),
            endpoint,
            since,
            states,
        };
        let redeliveries = self.storage.redeliveries();
        let matched = redeliveries.count(&new, now).await?;
        let mut tx = self.storage.begin().await?;
        let started = redeliveries.start(&mut tx, new, matched, now).await?;
        tx.commit().await?;
        started.ok_or(DeliveriesError::Running(endpoint))
    }

    /// How far a replay has come; none if there is no such.
    ///
    /// # Errors
    /// The store fails.
    pub async fn redelivery(
        &self,
        id: RedeliveryId,
    ) -> Result<Option<Redelivery>, DeliveriesError> {
        let redeliveries = self.storage.redeliveries();
        Ok(redeliveries.find(Whose::Everybodys, id).await?)
    }

    /// Makes no further attempt of a delivery; whether it was open.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn cancel(&self, id: DeliveryId) -> Result<bool, DeliveriesError> {
        self.delivery(id).await?;
        let mut tx = self.storage.begin().await?;
        let deliveries = self.storage.deliveries();
        let cancelled = deliveries.cancel(&mut tx, &[id], SystemClock.now()).await?;
        tx.commit().await?;
        Ok(!cancelled.is_empty())
    }

    /// Makes no further attempt of all that an endpoint waits for; how many deliveries those were.
    ///
    /// # Errors
    /// There is no such endpoint, or the store fails.
    pub async fn cancel_all(&self, endpoint: EndpointId) -> Result<u64, DeliveriesError> {
        self.state(endpoint).await?;
        let mut tx = self.storage.begin().await?;
        let deliveries = self.storage.deliveries();
        let cancelled = deliveries.cancel_all(&mut tx, endpoint, SystemClock.now());
        let cancelled = cancelled.await?;
        tx.commit().await?;
        Ok(cancelled)
    }

    /// Attempts that ended after a place, those that ended first; none if there are no more.
    ///
    /// # Errors
    /// The store fails.
    pub async fn attempts_after(
        &self,
        endpoint: Option<EndpointId>,
        after: AttemptPlace,
    ) -> Result<Vec<LoggedAttempt>, DeliveriesError> {
        let deliveries = self.storage.deliveries();
        let found = deliveries.attempts_after(Whose::Everybodys, endpoint, after, BATCH);
        Ok(found.await?)
    }

    /// How an endpoint has been doing.
    ///
    /// # Errors
    /// There is no such endpoint, or the store fails.
    pub async fn stats(
        &self,
        endpoint: EndpointId,
        since: Timestamp,
    ) -> Result<EndpointStats, DeliveriesError> {
        self.state(endpoint).await?;
        Ok(self.storage.endpoints().stats(endpoint, since).await?)
    }

    async fn check_active(&self, id: EndpointId) -> Result<(), DeliveriesError> {
        match self.state(id).await? {
            EndpointState::Active => Ok(()),
            EndpointState::Disabled {
                reason: DisableReason::Deleted,
                ..
            } => Err(DeliveriesError::Deleted(id)),
            EndpointState::Disabled { .. } => Err(DeliveriesError::Disabled(id)),
        }
    }

    async fn state(&self, id: EndpointId) -> Result<EndpointState, DeliveriesError> {
        let found = self.storage.endpoints().find(id).await?;
        let endpoint = found.ok_or(DeliveriesError::NoEndpoint(id))?;
        Ok(endpoint.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_how_long_ago() {
        let at = read_since("2026-01-31T12:00:00Z").expect("a time");
        assert_eq!(at.to_string(), "2026-01-31T12:00:00Z");
        let ago = read_since("36h").expect("a span");
        let hours = SystemClock.now().duration_since(ago).as_hours();
        assert!((36..=37).contains(&hours), "{hours}");
        for text in ["", "yesterday", "-", "9999999999999999h"] {
            assert_eq!(read_since(text), Err(InvalidSince(text.to_owned())));
        }
    }
}
