//! Spaces, memberships and requests to join, as Bettermode's receivers read them. What we have no such
//! thing for is null, empty or false.

use jiff::Timestamp;
use loggia_storage::{HostedSpace, Member, Membership, Proposal, ProposalStatus, SpacePolicy};
use loggia_syntax::{Datetime, Did, Nsid, RecordKey, SpaceRef};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::space_notices::space_id;
use crate::view::datetime;

/// What something was done to.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Entity<'a> {
    Space(Box<Space<'a>>),
    Membership(Box<ShownMembership<'a>>),
    JoinRequest(Box<JoinRequest<'a>>),
}

/// Always null.
type Null = ();
/// Always empty.
type Empty = [Null; 0];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Space<'a> {
    id: String,
    /// Ours: the name in the protocol.
    uri: &'a SpaceRef,
    network_id: Did,
    /// Spaces of one type are a group.
    group_id: Nsid,
    custom_ordering_index_in_group: u32,
    created_by_id: Did,
    layout: Null,
    created_at: Datetime,
    updated_at: Datetime,
    deleted_at: Option<Datetime>,
    name: RecordKey,
    slug: RecordKey,
    status: &'static str,
    description: Null,
    seo_detail: Empty,
    image_id: Null,
    banner_id: Null,
    members_count: i64,
    private: bool,
    hidden: bool,
    invite_only: bool,
    non_admins_can_invite: bool,
    who_can_post: Null,
    who_can_reply: Null,
    who_can_react: Null,
    space_roles: Empty,
    network_roles: Empty,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownMembership<'a> {
    network_id: Did,
    space_id: String,
    member_id: &'a Did,
    joined_at: Datetime,
    removed_at: Option<Datetime>,
    role_id: &'static str,
    status: &'static str,
    id: String,
    created_at: Datetime,
    updated_at: Datetime,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JoinRequest<'a> {
    pub(super) id: String,
    network_id: Did,
    space_id: String,
    status: &'static str,
    member_id: &'a Did,
    updated_by_id: Option<&'a Did>,
    created_at: Datetime,
    updated_at: Datetime,
}

/// A space that has so many members, and is gone since then if it is.
pub(super) fn space(space: &HostedSpace, members: i64, deleted: Option<Timestamp>) -> Entity<'_> {
    let by_list = |policy: &SpacePolicy| *policy == SpacePolicy::MemberList;
    Entity::Space(Box::new(Space {
        id: space_id(&space.uri),
        uri: &space.uri,
        network_id: space.uri.authority(),
        group_id: space.uri.space_type(),
        custom_ordering_index_in_group: 0,
        created_by_id: space.uri.authority(),
        layout: (),
        created_at: datetime(space.created_at),
        updated_at: datetime(space.updated_at),
        deleted_at: deleted.map(datetime),
        name: space.uri.skey(),
        slug: space.uri.skey(),
        status: if deleted.is_some() {
            "deleted"
        } else {
            "created"
        },
        description: (),
        seo_detail: [],
        image_id: (),
        banner_id: (),
        members_count: members,
        private: space.read_policy != SpacePolicy::Public,
        hidden: false,
        invite_only: by_list(&space.read_policy) || by_list(&space.write_policy),
        non_admins_can_invite: false,
        who_can_post: (),
        who_can_reply: (),
        who_can_react: (),
        space_roles: [],
        network_roles: [],
    }))
}

/// Somebody on the list of a space, or who was there until then.
pub(super) fn membership<'a>(
    space: &HostedSpace,
    membership: &'a Membership,
    removed: Option<Timestamp>,
) -> Entity<'a> {
    let since = datetime(membership.since);
    let gone = removed.map(datetime);
    let member = &membership.member;
    Entity::Membership(Box::new(ShownMembership {
        network_id: space.uri.authority(),
        space_id: space_id(&space.uri),
        member_id: &member.did,
        role_id: role(member),
        status: if gone.is_some() { "removed" } else { "joined" },
        id: membership_id(space, membership),
        created_at: since.clone(),
        updated_at: gone.clone().unwrap_or_else(|| since.clone()),
        joined_at: since,
        removed_at: gone,
    }))
}

/// A request to join.
pub(super) fn join_request<'a>(space: &HostedSpace, request: &'a Proposal) -> Entity<'a> {
    Entity::JoinRequest(Box::new(JoinRequest {
        id: request.id.to_string(),
        network_id: space.uri.authority(),
        space_id: space_id(&space.uri),
        status: match request.status {
            ProposalStatus::Pending => "PENDING",
            ProposalStatus::Accepted => "APPROVED",
            ProposalStatus::Declined => "REJECTED",
            ProposalStatus::Withdrawn => "CANCELED",
        },
        member_id: &request.new.did,
        updated_by_id: request.answered_by.as_ref(),
        created_at: datetime(request.created_at),
        updated_at: datetime(request.updated_at),
    }))
}

fn role(member: &Member) -> &'static str {
    match (member.read, member.write) {
        (true, true) => "member",
        (true, false) => "reader",
        (false, true) => "writer",
        (false, false) => "guest",
    }
}

/// The same from joining to leaving, and another one for whoever joins again: the first 16 bytes of the
/// SHA-256 of space, member and time, in hex.
fn membership_id(space: &HostedSpace, membership: &Membership) -> String {
    let since = membership.since.as_millisecond();
    let text = format!("{} {} {since}", space.uri, membership.member.did);
    let digest = Sha256::digest(text.as_bytes());
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
