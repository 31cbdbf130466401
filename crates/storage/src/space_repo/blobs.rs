//! The blobs that records refer to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use loggia_syntax::{Cid, Tid};

use super::change::Plan;
use super::write::PATHS;
use super::{BlobClaim, RepoName, Unwritten};
use crate::StorageError;
use crate::column::Reading;
use crate::sql::{Columns, Connection, Kind, Rows};

/// Whether the author has uploaded every blob that a record is to refer to, as the record says.
pub(super) async fn check(
    connection: &mut Connection,
    repo: &RepoName,
    plan: &Plan<'_>,
) -> Result<Result<(), Unwritten>, StorageError> {
    let claims = || plan.ends.values().flatten().flat_map(|value| &value.blobs);
    let kept = kept(connection, repo, claims().map(|claim| &claim.cid).collect()).await?;
    Ok(claims().try_for_each(|claim| match kept.get(&claim.cid) {
        Some(kept) => fits(claim, kept),
        None => Err(Unwritten::NoBlob(claim.cid.clone())),
    }))
}

/// What is known of an upload.
struct Kept {
    mime_type: String,
    /// What else it was uploaded as, a line for each.
    other_types: String,
    size: u64,
}

fn fits(claim: &BlobClaim, kept: &Kept) -> Result<(), Unwritten> {
    let mut types = kept.other_types.lines().chain([&*kept.mime_type]);
    if !types.any(|one| one == claim.mime_type) {
        return Err(Unwritten::BlobType(claim.clone(), kept.mime_type.clone()));
    }
    if claim.size != kept.size {
        return Err(Unwritten::BlobSize(claim.clone(), kept.size));
    }
    Ok(())
}

/// Those of the blobs that are here.
async fn kept(
    connection: &mut Connection,
    repo: &RepoName,
    wanted: BTreeSet<&Cid>,
) -> Result<HashMap<Cid, Kept>, StorageError> {
    const BLOBS: Columns = &[("author", Kind::Text), ("cid", Kind::Text)];
    let mut rows = Rows::new(BLOBS);
    for cid in wanted {
        rows.push([repo.author.as_str().into(), cid.as_str().into()]);
    }
    let rows = rows
        .fetch_all(
            connection,
            "SELECT b.cid, b.mime_type, b.other_types, b.size
             FROM r JOIN blob b ON b.author = r.author AND b.cid = r.cid",
        )
        .await
        .map_err(StorageError::doing("find blobs"))?;
    let mut kept = HashMap::new();
    for row in &rows {
        let reading = Reading::new("blob", &repo.author, row);
        let cid = reading.parse("cid", |text: &str| Cid::new(text))?;
        let size = reading.parse("size", |size: i64| u64::try_from(size))?;
        let upload = Kept {
            mime_type: reading.get("mime_type")?,
            other_types: reading.get("other_types")?,
            size,
        };
        kept.insert(cid, upload);
    }
    Ok(kept)
}

/// Which of the records that change refer to which blobs.
pub(super) async fn save(
    connection: &mut Connection,
    repo: i64,
    rev: &Tid,
    plan: &Plan<'_>,
) -> Result<(), StorageError> {
    const REFERENCES: Columns = &[
        ("repo", Kind::Integer),
        ("cid", Kind::Text),
        ("collection", Kind::Text),
        ("rkey", Kind::Text),
        ("rev", Kind::Text),
        ("mime_type", Kind::Text),
    ];
    let (mut changed, mut refer) = (Rows::new(PATHS), Rows::new(REFERENCES));
    for (path, end) in &plan.ends {
        let (collection, rkey) = (path.collection.as_str(), path.rkey.as_str());
        changed.push([repo.into(), collection.into(), rkey.into()]);
        let blobs = end.iter().flat_map(|value| &value.blobs);
        // Of one that a record calls by two types, the last.
        let blobs: BTreeMap<&Cid, &str> =
            blobs.map(|claim| (&claim.cid, &*claim.mime_type)).collect();
        for (cid, mime_type) in blobs {
            refer.push([
                repo.into(),
                cid.as_str().into(),
                collection.into(),
                rkey.into(),
                rev.as_str().into(),
                mime_type.into(),
            ]);
        }
    }
    changed
        .execute(
            connection,
            "DELETE FROM space_blob WHERE (repo, collection, rkey) IN
                 (SELECT repo, collection, rkey FROM r)",
        )
        .await
        .map_err(StorageError::doing("forget references to blobs"))?;
    refer
        .execute(
            connection,
            "INSERT INTO space_blob (repo, cid, collection, rkey, rev, mime_type)
             SELECT repo, cid, collection, rkey, rev, mime_type FROM r",
        )
        .await
        .map_err(StorageError::doing("save references to blobs"))?;
    Ok(())
}
