//! `place.stream.server.*`: every way to be refused.

use serde_json::json;

use crate::support::TestServer;
use crate::webhooks::{CREATE, DELETE, LIST, UPDATE, create, id};

const URL: &str = "https://hooks.example/chat";

#[tokio::test]
async fn errors_have_the_names_of_the_lexicon() {
    let server = TestServer::start_with(|config| config.webhooks_per_account = 1).await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let input = json!({ "url": URL, "events": ["chat"] });
    let made = create(&alice, input.clone()).await;
    let theirs = json!({ "id": made["id"], "active": true });
    let other = json!({ "url": "https://hooks.example/b", "events": ["chat"] });
    let inside = json!({ "url": "https://10.0.0.1/", "events": ["chat"] });
    for (caller, method, input, status, name) in [
        (&alice, CREATE, &inside, 400, "InvalidUrl"),
        (&alice, CREATE, &input, 400, "DuplicateWebhook"),
        (&alice, CREATE, &other, 400, "TooManyWebhooks"),
        (&bob, UPDATE, &theirs, 403, "Unauthorized"),
        (
            &bob,
            DELETE,
            &json!({ "id": "none" }),
            404,
            "WebhookNotFound",
        ),
    ] {
        let answer = caller.procedure(method, input).await;
        let told = (answer.status, &answer.body["error"]);
        assert_eq!(told, (status, &json!(name)), "{input}");
        assert!(answer.body["message"].is_string(), "{input}");
    }
    let page = alice.query(LIST, &[("cursor", "abc")]).await;
    assert_eq!(
        (page.status, &page.body["error"]),
        (400, &json!("InvalidCursor"))
    );
    let nobody = server.procedure(CREATE, None, &input).await;
    assert_eq!(nobody.status, 401);
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
async fn an_unknown_event_name_a_prefix_of_101_and_an_empty_from_are_400() {
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
