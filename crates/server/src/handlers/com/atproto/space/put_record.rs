//! `com.atproto.space.putRecord`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::put_record::{
    Error, Input, Output, OutputValidationStatus, PutRecord,
};
use loggia_auth::scope::SpaceAccess;
use loggia_storage::{RecordAction, Wrote};
use loggia_syntax::AtUri;
use loggia_xrpc::Reply;

use crate::space_host::caller::SpaceAccount;
use crate::space_host::{NotWritten, SpaceHost, Status, Wanted, Writer};

/// Whether the caller must be allowed to create or to update depends on whether the record is there.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<PutRecord> {
    let (space, collection) = (&input.space, &input.collection);
    let writer = Writer::of::<Error>(&host, &caller, space.clone(), input.repo.clone());
    let writer = writer.await?;
    let wanted = Wanted {
        collection: collection.clone(),
        rkey: input.rkey.clone(),
        record: input.record,
    };
    let prepared = host.prepare_one(input.validate, wanted).await?;
    let (cid, status) = (prepared.value.cid.clone(), prepared.status);
    let write = prepared.write(RecordAction::Put);
    let update = || caller.require(space, SpaceAccess::Update(collection));
    let wrote = writer
        .write::<Error>(&[write], |written| {
            match written.changes.iter().any(|change| change.prev.is_none()) {
                true => caller.require(space, SpaceAccess::Create(collection)),
                false => update(),
            }
        })
        .await?;
    if wrote == Wrote::Unchanged {
        update()?;
    }
    Ok(Output {
        uri: AtUri::in_space(space, &input.repo, collection, &input.rkey),
        cid,
        validation_status: status.map(OutputValidationStatus::from),
        extra: Default::default(),
    })
}

impl NotWritten for Error {
    fn no_space() -> Self {
        Self::SpaceNotFound
    }
}

impl From<Status> for OutputValidationStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Valid => Self::Valid,
            Status::Unknown => Self::Unknown,
        }
    }
}
