//! `place.wisp.v2.secret.*`, as programs call it.

use serde_json::{Value, json};

use crate::support::TestServer;

const CREATE: &str = "place.wisp.v2.secret.create";
const LIST: &str = "place.wisp.v2.secret.list";
const ROTATE: &str = "place.wisp.v2.secret.rotate";
const DELETE: &str = "place.wisp.v2.secret.delete";

#[tokio::test]
async fn create_returns_the_token_once_and_list_never_shows_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let name = json!({ "name": "a.b_c-1" });
    let made = alice.procedure(CREATE, &name).await.output();
    let token = made["token"].as_str().expect("a token");
    assert!(token.starts_with("wsk_") && token.len() == 36, "{token}");
    alice.procedure(CREATE, &name).await.fails(
        409,
        "AlreadyExists",
        "there is a secret of this name: rotate it, or choose another name",
    );
    let other = bob.procedure(CREATE, &name).await.output();
    assert_ne!(other["token"], made["token"]);

    let listed = alice.query(LIST, &[]).await.output();
    let shown = json!({ "name": "a.b_c-1", "createdAt": made["createdAt"] });
    assert_eq!(listed, json!({ "secrets": [shown] }));

    let rotated = alice.procedure(ROTATE, &name).await.output();
    assert_ne!(rotated["token"], made["token"]);
    let listed = alice.query(LIST, &[]).await.output();
    assert_eq!(listed["secrets"][0]["lastRotatedAt"], rotated["rotatedAt"]);

    alice
        .procedure(DELETE, &name)
        .await
        .is(200, Value::String(String::new()));
    for method in [DELETE, ROTATE] {
        let answer = alice.procedure(method, &name).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (404, &json!("NotFound"))
        );
    }
    assert_eq!(
        alice.query(LIST, &[]).await.output(),
        json!({ "secrets": [] })
    );
    let kept = bob.query(LIST, &[]).await.output();
    assert_eq!(kept["secrets"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn names_are_checked_and_callers_proved() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    for bad in ["", "a:b", "a~b", "a b", &"x".repeat(65)] {
        let answer = alice.procedure(CREATE, &json!({ "name": bad })).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (400, &json!("InvalidRequest")),
            "{bad}"
        );
    }
    let answer = server
        .procedure(CREATE, None, &json!({ "name": "a" }))
        .await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn an_account_has_a_hundred() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    for number in 0..100 {
        let name = json!({ "name": format!("s{number}") });
        alice.procedure(CREATE, &name).await.output();
    }
    let answer = alice
        .procedure(CREATE, &json!({ "name": "one-more" }))
        .await;
    answer.fails(
        400,
        "InvalidRequest",
        "an account can have 100 secrets: delete one first",
    );
}
