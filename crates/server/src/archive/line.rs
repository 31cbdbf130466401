//! A delivery as a line of the archive.

use jiff::Timestamp;
use loggia_delivery::{Attempt, DeliveryId, Outcome};
use loggia_storage::{BadRow, Retired};
use serde::Serialize;
use serde_json::value::RawValue;

/// Everything that is known of a delivery that ended. Secrets and headers are not part of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    notification: String,
    endpoint: String,
    owner: &'a str,
    kind: &'a str,
    subject: &'a str,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    created_at: Timestamp,
    ended_at: Timestamp,
    deadline: Timestamp,
    attempts: Vec<AttemptLine<'a>>,
    /// The notification's JSON as it was sent, or as text if it is none.
    body: Body<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Json(&'a RawValue),
    Text(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptLine<'a> {
    number: u32,
    started_at: Timestamp,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    refused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
}

/// The line of a delivery, with its line break at the end.
///
/// # Errors
/// It cannot be written as JSON.
pub fn line(retired: &Retired) -> serde_json::Result<Vec<u8>> {
    let notification = &retired.notification;
    let line = Line {
        notification: notification.id.to_string(),
        endpoint: retired.endpoint.to_string(),
        owner: retired.owner.as_str(),
        kind: notification.kind.as_str(),
        subject: &notification.subject,
        state: retired.state,
        reason: retired.reason.as_deref(),
        created_at: notification.created_at,
        ended_at: retired.ended_at,
        deadline: retired.deadline,
        attempts: retired.attempts.iter().map(attempt).collect(),
        body: body(&notification.body),
    };
    let mut text = serde_json::to_vec(&line)?;
    text.push(b'\n');
    Ok(text)
}

/// A delivery of which something cannot be read: that it was there, and why it is not here.
#[derive(Serialize)]
struct Unreadable {
    notification: String,
    endpoint: String,
    unreadable: String,
}

/// The line of a delivery that cannot be read, with its line break at the end.
///
/// # Errors
/// It cannot be written as JSON.
pub fn unreadable(id: DeliveryId, bad: &BadRow) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(&Unreadable {
        notification: id.notification.to_string(),
        endpoint: id.endpoint.to_string(),
        unreadable: bad.to_string(),
    })?;
    text.push(b'\n');
    Ok(text)
}

/// JSON goes in as it stands unless it has line breaks, which would end the line.
fn body(bytes: &[u8]) -> Body<'_> {
    let text = || String::from_utf8_lossy(bytes).into_owned();
    match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(json) if !json.get().contains('\n') => Body::Json(json),
        Ok(_) | Err(_) => Body::Text(text()),
    }
}

fn attempt(attempt: &Attempt) -> AttemptLine<'_> {
    let (answer, fault) = match &attempt.outcome {
        Outcome::Answered(answer) => (Some(answer), None),
        Outcome::Failed(fault) => (None, Some(fault.as_str())),
    };
    let excerpt = answer.filter(|answer| !answer.body.is_empty());
    AttemptLine {
        number: attempt.number,
        started_at: attempt.started,
        duration_ms: attempt.duration_ms,
        status: answer.map(|answer| answer.status),
        fault,
        refused: attempt.refused,
        excerpt: excerpt.map(|answer| String::from_utf8_lossy(&answer.body).into_owned()),
    }
}
