//! What receivers that were written for Bettermode rely on, line by line.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{answer, call, is_refused, names, request};
use crate::support::community::{ALL_EVENTS, Community, Manner, UPDATE_WEBHOOK};
use crate::support::notices::space_id_of;
use crate::support::spaces::{DELETE_SPACE, REMOVE_MEMBER, UPDATE_SPACE, let_in, open_forum, rule};
use crate::support::{Account, TestServer};

#[tokio::test]
async fn saving_a_url_sends_a_test_with_a_random_challenge_and_only_the_right_echo_saves_it() {
    let server = TestServer::start_with(|config| {
        config.attempt_timeout = Duration::from_millis(300);
    })
    .await;
    let alice = server.account("alice");
    let mut receiver = Community::start().await;
    let wrong = |status: &str| {
        let data = json!({ "challenge": "0".repeat(40) });
        Manner::Says(json!({ "type": "TEST", "status": status, "data": data }))
    };
    let manners = [
        wrong("SUCCEEDED"),
        wrong("FAILED"),
        Manner::Status(201),
        Manner::Status(404),
        Manner::Status(500),
        Manner::Babbles,
        Manner::Says(json!({ "type": "SUBSCRIPTION", "status": "SUCCEEDED" })),
        Manner::Hangs,
    ];
    let mut challenges = HashSet::new();
    for manner in manners {
        receiver.answers([manner.clone()]);
        let refused = receiver.ask(&alice, &["space.created"]).await;
        is_refused(&refused, "ChallengeFailed");
        let test = receiver.next().await.json();
        let challenge = test["data"]["challenge"].as_str().expect("a text");
        let expected = json!({
            "networkId": alice.did,
            "context": "NETWORK",
            "currentSettings": [],
            "type": "TEST",
            "data": { "challenge": challenge },
        });
        assert_eq!(test, expected);
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(challenge.len() == 40 && challenge.bytes().all(is_hex));
        assert!(challenges.insert(challenge.to_owned()), "{manner:?}");
        let listed = alice
            .query("dev.loggia.community.listWebhooks", &[])
            .await
            .output();
        assert_eq!(listed, json!({ "webhooks": [] }), "{manner:?}");
    }
    let (id, _) = receiver.hook(&alice, &["space.created"]).await;
    let listed = alice
        .query("dev.loggia.community.listWebhooks", &[])
        .await
        .output();
    assert_eq!(listed["webhooks"][0]["id"], json!(id));
    assert_eq!(listed["webhooks"][0]["url"], json!(receiver.url));
    receiver.has_no_more();
}

