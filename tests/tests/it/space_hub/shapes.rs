//! Two shapes at one NSID: every example that was collected of what is sent there.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::notices::{REGISTER, WRITE};

/// The examples of `notification_shapes.json` where they are at hand, and otherwise our own, which
/// cover the same ground.
fn examples() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    match std::fs::read(root.join("notification_shapes.json")) {
        Ok(text) => serde_json::from_slice(&text).expect("JSON"),
        Err(_) => own_examples(),
    }
}

fn own_examples() -> Value {
    let (space, old) = (
        "at://did:example:space/space/com.example.forum/main",
        "ats://did:plc:abc123/com.example.forum/main",
    );
    let (service, url) = ("did:web:a.example", "https://a.example/x");
    let (rev, later) = ("3l2tkbx7225co", "3l2tkbx7a3k2s");
    let hash = json!({ "$bytes": "5aAKqZkayKXuMQmETYSlVYO9IFcq0//NQnkvPDaxg60" });
    let (repo, post) = ("did:example:alice", "com.example.forum.post");
    json!({
        "registerNotify": [
            { "classify": "protocol", "body": { "space": space, "service": "did:plc:syncer" } },
            { "classify": "draft-endpoint", "body": { "space": space, "endpoint": url } },
            { "classify": "webhook", "body": { "space": old, "serviceDid": service, "endpoint": url } },
            { "classify": "reject", "body": { "space": space, "service": service, "serviceDid": service, "endpoint": url } },
            { "classify": "reject", "body": { "space": space, "serviceDid": service } },
            { "classify": "reject", "body": { "space": space } },
        ],
        "notifyWrite": [
            { "classify": "protocol", "body": { "space": space, "repo": repo, "rev": rev, "hash": hash } },
            { "classify": "protocol", "body": { "space": space, "repo": repo, "repoRev": rev, "hash": hash } },
            { "classify": "protocol-lenient", "body": { "space": space, "repo": repo, "rev": rev } },
            { "classify": "record-notice", "body": { "space": old, "did": repo, "collection": post, "rkey": "x" } },
            { "classify": "reject", "body": { "space": space, "repo": repo, "rev": rev, "hash": hash, "did": repo, "collection": post, "rkey": "x" } },
            { "classify": "reject", "body": { "space": space, "repo": repo, "rev": rev, "repoRev": later, "hash": hash } },
        ],
    })
}

/// The draft's shape, which takes the word of the caller for where deliveries go, and news without a
/// hash are taken where the settings say so.
#[tokio::test]
async fn every_collected_example_is_taken_for_what_it_is() {
    for drafts in [false, true] {
        takes_examples(drafts).await;
    }
}

/// What an account that has nothing to do with the space is told: in either shape that the space is
/// none of theirs, and otherwise that the body has no shape.
async fn takes_examples(drafts: bool) {
    let server = TestServer::start_with(|config| config.space_drafts = drafts).await;
    let alice = server.account("alice");
    let examples = examples();
    let methods = [("registerNotify", REGISTER), ("notifyWrite", WRITE)];
    let mut seen = 0;
    for (name, nsid) in methods {
        for example in examples[name].as_array().expect("a list") {
            let answer = alice.procedure(nsid, &example["body"]).await;
            let told = (
                answer.status,
                answer.body["error"].as_str().unwrap_or_default(),
            );
            let expected = match (name, example["classify"].as_str().expect("a class")) {
                (_, "reject") => (400, "InvalidRequest"),
                (_, "draft-endpoint" | "protocol-lenient") if !drafts => (400, "InvalidRequest"),
                ("notifyWrite", "protocol" | "protocol-lenient") => (400, "SpaceNotFound"),
                (_, _) => (403, "Forbidden"),
            };
            assert_eq!(told, expected, "{example:#}\n{answer:#?}");
            seen += 1;
        }
    }
    assert!(seen >= 12, "{seen} examples");
}
