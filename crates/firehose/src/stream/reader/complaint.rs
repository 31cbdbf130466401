//! What cannot be used is complained about, and not too often.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use crate::{Malformed, Reason};

/// Between two complaints about the same stream.
const PAUSE: Duration = Duration::from_secs(60);

/// What could not be used since it was last complained about.
#[derive(Default)]
pub(super) struct Complaint {
    /// When that was.
    last: Option<Instant>,
    frames: u64,
    parts: u64,
    longest: u64,
}

impl Complaint {
    /// A frame that cannot be used, or of which parts cannot: the first is said at once.
    pub(super) fn hear(&mut self, stream: &str, malformed: &[Malformed], reason: Reason) {
        self.frames += 1;
        self.parts += malformed.len() as u64;
        let longest = malformed.iter().map(|one| one.bytes).max();
        self.longest = self.longest.max(longest.unwrap_or(0));
        if !self.is_time(Instant::now()) {
            return;
        }
        let (frames, parts, longest) = (self.frames, self.parts, self.longest);
        warn!(
            stream,
            frames,
            parts,
            longest_bytes = longest,
            reason = reason.as_str(),
            "frames, or parts of them, cannot be used and are passed over"
        );
        (self.frames, self.parts, self.longest) = (0, 0, 0);
    }

    fn is_time(&mut self, now: Instant) -> bool {
        let is_time = self.last.is_none_or(|last| now - last >= PAUSE);
        if is_time {
            self.last = Some(now);
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minute_has_one_complaint() {
        let (mut complaint, start) = (Complaint::default(), Instant::now());
        let said = |complaint: &mut Complaint, seconds| {
            complaint.is_time(start + Duration::from_secs(seconds))
        };
        let said = [0, 1, 59, 60, 61, 119, 120].map(|seconds| said(&mut complaint, seconds));
        assert_eq!(said, [true, false, false, true, false, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_said_at_once_is_counted() {
        let mut complaint = Complaint::default();
        let bad = [Malformed::new(Reason::Syntax, b"bad", None); 2];
        for (frames, parts) in [(0, 0), (1, 2), (2, 4)] {
            complaint.hear("test", &bad, Reason::Syntax);
            assert_eq!((complaint.frames, complaint.parts), (frames, parts));
        }
        tokio::time::advance(PAUSE).await;
        complaint.hear("test", &bad, Reason::Syntax);
        assert_eq!((complaint.frames, complaint.parts), (0, 0));
    }
}
