//! Space credentials: what a space's authority gives to whoever may read it.
//!
//! The network has two forms of them. Both are the same token; they differ in how its holder proves
//! to be the one that it was given to ([`KeyBinding`]). October 2026 signs the request (RFC 9421);
//! August 2026 sends a DPoP proof. Each form can be switched on and off ([`Profiles`]).

mod binding;
mod claims;
mod error;
mod exchange;
mod mint;
mod revocation;
mod verifier;

pub use binding::{KeyBinding, Profiles};
pub use claims::Credential;
pub use error::CredentialError;
pub use exchange::{Exchange, ExchangeError, Exchanged};
pub use mint::{NewCredential, NewCredentialError, mint};
pub use revocation::{
    MemoryRevocations, NothingRevoked, RevocationError, Revocations, RevocationsFull,
};
pub use verifier::{CredentialRequest, SpaceAudience, SpaceCredentials, SpaceReader};

/// The `typ` of a credential.
pub const TYPE: &str = "atproto-space-credential+jwt";

/// The fragments of the keys that sign credentials, one of which the token must name. Neither stands
/// in for the other.
pub const KEYS: [&str; 2] = ["#atproto_space", "#atproto"];

/// Seconds by which clocks may differ.
pub const SKEW: i64 = 5;

/// How many verified credentials are remembered, each about 1 KB.
pub const SEEN_CREDENTIALS: usize = 10_000;
