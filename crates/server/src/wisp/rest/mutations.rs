//! How often a person changes something.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use loggia_syntax::Did;

use super::answer::Refused;

/// Changes of one kind that an account makes within [`WINDOW`].
const MOST: u32 = 10;
/// For so long they count.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// Accounts and kinds that are counted at once; if there are more, all others are refused for the rest
/// of a minute.
const MOST_COUNTED: usize = 20_000;

/// What counts by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    CreateWebhook,
    DeleteWebhook,
    CreateSecret,
    RotateSecret,
    DeleteSecret,
}

/// The changes of the last minute, on this node.
#[derive(Debug, Default)]
pub(super) struct Mutations(Mutex<HashMap<(Did, Action), Window>>);

/// Changes since a time.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    count: u32,
}

impl Window {
    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) >= WINDOW
    }
}

impl Mutations {
    /// Counts a change, if it may be made.
    pub(super) fn count(&self, did: &Did, action: Action, now: Timestamp) -> Result<(), Refused> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (did.clone(), action);
        if windows.len() >= MOST_COUNTED && !windows.contains_key(&key) {
            windows.retain(|_, window| !window.is_over(now));
            if windows.len() >= MOST_COUNTED {
                let wait = WINDOW.as_secs();
                return Err(Refused::TooOften { wait });
            }
        }
        let new = Window {
            since: now,
            count: 0,
        };
        let window = windows.entry(key).or_insert(new);
        if window.is_over(now) {
            *window = new;
        }
        if window.count >= MOST {
            let passed = now.duration_since(window.since);
            let wait = (WINDOW - passed).as_secs().max(0) + 1;
            return Err(Refused::TooOften { wait });
        }
        window.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::constant(1_700_000_000, 0) + SignedDuration::from_secs(second)
    }

    #[test]
    fn the_eleventh_in_a_minute_is_refused_of_that_account_and_action() {
        let mutations = Mutations::default();
        let alice = Did::from_static("did:plc:alice");
        let count = |did: &Did, action, second| mutations.count(did, action, at(second)).is_ok();
        for second in 0..10 {
            assert!(count(&alice, Action::CreateWebhook, second));
        }
        assert!(!count(&alice, Action::CreateWebhook, 59));
        assert!(count(&alice, Action::DeleteWebhook, 59));
        assert!(count(
            &Did::from_static("did:plc:bob"),
            Action::CreateWebhook,
            59
        ));
        assert!(count(&alice, Action::CreateWebhook, 60));
    }

    #[test]
    fn what_is_over_makes_room() {
        let mutations = Mutations::default();
        let did = |number: usize| format!("did:plc:a{number}").parse::<Did>().expect("a DID");
        let count = |number, second| {
            let counted = mutations.count(&did(number), Action::CreateSecret, at(second));
            counted.is_ok()
        };
        assert!((0..MOST_COUNTED).all(|number| count(number, 0)));
        assert!(!count(MOST_COUNTED, 30) && count(1, 30));
        assert!(count(MOST_COUNTED, 60));
    }
}
