//! Who may read what projections of spaces make.
//!
//! Records of the network are for everybody. What is in a space is for its authority and for those whom
//! its rules let read it now, with any app: a server that folds for them is none that could prove
//! itself. Whether a managing app would let somebody in cannot be asked in the middle of a write, so
//! there only the authority reads.

use std::collections::BTreeSet;

use loggia_storage::{AppAccess, HostedSpace, SpacePolicy, Storage, StorageError, Write};
use loggia_syntax::{Did, SpaceRef};

/// Whether somebody may read a space now.
///
/// # Errors
/// The store failed.
pub(crate) async fn may_read(
    storage: &Storage,
    reader: &Did,
    space: &SpaceRef,
) -> Result<bool, StorageError> {
    if space.authority() == *reader {
        return Ok(true);
    }
    let spaces = storage.spaces();
    match rule(spaces.find(space).await?.as_ref()) {
        Rule::Everybody => Ok(true),
        Rule::Nobody => Ok(false),
        Rule::Members => {
            let member = spaces.member(space, reader).await?;
            Ok(member.is_some_and(|member| member.read))
        }
    }
}

/// Which of them may read a space, in the transaction that writes what would be read.
///
/// # Errors
/// The store failed.
pub(super) async fn who_may_read(
    storage: &Storage,
    tx: &mut Write,
    wishes: BTreeSet<Did>,
    space: &SpaceRef,
) -> Result<BTreeSet<Did>, StorageError> {
    let spaces = storage.spaces();
    let mut may = match rule(spaces.find_in(tx, space).await?.as_ref()) {
        Rule::Everybody => return Ok(wishes),
        Rule::Nobody => BTreeSet::new(),
        Rule::Members => spaces.readers_among(tx, space, &wishes).await?,
    };
    may.extend(wishes.into_iter().filter(|did| space.authority() == *did));
    Ok(may)
}

enum Rule {
    Everybody,
    Members,
    Nobody,
}

/// Beside the authority.
fn rule(space: Option<&HostedSpace>) -> Rule {
    let open = space.filter(|space| space.app_access == AppAccess::Open);
    match open.map(|space| &space.read_policy) {
        Some(SpacePolicy::Public) => Rule::Everybody,
        Some(SpacePolicy::MemberList) => Rule::Members,
        Some(SpacePolicy::ManagingApp(_)) | None => Rule::Nobody,
    }
}
