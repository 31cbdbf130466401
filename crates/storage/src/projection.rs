//! Projections: who has which, and how far each has come.

pub(crate) mod row;

use jiff::Timestamp;
use loggia_delivery::{EndpointId, sortable_id};
use loggia_syntax::Did;

use crate::column::millis;
use crate::event::{self, EventId};
use crate::sql::{self, Connection};
use crate::{Storage, StorageError, Write, endpoint};

sortable_id! {
    /// Which projection.
    ProjectionId
}

/// A projection as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Which projection.
    pub id: ProjectionId,
    /// Whose it is.
    pub owner: Did,
    /// What its owner wrote, JSON.
    pub definition: String,
    /// Where its webhook goes, if it has one.
    pub endpoint: Option<EndpointId>,
    /// Whether its webhook has a secret of its own.
    pub isolated: bool,
    /// Whether it goes on.
    pub status: ProjectionStatus,
    /// Grows with every change by its owner.
    pub revision: i64,
    /// Grows with every new beginning.
    pub generation: i64,
    /// The position of the last event that is folded.
    pub cursor: i64,
    /// The last notification; 0 before the first.
    pub sequence: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
}

/// Whether a projection goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectionStatus {
    /// It folds what comes.
    Active,
    /// It stands before an event that it cannot fold, or cannot be read itself.
    Parked(Parked),
}

/// Why a projection stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The event that it stands before; none if it is the store that cannot be read.
    pub event: Option<EventId>,
    /// What is wrong.
    pub error: String,
    /// Since when.
    pub at: Timestamp,
}

/// What an owner says of a projection.
#[derive(Clone, Debug)]
pub struct NewProjection {
    /// What they wrote, JSON.
    pub definition: String,
    /// The source other than the API that it reads, by a name that others can look for.
    pub reads: Option<String>,
}

/// The projections of a store. Somebody else's is as good as none.
#[derive(Clone, Debug)]
pub struct Projections {
    pub(crate) storage: Storage,
}

