//! Our events beside the samples of the page that receivers were written by.

use std::path::Path;

use loggia_api::dev::loggia::community::defs::Notification;
use serde_json::{Value, json};

use super::{answer, request};
use crate::support::TestServer;
use crate::support::community::{ALL_EVENTS, Community};
use crate::support::spaces::open_forum;

/// What ours has beyond: the protocol's own name of a space.
const OURS: [&str; 2] = ["uri", "spaceUri"];

/// What a value is.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Fields that both have are of one kind, unless one of them is null; none is missing or new.
fn compare(at: &str, sample: &Value, ours: &Value, differences: &mut Vec<String>) {
    if let (Value::Object(sample), Value::Object(ours)) = (sample, ours) {
        for (name, value) in sample {
            match ours.get(name) {
                Some(found) => compare(&format!("{at}/{name}"), value, found, differences),
                None => differences.push(format!("{at}/{name} is missing")),
            }
        }
        let new = ours.keys().filter(|name| !sample.contains_key(*name));
        let new = new.filter(|name| !OURS.contains(&name.as_str()));
        differences.extend(new.map(|name| format!("{at}/{name} is new")));
        return;
    }
    let (theirs, found) = (kind(sample), kind(ours));
    if theirs != found && theirs != "null" && found != "null" {
        differences.push(format!("{at} is {found} in the place of {theirs}"));
    }
}

/// The samples of a page: objects that begin a line with `{`. Their last braces may be missing.
fn samples(page: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for part in page.split("\n{\n").skip(1) {
        let end = part.find("\n\n").unwrap_or(part.len());
        let text = format!("{{{}", &part[..end]);
        let closed = (0..3).find_map(|missing| {
            let closed = format!("{text}{}", "}".repeat(missing));
            serde_json::from_str::<Value>(&closed).ok()
        });
        found.push(closed.unwrap_or_else(|| panic!("no JSON: {text}")));
    }
    found
}

/// What we say when a space is opened, somebody asks to join and is accepted.
async fn ours() -> [Value; 3] {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let mut receiver = Community::start().await;
    let (_, secret) = receiver.hook(&alice, &ALL_EVENTS).await;
    let space = open_forum(&alice).await;
    let created = receiver.next().await.verified(&secret);
    let id = request(&bob, &space).await;
    receiver.next().await.verified(&secret);
    answer(&alice, "acceptJoinRequest", &id).await.output();
    let mut both = receiver.events(&secret, 2).await;
    let (joined, accepted) = (both.remove(1), both.remove(0));
    [created, joined, accepted]
}

#[tokio::test]
async fn our_events_have_the_shape_of_the_samples() {
    let page =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/seeds/004_789bfaa38d7c5b0c.txt");
    let ours = ours().await;
    for event in &ours {
        let read: Notification =
            serde_json::from_value(event.clone()).expect("as the lexicon says");
        assert_eq!(serde_json::to_value(&read).expect("JSON"), *event);
    }
    let samples = match std::fs::read_to_string(&page) {
        Ok(page) => samples(&page),
        Err(_) => {
            println!("no seeds beside the workspace: shapes of our own stand in for them");
            stand_ins()
        }
    };
    assert_eq!(samples.len(), ours.len());
    let mut differences = Vec::new();
    for (sample, event) in samples.iter().zip(&ours) {
        let name = sample["data"]["name"].as_str().expect("a name");
        assert_eq!(event["data"]["name"], name);
        compare(name, sample, event, &mut differences);
        for field in ["verb", "verbAction", "noun", "shortDescription"] {
            assert_eq!(event["data"][field], sample["data"][field], "{name}");
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The envelope in our words, with what differs between events.
fn envelope(name: &str, words: [&str; 4], object: Value, target: &[&str]) -> Value {
    let [verb, action, noun, description] = words;
    let common = [
        "organizationId",
        "networkId",
        "groupId",
        "spaceId",
        "collectionId",
    ];
    let target = common.iter().chain(target);
    let target: Value = target
        .map(|name| ((*name).to_owned(), json!("x")))
        .collect();
    json!({
        "networkId": "x", "context": "NETWORK", "entityId": "x", "currentSettings": [],
        "type": "SUBSCRIPTION",
        "data": {
            "time": "x", "verb": verb, "verbAction": action,
            "actor": { "id": "x", "roleId": "x", "roleType": "x", "sessionInfo": [null] },
            "object": object, "target": target, "id": "x", "name": name, "noun": noun,
            "shortDescription": description,
        },
    })
}

/// The same shapes in our words.
fn stand_ins() -> Vec<Value> {
    let space = json!({
        "id": "x", "networkId": "x", "groupId": "x", "customOrderingIndexInGroup": 1,
        "createdById": "x", "layout": null, "createdAt": "x", "updatedAt": "x", "deletedAt": null,
        "name": "x", "slug": "x", "status": "created", "description": null, "seoDetail": [],
        "imageId": "x", "bannerId": null, "membersCount": 0, "private": false, "hidden": false,
        "inviteOnly": false, "nonAdminsCanInvite": false, "whoCanPost": null, "whoCanReply": null,
        "whoCanReact": null, "spaceRoles": [], "networkRoles": [],
    });
    let membership = json!({
        "networkId": "x", "spaceId": "x", "memberId": "x", "joinedAt": "x", "removedAt": null,
        "roleId": "x", "status": "joined", "id": "x", "createdAt": "x", "updatedAt": "x",
    });
    let request = json!({
        "id": "x", "networkId": "x", "spaceId": "x", "status": "APPROVED", "memberId": "x",
        "updatedById": "x", "createdAt": "x", "updatedAt": "x",
    });
    let created = ["CREATED", "ADDED", "SPACE", "Create Space"];
    let joined = [
        "CREATED",
        "ADDED",
        "SPACE_MEMBERSHIP",
        "Add Member To Space",
    ];
    let accepted = [
        "ACCEPTED",
        "ACCEPTED",
        "SPACE_JOIN_REQUEST",
        "Accept Space Join Request",
    ];
    let both = ["memberId", "requestToJoinId"];
    vec![
        envelope("space.created", created, space, &[]),
        envelope("space_membership.created", joined, membership, &both[..1]),
        envelope("space_join_request.accepted", accepted, request, &both),
    ]
}
