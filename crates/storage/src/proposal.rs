//! Who is to become a member of a space: because they ask, or because its owner invites them.
//!
//! A member has nothing pending, and nobody has two things pending for one space: whoever proposes or
//! answers holds the space.

mod row;

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::sortable_id;
use loggia_syntax::{Did, SpaceRef};

use crate::column::millis;
use crate::sql;
use crate::{Storage, StorageError, Write};
use row::{count, find, insert, read};

sortable_id! {
    /// Which proposal.
    ProposalId
}

/// What a proposal waits for, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Which proposal.
    pub id: ProposalId,
    /// What was proposed.
    pub new: NewProposal,
    /// Whether it waits.
    pub status: ProposalStatus,
    /// Who answered it.
    pub answered_by: Option<Did>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProposal {
    /// Who proposes, and so who answers.
    pub kind: ProposalKind,
    /// Which space.
    pub space: SpaceRef,
    /// Who is to become a member.
    pub did: Did,
    /// Whether they would be let in to read.
    pub read: bool,
    /// Whether their writes would count.
    pub write: bool,
    /// Words to whoever answers.
    pub message: Option<String>,
}

/// Who proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalKind {
    /// Whoever wants to be a member; the owner of the space answers.
    JoinRequest,
    /// The owner of the space; the other one answers.
    Invite,
}

/// Whether a proposal waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalStatus {
    /// It waits for an answer.
    Pending,
    /// They became a member.
    Accepted,
    /// The answer was no.
    Declined,
    /// Whoever made it has taken it back.
    Withdrawn,
}

/// How many proposals there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProposalCaps {
    /// Of one kind for one space: pending ones, and those that were made within the last day. What is
    /// taken back at once counts, as whoever answers was told of it.
    pub per_space: u32,
    /// Pending requests of one account.
    pub per_account: u32,
    /// Requests of one account to one space within a day, whatever became of them.
    pub a_day: u32,
}

/// What became of a new proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Proposed {
    /// It waits for an answer.
    Done(Box<Proposal>),
    /// This one waits already, for the same account and space.
    Waits(Box<Proposal>),
    /// The account asks for too much.
    TooMany,
    /// The space has as many as are allowed.
    SpaceFull,
}

/// Which proposals to list.
#[derive(Clone, Copy, Debug)]
pub enum ProposalsOf<'a> {
    /// Those for a space.
    Space(&'a SpaceRef),
    /// Those about an account.
    Account(&'a Did),
}

/// The proposals of a store.
#[derive(Clone, Debug)]
pub struct Proposals {
    pub(crate) storage: Storage,
}

/// What counts as lately.
const DAY: SignedDuration = SignedDuration::from_hours(24);

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        impl $type {
            /// The name in storage.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }

        impl FromStr for $type {
            type Err = loggia_delivery::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(loggia_delivery::UnknownName(name.to_owned())),
                }
            }
        }
    };
}

names!(ProposalKind {
    JoinRequest = "request",
    Invite = "invite",
});
names!(ProposalStatus {
    Pending = "pending",
    Accepted = "accepted",
    Declined = "declined",
    Withdrawn = "withdrawn",
});

impl Proposals {
    /// Proposes that somebody who is no member of a space that is held becomes one.
    pub async fn propose(
        &self,
        tx: &mut Write,
        id: ProposalId,
        new: NewProposal,
        caps: &ProposalCaps,
        now: Timestamp,
    ) -> Result<Proposed, StorageError> {
        // Always after the space, so that no two wait for each other.
        tx.sql().hold(&format!("proposals of {}", new.did)).await?;
        if let Some(waits) = self.pending_in(tx, &new.space, &new.did).await? {
            return Ok(Proposed::Waits(Box::new(waits)));
        }
        let lately = now - DAY;
        if count::for_space(tx.sql(), &new, lately).await? >= i64::from(caps.per_space) {
            return Ok(Proposed::SpaceFull);
        }
        if new.kind == ProposalKind::JoinRequest {
            let open = count::by_account(tx.sql(), &new).await?;
            let today = count::to_space(tx.sql(), &new, lately).await?;
            if open >= i64::from(caps.per_account) || today >= i64::from(caps.a_day) {
                return Ok(Proposed::TooMany);
            }
        }
        let at = to_millisecond(now);
        let proposal = Proposal {
            id,
            new,
            status: ProposalStatus::Pending,
            answered_by: None,
            created_at: at,
            updated_at: at,
        };
        insert(tx.sql(), &proposal).await?;
        Ok(Proposed::Done(Box::new(proposal)))
    }

    /// The proposal of this id.
    pub async fn find(&self, id: ProposalId) -> Result<Option<Proposal>, StorageError> {
        find(self.storage.readers(), id).await
    }

