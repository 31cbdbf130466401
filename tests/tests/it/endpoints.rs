//! `dev.loggia.endpoint.*`: an endpoint through its life, and every way to be refused.

use loggia_delivery::PublicKey;
use serde_json::{Value, json};

use crate::support::notices::{WRITE, forum, post, register};
use crate::support::{Account, Receiver, TestServer};

pub const CREATE: &str = "dev.loggia.endpoint.create";
pub const GET: &str = "dev.loggia.endpoint.get";
pub const LIST: &str = "dev.loggia.endpoint.list";
pub const UPDATE: &str = "dev.loggia.endpoint.update";
pub const DELETE: &str = "dev.loggia.endpoint.delete";
pub const ENABLE: &str = "dev.loggia.endpoint.enable";
pub const DISABLE: &str = "dev.loggia.endpoint.disable";
pub const ROTATE: &str = "dev.loggia.endpoint.rotateSecret";
pub const TEST: &str = "dev.loggia.endpoint.test";
pub const STATS: &str = "dev.loggia.endpoint.getStats";

const URL: &str = "https://hooks.example/a";
const NOBODYS: &str = "018bcfe5-6800-7101-8101-010101010101";

/// Makes an endpoint; its id, and its secret if it is a shared one.
pub async fn make(account: &Account<'_>, input: Value) -> (String, String) {
    let output = account.procedure(CREATE, &input).await.output();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&output["endpoint"]["id"]), text(&output["secret"]))
}

/// The endpoint as its owner sees it.
pub async fn shown(account: &Account<'_>, id: &str) -> Value {
    let mut output = account.query(GET, &[("id", id)]).await.output();
    output["endpoint"].take()
}

#[tokio::test]
async fn an_endpoint_is_made_read_changed_and_removed() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let made = alice.procedure(CREATE, &json!({ "url": URL })).await;
    let made = made.output();
    let id = made["endpoint"]["id"].as_str().expect("an id");
    let expected = json!({
        "id": id,
        "url": URL,
        "profile": "standard",
        "state": { "status": "active" },
        "managed": true,
        "description": "",
        "kinds": [],
        "inOrder": false,
        "headers": [],
        "signature": "v1",
        "createdAt": made["endpoint"]["createdAt"],
        "consecutiveFailures": 0,
    });
    assert_eq!(made["endpoint"], expected);
    let secret = made["secret"].as_str().expect("a secret");
    assert!(secret.starts_with("whsec_"), "{secret}");
    assert!(made["publicKey"].is_null());
    alice
        .query(GET, &[("id", id)])
        .await
        .is(200, json!({ "endpoint": expected }));
    alice
        .query(LIST, &[])
        .await
        .is(200, json!({ "endpoints": [expected] }));

    alice
        .procedure(DELETE, &json!({ "id": id }))
        .await
        .is(200, json!({}));
    let gone = alice.query(GET, &[("id", id)]).await;
    gone.fails(404, "NotFound", "The caller has no endpoint with this id.");
    alice
        .query(LIST, &[])
        .await
        .is(200, json!({ "endpoints": [] }));
}

#[tokio::test]
async fn a_change_changes_what_is_given_and_nothing_else() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let (id, _) = make(&alice, json!({ "url": URL })).await;
    let id = id.as_str();
    let mut expected = shown(&alice, id).await;
    let change = json!({
        "id": id,
        "url": "https://hooks.example/b",
        "description": "größer",
        "kinds": ["com.example.happened"],
        "inOrder": true,
        "perSecond": 7,
        "headers": [{ "name": "X-Token", "value": "hush hush" }],
    });
    let changed = alice.procedure(UPDATE, &change).await.output();
    expected["url"] = json!("https://hooks.example/b");
    expected["description"] = json!("größer");
    expected["kinds"] = json!(["com.example.happened"]);
    expected["inOrder"] = json!(true);
    expected["perSecond"] = json!(7);
    expected["headers"] = json!(["x-token"]);
    expected["updatedAt"] = changed["endpoint"]["updatedAt"].clone();
    assert_eq!(changed, json!({ "endpoint": expected }));
    assert_eq!(shown(&alice, id).await, expected);

    let cleared = json!({
        "id": id, "description": "", "kinds": [], "perSecond": 0, "headers": [],
    });
    let cleared = alice.procedure(UPDATE, &cleared).await.output();
    let cleared = &cleared["endpoint"];
    assert_eq!(cleared["url"], "https://hooks.example/b");
    assert_eq!(cleared["description"], "");
    assert_eq!(
        (&cleared["kinds"], &cleared["headers"]),
        (&json!([]), &json!([]))
    );
    assert!(cleared["perSecond"].is_null() && cleared["inOrder"] == true);
}

