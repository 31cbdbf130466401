//! What happens to spaces and their members, for those who want to be told.

use jiff::Timestamp;
use loggia_storage::{StorageError, Write};
use loggia_syntax::{Did, SpaceRef};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A space was opened.
    SpaceCreated {
        /// Which one.
        space: SpaceRef,
    },
    /// The rules of a space were changed.
    SpaceUpdated {
        /// Which one.
        space: SpaceRef,
    },
    /// A space was closed.
    SpaceDeleted {
        /// Which one.
        space: SpaceRef,
    },
    /// Somebody became a member.
    MemberAdded {
        /// Of which space.
        space: SpaceRef,
        /// Who.
        member: Did,
    },
    /// Somebody is no member any more.
    MemberRemoved {
        /// Of which space.
        space: SpaceRef,
        /// Who.
        member: Did,
    },
}

/// Tells whoever wants to be told, in the transaction in which it happens. Nobody can ask for it yet,
/// and so nobody is told.
///
/// # Errors
/// The store failed.
pub async fn happened(_: &mut Write, event: &Happened, _: Timestamp) -> Result<(), StorageError> {
    tracing::debug!(?event, "happened in a community");
    Ok(())
}
