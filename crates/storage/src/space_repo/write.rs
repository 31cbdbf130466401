//! Writing: all of a list of changes with one revision, or none of it.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use loggia_space::{RecordPath, SetHash};
use loggia_syntax::{Cid, Tid};

use super::blobs;
use super::change::Plan;
use super::{
    RecordValue, RecordWrite, RepoName, RepoState, SpaceRepos, Unwritten, Written, Wrote, find,
    path,
};
use crate::column::Reading;
use crate::sql::{self, Columns, Connection, Kind, Rows};
use crate::{StorageError, Write};

pub(super) const PATHS: Columns = &[
    ("repo", Kind::Integer),
    ("collection", Kind::Text),
    ("rkey", Kind::Text),
];

impl SpaceRepos {
    /// Does everything in this list, in order and with one revision, or nothing. The revision is of
    /// this moment and clock, and later than the one before. A repository that is not there is made,
    /// and has at most `most` records afterwards.
    pub async fn write(
        &self,
        tx: &mut Write,
        repo: &RepoName,
        writes: &[RecordWrite],
        most: u32,
        (now, clock): (Timestamp, u16),
    ) -> Result<Wrote, StorageError> {
        hold(tx, repo).await?;
        let before = find(tx.sql(), repo).await?;
        let held = match &before {
            Some(state) => held(tx.sql(), state.id, writes).await?,
            None => HashMap::new(),
        };
        let plan = match Plan::of(writes, held) {
            Ok(plan) if plan.changes.is_empty() => return Ok(Wrote::Unchanged),
            Ok(plan) => plan,
            Err(refused) => return Ok(Wrote::Refused(refused)),
        };
        if let Err(refused) = blobs::check(tx.sql(), repo, &plan).await? {
            return Ok(Wrote::Refused(refused));
        }
        let records = before.as_ref().map_or(0, |state| i64::from(state.records)) + plan.more;
        let records = u32::try_from(records).unwrap_or_default();
        if plan.more > 0 && records > most {
            return Ok(Wrote::Refused(Unwritten::Full));
        }
        let rev = next_rev(now, clock, before.as_ref().map(|state| &state.rev));
        let hash = hash(before.as_ref(), &plan);
        let id = save(tx.sql(), repo, before.as_ref(), &rev, &hash, records).await?;
        save_records(tx.sql(), id, &rev, &plan).await?;
        log(tx.sql(), id, &rev, &plan).await?;
        blobs::save(tx.sql(), id, &rev, &plan).await?;
        Ok(Wrote::Written(Written {
            rev,
            hash: hash.digest(),
            changes: plan.changes,
        }))
    }
}

/// Until the transaction ends nobody else writes this repository.
pub(super) async fn hold(tx: &mut Write, repo: &RepoName) -> Result<(), StorageError> {
    let RepoName { author, space } = repo;
    tx.sql().hold(&format!("repo of {author} in {space}")).await
}

/// What the records that the writes name hold.
async fn held(
    connection: &mut Connection,
    repo: i64,
    writes: &[RecordWrite],
) -> Result<HashMap<RecordPath, Cid>, StorageError> {
    let paths: BTreeSet<&RecordPath> = writes.iter().map(|write| &write.path).collect();
    let mut rows = Rows::new(PATHS);
    for path in paths {
        rows.push([
            repo.into(),
            path.collection.as_str().into(),
            path.rkey.as_str().into(),
        ]);
    }
    let rows = rows
        .fetch_all(
            connection,
            "SELECT s.collection, s.rkey, s.cid FROM r JOIN space_record s
             ON s.repo = r.repo AND s.collection = r.collection AND s.rkey = r.rkey",
        )
        .await
        .map_err(StorageError::doing("find records"))?;
    let mut held = HashMap::new();
    for row in &rows {
        let reading = Reading::new("space_record", repo, row);
        let cid = reading.parse("cid", |text: &str| Cid::new(text))?;
        held.insert(path(&reading)?, cid);
    }
    Ok(held)
}

/// A revision of this moment, or the next one after the last.
pub(crate) fn next_rev(now: Timestamp, clock: u16, last: Option<&Tid>) -> Tid {
    let now = u64::try_from(now.as_microsecond()).unwrap_or_default();
    let micros = last.map_or(now, |last| now.max(last.micros() + 1));
    Tid::from_micros(micros, clock).expect("revisions end in the year 2255")
}

