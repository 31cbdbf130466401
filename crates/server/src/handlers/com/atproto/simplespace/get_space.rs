//! `com.atproto.simplespace.getSpace`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::simplespace::get_space::{Error, GetSpace, Output, Params};
use loggia_auth::scope::SpaceAccess;
use loggia_callers::Either;
use loggia_xrpc::{Reply, declared};

use crate::space_host::reader::SpaceViewer;
use crate::space_host::{Shown, SpaceHost};

/// For the owner, and for readers with a credential. To all others there is no such space.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceViewer,
    params: Params,
) -> Reply<GetSpace> {
    let not_found = || declared(Error::SpaceNotFound);
    if let Either::First(account) = &caller {
        if account.did != params.space.authority() {
            return Err(not_found().into());
        }
        account.require(&params.space, SpaceAccess::ReadSelf)?;
    }
    let space = host.storage.spaces().find(&params.space).await?;
    let space = space.ok_or_else(not_found)?;
    Ok(Output {
        uri: space.uri,
        read_policy: Shown::shown(space.read_policy),
        write_policy: Shown::shown(space.write_policy),
        app_access: Shown::shown(space.app_access),
        extra: Default::default(),
    })
}
