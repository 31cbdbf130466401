//! Telling, of nearly every event that concerns nobody, that it does not.
//!
//! For many events at once, step by step: what one step looks up is in memory far away, and while one of
//! many is waited for, the others are on their way.

use std::hash::Hash;

use super::Matcher;
use super::filter::Trace;
use super::keys::Way;
use crate::references;
use crate::{Event, What};

/// Accounts that an event has to do with, roughly: its own, and whom its record refers to.
const MENTIONS: usize = 3;

/// An account that an event has to do with.
#[derive(Clone, Copy)]
struct Mention<'e> {
    trace: Trace,
    did: &'e [u8],
    /// Which of the events.
    event: u32,
    way: Way,
}

impl<K: Copy + Ord + Hash> Matcher<K> {
    /// Which of these events may concern somebody. Any other concerns nobody, unless references are
    /// stored of its record; of any other nothing is to be stored.
    pub fn sift(&self, events: &[Event]) -> Vec<bool> {
        let mut may = vec![false; events.len()];
        let mut mentions = Vec::with_capacity(MENTIONS * events.len());
        for ((number, event), may) in (0..).zip(events).zip(&mut may) {
            let What::Change(change) = &event.what else {
                continue;
            };
            let mut mention = |way, did| {
                mentions.push(Mention {
                    trace: Trace::of(did),
                    did,
                    event: number,
                    way,
                });
            };
            mention(Way::Direct, event.did.as_str().as_bytes());
            if let Some(record) = change.record.as_ref().filter(|_| self.has_backlinks()) {
                let is_all = references::accounts(record, |did| mention(Way::Backlink, did));
                *may = !is_all;
            }
        }
        let filter = self.accounts.filter();
        keep(&mut mentions, |trace| filter.may_have_nearly(trace));
        keep(&mut mentions, |trace| filter.may_have(trace));
        self.look_up(&mentions, events, &mut may);
        may
    }

    /// Which of the events may concern somebody because of these mentions.
    fn look_up(&self, mentions: &[Mention<'_>], events: &[Event], may: &mut [bool]) {
        let accounts = mentions
            .iter()
            .map(|mention| self.accounts.fingerprint(mention.did));
        let accounts: Vec<_> = accounts.collect();
        let watched = accounts
            .into_iter()
            .map(|account| self.accounts.find(account));
        let watched: Vec<_> = watched.collect();
        for (mention, watched) in mentions.iter().zip(watched) {
            let event = mention.event as usize;
            if let (Some(watched), What::Change(change)) = (watched, &events[event].what) {
                let place = (Some(change.collection.as_str()), Some(change.rkey.as_str()));
                may[event] |= watched.may_want(&self.scopes, mention.way, place);
            }
        }
    }

    /// Whether anybody may want to be told of what refers to this account.
    pub(super) fn may_be_pointed_to(&self, did: &[u8]) -> bool {
        let anywhere = (None, None);
        let watched = self.accounts.get(did);
        watched.is_some_and(|watched| watched.may_want(&self.scopes, Way::Backlink, anywhere))
    }
}

/// Keeps some, without a branch that nobody could foretell.
fn keep(mentions: &mut Vec<Mention<'_>>, is_kept: impl Fn(Trace) -> bool) {
    let mut kept = 0;
    for place in 0..mentions.len() {
        let mention = mentions[place];
        mentions[kept] = mention;
        kept += usize::from(is_kept(mention.trace));
    }
    mentions.truncate(kept);
}
