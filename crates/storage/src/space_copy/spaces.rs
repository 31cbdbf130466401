//! Which spaces are copied, and up to where their lists of repositories were read.

use jiff::Timestamp;
use loggia_syntax::{SpaceRef, Tid};

use super::{SpaceCopies, hold, maybe_tid};
use crate::column::{Reading, millis};
use crate::sql::{self, Executor, Row};
use crate::{BadRow, StorageError, Write, registration};

/// A space of which repositories are copied that are hosted elsewhere, as most often it is itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedSpace {
    /// Which one.
    pub space: SpaceRef,
    /// When copying began, as a revision.
    pub since: Tid,
    /// The place in the space's sequence up to which its list was read.
    pub listed: Option<Tid>,
    /// The newest place that was heard of; what lies before it was heard of or listed.
    pub heard: Option<Tid>,
    /// Whether the list was read to its end once.
    pub is_listed: bool,
}

/// What a space's host says of the place of a change in the space's sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequel {
    /// It comes right after what was heard of last, or is known.
    InOrder,
    /// Something before it was missed.
    Gap,
}

impl CopiedSpace {
    /// What it means to hear of this place, and the one before it.
    pub fn heard(&self, place: &Tid, before: Option<&Tid>) -> Sequel {
        let known = self.heard.as_ref().max(self.listed.as_ref());
        match (known, before) {
            (Some(known), _) if place <= known => Sequel::InOrder,
            (Some(known), Some(before)) if before <= known => Sequel::InOrder,
            // The first of all.
            (None, None) => Sequel::InOrder,
            _ => Sequel::Gap,
        }
    }
}

impl SpaceCopies {
    /// A space, if it is copied.
    pub async fn find_space(&self, space: &SpaceRef) -> Result<Option<CopiedSpace>, StorageError> {
        find(self.storage.readers(), space).await
    }

