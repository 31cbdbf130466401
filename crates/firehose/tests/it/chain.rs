//! Commits of which a host leaves something out.

use bytes::Bytes;
use ipld_core::ipld;
use ipld_core::ipld::Ipld;
use loggia_firehose::{Action, Frame, Malformed, Reason, Wanted, What, repos};
use sha2::{Digest as _, Sha256};

use crate::repo::{Keys, Repo, commit, frame, op};

async fn read(ops_told: usize) -> Result<Frame, Malformed> {
    let known = Keys { known: true };
    repos::read_signed(&following(ops_told), &Wanted::all(), &known).await
}

fn whats(frame: &Frame) -> Vec<&What> {
    frame.events.iter().map(|event| &event.what).collect()
}

fn actions(frame: &Frame) -> Vec<Action> {
    let action = |what: &&What| match what {
        What::Change(change) => Some(change.action),
        _ => None,
    };
    whats(frame).iter().filter_map(action).collect()
}

/// Paths whose hashes begin with no pair of zero bits: a tree of them alone has one node.
fn flat_paths() -> impl Iterator<Item = String> {
    let all = (0..).map(|number| format!("app.bsky.feed.post/{number}"));
    all.filter(|path| Sha256::digest(path)[0] >= 0x40)
}

/// A commit that makes the second and changes the first of two records; what it says was before.
fn following(ops_told: usize) -> Bytes {
    let paths: Vec<_> = flat_paths().take(2).collect();
    let old = ipld!({"text": "old"});
    let mut before = Repo::new();
    let prev = before.put(&paths[0], &old);
    let tree = before.tree();
    let mut repo = Repo::new();
    let changed = repo.put(&paths[0], &ipld!({"text": "changed"}));
    let made = repo.put(&paths[1], &ipld!({"text": "new"}));
    let mut update = op("update", &paths[0], Some(changed));
    if let Ipld::Map(members) = &mut update {
        members.insert("prev".into(), prev.into());
    }
    let create = op("create", &paths[1], Some(made));
    let (root, blocks) = repo.signed();
    let ops: Vec<_> = [create, update].into_iter().take(ops_told).collect();
    let mut commit = commit(root, blocks, ops);
    if let Ipld::Map(members) = &mut commit {
        members.insert("prevData".into(), tree.into());
    }
    frame("#commit", &commit)
}

#[tokio::test]
async fn a_change_that_a_host_leaves_out_is_noticed() {
    let whole = read(2).await.expect("a frame");
    assert_eq!(whole.flaws, []);
    assert_eq!(actions(&whole), [Action::Create, Action::Update]);
    let lacking = read(1).await.expect("a frame");
    assert_eq!(lacking.flaws, [Reason::Chain]);
    assert_eq!(actions(&lacking), [Action::Create]);
    assert_eq!(whats(&lacking).last(), Some(&&What::Resync));
    // Whoever believes the host hears what it says.
    let believed = repos::read(&following(1), &Wanted::all()).expect("a frame");
    assert_eq!((believed.flaws, believed.chain), (vec![], None));
}
