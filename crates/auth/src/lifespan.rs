//! When a token is valid: `iat`, `nbf` and `exp` against the clock.

use jiff::{SignedDuration, Timestamp};

/// How exact clocks are and how long a token may live, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifespan {
    pub(crate) skew: i64,
    pub(crate) most: i64,
}

/// The times that a token claims, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) iat: Option<i64>,
    pub(crate) nbf: Option<i64>,
    pub(crate) exp: i64,
}

/// What is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeFault {
    Expired,
    Early,
    TooLong,
    /// Not issued before it expires.
    Backwards,
}

impl Lifespan {
    /// The order of the checks keeps the sums small: no claim is added to before it is known to be
    /// near the present. A token from the future says so before it is too long: then a clock is wrong.
    pub(crate) fn check(self, times: Times, now: Timestamp) -> Result<(), TimeFault> {
        let Times { iat, nbf, exp } = times;
        let now = now.as_second();
        if exp <= now - self.skew {
            return Err(TimeFault::Expired);
        }
        let is_future = |time| time > now + self.skew;
        if iat.is_some_and(is_future) || nbf.is_some_and(is_future) {
            return Err(TimeFault::Early);
        }
        if exp > now + self.skew + self.most {
            return Err(TimeFault::TooLong);
        }
        if iat.is_some_and(|iat| iat < exp - self.most) {
            return Err(TimeFault::TooLong);
        }
        if iat.is_some_and(|iat| iat >= exp) {
            return Err(TimeFault::Backwards);
        }
        Ok(())
    }
}

/// The moment of a claim that [`Lifespan::check`] has found near the present.
pub(crate) fn moment(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

/// Whether a `jti` has a length that is needed: far more than the 32 characters that are usual, and
/// at least one.
pub(crate) fn is_token_id(jti: &str) -> bool {
    (1..=256).contains(&jti.len())
}
