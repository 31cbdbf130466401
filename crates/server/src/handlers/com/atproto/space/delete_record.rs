//! `com.atproto.space.deleteRecord`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::space::delete_record::{DeleteRecord, Error, Input, Output};
use loggia_auth::scope::SpaceAccess;
use loggia_space::RecordPath;
use loggia_storage::{RecordAction, RecordWrite};
use loggia_xrpc::Reply;

use crate::space_host::caller::SpaceAccount;
use crate::space_host::{NotWritten, SpaceHost, Writer};

/// Deleting what is not there is harmless.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: SpaceAccount,
    input: Input,
) -> Reply<DeleteRecord> {
    caller.require(&input.space, SpaceAccess::Delete(&input.collection))?;
    let writer = Writer::of::<Error>(&host, &caller, input.space, input.repo).await?;
    let write = RecordWrite {
        path: RecordPath {
            collection: input.collection,
            rkey: input.rkey,
        },
        action: RecordAction::Clear,
    };
    writer
        .write::<Error>(&[write], |_| Ok(()))
        .await
        .map(drop)?;
    Ok(Output {
        extra: Default::default(),
    })
}

impl NotWritten for Error {
    fn no_space() -> Self {
        Self::SpaceNotFound
    }
}
