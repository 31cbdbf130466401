//! How these routes say no.

use loggia_storage::StorageError;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;

use crate::projections::desk::DeskError;

pub(super) fn not_found() -> Refusal {
    Rejection::new(404, "NotFound", "there is no such projection").into()
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Rejection::invalid_request(message).into()
}

pub(super) fn storage(error: StorageError) -> Refusal {
    Refusal::internal(&error)
}

pub(super) fn desk(error: DeskError) -> Refusal {
    let refused = |status, name| Rejection::new(status, name, error.to_string()).into();
    match &error {
        DeskError::NotFound => not_found(),
        DeskError::TooMany => refused(409, "TooManyProjections"),
        DeskError::Invalid(_) => refused(400, "InvalidProjection"),
        DeskError::Url(_) => refused(400, "InvalidUrl"),
        DeskError::Headers(_) => refused(400, "InvalidHeader"),
        DeskError::NotIsolated => refused(409, "NotIsolated"),
        DeskError::Storage(_) | DeskError::NotRun(_) | DeskError::Json(_) => {
            Refusal::internal(&error)
        }
    }
}
