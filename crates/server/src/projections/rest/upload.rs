//! `POST /projections/upload`: a form with a configuration and a program.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::http::StatusCode;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_xrpc_server::Refusal;
use serde::Serialize;

use super::caller::Owner;
use super::config::{self, Config};
use super::object::Object;
use super::{Rest, refuse};
use crate::projections::desk::Put;
use crate::projections::names;

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
    let id = config.projection_id.as_deref().map(refuse::read_id);
    let id = id.transpose()?;
    let (definition, hook) = config.into_parts();
    let now = SystemClock.now();
    let put = rest.desk.put(&owner, id, &definition, hook, now);
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
    let mut names = BTreeSet::new();
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default();
        if !names.insert(name.to_owned()) {
            return Err(refuse::invalid(format!(
                "the part `{name}` is sent more than once"
            )));
        }
        match part.name().unwrap_or_default() {
            "config" => {
                let text = part.bytes().await.map_err(unreadable)?;
                config = config::read("config", &text)?;
            }
            "notificationConfig" => {
                let text = part.bytes().await.map_err(unreadable)?;
                notifications = Some(config::read("notificationConfig", &text)?);
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
        config.notifications = Object(notifications);
    }
    if let Some(program) = program {
        config.reducer = Some(program);
    }
    config.check()?;
    Ok(config)
}

fn unreadable(error: MultipartError) -> Refusal {
    refuse::body(error.status().as_u16(), error.body_text())
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
