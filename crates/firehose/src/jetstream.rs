//! Both protocols of Jetstream: one JSON text for each event.
//!
//! Nothing is copied out of a frame before it is known to be wanted, and a record is kept as the text
//! that it is.

mod v1;
mod v2;

use std::borrow::Cow;

use loggia_syntax::{Did, Handle};
use serde::Deserialize;

use crate::{Reason, What};

pub use v1::read;
pub use v2::read as read2;

/// Text that is borrowed wherever it has no escapes. A type of its own, since serde borrows nothing
/// for an `Option<Cow>`.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// `identity` of both.
#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow)]
    handle: Option<Text<'a>>,
}

/// `account` of both.
#[derive(Deserialize)]
struct Account<'a> {
    active: bool,
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

impl From<Identity<'_>> for What {
    fn from(identity: Identity<'_>) -> Self {
        let handle = identity.handle.and_then(|text| Handle::new(&*text).ok());
        Self::Identity { handle }
    }
}

impl From<Account<'_>> for What {
    fn from(account: Account<'_>) -> Self {
        Self::Account {
            active: account.active,
            status: account.status.map(|text| shortened(&text)),
        }
    }
}

/// The longest status that is kept, in bytes; those that are known have at most 12.
const LONGEST_STATUS: usize = 64;

/// A status is a word; what is longer is cut.
pub(crate) fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_STATUS)].to_owned()
}

fn account_of(text: &str) -> Result<Did, Reason> {
    Did::new(text).map_err(|_| Reason::Identifier)
}

/// The text of a frame. `serde_json` says of no text whether it is JSON of another shape or none, so
/// that both are told apart by the class of its error.
fn parse<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T, Reason> {
    let text = std::str::from_utf8(frame).map_err(|_| Reason::Syntax)?;
    serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Reason::Shape,
        _ => Reason::Syntax,
    })
}
