//! `com.atproto.simplespace.listMembers`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::simplespace::list_members::{
    Error, ListMembers, Member, Output, Params,
};
use loggia_auth::scope::SpaceAccess;
use loggia_syntax::Did;
use loggia_xrpc::{Reply, declared};

use crate::space_host::caller::SpaceAccount;
use crate::space_host::{SpaceHost, check_cursor};

/// For the owner; to all others there is no such space. The cursor is the last DID of a page.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    params: Params,
) -> Reply<ListMembers> {
    check_cursor::<Did>(params.cursor.as_deref())?;
    let spaces = host.storage.spaces();
    let is_owner = params.space.authority() == caller.did;
    if !is_owner || spaces.find(&params.space).await?.is_none() {
        return Err(declared(Error::SpaceNotFound).into());
    }
    caller.require(&params.space, SpaceAccess::ReadSelf)?;
    let limit = u32::try_from(params.limit)?;
    let after = params.cursor.unwrap_or_default();
    let mut found = spaces
        .list_members(&params.space, &after, limit + 1)
        .await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().map(|member| member.did.to_string());
    let members = found.into_iter().map(|member| Member {
        did: member.did,
        read: member.read,
        write: member.write,
        extra: Default::default(),
    });
    Ok(Output {
        cursor: last.filter(|_| more),
        members: members.collect(),
        extra: Default::default(),
    })
}
