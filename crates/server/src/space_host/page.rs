//! Pages of records that end before they become too large.

use std::str::FromStr;

use loggia_space::RecordPath;
use loggia_syntax::{Nsid, RecordKey};
use loggia_xrpc::Rejection;

use crate::plain_text;

/// Bytes of all values of a page, as DAG-CBOR; a page has at least one.
const MOST_VALUES: u64 = 4 << 20;

/// Counts what goes into a page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    bytes: u64,
}

impl Page {
    /// Whether something of this size still goes in.
    pub(crate) fn takes(&mut self, size: u32) -> bool {
        let goes = self.bytes == 0 || self.bytes + u64::from(size) <= MOST_VALUES;
        self.bytes += u64::from(size);
        goes
    }
}

fn wrong() -> Rejection {
    Rejection::invalid_request("`cursor` is not one that this method gave")
}

/// Refuses a cursor that names nothing of what is listed.
pub(crate) fn check_cursor<T: FromStr>(cursor: Option<&str>) -> Result<(), Rejection> {
    plain_text::check("cursor", cursor)?;
    match cursor.map(T::from_str) {
        Some(Err(_)) => Err(wrong()),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// The record that a cursor names.
pub(crate) fn record_path(cursor: &str) -> Result<RecordPath, Rejection> {
    let (collection, rkey) = cursor.split_once('/').ok_or_else(wrong)?;
    Ok(RecordPath {
        collection: Nsid::new(collection).map_err(|_| wrong())?,
        rkey: RecordKey::new(rkey).map_err(|_| wrong())?,
    })
}
