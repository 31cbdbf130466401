//! Accounts whose webhooks and posts a Jetstream tells of.

use serde_json::Value;

use super::Receiver;
use super::jetstream::Jetstream;
use super::pds::{PdsAccount, Written};
use super::webhook_world::{POST, WEBHOOK, post, rkey, told, webhook};

/// The webhook of an account that watches its own posts: written to the PDS, and told of by the stream.
pub async fn hook(account: &PdsAccount, url: &str, stream: &Jetstream) -> (Written, Value) {
    let record = webhook(&format!("at://{}/{POST}", account.did), url);
    let hook = account.create(WEBHOOK, &record).await;
    tell(stream, account, &hook, &record);
    (hook, record)
}

pub fn tell(stream: &Jetstream, account: &PdsAccount, hook: &Written, record: &Value) {
    let path = format!("{WEBHOOK}/{}", rkey(hook));
    stream.commit(&account.did, "create", &path, Some(record.clone()));
}

/// The account posts something with this number.
pub fn posts(stream: &Jetstream, account: &PdsAccount, number: u64) {
    let path = format!("{POST}/post{number}");
    stream.commit(
        &account.did,
        "create",
        &path,
        Some(post(&number.to_string())),
    );
}

/// The numbers of so many posts that the receiver is told of, sorted.
pub async fn numbers(receiver: &mut Receiver, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        let body = told(&receiver.next().await, None);
        let text = body["record"]["text"].as_str().expect("a text");
        numbers.push(text.parse().expect("a number"));
    }
    numbers.sort_unstable();
    numbers
}
