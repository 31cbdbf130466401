//! "Log in with your PDS", for people with a browser.
//!
//! A person gives a handle or DID, proves at their own PDS that it is theirs, and comes back with a
//! cookie. Behind it stands an OAuth session with which this server may act for them there.
//!
//! - [`oauth`]: our side of AT Protocol's OAuth profile. Knows no cookies and no pages.
//! - [`people`]: the logins that are under way and the sessions that there are, in the store.
//! - [`LoggedIn`]: the extractor for handlers.
//! - [`Pds`]: calls to a person's PDS in their name.
//! - [`routes`]: `/login`, `/oauth/callback`, `/account`, `/logout`.
//!
//! Tokens, keys, states and cookies are never logged.

pub mod accounts;
pub mod cookie;
mod error;
mod grant;
mod logged_in;
pub mod oauth;
mod page;
mod pds;
pub mod people;
mod return_to;
pub mod routes;
mod same_origin;
pub mod secret_text;
mod site;
pub(crate) mod start;

pub use error::LoginError;
pub use logged_in::LoggedIn;
pub use pds::{Pds, PdsError};
pub use people::People;
pub use site::Site;
