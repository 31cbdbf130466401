//! Access tokens of OAuth, bound to a key by DPoP (RFC 9068, RFC 9449).
//!
//! An access token is worth what its issuer is worth. [`AccessTokens`] holds one verifier for each
//! issuer that this server trusts and refuses the tokens of all others: [`OwnAccessTokens`] for those
//! that it issued itself, [`JwksAccessTokens`] for an issuer that publishes its keys, and
//! [`IntrospectedAccessTokens`] for one that wants to be asked. [`DpopAccess`] puts a token and its
//! proof together.

mod claims;
mod dpop_access;
mod error;
mod introspection;
mod jwks;
mod own;
mod presented;
mod router;

pub use claims::{AccessToken, Terms};
pub use dpop_access::{AccessRequest, DpopAccess};
pub use error::{AccessError, AnswerError};
pub use introspection::{Introspect, IntrospectedAccessTokens, LARGEST_ANSWER};
pub use jwks::JwksAccessTokens;
pub use own::{NewAccessToken, NewAccessTokenError, OwnAccessTokens};
pub use presented::PresentedToken;
pub use router::{AccessTokenVerifier, AccessTokens, Verifying};

/// The `typ` of an access token.
pub const TYPE: &str = "at+jwt";

/// How many verified tokens are remembered, each about 1 KB.
pub const SEEN_TOKENS: usize = 10_000;
