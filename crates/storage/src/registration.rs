//! Registrations of `com.atproto.space.registerNotify`: standing wishes to be told, with an expiry.

use jiff::Timestamp;
use loggia_delivery::{Endpoint, EndpointId, sortable_id};
use loggia_syntax::{Did, SpaceRef};

use crate::column::{Reading, millis};
use crate::sql::{self, Connection, Row};
use crate::{BadRow, Storage, StorageError, Write, endpoint};

sortable_id! {
    /// Which registration.
    RegistrationId
}

/// A standing wish of a service to be told of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Which registration; stays when it is renewed.
    pub id: RegistrationId,
    /// The space.
    pub space: SpaceRef,
    /// The service that is told.
    pub service_did: Did,
    /// The endpoint that it is told at; belongs to this registration alone.
    pub endpoint: EndpointId,
    /// Who registered it first, or in whose right: see [`NewRegistration::created_by`].
    pub created_by: Did,
    /// The `jti` of the space credential with which a reader registered or last renewed it; none
    /// where somebody did in their own name.
    pub credential: Option<String>,
    /// From this time on it is not told any more.
    pub expires_at: Timestamp,
}

/// A registration on its way in. One of the same space, service and URL is renewed instead.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// Its id, should it be new.
    pub id: RegistrationId,
    /// The space.
    pub space: SpaceRef,
    /// The service that is told.
    pub service_did: Did,
    /// Its endpoint, should it be new.
    pub endpoint: Endpoint,
    /// Who registers it; for a reader, who does not say who they are, the authority that let them.
    pub created_by: Did,
    /// The `jti` of a reader's space credential. When it is revoked, the registration goes.
    pub credential: Option<String>,
    /// The new expiry.
    pub expires_at: Timestamp,
}

/// How many unexpired registrations there may be. Readers with a space credential may make half as
/// many each time, so that those who do it in their own name always find room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Of one space: what one write may fan out to.
    pub per_space: u32,
    /// Made by one caller.
    pub per_caller: u32,
}

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Registered {
    /// It is new; or it has a new endpoint with the new secret, because the old one's row could not
    /// be read any more.
    New(Registration),
    /// There was one already: it keeps its id and its endpoint's secret, has the new expiry, and is
    /// told again should its endpoint have been disabled.
    Renewed(Registration),
    /// The space has as many as are allowed.
    SpaceFull,
    /// The caller has made as many as are allowed.
    CallerFull,
}

/// The registrations of a store.
#[derive(Clone, Debug)]
pub struct Registrations {
    pub(crate) storage: Storage,
}

impl Registrations {
    /// Registers, or renews what is registered.
    pub async fn register(
        &self,
        tx: &mut Write,
        new: NewRegistration,
        caps: &Caps,
        now: Timestamp,
    ) -> Result<Registered, StorageError> {
        hold(tx.sql(), &new).await?;
        let old = find(tx.sql(), &new).await?;
        let counts_already = old.as_ref().is_some_and(|old| old.expires_at > now);
        if !counts_already && let Some(full) = full(tx.sql(), &new, caps, now).await? {
            return Ok(full);
        }
        match old {
            Some(old) => self.renew(tx, old, new).await,
            None => self.insert(tx, new, now).await.map(Registered::New),
        }
    }

    async fn renew(
        &self,
        tx: &mut Write,
        old: Registration,
        new: NewRegistration,
    ) -> Result<Registered, StorageError> {
        let expires_at = to_millisecond(new.expires_at);
        let sealer = &self.storage.inner.sealer;
        let endpoint = match endpoint::find(tx.sql(), sealer, old.endpoint).await {
            Ok(_) => old.endpoint,
            Err(StorageError::BadRow(_)) => new.endpoint.id,
            Err(error) => return Err(error),
        };
        let renewed = Registration {
            expires_at,
            endpoint,
            // What somebody stands for with their name does not come to hang on a credential.
            credential: old.credential.and(new.credential),
            ..old
        };
        if endpoint == old.endpoint {
            self.storage.endpoints().enable(tx, endpoint).await?;
            renew(tx.sql(), &renewed).await?;
            return Ok(Registered::Renewed(renewed));
        }
        self.storage.endpoints().insert(tx, &new.endpoint).await?;
        renew(tx.sql(), &renewed).await?;
        Ok(Registered::New(renewed))
    }