#[tokio::test]
async fn somebody_elses_endpoint_is_as_good_as_none() {
    let server = TestServer::start().await;
    let (alice, mallory) = (server.account("alice"), server.account("mallory"));
    let (id, _) = make(&alice, json!({ "url": URL })).await;
    let before = shown(&alice, &id).await;
    for id in [id.as_str(), NOBODYS, "x"] {
        for method in [GET, STATS] {
            let answer = mallory.query(method, &[("id", id)]).await;
            answer.fails(404, "NotFound", "The caller has no endpoint with this id.");
        }
        for method in [DELETE, DISABLE, ENABLE, ROTATE, TEST] {
            let answer = mallory.procedure(method, &json!({ "id": id })).await;
            answer.fails(404, "NotFound", "The caller has no endpoint with this id.");
        }
        let change = json!({ "id": id, "url": "https://evil.example/" });
        let answer = mallory.procedure(UPDATE, &change).await;
        answer.fails(404, "NotFound", "The caller has no endpoint with this id.");
    }
    mallory
        .query(LIST, &[])
        .await
        .is(200, json!({ "endpoints": [] }));
    assert_eq!(shown(&alice, &id).await, before);
    // Nor is any of it open to those who do not say who they are.
    let anonymous = server.procedure(CREATE, None, &json!({ "url": URL })).await;
    assert_eq!(anonymous.status, 401, "{anonymous:#?}");
}

#[tokio::test]
async fn what_cannot_be_an_endpoint_is_refused_with_a_reason() {
    let server = TestServer::start_with(|config| config.endpoints_per_account = 1).await;
    let alice = server.account("alice");
    let header = |name: &str| json!({ "url": URL, "headers": [{ "name": name, "value": "x" }] });
    let refused = [
        (
            json!({ "url": "https://10.0.0.1/" }),
            "InvalidUrl",
            "private",
        ),
        (
            json!({ "url": "ftp://hooks.example/" }),
            "InvalidUrl",
            "scheme",
        ),
        (header("host"), "InvalidHeader", "`host` is reserved"),
        (
            header("Webhook-Id"),
            "InvalidHeader",
            "`webhook-id` is reserved",
        ),
        (
            header("Forwarded"),
            "InvalidHeader",
            "`forwarded` is reserved",
        ),
        (header("a b"), "InvalidHeader", "`a b` is no header name"),
        (
            json!({ "url": URL, "description": "a\0" }),
            "InvalidRequest",
            "NUL",
        ),
        (
            json!({ "url": URL, "headers": [{ "name": "x", "value": "a\r\nb: c" }] }),
            "InvalidHeader",
            "the value of the header `x`",
        ),
        (
            json!({ "url": URL, "secret": "hush" }),
            "InvalidSecret",
            "`whsec_`",
        ),
        (
            json!({ "url": URL, "secret": "whsec_AAAA" }),
            "InvalidSecret",
            "24 to 64 bytes",
        ),
        (
            json!({ "url": URL, "profile": "hapnd", "signature": "v1a" }),
            "InvalidSecret",
            "hapnd",
        ),
        (
            json!({ "url": URL, "signature": "v1a", "secret": "whsec_AAAA" }),
            "InvalidSecret",
            "made by the server",
        ),
        (
            json!({ "url": URL, "profile": "space-webhook" }),
            "InvalidRequest",
            "profile",
        ),
        (
            json!({ "url": URL, "perSecond": 0 }),
            "InvalidRequest",
            "perSecond",
        ),
        (
            json!({ "url": URL, "kinds": ["no nsid"] }),
            "InvalidRequest",
            "kinds",
        ),
        (
            json!({ "url": URL, "headers": vec![json!({ "name": "x", "value": "y" }); 11] }),
            "InvalidRequest",
            "headers",
        ),
    ];
    for (input, error, message) in refused {
        let answer = alice.procedure(CREATE, &input).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (400, &json!(error)),
            "{input}"
        );
        let said = answer.body["message"].as_str().unwrap_or_default();
        assert!(said.contains(message), "{input}: {said}");
    }
    let (id, _) = make(&alice, json!({ "url": URL })).await;
    let nothing = alice.procedure(UPDATE, &json!({ "id": id })).await;
    assert_eq!(nothing.body["error"], "InvalidRequest");
    let full = alice.procedure(CREATE, &json!({ "url": URL })).await;
    full.fails(
        400,
        "TooManyEndpoints",
        "an account can have 1 endpoints: delete one first",
    );
    alice.procedure(DELETE, &json!({ "id": id })).await.output();
    make(&alice, json!({ "url": URL })).await;
}