#[tokio::test]
async fn creating_updating_and_deleting_a_space_sends_its_three_events() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let mut receiver = Community::start().await;
    let (_, secret) = receiver.hook(&alice, &ALL_EVENTS[..3]).await;
    let space = open_forum(&alice).await;
    let created = receiver.next().await.verified(&secret);
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let input = json!({ "space": space, "readPolicy": rule("publicPolicy") });
    assert_eq!(alice.procedure(UPDATE_SPACE, &input).await.status, 200);
    let updated = receiver.next().await.verified(&secret);
    let input = json!({ "space": space });
    assert_eq!(alice.procedure(DELETE_SPACE, &input).await.status, 200);
    let deleted = receiver.next().await.verified(&secret);

    let all = [created, updated, deleted];
    let said = all.each_ref().map(|event| {
        is_about(event, &alice, &space);
        let of = |name: &str| event["data"][name].clone();
        [
            of("name"),
            of("verb"),
            of("verbAction"),
            of("shortDescription"),
        ]
    });
    let expected = [
        ["space.created", "CREATED", "ADDED", "Create Space"],
        ["space.updated", "UPDATED", "UPDATED", "Update Space"],
        ["space.deleted", "DELETED", "REMOVED", "Delete Space"],
    ];
    assert_eq!(said, expected.map(|line| line.map(Value::from)));
    let objects = all.each_ref().map(|event| {
        let object = &event["data"]["object"];
        let is_gone = !object["deletedAt"].is_null();
        (
            object["private"].clone(),
            object["membersCount"].clone(),
            is_gone,
        )
    });
    let expected = [(true, 0, false), (false, 1, false), (false, 1, true)];
    assert_eq!(objects, expected.map(|(a, b, c)| (json!(a), json!(b), c)));
    assert_eq!(all[1]["data"]["oldObject"]["private"], true);
    assert_eq!(all[0]["data"].get("oldObject"), None);
    let ids: HashSet<_> = all
        .iter()
        .map(|event| event["data"]["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 3);
    receiver.has_no_more();
}

/// Holds that an event is about a space, and was caused by its owner.
#[track_caller]
fn is_about(event: &Value, owner: &Account<'_>, space: &str) {
    for name in ["networkId", "entityId"] {
        assert_eq!(event[name], json!(owner.did));
    }
    for (name, value) in [("type", "SUBSCRIPTION"), ("context", "NETWORK")] {
        assert_eq!(event[name], value);
    }
    let data = &event["data"];
    assert_eq!(data["noun"], "SPACE");
    let actor = json!({
        "id": owner.did, "roleId": "admin", "roleType": "admin", "sessionInfo": [],
    });
    assert_eq!(data["actor"], actor);
    let target = json!({
        "organizationId": owner.did,
        "networkId": owner.did,
        "groupId": "com.example.forum",
        "spaceId": space_id_of(space),
        "spaceUri": space,
        "collectionId": "com.example.forum",
    });
    assert_eq!(data["target"], target);
    assert_eq!(data["object"]["id"], json!(space_id_of(space)));
    assert_eq!(data["object"]["uri"], json!(space));
}

#[tokio::test]
async fn joining_and_leaving_are_told_whoever_does_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let mut receiver = Community::start().await;
    let (_, secret) = receiver.hook(&alice, &ALL_EVENTS).await;
    let mut tell = async |actor: &Account<'_>, name: &str| {
        let event = receiver.next().await.verified(&secret);
        let data = &event["data"];
        let told = [
            &data["name"],
            &data["actor"]["id"],
            &data["target"]["memberId"],
        ];
        assert_eq!(told, [&json!(name), &json!(actor.did), &json!(bob.did)]);
        data["object"].clone()
    };
    let_in(&alice, &space, &bob.did, (true, false)).await;
    let joined = tell(&alice, "space_membership.created").await;
    assert_eq!(
        (&joined["status"], &joined["roleId"]),
        (&json!("joined"), &json!("reader"))
    );
    assert_eq!(
        (&joined["memberId"], &joined["removedAt"]),
        (&json!(bob.did), &Value::Null)
    );
    // What changes is no new membership.
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let left = call(&bob, "leave", json!({ "space": space })).await;
    left.is(200, json!({}));
    let left = tell(&bob, "space_membership.deleted").await;
    assert_eq!(
        (&left["id"], &left["status"]),
        (&joined["id"], &json!("removed"))
    );
    assert_eq!(left["joinedAt"], joined["joinedAt"]);
    is_refused(
        &call(&bob, "leave", json!({ "space": space })).await,
        "NotMember",
    );

    let_in(&alice, &space, &bob.did, (true, true)).await;
    let again = tell(&alice, "space_membership.created").await;
    assert_ne!(again["id"], joined["id"]);
    let input = json!({ "space": space, "did": bob.did });
    for _ in 0..2 {
        assert_eq!(alice.procedure(REMOVE_MEMBER, &input).await.status, 200);
    }
    tell(&alice, "space_membership.deleted").await;

    let_in(&alice, &space, &bob.did, (true, true)).await;
    tell(&alice, "space_membership.created").await;
    let input = json!({ "space": space });
    assert_eq!(alice.procedure(DELETE_SPACE, &input).await.status, 200);
    let last = receiver.events(&secret, 2).await;
    assert_eq!(names(&last), ["space_membership.deleted", "space.deleted"]);
    assert_eq!(last[0]["data"]["target"]["memberId"], json!(bob.did));
    receiver.has_no_more();
}

