//! Requests to join.

use serde_json::{Value, json};

use super::{answer, call, is_refused, request};
use crate::support::exchange::App;
use crate::support::spaces::{
    DELETE_SPACE, LIST_MEMBERS, SpaceReader, ask, let_in, open_forum, write_post,
};
use crate::support::{Account, TestServer};

const LIST: &str = "dev.loggia.community.listJoinRequests";

/// The members of a space.
async fn members(owner: &Account<'_>, space: &str) -> Value {
    let listed = owner.query(LIST_MEMBERS, &[("space", space)]).await;
    listed.output()["members"].clone()
}

async fn statuses(account: &Account<'_>, params: &[(&str, &str)]) -> Vec<Value> {
    let listed = account.query(LIST, params).await.output();
    let requests = listed["requests"].as_array().expect("a list").clone();
    requests.iter().map(|one| one["status"].clone()).collect()
}

#[tokio::test]
async fn who_asks_and_is_accepted_reads_the_space() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    write_post(&alice, &space, "a", "x").await;
    let (_, refused) = ask(&server, &bob, &space).await;
    assert_eq!(refused.status, 400, "{refused:#?}");
    let input = json!({ "space": space, "message": "let me in" });
    let made = call(&bob, "requestToJoin", input.clone()).await.output();
    let made = &made["request"];
    let expected = json!({
        "id": made["id"],
        "space": space,
        "did": bob.did,
        "message": "let me in",
        "status": "pending",
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    });
    assert_eq!(made, &expected);
    is_refused(
        &call(&bob, "requestToJoin", input.clone()).await,
        "JoinRequestPending",
    );
    let id = made["id"].as_str().expect("an id");
    let (read, write) = (true, false);
    let accept = json!({ "id": id, "read": read, "write": write });
    let accepted = call(&alice, "acceptJoinRequest", accept).await.output();
    let accepted = &accepted["request"];
    assert_eq!(
        (&accepted["status"], &accepted["answeredBy"]),
        (&json!("accepted"), &json!(alice.did))
    );
    let member = json!({ "did": bob.did, "read": read, "write": write });
    assert_eq!(members(&alice, &space).await, json!([member]));
    SpaceReader::of(&server, &bob, &space).await;
    is_refused(&call(&bob, "requestToJoin", input).await, "AlreadyMember");
    for method in ["acceptJoinRequest", "rejectJoinRequest"] {
        is_refused(&answer(&alice, method, id).await, "NotPending");
    }
    is_refused(&answer(&bob, "cancelJoinRequest", id).await, "NotPending");
}

#[tokio::test]
async fn an_app_asks_for_its_user_as_far_as_its_scopes_go() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let mut app = App::new();
    app.get_nonce(&server).await;
    let method = "dev.loggia.community.requestToJoin";
    let audience = server.did.replace('%', "%25");
    let scope = format!("rpc:{method}?aud={audience}%23loggia");
    let subject = bob.token("dev.loggia.oauth.exchangeToken");
    let exchanged = app.exchange(&server, &subject, &[("scope", &scope)]).await;
    let exchanged = exchanged.output();
    let token = exchanged["access_token"].as_str().expect("a token");
    let input = json!({ "space": space });
    let asked = app.call(&server, token, (method, Some(&input)), &[]).await;
    assert_eq!(asked.output()["request"]["did"], json!(bob.did));
    let leave = "dev.loggia.community.leave";
    let refused = app.call(&server, token, (leave, Some(&input)), &[]).await;
    is_refused(&refused, "ScopeMissingError");
}

