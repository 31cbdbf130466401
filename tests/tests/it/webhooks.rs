//! `place.stream.server.*`: one webhook through its life, whose it is, and how many there may be.

use serde_json::{Value, json};

use crate::support::{Account, TestServer};

pub const CREATE: &str = "place.stream.server.createWebhook";
pub const UPDATE: &str = "place.stream.server.updateWebhook";
pub const GET: &str = "place.stream.server.getWebhook";
pub const LIST: &str = "place.stream.server.listWebhooks";
pub const DELETE: &str = "place.stream.server.deleteWebhook";

const URL: &str = "https://hooks.example/chat";
const NOT_FOUND: (u16, &str, &str) = (
    404,
    "WebhookNotFound",
    "The caller owns no webhook with this id.",
);
const FORBIDDEN: (u16, &str, &str) = (403, "Unauthorized", "The webhook belongs to somebody else.");

/// Makes a webhook and gives it as the answer shows it.
pub async fn create(account: &Account<'_>, input: Value) -> Value {
    let mut output = account.procedure(CREATE, &input).await.output();
    assert_eq!(
        output.as_object().map(serde_json::Map::len),
        Some(1),
        "{output}"
    );
    output["webhook"].take()
}

/// The id, which has the form of a UUIDv7.
pub fn id(webhook: &Value) -> &str {
    let id = webhook["id"].as_str().expect("an id");
    assert!(
        id.len() == 36 && id.as_bytes()[14] == b'7',
        "{id} is no UUIDv7"
    );
    id
}

fn is_time(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok())
}

#[tokio::test]
async fn create_with_a_url_and_events_answers_the_webhook_with_a_uuidv7_and_inactive() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let made = create(&alice, json!({ "url": URL, "events": ["chat"] })).await;
    assert!(is_time(&made["createdAt"]), "{made}");
    let id = id(&made);
    // Off unless it is said, as the lexicon has it.
    let expected = json!({
        "id": id,
        "url": URL,
        "events": ["chat"],
        "active": false,
        "createdAt": made["createdAt"],
    });
    assert_eq!(made, expected);
    let found = alice.query(GET, &[("id", id)]).await;
    found.is(200, json!({ "webhook": expected }));
    let listed = alice.query(LIST, &[]).await;
    listed.is(200, json!({ "webhooks": [expected] }));
}

#[tokio::test]
async fn update_changes_only_the_fields_sent_and_with_only_an_id_is_400() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut expected = create(&alice, json!({ "url": URL, "events": ["chat"] })).await;
    let id = id(&expected).to_owned();
    let change = json!({ "id": id, "active": true, "name": "Chat" });
    let changed = alice.procedure(UPDATE, &change).await.output();
    assert!(is_time(&changed["webhook"]["updatedAt"]), "{changed}");
    expected["active"] = json!(true);
    expected["name"] = json!("Chat");
    expected["updatedAt"] = changed["webhook"]["updatedAt"].clone();
    assert_eq!(changed, json!({ "webhook": expected }));
    let nothing = alice.procedure(UPDATE, &json!({ "id": id })).await;
    nothing.fails(
        400,
        "InvalidRequest",
        "nothing to change: give at least one field beside `id`",
    );
    alice.query(GET, &[("id", &id)]).await.is(200, changed);
}

#[tokio::test]
async fn delete_answers_success_and_the_row_is_gone() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let made = create(&alice, json!({ "url": URL, "events": ["chat"] })).await;
    let deleted = alice.procedure(DELETE, &json!({ "id": made["id"] })).await;
    deleted.is(200, json!({ "success": true }));
    let (status, error, message) = NOT_FOUND;
    let found = alice.query(GET, &[("id", id(&made))]).await;
    found.fails(status, error, message);
    let listed = alice.query(LIST, &[]).await;
    listed.is(200, json!({ "webhooks": [] }));
}

