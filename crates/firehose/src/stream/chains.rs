//! The last commit of each account: whether the next one follows from it.

use std::collections::HashMap;

use loggia_syntax::{Did, Tid};

use crate::blocks::link::Link;
use crate::frame::{Chain, ChainedCommit};

/// Accounts whose last commit is known, some 200 bytes each. When there are so many, all are forgotten:
/// then one commit of each is believed again.
const MOST: usize = 100_000;

/// What is known of accounts' commits.
#[derive(Default)]
pub(super) struct Chains(HashMap<Did, Last>);

struct Last {
    rev: Tid,
    data: Link,
}

impl Chains {
    /// Takes note of a commit; whether one before it was left out. What came before is no news: streams
    /// are read again from a little before where they ended.
    pub(super) fn follow(&mut self, chain: Chain) -> bool {
        let Chain { did, commit } = chain;
        let Some(commit) = commit else {
            self.0.remove(&did);
            return false;
        };
        let last = self.0.get(&did);
        if last.is_some_and(|last| commit.rev <= last.rev) {
            return false;
        }
        let broken = last.is_some_and(|last| !last.leads_to(&commit));
        let ChainedCommit { rev, data, .. } = commit;
        match data {
            // What nobody has checked the signature of proves nothing about what comes after it.
            None => drop(self.0.remove(&did)),
            Some(data) => {
                if self.0.len() >= MOST {
                    self.0.clear();
                }
                self.0.insert(did, Last { rev, data });
            }
        }
        broken
    }
}

impl Last {
    fn leads_to(&self, next: &ChainedCommit) -> bool {
        match (next.before, &next.since) {
            (Some(before), _) => before == self.data,
            (None, Some(since)) => *since == self.rev.as_str(),
            (None, None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(rev: u64, before: Option<u8>, data: Option<u8>) -> Chain {
        let link = |number: u8| Link::of_dag_cbor(&[number]);
        Chain {
            did: Did::new("did:plc:alice").expect("a DID"),
            commit: Some(ChainedCommit {
                rev: Tid::from_micros(rev, 0).expect("a revision"),
                since: None,
                before: before.map(link),
                data: data.map(link),
            }),
        }
    }

    #[test]
    fn a_commit_that_was_left_out_is_noticed_once() {
        let mut chains = Chains::default();
        assert!(
            !chains.follow(commit(1, None, Some(1))),
            "the first is believed"
        );
        assert!(!chains.follow(commit(2, Some(1), Some(2))));
        assert!(!chains.follow(commit(1, None, Some(1))), "read again");
        assert!(
            chains.follow(commit(4, Some(3), Some(4))),
            "the third is missing"
        );
        assert!(!chains.follow(commit(5, Some(4), Some(5))));
        assert!(chains.follow(commit(6, None, Some(6))), "it does not say");
    }

    #[test]
    fn the_revision_counts_where_no_tree_is_named() {
        let mut chains = Chains::default();
        let mut next = commit(2, None, Some(2));
        let since = Tid::from_micros(1, 0).expect("a revision").to_string();
        if let Some(commit) = &mut next.commit {
            commit.since = Some(since);
        }
        assert!(!chains.follow(commit(1, None, Some(1))));
        assert!(!chains.follow(next));
    }

    #[test]
    fn what_is_not_proven_or_looked_at_anew_is_no_link() {
        let mut chains = Chains::default();
        assert!(!chains.follow(commit(1, None, Some(1))));
        assert!(!chains.follow(commit(2, Some(1), None)));
        assert!(
            !chains.follow(commit(4, Some(3), Some(4))),
            "nothing is known"
        );
        assert!(
            chains.follow(commit(6, Some(5), None)),
            "a claim that does not fit"
        );
        assert!(!chains.follow(commit(7, Some(6), Some(7))));
        let anew = Chain {
            commit: None,
            ..commit(8, None, None)
        };
        assert!(!chains.follow(anew));
        assert!(!chains.follow(commit(9, Some(8), Some(9))));
    }
}