#[tokio::test]
async fn a_request_is_in_the_hands_of_two() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let space = open_forum(&alice).await;
    let id = request(&bob, &space).await;
    for account in [&bob, &carol] {
        for method in ["acceptJoinRequest", "rejectJoinRequest", "acceptInvite"] {
            is_refused(&answer(account, method, &id).await, "NotFound");
        }
    }
    for account in [&alice, &carol] {
        is_refused(&answer(account, "cancelJoinRequest", &id).await, "NotFound");
    }
    is_refused(&answer(&alice, "rejectJoinRequest", "7").await, "NotFound");
    let at = [("space", space.as_str())];
    is_refused(&carol.query(LIST, &at).await, "NotSpaceOwner");
    assert_eq!(statuses(&carol, &[]).await, Vec::<Value>::new());
    assert_eq!(statuses(&bob, &[]).await, ["pending"]);
    let cancelled = answer(&bob, "cancelJoinRequest", &id).await.output();
    assert_eq!(cancelled["request"]["status"], "withdrawn");
    is_refused(
        &answer(&alice, "acceptJoinRequest", &id).await,
        "NotPending",
    );
    assert_eq!(members(&alice, &space).await, json!([]));

    let again = request(&bob, &space).await;
    let rejected = answer(&alice, "rejectJoinRequest", &again).await.output();
    assert_eq!(rejected["request"]["status"], "declined");
    assert_eq!(statuses(&alice, &at).await, ["declined", "withdrawn"]);
    let declined = [at[0], ("status", "declined")];
    assert_eq!(statuses(&alice, &declined).await, ["declined"]);
    let first = alice.query(LIST, &[at[0], ("limit", "1")]).await.output();
    let cursor = first["cursor"].as_str().expect("there is more");
    let rest = alice
        .query(LIST, &[at[0], ("cursor", cursor)])
        .await
        .output();
    assert_eq!(
        (&rest["requests"][0]["id"], rest.get("cursor")),
        (&json!(id), None)
    );
    is_refused(
        &alice.query(LIST, &[("cursor", "7")]).await,
        "InvalidCursor",
    );
}

#[tokio::test]
async fn asking_has_limits_and_needs_a_space() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let nowhere = format!("at://{}/space/com.example.forum/nowhere", alice.did);
    let lost = call(&bob, "requestToJoin", json!({ "space": nowhere })).await;
    is_refused(&lost, "SpaceNotFound");
    let space = open_forum(&alice).await;
    let own = call(&alice, "requestToJoin", json!({ "space": space })).await;
    is_refused(&own, "AlreadyMember");
    for _ in 0..5 {
        let id = request(&bob, &space).await;
        answer(&bob, "cancelJoinRequest", &id).await.output();
    }
    let more = call(&bob, "requestToJoin", json!({ "space": space })).await;
    is_refused(&more, "TooManyRequests");
    let long = json!({ "space": space, "message": "x".repeat(1001) });
    is_refused(&call(&bob, "requestToJoin", long).await, "InvalidRequest");
    let nul = json!({ "space": space, "message": "a\0b" });
    is_refused(&call(&bob, "requestToJoin", nul).await, "InvalidRequest");
    let anonymous = server
        .procedure(
            "dev.loggia.community.requestToJoin",
            None,
            &json!({ "space": space }),
        )
        .await;
    assert_eq!(anonymous.status, 401, "{anonymous:#?}");
}

#[tokio::test]
async fn two_acceptances_at_once_make_one_member() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let id = request(&bob, &space).await;
    let accept = async || answer(&alice, "acceptJoinRequest", &id).await.status;
    let answers = tokio::join!(accept(), accept(), accept(), accept());
    let mut statuses = [answers.0, answers.1, answers.2, answers.3];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400]);
    assert_eq!(
        members(&alice, &space).await.as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn putting_who_has_asked_on_the_list_answers_them() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    request(&bob, &space).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    assert_eq!(statuses(&bob, &[]).await, ["accepted"]);
}

#[tokio::test]
async fn a_closed_space_takes_what_waits_with_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let id = request(&bob, &space).await;
    let closed = alice
        .procedure(DELETE_SPACE, &json!({ "space": space }))
        .await;
    assert_eq!(closed.status, 200, "{closed:#?}");
    is_refused(&answer(&alice, "acceptJoinRequest", &id).await, "NotFound");
    open_forum(&alice).await;
    is_refused(&answer(&alice, "acceptJoinRequest", &id).await, "NotFound");
    assert_eq!(statuses(&bob, &[]).await, Vec::<Value>::new());
}

#[tokio::test]
async fn who_leaves_loses_their_credentials() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    write_post(&alice, &space, "a", "x").await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let reader = SpaceReader::of(&server, &bob, &space).await;
    let read = async || {
        let at = [("space", space.as_str())];
        let commit = crate::support::spaces::COMMIT;
        reader.query(&server, commit, &alice.did, &at).await.body["error"].clone()
    };
    assert_eq!(read().await, Value::Null);
    call(&bob, "leave", json!({ "space": space }))
        .await
        .output();
    assert_eq!(read().await, "CredentialRevoked");
    assert_eq!(members(&alice, &space).await, json!([]));
}
