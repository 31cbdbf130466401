//! What is proved of a copy: pure, so that every lie of a host can be tried.

use std::collections::{BTreeSet, HashMap, HashSet};

use loggia_api::com::atproto::space::defs;
use loggia_auth::PublicKey;
use loggia_auth::key::LowS;
use loggia_space::snapshot::BadSnapshot;
use loggia_space::{
    BadCommit, Copy, Index, Operation, OutOfOrder, RecordPath, SetHash, SignedCommit,
};
use loggia_storage::{Changed, RepoName, SpaceCopy};
use loggia_syntax::{Cid, Tid};

use super::limits;
use super::snapshot::Snapshot;

/// Why what a host says is not believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unproved {
    #[error(transparent)]
    Commit(#[from] BadCommit),
    #[error("the revision of the commit is none")]
    Revision,
    #[error("the log ends without a commit")]
    NoCommit,
    #[error("the log does not end: more than {} pages", limits::LOG_PAGES)]
    Endless,
    #[error("the log has a page without operations that is not the last")]
    EmptyPage,
    #[error(transparent)]
    Order(#[from] OutOfOrder),
    #[error("the log says that {0} was something else than it was")]
    Before(RecordPath),
    #[error("the log has more than {most} changes in revision {0}", most = limits::REVISION)]
    Large(Tid),
    #[error("after the operations of the log the hash is not the one that was committed to")]
    Hash,
    #[error("the log ends at another revision than its commit")]
    End,
    #[error("there are {0} records, and {most} are the most", most = limits::RECORDS)]
    Full(usize),
    #[error("revision {found} is older than {proved}, which was proved before")]
    Older { found: Tid, proved: Tid },
    #[error("revision {0} was proved with other records before")]
    Twofold(Tid),
    #[error(transparent)]
    Snapshot(#[from] BadSnapshot),
    #[error("neither the log ({log}) nor the whole repository holds")]
    Neither {
        log: Box<Self>,
        #[source]
        snapshot: Box<Self>,
    },
}

/// A part of what a copy goes through, written in one transaction.
#[derive(Debug)]
pub(super) struct Step {
    /// The revision that it has reached then.
    pub(super) rev: Option<Tid>,
    /// The hash over its records then.
    pub(super) hash: SetHash,
    /// What changes.
    pub(super) changes: Vec<Changed>,
    /// How many of the first changes are told to nobody.
    pub(super) quiet: usize,
}

/// The commit of an answer. Says nothing of whether it holds.
pub(super) fn commit_of(commit: &defs::SignedCommit) -> Result<SignedCommit, BadCommit> {
    fn sized<const N: usize>(bytes: &[u8], field: &str) -> Result<[u8; N], BadCommit> {
        let wrong = || BadCommit::Form(format!("`{field}` has {} bytes, not {N}", bytes.len()));
        bytes.try_into().map_err(|_| wrong())
    }
    if commit.ver != 1 {
        return Err(BadCommit::Version(commit.ver.into()));
    }
    Ok(SignedCommit {
        hash: sized(&commit.hash, "hash")?,
        ikm: sized(&commit.ikm, "ikm")?,
        mac: sized(&commit.mac, "mac")?,
        sig: sized(&commit.sig, "sig")?,
        rev: commit.rev.to_string(),
    })
}

/// Whether the author has signed this.
pub(super) fn is_signed_by(key: &PublicKey, bytes: &[u8], signature: &[u8; 64]) -> bool {
    key.verify(bytes, signature, LowS::Required).is_ok()
}

/// Whether the author has signed the commit.
pub(super) fn check_commit(
    commit: &SignedCommit,
    name: &RepoName,
    key: &PublicKey,
) -> Result<(), BadCommit> {
    let verify = |bytes: &[u8], signature: &[u8; 64]| is_signed_by(key, bytes, signature);
    commit.verify(&name.space, &name.author, verify)
}

/// The records that operations name.
pub(super) fn paths<'o>(
    operations: impl IntoIterator<Item = &'o Operation>,
) -> impl Iterator<Item = RecordPath> {
    operations.into_iter().map(|operation| RecordPath {
        collection: operation.collection.clone(),
        rkey: operation.rkey.clone(),
    })
}

/// Follows a log to its commit, whose signature is checked already. `held` is what the copy has at the
/// places that the log names.
pub(super) fn follow(
    copy: &SpaceCopy,
    mut held: HashMap<RecordPath, Cid>,
    operations: &[Operation],
    commit: &SignedCommit,
) -> Result<Vec<Step>, Unproved> {
    let mut state = Copy {
        rev: copy.rev.clone(),
        hash: copy.hash.clone(),
    };
    let mut records = copy.records as usize;
    let mut steps = Vec::new();
    for revision in operations.chunk_by(|one, next| one.rev == next.rev) {
        let rev = &revision[0].rev;
        if revision.len() > limits::REVISION {
            return Err(Unproved::Large(rev.clone()));
        }
        if copy.rev.as_ref() == Some(rev) {
            return Err(Unproved::Twofold(rev.clone()));
        }
        let mut changes = Vec::with_capacity(revision.len());
        for (operation, path) in revision.iter().zip(paths(revision)) {
            records += usize::from(operation.cid.is_some());
            records -= usize::from(operation.prev.is_some() && records > 0);
            changes.push(change(operation, path, &mut held)?);
            state.apply(operation)?;
        }
        let is_quiet = copy.quiet_until.as_ref().is_some_and(|until| rev <= until);
        add(&mut steps, &state, changes, is_quiet);
    }
    if records > limits::RECORDS as usize {
        return Err(Unproved::Full(records));
    }
    if state.rev.as_ref().map(Tid::as_str) != Some(&commit.rev) {
        return Err(Unproved::End);
    }
    match state.agrees_with(commit) {
        true => Ok(steps),
        false => Err(Unproved::Hash),
    }
}

/// One operation, if it begins where the copy is.
fn change(
    operation: &Operation,
    path: RecordPath,
    held: &mut HashMap<RecordPath, Cid>,
) -> Result<Changed, Unproved> {
    let is_nothing = operation.cid.is_none() && operation.prev.is_none();
    if is_nothing || held.get(&path) != operation.prev.as_ref() {
        return Err(Unproved::Before(path));
    }
    match &operation.cid {
        Some(cid) => held.insert(path, cid.clone()),
        None => held.remove(&path),
    };
    Ok(Changed {
        collection: operation.collection.clone(),
        rkey: operation.rkey.clone(),
        cid: operation.cid.clone(),
        prev: operation.prev.clone(),
    })
}

/// Adds a revision to the last part, or begins another part if that one is large.
fn add(steps: &mut Vec<Step>, state: &Copy, mut changes: Vec<Changed>, is_quiet: bool) {
    let quiet = if is_quiet { changes.len() } else { 0 };
    match steps.last_mut() {
        Some(step) if step.changes.len() + changes.len() <= limits::PART => {
            step.rev.clone_from(&state.rev);
            step.hash = state.hash.clone();
            step.changes.append(&mut changes);
            step.quiet += quiet;
        }
        _ => steps.push(Step {
            rev: state.rev.clone(),
            hash: state.hash.clone(),
            changes,
            quiet,
        }),
    }
}

/// What leads from the records of a copy to those of a whole repository that is proved already. All but
/// the last part keep the revision of before, so that whoever comes after a crash goes on from there.
///
/// Of a copy that is proved for the first time it is told what is `recent`: what the author's host says
/// has changed since somebody wanted to hear of it, be it still there or not.
pub(super) fn difference(
    copy: &SpaceCopy,
    held: Vec<(RecordPath, Cid)>,
    snapshot: &Snapshot,
    recent: &BTreeSet<RecordPath>,
) -> Result<Vec<Step>, Unproved> {
    let Snapshot { commit, index } = snapshot;
    let rev = Tid::new(&*commit.rev).map_err(|_| Unproved::Revision)?;
    if let Some(proved) = copy.rev.as_ref().filter(|proved| **proved > rev) {
        return Err(Unproved::Older {
            found: rev,
            proved: proved.clone(),
        });
    }
    if index.len() > limits::RECORDS as usize {
        return Err(Unproved::Full(index.len()));
    }
    let mut changes = changes(held, index);
    if copy.rev.as_ref() == Some(&rev) && !changes.is_empty() {
        return Err(Unproved::Twofold(rev));
    }
    let mut quiet = 0;
    if copy.rev.is_none() && copy.quiet_until.is_some() {
        quiet = hush(&mut changes, index, recent);
    }
    let mut hash = copy.hash.clone();
    let mut steps = Vec::new();
    for part in changes.chunks(limits::PART) {
        for change in part {
            if let Some(prev) = &change.prev {
                hash.remove(&change.collection, &change.rkey, prev);
            }
            if let Some(cid) = &change.cid {
                hash.add(&change.collection, &change.rkey, cid);
            }
        }
        steps.push(Step {
            rev: copy.rev.clone(),
            hash: hash.clone(),
            changes: part.to_vec(),
            quiet: quiet.min(part.len()),
        });
        quiet -= quiet.min(part.len());
    }
    match steps.last_mut() {
        Some(last) => last.rev = Some(rev),
        None => steps.push(Step {
            rev: Some(rev),
            hash,
            changes: Vec::new(),
            quiet: 0,
        }),
    }
    Ok(steps)
}

/// Puts what is told to nobody first, how many those are, and adds what is recent and gone again.
fn hush(changes: &mut Vec<Changed>, index: &Index, recent: &BTreeSet<RecordPath>) -> usize {
    let path = |change: &Changed| RecordPath {
        collection: change.collection.clone(),
        rkey: change.rkey.clone(),
    };
    let is_loud = |change: &Changed| recent.contains(&path(change));
    changes.sort_by_cached_key(|change| (is_loud(change), path(change)));
    let quiet = changes.iter().filter(|change| !is_loud(change)).count();
    let known: HashSet<RecordPath> = changes[quiet..].iter().map(path).collect();
    let there: HashSet<&RecordPath> = index.iter().map(|(path, _)| path).collect();
    let gone = recent.iter();
    let gone = gone.filter(|path| !there.contains(path) && !known.contains(path));
    changes.extend(gone.map(|path| Changed {
        collection: path.collection.clone(),
        rkey: path.rkey.clone(),
        cid: None,
        prev: None,
    }));
    quiet
}

fn changes(held: Vec<(RecordPath, Cid)>, index: &Index) -> Vec<Changed> {
    let mut held: HashMap<RecordPath, Cid> = held.into_iter().collect();
    let changed = |path: &RecordPath, cid: Option<&Cid>, prev: Option<Cid>| Changed {
        collection: path.collection.clone(),
        rkey: path.rkey.clone(),
        cid: cid.cloned(),
        prev,
    };
    let mut changes = Vec::new();
    for (path, cid) in index.iter() {
        let prev = held.remove(path);
        if prev.as_ref() != Some(cid) {
            changes.push(changed(path, Some(cid), prev));
        }
    }
    let mut gone: Vec<_> = held.into_iter().collect();
    gone.sort_by(|(one, _), (other, _)| one.cmp(other));
    let gone = gone
        .into_iter()
        .map(|(path, cid)| changed(&path, None, Some(cid)));
    changes.extend(gone);
    changes
}

#[cfg(test)]
mod tests;
