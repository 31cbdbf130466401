//! `POST /projections/upload`: a form with a configuration and a program.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::http::StatusCode;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;
use serde::{Deserialize, Serialize};

use super::caller::Owner;
use super::{Rest, refuse};
use crate::projections::definition::Definition;
use crate::projections::desk::{Hook, Put};
use crate::projections::names;

/// The part `config`: what a projection is, and where it notifies.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    /// Which one to change; a new one if absent.
    projection_id: Option<String>,
    notifications: Notifications,
    #[serde(flatten)]
    definition: Definition,
}

/// Where it notifies; by itself the part `notificationConfig` of older clients.
#[derive(Default, Deserialize)]
struct Notifications {
    webhook: Option<Webhook>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    url: String,
    #[serde(default)]
    isolate_secret: bool,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// What has become of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Uploaded {
    success: bool,
    projection_id: String,
    /// As clients know it from the system that this form is of. The program is compiled already, and
    /// the history is about to be folded.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    notifications: Option<ShownNotifications>,
}

#[derive(Serialize)]
struct ShownNotifications {
    webhook: ShownWebhook,
}

#[derive(Serialize)]
struct ShownWebhook {
    enabled: bool,
    secret: String,
    isolated: bool,
}

/// `POST /projections/upload`
pub(super) async fn upload(
    State(rest): State<Rest>,
    Owner(owner): Owner,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Uploaded>), Refusal> {
    let form = form.map_err(|error| refuse::invalid(error.body_text()))?;
    let config = read(form).await?;
    let not_found = refuse::not_found;
    let id = config.projection_id.as_deref();
    let id = id.map(|id| names::read_projection(id).ok_or_else(not_found));
    let id = id.transpose()?;
    let hook = config.notifications.webhook.map(|webhook| Hook {
        url: webhook.url,
        isolate: webhook.isolate_secret,
        headers: webhook.headers,
    });
    let now = SystemClock.now();
    let put = rest.desk.put(&owner, id, &config.definition, hook, now);
    let put = put.await.map_err(refuse::desk)?;
    let status = match put.is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    Ok((status, Json(uploaded(&put))))
}

async fn read(mut form: Multipart) -> Result<Config, Refusal> {
    let mut config = Config::default();
    let mut program = None;
    let mut notifications = None;
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        match part.name().unwrap_or_default() {
            "config" => {
                let text = part.bytes().await.map_err(unreadable)?;
                config = json("config", &text)?;
            }
            "notificationConfig" => {
                let text = part.bytes().await.map_err(unreadable)?;
                notifications = Some(json("notificationConfig", &text)?);
            }
            "file" => {
                let bytes = part.bytes().await.map_err(unreadable)?;
                let text = String::from_utf8(bytes.to_vec());
                let text = text
                    .map_err(|_| refuse::invalid("`file` is no text: a reducer is a jq program"))?;
                program = Some(text);
            }
            other => {
                return Err(refuse::invalid(format!(
                    "`{other}` is no part of this form: it has `config` and `file`"
                )));
            }
        }
    }
    if let Some(notifications) = notifications {
        config.notifications = notifications;
    }
    if let Some(program) = program {
        config.definition.reducer = Some(program);
    }
    check(&config.definition)?;
    Ok(config)
}

fn json<'a, T: Deserialize<'a>>(part: &str, text: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(text).map_err(|error| refuse::invalid(format!("`{part}`: {error}")))
}

/// What the lexicon of the method says, for those who come by a form.
fn check(definition: &Definition) -> Result<(), Refusal> {
    let name = definition.name.as_deref().unwrap_or_default();
    let selection = &definition.selection;
    let lists = [&selection.types, &selection.aggregate_types];
    let holds = name.len() <= 200
        && lists.iter().all(|list| {
            list.len() <= 100 && list.iter().all(|text| (1..=256).contains(&text.len()))
        });
    match holds {
        true => Ok(()),
        false => Err(refuse::invalid(
            "`config`: `name` has at most 200 bytes, lists at most 100 entries of 1 to 256 bytes",
        )),
    }
}

fn unreadable(error: MultipartError) -> Refusal {
    let status = error.status().as_u16();
    Rejection::new(status, "InvalidRequest", error.body_text()).into()
}

fn uploaded(put: &Put) -> Uploaded {
    let projection = &put.shown.projection;
    let webhook = put.secret.as_ref().map(|secret| ShownWebhook {
        enabled: true,
        secret: secret.to_text().to_string(),
        isolated: projection.isolated,
    });
    Uploaded {
        success: true,
        projection_id: names::projection(projection.id),
        status: "compiling",
        notifications: webhook.map(|webhook| ShownNotifications { webhook }),
    }
}
