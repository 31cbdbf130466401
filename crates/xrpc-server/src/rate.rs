//! How often a caller may call: fixed windows, counted in memory.
//!
//! What is counted is bounded: a window tells so many callers apart and counts all others together,
//! so that somebody with a million addresses fills no memory and gets no million allowances.

mod key;
mod limiter;
mod quota;
mod window;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

pub use key::{CallerKey, KeyFunction, by_forwarded_address, by_peer_address};
pub use limiter::RateLimiter;
pub use quota::Quota;
pub(crate) use quota::Quotas;
use window::Window;

use crate::{envelope, status};

/// At most so many calls of one caller within a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls within one window.
    pub limit: u32,
    /// How long a window is; whole seconds, at least one.
    pub window: Duration,
}

impl RateLimit {
    /// At most `limit` calls within each `window`.
    pub fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window }
    }

    fn seconds(&self) -> u64 {
        self.window.as_secs().max(1)
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> SystemTime;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where limits read the clock"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// What a caller has left of the limit that is nearest to being used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    limit: u32,
    window: u64,
    /// `None`: nothing was left for this call.
    remaining: Option<u32>,
    /// Unix time in seconds at which the window ends.
    reset: u64,
    /// Seconds until then.
    wait: u64,
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl Allowance {
    /// Whether the call may go on.
    pub fn is_left(&self) -> bool {
        self.remaining.is_some()
    }

    /// The headers as this network's clients read them: the reset is a point in Unix time.
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, self.limit.into());
        headers.insert(REMAINING, self.remaining.unwrap_or(0).into());
        headers.insert(RESET, self.reset.into());
        let policy = HeaderValue::try_from(format!("{};w={}", self.limit, self.window))
            .expect("digits are header text");
        headers.insert(POLICY, policy);
    }

    /// Seconds until there is more.
    pub fn wait(&self) -> u64 {
        self.wait
    }

    /// 429.
    pub(crate) fn refuse(&self) -> axum::response::Response {
        let code = StatusCode::TOO_MANY_REQUESTS;
        let message = format!(
            "more than {} calls in {} seconds; try again in {} seconds",
            self.limit, self.window, self.wait
        );
        let mut response = envelope::respond(code, status::name_of(code), Some(&message));
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, self.wait.into());
        response
    }
}

/// Some limits that are counted together.
pub(crate) struct Limiter {
    limits: Vec<(RateLimit, Mutex<Window>)>,
    keys: usize,
}

impl Limiter {
    pub fn new(limits: &[RateLimit], keys: usize) -> Self {
        let limits = limits
            .iter()
            .map(|limit| (limit.clone(), Mutex::default()))
            .collect();
        Self { limits, keys }
    }

    pub fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }

    /// Counts a call against every limit; the tightest answers.
    pub fn count(&self, key: &CallerKey, now: SystemTime) -> Option<Allowance> {
        let now = unix_seconds(now);
        let counted = self.limits.iter();
        let counted = counted.map(|(limit, window)| allowance(limit, window, key, self.keys, now));
        counted.reduce(Allowance::tighter)
    }
}

/// Counts a call in the window of this second, and says what is left.
fn allowance(
    limit: &RateLimit,
    window: &Mutex<Window>,
    key: &CallerKey,
    keys: usize,
    now: u64,
) -> Allowance {
    let seconds = limit.seconds();
    let number = now / seconds;
    let count = window
        .lock()
        // A count is right at any moment: a panic elsewhere cannot have left half of one.
        .unwrap_or_else(PoisonError::into_inner)
        .count(number, key, keys);
    let reset = (number + 1) * seconds;
    Allowance {
        limit: limit.limit,
        window: seconds,
        remaining: limit.limit.checked_sub(count),
        reset,
        wait: reset - now,
    }
}

fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl Allowance {
    /// Of two limits that a request was counted against, the one to tell of: what is refused before what
    /// is allowed; then the longer wait or the smaller rest.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        match (self.remaining, other.remaining) {
            (None, None) => {
                if other.wait > self.wait {
                    other
                } else {
                    self
                }
            }
            (None, Some(_)) => self,
            (Some(_), None) => other,
            (Some(mine), Some(others)) => {
                if others < mine {
                    other
                } else {
                    self
                }
            }
        }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("limits", &self.limits.len())
            .finish_non_exhaustive()
    }
}

/// Counts a call against all these limits, of the service and of the method.
pub(crate) fn count<const N: usize>(
    limiters: [&Limiter; N],
    key: &KeyFunction,
    clock: &Arc<dyn Clock>,
    parts: &Parts,
) -> Option<Allowance> {
    if limiters.iter().all(|limiter| limiter.is_empty()) {
        return None;
    }
    let key = key(parts)?;
    let now = clock.now();
    limiters
        .into_iter()
        .filter_map(|limiter| limiter.count(&key, now))
        .reduce(Allowance::tighter)
}

/// How many calls each key made.
type Counts = HashMap<CallerKey, u32>;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn key(name: &str) -> CallerKey {
        CallerKey::Name(name.into())
    }

    #[test]
    fn a_window_ends_and_another_begins() {
        let limiter = Limiter::new(&[RateLimit::new(2, Duration::from_secs(60))], 10);
        let left = |seconds| {
            limiter
                .count(&key("a"), at(seconds))
                .map(|a| (a.remaining, a.wait))
        };
        assert_eq!(left(60), Some((Some(1), 60)));
        assert_eq!(left(100), Some((Some(0), 20)));
        assert_eq!(left(119), Some((None, 1)));
        assert_eq!(left(120), Some((Some(1), 60)));
        assert!(
            limiter
                .count(&key("b"), at(120))
                .is_some_and(|a| a.is_left()),
            "others are apart"
        );
    }

    #[test]
    fn the_tightest_limit_answers() {
        let limits = [
            RateLimit::new(100, Duration::from_secs(3600)),
            RateLimit::new(1, Duration::from_secs(1)),
        ];
        let limiter = Limiter::new(&limits, 10);
        let first = limiter
            .count(&key("a"), at(0))
            .map(|a| (a.limit, a.remaining));
        assert_eq!(first, Some((1, Some(0))));
        let second = limiter
            .count(&key("a"), at(0))
            .map(|a| (a.limit, a.remaining));
        assert_eq!(second, Some((1, None)));
    }

    #[test]
    fn callers_beyond_the_bound_share_one_count() {
        let limiter = Limiter::new(&[RateLimit::new(1, Duration::from_secs(60))], 2);
        for name in ["a", "b", "c"] {
            assert!(
                limiter
                    .count(&key(name), at(0))
                    .is_some_and(|a| a.is_left()),
                "{name}"
            );
        }
        assert!(
            limiter
                .count(&key("d"), at(0))
                .is_some_and(|a| !a.is_left()),
            "shares with c"
        );
    }
}
