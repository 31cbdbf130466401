//! The part of the sweep for events that came from the record stream and from spaces.

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{Clock as _, SystemClock};

use super::{CHORE, CLAIM, Daily, SweepError};

/// How long the version of an aggregate outlives its last event: each record that is heard of makes an
/// aggregate, and sources never end.
const VERSIONS: SignedDuration = SignedDuration::from_hours(365 * 24);

impl Daily {
    /// Removes what came from sources before that time and is folded. It is archived nowhere: it is no
    /// more than what stood in records elsewhere. Then the versions of what is long gone.
    pub(super) async fn sweep_events(&self, before: Timestamp) -> Result<(), SweepError> {
        self.sweep_sourced(before).await?;
        while self
            .storage
            .events()
            .sweep_versions(before - VERSIONS)
            .await?
            > 0
        {
            let until = SystemClock.now() + CLAIM;
            self.storage.chores().renew(CHORE, until).await?;
        }
        Ok(())
    }

    async fn sweep_sourced(&self, before: Timestamp) -> Result<(), SweepError> {
        let events = self.storage.events();
        let mut after = String::new();
        loop {
            let owners = events.sourced_before(before, &after).await?;
            let Some(last) = owners.last() else {
                return Ok(());
            };
            after.clone_from(last);
            for owner in &owners {
                while events.sweep_sourced(owner, before).await? > 0 {
                    let until = SystemClock.now() + CLAIM;
                    self.storage.chores().renew(CHORE, until).await?;
                }
            }
        }
    }
}
