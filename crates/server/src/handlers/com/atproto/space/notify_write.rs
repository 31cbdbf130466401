//! `com.atproto.space.notifyWrite`: tell everybody who is registered that a record changed.

use axum::extract::State;
use loggia_api::dev::loggia::compat::defs::WriteNotification;
use loggia_api::dev::loggia::compat::notify_write::Output;
use loggia_syntax::Nsid;
use loggia_xrpc::{Method, Nullable, Rejection, Reply};

use crate::caller::Caller;
use crate::overlay::{NotifyWrite, NotifyWriteShapes, Shaped};
use crate::space_notices::{SpaceNotices, read_space, space_id};

/// The caller must be the author of the change or the authority of the space.
pub async fn handle(
    State(notices): State<SpaceNotices>,
    Caller(caller): Caller,
    input: Shaped<NotifyWriteShapes>,
) -> Reply<NotifyWrite> {
    let input = input.compat()?;
    let space = read_space(&input.space)?;
    if caller != input.did && caller != space.authority() {
        return Err(Rejection::forbidden(
            "only the author or the authority of the space may tell of a write",
        )
        .into());
    }
    let body = WriteNotification {
        space: space_id(&space),
        space_uri: space.clone(),
        did: input.did,
        collection: input.collection,
        rkey: input.rkey,
        cid: input.cid.map_or(Nullable::Null, Nullable::Value),
        extra: Default::default(),
    };
    notices
        .tell(
            Nsid::from_static(NotifyWrite::NSID),
            &space,
            &body,
            async |_| Ok(()),
        )
        .await?;
    Ok(Output {
        success: true,
        extra: Default::default(),
    })
}
