//! `com.atproto.space.notifyCredentialRevoked`: refuse some credentials of a space from now on.

use std::sync::Arc;

use axum::extract::State;
use jiff::SignedDuration;
use loggia_api::com::atproto::space::notify_credential_revoked::{Input, NotifyCredentialRevoked};
use loggia_callers::{AddressedCaller, Callers};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::Revoked;
use loggia_syntax::Did;
use loggia_xrpc::{NoBody, Rejection, Reply};

use crate::plain_text;
use crate::space_host::SpaceHost;
use crate::space_hub::elsewhere;

/// How long a revocation is kept: no credential lives longer, in either form, and clocks differ.
const KEPT: SignedDuration = SignedDuration::from_secs(7_210);

/// The caller is the authority of the space, and means an account here, whose repository readers with
/// these credentials see no longer; or this server as a service that is registered for the space. What
/// they have registered ends.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    State(callers): State<Callers>,
    caller: AddressedCaller,
    input: Input,
) -> Reply<NotifyCredentialRevoked> {
    if caller.did != input.space.authority() {
        let message = "Revocation issuer is not the space authority";
        return Err(Rejection::forbidden(message).into());
    }
    let is_here = match Did::new(caller.audience.as_str()) {
        Ok(account) => host.accounts.hosts(&account).await?,
        // Not by its bare DID, which stands for no account.
        Err(_) => callers.audiences().contains(&caller.audience),
    };
    if !is_here {
        let message = "Revocation audience does not match an account of this host";
        return Err(Rejection::forbidden(message).into());
    }
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let revoked = host.storage.revoked_credentials();
    let spaces = host.storage.spaces();
    if !spaces.is_of_concern(&mut tx, &input.space).await? {
        // Nobody reads anything here with these credentials, and strangers do not take up the room.
        return Ok(NoBody);
    }
    let mut ended = Vec::new();
    for id in &input.credentials {
        plain_text::check("credentials", Some(id))?;
        let kept = revoked.revoke(&mut tx, &input.space, id, (now + KEPT, now));
        match kept.await? {
            Revoked::Kept { endpoints } => ended.extend(endpoints),
            Revoked::Full => {
                let message = "too many credentials are revoked at the moment; try again later";
                return Err(Rejection::new(503, "NotEnoughResources", message).into());
            }
        }
    }
    tx.commit().await?;
    elsewhere::revoked(&host, &input.space, &input.credentials);
    host.notices.ended(ended).await;
    Ok(NoBody)
}
