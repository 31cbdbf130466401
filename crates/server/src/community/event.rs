//! The events of a community, by the names that Bettermode gave them. Data, not code.

use loggia_xrpc::Rejection;

/// Which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    SpaceCreated,
    SpaceUpdated,
    SpaceDeleted,
    MembershipCreated,
    MembershipDeleted,
    JoinRequestCreated,
    JoinRequestAccepted,
    JoinRequestRejected,
}

/// What an event is called in each place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    /// What webhooks ask for.
    pub(crate) name: &'static str,
    /// The kind of its notifications.
    pub(crate) kind: &'static str,
    pub(super) verb: &'static str,
    pub(super) verb_action: &'static str,
    pub(super) noun: &'static str,
    pub(super) short_description: &'static str,
}

/// `[name, kind below dev.loggia.community, verb, verb action, noun, words for people]`
macro_rules! wire {
    ($name:literal, $kind:literal, $verb:literal, $action:literal, $noun:literal, $words:literal) => {
        Wire {
            name: $name,
            kind: concat!("dev.loggia.community.", $kind),
            verb: $verb,
            verb_action: $action,
            noun: $noun,
            short_description: $words,
        }
    };
}

impl Event {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::SpaceCreated,
        Self::SpaceUpdated,
        Self::SpaceDeleted,
        Self::MembershipCreated,
        Self::MembershipDeleted,
        Self::JoinRequestCreated,
        Self::JoinRequestAccepted,
        Self::JoinRequestRejected,
    ];

    /// What it is called.
    #[rustfmt::skip]
    pub(crate) const fn wire(self) -> &'static Wire {
        match self {
            Self::SpaceCreated => &wire!("space.created", "spaceCreated", "CREATED", "ADDED", "SPACE", "Create Space"),
            Self::SpaceUpdated => &wire!("space.updated", "spaceUpdated", "UPDATED", "UPDATED", "SPACE", "Update Space"),
            Self::SpaceDeleted => &wire!("space.deleted", "spaceDeleted", "DELETED", "REMOVED", "SPACE", "Delete Space"),
            Self::MembershipCreated => &wire!("space_membership.created", "membershipCreated", "CREATED", "ADDED", "SPACE_MEMBERSHIP", "Add Member To Space"),
            Self::MembershipDeleted => &wire!("space_membership.deleted", "membershipDeleted", "DELETED", "REMOVED", "SPACE_MEMBERSHIP", "Remove Member From Space"),
            Self::JoinRequestCreated => &wire!("space_join_request.created", "joinRequestCreated", "CREATED", "ADDED", "SPACE_JOIN_REQUEST", "Create Space Join Request"),
            Self::JoinRequestAccepted => &wire!("space_join_request.accepted", "joinRequestAccepted", "ACCEPTED", "ACCEPTED", "SPACE_JOIN_REQUEST", "Accept Space Join Request"),
            Self::JoinRequestRejected => &wire!("space_join_request.rejected", "joinRequestRejected", "REJECTED", "REJECTED", "SPACE_JOIN_REQUEST", "Reject Space Join Request"),
        }
    }

    /// The event of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event| event.wire().name == name)
    }
}

/// The names of events that a webhook asks for, each once.
///
/// # Errors
/// 400: there is no such event, or none is named.
pub(super) fn read<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<Event>, Rejection> {
    let mut events = Vec::new();
    for name in names {
        let event = Event::named(name).ok_or_else(|| {
            Rejection::invalid_request(format!("`events`: there is no event {name:?}"))
        })?;
        if !events.contains(&event) {
            events.push(event);
        }
    }
    match events.is_empty() {
        true => Err(Rejection::invalid_request("`events` names none")),
        false => Ok(events),
    }
}
