//! Between Wisp's webhooks and their rows.

use std::fmt;

use jiff::Timestamp;
use loggia_delivery::EndpointId;
use loggia_syntax::{Did, RecordKey};

use crate::column::{Reading, millis};
use crate::sql::{self, Connection, Row};
use crate::wisp_webhook::{WispChange, WispRefusal, WispState, WispWebhook};
use crate::{BadRow, StorageError};

impl WispState {
    /// The name in storage.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Refused { .. } => "refused",
            Self::Removed => "removed",
        }
    }
}

/// For people: its name, and why it is refused.
impl fmt::Display for WispState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Refused { reason, .. } => write!(f, ": {reason}"),
            _ => Ok(()),
        }
    }
}

impl WispRefusal {
    const ALL: [Self; 3] = [Self::Invalid, Self::Limit, Self::NoSecret];

    /// The name in storage.
    fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Limit => "limit",
            Self::NoSecret => "no-secret",
        }
    }
}

pub(super) async fn put(
    connection: &mut Connection,
    webhook: &WispWebhook,
    seq: i64,
    now: Timestamp,
) -> Result<(), StorageError> {
    let (refusal, reason) = match &webhook.state {
        WispState::Refused { kind, reason } => (Some(kind.as_str()), Some(reason.as_str())),
        _ => (None, None),
    };
    sql::query(
        "INSERT INTO wisp_webhook (owner, rkey, endpoint, state, refusal, reason, paused, scope,
             backlinks, actions, secret_id, cid, rev, seq, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (owner, rkey) DO UPDATE
         SET endpoint = excluded.endpoint, state = excluded.state, refusal = excluded.refusal,
             reason = excluded.reason, paused = excluded.paused, scope = excluded.scope,
             backlinks = excluded.backlinks, actions = excluded.actions,
             secret_id = excluded.secret_id, cid = excluded.cid, rev = excluded.rev,
             seq = excluded.seq, updated_at = excluded.updated_at",
    )
    .bind(webhook.owner.as_str())
    .bind(webhook.rkey.as_str())
    .bind(webhook.endpoint.map(|id| id.as_bytes().to_vec()))
    .bind(webhook.state.as_str())
    .bind(refusal)
    .bind(reason)
    .bind(webhook.paused)
    .bind(&webhook.scope)
    .bind(webhook.backlinks)
    .bind(serde_json::Value::from(webhook.actions.as_slice()).to_string())
    .bind(webhook.secret_id.as_deref())
    .bind(webhook.cid.as_deref())
    .bind(&webhook.rev)
    .bind(seq)
    .bind(millis(now))
    .execute(connection)
    .await
    .map_err(StorageError::doing("keep a Wisp webhook"))?;
    Ok(())
}

pub(super) fn owner(row: &Row) -> Result<Did, BadRow> {
    let reading = Reading::new("wisp_webhook", "(owner)", row);
    reading.parse("owner", |text: &str| Did::new(text))
}

pub(super) fn readable(row: &Row) -> Option<WispWebhook> {
    read(row).inspect_err(log).ok()
}

pub(super) fn change(row: &Row) -> Result<WispChange, BadRow> {
    Ok(WispChange {
        seq: Reading::new("wisp_webhook", "(unreadable)", row).get("seq")?,
        webhook: readable(row),
    })
}

fn log(bad: &BadRow) {
    let error = bad as &dyn std::error::Error;
    tracing::error!(error, "a Wisp webhook cannot be read and is not told");
}

pub(super) fn read(row: &Row) -> Result<WispWebhook, BadRow> {
    let unnamed = Reading::new("wisp_webhook", "(unreadable)", row);
    let owner = unnamed.parse("owner", |text: &str| Did::new(text))?;
    let rkey = unnamed.parse("rkey", |text: &str| RecordKey::new(text))?;
    let reading = Reading::new("wisp_webhook", format_args!("{owner}/{rkey}"), row);
    let endpoint = match reading.get::<Option<&[u8]>>("endpoint")? {
        Some(_) => Some(reading.parse("endpoint", EndpointId::from_slice)?),
        None => None,
    };
    Ok(WispWebhook {
        endpoint,
        state: read_state(&reading)?,
        paused: reading.get("paused")?,
        scope: reading.get("scope")?,
        backlinks: reading.get("backlinks")?,
        actions: reading.parse("actions", serde_json::from_str)?,
        secret_id: reading.get("secret_id")?,
        cid: reading.get("cid")?,
        rev: reading.get("rev")?,
        owner,
        rkey,
    })
}

fn read_state(reading: &Reading<'_>) -> Result<WispState, BadRow> {
    match reading.get::<&str>("state")? {
        "active" => Ok(WispState::Active),
        "disabled" => Ok(WispState::Disabled),
        "removed" => Ok(WispState::Removed),
        "refused" => {
            let name: &str = reading.get("refusal")?;
            let mut kinds = WispRefusal::ALL.into_iter();
            let kind = kinds.find(|kind| kind.as_str() == name);
            let kind = kind.ok_or_else(|| reading.bad("refusal", None))?;
            let reason: Option<String> = reading.get("reason")?;
            let reason = reason.unwrap_or_default();
            Ok(WispState::Refused { kind, reason })
        }
        _ => Err(reading.bad("state", None)),
    }
}
