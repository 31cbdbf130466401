//! Where other parts of the server tell projections what happens.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_firehose::{Event, What};
use loggia_storage::{
    Changed, RecordAction, RecordWrite, RepoName, Storage, StorageError, Write, Written,
};
use tokio::sync::Notify;

use super::sources::{self, Contents, RecordChange};

/// The way into histories for whoever has a transaction open already. Cheap to clone.
#[derive(Clone)]
pub struct Feeding {
    storage: Storage,
    wake: Arc<Notify>,
}

impl Feeding {
    pub(crate) fn new(storage: Storage, wake: Arc<Notify>) -> Self {
        Self { storage, wake }
    }

    /// What the record stream says; whether anybody reads it, which after the commit is a reason to
    /// [`wake`](Self::wake).
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn streamed(
        &self,
        tx: &mut Write,
        events: &[Event],
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let changes = events.iter().filter_map(of_event).collect::<Vec<_>>();
        Ok(sources::take(&self.storage, tx, &changes, now).await? > 0)
    }

    /// What a write to a repository in a space has done; whether anybody reads it.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn written(
        &self,
        tx: &mut Write,
        repo: &RepoName,
        (writes, written): (&[RecordWrite], &Written),
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let rev = written.rev.to_string();
        let changes = written.changes.iter().enumerate();
        let changes = changes.map(|(place, changed)| RecordChange {
            space: Some(&repo.space),
            author: &repo.author,
            collection: &changed.collection,
            rkey: &changed.rkey,
            rev: &rev,
            place,
            action: action_of(changed),
            cid: changed.cid.as_ref().map(|cid| cid.as_str()),
            record: contents_of(changed, writes),
        });
        let changes: Vec<_> = changes.collect();
        Ok(sources::take(&self.storage, tx, &changes, now).await? > 0)
    }

    /// There is something to fold. Without this it is found a moment later.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

fn of_event(event: &Event) -> Option<RecordChange<'_>> {
    let What::Change(change) = &event.what else {
        return None;
    };
    Some(RecordChange {
        space: None,
        author: &event.did,
        collection: &change.collection,
        rkey: &change.rkey,
        rev: change.rev.as_str(),
        place: 0,
        action: change.action.as_str(),
        cid: change.cid.as_ref().map(|cid| cid.as_str()),
        record: change
            .record
            .as_ref()
            .map(|record| Contents::Json(record.as_json())),
    })
}

fn action_of(changed: &Changed) -> &'static str {
    match (&changed.prev, &changed.cid) {
        (None, _) => "create",
        (Some(_), Some(_)) => "update",
        (Some(_), None) => "delete",
    }
}

/// The bytes that a record has by a change, among those that were to be written.
fn contents_of<'w>(changed: &Changed, writes: &'w [RecordWrite]) -> Option<Contents<'w>> {
    let cid = changed.cid.as_ref()?;
    let values = writes.iter().filter(|write| {
        (&write.path.collection, &write.path.rkey) == (&changed.collection, &changed.rkey)
    });
    let mut values = values.filter_map(|write| match &write.action {
        RecordAction::Create(value) | RecordAction::Update(value) | RecordAction::Put(value) => {
            Some(value)
        }
        RecordAction::Delete | RecordAction::Clear => None,
    });
    let value = values.find(|value| value.cid == *cid)?;
    Some(Contents::DagCbor(&value.dag_cbor))
}
