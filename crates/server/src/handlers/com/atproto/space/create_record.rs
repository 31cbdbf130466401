//! `com.atproto.space.createRecord`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::create_record::{
    CreateRecord, Error, Input, Output, OutputValidationStatus,
};
use loggia_auth::scope::SpaceAccess;
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{RecordAction, Unwritten};
use loggia_syntax::{AtUri, RecordKey};
use loggia_xrpc::Reply;

use crate::space_host::caller::SpaceAccount;
use crate::space_host::{NotWritten, SpaceHost, Status, Wanted, Writer, new_key};

/// Into the caller's own repository.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<CreateRecord> {
    caller.require(&input.space, SpaceAccess::Create(&input.collection))?;
    let writer = Writer::of::<Error>(&host, &caller, input.space.clone(), input.repo.clone());
    let writer = writer.await?;
    let new = || RecordKey::from(new_key(SystemClock.now(), 0));
    let wanted = Wanted {
        collection: input.collection,
        rkey: input.rkey.unwrap_or_else(new),
        record: input.record,
    };
    let prepared = host.prepare_one(input.validate, wanted).await?;
    let (path, cid, status) = (
        prepared.path.clone(),
        prepared.value.cid.clone(),
        prepared.status,
    );
    let write = prepared.write(RecordAction::Create);
    writer
        .write::<Error>(&[write], |_| Ok(()))
        .await
        .map(drop)?;
    Ok(Output {
        uri: AtUri::in_space(&input.space, &input.repo, &path.collection, &path.rkey),
        cid,
        validation_status: status.map(OutputValidationStatus::from),
        extra: Default::default(),
    })
}

impl NotWritten for Error {
    fn no_space() -> Self {
        Self::SpaceNotFound
    }

    fn of(refused: &Unwritten) -> Option<Self> {
        match refused {
            Unwritten::Exists(_) => Some(Self::RecordAlreadyExists),
            _ => None,
        }
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
