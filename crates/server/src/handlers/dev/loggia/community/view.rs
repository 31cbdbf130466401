//! Communities between the wire and the store.

use jiff::Timestamp;
use loggia_api::dev::loggia::community::defs;
use loggia_delivery::{Profile, Secret};
use loggia_storage::{CommunityWebhook, Proposal, ProposalStatus};
use loggia_xrpc::parse_listed;

use super::super::endpoint::view::view as endpoint_view;
use crate::handlers::dev::loggia::endpoint::secret::{self, Unusable};
use crate::view::datetime;

/// A webhook that the lexicon has no form for: written by a newer program, or by hand.
#[derive(Debug, thiserror::Error)]
pub enum Unshowable {
    /// Its endpoint.
    #[error(transparent)]
    Endpoint(#[from] crate::handlers::dev::loggia::endpoint::view::Unshowable),
    /// Its events.
    #[error("an event of a webhook has an unknown name")]
    Event(#[from] loggia_xrpc::NotListed),
}

/// The webhook as its owner sees it.
pub fn webhook(webhook: CommunityWebhook, now: Timestamp) -> Result<defs::Webhook, Unshowable> {
    let events = webhook.events.iter().map(|name| parse_listed(name));
    let events = events.collect::<Result<_, _>>()?;
    let shown = endpoint_view(webhook.owned, now)?;
    Ok(defs::Webhook {
        id: shown.id,
        url: shown.url,
        events,
        state: shown.state,
        in_order: shown.in_order,
        overlap_until: shown.overlap_until,
        created_at: shown.created_at,
        updated_at: shown.updated_at,
        last_success: shown.last_success,
        consecutive_failures: shown.consecutive_failures,
        extra: Default::default(),
    })
}

/// The secret that was given, or a new one, and how it is shown.
pub fn new_secret(given: Option<&str>) -> Result<(Secret, String), Unusable> {
    let secret = secret::secret(Profile::Bettermode, false, given)?;
    let text = secret.to_text().to_string();
    Ok((secret, text))
}

/// The request as whoever made it, or answers it, sees it.
pub fn join_request(request: Proposal) -> defs::JoinRequest {
    defs::JoinRequest {
        id: request.id.to_string(),
        space: request.new.space,
        did: request.new.did,
        message: request.new.message,
        status: request.status.as_str().into(),
        answered_by: request.answered_by,
        created_at: datetime(request.created_at),
        updated_at: datetime(request.updated_at),
        extra: Default::default(),
    }
}

/// The invite as whoever made it, or answers it, sees it.
pub fn invite(invite: Proposal) -> defs::Invite {
    defs::Invite {
        id: invite.id.to_string(),
        space: invite.new.space,
        did: invite.new.did,
        read: invite.new.read,
        write: invite.new.write,
        message: invite.new.message,
        status: invite.status.as_str().into(),
        created_at: datetime(invite.created_at),
        updated_at: datetime(invite.updated_at),
        extra: Default::default(),
    }
}

/// A status that somebody asks for.
pub fn status(text: &str) -> Option<ProposalStatus> {
    text.parse().ok()
}
