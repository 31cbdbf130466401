//! `com.atproto.sync.subscribeRepos`: frames of DAG-CBOR from a relay or a PDS.
//!
//! What is checked of a commit is said at [`read`] and [`read_signed`].

mod commit;
mod message;

use crate::frame::{Chain, Notice, Place, moment};
use crate::{Event, Frame, Malformed, Reason, Signatures, Wanted, What};

use commit::Proof;
use message::{Account, Commit, Identity, Said, Sync};

/// Reads one frame.
///
/// Each record's bytes are checked against the hash that the frame has for it. Neither the signature nor
/// the repository's tree is looked at: what the host says is believed.
pub fn read(frame: &[u8], wanted: &Wanted) -> Result<Frame, Malformed> {
    let (said, position) = said(frame)?;
    said.frame(wanted)
        .map_err(|reason| Malformed::new(reason, frame, position))
}

/// Reads one frame, and believes of a commit only what the account has signed.
///
/// Beyond what [`read`] checks, the commit must be of the frame's account and revision, its signature be
/// by the account's key, and the tree that it names say of every wanted record what the frame says: its
/// hash, or that it is gone. What does not hold is left out and told as a flaw; so is everything of an
/// account whose key cannot be found, with a [`Resync`](What::Resync) in its place. Where the frame says
/// from which tree the commit went out (`prevData`), its changes, taken back, must lead to that tree: a
/// change that the host leaves out is a flaw, and a [`Resync`](What::Resync) is said with those that are
/// there. Whether that tree is the one of the commit before is for whoever reads the frames in their
/// order ([`Frame::chain`]). Not checked: `#sync`, `#identity` and `#account`, which ask a consumer to look
/// again, and are signed by nobody.
pub async fn read_signed(
    frame: &[u8],
    wanted: &Wanted,
    signatures: &dyn Signatures,
) -> Result<Frame, Malformed> {
    let (said, position) = said(frame)?;
    let malformed = |reason| Malformed::new(reason, frame, position);
    let Said::Commit(commit) = said else {
        let again = match &said {
            Said::Sync(sync) => Some(sync.did),
            Said::Account(account) => Some(account.did),
            _ => None,
        };
        let chain = again.and_then(Chain::unknown);
        let mut read = said.frame(wanted).map_err(malformed)?;
        read.chain = chain;
        return Ok(read);
    };
    let mut read = commit.frame(wanted).map_err(malformed)?;
    read.chain = commit.chain(None);
    if read
        .events
        .iter()
        .any(|event| matches!(event.what, What::Change(_)))
    {
        let proven = match Proof::of(&commit) {
            Ok(proof) => match proof.check(signatures, &mut read).await {
                Ok(()) => Ok(proof),
                Err(reason) => Err(reason),
            },
            Err(reason) => Err(reason),
        };
        match proven {
            Ok(proof) => {
                if let Err(reason) = proof.is_whole(&commit) {
                    proof.tell_again(&mut read, reason);
                }
                read.chain = commit.chain(Some(proof.data()));
            }
            Err(reason) => leave_out(&mut read, reason),
        }
    }
    Ok(read)
}

/// Takes out what is not proven. Where only a key was wanting, the account is to be looked at.
fn leave_out(read: &mut Frame, reason: Reason) {
    let did = read.events.first().map(|event| event.did.clone());
    read.events.clear();
    read.flaws.push(reason);
    if reason == Reason::Key
        && let Some(resync) = did.and_then(|did| read.resync(&did))
    {
        read.events.push(resync);
    }
}

fn said(frame: &[u8]) -> Result<(Said<'_>, Option<i64>), Malformed> {
    let said = Said::read(frame).map_err(|reason| Malformed::new(reason, frame, None))?;
    let position = said.position();
    Ok((said, position))
}

impl Said<'_> {
    fn position(&self) -> Option<i64> {
        match self {
            Self::Commit(commit) => Some(commit.seq),
            Self::Sync(sync) => Some(sync.seq),
            Self::Identity(identity) => Some(identity.seq),
            Self::Account(account) => Some(account.seq),
            Self::Info(_) | Self::Error(_) | Self::Unknown => None,
        }
    }

    fn frame(self, wanted: &Wanted) -> Result<Frame, Reason> {
        match self {
            Self::Commit(commit) => commit.frame(wanted),
            Self::Sync(Sync { seq, did, time }) => one(seq, did, time, What::Resync),
            Self::Identity(identity) => identity.frame(),
            Self::Account(account) => account.frame(),
            Self::Info("OutdatedCursor") => Ok(Frame::notice(Some(Notice::Outdated))),
            Self::Error("FutureCursor") => Ok(Frame::notice(Some(Notice::Future))),
            Self::Error(_) => Ok(Frame::notice(Some(Notice::End))),
            Self::Info(_) | Self::Unknown => Ok(Frame::default()),
        }
    }
}

impl Identity<'_> {
    fn frame(self) -> Result<Frame, Reason> {
        let handle = self.handle.and_then(|text| text.parse().ok());
        one(self.seq, self.did, self.time, What::Identity { handle })
    }
}

impl Account<'_> {
    fn frame(self) -> Result<Frame, Reason> {
        let what = What::Account {
            active: self.active,
            status: self.status.map(crate::jetstream::shortened),
        };
        one(self.seq, self.did, self.time, what)
    }
}

impl Commit<'_> {
    fn place(&self) -> Result<Place, Reason> {
        let time = moment(self.time)?;
        Ok(Place {
            position: self.seq,
            time,
        })
    }
}

fn one(seq: i64, did: &str, time: &str, what: What) -> Result<Frame, Reason> {
    let time = moment(time)?;
    let place = Place {
        position: seq,
        time,
    };
    let did = did.parse().map_err(|_| Reason::Identifier)?;
    Ok(Frame::of(place, Event { time, did, what }))
}
