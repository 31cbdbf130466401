//! How much of everything a community may have.

use jiff::SignedDuration;
use loggia_storage::ProposalCaps;

/// Requests to join and invites. Asking and taking back tells the owner's receivers each time, which
/// is why what was taken back counts for a day.
pub const PROPOSALS: ProposalCaps = ProposalCaps {
    per_space: 1_000,
    per_account: 100,
    a_day: 5,
};

/// How long requests and invites stay on record after they ended.
pub const ENDED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long a request waits for an answer, from when it was last changed. Otherwise requests that nobody
/// answers would fill a space for good.
pub const WAITS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Webhooks of one account: each event goes to every one of them.
pub const WEBHOOKS: u32 = 20;

/// Members that are told of at once when their space is closed.
pub const AT_ONCE: u32 = 500;
