//! What an owner does with endpoints of their own.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    CustomHeaders, DisableReason, Endpoint, EndpointId, Profile, Secret, Target,
};
use loggia_syntax::{Did, Nsid};

use crate::announcement::{announce_due, announce_endpoint};
use crate::column::{Reading, millis};
use crate::endpoint::row::{self, Sealed};
use crate::endpoint::{Endpoints, disable, insert};
use crate::sql::{self, Connection, Row};
use crate::{StorageError, Write};

/// An endpoint as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedEndpoint {
    /// What the engine knows of it.
    pub endpoint: Endpoint,
    /// The kinds of notifications that it is told of when its owner is told something.
    pub kinds: Vec<Nsid>,
    /// For its owner.
    pub description: String,
    /// Whether its owner made it as an endpoint. One that stands for a webhook or a registration is
    /// changed with that, and only shown here.
    pub managed: bool,
    /// When its owner last changed it.
    pub updated_at: Option<Timestamp>,
}

/// What an owner wants changed: only what is given.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Where deliveries go.
    pub target: Option<Target>,
    /// How they are dressed.
    pub profile: Option<Profile>,
    /// What is added to each attempt.
    pub headers: Option<CustomHeaders>,
    /// Whether they go one at a time and in order.
    pub in_order: Option<bool>,
    /// The most attempts a second, or none.
    pub per_second: Option<Option<NonZeroU32>>,
    /// See [`OwnedEndpoint::kinds`].
    pub kinds: Option<Vec<Nsid>>,
    /// See [`OwnedEndpoint::description`].
    pub description: Option<String>,
}

impl OwnedEndpoint {
    /// One that its owner made just now, told of nothing by kind.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            kinds: Vec::new(),
            description: String::new(),
            managed: true,
            updated_at: None,
        }
    }

    fn apply(&mut self, change: EndpointChange) {
        fn put<T>(field: &mut T, given: Option<T>) {
            if let Some(value) = given {
                *field = value;
            }
        }
        put(&mut self.endpoint.target, change.target);
        put(&mut self.endpoint.profile, change.profile);
        put(&mut self.endpoint.headers, change.headers);
        put(&mut self.endpoint.in_order, change.in_order);
        put(&mut self.endpoint.per_second, change.per_second);
        put(&mut self.kinds, change.kinds);
        put(&mut self.description, change.description);
    }
}

/// Whose endpoint, which one, and whether its owner made it as one.
pub(crate) type Which<'a> = (&'a Did, EndpointId, bool);

impl Endpoints {
    /// Adds an endpoint of its owner's own, unless they have `most` of them; whether it was added.
    pub async fn create(
        &self,
        tx: &mut Write,
        owned: &OwnedEndpoint,
        most: u32,
    ) -> Result<bool, StorageError> {
        let owner = &owned.endpoint.owner;
        hold(tx.sql(), owner).await?;
        let kept: i64 = sql::query_scalar(
            "SELECT count(*) FROM endpoint WHERE owner = $1 AND managed = 1
             AND (disabled_reason IS NULL OR disabled_reason <> 'deleted')",
        )
        .bind(owner.as_str())
        .fetch_one(tx.sql())
        .await
        .map_err(StorageError::doing("count endpoints"))?;
        if kept >= i64::from(most) {
            return Ok(false);
        }
        insert(tx.sql(), &self.storage.inner.sealer, owned).await?;
        Ok(true)
    }

    /// The owner's endpoint of this id, unless it was deleted.
    pub async fn find_owned(
        &self,
        owner: &Did,
        id: EndpointId,
    ) -> Result<Option<OwnedEndpoint>, StorageError> {
        let doing = StorageError::doing("find an endpoint");
        let mut connection = self.storage.readers().acquire().await.map_err(doing)?;
        self.owned(&mut connection, owner, id).await
    }

