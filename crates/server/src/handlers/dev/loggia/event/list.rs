//! `dev.loggia.event.list`

use axum::extract::State;
use loggia_api::dev::loggia::event::list::{List, Output, Params};
use loggia_xrpc::Reply;

use super::view;
use crate::caller::Caller;
use crate::plain_text;
use crate::projections::ProjectionDesk;

/// An aggregate without events is as good as none.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<List> {
    plain_text::check("aggregateId", Some(&params.aggregate_id))?;
    let limit = u32::try_from(params.limit)?;
    let after = params.after_version;
    let events = desk
        .events(&owner, &params.aggregate_id, after, limit)
        .await?;
    Ok(Output {
        events: events.into_iter().map(view::event).collect(),
        extra: Default::default(),
    })
}
