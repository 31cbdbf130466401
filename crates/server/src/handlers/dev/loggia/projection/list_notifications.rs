//! `dev.loggia.projection.listNotifications`

use axum::extract::State;
use loggia_api::dev::loggia::projection::list_notifications::{
    Error, ListNotifications, Output, Params,
};
use loggia_xrpc::{Reply, declared};

use super::view::{notification, unreadable};
use crate::caller::Caller;
use crate::projections::ProjectionDesk;
use crate::projections::desk::DeskError;
use crate::projections::names::read_projection;

/// The same as webhooks and streams tell, whether or not those arrive.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<ListNotifications> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = read_projection(&params.id).ok_or_else(not_found)?;
    let projections = desk.storage.projections();
    let found = desk
        .readable(id, &owner)
        .await
        .map_err(|error| match error {
            DeskError::NotFound => not_found().into(),
            error => unreadable(error),
        });
    let id = found?.id;
    let limit = u32::try_from(params.limit)?;
    let notices = match params.after_sequence {
        Some(after) => projections.notices_after(id, after, limit).await?,
        None => projections.latest_notices(id, limit).await?,
    };
    Ok(Output {
        notifications: notices.iter().map(notification).collect::<Result<_, _>>()?,
        extra: Default::default(),
    })
}
