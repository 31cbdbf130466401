//! `dev.loggia.community.*`: who joins spaces, and who is told what happens in them.

mod checklist;
mod closing;
mod delivering;
mod invites;
mod joining;
mod samples;
mod webhooks;

use serde_json::{Value, json};

use crate::support::{Account, Answer};

/// Calls `dev.loggia.community.METHOD`.
async fn call(account: &Account<'_>, method: &str, input: Value) -> Answer {
    let nsid = format!("dev.loggia.community.{method}");
    account.procedure(&nsid, &input).await
}

/// The same about the request or invite of this id.
async fn answer(account: &Account<'_>, method: &str, id: &str) -> Answer {
    call(account, method, json!({ "id": id })).await
}

/// Asks to join a space; the id of the request.
async fn request(account: &Account<'_>, space: &str) -> String {
    let made = call(account, "requestToJoin", json!({ "space": space })).await;
    let made = made.output();
    made["request"]["id"].as_str().expect("an id").to_owned()
}

/// Holds that a call was refused with this error.
#[track_caller]
fn is_refused(answer: &Answer, error: &str) {
    assert_eq!(answer.body["error"], error, "{answer:#?}");
    assert!((400..500).contains(&answer.status), "{answer:#?}");
}

/// The names of events.
fn names(events: &[Value]) -> Vec<&str> {
    let names = events.iter().map(|event| event["data"]["name"].as_str());
    names.map(|name| name.expect("a name")).collect()
}
