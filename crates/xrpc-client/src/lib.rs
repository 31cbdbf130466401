//! Calls out: one HTTP client that guards which addresses it reaches, and typed XRPC calls over it.
//! And WebSockets under the same guard, and reading the frames of event streams that they bring.
//!
//! Every request that this project makes goes through [`GuardedClient`], because most URLs come from
//! other people: endpoints of webhooks, services in DID documents, hosts of `did:web`. It reaches
//! public addresses only, follows no redirect, and bounds time and size. Messages of its errors hold
//! no body, no query and no header.

mod call;
mod client;
mod dns;
mod dns_client;
mod download;
mod error;
mod frame;
pub mod guard;
mod web_socket;

pub use call::{CallError, Credentials, Refusal};
pub use client::{Answer, ClientSettings, GuardedClient, USER_AGENT};
pub use dns::{Found, Lookup, Names};
pub use dns_client::{DnsClient, DnsSettings, DnsSetupError, TxtLookupError};
pub use download::{Download, Pace};
pub use error::{BuildError, ClientError};
pub use frame::{Frame, FrameError, read_frame};
pub use guard::{AddressGuard, Blocked, Network, UrlRefusal};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method};
pub use url::Url;
pub use web_socket::{WebSocket, WebSocketError, WebSocketMessage, WebSocketSettings};
