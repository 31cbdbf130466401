//! `place.stream.server.listWebhooks`: pages, with and without filters.

use serde_json::{Value, json};

use crate::support::{Account, TestServer};
use crate::webhooks::{LIST, create};

/// Seven webhooks; every third is active, every second hears of follows.
async fn seven(account: &Account<'_>) -> Vec<Value> {
    let mut made = Vec::new();
    for number in 0..7 {
        let mut events = vec!["chat"];
        if number % 2 == 0 {
            events.push("follow");
        }
        let url = format!("https://hooks.example/{number}");
        let input = json!({ "url": url, "events": events, "active": number % 3 == 0 });
        made.push(create(account, input).await);
    }
    made
}

/// Follows cursors to the end; the pages.
async fn pages(account: &Account<'_>, params: &[(&str, &str)]) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut params = params.to_vec();
        params.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let output = account.query(LIST, &params).await.output();
        pages.push(output["webhooks"].as_array().expect("a list").clone());
        match output.get("cursor") {
            Some(next) => cursor = Some(next.as_str().expect("a cursor").to_owned()),
            None => return pages,
        }
    }
}

fn pick(made: &[Value], numbers: &[usize]) -> Vec<Value> {
    numbers.iter().map(|&number| made[number].clone()).collect()
}

#[tokio::test]
async fn the_list_is_newest_first_and_the_cursor_visits_every_row_once() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let made = seven(&alice).await;
    let page = |numbers: &[usize]| pick(&made, numbers);

    assert_eq!(pages(&alice, &[]).await, [page(&[6, 5, 4, 3, 2, 1, 0])]);
    let threes = pages(&alice, &[("limit", "3")]).await;
    assert_eq!(threes, [page(&[6, 5, 4]), page(&[3, 2, 1]), page(&[0])]);
    let ones = pages(&alice, &[("limit", "1")]).await;
    assert_eq!(ones.concat(), page(&[6, 5, 4, 3, 2, 1, 0]));
}

#[tokio::test]
async fn the_event_filter_combined_with_limit_pages_correctly() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let made = seven(&alice).await;
    let page = |numbers: &[usize]| pick(&made, numbers);
    let active = pages(&alice, &[("limit", "2"), ("active", "true")]).await;
    assert_eq!(active, [page(&[6, 3]), page(&[0])]);
    let inactive = pages(&alice, &[("limit", "2"), ("active", "false")]).await;
    assert_eq!(inactive, [page(&[5, 4]), page(&[2, 1])]);
    let follows = pages(&alice, &[("limit", "3"), ("event", "follow")]).await;
    assert_eq!(follows, [page(&[6, 4, 2]), page(&[0])]);
    let both = pages(
        &alice,
        &[("limit", "1"), ("event", "follow"), ("active", "true")],
    )
    .await;
    assert_eq!(both, [page(&[6]), page(&[0])]);
    assert_eq!(pages(&alice, &[("event", "mention")]).await, [page(&[])]);
}

#[tokio::test]
async fn a_cursor_holds_when_rows_come_and_go() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let made = seven(&alice).await;
    let first = alice.query(LIST, &[("limit", "3")]).await.output();
    let cursor = first["cursor"].as_str().expect("a cursor");

    let gone = json!({ "id": made[4]["id"] });
    alice
        .procedure("place.stream.server.deleteWebhook", &gone)
        .await
        .output();
    create(
        &alice,
        json!({ "url": "https://hooks.example/new", "events": ["chat"] }),
    )
    .await;
    let rest = alice
        .query(LIST, &[("limit", "100"), ("cursor", cursor)])
        .await;
    rest.is(200, json!({ "webhooks": pick(&made, &[3, 2, 1, 0]) }));
}

#[tokio::test]
async fn limit_0_and_101_and_cursor_abc_are_400() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    for cursor in ["abc", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA*"] {
        let answer = alice.query(LIST, &[("cursor", cursor)]).await;
        answer.fails(
            400,
            "InvalidCursor",
            "Not a cursor that this method gave out.",
        );
    }
    let refused = [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "ten"),
        ("event", "raid"),
        // The published lexicon of the list does not have it, though webhooks can ask for it.
        ("event", "stream.received"),
        ("active", "yes"),
    ];
    for (name, value) in refused {
        let answer = alice.query(LIST, &[(name, value)]).await;
        let message = answer.body["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        answer.fails(400, "InvalidRequest", &message);
        assert!(message.contains(name), "{name}={value} answers {message}");
    }
}
