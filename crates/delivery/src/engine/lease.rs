//! Ends of leases that tell one lease of a delivery from the next.
//!
//! An outcome is written only under the lease that its delivery was held by, and a lease is known by
//! its node and its end alone. So no delivery may be leased twice with the same end, even within a
//! millisecond, which is as fine as a store keeps it: first leases, which are given with the
//! enqueueing, end in even milliseconds, later ones in odd ones that only grow.

use jiff::{SignedDuration, Timestamp};

use crate::clock::after;

/// The end of a first lease.
pub(super) fn first(end: Timestamp) -> Timestamp {
    even(end)
}

/// The end of a later lease, after the `last` of them.
pub(super) fn next(end: Timestamp, last: Timestamp) -> Timestamp {
    let odd = after(even(end), SignedDuration::from_millis(1));
    odd.max(after(last, SignedDuration::from_millis(2)))
}

fn even(end: Timestamp) -> Timestamp {
    let millis = end.as_millisecond();
    Timestamp::from_millisecond(millis - millis.rem_euclid(2)).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_leases_of_a_delivery_end_at_the_same_time() {
        let at = |millis| Timestamp::from_millisecond(millis).expect("in range");
        for end in [at(1000), at(1001), at(-3)] {
            let first = first(end);
            let second = next(end, Timestamp::MIN);
            let third = next(end, second);
            assert!(first < second && second < third);
            assert!(third.duration_since(end) <= SignedDuration::from_millis(3));
        }
    }
}
