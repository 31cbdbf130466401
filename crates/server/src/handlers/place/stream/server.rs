//! `place.stream.server.*`: the webhooks of the calling account.

mod webhook;

pub mod create_webhook;
pub mod delete_webhook;
pub mod get_webhook;
pub mod list_webhooks;
pub mod update_webhook;
