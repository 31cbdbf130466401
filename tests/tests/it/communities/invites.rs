//! Invites.

use serde_json::{Value, json};

use super::{answer, call, is_refused, names, request};
use crate::support::community::{ALL_EVENTS, Community};
use crate::support::spaces::{LIST_MEMBERS, let_in, open_forum};
use crate::support::{Account, TestServer};

const LIST: &str = "dev.loggia.community.listInvites";

async fn invite(owner: &Account<'_>, space: &str, guest: &Account<'_>, write: bool) -> Value {
    let input = json!({ "space": space, "did": guest.did, "write": write, "message": "do come" });
    let made = call(owner, "createInvite", input).await.output();
    made["invite"].clone()
}

fn id_of(invite: &Value) -> &str {
    invite["id"].as_str().expect("an id")
}

#[tokio::test]
async fn who_is_invited_becomes_a_member_on_the_terms_of_the_invite() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let space = open_forum(&alice).await;
    let mut receiver = Community::start().await;
    let (_, secret) = receiver.hook(&alice, &ALL_EVENTS).await;
    let made = invite(&alice, &space, &bob, true).await;
    let expected = json!({
        "id": made["id"],
        "space": space,
        "did": bob.did,
        "read": true,
        "write": true,
        "message": "do come",
        "status": "pending",
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    });
    assert_eq!(made, expected);
    // Once more with other terms: it is the same invite.
    let again = invite(&alice, &space, &bob, false).await;
    assert_eq!(
        (&again["id"], &again["write"]),
        (&made["id"], &json!(false))
    );
    let theirs = bob.query(LIST, &[]).await.output();
    assert_eq!(theirs, json!({ "invites": [again] }));
    is_refused(
        &answer(&carol, "acceptInvite", id_of(&made)).await,
        "NotFound",
    );
    is_refused(
        &answer(&alice, "acceptInvite", id_of(&made)).await,
        "NotFound",
    );
    let accepted = answer(&bob, "acceptInvite", id_of(&made)).await.output();
    assert_eq!(accepted["invite"]["status"], "accepted");
    let listed = alice.query(LIST_MEMBERS, &[("space", &space)]).await;
    let member = json!({ "did": bob.did, "read": true, "write": false });
    listed.is(200, json!({ "members": [member] }));
    let told = receiver.events(&secret, 1).await;
    assert_eq!(names(&told), ["space_membership.created"]);
    let actor = &told[0]["data"]["actor"];
    assert_eq!(
        (&actor["id"], &actor["roleType"]),
        (&json!(bob.did), &json!("member"))
    );
    is_refused(
        &answer(&bob, "acceptInvite", id_of(&made)).await,
        "NotPending",
    );
    receiver.has_no_more();
}

#[tokio::test]
async fn invites_are_declined_and_taken_back() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let made = invite(&alice, &space, &bob, true).await;
    is_refused(
        &answer(&alice, "declineInvite", id_of(&made)).await,
        "NotFound",
    );
    is_refused(
        &answer(&bob, "revokeInvite", id_of(&made)).await,
        "NotFound",
    );
    let declined = answer(&bob, "declineInvite", id_of(&made)).await.output();
    assert_eq!(declined["invite"]["status"], "declined");
    let made = invite(&alice, &space, &bob, true).await;
    let revoked = answer(&alice, "revokeInvite", id_of(&made)).await.output();
    assert_eq!(revoked["invite"]["status"], "withdrawn");
    is_refused(
        &answer(&bob, "acceptInvite", id_of(&made)).await,
        "NotPending",
    );
    let at = [("space", space.as_str()), ("status", "withdrawn")];
    let listed = alice.query(LIST, &at).await.output();
    assert_eq!(listed["invites"][0]["id"], made["id"]);
    assert_eq!(listed["invites"].as_array().map(Vec::len), Some(1));
    is_refused(&bob.query(LIST, &at).await, "NotSpaceOwner");
}

#[tokio::test]
async fn one_thing_waits_at_a_time_and_members_need_no_invite() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let space = open_forum(&alice).await;
    let input = |who: &Account<'_>| json!({ "space": space, "did": who.did });
    is_refused(
        &call(&bob, "createInvite", input(&carol)).await,
        "NotSpaceOwner",
    );
    is_refused(
        &call(&alice, "createInvite", input(&alice)).await,
        "AlreadyMember",
    );
    request(&bob, &space).await;
    let refused = call(&alice, "createInvite", input(&bob)).await;
    is_refused(&refused, "JoinRequestPending");
    let made = invite(&alice, &space, &carol, true).await;
    let refused = call(&carol, "requestToJoin", json!({ "space": space })).await;
    is_refused(&refused, "InvitePending");
    // What the owner does for themselves ends what waits: an old invite gives nothing back later.
    let_in(&alice, &space, &carol.did, (true, false)).await;
    is_refused(
        &answer(&carol, "acceptInvite", id_of(&made)).await,
        "NotPending",
    );
    let refused = call(&alice, "createInvite", input(&carol)).await;
    is_refused(&refused, "AlreadyMember");
}
