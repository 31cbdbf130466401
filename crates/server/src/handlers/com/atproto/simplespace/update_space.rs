//! `com.atproto.simplespace.updateSpace`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::simplespace::update_space::{Error, Input, UpdateSpace};
use loggia_auth::scope::{ManageOp, SpaceAccess};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{AppAccess, HostedSpace, SpacePolicy};
use loggia_xrpc::{NoBody, Reply, declared};

use crate::community::{Happened, News};
use crate::space_host::caller::SpaceAccount;
use crate::space_host::{SpaceHost, allowed_apps, policy_of};

/// Where readers or apps may no longer be let in, the credentials that were given out end: whoever is
/// still let in gets another one.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<UpdateSpace> {
    caller.require(&input.space, SpaceAccess::Manage(ManageOp::Update))?;
    let unsupported = || declared(Error::UnsupportedPolicy);
    let mut read = None;
    if let Some(policy) = input.read_policy {
        read = Some(policy_of(policy)?.ok_or_else(unsupported)?);
    }
    let mut write = None;
    if let Some(policy) = input.write_policy {
        write = Some(policy_of(policy)?.ok_or_else(unsupported)?);
    }
    let mut apps = None;
    if let Some(access) = input.app_access {
        let unsupported = || declared(Error::UnsupportedAppAccess);
        apps = Some(allowed_apps(access)?.ok_or_else(unsupported)?);
    }
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let old = host
        .owned::<Error>(&mut tx, &input.space, &caller.did)
        .await?;
    let new = HostedSpace {
        read_policy: read.unwrap_or_else(|| old.read_policy.clone()),
        write_policy: write.unwrap_or_else(|| old.write_policy.clone()),
        app_access: apps.unwrap_or_else(|| old.app_access.clone()),
        updated_at: now,
        ..old.clone()
    };
    host.storage.spaces().update(&mut tx, &new).await?;
    let mut news = News::default();
    if is_narrower(&old, &new) {
        news.end(host.revoke::<Error>(&mut tx, &new.uri, None, now).await?);
    }
    let (place, told) = ((&host.storage, &mut tx), (&new, &caller.did));
    news.add(place, told, &[Happened::SpaceUpdated(&old)], now)
        .await?;
    tx.commit().await?;
    news.deliver(&host.notices.engine).await;
    Ok(NoBody)
}

/// Whether somebody who was let in may not be any more.
fn is_narrower(old: &HostedSpace, new: &HostedSpace) -> bool {
    let policy = old.read_policy != new.read_policy && new.read_policy != SpacePolicy::Public;
    let apps = old.app_access != new.app_access && new.app_access != AppAccess::Open;
    policy || apps
}