    /// The same within a transaction.
    pub async fn find_space_in(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<Option<CopiedSpace>, StorageError> {
        find(tx.sql(), space).await
    }

    /// Spaces that somebody is registered for and that are neither hosted here nor copied, at most
    /// `limit` in the order of their names, from after this text on.
    pub async fn wanted(
        &self,
        after: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<SpaceRef>, StorageError> {
        let rows = sql::query(
            "SELECT DISTINCT r.space FROM registration r WHERE r.space > $1 AND r.expires_at > $2
             AND NOT EXISTS (SELECT 1 FROM copied_space c WHERE c.space = r.space)
             AND NOT EXISTS (SELECT 1 FROM space s WHERE s.uri = r.space)
             ORDER BY r.space LIMIT $3",
        )
        .bind(after)
        .bind(millis(now))
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("look for spaces to copy"))?;
        Ok(rows.iter().map(name).collect::<Result<_, _>>()?)
    }

    /// At most `limit` copied spaces for which no URL is registered any more.
    pub async fn unwanted(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<SpaceRef>, StorageError> {
        let rows = sql::query(
            "SELECT c.space FROM copied_space c WHERE NOT EXISTS
                 (SELECT 1 FROM registration r WHERE r.space = c.space AND r.shape = 'webhook'
                  AND r.expires_at > $1)
             ORDER BY c.space LIMIT $2",
        )
        .bind(millis(now))
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("look for spaces to copy no longer"))?;
        Ok(rows.iter().map(name).collect::<Result<_, _>>()?)
    }

    /// Whether somebody is told record by record what happens in a space; its copies stay as they are until
    /// the transaction ends.
    pub async fn is_wanted(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        hold(tx.sql(), space).await?;
        sql::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM registration r WHERE r.space = $1 AND r.shape = 'webhook'
                 AND r.expires_at > $2)",
        )
        .bind(space.as_str())
        .bind(millis(now))
        .fetch_one(tx.sql())
        .await
        .map_err(StorageError::doing("look whether a space is to be copied"))
    }

    /// How many more spaces that are hosted elsewhere can be copied, and how many more of this one's authority.
    pub async fn room(&self, space: &SpaceRef) -> Result<u32, StorageError> {
        let (from, to) = registration::spaces_of(space);
        let row = sql::query(
            "SELECT (SELECT count(*) FROM copied_space c
                  WHERE NOT EXISTS (SELECT 1 FROM space s WHERE s.uri = c.space)),
                 (SELECT count(*) FROM copied_space WHERE space >= $1 AND space < $2)",
        )
        .bind(from)
        .bind(to)
        .fetch_one(self.storage.readers())
        .await;
        let counted = row.and_then(|row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)));
        let (all, of_authority) = counted.map_err(StorageError::doing("count copied spaces"))?;
        let left = |most: u32, there_are: i64| {
            let there_are = u32::try_from(there_are).unwrap_or(u32::MAX);
            most.saturating_sub(there_are)
        };
        Ok(left(Self::MOST_SPACES, all).min(left(Self::MOST_OF_AUTHORITY, of_authority)))
    }

    /// Begins to copy a space; false if it is copied already, or as many are as may be, of all or of its
    /// authority.
    pub async fn insert_space(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let micros = u64::try_from(now.as_microsecond()).unwrap_or_default();
        let since = Tid::from_micros(micros, 0).expect("revisions end in the year 2255");
        let (from, to) = registration::spaces_of(space);
        let inserted = sql::query(
            "INSERT INTO copied_space (space, since, is_listed, visit_at)
             SELECT $1, $2, 0, $3 WHERE
                 (SELECT count(*) FROM copied_space c
                  WHERE NOT EXISTS (SELECT 1 FROM space s WHERE s.uri = c.space)) < $4
                 AND (SELECT count(*) FROM copied_space WHERE space >= $5 AND space < $6) < $7
             ON CONFLICT (space) DO NOTHING",
        )
        .bind(space.as_str())
        .bind(since.as_str())
        .bind(millis(now))
        .bind(Self::MOST_SPACES)
        .bind(from)
        .bind(to)
        .bind(Self::MOST_OF_AUTHORITY)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("begin to copy a space"))?;
        Ok(inserted == 1)
    }

    /// Forgets a space and all of its copies; whether it was copied.
    pub async fn delete_space(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<bool, StorageError> {
        hold(tx.sql(), space).await?;
        let mut deleted = 0;
        for statement in [
            "DELETE FROM space_copy_record WHERE copy IN
                 (SELECT id FROM space_copy WHERE space = $1)",
            "DELETE FROM space_copy WHERE space = $1",
            "DELETE FROM copied_space WHERE space = $1",
        ] {
            deleted = sql::query(statement)
                .bind(space.as_str())
                .execute(tx.sql())
                .await
                .map_err(StorageError::doing("forget a copied space"))?;
        }
        Ok(deleted == 1)
    }

    /// The same bit by bit: the space at once, and of its copies at most so many rows. Whether nothing is
    /// left.
    pub async fn delete_part(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        limit: u32,
    ) -> Result<bool, StorageError> {
        hold(tx.sql(), space).await?;
        for statement in [
            "DELETE FROM copied_space WHERE space = $1 AND $2 > 0",
            "DELETE FROM space_copy_record WHERE (copy, collection, rkey) IN
                 (SELECT o.copy, o.collection, o.rkey FROM space_copy c
                  JOIN space_copy_record o ON o.copy = c.id WHERE c.space = $1 LIMIT $2)",
            "DELETE FROM space_copy WHERE id IN
                 (SELECT id FROM space_copy WHERE space = $1 LIMIT $2)",
        ] {
            let deleted = sql::query(statement)
                .bind(space.as_str())
                .bind(limit)
                .execute(tx.sql())
                .await
                .map_err(StorageError::doing("forget a copied space"))?;
            if deleted >= u64::from(limit) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// At most `limit` spaces that are to be visited by now.
    pub async fn due_spaces(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<SpaceRef>, StorageError> {
        let rows = sql::query(
            "SELECT space FROM copied_space WHERE visit_at <= $1 ORDER BY visit_at LIMIT $2",
        )
        .bind(millis(now))
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("look for spaces to visit"))?;
        Ok(rows.iter().map(name).collect::<Result<_, _>>()?)
    }

    /// Every space is to be visited at this time, or earlier if it is so already: after a start nobody
    /// knows what was missed.
    pub async fn visit_all(&self, tx: &mut Write, at: Timestamp) -> Result<(), StorageError> {
        sql::query("UPDATE copied_space SET visit_at = $1 WHERE visit_at > $1")
            .bind(millis(at))
            .execute(tx.sql())
            .await
            .map(drop)
            .map_err(StorageError::doing("want every copied space visited"))
    }

    /// Sets when a space is to be visited next.
    pub async fn visit_next(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        sql::query("UPDATE copied_space SET visit_at = $1 WHERE space = $2")
            .bind(millis(at))
            .bind(space.as_str())
            .execute(tx.sql())
            .await
            .map(drop)
            .map_err(StorageError::doing(
                "say when a copied space is visited next",
            ))
    }

    /// The list of a space was read up to this place; with `is_whole`, to its end.
    pub async fn listed(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        place: Option<&Tid>,
        is_whole: bool,
    ) -> Result<(), StorageError> {
        sql::query(
            "UPDATE copied_space SET is_listed = CASE WHEN $1 = 1 THEN 1 ELSE is_listed END,
                 listed = CASE WHEN listed IS NULL OR listed < $2 THEN $2 ELSE listed END
             WHERE space = $3",
        )
        .bind(is_whole)
        .bind(place.map(Tid::as_str))
        .bind(space.as_str())
        .execute(tx.sql())
        .await
        .map(drop)
        .map_err(StorageError::doing("keep up to where a space was listed"))
    }

    /// This place of a space was heard of, with everything before it heard of or listed by an errand
    /// that is wanted in the same transaction.
    pub async fn set_heard(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        place: &Tid,
    ) -> Result<(), StorageError> {
        sql::query(
            "UPDATE copied_space SET heard = $1 WHERE space = $2
             AND (heard IS NULL OR heard < $1)",
        )
        .bind(place.as_str())
        .bind(space.as_str())
        .execute(tx.sql())
        .await
        .map(drop)
        .map_err(StorageError::doing("keep what was heard of a space"))
    }
}

async fn find(on: impl Executor, space: &SpaceRef) -> Result<Option<CopiedSpace>, StorageError> {
    let row = sql::query("SELECT * FROM copied_space WHERE space = $1")
        .bind(space.as_str())
        .fetch_optional(on)
        .await
        .map_err(StorageError::doing("find a copied space"))?;
    Ok(row.as_ref().map(read).transpose()?)
}

fn read(row: &Row) -> Result<CopiedSpace, BadRow> {
    let space = name(row)?;
    let reading = Reading::new("copied_space", &space, row);
    Ok(CopiedSpace {
        since: reading.parse("since", |text: &str| Tid::new(text))?,
        listed: maybe_tid(&reading, "listed")?,
        heard: maybe_tid(&reading, "heard")?,
        is_listed: reading.get("is_listed")?,
        space,
    })
}

fn name(row: &Row) -> Result<SpaceRef, BadRow> {
    let unnamed = Reading::new("copied_space", "(unreadable)", row);
    unnamed.parse("space", |text: &str| SpaceRef::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tid(micros: u64) -> Tid {
        Tid::from_micros(micros, 0).expect("in range")
    }

    #[test]
    fn a_gap_is_what_lies_after_everything_that_is_known() {
        let space = SpaceRef::new("at://did:plc:abc123/space/com.example.forum/main");
        let known = |listed, heard| CopiedSpace {
            space: space.clone().expect("a space"),
            since: tid(1),
            listed: Option::map(listed, tid),
            heard: Option::map(heard, tid),
            is_listed: true,
        };
        use Sequel::{Gap, InOrder};
        for (listed, heard, place, before, expected) in [
            (None, None, 5, None, InOrder),
            (None, None, 5, Some(4), Gap),
            (Some(4), None, 5, Some(4), InOrder),
            (None, Some(4), 5, Some(4), InOrder),
            (Some(3), Some(4), 5, Some(4), InOrder),
            (Some(6), Some(4), 7, Some(6), InOrder),
            (Some(3), None, 5, Some(4), Gap),
            // Again, or late.
            (Some(5), None, 5, Some(4), InOrder),
            (Some(9), None, 5, Some(4), InOrder),
            // A sequence that begins anew was lost at its host.
            (Some(4), None, 5, None, Gap),
        ] {
            let before = before.map(tid);
            let found = known(listed, heard).heard(&tid(place), before.as_ref());
            assert_eq!(found, expected, "{listed:?} {heard:?} {place} {before:?}");
        }
    }
}
