//! `com.atproto.repo.uploadBlob`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::com::atproto::repo::upload_blob::{Input, Output, UploadBlob};
use loggia_callers::Callers;
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Blob, Blobs, Kept};
use loggia_xrpc::{Binary, Content, Rejection, Reply};

use crate::space_host::caller::SpaceAccount;
use crate::space_host::{SpaceHost, limits, not_hosted, read_all, reference};

/// The caller must be hosted here. What is uploaded is seen by others once a record refers to it.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    State(callers): State<Callers>,
    caller: SpaceAccount,
    Input(input): Input,
) -> Reply<UploadBlob> {
    caller.require_upload(&callers.audiences())?;
    if !host.accounts.hosts(&caller.did).await? {
        return Err(not_hosted().into());
    }
    let Binary {
        content_type,
        content,
    } = input;
    let data = match content {
        Content::Whole(bytes) => bytes.to_vec(),
        Content::Stream(chunks) => read_all(chunks).await?,
    };
    let blob = reference(&data, &content_type)?;
    let kept = Blob {
        cid: (&blob.reference).try_into()?,
        mime_type: content_type,
        data,
    };
    let mut tx = host.storage.begin().await?;
    let blobs = host.storage.blobs();
    let now = SystemClock.now();
    match blobs
        .insert(&mut tx, &caller.did, &kept, limits::BLOB_BYTES, now)
        .await?
    {
        Kept::Kept => tx.commit().await?,
        Kept::Full => {
            let message = format!(
                "the blobs of an account have at most {} bytes",
                limits::BLOB_BYTES
            );
            return Err(Rejection::invalid_request(message).into());
        }
        Kept::TooManyTypes => {
            let message = format!(
                "the same bytes are uploaded as at most {} types",
                Blobs::MOST_TYPES
            );
            return Err(Rejection::invalid_request(message).into());
        }
    }
    Ok(Output {
        blob,
        extra: Default::default(),
    })
}
