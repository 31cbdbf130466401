//! Limits that each caller has of its own.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::{Allowance, CallerKey, RateLimit, Window, allowance, unix_seconds};

/// One window for all quotas: their callers share a table, and the table has one window.
const WINDOW: Duration = Duration::from_secs(60);

/// How many calls one caller has, beside all limits that are the same for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Whose it is.
    pub caller: CallerKey,
    /// Calls within a minute.
    pub per_minute: u32,
}

/// Counts calls against quotas.
pub(crate) struct Quotas {
    window: Mutex<Window>,
    keys: usize,
}

impl Quotas {
    /// Tells at most `keys` callers apart.
    pub fn new(keys: usize) -> Self {
        Self {
            window: Mutex::default(),
            keys,
        }
    }

    /// Counts a call.
    pub fn count(&self, quota: &Quota, now: SystemTime) -> Allowance {
        let limit = RateLimit::new(quota.per_minute, WINDOW);
        let now = unix_seconds(now);
        allowance(&limit, &self.window, &quota.caller, self.keys, now)
    }
}
