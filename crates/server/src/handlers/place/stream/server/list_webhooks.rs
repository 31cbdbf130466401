//! `place.stream.server.listWebhooks`

use axum::extract::State;
use loggia_api::place::stream::server::list_webhooks::{Error, ListWebhooks, Output, Params};
use loggia_storage::{ListError, WebhookFilter};
use loggia_xrpc::{Failure, Reply, declared};

use super::webhook::view;
use crate::caller::Caller;
use crate::webhook_desk::WebhookDesk;

/// Newest first; the filters are part of the query, so that every page but the last is full.
pub async fn handle(
    State(desk): State<WebhookDesk>,
    Caller(caller): Caller,
    params: Params,
) -> Reply<ListWebhooks> {
    let filter = WebhookFilter {
        active: params.active,
        event: params.event.map(|event| event.as_str().to_owned()),
    };
    let limit = u32::try_from(params.limit)?;
    let page = desk
        .webhooks()
        .list(&caller, &filter, params.cursor.as_deref(), limit)
        .await;
    let page = page.map_err(failure)?;
    let webhooks = page
        .webhooks
        .into_iter()
        .map(view)
        .collect::<Result<_, _>>()?;
    Ok(Output {
        webhooks,
        cursor: page.cursor,
        extra: Default::default(),
    })
}

fn failure(error: ListError) -> Failure<Error> {
    match error {
        ListError::InvalidCursor => declared(Error::InvalidCursor).into(),
        ListError::Storage(error) => error.into(),
    }
}
