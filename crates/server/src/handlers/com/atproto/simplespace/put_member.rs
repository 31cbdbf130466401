//! `com.atproto.simplespace.putMember`

use axum::extract::State;
use loggia_api::com::atproto::simplespace::put_member::{Error, Input, PutMember};
use loggia_auth::scope::{ManageOp, SpaceAccess};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Member, MemberPut, SpacePolicy};
use loggia_xrpc::{NoBody, Rejection, Reply};

use crate::community::{self, Happened};
use crate::space_host::caller::SpaceAccount;
use crate::space_host::{SpaceHost, limits};

/// Who may no longer read keeps no credential.
pub async fn handle(
    State(host): State<SpaceHost>,
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
    let spaces = host.storage.spaces();
    match spaces
        .put_member(&mut tx, &space.uri, &member, limits::MEMBERS, now)
        .await?
    {
        MemberPut::Added => {
            let event = Happened::MemberAdded {
                space: space.uri,
                member: member.did,
            };
            community::happened(&mut tx, &event, now).await?;
        }
        MemberPut::Changed(before) => {
            let ends = before.read && !member.read && space.read_policy == SpacePolicy::MemberList;
            if ends {
                let holder = Some(&member.did);
                host.revoke::<Error>(&mut tx, &space.uri, holder, now)
                    .await?;
            }
        }
        MemberPut::Full => {
            let message = format!("a space has at most {} members", limits::MEMBERS);
            return Err(Rejection::invalid_request(message).into());
        }
    }
    tx.commit().await?;
    Ok(NoBody)
}