    async fn insert(
        &self,
        tx: &mut Write,
        new: NewRegistration,
        now: Timestamp,
    ) -> Result<Registration, StorageError> {
        self.storage.endpoints().insert(tx, &new.endpoint).await?;
        sql::query(
            "INSERT INTO registration
                 (id, space, service_did, url, endpoint, created_by, credential, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&new.id.as_bytes()[..])
        .bind(new.space.as_str())
        .bind(new.service_did.as_str())
        .bind(new.endpoint.target.as_str())
        .bind(&new.endpoint.id.as_bytes()[..])
        .bind(new.created_by.as_str())
        .bind(new.credential.as_deref())
        .bind(millis(now))
        .bind(millis(new.expires_at))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert a registration"))?;
        Ok(Registration {
            id: new.id,
            space: new.space,
            service_did: new.service_did,
            endpoint: new.endpoint.id,
            created_by: new.created_by,
            credential: new.credential,
            expires_at: to_millisecond(new.expires_at),
        })
    }

    /// The space's registrations that have not expired, oldest first. In the transaction that
    /// enqueues for them. One that cannot be read is left out and logged: the others are told.
    pub async fn list_active(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<Vec<Registration>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM registration WHERE space = $1 AND expires_at > $2 ORDER BY id",
        )
        .bind(space.as_str())
        .bind(millis(now))
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("list registrations"))?;
        Ok(rows.iter().filter_map(readable).collect())
    }

    /// Removes all of a space's registrations; how many those were. What is enqueued already is
    /// still delivered: the last of it says that the space is gone.
    pub async fn delete_space(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<u64, StorageError> {
        let deleted = sql::query("DELETE FROM registration WHERE space = $1")
            .bind(space.as_str())
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("delete a space's registrations"))?;
        Ok(deleted)
    }

    /// Removes at most `limit` expired registrations; how many those were. Their endpoints go when
    /// nothing is left of what was delivered to them, see [`Endpoints::sweep`](crate::Endpoints::sweep).
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM registration WHERE id IN
                 (SELECT id FROM registration WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        self.storage
            .forget(sql, now, limit, "sweep registrations")
            .await
    }
}

/// How many there are, of the space and of the caller, stays as it is until the transaction ends.
/// Always the space first, so that no two wait for each other.
async fn hold(connection: &mut Connection, new: &NewRegistration) -> Result<(), StorageError> {
    let space = format!("registrations of {}", new.space);
    connection.hold(&space).await?;
    let caller = format!("registrations by {}", new.created_by);
    connection.hold(&caller).await
}

async fn find(
    connection: &mut Connection,
    new: &NewRegistration,
) -> Result<Option<Registration>, StorageError> {
    let row =
        sql::query("SELECT * FROM registration WHERE space = $1 AND service_did = $2 AND url = $3")
            .bind(new.space.as_str())
            .bind(new.service_did.as_str())
            .bind(new.endpoint.target.as_str())
            .fetch_optional(connection)
            .await
            .map_err(StorageError::doing("find a registration"))?;
    Ok(row.as_ref().map(read).transpose()?)
}

async fn full(
    connection: &mut Connection,
    new: &NewRegistration,
    caps: &Caps,
    now: Timestamp,
) -> Result<Option<Registered>, StorageError> {
    let counts = [
        (
            "SELECT count(*), count(credential) FROM registration WHERE space = $1 AND expires_at > $2",
            new.space.as_str(),
            caps.per_space,
            Registered::SpaceFull,
        ),
        (
            "SELECT count(*), count(credential) FROM registration
             WHERE created_by = $1 AND expires_at > $2",
            new.created_by.as_str(),
            caps.per_caller,
            Registered::CallerFull,
        ),
    ];
    for (count, whose, most, full) in counts {
        let counted = sql::query(count)
            .bind(whose)
            .bind(millis(now))
            .fetch_one(&mut *connection)
            .await
            .and_then(|row| Ok((row.get(0)?, row.get(1)?)));
        let (all, of_readers): (i64, i64) =
            counted.map_err(StorageError::doing("count registrations"))?;
        let is_reader = new.credential.is_some();
        if all >= i64::from(most) || is_reader && of_readers >= i64::from(most / 2) {
            return Ok(Some(full));
        }
    }
    Ok(None)
}

async fn renew(connection: &mut Connection, renewed: &Registration) -> Result<(), StorageError> {
    sql::query(
        "UPDATE registration SET expires_at = $1, endpoint = $2, credential = $3 WHERE id = $4",
    )
    .bind(millis(renewed.expires_at))
    .bind(&renewed.endpoint.as_bytes()[..])
    .bind(renewed.credential.as_deref())
    .bind(&renewed.id.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("renew a registration"))?;
    Ok(())
}

fn readable(row: &Row) -> Option<Registration> {
    read(row)
        .inspect_err(|bad| {
            let error = bad as &dyn std::error::Error;
            tracing::error!(error, "a registration cannot be read and is not told");
        })
        .ok()
}

fn read(row: &Row) -> Result<Registration, BadRow> {
    let unnamed = Reading::new("registration", "(unreadable)", row);
    let id = unnamed.parse("id", RegistrationId::from_slice)?;
    let reading = Reading::new("registration", id, row);
    Ok(Registration {
        id,
        space: reading.parse("space", |text: &str| SpaceRef::new(text))?,
        service_did: reading.parse("service_did", |text: &str| Did::new(text))?,
        endpoint: reading.parse("endpoint", EndpointId::from_slice)?,
        created_by: reading.parse("created_by", |text: &str| Did::new(text))?,
        credential: reading.get("credential")?,
        expires_at: reading.time("expires_at")?,
    })
}

/// The time as it will be read back.
fn to_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(millis(time)).unwrap_or(time)
}
