//! Moving a copy on.

use std::collections::BTreeMap;

use loggia_space::{RecordPath, SetHash};
use loggia_syntax::{Cid, Tid};

use super::{SpaceCopies, SpaceCopy, hold};
use crate::sql::{self, Columns, Kind, Rows};
use crate::{Changed, StorageError, Write};

/// What becomes of a copy. Has been proved: what is written here is believed.
#[derive(Clone, Debug)]
pub struct Forward<'a> {
    /// The revision that is reached. The one of before where a large change is written in parts and this
    /// is not the last of them.
    pub rev: Option<&'a Tid>,
    /// The hash over all records afterwards.
    pub hash: &'a SetHash,
    /// What changes, in order. May be nothing.
    pub changes: &'a [Changed],
}

impl SpaceCopies {
    /// Moves a copy on, from exactly the state that was read; what it is then. None if it has been moved
    /// or removed meanwhile: then nothing was written, and the transaction is better undone. The trouble
    /// that it was in is over.
    pub async fn forward(
        &self,
        tx: &mut Write,
        copy: &SpaceCopy,
        forward: Forward<'_>,
    ) -> Result<Option<SpaceCopy>, StorageError> {
        let more = forward
            .changes
            .iter()
            .map(|change| i64::from(change.cid.is_some()) - i64::from(change.prev.is_some()));
        let records = i64::from(copy.records) + more.sum::<i64>();
        let next = SpaceCopy {
            rev: forward.rev.cloned(),
            hash: forward.hash.clone(),
            records: u32::try_from(records).unwrap_or_default(),
            trouble: None,
            version: copy.version + 1,
            ..copy.clone()
        };
        hold(tx.sql(), &copy.name.space).await?;
        let moved = sql::query(
            "UPDATE space_copy SET rev = $1, state = $2, records = $3, version = $4,
                 trouble = NULL, trouble_at = NULL, troubles = 0, retry_at = NULL, wanted = NULL
             WHERE id = $5 AND version = $6 AND space = $7 AND author = $8",
        )
        .bind(next.rev.as_ref().map(Tid::as_str))
        .bind(next.hash.state())
        .bind(next.records)
        .bind(next.version)
        .bind(copy.id)
        .bind(copy.version)
        .bind(copy.name.space.as_str())
        .bind(copy.name.author.as_str())
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("move a copy on"))?;
        if moved == 0 {
            return Ok(None);
        }
        save(tx, copy.id, forward.changes).await?;
        Ok(Some(next))
    }
}

/// Puts every record that changes into the state that it ends in.
async fn save(tx: &mut Write, copy: i64, changes: &[Changed]) -> Result<(), StorageError> {
    const KEPT: Columns = &[
        ("copy", Kind::Integer),
        ("collection", Kind::Text),
        ("rkey", Kind::Text),
        ("cid", Kind::Text),
    ];
    const GONE: Columns = &[
        ("copy", Kind::Integer),
        ("collection", Kind::Text),
        ("rkey", Kind::Text),
    ];
    let paths = changes.iter().map(|change| RecordPath {
        collection: change.collection.clone(),
        rkey: change.rkey.clone(),
    });
    let ends: BTreeMap<RecordPath, Option<&Cid>> = paths
        .zip(changes.iter().map(|change| change.cid.as_ref()))
        .collect();
    let (mut kept, mut gone) = (Rows::new(KEPT), Rows::new(GONE));
    for (path, cid) in &ends {
        let (collection, rkey) = (path.collection.as_str(), path.rkey.as_str());
        match cid {
            Some(cid) => kept.push([
                copy.into(),
                collection.into(),
                rkey.into(),
                cid.as_str().into(),
            ]),
            None => gone.push([copy.into(), collection.into(), rkey.into()]),
        }
    }
    kept.execute(
        tx.sql(),
        "INSERT INTO space_copy_record (copy, collection, rkey, cid)
         SELECT copy, collection, rkey, cid FROM r WHERE true
         ON CONFLICT (copy, collection, rkey) DO UPDATE SET cid = excluded.cid",
    )
    .await
    .map_err(StorageError::doing("save records of a copy"))?;
    gone.execute(
        tx.sql(),
        "DELETE FROM space_copy_record WHERE (copy, collection, rkey) IN
             (SELECT copy, collection, rkey FROM r)",
    )
    .await
    .map_err(StorageError::doing("delete records of a copy"))?;
    Ok(())
}
