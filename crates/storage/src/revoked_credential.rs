//! Space credentials that their authority has taken back.

use jiff::Timestamp;
use loggia_delivery::EndpointId;
use loggia_syntax::SpaceRef;

use crate::column::millis_up;
use crate::registration;
use crate::sql::{self, Executor};
use crate::{Storage, StorageError, Write};

/// Revoked credentials, each until it would have ended by itself.
#[derive(Clone, Debug)]
pub struct RevokedCredentials {
    pub(crate) storage: Storage,
}

/// What became of a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Revoked {
    /// It is kept. Registrations that were made with the credential are gone.
    Kept {
        /// The endpoints that are told nothing any more. After the commit, tell the engine's handle.
        endpoints: Vec<EndpointId>,
    },
    /// There is no room for another, and nothing was changed: forgetting one would let its credential
    /// in again. Never so for a credential that was given out here.
    Full,
}

/// Whether a credential was given out here.
const ISSUED: &str = "SELECT EXISTS (SELECT 1 FROM issued_credential WHERE space = $1 AND id = $2)";

impl RevokedCredentials {
    /// The most revocations that are kept of credentials that others gave out: authorities revoke in
    /// exceptional cases, and each entry is gone after two hours. About 20 MB. Those of credentials that
    /// were given out here are not counted: each takes the place of a row that says that it was given
    /// out, of which a holder has a few.
    pub const MOST: u32 = 100_000;

    /// The most of those that one authority has a share in, so that none takes the room of the others.
    pub const MOST_OF_AUTHORITY: u32 = 5_000;

    /// Takes back the credential with this `jti`, for this space, and what was registered with it, of
    /// which nothing is delivered any more.
    /// Doing so again moves the end to `until`. Several at the same moment may go over a limit by as
    /// many as there are.
    pub async fn revoke(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        id: &str,
        (until, now): (Timestamp, Timestamp),
    ) -> Result<Revoked, StorageError> {
        let is_issued: bool = sql::query_scalar(ISSUED)
            .bind(space.as_str())
            .bind(id)
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("look a space credential up"))?;
        if is_issued {
            let endpoints = self.take_back(tx, space, id, (until, now)).await?;
            return Ok(Revoked::Kept { endpoints });
        }
        registration::hold_space(tx.sql(), space.as_str()).await?;
        let (from, to) = registration::spaces_of(space);
        let kept = sql::query(
            "INSERT INTO revoked_credential (space, id, until, issued)
             SELECT $1, $2, $3, 0
             WHERE (SELECT count(*) FROM revoked_credential WHERE issued = 0) < $4
                     AND (SELECT count(*) FROM revoked_credential
                          WHERE issued = 0 AND space >= $5 AND space < $6) < $7
                 OR EXISTS (SELECT 1 FROM revoked_credential WHERE space = $1 AND id = $2)
             ON CONFLICT (space, id) DO UPDATE SET until = excluded.until",
        )
        .bind(space.as_str())
        .bind(id)
        .bind(millis_up(until))
        .bind(Self::MOST)
        .bind(from)
        .bind(to)
        .bind(Self::MOST_OF_AUTHORITY)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("revoke a space credential"))?;
        if kept == 0 {
            return Ok(Revoked::Full);
        }
        let registrations = self.storage.registrations();
        let endpoints = registrations.end_of_credential(tx, space, id, now).await?;
        Ok(Revoked::Kept { endpoints })
    }

    /// The same for a credential that was given out here, for which there is always room; the endpoints
    /// that are told nothing any more.
    pub(crate) async fn take_back(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        id: &str,
        (until, now): (Timestamp, Timestamp),
    ) -> Result<Vec<EndpointId>, StorageError> {
        registration::hold_space(tx.sql(), space.as_str()).await?;
        sql::query(
            "INSERT INTO revoked_credential (space, id, until, issued) VALUES ($1, $2, $3, 1)
             ON CONFLICT (space, id) DO UPDATE SET until = excluded.until, issued = 1",
        )
        .bind(space.as_str())
        .bind(id)
        .bind(millis_up(until))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("take a space credential back"))?;
        let registrations = self.storage.registrations();
        registrations.end_of_credential(tx, space, id, now).await
    }

    /// Whether the credential with this `jti`, for this space, was taken back.
    pub async fn is_revoked(&self, space: &SpaceRef, id: &str) -> Result<bool, StorageError> {
        is_revoked(self.storage.readers(), space, id).await
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

/// The same, wherever that is asked.
pub(crate) async fn is_revoked(
    on: impl Executor,
    space: &SpaceRef,
    id: &str,
) -> Result<bool, StorageError> {
    sql::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM revoked_credential WHERE space = $1 AND id = $2)",
    )
    .bind(space.as_str())
    .bind(id)
    .fetch_one(on)
    .await
    .map_err(StorageError::doing("look a space credential up"))
}
