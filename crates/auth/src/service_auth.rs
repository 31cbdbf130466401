//! Service auth: a signed token with which one account or service calls one method of another.
//!
//! What is checked, in this order: the form, the claims (before anything is asked of the network),
//! the signature against the issuer's DID document, and that the token was not used before.
//! [`ServiceAuth`] does it all; [`Unverified`] and [`Checked`] are its steps.

mod bearer;
mod claims;
mod error;
mod mint;
mod verifier;

pub use bearer::bearer;
pub use claims::{Audiences, Checked, Expected, Limits, Unverified, Verified};
pub use error::ServiceAuthError;
pub use mint::{Mint, MintError, mint};
pub use verifier::ServiceAuth;

/// The fragment of the only key that signs service auth.
pub const KEY: &str = "#atproto";
