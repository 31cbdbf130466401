//! Proposals as rows.

use loggia_syntax::{Did, SpaceRef};

use super::{NewProposal, Proposal, ProposalId, ProposalKind, ProposalStatus};
use crate::column::{Reading, millis};
use crate::sql::{self, Connection, Executor, Row};
use crate::{BadRow, StorageError};

/// Those for a space, of a kind, before an id, of a status or all, so many.
pub(super) const OF_SPACE: &str = "SELECT * FROM community_proposal
     WHERE space = $1 AND kind = $2 AND id < $3 AND (status = $4 OR $4 = '')
     ORDER BY id DESC LIMIT $5";

/// The same for an account.
pub(super) const OF_ACCOUNT: &str = "SELECT * FROM community_proposal
     WHERE did = $1 AND kind = $2 AND id < $3 AND (status = $4 OR $4 = '')
     ORDER BY id DESC LIMIT $5";

pub(super) mod count {
    //! How many proposals there are.

    use jiff::Timestamp;

    use super::{Connection, NewProposal, StorageError, millis, sql};

    /// Of the kind for the space: pending, or made since then.
    pub(in super::super) async fn for_space(
        connection: &mut Connection,
        new: &NewProposal,
        since: Timestamp,
    ) -> Result<i64, StorageError> {
        sql::query_scalar(
            "SELECT count(*) FROM community_proposal
             WHERE space = $1 AND kind = $2 AND (status = 'pending' OR created_at > $3)",
        )
        .bind(new.space.as_str())
        .bind(new.kind.as_str())
        .bind(millis(since))
        .fetch_one(connection)
        .await
        .map_err(StorageError::doing("count a space's proposals"))
    }

    /// Of the kind about the account: pending.
    pub(in super::super) async fn by_account(
        connection: &mut Connection,
        new: &NewProposal,
    ) -> Result<i64, StorageError> {
        sql::query_scalar(
            "SELECT count(*) FROM community_proposal
             WHERE did = $1 AND kind = $2 AND status = 'pending'",
        )
        .bind(new.did.as_str())
        .bind(new.kind.as_str())
        .fetch_one(connection)
        .await
        .map_err(StorageError::doing("count an account's proposals"))
    }

    /// Of the kind about the account for the space: made since then.
    pub(in super::super) async fn to_space(
        connection: &mut Connection,
        new: &NewProposal,
        since: Timestamp,
    ) -> Result<i64, StorageError> {
        sql::query_scalar(
            "SELECT count(*) FROM community_proposal
             WHERE space = $1 AND kind = $2 AND did = $3 AND created_at > $4",
        )
        .bind(new.space.as_str())
        .bind(new.kind.as_str())
        .bind(new.did.as_str())
        .bind(millis(since))
        .fetch_one(connection)
        .await
        .map_err(StorageError::doing(
            "count an account's proposals to a space",
        ))
    }
}

pub(super) async fn insert(
    connection: &mut Connection,
    proposal: &Proposal,
) -> Result<(), StorageError> {
    let new = &proposal.new;
    sql::query(
        "INSERT INTO community_proposal (id, kind, space, did, may_read, may_write, message, status,
             answered_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&proposal.id.as_bytes()[..])
    .bind(new.kind.as_str())
    .bind(new.space.as_str())
    .bind(new.did.as_str())
    .bind(new.read)
    .bind(new.write)
    .bind(&new.message)
    .bind(proposal.status.as_str())
    .bind(proposal.answered_by.as_ref().map(Did::as_str))
    .bind(millis(proposal.created_at))
    .bind(millis(proposal.updated_at))
    .execute(connection)
    .await
    .map_err(StorageError::doing("insert a proposal"))?;
    Ok(())
}

pub(super) async fn find(
    on: impl Executor,
    id: ProposalId,
) -> Result<Option<Proposal>, StorageError> {
    let row = sql::query("SELECT * FROM community_proposal WHERE id = $1")
        .bind(&id.as_bytes()[..])
        .fetch_optional(on)
        .await
        .map_err(StorageError::doing("find a proposal"))?;
    Ok(row.as_ref().map(read).transpose()?)
}

pub(super) fn read(row: &Row) -> Result<Proposal, BadRow> {
    let unnamed = Reading::new("community_proposal", "(unreadable)", row);
    let id = unnamed.parse("id", ProposalId::from_slice)?;
    let reading = Reading::new("community_proposal", id, row);
    Ok(Proposal {
        id,
        new: NewProposal {
            kind: reading.parse("kind", str::parse::<ProposalKind>)?,
            space: reading.parse("space", |text: &str| SpaceRef::new(text))?,
            did: reading.parse("did", |text: &str| Did::new(text))?,
            read: reading.get("may_read")?,
            write: reading.get("may_write")?,
            message: reading.get("message")?,
        },
        status: reading.parse("status", str::parse::<ProposalStatus>)?,
        answered_by: reading.parse("answered_by", |did: Option<&str>| {
            did.map(Did::new).transpose()
        })?,
        created_at: reading.time("created_at")?,
        updated_at: reading.time("updated_at")?,
    })
}
