//! Work that one node of a store does at a time, once for each turn.

use jiff::Timestamp;

use crate::column::millis;
use crate::sql::query;
use crate::{Storage, StorageError};

/// The chores of a store.
#[derive(Clone, Debug)]
pub struct Chores {
    pub(crate) storage: Storage,
}

impl Chores {
    /// Takes a chore whose turn came at `due`, until the given time; whether it is this node's now. It
    /// is not if it was done for this turn, or another node's claim lasts.
    pub async fn claim(
        &self,
        name: &str,
        due: Timestamp,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StorageError> {
        let mut tx = self.storage.begin().await?;
        query(
            "INSERT INTO chore (name, done_for, claimed_until) VALUES ($1, 0, 0)
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("note a chore"))?;
        let claimed = query(
            "UPDATE chore SET claimed_until = $1
             WHERE name = $2 AND done_for < $3 AND claimed_until <= $4",
        )
        .bind(millis(until))
        .bind(name)
        .bind(millis(due))
        .bind(millis(now))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("claim a chore"))?;
        tx.commit().await?;
        Ok(claimed == 1)
    }

    /// Makes this node's claim last longer.
    pub async fn renew(&self, name: &str, until: Timestamp) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        query("UPDATE chore SET claimed_until = $1 WHERE name = $2")
            .bind(millis(until))
            .bind(name)
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("renew the claim of a chore"))?;
        tx.commit().await
    }

    /// The chore is done for the turn that came at `due`.
    pub async fn done(&self, name: &str, due: Timestamp) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        query("UPDATE chore SET done_for = $1, claimed_until = 0 WHERE name = $2")
            .bind(millis(due))
            .bind(name)
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("finish a chore"))?;
        tx.commit().await
    }
}
