//! What there is to do for projections: which are behind, and whom a source concerns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loggia_syntax::Did;

use crate::column::{Reading, millis};
use crate::projection::row;
use crate::sql::{self, Columns, Kind, Row, Rows};
use crate::{BadRow, Projection, Projections, StorageError, Write};

/// Projections that have something to fold.
#[derive(Debug, Default)]
pub struct Behind {
    /// Those that can be read.
    pub projections: Vec<Projection>,
    /// Those that cannot: to be parked with what is wrong, see [`Projections::park_unreadable`].
    pub unreadable: Vec<UnreadableProjection>,
    /// After which the next ones are.
    pub last: Option<Vec<u8>>,
}

/// A row that is no projection.
#[derive(Debug)]
pub struct UnreadableProjection {
    id: Vec<u8>,
    /// What is wrong with it.
    pub error: BadRow,
}

impl Projections {
    /// At most `limit` projections that have something to fold, after the one named, in the order of
    /// their ids.
    pub async fn behind(&self, after: Option<&[u8]>, limit: u32) -> Result<Behind, StorageError> {
        let rows = sql::query(
            "SELECT p.* FROM projection p JOIN projection_tenant t ON t.owner = p.owner
             WHERE p.id > $1 AND p.status = 'active' AND p.cursor < t.last_event
             ORDER BY p.id LIMIT $2",
        )
        .bind(after.unwrap_or_default())
        .bind(limit)
        .fetch_all(self.storage.engine_readers())
        .await
        .map_err(StorageError::doing("look for projections that are behind"))?;
        let mut behind = Behind::default();
        for found in &rows {
            let id: Vec<u8> = id_of(found)?;
            behind.last = Some(id.clone());
            match row::read(found) {
                Ok(projection) => behind.projections.push(projection),
                Err(error) => behind.unreadable.push(UnreadableProjection { id, error }),
            }
        }
        Ok(behind)
    }

    /// Parks a projection that cannot be read, so that its owner sees why and it is not looked at
    /// again until they put it anew.
    pub async fn park_unreadable(
        &self,
        tx: &mut Write,
        unreadable: &UnreadableProjection,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        sql::query(
            "UPDATE projection SET status = 'parked', parked_event = NULL, parked_error = $1,
                 parked_at = $2
             WHERE id = $3 AND status = 'active'",
        )
        .bind(unreadable.error.to_string())
        .bind(millis(now))
        .bind(&unreadable.id[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("park a projection"))?;
        Ok(())
    }

    /// Whether any projection reads a source other than the API.
    pub async fn any_reads(&self, tx: &mut Write) -> Result<bool, StorageError> {
        let found: Option<i64> = sql::query_scalar(
            "SELECT 1 FROM projection WHERE reads IS NOT NULL AND status <> 'deleted' LIMIT 1",
        )
        .fetch_optional(tx.sql())
        .await
        .map_err(StorageError::doing("look whether sources are read"))?;
        Ok(found.is_some())
    }

    /// Who reads which of these sources, in the order of the owners. In the transaction that appends
    /// for them. An owner that cannot be read is left out and logged.
    pub async fn readers_of(
        &self,
        tx: &mut Write,
        sources: &BTreeSet<String>,
    ) -> Result<BTreeMap<Did, BTreeSet<String>>, StorageError> {
        const SOURCES: Columns = &[("source", Kind::Text)];
        let mut rows = Rows::new(SOURCES);
        for source in sources {
            rows.push([source.into()]);
        }
        let found = rows
            .fetch_all(
                tx.sql(),
                "SELECT DISTINCT p.owner, p.reads FROM r JOIN projection p ON p.reads = r.source
                 WHERE p.reads IS NOT NULL AND p.status <> 'deleted'",
            )
            .await
            .map_err(StorageError::doing("look for who reads sources"))?;
        let mut readers = BTreeMap::<_, BTreeSet<_>>::new();
        for row in &found {
            let reading = Reading::new("projection", "(owner)", row);
            match reading.parse("owner", |text: &str| Did::new(text)) {
                Ok(owner) => {
                    let sources = readers.entry(owner).or_default();
                    sources.insert(reading.get("reads")?);
                }
                Err(bad) => {
                    let error = &bad as &dyn std::error::Error;
                    tracing::error!(error, "somebody who reads a source is not told");
                }
            }
        }
        Ok(readers)
    }
}

fn id_of(row: &Row) -> Result<Vec<u8>, BadRow> {
    Reading::new("projection", "(unreadable)", row).get("id")
}
