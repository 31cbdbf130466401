//! Opening a store: connections, tables, and whether the key fits.

mod file;

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::location::Place;
use crate::node::ClockCheck;
use crate::replay::{Keeping, Known, Uses};
use crate::seal::Sealer;
use crate::sql::{self, Pool};
use crate::storage::Inner;
use crate::{Location, MasterKey, Storage, StorageError, Together, migrations};

/// How many connections read at once. Reads are short; more only costs threads.
const READERS: u32 = 4;

/// How many connections only the delivery engine uses: for its heartbeat, for its looks at what is due,
/// and to hear other nodes. However much others read, it waits for none of them.
const ENGINE: u32 = 3;

/// How many transactions write at once to PostgreSQL. Their commits share one write to its log, so a
/// few more than it has cores; a server allows 100 connections unless told otherwise, which is six
/// nodes of these.
const WRITERS: u32 = 12;

/// How long anybody waits for a connection, or for another's lock, before that is an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many prepared statements a connection keeps: more than there are.
const STATEMENTS: usize = 500;

/// What is done to the tables of a store that is opened.
#[derive(Clone, Copy)]
enum Tables {
    /// Brought up to date.
    Migrated,
    /// Left as they are, and refused unless they are up to date.
    AsTheyAre,
}

/// Connections that are open.
struct Pools {
    writer: Pool,
    readers: Pool,
    engine: Pool,
    /// What was used, where the store is a file.
    known: Arc<Known>,
}

impl Storage {
    /// Opens a store, makes an SQLite file that does not exist, and brings the tables up to date.
    ///
    /// A PostgreSQL database must exist; any number of processes may have it open. An SQLite file
    /// has one process at a time.
    pub async fn open(location: &Location, key: &MasterKey) -> Result<Self, StorageError> {
        let pools = match &location.0 {
            Place::File(path, synchronous) => {
                file::open(path, *synchronous, location, Tables::Migrated).await?
            }
            Place::Postgres(options) => postgres(options, location, Tables::Migrated).await?,
        };
        Self::of(pools, location.clone(), key).await
    }

    /// Opens a store that a server has open already, for a few short transactions: its tables are
    /// left as they are. Whoever joins a store touches no leases.
    pub async fn join(location: &Location, key: &MasterKey) -> Result<Self, StorageError> {
        let pools = match &location.0 {
            Place::File(path, synchronous) => {
                file::open(path, *synchronous, location, Tables::AsTheyAre).await?
            }
            Place::Postgres(options) => postgres(options, location, Tables::AsTheyAre).await?,
        };
        Self::of(pools, location.clone(), key).await
    }

    /// A store in memory, gone when the last clone is dropped. `name` tells several in one process
    /// apart.
    pub async fn memory(name: &str, key: &MasterKey) -> Result<Self, StorageError> {
        let location = Location::file("in memory");
        let pools = file::in_memory(name, &location).await?;
        Self::of(pools, location, key).await
    }

    async fn of(pools: Pools, location: Location, key: &MasterKey) -> Result<Self, StorageError> {
        let Pools {
            writer,
            readers,
            engine,
            known,
        } = pools;
        let backend = readers.backend();
        let storage = Self {
            inner: Arc::new_cyclic(|inner| Inner {
                writer,
                readers,
                engine,
                location,
                sealer: Sealer::new(key),
                uses: Together::new(Uses(inner.clone()), backend),
                keeping: Together::new(Keeping(inner.clone()), backend),
                clock: ClockCheck::default(),
                known,
            }),
        };
        storage.check_key().await?;
        Ok(storage)
    }

    /// Seals a known value at first, and opens it ever after: a wrong key is found now and not at
    /// the first delivery.
    async fn check_key(&self) -> Result<(), StorageError> {
        const NAME: &str = "key_check";
        let sealer = &self.inner.sealer;
        let mut tx = self.begin().await?;
        sql::query("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(NAME)
            .bind(sealer.seal("meta.value", NAME.as_bytes(), b"loggia"))
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("write the key check"))?;
        let found: Vec<u8> = sql::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(NAME)
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("read the key check"))?;
        sealer
            .open("meta.value", NAME.as_bytes(), &found)
            .map_err(|_| StorageError::WrongKey)?;
        tx.commit().await
    }
}

async fn postgres(
    options: &PgConnectOptions,
    location: &Location,
    tables: Tables,
) -> Result<Pools, StorageError> {
    let database = location.to_string();
    let options = options.clone().application_name("loggia");
    greet(&options, &database).await?;
    if let Tables::Migrated = tables {
        // Waits as long as another node needs for it, so without limits of time. The migrator holds
        // an advisory lock meanwhile.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .connect_with(options.clone())
            .await
            .map_err(StorageError::opening(&database))?;
        let migrated = migrations::postgres().run(&pool).await;
        pool.close().await;
        migrated.map_err(StorageError::Migrate)?;
    }
    let readers = pool(READERS, true, &options).await;
    let readers = Pool::Postgres(readers.map_err(StorageError::opening(&database))?);
    migrations::check(&readers).await?;
    let writer = pool(WRITERS, false, &options).await;
    let writer = Pool::Postgres(writer.map_err(StorageError::opening(&database))?);
    let engine = pool(ENGINE, true, &options).await;
    let engine = Pool::Postgres(engine.map_err(StorageError::opening(&database))?);
    Ok(Pools {
        writer,
        readers,
        engine,
        known: Arc::default(),
    })
}

/// Connects once and leaves: a pool would try again until its patience ends, and then say nothing of why.
async fn greet(options: &PgConnectOptions, database: &str) -> Result<(), StorageError> {
    let connecting = sqlx::PgConnection::connect_with(options);
    let connected = tokio::time::timeout(PATIENCE, connecting).await;
    let connected = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    let connection = connected.map_err(StorageError::opening(database))?;
    connection
        .close()
        .await
        .map_err(StorageError::opening(database))
}

/// A pool of so many connections, each `asked` before it is used whether it still is one. Those that
/// write need not be: their first statement shows it, before anything was done.
async fn pool(
    size: u32,
    asked: bool,
    options: &PgConnectOptions,
) -> Result<sqlx::PgPool, sqlx::Error> {
    let options = options
        .clone()
        // Of a node that stops in the middle of a transaction nobody shall wait for ever, and of a
        // statement that hangs neither.
        .options([
            ("idle_in_transaction_session_timeout", "10s"),
            ("lock_timeout", "10s"),
            ("statement_timeout", "30s"),
            // Every statement goes by an index, and its plan is made once. Left to itself the planner
            // would read whole tables that were small when it looked, and stay with that for as long
            // as nobody counts them again.
            ("enable_seqscan", "off"),
            ("enable_bitmapscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("plan_cache_mode", "force_generic_plan"),
            ("jit", "off"),
        ])
        .statement_cache_capacity(STATEMENTS);
    PgPoolOptions::new()
        .min_connections(1)
        .max_connections(size)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(asked)
        .connect_with(options)
        .await
}
