//! Spaces whose authority is an account here, and the spaces that are known to be gone.

mod closing;
mod credential;
mod member;
mod rules;

use jiff::Timestamp;
use loggia_syntax::SpaceRef;

use crate::column::{Reading, millis};
use crate::sql::{self, Connection, Executor, Row};
use crate::{BadRow, Storage, StorageError, Write};

pub use credential::{IssuedCredential, TakenBack};
pub use member::{Member, MemberPut, Membership};
pub use rules::{AppAccess, SpacePolicy, UnknownRule};

/// A space whose authority is an account here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedSpace {
    /// Its name.
    pub uri: SpaceRef,
    /// Who may obtain a credential.
    pub read_policy: SpacePolicy,
    /// Whose writes are taken note of.
    pub write_policy: SpacePolicy,
    /// Which apps may obtain a credential.
    pub app_access: AppAccess,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What became of a new space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum SpaceInserted {
    /// It is there. If there was one of this name that is gone, nobody is told so any more.
    New,
    /// There is one of this name.
    Exists,
    /// There was one of this name, of which not everything is gone yet.
    Closing,
    /// The authority has as many as are allowed.
    Full,
}

/// The spaces of a store.
#[derive(Clone, Debug)]
pub struct Spaces {
    pub(crate) storage: Storage,
}

impl Spaces {
    /// Until the transaction ends nobody else changes the space, its members or its credentials.
    pub async fn hold(&self, tx: &mut Write, space: &SpaceRef) -> Result<(), StorageError> {
        tx.sql().hold(&format!("space {space}")).await
    }

    /// Opens a space, unless its authority has `most` already.
    pub async fn insert(
        &self,
        tx: &mut Write,
        space: &HostedSpace,
        most: u32,
    ) -> Result<SpaceInserted, StorageError> {
        let (authority, space_type, _) = space.uri.split();
        tx.sql().hold(&format!("spaces of {authority}")).await?;
        if find(tx.sql(), &space.uri).await?.is_some() {
            return Ok(SpaceInserted::Exists);
        }
        if self.is_closing(tx, &space.uri).await? {
            return Ok(SpaceInserted::Closing);
        }
        let count: i64 = sql::query_scalar("SELECT count(*) FROM space WHERE authority = $1")
            .bind(authority)
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("count spaces"))?;
        if count >= i64::from(most) {
            return Ok(SpaceInserted::Full);
        }
        sql::query(
            "INSERT INTO space (uri, authority, space_type, read_policy, write_policy, app_access,
                 created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(space.uri.as_str())
        .bind(authority)
        .bind(space_type)
        .bind(space.read_policy.to_string())
        .bind(space.write_policy.to_string())
        .bind(space.app_access.to_string())
        .bind(millis(space.created_at))
        .bind(millis(space.updated_at))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert a space"))?;
        forget(
            tx.sql(),
            "DELETE FROM space_tombstone WHERE space = $1",
            &space.uri,
        )
        .await?;
        Ok(SpaceInserted::New)
    }

    /// The space of this name, if its authority is an account here.
    pub async fn find(&self, space: &SpaceRef) -> Result<Option<HostedSpace>, StorageError> {
        find(self.storage.readers(), space).await
    }

    /// The same within a transaction.
    pub async fn find_in(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<Option<HostedSpace>, StorageError> {
        find(tx.sql(), space).await
    }

    /// Changes the rules of a space and the time at which it was changed.
    pub async fn update(&self, tx: &mut Write, space: &HostedSpace) -> Result<(), StorageError> {
        sql::query(
            "UPDATE space SET read_policy = $1, write_policy = $2, app_access = $3, updated_at = $4
             WHERE uri = $5",
        )
        .bind(space.read_policy.to_string())
        .bind(space.write_policy.to_string())
        .bind(space.app_access.to_string())
        .bind(millis(space.updated_at))
        .bind(space.uri.as_str())
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("update a space"))?;
        Ok(())
    }

    /// Whether something of a closed space is still there.
    async fn is_closing(&self, tx: &mut Write, space: &SpaceRef) -> Result<bool, StorageError> {
        sql::query_scalar("SELECT EXISTS (SELECT 1 FROM errand WHERE kind = $1 AND subject = $2)")
            .bind(Self::CLOSING)
            .bind(space.as_str())
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("look whether a space is being closed"))
    }

    /// Remembers that a space is gone, wherever its authority is. Only opening it anew ends that.
    pub async fn bury(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        sql::query(
            "INSERT INTO space_tombstone (space, deleted_at) VALUES ($1, $2)
             ON CONFLICT (space) DO NOTHING",
        )
        .bind(space.as_str())
        .bind(millis(now))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("remember a deleted space"))?;
        Ok(())
    }

    /// Whether anybody here has something in a space, or is registered for it: what strangers say of
    /// any other is not worth remembering.
    pub async fn is_of_concern(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<bool, StorageError> {
        sql::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM space_repo WHERE space = $1
                 UNION ALL SELECT 1 FROM registration WHERE space = $1
                 UNION ALL SELECT 1 FROM copied_space WHERE space = $1)",
        )
        .bind(space.as_str())
        .fetch_one(tx.sql())
        .await
        .map_err(StorageError::doing("look for what there is in a space"))
    }

    /// Whether the space is known to be gone.
    pub async fn is_deleted(&self, space: &SpaceRef) -> Result<bool, StorageError> {
        is_deleted(self.storage.readers(), space).await
    }

    /// The same within a transaction.
    pub async fn is_deleted_in(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<bool, StorageError> {
        is_deleted(tx.sql(), space).await
    }
}

async fn is_deleted(on: impl Executor, space: &SpaceRef) -> Result<bool, StorageError> {
    sql::query_scalar("SELECT EXISTS (SELECT 1 FROM space_tombstone WHERE space = $1)")
        .bind(space.as_str())
        .fetch_one(on)
        .await
        .map_err(StorageError::doing("look a deleted space up"))
}

async fn find(on: impl Executor, space: &SpaceRef) -> Result<Option<HostedSpace>, StorageError> {
    let row = sql::query("SELECT * FROM space WHERE uri = $1")
        .bind(space.as_str())
        .fetch_optional(on)
        .await
        .map_err(StorageError::doing("find a space"))?;
    Ok(row.as_ref().map(read).transpose()?)
}

/// Executes a statement whose one parameter is a space; how many rows it wrote.
async fn forget(
    connection: &mut Connection,
    statement: &'static str,
    space: &SpaceRef,
) -> Result<u64, StorageError> {
    sql::query(statement)
        .bind(space.as_str())
        .execute(connection)
        .await
        .map_err(StorageError::doing("delete what belongs to a space"))
}

fn read(row: &Row) -> Result<HostedSpace, BadRow> {
    let unnamed = Reading::new("space", "(unreadable)", row);
    let uri = unnamed.parse("uri", |text: &str| SpaceRef::new(text))?;
    let reading = Reading::new("space", &uri, row);
    Ok(HostedSpace {
        read_policy: reading.parse("read_policy", str::parse::<SpacePolicy>)?,
        write_policy: reading.parse("write_policy", str::parse::<SpacePolicy>)?,
        app_access: reading.parse("app_access", str::parse::<AppAccess>)?,
        created_at: reading.time("created_at")?,
        updated_at: reading.time("updated_at")?,
        uri,
    })
}
