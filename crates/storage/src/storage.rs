//! The open store: one connection that writes, a few that read.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Sqlite, SqliteConnection, Transaction};

use crate::column::millis;
use crate::seal::Sealer;
use crate::{
    ApiClients, Deliveries, Endpoints, LoginAttempts, LoginSessions, MasterKey, Registrations,
    Replays, RevokedCredentials, ServerKeys, StorageError, Webhooks, migrations,
};

/// How many connections read at once. Reads are short; more only costs threads.
const READERS: u32 = 4;

/// How long anybody waits for a connection before that is an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open store. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    pub(crate) inner: Arc<Inner>,
}

/// What is done to the tables of a store that is opened.
enum Tables {
    /// Brought up to date.
    Migrated,
    /// Left as they are, and refused unless they are up to date.
    AsTheyAre,
}

pub(crate) struct Inner {
    writer: SqlitePool,
    readers: SqlitePool,
    pub(crate) sealer: Sealer,
}

impl Storage {
    /// Opens an SQLite file, makes it if it does not exist, and brings its tables up to date.
    ///
    /// The file's folder must exist. One process at a time.
    pub async fn open(path: &Path, key: &MasterKey) -> Result<Self, StorageError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        Self::connect(options, &path.display().to_string(), key, Tables::Migrated).await
    }

    /// Opens an SQLite file that a server has open already, for a few short transactions: its tables
    /// are left as they are. Whoever joins a store touches no leases.
    pub async fn join(path: &Path, key: &MasterKey) -> Result<Self, StorageError> {
        let options = SqliteConnectOptions::new().filename(path);
        Self::connect(options, &path.display().to_string(), key, Tables::AsTheyAre).await
    }

    /// A store in memory, gone when the last clone is dropped. `name` tells several in one process
    /// apart.
    pub async fn memory(name: &str, key: &MasterKey) -> Result<Self, StorageError> {
        let options = SqliteConnectOptions::new()
            .filename(format!("/{name}"))
            .vfs("memdb");
        Self::connect(options, "in memory", key, Tables::Migrated).await
    }

    async fn connect(
        options: SqliteConnectOptions,
        path: &str,
        key: &MasterKey,
        tables: Tables,
    ) -> Result<Self, StorageError> {
        let cannot_open = |source| StorageError::Open {
            path: path.to_owned(),
            source,
        };
        let options = options
            .foreign_keys(true)
            // What is acknowledged is on the disk: NORMAL may lose the last commits with the power.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE);
        let pool = |size| {
            SqlitePoolOptions::new()
                .min_connections(1)
                .max_connections(size)
                .acquire_timeout(PATIENCE)
                .idle_timeout(None)
                .max_lifetime(None)
                // A commit that failed, on a full disk say, may leave its connection within a
                // transaction that no rollback ends; such a connection is closed and replaced.
                .before_acquire(|connection, _| {
                    let usable = !connection.is_in_transaction();
                    Box::pin(async move { Ok(usable) })
                })
        };
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(cannot_open)?;
        match tables {
            Tables::Migrated => migrations::migrator()
                .run(&writer)
                .await
                .map_err(StorageError::Migrate)?,
            Tables::AsTheyAre => migrations::check(&writer).await?,
        }
        let readers = options.create_if_missing(false).pragma("query_only", "on");
        let readers = pool(READERS)
            .connect_with(readers)
            .await
            .map_err(cannot_open)?;
        let storage = Self {
            inner: Arc::new(Inner {
                writer,
                readers,
                sealer: Sealer::new(key),
            }),
        };
        storage.check_key().await?;
        Ok(storage)
    }

    /// Seals a known value at first, and opens it ever after: a wrong key is found now and not at
    /// the first delivery.
    async fn check_key(&self) -> Result<(), StorageError> {
        const NAME: &str = "key_check";
        let mut tx = self.begin().await?;
        let found: Option<Vec<u8>> = sqlx::query_scalar("SELECT value FROM meta WHERE name = ?")
            .bind(NAME)
            .fetch_optional(tx.sql())
            .await
            .map_err(StorageError::doing("read the key check"))?;
        let sealer = &self.inner.sealer;
        match found {
            Some(sealed) => {
                sealer
                    .open("meta.value", NAME.as_bytes(), &sealed)
                    .map_err(|_| StorageError::WrongKey)?;
            }
            None => {
                sqlx::query("INSERT INTO meta (name, value) VALUES (?, ?)")
                    .bind(NAME)
                    .bind(sealer.seal("meta.value", NAME.as_bytes(), b"loggia"))
                    .execute(tx.sql())
                    .await
                    .map_err(StorageError::doing("write the key check"))?;
            }
        }
        tx.commit().await
    }

    /// Begins the one transaction of a handler. Others that write wait their turn, first come first
    /// served, so nothing that waits for something else belongs inside.
    pub async fn begin(&self) -> Result<Write, StorageError> {
        let tx = self.inner.writer.begin_with("BEGIN IMMEDIATE").await;
        tx.map(|tx| Write { tx })
            .map_err(StorageError::doing("begin a transaction"))
    }

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
        let forgotten = sqlx::query(sql)
            .bind(millis(ended))
            .bind(limit)
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing(doing))?;
        tx.commit().await?;
        Ok(forgotten.rows_affected())
    }

    /// Writes and commits a few bytes: a full disk and a lost one show here and in no read.
    pub async fn check_writable(&self, now: Timestamp) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ('write_check', ?)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(&millis(now).to_be_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("write for a check"))?;
        tx.commit().await
    }

    /// Closes all connections once they are given back.
    pub async fn close(&self) {
        self.inner.readers.close().await;
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

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.inner.readers
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Storage")
    }
}

/// A transaction that writes. Dropped without [`Write::commit`] it undoes everything.
#[must_use = "a transaction that is not committed is undone"]
pub struct Write {
    tx: Transaction<'static, Sqlite>,
}

impl Write {
    /// Makes everything in it durable. When this returns, it is on the disk.
    pub async fn commit(self) -> Result<(), StorageError> {
        self.tx
            .commit()
            .await
            .map_err(StorageError::doing("commit a transaction"))
    }

    pub(crate) fn sql(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        sqlx::query("ROLLBACK")
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
        let written = sqlx::query("INSERT INTO meta VALUES ('large', zeroblob(1000000))")
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

    /// Sets how many pages the database may have; fewer than it has count as what it has.
    async fn limit(storage: &Storage, pages: u32) {
        let mut tx = storage.begin().await.expect("begins");
        let pragma = format!("PRAGMA max_page_count = {pages}");
        sqlx::query(sqlx::AssertSqlSafe(pragma))
            .execute(tx.sql())
            .await
            .expect("is set");
        tx.commit().await.expect("commits");
    }
}
