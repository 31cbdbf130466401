//! How many projections read from sources: each makes whatever the source says one more event.

use loggia_syntax::Did;

use crate::projection::hold;
use crate::sql;
use crate::{ProjectionId, Projections, StorageError, Write};

/// Most projections that read from sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderCaps {
    /// Of one owner, whatever they read.
    pub of_owner: u32,
    /// Of all owners, of one source.
    pub of_source: u32,
}

/// Whether one more projection may read from a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum ReaderRoom {
    /// It may.
    Free,
    /// Its owner has as many as one may have.
    OwnerFull,
    /// The source has as many.
    SourceFull,
}

impl Projections {
    /// Whether a projection may read from a source, which is what the first words of the names say that
    /// are read of it. Stays true until the transaction ends; one that reads there already counts once.
    pub async fn room_to_read(
        &self,
        tx: &mut Write,
        (id, owner): (ProjectionId, &Did),
        source: &str,
        caps: ReaderCaps,
    ) -> Result<ReaderRoom, StorageError> {
        hold(tx.sql(), owner).await?;
        tx.sql().hold(&format!("readers of {source}")).await?;
        let own: i64 = sql::query_scalar(
            "SELECT count(*) FROM projection
             WHERE owner = $1 AND reads IS NOT NULL AND status <> 'deleted' AND id <> $2",
        )
        .bind(owner.as_str())
        .bind(&id.as_bytes()[..])
        .fetch_one(tx.sql())
        .await
        .map_err(StorageError::doing(
            "count projections that read from sources",
        ))?;
        if own >= i64::from(caps.of_owner) {
            return Ok(ReaderRoom::OwnerFull);
        }
        let words = format!("{source} ");
        let all: i64 = sql::query_scalar(
            "SELECT count(*) FROM projection
             WHERE reads IS NOT NULL AND status <> 'deleted' AND id <> $1
                 AND (reads = $2 OR substr(reads, 1, CAST($3 AS INTEGER)) = $4)",
        )
        .bind(&id.as_bytes()[..])
        .bind(source)
        .bind(i64::try_from(words.chars().count()).unwrap_or(i64::MAX))
        .bind(&words)
        .fetch_one(tx.sql())
        .await
        .map_err(StorageError::doing("count projections that read a source"))?;
        match all >= i64::from(caps.of_source) {
            true => Ok(ReaderRoom::SourceFull),
            false => Ok(ReaderRoom::Free),
        }
    }
}
