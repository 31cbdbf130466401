//! Credentials that were given out, so that they can be taken back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loggia_delivery::EndpointId;
use loggia_syntax::{Did, SpaceRef};

use super::Spaces;
use crate::column::{Reading, millis, millis_up};
use crate::{StorageError, Write, sql};

/// A credential that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCredential {
    /// For which space.
    pub space: SpaceRef,
    /// Its `jti`.
    pub id: String,
    /// Who delegated.
    pub holder: Did,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// What was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// The `jti` of every credential that had not ended, by who held it.
    pub credentials: BTreeMap<Did, Vec<String>>,
    /// The endpoints of registrations that went with them. After the commit, tell the engine's handle.
    pub endpoints: Vec<EndpointId>,
}

impl Spaces {
    /// Keeps a credential of a space that is held, unless its holder has `most` that have not ended;
    /// whether it is kept. One that is not kept must not be given out.
    pub async fn keep_credential(
        &self,
        tx: &mut Write,
        issued: &IssuedCredential,
        most: u32,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let kept = sql::query(
            "INSERT INTO issued_credential (space, id, holder, until)
             SELECT $1, $2, $3, $4
             WHERE (SELECT count(*) FROM issued_credential
                    WHERE space = $1 AND holder = $3 AND until > $5) < $6",
        )
        .bind(issued.space.as_str())
        .bind(&issued.id)
        .bind(issued.holder.as_str())
        .bind(millis_up(issued.until))
        .bind(millis(now))
        .bind(most)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("keep a credential"))?;
        Ok(kept == 1)
    }

    /// Takes back the credentials of a space that is held and that have not ended, and what their
    /// holders have registered: those of one holder, or of all but the authority. There is always room
    /// for that. At most `limit` at a time, those of one holder after the other: while there are as many,
    /// there may be more.
    pub async fn revoke_credentials(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        holder: Option<&Did>,
        (limit, now): (u32, Timestamp),
    ) -> Result<TakenBack, StorageError> {
        let rows = sql::query(
            "DELETE FROM issued_credential WHERE (space, holder, id) IN
                 (SELECT space, holder, id FROM issued_credential
                  WHERE space = $1 AND (holder = $2 OR $3 = 1) AND until > $4
                  ORDER BY holder, id LIMIT $5)
             RETURNING holder, id, until",
        )
        .bind(space.as_str())
        .bind(holder.map_or("", Did::as_str))
        .bind(holder.is_none())
        .bind(millis(now))
        .bind(limit)
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("take credentials"))?;
        let registrations = self.storage.registrations();
        let mut taken = TakenBack {
            credentials: BTreeMap::new(),
            endpoints: registrations.end_of_reader(tx, space, holder, now).await?,
        };
        for row in &rows {
            let reading = Reading::new("issued_credential", space, row);
            let (id, until) = (reading.get::<&str>("id")?, reading.time("until")?);
            let holder = reading.parse("holder", |text: &str| Did::new(text))?;
            let revoked = self.storage.revoked_credentials();
            let ended = revoked.take_back(tx, space, id, (until, now)).await?;
            taken.endpoints.extend(ended);
            let theirs = taken.credentials.entry(holder).or_default();
            theirs.push(id.to_owned());
        }
        Ok(taken)
    }

    /// Who holds a credential that was given out here and has not ended.
    pub async fn holder(&self, space: &SpaceRef, id: &str) -> Result<Option<Did>, StorageError> {
        let row = sql::query("SELECT holder FROM issued_credential WHERE space = $1 AND id = $2")
            .bind(space.as_str())
            .bind(id)
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("find who holds a credential"))?;
        let Some(row) = row else { return Ok(None) };
        let reading = Reading::new("issued_credential", id, &row);
        Ok(Some(reading.parse("holder", |text: &str| Did::new(text))?))
    }

    /// Forgets at most `limit` credentials that have ended; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM issued_credential WHERE (space, holder, id) IN
                 (SELECT space, holder, id FROM issued_credential WHERE until < $1
                  ORDER BY until LIMIT $2)";
        self.storage
            .forget(sql, now, limit, "forget credentials that have ended")
            .await
    }
}
