//! How much of other people's spaces is taken. How many spaces and repositories: see
//! [`SpaceCopies`](loggia_storage::SpaceCopies).

use std::time::Duration;

use jiff::SignedDuration;
use loggia_space::snapshot::MOST_INDEX;
use loggia_xrpc_client::Pace;

use crate::space_host::limits as hosting;

/// Records of one copy: as many as a repository here may have.
pub const RECORDS: u32 = hosting::RECORDS;

/// Entries of a page that are asked for, the most that there may be.
pub const PAGE: i64 = 1_000;

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4 << 20;

/// Pages of a log that are read before the whole repository is fetched instead: some 5 MB.
pub const LOG_PAGES: usize = 20;

/// Pages of a list of repositories.
pub const LIST_PAGES: usize = 100;

/// Bytes that are read of a repository: its commit, and its index, the largest that a reader takes. One
/// of [`RECORDS`] entries whose paths are of the usual length has some 10 MB.
pub const SNAPSHOT_BYTES: usize = MOST_INDEX + (1 << 20);

/// Repositories that are fetched whole at a time, of the hosts of one domain and altogether: each takes up
/// to twice [`SMALL`] while it is read.
pub const SNAPSHOTS: (usize, usize) = (2, 8);

/// Bytes of a repository that is no large one: some ten thousand records.
pub const SMALL: usize = 2 << 20;

/// The same of those that turn out to be larger: each takes up to twice [`SNAPSHOT_BYTES`].
pub const LARGE_SNAPSHOTS: (usize, usize) = (1, 2);

/// Bytes of a repository that are read on a thread at once.
pub const PIECE: usize = 512 << 10;

/// How fast a repository has to come in.
pub const PACE: Pace = Pace {
    bytes: 256 << 10,
    within: Duration::from_secs(10),
};

/// Changes that are told in one transaction, where it can be cut there.
pub const PART: usize = 500;

/// Changes of one revision in a log, which cannot be cut: more than hosts take in one call. Larger ones
/// are taken from the whole repository.
pub const REVISION: usize = 2_000;

/// Questions to authors' hosts that somebody waits for, about one author and altogether.
pub const QUESTIONS: (usize, usize) = (1, 8);

/// Errands of a kind that run at once, each for another space: many, since a host has only a few places
/// and each waits for somebody else's host. What they hold meanwhile is bounded by [`LOG_PAGES`],
/// [`SNAPSHOTS`] and [`LARGE_SNAPSHOTS`].
pub const AT_ONCE: usize = 16;

/// How long an errand may take: long enough for the largest repository at three times the least
/// [`PACE`].
pub const PATIENCE: Duration = Duration::from_secs(900);

/// How long one host may take for all that it is asked in one errand. One that needs longer counts as
/// silent and is left alone for a while.
pub const OF_A_HOST: Duration = Duration::from_secs(60);

/// Since when a repository is wanted that is given up because its host is silent.
pub const SILENT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Repositories that were set aside and are tried again after one visit.
pub const RETRIES: u32 = 1_000;

/// Failures after which a registration is left to end by itself, which it does within a day.
pub const LEAVINGS: u32 = 5;

/// The least between two visits of a space, where its host registers nobody for long.
pub const BETWEEN_VISITS: SignedDuration = SignedDuration::from_secs(60);

/// How long before its end a credential is renewed; a quarter of its life, if that is shorter.
pub const RENEWED_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// The longest that a credential is used, whatever it says itself: the most that the proposal allows.
pub const CREDENTIAL_LASTS: SignedDuration = SignedDuration::from_secs(3_600);
