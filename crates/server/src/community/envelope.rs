//! The body of a notification of an event.

use jiff::Timestamp;
use loggia_api::dev::loggia::community::defs::{Actor, ActorRoleId, ActorRoleType, Target};
use loggia_delivery::NotificationId;
use loggia_storage::HostedSpace;
use loggia_syntax::{Datetime, Did};
use serde::Serialize;

use super::Happened;
use super::entity::{self, Entity};
use crate::space_notices::space_id;
use crate::view::datetime;

/// Where it happened.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) space: &'a HostedSpace,
    /// How many members the space has, for events about the space itself.
    pub(super) members: i64,
}

/// `dev.loggia.community.defs#notification`, with the object as it is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    network_id: &'a Did,
    context: &'static str,
    entity_id: &'a Did,
    current_settings: [(); 0],
    r#type: &'static str,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    time: Datetime,
    verb: &'static str,
    verb_action: &'static str,
    actor: Actor,
    object: Entity<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_object: Option<Entity<'a>>,
    target: Target,
    id: String,
    name: &'static str,
    noun: &'static str,
    short_description: &'static str,
}

/// The body of what happened. Its id is that of the notification, so that it is the same however often
/// it is sent.
pub(super) fn of(
    id: NotificationId,
    (place, actor): (Place<'_>, &Did),
    happened: &Happened<'_>,
    now: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    let network = place.space.uri.authority();
    let wire = happened.event().wire();
    let (object, old_object) = objects(place, happened, now);
    let body = Body {
        network_id: &network,
        context: "NETWORK",
        entity_id: &network,
        current_settings: [],
        r#type: "SUBSCRIPTION",
        data: Data {
            time: datetime(now),
            verb: wire.verb,
            verb_action: wire.verb_action,
            actor: shown_actor(actor, &network),
            object,
            old_object,
            target: target(place.space, happened),
            id: id
                .as_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            name: wire.name,
            noun: wire.noun,
            short_description: wire.short_description,
        },
    };
    serde_json::to_vec(&body)
}

fn objects<'a>(
    Place { space, members }: Place<'a>,
    happened: &Happened<'a>,
    now: Timestamp,
) -> (Entity<'a>, Option<Entity<'a>>) {
    match *happened {
        Happened::SpaceCreated => (entity::space(space, members, None), None),
        Happened::SpaceUpdated(before) => (
            entity::space(space, members, None),
            Some(entity::space(before, members, None)),
        ),
        Happened::SpaceDeleted => (entity::space(space, members, Some(now)), None),
        Happened::MemberAdded(membership) => (entity::membership(space, membership, None), None),
        Happened::MemberRemoved(membership) => {
            (entity::membership(space, membership, Some(now)), None)
        }
        Happened::JoinRequested(request)
        | Happened::JoinAccepted(request)
        | Happened::JoinRejected(request) => (entity::join_request(space, request), None),
    }
}

fn shown_actor(actor: &Did, network: &Did) -> Actor {
    let (role_id, role_type) = match actor == network {
        true => (ActorRoleId::Admin, ActorRoleType::Admin),
        false => (ActorRoleId::Member, ActorRoleType::Member),
    };
    Actor {
        id: actor.clone(),
        role_id,
        role_type,
        session_info: Vec::new(),
        extra: Default::default(),
    }
}

fn target(space: &HostedSpace, happened: &Happened<'_>) -> Target {
    let (member, request) = match *happened {
        Happened::SpaceCreated | Happened::SpaceUpdated(_) | Happened::SpaceDeleted => (None, None),
        Happened::MemberAdded(membership) | Happened::MemberRemoved(membership) => {
            (Some(&membership.member.did), None)
        }
        Happened::JoinRequested(request)
        | Happened::JoinAccepted(request)
        | Happened::JoinRejected(request) => (Some(&request.new.did), Some(request.id.to_string())),
    };
    let (authority, group) = (space.uri.authority(), space.uri.space_type());
    Target {
        organization_id: authority.clone(),
        network_id: authority,
        group_id: group.clone(),
        space_id: space_id(&space.uri),
        space_uri: Some(space.uri.clone()),
        member_id: member.cloned(),
        request_to_join_id: request,
        collection_id: group,
        extra: Default::default(),
    }
}
