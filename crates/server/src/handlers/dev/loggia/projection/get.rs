//! `dev.loggia.projection.get`

use axum::extract::State;
use loggia_api::dev::loggia::projection::get::{Error, Get, Output, Params};
use loggia_xrpc::{Reply, declared};

use super::view::projection;
use crate::caller::Caller;
use crate::projections::ProjectionDesk;
use crate::projections::names::read_projection;

/// Somebody else's is as good as none.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<Get> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = read_projection(&params.id).ok_or_else(not_found)?;
    let found = desk.storage.projections().find(id, &owner).await?;
    let shown = desk.show(found.ok_or_else(not_found)?).await?;
    Ok(Output {
        projection: projection(shown)?,
        extra: Default::default(),
    })
}
