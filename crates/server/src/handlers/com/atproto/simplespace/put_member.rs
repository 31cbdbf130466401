//! `com.atproto.simplespace.putMember`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::simplespace::put_member::{Error, Input, PutMember};
use loggia_auth::scope::{ManageOp, SpaceAccess};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::Member;
use loggia_xrpc::{NoBody, Reply};

use crate::space_host::SpaceHost;
use crate::space_host::caller::SpaceAccount;

/// Who may no longer read keeps no credential. Who has asked to join, or is invited, is answered with it.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<PutMember> {
    caller.require(&input.space, SpaceAccess::Manage(ManageOp::Update))?;
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let space = host
        .owned::<Error>(&mut tx, &input.space, &caller.did)
        .await?;
    let member = Member {
        did: input.did,
        read: input.read,
        write: input.write,
    };
    let news = host
        .enlist::<Error>(&mut tx, (&space, &caller.did), member, now)
        .await?;
    tx.commit().await?;
    news.deliver(&host.notices.engine).await;
    Ok(NoBody)
}
