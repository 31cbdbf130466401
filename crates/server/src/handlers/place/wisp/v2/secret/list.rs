//! `place.wisp.v2.secret.list`

use axum::extract::State;
use loggia_api::place::wisp::v2::secret::list::{List, Output, SecretMeta};
use loggia_xrpc::Reply;

use crate::caller::Caller;
use crate::view::datetime;
use crate::wisp::SecretDesk;

/// Names and times, and no token.
pub async fn handle(State(desk): State<SecretDesk>, Caller(owner): Caller) -> Reply<List> {
    let secrets = desk.list(&owner).await?;
    let shown = secrets.into_iter().map(|secret| SecretMeta {
        name: secret.name,
        created_at: datetime(secret.created_at),
        last_rotated_at: secret.rotated_at.map(datetime),
        extra: Default::default(),
    });
    Ok(Output {
        secrets: shown.collect(),
        extra: Default::default(),
    })
}