#[tokio::test]
async fn fields_round_trip_through_get_and_list_and_unset_ones_are_absent() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let fields = json!({
        "url": "https://hooks.example/a?token=%20x&y=Gr%C3%BC%C3%9Fe",
        "events": ["stream.received", "follow", "chat"],
        "active": true,
        "streamplaceFormat": true,
        "prefix": "[Streamplace] ",
        "suffix": "!",
        "rewrite": [{ "from": "foo", "to": "bar" }, { "from": " ", "to": "" }],
        "name": "Größe 🎈",
        "description": "two\nlines",
        "muteWords": ["SPAM", "spam"],
    });
    let made = create(&alice, fields.clone()).await;
    let id = id(&made);
    let mut expected = fields;
    expected["id"] = json!(id);
    expected["createdAt"] = made["createdAt"].clone();
    assert_eq!(made, expected);
    alice
        .query(GET, &[("id", id)])
        .await
        .is(200, json!({ "webhook": expected }));

    let cleared = json!({
        "id": id,
        "streamplaceFormat": false,
        "prefix": "",
        "suffix": "",
        "rewrite": [],
        "name": "",
        "description": "",
        "muteWords": [],
    });
    let changed = alice.procedure(UPDATE, &cleared).await.output();
    let expected = json!({
        "id": id,
        "url": expected["url"],
        "events": expected["events"],
        "active": true,
        "createdAt": made["createdAt"],
        "updatedAt": changed["webhook"]["updatedAt"],
    });
    assert_eq!(changed, json!({ "webhook": expected }));
    alice
        .query(LIST, &[])
        .await
        .is(200, json!({ "webhooks": [expected] }));
}

#[tokio::test]
async fn the_same_url_twice_for_one_did_is_duplicate_webhook() {
    const MESSAGE: &str = "Another webhook of the caller already points at the same URL.";
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let input = json!({ "url": URL, "events": ["chat"] });
    let first = create(&alice, input.clone()).await;
    alice
        .procedure(CREATE, &input)
        .await
        .fails(400, "DuplicateWebhook", MESSAGE);
    create(&bob, input).await;
    let spelled = json!({ "url": "HTTPS://Hooks.Example:443/x/../chat", "events": ["chat"] });
    alice
        .procedure(CREATE, &spelled)
        .await
        .fails(400, "DuplicateWebhook", MESSAGE);

    let other = create(
        &alice,
        json!({ "url": "https://hooks.example/b", "events": ["chat"] }),
    )
    .await;
    let change = json!({ "id": id(&other), "url": URL });
    alice
        .procedure(UPDATE, &change)
        .await
        .fails(400, "DuplicateWebhook", MESSAGE);
    let change = json!({ "id": id(&other), "url": "https://HOOKS.example/chat" });
    alice
        .procedure(UPDATE, &change)
        .await
        .fails(400, "DuplicateWebhook", MESSAGE);
    let same = json!({ "id": id(&first), "url": "https://hooks.EXAMPLE/chat" });
    assert_eq!(
        alice.procedure(UPDATE, &same).await.output()["webhook"]["url"],
        URL
    );
}

#[tokio::test]
async fn one_webhook_more_than_may_be_is_too_many_webhooks() {
    let server = TestServer::start_with(|config| config.webhooks_per_account = 2).await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let input =
        |name: &str| json!({ "url": format!("https://hooks.example/{name}"), "events": ["chat"] });
    let first = create(&alice, input("1")).await;
    create(&alice, input("2")).await;
    let message = "an account can have 2 webhooks: delete one first";
    alice
        .procedure(CREATE, &input("3"))
        .await
        .fails(400, "TooManyWebhooks", message);
    create(&bob, input("3")).await;
    alice
        .procedure(DELETE, &json!({ "id": id(&first) }))
        .await
        .output();
    create(&alice, input("3")).await;
}

#[tokio::test]
async fn another_dids_token_cannot_get_update_delete_or_list_the_row() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let made = create(&alice, json!({ "url": URL, "events": ["chat"] })).await;
    let missing = "01890000-0000-7000-8000-000000000000";
    let expected = [
        (id(&made), FORBIDDEN),
        (missing, NOT_FOUND),
        ("no id of ours", NOT_FOUND),
    ];
    for (id, (status, error, message)) in expected {
        bob.query(GET, &[("id", id)])
            .await
            .fails(status, error, message);
        let change = json!({ "id": id, "active": true });
        bob.procedure(UPDATE, &change)
            .await
            .fails(status, error, message);
        bob.procedure(DELETE, &json!({ "id": id }))
            .await
            .fails(status, error, message);
    }
    bob.query(LIST, &[])
        .await
        .is(200, json!({ "webhooks": [] }));
    alice
        .query(LIST, &[])
        .await
        .is(200, json!({ "webhooks": [made] }));
}
