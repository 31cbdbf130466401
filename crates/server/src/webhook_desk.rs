//! What the handlers of `place.stream.server.*` need.

use std::error::Error as _;

use loggia_delivery::{Handle, Target};
use loggia_storage::{Storage, WebhookId, Webhooks};
use loggia_xrpc::Rejection;
use loggia_xrpc_client::AddressGuard;

/// Webhooks in the store, and the rules for them.
#[derive(Clone)]
pub struct WebhookDesk {
    /// Where they are kept.
    pub storage: Storage,
    /// The way into the delivery engine.
    pub engine: Handle,
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

/// Most rules, and most muted words, of a webhook: each is looked for in all that is said, and the
/// lexicon has no limit of its own.
const MOST_RULES: usize = 100;

/// Checks how many events, rules and muted words there are, where there are any.
///
/// # Errors
/// 400 with what is wrong.
pub fn check_counts(
    events: Option<usize>,
    rules: Option<usize>,
    words: Option<usize>,
) -> Result<(), Rejection> {
    if events == Some(0) {
        return Err(Rejection::invalid_request(
            "`events` needs at least one event",
        ));
    }
    for (name, count) in [("events", events), ("rewrite", rules), ("muteWords", words)] {
        if count.unwrap_or(0) > MOST_RULES {
            let message = format!("`{name}` has more than {MOST_RULES} entries");
            return Err(Rejection::invalid_request(message));
        }
    }
    Ok(())
}

/// Reads an id; what is no id of ours names nothing.
pub fn read_id(id: &str) -> Option<WebhookId> {
    id.parse().ok()
}
