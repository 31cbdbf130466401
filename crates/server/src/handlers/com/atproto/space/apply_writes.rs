//! `com.atproto.space.applyWrites`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::apply_writes::{
    ApplyWrites, CreateResult, CreateResultValidationStatus, DeleteResult, Error, Input,
    InputWrites, Output, OutputResults, UpdateResult, UpdateResultValidationStatus,
};
use loggia_auth::scope::SpaceAccess;
use loggia_delivery::{Clock, SystemClock};
use loggia_space::RecordPath;
use loggia_storage::{RecordAction, RecordWrite, Unwritten};
use loggia_syntax::{AtUri, RecordKey};
use loggia_xrpc::{Rejection, Reply};

use crate::space_host::caller::SpaceAccount;
use crate::space_host::{NotWritten, Prepared, SpaceHost, Status, Wanted, Writer, limits, new_key};

/// All of it with one revision, or nothing.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<ApplyWrites> {
    if input.writes.len() > limits::WRITES {
        let message = format!("`writes` has more than {} changes", limits::WRITES);
        return Err(Rejection::invalid_request(message).into());
    }
    for write in &input.writes {
        caller.require(&input.space, access(write))?;
    }
    let (space, repo) = (input.space, input.repo);
    let writer = Writer::of::<Error>(&host, &caller, space.clone(), repo.clone()).await?;
    let (kinds, wanted) = apart(input.writes);
    let prepared = host.prepare(input.validate, wanted).await?;
    let (writes, results) = together(kinds, prepared, |path| {
        AtUri::in_space(&space, &repo, &path.collection, &path.rkey)
    });
    if !writes.is_empty() {
        writer.write::<Error>(&writes, |_| Ok(())).await.map(drop)?;
    }
    Ok(Output {
        results: Some(results),
        extra: Default::default(),
    })
}

/// What is done to a record, apart from the record.
enum Kind {
    Create,
    Update,
    Delete(RecordPath),
}

fn access(write: &InputWrites) -> SpaceAccess<'_> {
    match write {
        InputWrites::Create(create) => SpaceAccess::Create(&create.collection),
        InputWrites::Update(update) => SpaceAccess::Update(&update.collection),
        InputWrites::Delete(delete) => SpaceAccess::Delete(&delete.collection),
    }
}

/// The kinds of all changes, and the records of those that have one.
fn apart(writes: Vec<InputWrites>) -> (Vec<Kind>, Vec<Wanted>) {
    let now = SystemClock.now();
    let mut records = Vec::new();
    let mut kinds = Vec::with_capacity(writes.len());
    for (number, write) in (0..).zip(writes) {
        kinds.push(match write {
            InputWrites::Create(create) => {
                let new = || RecordKey::from(new_key(now, number));
                records.push(Wanted {
                    collection: create.collection,
                    rkey: create.rkey.unwrap_or_else(new),
                    record: create.value,
                });
                Kind::Create
            }
            InputWrites::Update(update) => {
                records.push(Wanted {
                    collection: update.collection,
                    rkey: update.rkey,
                    record: update.value,
                });
                Kind::Update
            }
            InputWrites::Delete(delete) => Kind::Delete(RecordPath {
                collection: delete.collection,
                rkey: delete.rkey,
            }),
        });
    }
    (kinds, records)
}

/// The changes, and what is answered if they are made.
fn together(
    kinds: Vec<Kind>,
    prepared: Vec<Prepared>,
    uri: impl Fn(&RecordPath) -> AtUri,
) -> (Vec<RecordWrite>, Vec<OutputResults>) {
    let mut prepared = prepared.into_iter();
    let mut next = || prepared.next().expect("one for each that has a record");
    let each = kinds.into_iter().map(|kind| match kind {
        Kind::Create => {
            let record = next();
            let result = CreateResult {
                uri: uri(&record.path),
                cid: record.value.cid.clone(),
                validation_status: record.status.map(CreateResultValidationStatus::from),
                extra: Default::default(),
            };
            let write = record.write(RecordAction::Create);
            (write, OutputResults::CreateResult(result))
        }
        Kind::Update => {
            let record = next();
            let result = UpdateResult {
                uri: uri(&record.path),
                cid: record.value.cid.clone(),
                validation_status: record.status.map(UpdateResultValidationStatus::from),
                extra: Default::default(),
            };
            let write = record.write(RecordAction::Update);
            (write, OutputResults::UpdateResult(result))
        }
        Kind::Delete(path) => {
            let action = RecordAction::Delete;
            let result = DeleteResult {
                extra: Default::default(),
            };
            let write = RecordWrite { path, action };
            (write, OutputResults::DeleteResult(result))
        }
    });
    each.unzip()
}

impl NotWritten for Error {
    fn no_space() -> Self {
        Self::SpaceNotFound
    }

    fn of(refused: &Unwritten) -> Option<Self> {
        match refused {
            Unwritten::Exists(_) => Some(Self::RecordAlreadyExists),
            Unwritten::Missing(_) => Some(Self::RecordNotFound),
            _ => None,
        }
    }
}

impl From<Status> for CreateResultValidationStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Valid => Self::Valid,
            Status::Unknown => Self::Unknown,
        }
    }
}

impl From<Status> for UpdateResultValidationStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Valid => Self::Valid,
            Status::Unknown => Self::Unknown,
        }
    }
}