    /// At most `limit` of the owner's endpoints, newest first, after the one named; those that were
    /// deleted are left out, and one that cannot be read is left out and logged.
    pub async fn list(
        &self,
        owner: &Did,
        after: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<OwnedEndpoint>, StorageError> {
        let mut after = after.map_or([0xff; 16], |id| *id.as_bytes());
        let limit = limit as usize;
        let mut found = Vec::new();
        while found.len() < limit {
            let missing = limit - found.len();
            let rows = self.rows_after(owner, &after, missing).await?;
            found.extend(rows.iter().filter_map(|row| self.read_or_log(row)));
            match rows.last() {
                Some(last) if rows.len() == missing => {
                    let reading = Reading::new("endpoint", "(listed)", last);
                    after = *reading.parse("id", EndpointId::from_slice)?.as_bytes();
                }
                _ => break,
            }
        }
        Ok(found)
    }

    async fn rows_after(
        &self,
        owner: &Did,
        after: &[u8; 16],
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        sql::query(
            "SELECT * FROM endpoint WHERE owner = $1 AND id < $2
                 AND (disabled_reason IS NULL OR disabled_reason <> 'deleted')
             ORDER BY id DESC LIMIT $3",
        )
        .bind(owner.as_str())
        .bind(&after[..])
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list endpoints"))
    }

    fn read_or_log(&self, row: &Row) -> Option<OwnedEndpoint> {
        row::read_owned(row, &self.storage.inner.sealer)
            .inspect_err(|bad| {
                let error = bad as &dyn std::error::Error;
                tracing::error!(error, "an endpoint cannot be read and is not listed");
            })
            .ok()
    }

    /// Changes what is given of an endpoint that its owner made; none if there is no such. What is
    /// pending goes where it says now. After the commit, tell the engine's handle.
    pub async fn update(
        &self,
        tx: &mut Write,
        owner: &Did,
        id: EndpointId,
        change: EndpointChange,
        now: Timestamp,
    ) -> Result<Option<OwnedEndpoint>, StorageError> {
        self.change(tx, (owner, id, true), change, now).await
    }

    /// The same, for one that its owner made or one that stands for something else.
    pub(crate) async fn change(
        &self,
        tx: &mut Write,
        (owner, id, managed): Which<'_>,
        change: EndpointChange,
        now: Timestamp,
    ) -> Result<Option<OwnedEndpoint>, StorageError> {
        hold(tx.sql(), owner).await?;
        let found = self.owned(tx.sql(), owner, id).await?;
        let Some(mut owned) = found.filter(|owned| owned.managed == managed) else {
            return Ok(None);
        };
        let was_in_order = owned.endpoint.in_order;
        owned.apply(change);
        owned.updated_at = Some(Timestamp::from_millisecond(millis(now)).unwrap_or(now));
        self.write(tx.sql(), &owned).await?;
        if was_in_order != owned.endpoint.in_order {
            put_in_line(tx.sql(), &owned.endpoint).await?;
        }
        announce_endpoint(tx.sql(), id).await?;
        Ok(Some(owned))
    }

    /// Signs with a new secret from now on, and for `overlap` with the one before as well; whether there is such an endpoint that its owner made. After the commit, tell the engine's
    /// handle.
    pub async fn rotate(
        &self,
        tx: &mut Write,
        owner: &Did,
        id: EndpointId,
        secret: Secret,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let which = (owner, id, true);
        self.exchange(tx, which, secret, overlap, now).await
    }

    /// The same, for one that its owner made or one that stands for something else.
    pub(crate) async fn exchange(
        &self,
        tx: &mut Write,
        (owner, id, managed): Which<'_>,
        secret: Secret,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        hold(tx.sql(), owner).await?;
        let found = self.owned(tx.sql(), owner, id).await?;
        let Some(mut owned) = found.filter(|owned| owned.managed == managed) else {
            return Ok(false);
        };
        let secrets = std::mem::take(&mut owned.endpoint.secrets);
        owned.endpoint.secrets = secrets.rotate(secret, now, overlap);
        owned.updated_at = Some(now);
        self.write(tx.sql(), &owned).await?;
        announce_endpoint(tx.sql(), id).await?;
        Ok(true)
    }

    /// Deletes an endpoint that its owner made, its secrets at once; whether there was such. What is
    /// pending for it is cancelled, and its row goes with the record of its deliveries. After the
    /// commit, tell the engine's handle.
    pub async fn delete(
        &self,
        tx: &mut Write,
        owner: &Did,
        id: EndpointId,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        delete(tx.sql(), owner, (id, true), now).await
    }

    async fn owned(
        &self,
        connection: &mut Connection,
        owner: &Did,
        id: EndpointId,
    ) -> Result<Option<OwnedEndpoint>, StorageError> {
        let row = sql::query(
            "SELECT * FROM endpoint WHERE id = $1 AND owner = $2
             AND (disabled_reason IS NULL OR disabled_reason <> 'deleted')",
        )
        .bind(&id.as_bytes()[..])
        .bind(owner.as_str())
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("find an endpoint"))?;
        let read = row.map(|row| row::read_owned(&row, &self.storage.inner.sealer));
        Ok(read.transpose()?)
    }

