//! `com.atproto.simplespace.createSpace`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::simplespace::create_space::{CreateSpace, Error, Input, Output};
use loggia_auth::scope::{ManageOp, SpaceAccess, SpaceNeed};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{HostedSpace, SpaceInserted};
use loggia_syntax::{RecordKey, SpaceRef};
use loggia_xrpc::{Rejection, Reply, declared};

use crate::community::{Happened, News};
use crate::space_host::caller::SpaceAccount;
use crate::space_host::{SpaceHost, allowed_apps, limits, new_key, not_hosted, policy_of};

/// The caller becomes the authority, and so must be hosted here.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<CreateSpace> {
    let now = SystemClock.now();
    let skey = input
        .skey
        .unwrap_or_else(|| RecordKey::from(new_key(now, 0)));
    let uri = SpaceRef::from_parts(&caller.did, &input.space_type, &skey);
    caller.require_need(SpaceNeed::of(&uri, SpaceAccess::Manage(ManageOp::Create)))?;
    let unsupported = || declared(Error::UnsupportedPolicy);
    let space = HostedSpace {
        read_policy: policy_of(input.read_policy)?.ok_or_else(unsupported)?,
        write_policy: policy_of(input.write_policy)?.ok_or_else(unsupported)?,
        app_access: allowed_apps(input.app_access)?
            .ok_or_else(|| declared(Error::UnsupportedAppAccess))?,
        uri,
        created_at: now,
        updated_at: now,
    };
    if !host.accounts.hosts(&caller.did).await? {
        return Err(not_hosted().into());
    }
    let mut tx = host.storage.begin().await?;
    let spaces = host.storage.spaces();
    match spaces.insert(&mut tx, &space, limits::SPACES).await? {
        SpaceInserted::New => {}
        SpaceInserted::Exists => return Err(declared(Error::SpaceAlreadyExists).into()),
        SpaceInserted::Closing => {
            let message = "a space of this name is still being closed; try again in a moment";
            return Err(declared(Error::SpaceAlreadyExists).message(message).into());
        }
        SpaceInserted::Full => {
            let message = format!("an account has at most {} spaces", limits::SPACES);
            return Err(Rejection::invalid_request(message).into());
        }
    }
    let mut news = News::default();
    let (place, told) = ((&host.storage, &mut tx), (&space, &caller.did));
    news.add(place, told, &[Happened::SpaceCreated], now)
        .await?;
    tx.commit().await?;
    news.deliver(&host.notices.engine).await;
    Ok(Output {
        uri: space.uri,
        extra: Default::default(),
    })
}
