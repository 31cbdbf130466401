//! `place.stream.server.*`: one webhook through its life, and every way to be refused.

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
async fn a_webhook_is_made_read_changed_and_removed() {
    let server = TestServer::start().await;
    let alice = server.account("alice");

    let made = create(&alice, json!({ "url": URL, "events": ["chat"] })).await;
    assert!(is_time(&made["createdAt"]), "{made}");
    let id = id(&made);
    let mut expected = json!({
        "id": id,
        "url": URL,
        "events": ["chat"],
        "active": false,
        "createdAt": made["createdAt"],
    });
    assert_eq!(made, expected);
    alice
        .query(GET, &[("id", id)])
        .await
        .is(200, json!({ "webhook": expected }));
    alice
        .query(LIST, &[])
        .await
        .is(200, json!({ "webhooks": [expected] }));

    let change = json!({ "id": id, "active": true, "name": "Chat" });
    let changed = alice.procedure(UPDATE, &change).await.output();
    assert!(is_time(&changed["webhook"]["updatedAt"]), "{changed}");
    expected["active"] = json!(true);
    expected["name"] = json!("Chat");
    expected["updatedAt"] = changed["webhook"]["updatedAt"].clone();
    assert_eq!(changed, json!({ "webhook": expected }));
    alice.query(GET, &[("id", id)]).await.is(200, changed);

    alice
        .procedure(DELETE, &json!({ "id": id }))
        .await
        .is(200, json!({ "success": true }));
    let (status, error, message) = NOT_FOUND;
    alice
        .query(GET, &[("id", id)])
        .await
        .fails(status, error, message);
    alice
        .query(LIST, &[])
        .await
        .is(200, json!({ "webhooks": [] }));
}

#[tokio::test]
async fn every_field_comes_back_until_it_is_cleared() {
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
async fn a_url_that_cannot_be_called_is_invalid() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let refused = [
        (
            "http://hooks.example/a",
            "plain http is allowed only to this machine, in development",
        ),
        ("ftp://hooks.example/a", "the URL's scheme is not https"),
        (
            "https:hooks.example/a",
            "the URL is not written plainly: its scheme is not followed by `//`",
        ),
        ("https://hooks.example:0/a", "the URL names port 0"),
        (
            "https://hooks.example:/a",
            "the URL is not written plainly: it has a colon and no port",
        ),
        (
            "https://user:pass@hooks.example/a",
            "the URL holds credentials",
        ),
        ("https://hooks.example/a#b", "the URL holds a fragment"),
        (
            "https://10.1.2.3/a",
            "the address 10.1.2.3 may not be reached: private",
        ),
        (
            "https://169.254.169.254/latest",
            "the address 169.254.169.254 may not be reached: a cloud's metadata service",
        ),
        (
            "https://[::ffff:192.168.0.1]/",
            "the address ::ffff:192.168.0.1 may not be reached: private",
        ),
    ];
    let made = create(&alice, json!({ "url": URL, "events": ["chat"] })).await;
    for (url, reason) in refused {
        let message = format!("`url`: {reason}");
        let input = json!({ "url": url, "events": ["chat"] });
        alice
            .procedure(CREATE, &input)
            .await
            .fails(400, "InvalidUrl", &message);
        let change = json!({ "id": id(&made), "url": url });
        alice
            .procedure(UPDATE, &change)
            .await
            .fails(400, "InvalidUrl", &message);
    }
    let long =
        json!({ "url": format!("https://hooks.example/{}", "a".repeat(2048)), "events": ["chat"] });
    let answer = alice.procedure(CREATE, &long).await;
    answer.fails(400, "InvalidUrl", "`url` is longer than 2048 bytes");
    alice
        .query(LIST, &[])
        .await
        .is(200, json!({ "webhooks": [made] }));
}

#[tokio::test]
async fn a_url_is_used_once_by_each_account() {
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
async fn an_account_has_as_many_webhooks_as_the_settings_say() {
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
async fn what_is_missing_and_what_is_somebody_elses_are_told_apart() {
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

#[tokio::test]
async fn input_that_does_not_fit_is_told_where() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let long = "x".repeat(101);
    let refused = [
        (
            json!({ "url": URL, "events": ["chat", "raid"] }),
            "$.events[1]",
        ),
        (
            json!({ "url": URL, "events": ["chat"], "prefix": long }),
            "$.prefix",
        ),
        (
            json!({ "url": URL, "events": ["chat"], "rewrite": [{ "from": "", "to": "" }] }),
            "$.rewrite[0].from",
        ),
        (json!({ "url": "no URL", "events": ["chat"] }), "$.url"),
        (
            json!({ "url": URL, "events": [] }),
            "`events` needs at least one event",
        ),
        (json!({ "url": URL }), "events"),
        (
            json!({ "url": URL, "events": ["chat"], "muteWords": vec!["x"; 101] }),
            "`muteWords` has more than 100 entries",
        ),
        (
            json!({ "url": URL, "events": ["chat"], "active": "yes" }),
            "$.active",
        ),
    ];
    for (input, place) in refused {
        let answer = alice.procedure(CREATE, &input).await;
        let message = answer.body["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        answer.fails(400, "InvalidRequest", &message);
        assert!(message.contains(place), "{input} answers {message}");
    }
    let made = create(&alice, json!({ "url": URL, "events": ["chat"] })).await;
    let nothing = alice.procedure(UPDATE, &json!({ "id": id(&made) })).await;
    nothing.fails(
        400,
        "InvalidRequest",
        "nothing to change: give at least one field beside `id`",
    );
    let no_events = alice
        .procedure(UPDATE, &json!({ "id": id(&made), "events": [] }))
        .await;
    no_events.fails(400, "InvalidRequest", "`events` needs at least one event");
    alice
        .query(LIST, &[])
        .await
        .is(200, json!({ "webhooks": [made] }));
}

#[tokio::test]
async fn no_text_holds_a_nul() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let made = create(&alice, json!({ "url": URL, "events": ["chat"] })).await;
    for (field, value) in [
        ("name", json!("a\0")),
        ("description", json!("a\0")),
        ("prefix", json!("a\0")),
        ("suffix", json!("a\0")),
        ("rewrite", json!([{ "from": "a\0", "to": "" }])),
        ("rewrite", json!([{ "from": "b", "to": "a\0" }])),
        ("muteWords", json!(["b", "a\0"])),
    ] {
        let message = format!("`{field}` holds a NUL character (U+0000) at byte 1: leave it out");
        let input = json!({ "url": "https://hooks.example/b", "events": ["chat"], field: value });
        let answer = alice.procedure(CREATE, &input).await;
        answer.fails(400, "InvalidRequest", &message);
        let change = json!({ "id": id(&made), field: value });
        let answer = alice.procedure(UPDATE, &change).await;
        answer.fails(400, "InvalidRequest", &message);
    }
    let all = alice.query(LIST, &[]).await;
    all.is(200, json!({ "webhooks": [made] }));
}