fn hash(before: Option<&RepoState>, plan: &Plan<'_>) -> SetHash {
    let mut hash = before.map_or_else(SetHash::new, |state| state.hash.clone());
    for change in &plan.changes {
        if let Some(prev) = &change.prev {
            hash.remove(&change.collection, &change.rkey, prev);
        }
        if let Some(cid) = &change.cid {
            hash.add(&change.collection, &change.rkey, cid);
        }
    }
    hash
}

/// Makes the repository or brings it up to date; its id.
async fn save(
    connection: &mut Connection,
    repo: &RepoName,
    before: Option<&RepoState>,
    rev: &Tid,
    hash: &SetHash,
    records: u32,
) -> Result<i64, StorageError> {
    let doing = StorageError::doing("save a repository");
    let (authority, space_type, _) = repo.space.split();
    let Some(before) = before else {
        return sql::query_scalar(
            "INSERT INTO space_repo (author, space, authority, space_type, rev, state, records)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        )
        .bind(repo.author.as_str())
        .bind(repo.space.as_str())
        .bind(authority)
        .bind(space_type)
        .bind(rev.as_str())
        .bind(hash.state())
        .bind(records)
        .fetch_one(connection)
        .await
        .map_err(doing);
    };
    sql::query("UPDATE space_repo SET rev = $1, state = $2, records = $3 WHERE id = $4")
        .bind(rev.as_str())
        .bind(hash.state())
        .bind(records)
        .bind(before.id)
        .execute(connection)
        .await
        .map_err(doing)?;
    Ok(before.id)
}

/// Puts every record that changes into the state that it ends in.
async fn save_records(
    connection: &mut Connection,
    repo: i64,
    rev: &Tid,
    plan: &Plan<'_>,
) -> Result<(), StorageError> {
    const RECORDS: Columns = &[
        ("repo", Kind::Integer),
        ("collection", Kind::Text),
        ("rkey", Kind::Text),
        ("cid", Kind::Text),
        ("value", Kind::Blob),
        ("rev", Kind::Text),
    ];
    let (mut kept, mut gone) = (Rows::new(RECORDS), Rows::new(PATHS));
    for (path, end) in &plan.ends {
        let (collection, rkey) = (path.collection.as_str(), path.rkey.as_str());
        match end {
            Some(RecordValue { cid, dag_cbor, .. }) => kept.push([
                repo.into(),
                collection.into(),
                rkey.into(),
                cid.as_str().into(),
                dag_cbor.into(),
                rev.as_str().into(),
            ]),
            None => gone.push([repo.into(), collection.into(), rkey.into()]),
        }
    }
    kept.execute(
        connection,
        "INSERT INTO space_record (repo, collection, rkey, cid, value, rev)
         SELECT repo, collection, rkey, cid, value, rev FROM r WHERE true
         ON CONFLICT (repo, collection, rkey) DO UPDATE
         SET cid = excluded.cid, value = excluded.value, rev = excluded.rev",
    )
    .await
    .map_err(StorageError::doing("save records"))?;
    gone.execute(
        connection,
        "DELETE FROM space_record WHERE (repo, collection, rkey) IN
             (SELECT repo, collection, rkey FROM r)",
    )
    .await
    .map_err(StorageError::doing("delete records"))?;
    Ok(())
}

async fn log(
    connection: &mut Connection,
    repo: i64,
    rev: &Tid,
    plan: &Plan<'_>,
) -> Result<(), StorageError> {
    const OPERATIONS: Columns = &[
        ("repo", Kind::Integer),
        ("rev", Kind::Text),
        ("number", Kind::Integer),
        ("collection", Kind::Text),
        ("rkey", Kind::Text),
        ("cid", Kind::Text),
        ("prev", Kind::Text),
    ];
    let mut rows = Rows::new(OPERATIONS);
    for (number, change) in (0_u32..).zip(&plan.changes) {
        rows.push([
            repo.into(),
            rev.as_str().into(),
            number.into(),
            change.collection.as_str().into(),
            change.rkey.as_str().into(),
            change.cid.as_ref().map(Cid::as_str).into(),
            change.prev.as_ref().map(Cid::as_str).into(),
        ]);
    }
    rows.execute(
        connection,
        "INSERT INTO space_operation (repo, rev, number, collection, rkey, cid, prev)
         SELECT repo, rev, number, collection, rkey, cid, prev FROM r",
    )
    .await
    .map_err(StorageError::doing("log operations"))?;
    Ok(())
}
