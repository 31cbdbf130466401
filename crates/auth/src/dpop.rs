//! DPoP (RFC 9449), the server's side: a proof that the caller holds a key, for this one request.
//!
//! Two profiles use it: OAuth, where the server hands out nonces ([`Profile::OAUTH`]), and the space
//! credentials of August 2026, where it does not ([`Profile::SPACE`]). A proof is worth nothing by
//! itself: whoever verifies it compares its [`thumbprint`](Proof::thumbprint) with the one that a
//! token is bound to.

mod error;
mod mint;
mod nonce;
mod profile;
mod proof;
mod target;

pub use error::ProofError;
pub use mint::{NewProof, mint};
pub use nonce::Nonces;
pub use profile::Profile;
pub use proof::{Expected, Proof};
pub use target::{PublicUrl, Target, TargetError};

use crate::hashed::HashedToken;

/// The `typ` of a proof.
pub const TYPE: &str = "dpop+jwt";

/// SHA-256 of a token in base64url: the `ath` of a proof that goes with it (RFC 9449 §4.2).
pub fn token_hash(token: &str) -> String {
    HashedToken::new(token).ath()
}
