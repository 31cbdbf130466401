//! HTTP message signatures (RFC 9421), as far as space credentials of October 2026 use them.
//!
//! One label, at most two components, no parameter that matters but `alg` and `keyid`. A signature
//! has no time in it: it may be sent again for as long as the credential that it covers lives, and
//! to one audience.

mod base;
mod error;
mod fields;
mod sign;
mod verify;

pub use error::SignatureError;
pub use sign::{SignatureFields, sign};
pub use verify::{Components, SignedFields, verify_for_key, verify_with_keyid};

/// The label of the only signature that is looked at.
pub const LABEL: &str = "atproto-space";

/// The header that names the party that a request is meant for.
pub const AUDIENCE_HEADER: &str = "Atproto-Space-Audience";

/// The scheme of a credential in `Authorization`.
pub const SCHEME: &str = "Atproto-Space";

/// The only algorithm, where one is named.
const ALGORITHM: &str = "ecdsa-p256-sha256";
