//! `dev.loggia.projection.subscribe`

use std::collections::VecDeque;

use axum::extract::State;
use futures_util::{Stream, stream};
use loggia_api::dev::loggia::projection::subscribe::{
    Error, Info, InfoName, Message, Params, StateChanged, Subscribe,
};
use loggia_storage::Notice;
use loggia_xrpc::{Failure, Subscription, declared};

use super::view::{notification, unreadable};
use crate::api_clients::ApiClient;
use crate::caller::Caller;
use crate::projections::ProjectionDesk;
use crate::projections::desk::DeskError;
use crate::projections::feed::{Feed, FeedEnd};
use crate::projections::names::read_projection;

type Item = Result<Message, Failure<<Subscribe as Subscription>::Error>>;

/// Everything after the cursor, then what is new; only that without one. Ends with the key that it was
/// opened with.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    client: Option<ApiClient>,
    Caller(owner): Caller,
    params: Params,
) -> Result<impl Stream<Item = Item> + Send + 'static, Failure<Error>> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = read_projection(&params.id).ok_or_else(not_found)?;
    let projections = desk.storage.projections();
    let found = desk
        .readable(id, &owner)
        .await
        .map_err(|error| match error {
            DeskError::NotFound => not_found().into(),
            error => unreadable(error),
        })?;
    let after = params.cursor.unwrap_or(found.sequence);
    if !(0..=found.sequence).contains(&after) {
        return Err(declared(Error::FutureCursor).into());
    }
    let feed = Feed::new(projections, &desk.followers, id, after);
    let told = stream::unfold((feed, VecDeque::new()), next);
    let client = client.map(|client| client.id());
    Ok(desk.holders.until_revoked(client, told))
}

/// Says first what was missed, where something is no longer kept.
async fn next(
    (mut feed, mut ready): (Feed, VecDeque<Item>),
) -> Option<(Item, (Feed, VecDeque<Item>))> {
    if ready.is_empty() {
        let before = feed.after();
        match feed.next().await {
            Ok(notice) => {
                if notice.sequence != before + 1 {
                    ready.push_back(Ok(Message::Info(outdated())));
                }
                let told = state_changed(&notice).map(Message::StateChanged);
                ready.push_back(told.map_err(Failure::from));
            }
            Err(FeedEnd::Deleted) => ready.push_back(Err(declared(Error::NotFound).into())),
            Err(FeedEnd::Storage(error)) => ready.push_back(Err(error.into())),
        }
    }
    let item = ready.pop_front()?;
    Some((item, (feed, ready)))
}

fn state_changed(notice: &Notice) -> Result<StateChanged, serde_json::Error> {
    Ok(StateChanged {
        seq: notice.sequence,
        notification: notification(notice)?,
        extra: Default::default(),
    })
}

fn outdated() -> Info {
    Info {
        name: InfoName::OutdatedCursor,
        message: Some("notifications are kept for some days: some were missed".to_owned()),
        extra: Default::default(),
    }
}
