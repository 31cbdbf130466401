//! Copies that do not go on: why, and when that is tried again.

use jiff::{SignedDuration, Timestamp};
use loggia_syntax::{Did, SpaceRef};

use super::{MOST_TROUBLE, SpaceCopies};
use crate::column::{Reading, millis, millis_up};
use crate::sql::{self, Row};
use crate::{BadRow, RepoName, StorageError, Write};

/// How long a copy is left alone after its first trouble, and at most.
const PAUSE: [SignedDuration; 2] = [
    SignedDuration::from_mins(10),
    SignedDuration::from_hours(24),
];
/// The pause doubles this often: then it is the longest.
const DOUBLINGS: i64 = 8;

/// A copy whose time has come to be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Whose repository.
    pub author: Did,
    /// What was wanted when it was given up, as it was said to [`SpaceCopies::trouble`].
    pub wanted: Option<String>,
}

impl SpaceCopies {
    /// Says why a copy does not go on, and what was wanted. What is there stays as it was proved. After
    /// a pause, which doubles with each trouble in a row, it is to be tried again.
    pub async fn trouble(
        &self,
        tx: &mut Write,
        name: &RepoName,
        (why, wanted): (&str, &str),
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let doing = "say what is wrong with a copy";
        let why = &why[..why.floor_char_boundary(MOST_TROUBLE)];
        let troubles: Option<i64> =
            sql::query_scalar("SELECT troubles FROM space_copy WHERE space = $1 AND author = $2")
                .bind(name.space.as_str())
                .bind(name.author.as_str())
                .fetch_optional(tx.sql())
                .await
                .map_err(StorageError::doing(doing))?;
        let Some(troubles) = troubles else {
            return Ok(());
        };
        sql::query(
            "UPDATE space_copy SET trouble = $1, trouble_at = $2, troubles = $3, retry_at = $4,
                 wanted = $5
             WHERE space = $6 AND author = $7",
        )
        .bind(why)
        .bind(millis(now))
        .bind(troubles.saturating_add(1))
        .bind(millis_up(retry_at(troubles, now)))
        .bind(wanted)
        .bind(name.space.as_str())
        .bind(name.author.as_str())
        .execute(tx.sql())
        .await
        .map(drop)
        .map_err(StorageError::doing(doing))
    }

    /// Takes at most `limit` copies of a space that are to be tried again by now: in the transaction
    /// that has them tried. Those whose trouble lasts come again after their next one.
    pub async fn take_retries(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Retry>, StorageError> {
        let rows = sql::query(
            "UPDATE space_copy SET retry_at = NULL WHERE id IN
                 (SELECT id FROM space_copy WHERE space = $1 AND retry_at <= $2
                  ORDER BY retry_at LIMIT $3)
             RETURNING author, wanted",
        )
        .bind(space.as_str())
        .bind(millis(now))
        .bind(limit)
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("take copies to try again"))?;
        let read = |row: &Row| {
            let reading = Reading::new("space_copy", space, row);
            Ok(Retry {
                author: reading.parse("author", |text: &str| Did::new(text))?,
                wanted: reading.get("wanted")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, BadRow>>()?)
    }
}

fn retry_at(troubles: i64, now: Timestamp) -> Timestamp {
    let doubled = PAUSE[0] * 2_i32.pow(u32::try_from(troubles.clamp(0, DOUBLINGS)).unwrap_or(0));
    let pause = doubled.min(PAUSE[1]);
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_day() {
        for (troubles, minutes) in [(0, 10), (1, 20), (7, 1_280), (8, 1_440), (i64::MAX, 1_440)] {
            let at = retry_at(troubles, Timestamp::UNIX_EPOCH);
            assert_eq!(at.as_second(), minutes * 60, "{troubles}");
        }
    }
}
