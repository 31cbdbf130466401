//! `com.atproto.space.getDelegationToken`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::get_delegation_token::{GetDelegationToken, Output, Params};
use loggia_auth::delegation::{NewDelegation, mint};
use loggia_auth::scope::SpaceAccess;
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::Reply;

use crate::chance;
use crate::space_host::SpaceHost;
use crate::space_host::caller::SpaceAccount;

/// How long a token lives, in seconds: it is traded for a credential at once.
const LIFETIME: i64 = 60;

/// The caller must be hosted here: it is their key that signs.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    params: Params,
) -> Reply<GetDelegationToken> {
    caller.require(&params.space, SpaceAccess::Read)?;
    let key = host.key_of(&caller.did).await?;
    let new = NewDelegation {
        user: &caller.did,
        space: &params.space,
        now: SystemClock.now(),
        lifetime: LIFETIME,
        id: chance::bytes(),
    };
    Ok(Output {
        token: mint(&key, &new)?,
        extra: Default::default(),
    })
}