    /// The same within a transaction.
    pub async fn find_in(
        &self,
        tx: &mut Write,
        id: ProposalId,
    ) -> Result<Option<Proposal>, StorageError> {
        find(tx.sql(), id).await
    }

    /// What waits for an answer for somebody and a space.
    pub async fn pending_in(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        did: &Did,
    ) -> Result<Option<Proposal>, StorageError> {
        let row = sql::query(
            "SELECT * FROM community_proposal
             WHERE space = $1 AND did = $2 AND status = 'pending'",
        )
        .bind(space.as_str())
        .bind(did.as_str())
        .fetch_optional(tx.sql())
        .await
        .map_err(StorageError::doing("look for what waits for an answer"))?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// Says in other words what a proposal that waits proposes. In the transaction in which it was
    /// found, with its space held.
    pub async fn reword(
        &self,
        tx: &mut Write,
        waits: Proposal,
        new: NewProposal,
        now: Timestamp,
    ) -> Result<Proposal, StorageError> {
        sql::query(
            "UPDATE community_proposal SET may_read = $1, may_write = $2, message = $3,
                 updated_at = $4 WHERE id = $5",
        )
        .bind(new.read)
        .bind(new.write)
        .bind(&new.message)
        .bind(millis(now))
        .bind(&waits.id.as_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("change a proposal"))?;
        Ok(Proposal {
            new,
            updated_at: to_millisecond(now),
            ..waits
        })
    }

    /// Ends a proposal, if it still waits; none if it does not. With its space held.
    pub async fn settle(
        &self,
        tx: &mut Write,
        waits: Proposal,
        (status, by): (ProposalStatus, Option<&Did>),
        now: Timestamp,
    ) -> Result<Option<Proposal>, StorageError> {
        let settled = sql::query(
            "UPDATE community_proposal SET status = $1, answered_by = $2, may_read = $3,
                 may_write = $4, updated_at = $5 WHERE id = $6 AND status = 'pending'",
        )
        .bind(status.as_str())
        .bind(by.map(Did::as_str))
        .bind(waits.new.read)
        .bind(waits.new.write)
        .bind(millis(now))
        .bind(&waits.id.as_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("end a proposal"))?;
        let ended = Proposal {
            status,
            answered_by: by.cloned(),
            updated_at: to_millisecond(now),
            ..waits
        };
        Ok((settled == 1).then_some(ended))
    }

    /// At most `limit` proposals of a kind, newest first, after the one named; those of one status, or
    /// all.
    pub async fn list(
        &self,
        (kind, of): (ProposalKind, ProposalsOf<'_>),
        status: Option<ProposalStatus>,
        after: Option<ProposalId>,
        limit: u32,
    ) -> Result<Vec<Proposal>, StorageError> {
        let (text, whose) = match of {
            ProposalsOf::Space(space) => (row::OF_SPACE, space.as_str()),
            ProposalsOf::Account(did) => (row::OF_ACCOUNT, did.as_str()),
        };
        let after = after.map_or([0xff; 16], |id| *id.as_bytes());
        let rows = sql::query(text)
            .bind(whose)
            .bind(kind.as_str())
            .bind(&after[..])
            .bind(status.map_or("", ProposalStatus::as_str))
            .bind(limit)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list proposals"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Forgets all proposals for a space that is gone.
    pub async fn delete_space(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<u64, StorageError> {
        sql::query("DELETE FROM community_proposal WHERE space = $1")
            .bind(space.as_str())
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("delete a space's proposals"))
    }

    /// Takes back at most `limit` requests that have waited since before that time: whoever does not
    /// answer in weeks does not answer, and a space has room for so many. How many those were.
    pub async fn expire(&self, asked_before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "UPDATE community_proposal SET status = 'withdrawn' WHERE id IN
                 (SELECT id FROM community_proposal WHERE status = 'pending'
                  AND kind = 'request' AND updated_at < $1 ORDER BY updated_at LIMIT $2)
             AND status = 'pending'";
        self.storage
            .forget(
                sql,
                asked_before,
                limit,
                "take requests back that nobody answers",
            )
            .await
    }

    /// Forgets at most `limit` proposals that ended before that time; how many those were.
    pub async fn sweep(&self, ended_before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM community_proposal WHERE id IN
                 (SELECT id FROM community_proposal
                  WHERE status <> 'pending' AND updated_at < $1 ORDER BY updated_at LIMIT $2)";
        self.storage
            .forget(sql, ended_before, limit, "forget proposals that have ended")
            .await
    }
}

/// The time as it will be read back.
fn to_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(millis(time)).unwrap_or(time)
}
