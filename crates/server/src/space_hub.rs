//! Telling of what happens in spaces, in the transaction in which it happens.

use bytes::Bytes;
use jiff::Timestamp;
use loggia_api::dev::loggia::compat::defs::{SpaceDeletedNotification, WriteNotification};
use loggia_storage::{Changed, RepoName, Write, Written};
use loggia_syntax::{Nsid, SpaceRef};
use loggia_xrpc::{Method, Nullable};

use crate::overlay::{NotifySpaceDeleted, NotifyWrite};
use crate::space_notices::{NotifyError, SpaceNotices, Told, space_id};

/// Tells everybody who is registered for the space of every record that changed.
///
/// # Errors
/// The store failed; then the transaction cannot be committed.
pub async fn written<'a>(
    notices: &'a SpaceNotices,
    tx: &mut Write,
    repo: &RepoName,
    written: &Written,
    now: Timestamp,
) -> Result<Told<'a>, NotifyError> {
    let body = |changed: &Changed| {
        let notification = WriteNotification {
            space: space_id(&repo.space),
            space_uri: repo.space.clone(),
            did: repo.author.clone(),
            collection: changed.collection.clone(),
            rkey: changed.rkey.clone(),
            cid: changed.cid.clone().map_or(Nullable::Null, Nullable::Value),
            extra: Default::default(),
        };
        serde_json::to_vec(&notification).map(Bytes::from)
    };
    let bodies = written.changes.iter().map(body).collect::<Result<_, _>>()?;
    let kind = Nsid::from_static(NotifyWrite::NSID);
    Ok(notices.enqueue(tx, kind, &repo.space, bodies, now).await?)
}

/// Tells everybody who is registered for a space that it is gone, and forgets the registrations.
///
/// # Errors
/// The store failed; then the transaction cannot be committed.
pub async fn deleted<'a>(
    notices: &'a SpaceNotices,
    tx: &mut Write,
    space: &SpaceRef,
    now: Timestamp,
) -> Result<Told<'a>, NotifyError> {
    let notification = SpaceDeletedNotification {
        space: space_id(space),
        space_uri: space.clone(),
        extra: Default::default(),
    };
    let body = Bytes::from(serde_json::to_vec(&notification)?);
    let kind = Nsid::from_static(NotifySpaceDeleted::NSID);
    let told = notices.enqueue(tx, kind, space, vec![body], now).await?;
    let registrations = notices.storage.registrations();
    registrations.delete_space(tx, space).await?;
    Ok(told)
}
