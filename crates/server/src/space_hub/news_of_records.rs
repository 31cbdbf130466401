//! Telling webhooks of records whose change is told by somebody whose word needs no look at the store:
//! those who do so at once share a transaction.

use jiff::Timestamp;
use loggia_api::com::atproto::space::notify_write::NotifyWrite;
use loggia_storage::{Batch, Changed, RepoName, Storage, StorageError, Together, Write};
use loggia_syntax::Nsid;
use loggia_xrpc::Method as _;

use super::body;
use crate::space_notices::{NotifyError, SpaceNotices, Told};

/// Takes the news of many callers. Cheap to clone; clones share their batches.
#[derive(Clone, Debug)]
pub struct NewsOfRecords(Together<Telling>);

/// What is told.
struct Record {
    repo: RepoName,
    changed: Changed,
    now: Timestamp,
}

/// How it is told.
struct Telling(SpaceNotices);

impl NewsOfRecords {
    /// The way in for news that belong to no other transaction. There should be one.
    pub(crate) fn new(notices: &SpaceNotices) -> Self {
        Self(notices.storage.together(Telling(notices.clone())))
    }

    /// Tells webhooks of a record that changed in somebody's repository, wherever that is. When this
    /// returns, what they are told is on the disk.
    ///
    /// # Errors
    /// The store failed; then nobody is told.
    pub(crate) async fn tell(
        &self,
        repo: RepoName,
        changed: Changed,
        now: Timestamp,
    ) -> Result<(), NotifyError> {
        self.0.ask(Record { repo, changed, now }).await
    }
}

impl Batch for Telling {
    type Job = Record;
    type Answer = ();
    type Written<'b> = (Told<'b>, usize);
    type Error = NotifyError;

    fn storage(&self) -> Result<Storage, StorageError> {
        Ok(self.0.storage.clone())
    }

    fn is_conflict(error: &NotifyError) -> bool {
        matches!(error, NotifyError::Storage(error) if error.is_conflict())
    }

    async fn write<'b>(
        &'b self,
        tx: &mut Write,
        records: &[Record],
    ) -> Result<(Told<'b>, usize), NotifyError> {
        let Self(notices) = self;
        let now = records.iter().map(|record| record.now).max();
        let now = now.unwrap_or(Timestamp::UNIX_EPOCH);
        let spaces: Vec<_> = records.iter().map(|record| &record.repo.space).collect();
        let audiences = notices.audiences(tx, &spaces, now).await?;
        let mut sayings = Vec::with_capacity(records.len());
        for Record { repo, changed, .. } in records {
            if let Some(audience) = audiences.get(repo.space.as_str()) {
                let told = body::records(audience, repo, std::slice::from_ref(changed))?;
                sayings.push((&repo.space, told));
            }
        }
        let kind = Nsid::from_static(NotifyWrite::NSID);
        let told = notices.say_all(tx, kind, sayings, now).await?;
        Ok((told, records.len()))
    }

    fn committed(&self, (told, records): (Told<'_>, usize)) -> Vec<()> {
        told.deliver();
        vec![(); records]
    }
}
