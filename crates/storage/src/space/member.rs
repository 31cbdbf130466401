//! Who is on the list of a space.

use std::collections::BTreeSet;

use jiff::Timestamp;
use loggia_syntax::{Did, SpaceRef};

use super::Spaces;
use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Executor, Kind, Row, Rows};
use crate::{BadRow, StorageError, Write};

const FIND: &str = "SELECT * FROM space_member WHERE space = $1 AND did = $2";
const LIST: &str = "SELECT * FROM space_member WHERE space = $1 AND did > $2 ORDER BY did LIMIT $3";

/// Somebody on the list of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub did: Did,
    /// Whether they may obtain a credential where the policy goes by the list.
    pub read: bool,
    /// Whether their writes count where the policy goes by the list.
    pub write: bool,
}

/// Somebody on the list of a space, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Who, and what they may do.
    pub member: Member,
    /// When they came onto the list.
    pub since: Timestamp,
}

/// What became of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum MemberPut {
    /// They are new.
    Added,
    /// They were there, like this.
    Changed(Member),
    /// The space has as many as are allowed.
    Full,
}

impl Spaces {
    /// Puts somebody on the list of a space that is held, or changes what they may do.
    pub async fn put_member(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        member: &Member,
        most: u32,
        now: Timestamp,
    ) -> Result<MemberPut, StorageError> {
        let before = find(tx.sql(), space, &member.did).await?;
        if before.is_none() && self.count_members(tx, space).await? >= i64::from(most) {
            return Ok(MemberPut::Full);
        }
        sql::query(
            "INSERT INTO space_member (space, did, may_read, may_write, added_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (space, did) DO UPDATE
             SET may_read = excluded.may_read, may_write = excluded.may_write",
        )
        .bind(space.as_str())
        .bind(member.did.as_str())
        .bind(member.read)
        .bind(member.write)
        .bind(millis(now))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("put a member"))?;
        Ok(before.map_or(MemberPut::Added, MemberPut::Changed))
    }

    /// Strikes somebody off the list of a space that is held; whether they were on it.
    pub async fn remove_member(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        did: &Did,
    ) -> Result<bool, StorageError> {
        let removed = sql::query("DELETE FROM space_member WHERE space = $1 AND did = $2")
            .bind(space.as_str())
            .bind(did.as_str())
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("remove a member"))?;
        Ok(removed == 1)
    }

    /// Somebody, if they are on the list.
    pub async fn member(
        &self,
        space: &SpaceRef,
        did: &Did,
    ) -> Result<Option<Member>, StorageError> {
        find(self.storage.readers(), space, did).await
    }

    /// The same within a transaction.
    pub async fn member_in(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        did: &Did,
    ) -> Result<Option<Member>, StorageError> {
        find(tx.sql(), space, did).await
    }

    /// Those of them who are on the list and may read, within a transaction.
    pub async fn readers_among(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        dids: &BTreeSet<Did>,
    ) -> Result<BTreeSet<Did>, StorageError> {
        const ASKED: Columns = &[("space", Kind::Text), ("did", Kind::Text)];
        let mut rows = Rows::new(ASKED);
        for did in dids {
            rows.push([space.as_str().into(), did.as_str().into()]);
        }
        let found = rows
            .fetch_all(
                tx.sql(),
                "SELECT m.* FROM r JOIN space_member m ON m.space = r.space AND m.did = r.did
                 WHERE m.may_read <> 0",
            )
            .await
            .map_err(StorageError::doing("find members who may read"))?;
        let did = |row| Ok(read(row)?.did);
        found.iter().map(did).collect()
    }

    /// Somebody, and since when, if they are on the list.
    pub async fn membership_in(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        did: &Did,
    ) -> Result<Option<Membership>, StorageError> {
        let row = sql::query(FIND)
            .bind(space.as_str())
            .bind(did.as_str())
            .fetch_optional(tx.sql())
            .await
            .map_err(StorageError::doing("find a member"))?;
        Ok(row.as_ref().map(read_since).transpose()?)
    }

    /// At most `limit` members and since when they are, by DID, from after this text on.
    pub async fn memberships_in(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Membership>, StorageError> {
        let rows = sql::query(LIST)
            .bind(space.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(tx.sql())
            .await
            .map_err(StorageError::doing("list members"))?;
        Ok(rows.iter().map(read_since).collect::<Result<_, _>>()?)
    }

    /// How many are on the list.
    pub async fn count_members(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<i64, StorageError> {
        sql::query_scalar("SELECT count(*) FROM space_member WHERE space = $1")
            .bind(space.as_str())
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("count members"))
    }

    /// At most `limit` members, by DID, from after this text on.
    pub async fn list_members(
        &self,
        space: &SpaceRef,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Member>, StorageError> {
        let rows = sql::query(LIST)
            .bind(space.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list members"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

async fn find(
    on: impl Executor,
    space: &SpaceRef,
    did: &Did,
) -> Result<Option<Member>, StorageError> {
    let row = sql::query(FIND)
        .bind(space.as_str())
        .bind(did.as_str())
        .fetch_optional(on)
        .await
        .map_err(StorageError::doing("find a member"))?;
    Ok(row.as_ref().map(read).transpose()?)
}

fn read(row: &Row) -> Result<Member, BadRow> {
    let unnamed = Reading::new("space_member", "(unreadable)", row);
    let did = unnamed.parse("did", |text: &str| Did::new(text))?;
    let reading = Reading::new("space_member", &did, row);
    Ok(Member {
        read: reading.get("may_read")?,
        write: reading.get("may_write")?,
        did,
    })
}

fn read_since(row: &Row) -> Result<Membership, BadRow> {
    let member = read(row)?;
    let reading = Reading::new("space_member", &member.did, row);
    Ok(Membership {
        since: reading.time("added_at")?,
        member,
    })
}
