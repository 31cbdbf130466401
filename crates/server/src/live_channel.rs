//! The Redis channel for live outcomes: what became of a delivery, published once it is on the disk.
//!
//! A courtesy for dashboards and never in the way of a delivery: what Redis does not take in time is
//! dropped and counted; the record of deliveries is the database.

mod observed;

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use loggia_delivery::EndpointId;
use loggia_storage::WispWebhooks;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, IntoConnectionInfo as _};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Outcomes that wait to be published; beyond, they are dropped.
const WAITING: usize = 256;
/// Messages on their way to Redis at once.
const IN_FLIGHT: usize = 4;
/// How long Redis has for a message.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest message in bytes; a longer one is dropped.
const LONGEST: usize = 8 * 1024;
/// Between two attempts to connect: first and at most.
const RECONNECT: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

const PUBLISHED: &str = "loggia_live_outcomes_published_total";
const DROPPED: &str = "loggia_live_outcomes_dropped_total";

/// What became of a delivery, in the words that dashboards of Wisp know.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveOutcome {
    /// Whose endpoint it is.
    pub owner_did: String,
    /// The record key of the webhook, where it is a record; else the endpoint's id.
    pub rkey: String,
    /// The endpoint, if its webhook is a record: whose key is looked up on the way.
    #[serde(skip)]
    pub record_at: Option<EndpointId>,
    /// Always [`LiveOutcome::NO_URL`].
    pub url: &'static str,
    /// `create`, `update` or `delete` of a record; else the kind of notification.
    pub event_kind: String,
    /// Whose record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_did: Option<String>,
    /// In which collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_collection: Option<String>,
    /// Under which key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_rkey: Option<String>,
    /// Its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cid: Option<String>,
    /// Whether it arrived.
    pub status: LiveStatus,
    /// When that was decided.
    pub delivered_at: Timestamp,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LiveStatus {
    /// It arrived.
    Ok,
    /// It was given up.
    Failed,
}

/// Takes outcomes and never waits. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LiveChannel {
    outbox: mpsc::Sender<LiveOutcome>,
}

/// Publishes what a [`LiveChannel`] takes.
pub struct LivePublisher {
    inbox: mpsc::Receiver<LiveOutcome>,
    redis: ConnectionManager,
    channel: String,
    webhooks: WispWebhooks,
}

/// A Redis URL that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "the Redis URL cannot be used: write `redis://host:6379` or `redis://user:password@host:6379/0`"
)]
pub struct InvalidRedis(#[from] redis::RedisError);

impl LiveOutcome {
    /// What is said of every URL: paths hold tokens.
    pub const NO_URL: &'static str = "[redacted]";
}

impl LiveChannel {
    /// A way to Redis, and what publishes on it. Redis need not be there yet.
    ///
    /// # Errors
    /// The URL is none that can be used.
    pub fn open(
        url: &str,
        channel: &str,
        webhooks: WispWebhooks,
    ) -> Result<(Self, LivePublisher), InvalidRedis> {
        let client = Client::open(url.into_connection_info()?)?;
        let [first, most] = RECONNECT;
        let config = ConnectionManagerConfig::new()
            .set_min_delay(first)
            .set_max_delay(most)
            .set_response_timeout(Some(PATIENCE))
            .set_connection_timeout(Some(PATIENCE));
        let (outbox, inbox) = mpsc::channel(WAITING);
        let publisher = LivePublisher {
            inbox,
            redis: ConnectionManager::new_lazy_with_config(client, config)?,
            channel: channel.to_owned(),
            webhooks,
        };
        Ok((Self { outbox }, publisher))
    }

    /// Publishes an outcome, soon; drops it if too many wait.
    pub fn tell(&self, outcome: LiveOutcome) {
        if self.outbox.try_send(outcome).is_err() {
            metrics::counter!(DROPPED).increment(1);
        }
    }
}

impl LivePublisher {
    /// Publishes until `shutdown` ends.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let mut sending = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                Some(sent) = sending.join_next() => count(sent.unwrap_or(false)),
                outcome = self.inbox.recv(), if sending.len() < IN_FLIGHT => match outcome {
                    Some(outcome) => {
                        let (redis, channel) = (self.redis.clone(), self.channel.clone());
                        let named = named(self.webhooks.clone(), outcome);
                        sending.spawn(async { publish(redis, channel, named.await).await });
                    }
                    // Nobody can tell anything any more.
                    None => return (&mut shutdown).await,
                },
            }
        }
    }
}

/// The outcome with the record key of its webhook. Without one it goes by its endpoint.
async fn named(webhooks: WispWebhooks, mut outcome: LiveOutcome) -> LiveOutcome {
    if let Some(endpoint) = outcome.record_at {
        let rkey = webhooks.rkey_of(endpoint).await;
        let rkey = rkey.inspect_err(|error| {
            tracing::debug!(%error, "the key of a webhook could not be looked up");
        });
        outcome.rkey = rkey.ok().flatten().unwrap_or(outcome.rkey);
    }
    outcome
}

/// Whether Redis took the outcome.
async fn publish(mut redis: ConnectionManager, channel: String, outcome: LiveOutcome) -> bool {
    let Ok(message) = serde_json::to_vec(&outcome) else {
        return false;
    };
    if message.len() > LONGEST {
        return false;
    }
    let mut publish = redis::cmd("PUBLISH");
    publish.arg(channel).arg(message);
    let sent = tokio::time::timeout(PATIENCE, publish.exec_async(&mut redis)).await;
    match sent {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::debug!(%error, "Redis did not take an outcome");
            false
        }
        Err(_) => false,
    }
}

fn count(published: bool) {
    metrics::counter!(if published { PUBLISHED } else { DROPPED }).increment(1);
}