#[tokio::test]
async fn a_test_is_a_delivery_that_is_signed_with_all_that_its_owner_wrote() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Receiver::start();
    let input = json!({
        "url": receiver.url,
        "headers": [{ "name": "X-Token", "value": "hush hush" }],
    });
    let (id, secret) = make(&alice, input).await;
    let output = alice.procedure(TEST, &json!({ "id": id })).await.output();
    let arrived = receiver.next().await;
    let body = arrived.verified(&secret);
    assert_eq!(body["endpoint"], json!(id));
    assert_eq!(
        arrived.header("webhook-id"),
        output["notification"].as_str().expect("an id")
    );
    assert_eq!(arrived.header("x-token"), "hush hush");
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_old_one_and_can_become_a_key_pair() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Receiver::start();
    let (id, old) = make(&alice, json!({ "url": receiver.url })).await;
    let rotated = alice.procedure(ROTATE, &json!({ "id": id })).await.output();
    let new = rotated["secret"].as_str().expect("a secret");
    assert_ne!(new, old);
    assert!(rotated["endpoint"]["overlapUntil"].is_string(), "{rotated}");
    alice.procedure(TEST, &json!({ "id": id })).await.output();
    let arrived = receiver.next().await;
    arrived.verified(&old);
    arrived.verified(new);

    let input = json!({ "id": id, "overlapSeconds": 0, "signature": "v1a" });
    let rotated = alice.procedure(ROTATE, &input).await.output();
    assert!(rotated["secret"].is_null(), "{rotated}");
    let public = rotated["publicKey"].as_str().expect("a key");
    PublicKey::from_text(public).expect("a public key");
    let endpoint = &rotated["endpoint"];
    assert_eq!(
        (&endpoint["signature"], &endpoint["publicKey"]),
        (&json!("v1a"), &json!(public))
    );
    assert!(endpoint["overlapUntil"].is_null());
    assert!(!rotated.to_string().contains("whsk_"));
    alice.procedure(TEST, &json!({ "id": id })).await.output();
    let arrived = receiver.next().await;
    let signature = arrived.header("webhook-signature");
    assert!(
        signature.starts_with("v1a,") && !signature.contains(' '),
        "{signature}"
    );
}

#[tokio::test]
async fn the_endpoint_of_a_registration_is_shown_and_not_changed() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Receiver::start();
    let secret = register(&alice, &receiver.url).await;
    let listed = alice.query(LIST, &[]).await.output();
    let endpoint = &listed["endpoints"][0];
    assert_eq!(
        (&endpoint["managed"], &endpoint["profile"]),
        (&json!(false), &json!("space-webhook"))
    );
    let id = endpoint["id"].as_str().expect("an id");
    for (method, input) in [
        (UPDATE, json!({ "id": id, "description": "mine" })),
        (DELETE, json!({ "id": id })),
        (DISABLE, json!({ "id": id })),
        (ENABLE, json!({ "id": id })),
        (ROTATE, json!({ "id": id })),
        (TEST, json!({ "id": id })),
    ] {
        let answer = alice.procedure(method, &input).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (400, &json!("NotManaged")),
            "{method}"
        );
    }
    let written = post(&forum(&alice), &alice);
    alice.procedure(WRITE, &written).await.output();
    receiver.next().await.verified(&secret);
    let stats = alice.query(STATS, &[("id", id)]).await.output();
    assert_eq!(stats["complete"], true, "{stats}");
}
