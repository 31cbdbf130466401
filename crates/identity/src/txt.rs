//! How this crate asks the DNS: through whoever implements [`LookUpTxt`].

use std::error::Error as StdError;
use std::sync::Arc;

/// Why a look-up has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TxtError {
    /// The records are longer than any real ones.
    #[error("the TXT records are longer than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The network or a name server failed. Trying again may help.
    #[error("the TXT records cannot be looked up")]
    Failed(#[source] Box<dyn StdError + Send + Sync>),
}

/// One look-up of TXT records. An implementation has a deadline, bounds what it reads, and asks for
/// the name as it is, without any search list.
pub trait LookUpTxt: Send + Sync + 'static {
    /// The text of each TXT record of `name`; none if there is no such name. The strings that one
    /// record is made of are joined, with nothing between them.
    fn look_up_txt(&self, name: &str)
    -> impl Future<Output = Result<Vec<String>, TxtError>> + Send;
}

impl<T: LookUpTxt> LookUpTxt for Arc<T> {
    async fn look_up_txt(&self, name: &str) -> Result<Vec<String>, TxtError> {
        T::look_up_txt(self, name).await
    }
}
