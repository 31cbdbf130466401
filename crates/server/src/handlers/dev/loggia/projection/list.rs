//! `dev.loggia.projection.list`

use axum::extract::State;
use loggia_api::dev::loggia::projection::list::{Error, List, Output, Params};
use loggia_xrpc::{Reply, declared};

use super::view::projection;
use crate::caller::Caller;
use crate::projections::ProjectionDesk;
use crate::projections::names;

/// Newest first.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<List> {
    let limit = usize::try_from(params.limit)?;
    let after = params
        .cursor
        .as_deref()
        .map(|cursor| names::read_projection(cursor).ok_or_else(|| declared(Error::InvalidCursor)));
    let (after, one_more) = (after.transpose()?, u32::try_from(limit + 1)?);
    let projections = desk.storage.projections();
    let mut found = projections.list(&owner, after, one_more).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let cursor = last.map(|last| names::projection(last.id));
    let mut projections = Vec::with_capacity(found.len());
    for found in found {
        projections.push(projection(desk.show(found).await?)?);
    }
    Ok(Output {
        projections,
        cursor,
        extra: Default::default(),
    })
}
