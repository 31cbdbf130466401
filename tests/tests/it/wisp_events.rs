//! Which events a webhook of Wisp is told of, and where it is not told.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::support::Receiver;
use crate::support::hooks::{Hooks, POST, WATCHED, body};
use crate::support::hostile::{Hostile, Hostility};

#[tokio::test]
async fn events_absent_or_empty_are_all_three_and_delete_only_deletes_and_enabled_false_none() {
    let mut hooks = Hooks::start(|_| {}).await;
    let mut all = [Receiver::start(), Receiver::start()];
    let (mut deletes, mut off) = (Receiver::start(), Receiver::start());
    for (url, more, state) in [
        (&all[0].url, json!({}), "active"),
        (&all[1].url, json!({ "events": [] }), "active"),
        (&deletes.url, json!({ "events": ["delete"] }), "active"),
        (&off.url, json!({ "enabled": false }), "disabled"),
    ] {
        let rkey = hooks.add(url, more).await;
        hooks.until(&rkey, state).await;
    }
    let (path, record) = (
        format!("{POST}/one"),
        json!({ "$type": POST, "text": "hi" }),
    );
    for (operation, record) in [
        ("create", Some(record.clone())),
        ("update", Some(record)),
        ("delete", None),
    ] {
        hooks.jetstream.commit(WATCHED, operation, &path, record);
    }
    for receiver in &mut all {
        let mut events = BTreeSet::new();
        for _ in 0..3 {
            events.insert(body(&receiver.next().await)["event"].to_string());
        }
        let expected = ["\"create\"", "\"delete\"", "\"update\""];
        assert_eq!(events, expected.map(str::to_owned).into());
        receiver.has_no_more();
    }
    assert_eq!(body(&deletes.next().await)["event"], "delete");
    deletes.has_no_more();
    off.has_no_more();
}

#[tokio::test]
async fn a_redirect_to_a_private_host_is_not_followed() {
    let mut hooks = Hooks::start(|config| config.wisp_attempts = Some(1)).await;
    let elsewhere = Hostile::start(Hostility::Redirects).await;
    let rkey = hooks.add(&elsewhere.url, json!({})).await;
    hooks.until(&rkey, "active").await;
    hooks.post("one");
    let status = hooks.outcome().await["status"].clone();
    assert_eq!(status, "failed");
    assert_eq!(elsewhere.trapped.load(Ordering::Relaxed), 0);
}
