//! What the handlers of `place.stream.server.*` need.

use std::error::Error as _;

use loggia_delivery::Target;
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

    /// A URL that may be called, in its normal form: what is stored and compared.
    ///
    /// # Errors
    /// What is wrong with it, for its owner.
    pub fn read_url(&self, text: &str) -> Result<String, String> {
        let url = self.guard.read_url(text).map_err(|refused| {
            let cause = refused.source().map(|cause| format!(": {cause}"));
            format!("`url`: {refused}{}", cause.unwrap_or_default())
        })?;
        // The normal form may be longer than the text: other letters than ASCII are encoded.
        if url.as_str().len() > Target::MAX_LENGTH {
            return Err(format!("`url` is longer than {} bytes", Target::MAX_LENGTH));
        }
        Ok(url.into())
    }
}

/// Reads an id; what is no id of ours names nothing.
pub fn read_id(id: &str) -> Option<WebhookId> {
    id.parse().ok()
}
