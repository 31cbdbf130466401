//! `dev.loggia.community.*`: who joins spaces, and who is told what happens in them.

pub mod accept_invite;
pub mod accept_join_request;
pub mod cancel_join_request;
pub mod create_invite;
pub mod create_webhook;
pub mod decline_invite;
pub mod delete_webhook;
pub mod get_webhook;
pub mod leave;
pub mod list_invites;
pub mod list_join_requests;
pub mod list_webhooks;
pub mod reject_join_request;
pub mod request_to_join;
pub mod revoke_invite;
pub mod rotate_webhook_secret;
pub mod update_webhook;

mod view;
