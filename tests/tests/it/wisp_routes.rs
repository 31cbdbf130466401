//! `/api/webhook` and `/api/secret`, as a person's browser uses them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Answer, Person, Provider, TestServer};

const WATCHED: &str = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post";

/// A person who is logged in, whose PDS keeps records.
async fn logged_in(server: &TestServer) -> (Person, Provider) {
    let provider = Provider::start().await;
    let mut person = Person::at(server);
    person.log_in(&provider).await;
    provider.now().records = Some(BTreeMap::new());
    (person, provider)
}

fn flat(url: &str) -> Value {
    json!({ "scopeAturi": WATCHED, "backlinks": true, "url": url, "events": ["create"] })
}

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    let told = (
        answer.status,
        &answer.body["success"],
        &answer.body["error"],
    );
    assert_eq!(told, (status, &json!(false), &json!(error)), "{answer:#?}");
}

#[tokio::test]
async fn nobody_who_is_not_logged_in_or_comes_from_elsewhere_gets_anything() {
    let server = TestServer::start().await;
    let mut stranger = Person::at(&server);
    for (verb, path) in [
        ("GET", "/api/webhook"),
        ("POST", "/api/webhook"),
        ("DELETE", "/api/webhook/a"),
        ("GET", "/api/webhook/events"),
        ("GET", "/api/secret"),
        ("POST", "/api/secret"),
        ("POST", "/api/secret/a/rotate"),
        ("DELETE", "/api/secret/a"),
    ] {
        let answer = stranger.script(verb, path, None).await;
        answer.fails(401, "AuthMissing", "log in at /login first");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let (mut person, provider) = logged_in(&server).await;
    let foreign = [("sec-fetch-site", "cross-site")];
    let answer = person.post_from(&foreign, "/api/webhook", &[]).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (403, &json!("Forbidden"))
    );
    assert_eq!(provider.now().records, Some(BTreeMap::new()));
}

#[tokio::test]
async fn webhooks_are_written_to_the_pds_listed_and_deleted() {
    let server = TestServer::start().await;
    let (mut person, provider) = logged_in(&server).await;
    let made = person
        .script(
            "POST",
            "/api/webhook",
            Some(&flat("https://a.example/hook")),
        )
        .await
        .output();
    let rkey = made["rkey"].as_str().expect("a key").to_owned();
    let uri = format!("at://{}/place.wisp.v2.wh/{rkey}", provider.did);
    assert_eq!(made, json!({ "success": true, "rkey": rkey, "uri": uri }));
    let record = provider.now().records.as_ref().expect("records")[&rkey].clone();
    let created = record["createdAt"].clone();
    let expected = json!({
        "$type": "place.wisp.v2.wh",
        "scope": { "aturi": WATCHED, "backlinks": true },
        "url": "https://a.example/hook",
        "events": ["create"],
        "createdAt": created,
    });
    assert_eq!(record, expected);

    // The shape of the record is as good.
    let other = person
        .script("POST", "/api/webhook", Some(&record))
        .await
        .output();
    let listed = person
        .script("GET", "/api/webhook?limit=1", None)
        .await
        .output();
    assert_eq!(listed["success"], true);
    let newest = &listed["records"][0];
    assert_eq!((&newest["uri"], &newest["value"]), (&other["uri"], &record));
    let cursor = listed["cursor"].as_str().expect("there is more");
    let rest = person
        .script("GET", &format!("/api/webhook?cursor={cursor}"), None)
        .await;
    let rest = rest.output();
    assert_eq!(rest["records"][0]["uri"], json!(uri));
    assert_eq!(
        (rest["records"].as_array().map(Vec::len), &rest["cursor"]),
        (Some(1), &Value::Null)
    );

    let path = format!("/api/webhook/{rkey}");
    for _ in 0..2 {
        person
            .script("DELETE", &path, None)
            .await
            .is(200, json!({ "success": true }));
    }
    assert_eq!(provider.now().records.as_ref().map(BTreeMap::len), Some(1));
}

