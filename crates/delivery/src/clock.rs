//! Time, as a parameter.

use std::future::Future;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// What the engine knows of time: a test brings one that it moves by hand.
pub trait Clock: Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Timestamp;

    /// How much time has passed since some moment, whatever was done to the clock since. By this and
    /// by the clock a node has to be alive to make attempts.
    fn passed(&self) -> SignedDuration {
        self.now().duration_since(Timestamp::UNIX_EPOCH)
    }

    /// Ends when it is `at` or later.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()> + Send;
}

/// The computer's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the outer loop reads the clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn passed(&self) -> SignedDuration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        SignedDuration::try_from(START.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = at.duration_since(self.now());
        tokio::time::sleep(Duration::try_from(wait).unwrap_or(Duration::ZERO)).await;
    }
}

/// `now + wait`, at most the end of time.
pub(crate) fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
