//! Verify and mint the tokens of AT Protocol.
//!
//! Bytes, keys and the time come in, a principal or a refusal comes out: this crate does no I/O of
//! its own. It resolves DIDs, fetches documents and remembers used tokens through traits.
//!
//! - [`key`]: ECDSA over the two curves of the protocol; [`jwk`]: its keys as JSON.
//! - [`jws`]: the compact form that all tokens have.
//! - [`service_auth`]: one service or account calling another.
//! - [`access_token`] and [`dpop`]: an app that acts for an account.
//! - [`space_credential`], [`http_signature`] and [`delegation`]: an app that reads a space.
//! - [`attestation`]: which app that is.
//! - [`replay`]: tokens that may be used once.
//! - [`scope`]: what an OAuth access token allows.
//! - [`refusal`]: what all refusals have in common; [`headers`]: fields that may stand there once.

pub mod access_token;
pub mod attestation;
mod bounded;
pub mod delegation;
pub mod dpop;
mod hashed;
pub mod headers;
pub mod http_signature;
pub mod jwk;
pub mod jws;
pub mod key;
mod lifespan;
pub mod refusal;
pub mod replay;
pub mod scope;
mod seen;
pub mod service_auth;
mod signer;
pub mod space_credential;

pub use access_token::{AccessError, AccessToken, AccessTokenVerifier, AccessTokens, DpopAccess};
pub use attestation::{Attestation, AttestationError, Attestations};
pub use delegation::{Delegation, DelegationError, Delegations};
pub use dpop::{Nonces, Proof, ProofError};
pub use jwk::{Jwk, JwkSet};
pub use key::{PublicKey, SigningKey};
pub use refusal::Refusal;
pub use replay::{MemoryReplayStore, Replay, ReplayError, ReplayStore};
pub use service_auth::{ServiceAuth, ServiceAuthError};
pub use space_credential::{CredentialError, SpaceCredentials, SpaceReader};
