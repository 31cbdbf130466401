//! How much of other people's spaces is taken. How many spaces and repositories: see
//! [`SpaceCopies`](loggia_storage::SpaceCopies).

use std::time::Duration;

use jiff::SignedDuration;

use crate::space_host::limits as hosting;

/// Records of one copy: as many as a repository here may have.
pub const RECORDS: u32 = hosting::RECORDS;

/// Entries of a page that are asked for, the most that there may be.
pub const PAGE: i64 = 1_000;

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4 << 20;

/// Pages of a log that are read before the whole repository is fetched instead.
pub const LOG_PAGES: usize = 100;

/// Pages of a list of repositories.
pub const LIST_PAGES: usize = 100;

/// Bytes of a repository without its records' values: an index of [`RECORDS`] entries whose paths are
/// of the usual length has some 10 MB.
pub const SNAPSHOT_BYTES: usize = 32 << 20;

/// Repositories that are fetched whole at a time: each takes [`SNAPSHOT_BYTES`] and more while it is
/// read.
pub const SNAPSHOTS: usize = 2;

/// Changes that are told in one transaction, where it can be cut there.
pub const PART: usize = 500;

/// Changes of one revision in a log, which cannot be cut: more than hosts take in one call. Larger ones
/// are taken from the whole repository.
pub const REVISION: usize = 2_000;

/// Errands of a kind that run at once: each waits for somebody else's host.
pub const AT_ONCE: usize = 4;

/// How long an errand may take.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Failures after which a registration is left to end by itself, which it does within a day.
pub const LEAVINGS: u32 = 5;

/// The least between two visits of a space, where its host registers nobody for long.
pub const BETWEEN_VISITS: SignedDuration = SignedDuration::from_secs(60);

/// How long before its end a credential is renewed; a quarter of its life, if that is shorter.
pub const RENEWED_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// The longest that a credential is used, whatever it says itself: the most that the proposal allows.
pub const CREDENTIAL_LASTS: SignedDuration = SignedDuration::from_secs(3_600);
