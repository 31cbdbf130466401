//! Deliveries as lines for people, and as JSON for programs.

use loggia_delivery::{Attempt, Outcome, State};
use loggia_server::operator::{
    DeliveryDetail, EndpointStats, LoggedAttempt, LoggedDelivery, Redelivery, RedeliveryEnd,
};
use serde_json::{Value, json};

use crate::output::counted;

/// A line that says where a delivery stands.
pub fn delivery(logged: &LoggedDelivery) -> String {
    let mut line = format!("{} {:<9}", logged.id, logged.state.name());
    line.push_str(&format!(
        " {:.0} {}, {} of {}",
        logged.created_at,
        counted(logged.attempts.into(), "attempt", "attempts"),
        logged.kind,
        logged.subject.escape_debug(),
    ));
    match &logged.state {
        State::Pending { due, .. } => line.push_str(&format!(", next at {due:.0}")),
        State::Abandoned { reason, .. } => line.push_str(&format!(": {}", reason.as_str())),
        State::Cancelled { reason, .. } => line.push_str(&format!(": {}", reason.as_str())),
        _ => {}
    }
    line
}

/// The same for programs, in the shape of the lexicon.
pub fn delivery_json(logged: &LoggedDelivery) -> Value {
    let (reason, due, ended) = match &logged.state {
        State::Pending { due, .. } => (None, Some(*due), None),
        State::Leased { .. } => (None, None, None),
        State::Delivered { at, .. } | State::Expired { at, .. } => (None, None, Some(*at)),
        State::Abandoned { at, reason, .. } => (Some(reason.as_str()), None, Some(*at)),
        State::Cancelled { at, reason, .. } => (Some(reason.as_str()), None, Some(*at)),
    };
    let mut shown = json!({
        "notification": logged.id.notification.to_string(),
        "endpoint": logged.id.endpoint.to_string(),
        "kind": logged.kind.as_str(),
        "subject": logged.subject,
        "state": logged.state.name(),
        "attempts": logged.attempts,
        "createdAt": format!("{:.3}", logged.created_at),
        "deadline": format!("{:.3}", logged.deadline),
    });
    put(&mut shown, "reason", reason);
    put(&mut shown, "due", due.map(|at| format!("{at:.3}")));
    put(&mut shown, "endedAt", ended.map(|at| format!("{at:.3}")));
    shown
}

/// A text whose control characters, which a terminal may obey, are written as JSON writes them.
fn harmless(text: &str) -> String {
    text.chars().fold(String::new(), |mut harmless, c| {
        match c.is_control() {
            true => harmless.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => harmless.push(c),
        }
        harmless
    })
}

/// A delivery, its body and its attempts.
pub fn detail(detail: &DeliveryDetail) -> String {
    let mut lines = vec![delivery(&detail.delivery)];
    lines.push(format!("deadline {:.0}", detail.delivery.deadline));
    let body = String::from_utf8_lossy(&detail.notification.body);
    lines.push(format!("body {}", harmless(&body)));
    for attempt in &detail.attempts {
        lines.push(format!(
            "attempt {} at {:.3}: {}",
            attempt.number,
            attempt.started,
            went(attempt)
        ));
        if let Some(excerpt) = excerpt(attempt) {
            lines.push(format!("    {}", excerpt.escape_debug()));
        }
    }
    lines.join("\n")
}

/// The same for programs.
pub fn detail_json(detail: &DeliveryDetail) -> Value {
    let body = &detail.notification.body;
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    let attempts: Vec<_> = detail.attempts.iter().map(one_json).collect();
    json!({
        "delivery": delivery_json(&detail.delivery),
        "body": serde_json::from_slice(body).unwrap_or_else(|_| text()),
        "attempts": attempts,
    })
}

/// A line that says how an attempt went.
pub fn attempt(logged: &LoggedAttempt) -> String {
    format!(
        "{:.3} {} attempt {}: {}, {} {}",
        logged.attempt.started,
        logged.delivery,
        logged.attempt.number,
        went(&logged.attempt),
        logged.kind,
        logged.state,
    )
}

