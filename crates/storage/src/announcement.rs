//! What nodes that share a PostgreSQL database tell each other, by its `NOTIFY`.
//!
//! Nothing depends on it: a node that hears nothing finds work at its next look. It is for being
//! quick.

use std::time::Duration;

use loggia_delivery::EndpointId;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::sql::{self, Backend, Connection, Pool};
use crate::{Storage, StorageError};

/// There is work that nobody holds.
const DUE: &str = "loggia_due";
/// An endpoint was disabled, deleted, enabled or changed; the payload is its id.
const ENDPOINT: &str = "loggia_endpoint";

/// How long after a failed connection the next one is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// What another node, or this one, has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// There is work that nobody holds, or there may be: said after every time of not hearing.
    Due,
    /// An endpoint was disabled, deleted, enabled or changed: what is known of it is old.
    Endpoint(EndpointId),
}

/// What nodes tell each other, from now on.
pub struct Announcements {
    /// A connection of its own, since it is never given back; none on SQLite, where there is nobody
    /// else.
    pool: Option<PgPool>,
    listener: Option<PgListener>,
}

impl Storage {
    /// What nodes tell each other. On SQLite never anything.
    pub fn announcements(&self) -> Announcements {
        let pool = match &self.inner.engine {
            Pool::Sqlite(_) | Pool::SqliteWriter(_) => None,
            Pool::Postgres(readers) => {
                let options = readers.connect_options().as_ref().clone();
                let pool = PgPoolOptions::new().max_connections(1);
                Some(pool.connect_lazy_with(options))
            }
        };
        Announcements {
            pool,
            listener: None,
        }
    }
}

impl Announcements {
    /// The next one; waits until there is one, through losses of the connection. May be dropped at
    /// any time and called anew.
    pub async fn next(&mut self) -> Announcement {
        let Some(pool) = self.pool.clone() else {
            return std::future::pending().await;
        };
        loop {
            let Some(listener) = &mut self.listener else {
                match listen(&pool).await {
                    Ok(listener) => {
                        self.listener = Some(listener);
                        // What was said meanwhile was not heard.
                        return Announcement::Due;
                    }
                    Err(error) => lost(&error).await,
                }
                continue;
            };
            match listener.try_recv().await {
                Ok(Some(heard)) => match read(heard.channel(), heard.payload()) {
                    Some(announcement) => return announcement,
                    None => tracing::warn!(
                        channel = heard.channel(),
                        "another node said something that is not understood"
                    ),
                },
                Ok(None) => self.listener = None,
                Err(error) => {
                    self.listener = None;
                    lost(&error).await;
                }
            }
        }
    }
}

async fn listen(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen_all([DUE, ENDPOINT]).await?;
    Ok(listener)
}

async fn lost(error: &sqlx::Error) {
    log(error);
    tokio::time::sleep(PAUSE).await;
}

/// Apart, because the borrowed cause must not live over an await.
fn log(error: &sqlx::Error) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "other nodes cannot be heard, again soon");
}

fn read(channel: &str, payload: &str) -> Option<Announcement> {
    match channel {
        DUE => Some(Announcement::Due),
        ENDPOINT => payload.parse().ok().map(Announcement::Endpoint),
        _ => None,
    }
}

/// Tells all nodes, once the transaction is committed, that there is work that nobody holds.
pub(crate) async fn announce_due(connection: &mut Connection) -> Result<(), StorageError> {
    announce(connection, DUE, "").await
}

/// Tells all nodes, once the transaction is committed, that an endpoint is not what it was.
pub(crate) async fn announce_endpoint(
    connection: &mut Connection,
    id: EndpointId,
) -> Result<(), StorageError> {
    announce(connection, ENDPOINT, &id.to_string()).await
}

async fn announce(
    connection: &mut Connection,
    channel: &'static str,
    payload: &str,
) -> Result<(), StorageError> {
    if connection.backend() == Backend::Sqlite {
        return Ok(());
    }
    sql::query("SELECT pg_notify($1, $2)")
        .bind(channel)
        .bind(payload)
        .fetch_one(connection)
        .await
        .map(drop)
        .map_err(StorageError::doing("tell other nodes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_nothing() {
        let id = "00000000-03e8-7000-8000-000000000000";
        let parsed = id.parse().expect("is an id");
        assert_eq!(read(DUE, "x"), Some(Announcement::Due));
        assert_eq!(read(ENDPOINT, id), Some(Announcement::Endpoint(parsed)));
        assert_eq!(read(ENDPOINT, "x"), None);
        assert_eq!(read("other", id), None);
    }
}
