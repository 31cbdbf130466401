//! The open store, and the way to what it holds.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::column::millis;
use crate::node::ClockCheck;
use crate::replay::{Keeping, Known, Uses};
use crate::seal::Sealer;
use crate::sql::{self, Pool};
use crate::{
    Accounts, ApiClients, BacklinkReferences, Blobs, Chores, Claims, CommunityWebhooks, Deliveries,
    Endpoints, Errands, Events, Location, LoginAttempts, LoginSessions, Projections, Proposals,
    Registrations, Replays, RevokedCredentials, ServerKeys, SpaceChains, SpaceCopies, SpaceRepos,
    Spaces, StorageError, StreamCursors, StreamQuarantine, Together, Webhooks, WispSecrets,
    WispWebhooks,
};

/// An open store. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) writer: Pool,
    pub(crate) readers: Pool,
    pub(crate) engine: Pool,
    pub(crate) location: Location,
    pub(crate) sealer: Sealer,
    /// The way in for what may be used once, where many share the store,
    pub(crate) uses: Together<Uses>,
    /// and where it is a file.
    pub(crate) keeping: Together<Keeping>,
    /// This node's, where many share the store.
    pub(crate) clock: ClockCheck,
    /// What was used, where the store is a file.
    pub(crate) known: Arc<Known>,
}

impl Storage {
    /// Removes the rows of a kind that are over, in a transaction of their own; how many those were.
    /// `sql` deletes with two parameters: the time before which they ended, and the most rows.
    pub(crate) async fn forget(
        &self,
        sql: &'static str,
        ended: Timestamp,
        limit: u32,
        doing: &'static str,
    ) -> Result<u64, StorageError> {
        let mut tx = self.begin().await?;
        let forgotten = sql::query(sql)
            .bind(millis(ended))
            .bind(limit)
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing(doing))?;
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Writes and commits a few bytes: a full disk and a lost one show here and in no read. They are
    /// no secret and not sealed; a change of the master key leaves this row out by its name.
    pub async fn check_writable(&self, now: Timestamp) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO meta (name, value) VALUES ('write_check', $1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(&millis(now).to_be_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("write for a check"))?;
        tx.commit().await
    }

    /// Where it is kept.
    pub fn location(&self) -> &Location {
        &self.inner.location
    }

