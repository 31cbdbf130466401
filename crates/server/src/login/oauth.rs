//! Our side of AT Protocol's OAuth profile: authorization code with PAR (RFC 9126), PKCE (RFC 7636),
//! DPoP (RFC 9449) and `iss` in the answer (RFC 9207).
//!
//! A published server is a confidential client that proves itself by `private_key_jwt` (RFC 7523);
//! a development server is a public client of loopback. This is our own code because no client
//! library for it is safe against a hostile authorization server and bounded throughout.

mod client;
mod exchange;
mod jwt;
mod key;
mod metadata;
mod nonces;
mod requests;

pub use client::{CALLBACK_PATH, Client, JWKS_PATH, METADATA_PATH};
pub use exchange::{Dpop, Exchange, ExchangeError, Request, error_name, one_line, refused};
pub use key::{StoredKey, thumbprint};
pub use metadata::{AuthorizationServer, MetadataError, read_resource};
pub use requests::{Push, Tokens, pkce_challenge};

/// What a person is asked to allow: to know who they are, and to keep their own webhook records of
/// `place.wisp.v2.wh`. Nothing else in their repository can be written with it.
pub const SCOPE: &str = "atproto repo:place.wisp.v2.wh";
