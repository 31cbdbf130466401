//! Calls out: one HTTP client that guards which addresses it reaches, and typed XRPC calls over it.
//!
//! Every request that this project makes goes through [`GuardedClient`], because most URLs come from
//! other people: endpoints of webhooks, services in DID documents, hosts of `did:web`. It reaches
//! public addresses only, follows no redirect, and bounds time and size. Messages of its errors hold
//! no body, no query and no header.

mod call;
mod client;
mod dns;
mod error;
pub mod guard;

pub use call::{CallError, Credentials, Refusal};
pub use client::{Answer, ClientSettings, GuardedClient};
pub use error::{BuildError, ClientError};
pub use guard::{AddressGuard, Blocked, Network, UrlRefusal};
pub use http::{HeaderMap, HeaderName, HeaderValue};
pub use url::Url;
