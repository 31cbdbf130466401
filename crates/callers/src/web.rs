//! The guarded client as the way to DID documents.

use loggia_identity::{Fetch, FetchError, Fetched};
use loggia_xrpc_client::{Answer, ClientError, GuardedClient, Url};

/// Fetches documents with the guarded client.
#[derive(Clone)]
pub struct Web(pub GuardedClient);

impl Web {
    /// What a call of the guarded client came to, as whoever asked for a document sees it.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn fetched(answer: Result<Answer, ClientError>) -> Result<Fetched, FetchError> {
        match answer {
            Ok(answer) => Ok(Fetched {
                status: answer.status,
                body: answer.body.into(),
            }),
            Err(ClientError::TooLarge { limit, .. }) => Err(FetchError::TooLarge { limit }),
            Err(error) if error.is_refused() => Err(FetchError::Refused(error.into())),
            Err(error) => Err(FetchError::Failed(error.into())),
        }
    }
}

impl Fetch for Web {
    async fn get(&self, url: &str, limit: usize) -> Result<Fetched, FetchError> {
        let url = Url::parse(url).map_err(|error| FetchError::Refused(error.into()))?;
        Self::fetched(self.0.get(&url, limit).await)
    }
}
