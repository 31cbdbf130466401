//! The same limits for routes that are no methods.

use std::sync::Arc;

use http::request::Parts;

use super::{
    Allowance, CallerKey, Clock, KeyFunction, Limiter, Quota, Quotas, RateLimit, SystemClock,
};

/// Counts the requests of a route that stands beside a service, such as a login. The counts are its
/// own.
pub struct RateLimiter {
    limiter: Limiter,
    quotas: Quotas,
    key: KeyFunction,
    clock: Arc<dyn Clock>,
}

impl RateLimiter {
    /// These limits for each caller that `key` tells apart, of whom at most `keys` are known in one
    /// window; all others share one count.
    pub fn new(limits: &[RateLimit], keys: usize, key: KeyFunction) -> Self {
        Self {
            limiter: Limiter::new(limits, keys),
            quotas: Quotas::new(keys),
            key,
            clock: Arc::new(SystemClock),
        }
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Who sent a request, for limits of other kinds beside these; `None` if nobody can tell.
    pub fn caller(&self, parts: &Parts) -> Option<CallerKey> {
        (self.key)(parts)
    }

    /// Counts a request; `None` if its caller is not limited.
    pub fn count(&self, parts: &Parts) -> Option<Allowance> {
        let key = self.caller(parts)?;
        self.limiter.count(&key, self.clock.now())
    }

    /// Counts a request against what its caller has of its own, wherever it comes from.
    pub fn count_quota(&self, quota: &Quota) -> Allowance {
        self.quotas.count(quota, self.clock.now())
    }
}
