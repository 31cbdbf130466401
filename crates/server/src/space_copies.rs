//! Copies of what authors have in spaces that are hosted elsewhere, so that somebody who is registered
//! here hears of each record that changes.
//!
//! The host of a space says no more than that an author's repository has moved on, if it can say that
//! much. What changed is fetched from the author's own host, as the log of changes or as the whole, and
//! counts once the author's signature and the hash over all records are proved. A space is copied while
//! somebody is registered for it; its list of repositories is read when copying begins, after each start,
//! after a gap in its sequence, and now and then.
//!
//! Of a space that is hosted here only those repositories are copied that are not: see `here`.
//!
//! What is to be done is an errand: it is written in the transaction of what is heard, and done in the
//! one that moves the copy on and tells of it, so that a crash between any two steps tells nothing twice
//! and loses nothing.

mod apply;
mod asking;
mod credential;
mod here;
mod latest;
pub mod limits;
mod log;
mod news;
mod proof;
mod pull;
mod snapshot;
mod turn;
mod visit;
mod wanted;
mod worker;

use loggia_storage::Storage;

use crate::space_host::HostedAccounts;
use crate::space_notices::SpaceNotices;
use crate::wisp_registry::Bell;

pub(crate) use asking::Asking;
pub(crate) use credential::Purse;
pub(crate) use latest::NoLatest;
pub(crate) use news::{NewsError, RepoNews};
pub(crate) use snapshot::Snapshots;
pub(crate) use worker::Syncer;

/// A space is to be visited: registered for at its host, and its list read. The subject is its name.
const VISIT: &str = "space-visit";
/// A repository is to be fetched; the subject is `AUTHOR SPACE`.
const PULL: &str = "space-pull";
/// The registration for a space is to be ended; the subject is its name.
const LEAVE: &str = "space-leave";

/// What is known of repositories that are hosted elsewhere. Cheap to clone.
#[derive(Clone)]
pub struct SpaceCopies {
    /// The copies, and what is to be done.
    pub(crate) storage: Storage,
    /// Tells of changes.
    pub(crate) notices: SpaceNotices,
    /// Whose repositories are here anyway.
    pub(crate) accounts: HostedAccounts,
    /// Calls whoever does it.
    pub(crate) bell: Bell,
    /// The credentials.
    pub(crate) purse: Purse,
}