    /// Closes all connections once they are given back.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        self.inner.engine.close().await;
        self.inner.writer.close().await;
    }

    /// Webhooks of `place.stream.server.*`.
    pub fn webhooks(&self) -> Webhooks {
        Webhooks {
            storage: self.clone(),
        }
    }

    /// Registrations of `com.atproto.space.registerNotify`.
    pub fn registrations(&self) -> Registrations {
        Registrations {
            storage: self.clone(),
        }
    }

    /// The sequences of spaces.
    pub fn space_chains(&self) -> SpaceChains {
        SpaceChains {
            storage: self.clone(),
        }
    }

    /// Endpoints of deliveries.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            storage: self.clone(),
        }
    }

    /// The queue of deliveries.
    pub fn deliveries(&self) -> Deliveries {
        Deliveries::new(self.clone())
    }

    /// The history of events.
    pub fn events(&self) -> Events {
        Events {
            storage: self.clone(),
        }
    }

    /// Projections, their states and their notifications.
    pub fn projections(&self) -> Projections {
        Projections {
            storage: self.clone(),
        }
    }

    /// Work that one node does at a time.
    pub fn chores(&self) -> Chores {
        Chores {
            storage: self.clone(),
        }
    }

    /// What one node does at a time, for as long as it says so.
    pub fn claims(&self) -> Claims {
        Claims {
            storage: self.clone(),
        }
    }

    /// How far record streams are done with.
    pub fn stream_cursors(&self) -> StreamCursors {
        StreamCursors {
            storage: self.clone(),
        }
    }

    /// What events cause and cannot be finished without asking others.
    pub fn errands(&self) -> Errands {
        Errands {
            storage: self.clone(),
        }
    }

    /// What records referred to when they were last seen.
    pub fn backlink_references(&self) -> BacklinkReferences {
        BacklinkReferences {
            storage: self.clone(),
            most: BacklinkReferences::MOST,
        }
    }

    /// Frames of record streams that could not be read.
    pub fn stream_quarantine(&self) -> StreamQuarantine {
        StreamQuarantine {
            storage: self.clone(),
            most: StreamQuarantine::MOST,
        }
    }

    /// Secrets that Wisp's webhooks name.
    pub fn wisp_secrets(&self) -> WispSecrets {
        WispSecrets {
            storage: self.clone(),
        }
    }

    /// Wisp's webhooks.
    pub fn wisp_webhooks(&self) -> WispWebhooks {
        WispWebhooks {
            storage: self.clone(),
        }
    }

    /// Logins that are under way.
    pub fn login_attempts(&self) -> LoginAttempts {
        LoginAttempts {
            storage: self.clone(),
        }
    }

    /// Clients of the API.
    pub fn api_clients(&self) -> ApiClients {
        ApiClients {
            storage: self.clone(),
        }
    }

    /// People who are logged in.
    pub fn login_sessions(&self) -> LoginSessions {
        LoginSessions {
            storage: self.clone(),
        }
    }

    /// The server's own keys.
    pub fn server_keys(&self) -> ServerKeys {
        ServerKeys {
            storage: self.clone(),
        }
    }

    /// What may be used once.
    pub fn replays(&self) -> Replays {
        Replays {
            storage: self.clone(),
            most: Replays::MOST,
        }
    }

    /// Space credentials that were taken back.
    pub fn revoked_credentials(&self) -> RevokedCredentials {
        RevokedCredentials {
            storage: self.clone(),
        }
    }

    /// Accounts whose keys are here.
    pub fn accounts(&self) -> Accounts {
        Accounts {
            storage: self.clone(),
        }
    }

    /// Spaces whose authority is here.
    pub fn spaces(&self) -> Spaces {
        Spaces {
            storage: self.clone(),
        }
    }

    /// What authors have in spaces.
    pub fn space_repos(&self) -> SpaceRepos {
        SpaceRepos {
            storage: self.clone(),
        }
    }

    /// Webhooks that are told what happens in spaces.
    pub fn community_webhooks(&self) -> CommunityWebhooks {
        CommunityWebhooks {
            storage: self.clone(),
        }
    }

    /// Who is to become a member of a space.
    pub fn proposals(&self) -> Proposals {
        Proposals {
            storage: self.clone(),
        }
    }

    /// Copies of what authors have in spaces that are hosted elsewhere.
    pub fn space_copies(&self) -> SpaceCopies {
        SpaceCopies {
            storage: self.clone(),
        }
    }

    /// Blobs of accounts.
    pub fn blobs(&self) -> Blobs {
        Blobs {
            storage: self.clone(),
        }
    }

    pub(crate) fn readers(&self) -> &Pool {
        &self.inner.readers
    }

    /// Those that read for the delivery engine alone.
    pub(crate) fn engine_readers(&self) -> &Pool {
        &self.inner.engine
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Storage")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterKey;

    async fn used(storage: &Storage, key: &str) -> Result<bool, StorageError> {
        let used = storage
            .replays()
            .consume("test", key, Timestamp::MAX)
            .await?;
        Ok(used == crate::Used::First)
    }

    /// What a full disk does to a commit: SQLite itself undoes the transaction, and neither COMMIT
    /// nor ROLLBACK finds one to end.
    #[tokio::test]
    async fn a_connection_whose_commit_failed_is_replaced() {
        let key = MasterKey::new([7; 32]);
        let storage = Storage::memory("commit", &key).await.expect("opens");
        let mut tx = storage.begin().await.expect("begins");
        sql::query("ROLLBACK")
            .execute(tx.sql())
            .await
            .expect("there is a transaction to undo");
        tx.commit().await.expect_err("it was undone already");
        assert!(used(&storage, "a").await.expect("the next one works"));
    }

    #[tokio::test]
    async fn a_store_that_was_full_for_a_while_works_again() {
        let key = MasterKey::new([7; 32]);
        let storage = Storage::memory("full", &key).await.expect("opens");
        limit(&storage, 1).await;
        let mut tx = storage.begin().await.expect("begins");
        let written = sql::query("INSERT INTO meta VALUES ('large', zeroblob(1000000))")
            .execute(tx.sql())
            .await;
        let error = written.expect_err("there is no room");
        assert!(error.to_string().contains("full"), "{error}");
        drop(tx);
        limit(&storage, 1_000_000).await;
        assert!(used(&storage, "a").await.expect("there is room"));
        storage
            .check_writable(Timestamp::UNIX_EPOCH)
            .await
            .expect("can be written");
    }

    #[tokio::test]
    async fn keys_that_could_not_be_written_are_with_the_next_commit() {
        let key = MasterKey::new([7; 32]);
        let storage = Storage::memory("keys", &key).await.expect("opens");
        let long = "k".repeat(100_000);
        limit(&storage, 1).await;
        let error = used(&storage, &long).await.expect_err("there is no room");
        assert!(error.is_outage(), "{error}");
        assert!(!used(&storage, &long).await.expect("it is known"));
        limit(&storage, 1_000_000).await;
        let rows: i64 = sql::query_scalar("SELECT count(*) FROM replay")
            .fetch_one(storage.readers())
            .await
            .expect("is read");
        assert_eq!(rows, 1);
        assert!(used(&storage, "other").await.expect("there is room"));
    }

    /// Sets how many pages the database may have; fewer than it has count as what it has.
    async fn limit(storage: &Storage, pages: u32) {
        let mut tx = storage.begin().await.expect("begins");
        let pragma = format!("PRAGMA max_page_count = {pages}");
        sql::query(sqlx::AssertSqlSafe(pragma))
            .execute(tx.sql())
            .await
            .expect("is set");
        tx.commit().await.expect("commits");
    }
}
