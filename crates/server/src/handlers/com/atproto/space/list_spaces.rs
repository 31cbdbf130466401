//! `com.atproto.space.listSpaces`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::list_spaces::{ListSpaces, Output, Params, SpaceView};
use loggia_auth::scope::{SpaceAccess, SpaceNeed};
use loggia_syntax::SpaceRef;
use loggia_xrpc::Reply;

use crate::space_host::caller::SpaceAccount;
use crate::space_host::{SpaceHost, check_cursor};

/// The caller's own, and those that they have something in. The cursor is the last of a page.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    params: Params,
) -> Reply<ListSpaces> {
    check_cursor::<SpaceRef>(params.cursor.as_deref())?;
    let (space_type, authority) = (params.space_type.as_ref(), params.did.as_ref());
    let access = SpaceAccess::ReadSelf;
    caller.require_need(SpaceNeed::of_all(space_type, authority, access))?;
    let limit = u32::try_from(params.limit)?;
    let after = params.cursor.as_deref().unwrap_or_default();
    let repos = host.storage.space_repos();
    let mut spaces = repos
        .list_spaces(&caller.did, space_type, authority, after, limit + 1)
        .await?;
    let more = spaces.len() > limit as usize;
    spaces.truncate(limit as usize);
    let last = spaces.last().map(ToString::to_string);
    let views = spaces.into_iter().map(|uri| SpaceView {
        uri,
        extra: Default::default(),
    });
    Ok(Output {
        cursor: last.filter(|_| more),
        spaces: views.collect(),
        extra: Default::default(),
    })
}
