//! `dev.loggia.community.rejectJoinRequest`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::reject_join_request::{
    Error, Input, Output, RejectJoinRequest,
};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{ProposalKind, ProposalStatus};
use loggia_xrpc::Reply;

use super::view;
use crate::caller::Caller;
use crate::community::{Happened, News, Side};
use crate::space_host::SpaceHost;

/// Whoever asked can ask again, but not too often.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<RejectJoinRequest> {
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let which = (ProposalKind::JoinRequest, input.id.as_str());
    let (space, waits) = host
        .waiting::<Error>(&mut tx, (&caller, Side::Owner), which)
        .await?;
    let ended = host
        .end::<Error>(&mut tx, waits, (ProposalStatus::Declined, &caller), now)
        .await?;
    let mut news = News::default();
    let (place, told) = ((&host.storage, &mut tx), (&space, &caller));
    news.add(place, told, &[Happened::JoinRejected(&ended)], now)
        .await?;
    tx.commit().await?;
    news.deliver(&host.notices.engine).await;
    Ok(Output {
        request: view::join_request(ended),
        extra: Default::default(),
    })
}