    pub(super) async fn write(
        &self,
        connection: &mut Connection,
        owned: &OwnedEndpoint,
    ) -> Result<(), StorageError> {
        let endpoint = &owned.endpoint;
        let sealed = Sealed::of(endpoint, &self.storage.inner.sealer);
        sql::query(
            "UPDATE endpoint SET url = $1, profile = $2, secret = $3, previous_secret = $4,
                 previous_until = $5, headers = $6, in_order = $7, per_second = $8, kinds = $9,
                 description = $10, updated_at = $11
             WHERE id = $12 AND (disabled_reason IS NULL OR disabled_reason <> 'deleted')",
        )
        .bind(endpoint.target.as_str())
        .bind(endpoint.profile.as_str())
        .bind(sealed.secret)
        .bind(sealed.previous_secret)
        .bind(sealed.previous_until)
        .bind(sealed.headers)
        .bind(endpoint.in_order)
        .bind(endpoint.per_second.map(NonZeroU32::get))
        .bind(row::write_kinds(&owned.kinds))
        .bind(&owned.description)
        .bind(owned.updated_at.map(millis))
        .bind(&endpoint.id.as_bytes()[..])
        .execute(connection)
        .await
        .map_err(StorageError::doing("change an endpoint"))?;
        Ok(())
    }
}

/// Deletes an endpoint that its owner made, or that stands for something of theirs, see
/// [`Endpoints::delete`].
pub(crate) async fn delete(
    connection: &mut Connection,
    owner: &Did,
    (id, managed): (EndpointId, bool),
    now: Timestamp,
) -> Result<bool, StorageError> {
    let deleted = sql::query(
        "UPDATE endpoint SET disabled_reason = $1, disabled_at = $2, secret = NULL,
             previous_secret = NULL, previous_until = NULL, headers = NULL, kinds = '[]'
         WHERE id = $3 AND owner = $4 AND managed = $5
             AND (disabled_reason IS NULL OR disabled_reason <> $1)",
    )
    .bind(DisableReason::Deleted.as_str())
    .bind(millis(now))
    .bind(&id.as_bytes()[..])
    .bind(owner.as_str())
    .bind(managed)
    .execute(&mut *connection)
    .await
    .map_err(StorageError::doing("delete an endpoint"))?;
    if deleted == 1 {
        disable(connection, id, DisableReason::Deleted, now).await?;
        announce_endpoint(connection, id).await?;
    }
    Ok(deleted == 1)
}

/// Which endpoints an owner has, and what they are like, stays as it is until the transaction ends.
async fn hold(connection: &mut Connection, owner: &Did) -> Result<(), StorageError> {
    connection.hold(&format!("endpoints of {owner}")).await
}

/// What is open for an endpoint goes in order from now on, or no longer.
async fn put_in_line(connection: &mut Connection, endpoint: &Endpoint) -> Result<(), StorageError> {
    sql::query(
        "UPDATE delivery SET in_order = $1
         WHERE endpoint = $2 AND state IN ('pending', 'leased')",
    )
    .bind(endpoint.in_order)
    .bind(&endpoint.id.as_bytes()[..])
    .execute(&mut *connection)
    .await
    .map_err(StorageError::doing("put deliveries in order"))?;
    announce_due(connection).await
}
