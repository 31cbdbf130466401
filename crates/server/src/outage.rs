//! What it means for callers when the database is away: not an error of ours, but one that will pass.

use std::error::Error;

use loggia_storage::StorageError;
use loggia_xrpc_server::Refusal;

/// Causes that are looked at: a chain may be a ring.
const DEEPEST: usize = 16;

/// Whether an error comes from a database that is away, full or too busy.
pub(crate) fn is_outage(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    for _ in 0..DEEPEST {
        let Some(error) = cause else { return false };
        let stored = error.downcast_ref::<StorageError>();
        if stored.is_some_and(StorageError::is_outage) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The answer of an extractor or a page to what is not its caller's fault.
pub(crate) fn refuse(error: &(dyn Error + 'static)) -> Refusal {
    if is_outage(error) {
        Refusal::away(error)
    } else {
        Refusal::internal(error)
    }
}
