//! How these routes say no.

use loggia_storage::{ProjectionId, StorageError};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;

use crate::outage;
use crate::projections::desk::DeskError;
use crate::projections::names;

pub(super) fn not_found() -> Refusal {
    Rejection::new(404, "NotFound", "there is no such projection").into()
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Rejection::invalid_request(message).into()
}

/// A body that cannot be read, or is too long.
pub(super) fn body(status: u16, message: String) -> Refusal {
    let name = match status {
        413 => "PayloadTooLarge",
        _ => "InvalidRequest",
    };
    Rejection::new(status, name, message).into()
}

pub(super) fn storage(error: StorageError) -> Refusal {
    outage::refuse(&error)
}

/// A projection's id; what is none names nothing.
pub(super) fn read_id(id: &str) -> Result<ProjectionId, Refusal> {
    names::read_projection(id).ok_or_else(not_found)
}

/// How many are asked for: `most` unless it is said.
pub(super) fn within(name: &str, asked: Option<u32>, most: u32) -> Result<u32, Refusal> {
    let count = asked.unwrap_or(most);
    match (1..=most).contains(&count) {
        true => Ok(count),
        false => Err(invalid(format!("`{name}` is 1 to {most}"))),
    }
}

/// Refuses a number below zero.
pub(super) fn negative(name: &str, number: Option<i64>) -> Result<(), Refusal> {
    match number {
        Some(..0) => Err(invalid(format!("`{name}` is at least 0"))),
        _ => Ok(()),
    }
}

pub(super) fn desk(error: DeskError) -> Refusal {
    let refused = |status, name| Rejection::new(status, name, error.to_string()).into();
    match &error {
        DeskError::NotFound => not_found(),
        DeskError::TooMany | DeskError::TooManyReaders(_) => refused(409, "TooManyProjections"),
        DeskError::SourceFull(_) => refused(409, "SourceFull"),
        DeskError::Invalid(_) => refused(400, "InvalidProjection"),
        DeskError::Url(_) => refused(400, "InvalidUrl"),
        DeskError::Headers(_) => refused(400, "InvalidHeader"),
        DeskError::NotAReader => refused(403, "NotAReader"),
        DeskError::NotIsolated => refused(409, "NotIsolated"),
        DeskError::Storage(_) | DeskError::NotRun(_) | DeskError::Json(_) => outage::refuse(&error),
    }
}
