//! Wisp: webhooks that are records in the repositories of their owners.
//!
//! - [`webhook`]: what such a record says, checked.
//! - [`happening`]: what a change of a record is called and how it is told.
//! - [`SecretDesk`]: secrets that webhooks name.
//! - [`rest`]: `/api/webhook` and `/api/secret`, for people with a browser.
//! - [`Version`]: Wisp's own service is there in two that differ on the wire.

mod canonical;
pub mod happening;
pub mod rest;
mod secrets;
mod version;
pub mod webhook;

use loggia_api::place::wisp::v2::wh::Wh;
use loggia_xrpc::Record as _;

pub use happening::{Happening, Unfit};
pub use secrets::{SecretDesk, SecretError, Token};
pub use version::Version;
pub use webhook::{Invalid, InvalidKind, Webhook};

/// Where the records are.
pub const COLLECTION: &str = Wh::NSID;
