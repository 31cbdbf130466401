//! The part of the sweep for notifications of projections.

use jiff::Timestamp;
use loggia_delivery::{Clock as _, SystemClock};

use super::{CHORE, CLAIM, Daily, MOST_LINES, SweepError};
use crate::chance;

/// Their folder in the archive.
const FOLDER: &str = "notifications";
/// Notifications that are read at once; each may have a quarter of a megabyte.
const BATCH: u32 = 100;

impl Daily {
    /// Archives what was made before that time, and removes it when its file is on the disk; then what
    /// is left of projections that are gone.
    pub(super) async fn sweep_notices(&self, before: Timestamp) -> Result<(), SweepError> {
        let projections = self.storage.projections();
        loop {
            let mut old = Vec::new();
            let mut lines = Vec::new();
            let read = projections.old_notices(before, BATCH).await?;
            if read.is_empty() {
                break;
            }
            for one in read {
                if lines.len() >= MOST_LINES {
                    break;
                }
                lines.extend_from_slice(one.notice.body.as_bytes());
                lines.push(b'\n');
                old.push(one);
            }
            if let Some(archive) = &self.archive {
                let (now, number) = (SystemClock.now(), chance::number());
                let path = archive.write_of(FOLDER, &lines, now, number).await?;
                tracing::info!(notifications = old.len(), file = %path, "notifications archived");
            }
            projections.remove_notices(&old).await?;
            let until = SystemClock.now() + CLAIM;
            self.storage.chores().renew(CHORE, until).await?;
        }
        while projections.sweep().await? > 0 {}
        Ok(())
    }
}
