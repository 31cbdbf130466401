//! Working off replays of many deliveries, in small batches.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use loggia_delivery::{Clock as _, Handle, SystemClock};
use loggia_storage::{RedeliveryId, Step, Storage, StorageError};
use tokio::sync::Notify;

/// Between two looks for replays that another process has stored.
const PAUSE: Duration = Duration::from_secs(1);
/// Deliveries that one transaction replays: few enough that nobody waits for it.
const BATCH: u32 = 100;
/// Replays that are worked off side by side, a batch of each in turn.
const AT_ONCE: u32 = 32;

/// Works off replays until `shutdown` ends. What is cut off goes on after the next start, here or
/// at another node.
pub async fn run(
    storage: Storage,
    engine: Handle,
    news: Arc<Notify>,
    shutdown: impl Future<Output = ()>,
) {
    tokio::pin!(shutdown);
    loop {
        let more = tokio::select! {
            () = &mut shutdown => return,
            more = round(&storage, &engine) => more,
        };
        let more = more.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "replays cannot be read; trying again in a second");
            false
        });
        if more {
            continue;
        }
        tokio::select! {
            () = &mut shutdown => return,
            () = news.notified() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// A batch of each replay that has not ended; whether there may be more to do.
async fn round(storage: &Storage, engine: &Handle) -> Result<bool, StorageError> {
    let mut more = false;
    for id in storage.redeliveries().running(AT_ONCE).await? {
        more |= step(storage, engine, id).await;
    }
    Ok(more)
}

/// One batch. A replay that fails keeps no other from being worked off.
async fn step(storage: &Storage, engine: &Handle, id: RedeliveryId) -> bool {
    let step = storage
        .redeliveries()
        .step(id, BATCH, SystemClock.now())
        .await;
    match step {
        Ok(Step::Replayed(deliveries)) => {
            engine.wake();
            tracing::debug!(%id, deliveries, "replayed a batch");
            true
        }
        Ok(Step::Ended(end)) => {
            tracing::info!(%id, ?end, "a replay has ended");
            false
        }
        Ok(Step::Overtaken) => false,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, %id, "a replay failed; trying again in a second");
            false
        }
    }
}
