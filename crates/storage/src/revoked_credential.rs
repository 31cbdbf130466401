//! Space credentials that their authority has taken back.

use jiff::Timestamp;
use loggia_syntax::SpaceRef;

use crate::column::millis_up;
use crate::sql;
use crate::{Storage, StorageError, Write};

/// Revoked credentials, each until it would have ended by itself.
#[derive(Clone, Debug)]
pub struct RevokedCredentials {
    pub(crate) storage: Storage,
}

/// What became of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Revoked {
    /// It is kept. Registrations that were made with the credential are gone.
    Kept {
        /// How many registrations those were.
        registrations: u64,
    },
    /// There is no room for another, and nothing was changed: forgetting one would let its credential
    /// in again.
    Full,
}

impl RevokedCredentials {
    /// The most revocations that are kept: authorities revoke in exceptional cases, and each entry
    /// is gone after two hours. About 20 MB.
    pub const MOST: u32 = 100_000;

    /// Takes back the credential with this `jti`, for this space, and what was registered with it, of
    /// which nothing is delivered any more.
    /// Doing so again moves the end to `until`.
    pub async fn revoke(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        id: &str,
        (until, now): (Timestamp, Timestamp),
    ) -> Result<Revoked, StorageError> {
        let kept = sql::query(
            "INSERT INTO revoked_credential (space, id, until)
             SELECT $1, $2, $3
             WHERE (SELECT count(*) FROM revoked_credential) < $4
                 OR EXISTS (SELECT 1 FROM revoked_credential WHERE space = $1 AND id = $2)
             ON CONFLICT (space, id) DO UPDATE SET until = excluded.until",
        )
        .bind(space.as_str())
        .bind(id)
        .bind(millis_up(until))
        .bind(Self::MOST)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("revoke a space credential"))?;
        if kept == 0 {
            return Ok(Revoked::Full);
        }
        let registrations = self.storage.registrations();
        let ended = registrations.end_of_credential(tx, space, id, now).await?;
        let registrations = ended.len() as u64;
        Ok(Revoked::Kept { registrations })
    }

    /// Whether the credential with this `jti`, for this space, was taken back.
    pub async fn is_revoked(&self, space: &SpaceRef, id: &str) -> Result<bool, StorageError> {
        sql::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM revoked_credential WHERE space = $1 AND id = $2)",
        )
        .bind(space.as_str())
        .bind(id)
        .fetch_one(self.storage.readers())
        .await
        .map_err(StorageError::doing("look a space credential up"))
    }

    /// Forgets at most `limit` revocations whose time is over; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM revoked_credential WHERE (space, id) IN
                 (SELECT space, id FROM revoked_credential WHERE until < $1 ORDER BY until LIMIT $2)";
        self.storage
            .forget(sql, now, limit, "forget revoked credentials")
            .await
    }
}