/// The same for programs.
pub fn attempt_json(logged: &LoggedAttempt) -> Value {
    json!({
        "seq": logged.ended,
        "notification": logged.delivery.notification.to_string(),
        "endpoint": logged.delivery.endpoint.to_string(),
        "kind": logged.kind.as_str(),
        "subject": logged.subject,
        "state": logged.state,
        "attempt": one_json(&logged.attempt),
    })
}

/// How far a replay has come.
pub fn redelivery(redelivery: &Redelivery) -> String {
    let of = counted(redelivery.matched, "delivery", "deliveries");
    let so_far = format!("{} of {of}", redelivery.replayed);
    match redelivery.end {
        None => format!("running: {so_far} so far"),
        Some((at, RedeliveryEnd::Done)) => format!("done at {at:.0}: {so_far}"),
        Some((at, RedeliveryEnd::Disabled)) => {
            format!("stopped at {at:.0}, the endpoint is disabled: {so_far}")
        }
    }
}

/// How an endpoint has been doing, a line for each number.
pub fn stats(stats: &EndpointStats) -> String {
    let mut lines: Vec<_> = stats
        .deliveries
        .iter()
        .map(|(state, count)| format!("{state:<9} {count}"))
        .collect();
    lines.push(format!("attempts  {}", stats.attempts));
    if let Some((p50, p99)) = stats.latency {
        lines.push(format!("latency   p50 {p50} ms, p99 {p99} ms"));
    }
    if let Some(error) = &stats.last_error {
        let what = match (error.status, error.fault) {
            (Some(status), _) => format!("HTTP {status}"),
            (None, Some(fault)) => format!("{} ({fault})", fault.as_str()),
            (None, None) => "unknown".to_owned(),
        };
        lines.push(format!("last error at {:.0}: {what}", error.at));
    }
    if !stats.complete {
        lines.push("there is more than is counted here".to_owned());
    }
    lines.join("\n")
}

/// The same for programs.
pub fn stats_json(stats: &EndpointStats) -> Value {
    let counts: serde_json::Map<_, _> = stats
        .deliveries
        .iter()
        .map(|(state, count)| (state.clone(), json!(count)))
        .collect();
    let mut shown = json!({
        "complete": stats.complete,
        "deliveries": counts,
        "attempts": stats.attempts,
    });
    let latency = stats.latency;
    put(
        &mut shown,
        "latency",
        latency.map(|(p50, p99)| json!({ "p50": p50, "p99": p99 })),
    );
    let error = stats.last_error.as_ref().map(|error| {
        let mut shown = json!({ "at": format!("{:.3}", error.at) });
        put(&mut shown, "status", error.status);
        put(&mut shown, "fault", error.fault.map(|fault| fault.as_str()));
        shown
    });
    put(&mut shown, "lastError", error);
    shown
}

fn one_json(attempt: &Attempt) -> Value {
    let mut shown = json!({
        "number": attempt.number,
        "startedAt": format!("{:.3}", attempt.started),
        "durationMs": attempt.duration_ms,
    });
    match &attempt.outcome {
        Outcome::Answered(answer) => {
            put(&mut shown, "status", Some(answer.status));
            put(&mut shown, "retryAfter", answer.retry_after.clone());
        }
        Outcome::Failed(fault) => put(&mut shown, "fault", Some(fault.as_str())),
    }
    put(&mut shown, "refused", attempt.refused.then_some(true));
    put(&mut shown, "excerpt", excerpt(attempt));
    shown
}

fn went(attempt: &Attempt) -> String {
    match &attempt.outcome {
        Outcome::Answered(answer) => {
            let refused = if attempt.refused { " (refused)" } else { "" };
            format!(
                "HTTP {}{refused} in {} ms",
                answer.status, attempt.duration_ms
            )
        }
        Outcome::Failed(fault) => {
            let code = fault.as_str();
            format!("{code} ({fault}) after {} ms", attempt.duration_ms)
        }
    }
}

fn excerpt(attempt: &Attempt) -> Option<String> {
    match &attempt.outcome {
        Outcome::Answered(answer) if !answer.body.is_empty() => {
            Some(String::from_utf8_lossy(&answer.body).into_owned())
        }
        _ => None,
    }
}

/// A field that is there only if it has a value.
fn put(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[name] = value.into();
    }
}
