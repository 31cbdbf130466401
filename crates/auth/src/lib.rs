//! Verify and mint the tokens of AT Protocol.
//!
//! Bytes, keys and the time come in, a principal or a refusal comes out: this crate does no I/O of
//! its own. It resolves DIDs and remembers used tokens through traits.
//!
//! - [`key`]: ECDSA over the two curves of the protocol.
//! - [`jws`]: the compact form that all tokens have.
//! - [`service_auth`]: one service or account calling another.
//! - [`replay`]: tokens that may be used once.

pub mod jws;
pub mod key;
pub mod replay;
pub mod service_auth;

pub use key::{PublicKey, SigningKey};
pub use replay::{MemoryReplayStore, Replay, ReplayError, ReplayStore};
pub use service_auth::{ServiceAuth, ServiceAuthError};
