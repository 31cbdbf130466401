//! Delegation tokens: an account lets an app read a space in its name.
//!
//! The account's PDS makes one, the app exchanges it at the space host for a
//! [credential](crate::space_credential), and it can do so once.

mod error;
mod mint;
mod verifier;

pub use error::DelegationError;
pub use mint::{NewDelegation, NewDelegationError, mint};
pub(crate) use verifier::bearer;
pub use verifier::{Delegation, Delegations};

/// The `typ` of a delegation token.
pub const TYPE: &str = "atproto-space-delegation+jwt";

/// The fragment of the only key that signs one. The reference of August also takes
/// `#atproto_space`, by mistake.
pub const KEY: &str = "#atproto";

/// The fragment of a space host in the authority's DID document; with the DID before it, the
/// audience of a delegation.
pub const HOST: &str = "#atproto_space_host";

/// The most seconds that a delegation token lives. 60 is usual and the reference has no limit; a
/// token that can be used once needs no longer.
pub const MOST_LIFETIME: i64 = 300;

/// Seconds by which clocks may differ.
pub const SKEW: i64 = 5;
