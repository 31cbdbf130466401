//! Between a registration and its row.

use jiff::Timestamp;
use loggia_delivery::EndpointId;
use loggia_syntax::{Did, SpaceRef, SyntaxError};

use super::{Registration, RegistrationId};
use crate::BadRow;
use crate::column::{Reading, millis};
use crate::sql::Row;

pub(super) fn readable(row: &Row) -> Option<Registration> {
    read(row)
        .inspect_err(|bad| {
            let error = bad as &dyn std::error::Error;
            tracing::error!(error, "a registration cannot be read and is not told");
        })
        .ok()
}

pub(super) fn read(row: &Row) -> Result<Registration, BadRow> {
    let unnamed = Reading::new("registration", "(unreadable)", row);
    let id = unnamed.parse("id", RegistrationId::from_slice)?;
    let reading = Reading::new("registration", id, row);
    let did = |text: &str| Did::new(text);
    Ok(Registration {
        id,
        space: reading.parse("space", |text: &str| SpaceRef::new(text))?,
        service: reading.parse("service", service)?,
        shape: reading.parse("shape", str::parse)?,
        url: reading.get("url")?,
        author: reading.parse("author", |text: &str| match text {
            "" => Ok(None),
            text => Did::new(text).map(Some),
        })?,
        older_spelling: reading.get("older_spelling")?,
        endpoint: reading.parse("endpoint", EndpointId::from_slice)?,
        created_by: reading.parse("created_by", did)?,
        reader: reading.parse("reader", |text: Option<&str>| text.map(did).transpose())?,
        credential: reading.get("credential")?,
        expires_at: reading.time("expires_at")?,
    })
}

fn service(text: &str) -> Result<String, SyntaxError> {
    let (did, _) = text.split_once('#').unwrap_or((text, ""));
    Did::check(did).map(|_| text.to_owned())
}

/// The time as it will be read back.
pub(super) fn to_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(millis(time)).unwrap_or(time)
}
