//! `dev.loggia.community.listInvites`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::list_invites::{Error, ListInvites, Output, Params};
use loggia_storage::ProposalKind;
use loggia_xrpc::Reply;

use super::view;
use crate::caller::Caller;
use crate::community::Wanted;
use crate::space_host::SpaceHost;

/// Newest first.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    params: Params,
) -> Reply<ListInvites> {
    let wanted = Wanted {
        kind: ProposalKind::Invite,
        space: params.space,
        status: params
            .status
            .and_then(|status| view::status(status.as_str())),
        limit: params.limit,
        cursor: params.cursor,
    };
    let page = host.page_of_proposals::<Error>(&caller, wanted).await?;
    let (found, cursor) = page;
    Ok(Output {
        invites: found.into_iter().map(view::invite).collect(),
        cursor,
        extra: Default::default(),
    })
}
