//! How this crate reaches the network: through whoever implements [`Fetch`].

use std::error::Error as StdError;
use std::sync::Arc;

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The answer is larger than was asked for.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The target may not be reached: a private address, plain HTTP, a malformed URL. Trying again
    /// does not help.
    #[error("the target is not allowed")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
    /// The network or the other side failed. Trying again may help.
    #[error("the request failed")]
    Failed(#[source] Box<dyn StdError + Send + Sync>),
}

/// One GET request. An implementation guards addresses, follows no redirect and has a deadline.
pub trait Fetch: Send + Sync + 'static {
    /// Fetches `url`, of whose answer at most `limit` bytes are taken; any status is an answer.
    fn get(
        &self,
        url: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Fetched, FetchError>> + Send;
}

impl<F: Fetch> Fetch for Arc<F> {
    async fn get(&self, url: &str, limit: usize) -> Result<Fetched, FetchError> {
        F::get(self, url, limit).await
    }
}
