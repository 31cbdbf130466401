//! Opening a file: one connection that writes, and others that read beside it.

use std::ffi::CStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

use super::{ENGINE, PATIENCE, Pools, READERS, STATEMENTS, Tables};
use crate::group::Group;
use crate::location::Synchronous;
use crate::replay::Known;
use crate::sql::{Inline, Pool};
use crate::{Location, StorageError, migrations};

/// After so many pages in the log it is carried over into the database: 16 MiB. Pages that every batch
/// writes are carried over once each time.
const CHECKPOINT: u32 = 4000;

/// What keeps files in memory.
const MEMORY: (&str, &CStr) = ("memdb", c"memdb");

/// A file, and how it is written.
#[derive(Clone)]
struct Place {
    path: PathBuf,
    synchronous: Synchronous,
    in_memory: bool,
}

/// Opens a file; makes it, should there be none and the tables are to be brought up to date.
pub(super) async fn open(
    path: &Path,
    synchronous: Synchronous,
    location: &Location,
    tables: Tables,
) -> Result<Pools, StorageError> {
    let place = Place {
        path: path.to_owned(),
        synchronous,
        in_memory: false,
    };
    if matches!(tables, Tables::Migrated) {
        make(path);
    }
    place.pools(location, tables).await
}

/// Opens what is in memory under this name.
pub(super) async fn in_memory(name: &str, location: &Location) -> Result<Pools, StorageError> {
    let place = Place {
        path: format!("/{name}").into(),
        synchronous: Synchronous::Normal,
        in_memory: true,
    };
    place.pools(location, Tables::Migrated).await
}

/// Makes the file, should there be none, for its owner's eyes only: SQLite gives what it puts beside the same
/// rights. What cannot be made SQLite cannot open either, and says why.
fn make(path: &Path) {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    if let Err(error) = options.open(path) {
        tracing::debug!(%error, "no new database file was made");
    }
}

impl Place {
    /// How sqlx opens it.
    fn options(&self) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .foreign_keys(true)
            .statement_cache_capacity(STATEMENTS)
            .busy_timeout(PATIENCE);
        if self.in_memory {
            return options.vfs(MEMORY.0);
        }
        options.pragma("synchronous", self.synchronous.to_string())
    }

    /// Brings the tables up to date; the connection that did it.
    async fn migrated(&self, location: &Location) -> Result<SqlitePool, StorageError> {
        let options = self.options();
        let options = match self.in_memory {
            true => options,
            false => options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal),
        };
        let pool = pool(1)
            .connect_with(options)
            .await
            .map_err(StorageError::opening(&location.to_string()))?;
        let migrated = migrations::sqlite().run(&pool).await;
        migrated.map_err(StorageError::Migrate)?;
        Ok(pool)
    }

    async fn readers(&self, size: u32, location: &Location) -> Result<Pool, StorageError> {
        let options = self.options().pragma("query_only", "on");
        let readers = pool(size).connect_with(options).await;
        readers
            .map(Pool::Sqlite)
            .map_err(StorageError::opening(&location.to_string()))
    }

    /// The connection that writes. What a statement may have to undo, and its intermediate rows, stay in
    /// memory: a batch is a few hundred rows, and a file would be made and removed for each.
    fn writer(&self) -> Result<Inline, sqlx::Error> {
        let vfs = self.in_memory.then_some(MEMORY.1);
        let writer = Inline::open(&self.path, vfs, STATEMENTS, PATIENCE)?;
        let synchronous = self.synchronous;
        writer.run(&format!(
            "PRAGMA foreign_keys = on; PRAGMA synchronous = {synchronous};
             PRAGMA temp_store = memory; PRAGMA wal_autocheckpoint = {CHECKPOINT}"
        ))?;
        Ok(writer)
    }

    async fn pools(self, location: &Location, tables: Tables) -> Result<Pools, StorageError> {
        // The tables are made by the migrator's own connection; what is in memory is gone when nobody
        // has it open.
        let migrator = match tables {
            Tables::Migrated => Some(self.migrated(location).await?),
            Tables::AsTheyAre => None,
        };
        let readers = self.readers(READERS, location).await?;
        migrations::check(&readers).await?;
        let engine = self.readers(ENGINE, location).await?;
        let known = Arc::<Known>::default();
        let group = Group::new(Box::new(move || self.writer()), Arc::clone(&known));
        let group = group.map_err(StorageError::opening(&location.to_string()))?;
        if let Some(migrator) = migrator {
            migrator.close().await;
        }
        Ok(Pools {
            writer: Pool::SqliteWriter(group),
            readers,
            engine,
            known,
        })
    }
}

/// A pool of so many connections of sqlx.
fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(size)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
}
