//! Whose signature a commit has. Keys are found and used elsewhere.

use std::error::Error;

use loggia_syntax::Did;

use crate::Soon;

/// Checks signatures of accounts.
pub trait Signatures: Send + Sync + 'static {
    /// Whether the account's signing key has signed these bytes (ECDSA over their SHA-256, 64 bytes, low
    /// S only). Looks the key up once more before it says no, since keys change.
    fn check<'a>(
        &'a self,
        account: &'a Did,
        signed: &'a [u8],
        signature: &'a [u8],
    ) -> Soon<'a, Result<(), SignatureError>>;
}

/// Why a signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// It is not by the account's key.
    #[error("the signature is not by the account's key")]
    Bad,
    /// The account's key cannot be found.
    #[error("the account's key cannot be found")]
    NoKey(#[source] Box<dyn Error + Send + Sync>),
}
