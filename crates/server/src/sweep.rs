//! Forgetting what is over, in small batches, once a minute; but for deliveries, see [`crate::daily`].

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Storage, StorageError};

use crate::community::limits::{ENDED, WAITS};
use crate::space_host::limits::BLOB_WAITS;

/// Between two sweeps.
const PAUSE: Duration = Duration::from_secs(60);
/// Rows of a kind that one transaction removes: few enough that nobody waits for it.
const BATCH: u32 = 500;
/// How long keys stay visible after they retired, and webhooks known after they were removed.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Sweeps until `shutdown` ends: all that is over, then a pause.
pub async fn run(storage: Storage, shutdown: impl Future<Output = ()>) {
    tokio::pin!(shutdown);
    loop {
        let more = sweep(&storage, SystemClock.now())
            .await
            .unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "sweeping failed; trying again in a minute");
                false
            });
        let pause = if more { Duration::ZERO } else { PAUSE };
        tokio::select! {
            () = &mut shutdown => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One batch of each kind; whether there may be more. Others write between two batches.
async fn sweep(storage: &Storage, now: Timestamp) -> Result<bool, StorageError> {
    let tokens = storage.replays().sweep(now, BATCH).await?;
    let revoked = storage.revoked_credentials().sweep(now, BATCH).await?;
    let registrations = storage.registrations().sweep(now, BATCH).await?;
    let attempts = storage.login_attempts().sweep(now, BATCH).await?;
    let sessions = storage.login_sessions().sweep(now, BATCH).await?;
    let replays = storage.redeliveries().sweep(now - KEPT, BATCH).await?;
    let credentials = storage.spaces().sweep(now, BATCH).await?;
    let blobs = storage.blobs().sweep(now - BLOB_WAITS, BATCH).await?;
    let keys = storage.server_keys().sweep(now - KEPT, BATCH).await?;
    let references = storage.backlink_references().sweep(now, BATCH).await?;
    let webhooks = storage.wisp_webhooks().sweep(now - KEPT, BATCH).await?;
    let unanswered = storage.proposals().expire(now - WAITS, BATCH).await?;
    let proposals = storage.proposals().sweep(now - ENDED, BATCH).await?;
    tracing::debug!(
        tokens,
        revoked,
        registrations,
        attempts,
        sessions,
        replays,
        credentials,
        blobs,
        keys,
        references,
        webhooks,
        proposals,
        unanswered,
        "swept"
    );
    let all = [
        tokens,
        revoked,
        registrations,
        attempts,
        sessions,
        replays,
        credentials,
        blobs,
        keys,
        references,
        webhooks,
        proposals,
        unanswered,
    ];
    Ok(all.contains(&u64::from(BATCH)))
}