impl Projections {
    /// Adds a projection that begins with the first event of its owner, unless they have `most` of
    /// them; whether it was added. An endpoint that comes with it belongs to it alone.
    pub async fn insert(
        &self,
        tx: &mut Write,
        (id, owner): (ProjectionId, &Did),
        new: &NewProjection,
        most: u32,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        hold(tx.sql(), owner).await?;
        event::begin(tx.sql(), owner).await?;
        let kept: i64 = sql::query_scalar(
            "SELECT count(*) FROM projection WHERE owner = $1 AND status <> 'deleted'",
        )
        .bind(owner.as_str())
        .fetch_one(tx.sql())
        .await
        .map_err(StorageError::doing("count projections"))?;
        if kept >= i64::from(most) {
            return Ok(false);
        }
        sql::query(
            "INSERT INTO projection (id, owner, definition, reads, isolated, status, revision,
                 generation, cursor, sequence, created_at, updated_at)
             VALUES ($1, $2, $3, $4, 0, 'active', 0, 0, 0, 0, $5, $5)",
        )
        .bind(&id.as_bytes()[..])
        .bind(owner.as_str())
        .bind(&new.definition)
        .bind(&new.reads)
        .bind(millis(now))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert a projection"))?;
        Ok(true)
    }

    /// Changes what an owner says of a projection; whether there is such. A parked one goes on where
    /// it stood.
    pub async fn update(
        &self,
        tx: &mut Write,
        (id, owner): (ProjectionId, &Did),
        new: &NewProjection,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let updated = sql::query(
            "UPDATE projection SET definition = $1, reads = $2, revision = revision + 1,
                 status = 'active', parked_event = NULL, parked_error = NULL, parked_at = NULL,
                 updated_at = $3
             WHERE id = $4 AND owner = $5 AND status <> 'deleted'",
        )
        .bind(&new.definition)
        .bind(&new.reads)
        .bind(millis(now))
        .bind(&id.as_bytes()[..])
        .bind(owner.as_str())
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("change a projection"))?;
        Ok(updated == 1)
    }

    /// Begins anew with the first event, without states; whether there is such a projection.
    /// Notifications go on with the next number.
    pub async fn restart(
        &self,
        tx: &mut Write,
        (id, owner): (ProjectionId, &Did),
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let restarted = sql::query(
            "UPDATE projection SET generation = generation + 1, revision = revision + 1, cursor = 0,
                 status = 'active', parked_event = NULL, parked_error = NULL, parked_at = NULL,
                 updated_at = $1
             WHERE id = $2 AND owner = $3 AND status <> 'deleted'",
        )
        .bind(millis(now))
        .bind(&id.as_bytes()[..])
        .bind(owner.as_str())
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("restart a projection"))?;
        Ok(restarted == 1)
    }

    /// Removes a projection and its webhook; whether there was such. Its states and notifications go
    /// with the next sweep. After the commit, tell the engine's handle of the endpoint.
    pub async fn delete(
        &self,
        tx: &mut Write,
        (id, owner): (ProjectionId, &Did),
        now: Timestamp,
    ) -> Result<Option<Projection>, StorageError> {
        let Some(found) = find(tx.sql(), id, owner).await? else {
            return Ok(None);
        };
        if let Some(endpoint) = found.endpoint {
            endpoint::delete(tx.sql(), owner, (endpoint, false), now).await?;
        }
        sql::query(
            "UPDATE projection SET status = 'deleted', revision = revision + 1, endpoint = NULL,
                 reads = NULL, updated_at = $1 WHERE id = $2",
        )
        .bind(millis(now))
        .bind(&id.as_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("delete a projection"))?;
        Ok(Some(found))
    }

    /// The owner's projection of this id.
    pub async fn find(
        &self,
        id: ProjectionId,
        owner: &Did,
    ) -> Result<Option<Projection>, StorageError> {
        let doing = StorageError::doing("find a projection");
        let mut connection = self.storage.readers().acquire().await.map_err(doing)?;
        find(&mut connection, id, owner).await
    }

    /// The same within the transaction that changes it.
    pub async fn find_within(
        &self,
        tx: &mut Write,
        (id, owner): (ProjectionId, &Did),
    ) -> Result<Option<Projection>, StorageError> {
        find(tx.sql(), id, owner).await
    }

    /// At most `limit` of the owner's projections, newest first, after the one named. One that cannot
    /// be read is shown as parked, with what is wrong.
    pub async fn list(
        &self,
        owner: &Did,
        after: Option<ProjectionId>,
        limit: u32,
    ) -> Result<Vec<Projection>, StorageError> {
        let after = after.map_or([0xff; 16], |id| *id.as_bytes());
        let rows = sql::query(
            "SELECT * FROM projection WHERE owner = $1 AND id < $2 AND status <> 'deleted'
             ORDER BY id DESC LIMIT $3",
        )
        .bind(owner.as_str())
        .bind(&after[..])
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list projections"))?;
        Ok(rows.iter().filter_map(row::read_or_damaged).collect())
    }
}

/// How many projections an owner has, and which secret they share, stays as it is until the
/// transaction ends.
pub(crate) async fn hold(connection: &mut Connection, owner: &Did) -> Result<(), StorageError> {
    connection.hold(&format!("projections of {owner}")).await
}

async fn find(
    connection: &mut Connection,
    id: ProjectionId,
    owner: &Did,
) -> Result<Option<Projection>, StorageError> {
    let row =
        sql::query("SELECT * FROM projection WHERE id = $1 AND owner = $2 AND status <> 'deleted'")
            .bind(&id.as_bytes()[..])
            .bind(owner.as_str())
            .fetch_optional(connection)
            .await
            .map_err(StorageError::doing("find a projection"))?;
    Ok(row.as_ref().and_then(row::read_or_damaged))
}
