//! What the handlers of `place.stream.server.*` need.

use loggia_storage::{Storage, WebhookId, Webhooks};
use loggia_xrpc_client::AddressGuard;

/// Webhooks in the store, and the rules for them.
#[derive(Clone)]
pub struct WebhookDesk {
    /// Where they are kept.
    pub storage: Storage,
    /// Most webhooks of one account.
    pub most: u32,
    /// Which URLs may be called.
    pub guard: AddressGuard,
}

impl WebhookDesk {
    /// The webhooks of the store.
    pub fn webhooks(&self) -> Webhooks {
        self.storage.webhooks()
    }

    /// A URL that may be called, exactly as it was given.
    ///
    /// # Errors
    /// What is wrong with it, for its owner.
    pub fn check_url(&self, url: &str) -> Result<(), String> {
        let refused = match self.guard.read_url(url) {
            Ok(_) if url.len() <= 2048 => return Ok(()),
            Ok(_) => return Err("`url` is longer than 2048 bytes".to_owned()),
            Err(refused) => refused,
        };
        let cause = std::error::Error::source(&refused).map(|cause| format!(": {cause}"));
        Err(format!("`url`: {refused}{}", cause.unwrap_or_default()))
    }
}

/// Reads an id; what is no id of ours names nothing.
pub fn read_id(id: &str) -> Option<WebhookId> {
    id.parse().ok()
}