#[tokio::test]
async fn what_could_never_be_told_is_not_written() {
    let server = TestServer::start().await;
    let (mut person, provider) = logged_in(&server).await;
    for body in [
        json!([]),
        json!({ "url": "https://a.example/" }),
        flat("https://127.0.0.1:x/"),
        flat("https://169.254.169.254/latest"),
        flat("https://user:pass@a.example/"),
        flat("http://a.example/"),
        json!({ "scopeAturi": "at://alice.example", "url": "https://a.example/" }),
        json!({ "scopeAturi": WATCHED, "url": "https://a.example/", "events": ["publish"] }),
        json!({ "scopeAturi": WATCHED, "url": "https://a.example/", "secret": "a", "secretId": "b" }),
    ] {
        let answer = person.script("POST", "/api/webhook", Some(&body)).await;
        refused(&answer, 400, "Invalid webhook request");
        assert!(answer.body["message"].is_string(), "{body}");
    }
    assert_eq!(provider.now().records, Some(BTreeMap::new()));
    let answer = person.script("GET", "/api/webhook?limit=51", None).await;
    refused(&answer, 400, "Invalid request");
}

#[tokio::test]
async fn the_51st_post_is_429() {
    let server = TestServer::start().await;
    let (mut person, provider) = logged_in(&server).await;
    let records = (0..50).map(|number| (format!("r{number}"), json!({})));
    provider.now().records = Some(records.collect());
    let answer = person
        .script("POST", "/api/webhook", Some(&flat("https://a.example/")))
        .await;
    refused(&answer, 429, "Webhook limit reached");
    person
        .script("DELETE", "/api/webhook/r0", None)
        .await
        .output();
    person
        .script("POST", "/api/webhook", Some(&flat("https://a.example/")))
        .await
        .output();
}

#[tokio::test]
async fn the_11th_in_a_minute_is_429() {
    let server = TestServer::start().await;
    let (mut person, _provider) = logged_in(&server).await;
    let body = flat("https://a.example/");
    for _ in 0..10 {
        person
            .script("POST", "/api/webhook", Some(&body))
            .await
            .output();
    }
    let answer = person.script("POST", "/api/webhook", Some(&body)).await;
    refused(&answer, 429, "Webhook mutation rate limit exceeded");
    let wait: u32 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    // Each action has a count of its own.
    person
        .script("DELETE", "/api/webhook/a", None)
        .await
        .output();
}

#[tokio::test]
async fn events_are_an_array_or_what_the_newer_service_answers() {
    let server = TestServer::start().await;
    let (mut person, _provider) = logged_in(&server).await;
    person
        .script("GET", "/api/webhook/events", None)
        .await
        .is(200, json!([]));
    let newer = TestServer::start_with(|config| {
        config.wisp_version = loggia_server::wisp::Version::Second;
    })
    .await;
    let (mut person, _provider) = logged_in(&newer).await;
    let nothing = json!({ "success": true, "events": [] });
    person
        .script("GET", "/api/webhook/events", None)
        .await
        .is(200, nothing);
}

#[tokio::test]
async fn a_secret_is_shown_once_replaced_and_thrown_away() {
    let server = TestServer::start().await;
    let (mut person, _provider) = logged_in(&server).await;
    let name = json!({ "name": "deploys" });
    let made = person
        .script("POST", "/api/secret", Some(&name))
        .await
        .output();
    let token = made["token"].as_str().expect("a token").to_owned();
    assert!(token.starts_with("wsk_") && token.len() == 36, "{token}");
    assert_eq!(
        (&made["success"], &made["name"]),
        (&json!(true), &json!("deploys"))
    );

    let again = person.script("POST", "/api/secret", Some(&name)).await;
    refused(
        &again,
        409,
        "there is a secret of this name: rotate it, or choose another name",
    );
    for bad in ["", "a b", "a/b", &"x".repeat(65)] {
        let answer = person
            .script("POST", "/api/secret", Some(&json!({ "name": bad })))
            .await;
        assert_eq!(answer.status, 400, "{bad}: {answer:#?}");
    }
    let listed = person.script("GET", "/api/secret", None).await.output();
    let expected = json!([{ "name": "deploys", "createdAt": made["createdAt"] }]);
    assert_eq!(listed, json!({ "success": true, "secrets": expected }));

    let rotated = person
        .script("POST", "/api/secret/deploys/rotate", None)
        .await
        .output();
    assert_ne!(rotated["token"], json!(token));
    let listed = person.script("GET", "/api/secret", None).await.output();
    assert_eq!(listed["secrets"][0]["lastRotatedAt"], rotated["rotatedAt"]);
    person
        .script("DELETE", "/api/secret/deploys", None)
        .await
        .is(200, json!({ "success": true }));
    for (verb, path) in [
        ("DELETE", "/api/secret/deploys"),
        ("POST", "/api/secret/deploys/rotate"),
        ("DELETE", "/api/secret/a%00"),
        ("POST", "/api/secret/a%00/rotate"),
    ] {
        let answer = person.script(verb, path, None).await;
        refused(&answer, 404, "there is no secret of this name");
    }
}
