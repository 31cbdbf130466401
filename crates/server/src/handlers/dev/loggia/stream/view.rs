//! How a webhook is told, as its owner sees it.

use loggia_api::dev::loggia::stream::defs::{Form, FormFormat};
use loggia_storage::{StorageError, Webhook, WebhookFormat};

use crate::streamplace;
use crate::webhook_desk::WebhookDesk;

/// The form of a webhook.
pub async fn form(desk: &WebhookDesk, webhook: &Webhook) -> Result<Form, StorageError> {
    let id = webhook.id.endpoint();
    let endpoint = desk.storage.endpoints().find(id).await?;
    Ok(Form {
        webhook: webhook.id.to_string(),
        format: match streamplace::format(webhook) {
            WebhookFormat::Discord => FormFormat::Discord,
            WebhookFormat::Slack => FormFormat::Slack,
            WebhookFormat::Json => FormFormat::Json,
        },
        by_host: webhook.fields.format.is_none(),
        signed: endpoint.is_some_and(|endpoint| endpoint.secrets.current.is_some()),
        extra: Default::default(),
    })
}
