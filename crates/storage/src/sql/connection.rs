//! Connections and pools of either database.

use std::borrow::BorrowMut;
use std::future::Future;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::inline::{Inline, Length};
use super::rows::{self, Rows};
use crate::StorageError;
use crate::group::{Group, Member};

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A file, or memory, of this process.
    Sqlite,
    /// A server that others may use as well.
    Postgres,
}

/// A connection, within a transaction or not.
pub(crate) struct Connection {
    kind: Kind,
    /// Whether a statement failed. PostgreSQL undoes the whole transaction then, and answers a commit
    /// as if nothing were wrong.
    failed: bool,
}

enum Kind {
    Sqlite(PoolConnection<Sqlite>),
    SqliteWrite(Member, Length),
    Postgres(PoolConnection<Postgres>),
    PostgresWrite(Transaction<'static, Postgres>),
}

/// The connection as its driver knows it.
pub(super) enum Driver<'c> {
    Sqlite(&'c mut SqliteConnection),
    Inline(&'c mut Inline, Length),
    Postgres(&'c mut PgConnection),
}

impl Connection {
    /// Which database it goes to.
    pub(crate) fn backend(&self) -> Backend {
        match self.kind {
            Kind::Sqlite(_) | Kind::SqliteWrite(..) => Backend::Sqlite,
            Kind::Postgres(_) | Kind::PostgresWrite(_) => Backend::Postgres,
        }
    }

    /// Until the transaction ends, nobody else holds what `name` names. SQLite has one writer, who
    /// holds everything.
    pub(crate) async fn hold(&mut self, name: &str) -> Result<(), StorageError> {
        self.hold_all(vec![name.to_owned()]).await
    }

    /// The same of many, one after the other: who holds several names them in the same order as others.
    pub(crate) async fn hold_all(&mut self, names: Vec<String>) -> Result<(), StorageError> {
        let hold = "SELECT pg_advisory_xact_lock(hashtextextended(r.name, 0)) FROM r";
        self.lock(names, hold).await
    }

    /// Until the transaction ends nobody holds any of these. Others may share them too, and who shares
    /// something holds it no more.
    pub(crate) async fn share_all(&mut self, names: Vec<String>) -> Result<(), StorageError> {
        let share = "SELECT pg_advisory_xact_lock_shared(hashtextextended(r.name, 0)) FROM r";
        self.lock(names, share).await
    }

    async fn lock(&mut self, names: Vec<String>, sql: &'static str) -> Result<(), StorageError> {
        const NAMES: rows::Columns = &[("name", rows::Kind::Text)];
        match self.backend() {
            Backend::Sqlite => Ok(()),
            Backend::Postgres => {
                let mut rows = Rows::new(NAMES);
                for name in names {
                    rows.push([name.into()]);
                }
                rows.fetch_all(self, sql)
                    .await
                    .map(drop)
                    .map_err(StorageError::doing("wait for others that write the same"))
            }
        }
    }

    /// What follows in this transaction may take long.
    pub(crate) fn take_time(&mut self) {
        if let Kind::SqliteWrite(_, length) = &mut self.kind {
            *length = Length::Any;
        }
    }

    /// Commits its transaction.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.kind {
            Kind::SqliteWrite(member, _) => member.commit().await,
            Kind::PostgresWrite(_) if self.failed => Err(sqlx::Error::Protocol(
                "a statement failed, so the transaction was undone".to_owned(),
            )),
            Kind::PostgresWrite(tx) => tx.commit().await,
            Kind::Sqlite(_) | Kind::Postgres(_) => Ok(()),
        }
    }

    pub(super) fn driver(&mut self) -> Driver<'_> {
        match &mut self.kind {
            Kind::Sqlite(connection) => Driver::Sqlite(connection),
            Kind::SqliteWrite(member, length) => Driver::Inline(member.connection(), *length),
            Kind::Postgres(connection) => Driver::Postgres(connection),
            Kind::PostgresWrite(tx) => Driver::Postgres(tx),
        }
    }

    /// Remembers whether a statement failed.
    pub(super) fn noting<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.failed |= done.is_err();
        done
    }
}

impl From<PoolConnection<Sqlite>> for Connection {
    fn from(connection: PoolConnection<Sqlite>) -> Self {
        Kind::Sqlite(connection).into()
    }
}

impl From<Kind> for Connection {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            failed: false,
        }
    }
}

/// Connections of one database.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    /// SQLite's that read.
    Sqlite(SqlitePool),
    /// SQLite's one that writes.
    SqliteWriter(Group),
    /// PostgreSQL's.
    Postgres(PgPool),
}

impl Pool {
    /// Which database it goes to.
    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) | Self::SqliteWriter(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    /// A connection that is free, or the next that is.
    pub(crate) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Kind::Sqlite(pool.acquire().await?),
            Self::SqliteWriter(_) => return self.begin(Length::Any).await,
            Self::Postgres(pool) => Kind::Postgres(pool.acquire().await?),
        }
        .into())
    }

    /// The same, within a transaction that writes.
    pub(crate) async fn begin(&self, length: Length) -> Result<Connection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(_) => {
                return Err(sqlx::Error::Protocol("a reader cannot write".to_owned()));
            }
            Self::SqliteWriter(group) => Kind::SqliteWrite(group.join().await?, length),
            Self::Postgres(pool) => Kind::PostgresWrite(begin(pool).await?),
        }
        .into())
    }

    /// Closes the connections once they are given back.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::SqliteWriter(group) => group.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Begins a transaction. Connections that a restarted server no longer knows are found out by it and
/// thrown away; there are at most as many of them as the pool has room for.
async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut left = pool.options().get_max_connections();
    loop {
        match pool.begin().await {
            Err(error) if left > 0 && is_lost(&error) => left -= 1,
            begun => return begun,
        }
    }
}

/// Whether an error is the end of a connection.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // Class 57P: the server is stopping, or was told to end this connection.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// Where a statement can be executed: on a connection, or on any of a pool's.
pub(crate) trait Executor: Send {
    /// The connection while the statement is executed.
    type Held: BorrowMut<Connection> + Send;

    /// A connection for one statement.
    fn connection(self) -> impl Future<Output = Result<Self::Held, sqlx::Error>> + Send;
}

impl<'c> Executor for &'c mut Connection {
    type Held = &'c mut Connection;

    async fn connection(self) -> Result<Self::Held, sqlx::Error> {
        Ok(self)
    }
}

impl Executor for &Pool {
    type Held = Connection;

    async fn connection(self) -> Result<Connection, sqlx::Error> {
        self.acquire().await
    }
}
