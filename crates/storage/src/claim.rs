//! Claims: what one node of a store does at a time, for as long as it says that it is at it.
//!
//! Nodes go by the database's clock. SQLite has one process, whose claims never lapse.

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::NodeId;

use crate::sql::{self, Backend};
use crate::{Storage, StorageError, Write, node};

/// The claims of a store.
#[derive(Clone, Debug)]
pub struct Claims {
    pub(crate) storage: Storage,
}

impl Claims {
    /// Claims what has this name for so long, from now on; whether it is this node's. It is not if
    /// the claim of another node lasts. Claiming again what this node has makes it last longer.
    pub async fn take(
        &self,
        name: &str,
        node: &NodeId,
        lasts: SignedDuration,
    ) -> Result<bool, StorageError> {
        // Not on a connection of those that write: they may all be waiting for something.
        let text = match self.storage.engine_readers().backend() {
            Backend::Sqlite => {
                let mut tx = self.storage.begin().await?;
                take_alone(&mut tx, name, node).await?;
                tx.commit().await?;
                return Ok(true);
            }
            Backend::Postgres => concat!(
                "INSERT INTO claim (name, node, held_until) VALUES ($1, $2, ",
                node::clock!(),
                " + $3)
                 ON CONFLICT (name) DO UPDATE
                 SET node = excluded.node, held_until = excluded.held_until
                 WHERE claim.node = excluded.node OR claim.held_until <= ",
                node::clock!(),
            ),
        };
        let taken = sql::query(text)
            .bind(name)
            .bind(node.as_str())
            .bind(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX))
            .execute(self.storage.engine_readers())
            .await
            .map_err(StorageError::doing("claim what one node does"))?;
        Ok(taken == 1)
    }

    /// Makes the claim of this node last for so long from now on; false if it has lost it.
    pub async fn renew(
        &self,
        name: &str,
        node: &NodeId,
        lasts: SignedDuration,
    ) -> Result<bool, StorageError> {
        let text = match self.storage.engine_readers().backend() {
            Backend::Sqlite => return Ok(true),
            Backend::Postgres => concat!(
                "UPDATE claim SET held_until = ",
                node::clock!(),
                " + $1 WHERE name = $2 AND node = $3"
            ),
        };
        let renewed = sql::query(text)
            .bind(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX))
            .bind(name)
            .bind(node.as_str())
            .execute(self.storage.engine_readers())
            .await
            .map_err(StorageError::doing("renew a claim"))?;
        Ok(renewed == 1)
    }

    /// Gives up the claim of this node, if it has it.
    pub async fn release(&self, name: &str, node: &NodeId) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        sql::query("DELETE FROM claim WHERE name = $1 AND node = $2")
            .bind(name)
            .bind(node.as_str())
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("give up a claim"))?;
        tx.commit().await
    }

    /// Whether this node has the claim. If it has, no other takes it before the transaction ends:
    /// what is written in it is written by the one that may.
    pub async fn hold(
        &self,
        tx: &mut Write,
        name: &str,
        node: &NodeId,
    ) -> Result<bool, StorageError> {
        let text = match tx.sql().backend() {
            Backend::Sqlite => "SELECT 1 FROM claim WHERE name = $1 AND node = $2",
            Backend::Postgres => "SELECT 1 FROM claim WHERE name = $1 AND node = $2 FOR UPDATE",
        };
        let held = sql::query(text)
            .bind(name)
            .bind(node.as_str())
            .fetch_optional(tx.sql())
            .await
            .map_err(StorageError::doing("check a claim"))?;
        Ok(held.is_some())
    }

    /// The node that claimed it last and has not given it up, if any: for whoever shows how a server
    /// is doing.
    pub async fn held_by(&self, name: &str) -> Result<Option<String>, StorageError> {
        sql::query_scalar("SELECT node FROM claim WHERE name = $1")
            .bind(name)
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("look who has a claim"))
    }
}

/// One process has the file, whatever the one before it was called.
async fn take_alone(tx: &mut Write, name: &str, node: &NodeId) -> Result<(), StorageError> {
    sql::query(
        "INSERT INTO claim (name, node, held_until) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET node = excluded.node, held_until = excluded.held_until",
    )
    .bind(name)
    .bind(node.as_str())
    .bind(Timestamp::MAX.as_millisecond())
    .execute(tx.sql())
    .await
    .map_err(StorageError::doing("claim what one node does"))?;
    Ok(())
}
