//! `com.atproto.space.notifySpaceDeleted`: tell everybody who is registered that the space is gone.

use axum::extract::State;
use loggia_api::dev::loggia::compat::defs::SpaceDeletedNotification;
use loggia_api::dev::loggia::compat::notify_space_deleted::Output;
use loggia_syntax::Nsid;
use loggia_xrpc::{Method, Rejection, Reply};

use crate::caller::Caller;
use crate::overlay::{NotifySpaceDeleted, NotifySpaceDeletedShapes, Shaped};
use crate::space_notices::{SpaceNotices, read_space, space_id};

/// The caller must be the authority of the space. This is the last that its registrations hear.
pub async fn handle(
    State(notices): State<SpaceNotices>,
    Caller(caller): Caller,
    input: Shaped<NotifySpaceDeletedShapes>,
) -> Reply<NotifySpaceDeleted> {
    let input = input.compat()?;
    let space = read_space(&input.space)?;
    if caller != space.authority() {
        return Err(
            Rejection::forbidden("only the authority of a space may say that it is gone").into(),
        );
    }
    let body = SpaceDeletedNotification {
        space: space_id(&space),
        space_uri: space.clone(),
        extra: Default::default(),
    };
    let registrations = notices.storage.registrations();
    let forget = async |tx: &mut _| registrations.delete_space(tx, &space).await.map(drop);
    notices
        .tell(
            Nsid::from_static(NotifySpaceDeleted::NSID),
            &space,
            &body,
            forget,
        )
        .await?;
    Ok(Output {
        success: true,
        extra: Default::default(),
    })
}
