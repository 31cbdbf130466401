//! What clients do with the projections that they have, and what web pages may.

use loggia_services::{Durability, Postgres};
use reqwest::Method;
use serde_json::{Value, json};

use super::form::Form;
use super::kill::Api;
use super::{Client, PATIENCE, TOTAL, id};
use crate::support::TestServer;
use crate::support::process::ServerProcess;

const STRICT: &str = "if $event.data.amount < 0 then error(\"too little\") else
    .total = ((.total // 0) + $event.data.amount) end";

/// Waits until a projection is as it should be.
async fn until(client: &Client<'_>, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let started = std::time::Instant::now();
    loop {
        let found = client.get(&format!("/projections/{id}")).await.output();
        if holds(&found) {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{found:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_client_sees_why_its_projection_is_parked_and_ends_that() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let config = json!({
        "name": "orders",
        "selection": { "types": ["order_placed"] },
        "notifications": { "webhook": { "url": "https://hooks.example.com/a" } },
    });
    let id = id(&client.make(&config, Some(STRICT)).await);
    client.order("order_1", 1).await;
    let bad = client.order("order_1", -5).await;
    let parked = until(&client, &id, |found| found["status"] == "parked").await;
    assert_eq!(parked["parked"]["event"], bad["eventId"]);
    assert_eq!(parked["parked"]["error"], "the program failed: too little");
    assert_eq!(
        (&parked["projectionId"], &parked["name"], &parked["reducer"]),
        (&json!(id), &json!("orders"), &json!(STRICT))
    );
    assert_eq!(parked["selection"]["types"], json!(["order_placed"]));
    assert_eq!(
        parked["notifications"]["webhook"],
        json!({ "enabled": true, "url": "https://hooks.example.com/a", "isolated": false })
    );
    assert_eq!(
        client.get("/projections").await.output(),
        json!({ "projections": [parked] })
    );

    // From the first event on, it comes to the same one again.
    let path = format!("/projections/{id}/reactivate");
    let again = client.post(&path, &json!({})).await.output();
    assert_eq!(
        (&again["status"], &again["cursor"], &again["parked"]),
        (&json!("active"), &json!(0), &Value::Null)
    );
    let parked = until(&client, &id, |found| found["status"] == "parked").await;
    assert_eq!(parked["sequence"], 2);

    let again = client
        .upload(&json!({ "projectionId": id }), Some(TOTAL))
        .await;
    assert_eq!(again.status, 200, "{again:#?}");
    let found = until(&client, &id, |found| found["cursor"] == 2).await;
    assert_eq!(
        (&found["status"], &found["parked"]),
        (&json!("active"), &Value::Null)
    );
    assert!(found["notifications"].is_null(), "it was not said again");
}

#[tokio::test]
async fn projections_are_listed_by_pages_and_deleted_by_those_whose_they_are() {
    let server = TestServer::start().await;
    let (client, stranger) = (Client::new(&server).await, Client::new(&server).await);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(id(&client.make(&json!({}), Some(TOTAL)).await));
    }
    made.sort_by(|one, other| other.cmp(one));
    let first = client.get("/projections?limit=2").await.output();
    let cursor = first["cursor"].as_str().expect("there is more");
    let rest = client.get(&format!("/projections?cursor={cursor}")).await;
    let rest = rest.output();
    assert!(rest["cursor"].is_null());
    let pages = [&first, &rest].map(|page| page["projections"].as_array().expect("a list"));
    let seen: Vec<_> = pages
        .into_iter()
        .flatten()
        .map(|found| found["projectionId"].as_str().expect("an id"))
        .collect();
    assert_eq!(seen, made);
    for asked in ["limit=0", "limit=101", "limit=-1", "cursor=proj_1"] {
        let answer = client.get(&format!("/projections?{asked}")).await;
        assert_eq!(answer.body["error"], "InvalidRequest", "{asked}");
    }

    let path = format!("/projections/{}", made[0]);
    let delete = || server.request(Method::DELETE, &path);
    let reactivate = format!("{path}/reactivate");
    assert_eq!(stranger.get(&path).await.body["error"], "NotFound");
    assert_eq!(stranger.send(delete()).await.status, 404);
    assert_eq!(stranger.post(&reactivate, &json!({})).await.status, 404);
    let nothing = json!({ "projections": [] });
    assert_eq!(stranger.get("/projections").await.output(), nothing);
    assert_eq!(
        server.send(delete()).await.body["error"],
        "ClientKeyRequired"
    );

    let deleted = client.send(delete()).await.output();
    assert_eq!(deleted, json!({ "success": true }));
    assert_eq!(client.send(delete()).await.status, 404);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(client.get("/projections/nothing").await.status, 404);
}

#[tokio::test]
async fn names_that_a_configuration_does_not_have_are_refused() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    for (config, name) in [
        (json!({ "foo": 1 }), "foo"),
        (json!({ "selection": { "foo": 1 } }), "foo"),
        (
            json!({ "selection": { "records": { "collection": "a.b.c", "dids": [] } } }),
            "dids",
        ),
        (json!({ "notifications": { "webhok": {} } }), "webhok"),
        (
            json!({ "notifications": { "webhook": { "url": "https://a.example", "secret": "x" } } }),
            "secret",
        ),
    ] {
        let answer = client.upload(&config, None).await;
        let message = answer.body["message"].as_str().expect("a message");
        assert_eq!(answer.body["error"], "InvalidRequest", "{config}");
        assert!(message.contains(&format!("`{name}`")), "{message}");
    }
    let twice = Form::new()
        .part("config", None, "{}")
        .part("config", None, "{}");
    let answer = client.send_form(twice).await;
    let message = answer.body["message"].as_str().expect("a message");
    assert_eq!(message, "the part `config` is sent more than once");
    for config in [json!([null, {}]), json!({ "selection": [["a"]] })] {
        let answer = client.upload(&config, None).await;
        assert_eq!(answer.body["error"], "InvalidRequest", "{config}");
    }
    let alice = server.account("alice");
    for selection in [
        json!({ "aggregateType": ["order"] }),
        json!({ "records": { "collection": "a.b.c", "aggregateType": 1 } }),
    ] {
        let input = json!({ "selection": selection });
        let put = alice.procedure("dev.loggia.projection.put", &input).await;
        put.fails(400, "InvalidRequest", "`selection` has no `aggregateType`");
    }
    let header = json!([{ "name": "X-A", "value": "a", "valeu": "b" }]);
    for (input, message) in [
        (json!({ "reducr": "." }), "the input has no `reducr`"),
        (
            json!({ "webhook": { "url": "https://a.example", "isolate": true } }),
            "`webhook` has no `isolate`",
        ),
        (
            json!({ "webhook": { "url": "https://a.example", "headers": header } }),
            "a header has no `valeu`",
        ),
    ] {
        let put = alice.procedure("dev.loggia.projection.put", &input).await;
        put.fails(400, "InvalidRequest", message);
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused_like_all_else() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    for path in [
        "/events/%ff",
        "/projections/%ff",
        "/projections/%ff/notifications",
        "/projections/%ff/subscribe",
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 400, "{path} {answer:#?}");
        assert_eq!(answer.body["error"], "InvalidRequest", "{path}");
    }
}

#[tokio::test]
async fn a_number_that_nothing_can_hold_is_no_part_of_an_event() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let deep = "[".repeat(200) + &"]".repeat(200);
    for data in ["1e400", r#"{"a":[-1e999]}"#, &deep] {
        let event = format!(r#"{{"aggregateId":"a_1","eventType":"x","data":{data}}}"#);
        let request = server
            .post("/events")
            .header("content-type", "application/json");
        let answer = client.send(request.body(event)).await;
        assert_eq!(answer.status, 400, "{answer:#?}");
        assert_eq!(answer.body["error"], "InvalidRequest");
    }
    let listed = client.get("/events/a_1").await.output();
    assert_eq!(listed, json!({ "events": [] }));
}

#[tokio::test]
async fn values_out_of_their_place_or_range_are_refused() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let below = json!({
        "aggregateId": "arr_1", "eventType": "Paid", "data": {}, "expectedVersion": -1,
    });
    let misspelt = json!({
        "aggregateId": "arr_1", "eventType": "Paid", "data": {}, "expectedVersoin": 3,
    });
    let positional = json!(["arr_1", null, "Paid", {}, null, null, null, null]);
    for (path, body) in [
        ("/events", &positional),
        ("/events", &below),
        ("/events", &misspelt),
        ("/events/batch", &json!({ "events": [misspelt] })),
        (
            "/events/batch",
            &json!({ "aggregateID": "arr_1", "events": [{ "eventType": "Paid", "data": {} }] }),
        ),
        ("/events/batch", &json!(["arr_1", null, null, [below]])),
        ("/events/batch", &json!({ "events": [positional] })),
        ("/events/batch", &json!({ "events": [below] })),
        (
            "/events/batch",
            &json!({ "aggregateId": "arr_1", "expectedVersion": -1,
                "events": [{ "eventType": "Paid", "data": {} }] }),
        ),
    ] {
        let answer = client.post(path, body).await;
        assert_eq!(answer.status, 400, "{body} {answer:#?}");
        assert_eq!(answer.body["error"], "InvalidRequest", "{body}");
    }
    let listed = client.get("/events/arr_1").await.output();
    assert_eq!(listed, json!({ "events": [] }));
    let id = id(&client.make(&json!({}), Some(TOTAL)).await);
    for path in [
        "/events/arr_1?afterVersion=-1".to_owned(),
        "/events/arr_1?afterSequence=1".to_owned(),
        "/projections?after=1".to_owned(),
        format!("/projections/{id}/notifications?after=1"),
        format!("/projections/{id}/subscribe?after=1"),
        format!("/projections/{id}/notifications?afterSequence=-1"),
        format!("/projections/{id}/notifications?limit=0"),
        format!("/projections/{id}/notifications?limit=101"),
    ] {
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 400, "{path} {answer:#?}");
        assert_eq!(answer.body["error"], "InvalidRequest", "{path}");
    }
}

#[tokio::test]
async fn web_pages_may_call_and_wrong_verbs_are_told_so() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    for path in [
        "/events",
        "/projections",
        "/projections/proj_1",
        "/webhooks/rotate",
    ] {
        let preflight = server
            .request(Method::OPTIONS, path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-api-key,content-type");
        let answer = server.send(preflight).await;
        assert_eq!(answer.status, 204, "{path} {answer:#?}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "x-api-key,content-type"
        );
        assert!(
            answer
                .header("access-control-allow-methods")
                .contains("DELETE")
        );
    }
    let listed = client.get("/projections").await;
    assert_eq!(listed.header("access-control-allow-origin"), "*");
    // The key is for no web page: a page may read that.
    let foreign = server
        .request(Method::GET, "/projections")
        .header("origin", "https://app.example");
    let refused = client.send(foreign).await;
    assert_eq!(refused.body["error"], "OriginNotAllowed");
    assert_eq!(refused.header("access-control-allow-origin"), "*");

    let put = server.request(Method::PUT, "/projections/proj_1");
    let refused = client.send(put).await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (405, &json!("InvalidRequest"))
    );
    let allowed = refused.header("allow").to_owned();
    assert!(
        allowed.contains("GET") && allowed.contains("DELETE"),
        "{allowed}"
    );
    let options = server.request(Method::OPTIONS, "/events");
    assert_eq!(server.send(options).await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_no_error_of_the_server() {
    let mut postgres = Postgres::start(Durability::Process).expect("a PostgreSQL");
    let settings = [("database_url", postgres.own_database().expect("a database"))];
    let data = tempfile::tempdir().expect("a temporary folder");
    let server = ServerProcess::start(data.path(), &settings).await;
    let api = Api::new(&server, data.path(), &settings).await;
    let id = api.upload().await;
    postgres.stop().expect("it stops");
    let one = format!("/projections/{id}");
    let event = json!({ "aggregateId": "order_1", "eventType": "x", "data": {} });
    // Side by side: each waits for the database for a while.
    let calls = [
        ("GET", "/projections", None),
        ("DELETE", one.as_str(), None),
        ("POST", "/events", Some(event)),
    ];
    let calls = calls.map(async |(verb, path, body)| {
        let (status, body) = api.call(verb, path, body).await.expect("answers");
        assert_eq!(status, 503, "{verb} {path} {body}");
    });
    futures_util::future::join_all(calls).await;
}