#[tokio::test]
async fn accepting_a_request_sends_two_posts_with_different_ids_and_rejecting_it_one() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let space = open_forum(&alice).await;
    let mut receiver = Community::start().await;
    let (_, secret) = receiver.hook(&alice, &ALL_EVENTS).await;
    let [bobs, carols] = [request(&bob, &space).await, request(&carol, &space).await];
    let asked = receiver.events(&secret, 2).await;
    assert_eq!(names(&asked), ["space_join_request.created"; 2]);
    let object = &asked[0]["data"]["object"];
    assert_eq!(
        (&object["id"], &object["status"]),
        (&json!(bobs), &json!("PENDING"))
    );
    assert_eq!(
        (&object["memberId"], &object["updatedById"]),
        (&json!(bob.did), &Value::Null)
    );
    let actor = &asked[0]["data"]["actor"];
    assert_eq!(
        (&actor["id"], &actor["roleType"]),
        (&json!(bob.did), &json!("member"))
    );

    answer(&alice, "acceptJoinRequest", &bobs).await.output();
    let accepted = receiver.events(&secret, 2).await;
    assert_eq!(
        names(&accepted),
        ["space_join_request.accepted", "space_membership.created"]
    );
    let [request, membership] = [&accepted[0]["data"], &accepted[1]["data"]];
    assert_ne!(request["id"], membership["id"]);
    assert_eq!(
        (&request["verb"], &request["verbAction"]),
        (&json!("ACCEPTED"), &json!("ACCEPTED"))
    );
    let object = &request["object"];
    assert_eq!(
        (&object["status"], &object["updatedById"]),
        (&json!("APPROVED"), &json!(alice.did))
    );
    assert_eq!(request["target"]["requestToJoinId"], json!(bobs));
    assert_eq!(membership["object"]["memberId"], json!(bob.did));
    assert_eq!(membership["actor"]["id"], json!(alice.did));

    answer(&alice, "rejectJoinRequest", &carols).await.output();
    let rejected = receiver.next().await.verified(&secret);
    assert_eq!(rejected["data"]["name"], "space_join_request.rejected");
    assert_eq!(rejected["data"]["object"]["status"], "REJECTED");
    assert_eq!(rejected["data"]["target"]["memberId"], json!(carol.did));
    let_in(&alice, &space, &carol.did, (true, true)).await;
    let next = receiver.next().await.verified(&secret);
    assert_eq!(next["data"]["name"], "space_membership.created");
    receiver.has_no_more();
}

#[tokio::test]
async fn unsubscribed_names_are_not_sent_and_a_changed_list_takes_effect() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let mut receiver = Community::start().await;
    let (id, secret) = receiver.hook(&alice, &["space_membership.created"]).await;
    let space = open_forum(&alice).await;
    request(&bob, &space).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let told = receiver.next().await.verified(&secret);
    assert_eq!(told["data"]["name"], "space_membership.created");

    let input = json!({ "id": id, "events": ["space_membership.deleted", "space.updated"] });
    let changed = alice.procedure(UPDATE_WEBHOOK, &input).await.output();
    assert_eq!(changed["webhook"]["events"], input["events"]);
    let_in(&alice, &space, &carol.did, (true, true)).await;
    let input = json!({ "space": space, "did": carol.did });
    assert_eq!(alice.procedure(REMOVE_MEMBER, &input).await.status, 200);
    let told = receiver.next().await.verified(&secret);
    assert_eq!(told["data"]["name"], "space_membership.deleted");
    // Names that nobody has given are refused.
    for events in [json!(["space.moved"]), json!([])] {
        let input = json!({ "id": id, "events": events });
        let refused = alice.procedure(UPDATE_WEBHOOK, &input).await;
        is_refused(&refused, "InvalidRequest");
    }
    receiver.has_no_more();
}
