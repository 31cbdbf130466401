//! One window of one limit.

use super::{CallerKey, Counts};

/// The counts of the current window; those of earlier ones are forgotten at once.
#[derive(Default)]
pub(super) struct Window {
    number: u64,
    counts: Counts,
    others: u32,
}

impl Window {
    /// Counts a call in the window of this number and says how many that caller made in it.
    pub fn count(&mut self, number: u64, key: &CallerKey, most_keys: usize) -> u32 {
        if number != self.number {
            self.number = number;
            self.counts.clear();
            self.others = 0;
        }
        if self.counts.len() < most_keys && !self.counts.contains_key(key) {
            self.counts.insert(key.clone(), 0);
        }
        let count = self.counts.get_mut(key).unwrap_or(&mut self.others);
        *count = count.saturating_add(1);
        *count
    }
}
