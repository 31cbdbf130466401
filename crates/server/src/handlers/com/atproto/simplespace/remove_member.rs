//! `com.atproto.simplespace.removeMember`

use axum::extract::State;
use loggia_api::com::atproto::simplespace::remove_member::{Error, Input, RemoveMember};
use loggia_auth::scope::{ManageOp, SpaceAccess};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::SpacePolicy;
use loggia_xrpc::{NoBody, Reply};

use crate::community::{self, Happened};
use crate::space_host::SpaceHost;
use crate::space_host::caller::SpaceAccount;

/// Where the space goes by its list, the credentials of who is struck off end with it.
pub async fn handle(
    State(host): State<SpaceHost>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<RemoveMember> {
    caller.require(&input.space, SpaceAccess::Manage(ManageOp::Update))?;
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let space = host
        .owned::<Error>(&mut tx, &input.space, &caller.did)
        .await?;
    let spaces = host.storage.spaces();
    if spaces
        .remove_member(&mut tx, &space.uri, &input.did)
        .await?
    {
        if space.read_policy == SpacePolicy::MemberList && input.did != caller.did {
            let holder = Some(&input.did);
            host.revoke::<Error>(&mut tx, &space.uri, holder, now)
                .await?;
        }
        let event = Happened::MemberRemoved {
            space: space.uri,
            member: input.did,
        };
        community::happened(&mut tx, &event, now).await?;
    }
    tx.commit().await?;
    Ok(NoBody)
}
