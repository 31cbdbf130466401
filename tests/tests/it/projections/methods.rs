//! The same as methods of accounts, and events by either way.

use std::io::Cursor;

use futures_util::StreamExt as _;
use loggia_server::api_clients::ClientKeys;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Client, PATIENCE, TOTAL};
use crate::support::{Account, TestServer};

const SUBSCRIBE: &str = "dev.loggia.projection.subscribe";
const TAIL: &str = "dev.loggia.delivery.tail";

type Socket = WebSocketStream<TcpStream>;

/// Opens a subscription of an account, as somebody with a client's key or without.
async fn open(
    (server, account): (&TestServer, &Account<'_>),
    method: &str,
    query: &str,
    key: Option<&Client<'_>>,
) -> Socket {
    let address = format!("127.0.0.1:{}", server.port());
    let url = format!("ws://{address}/xrpc/{method}?{query}");
    let mut request = url.into_client_request().expect("a URL");
    let token = format!("Bearer {}", account.token(method));
    let headers = request.headers_mut();
    headers.insert("authorization", token.parse().expect("a header"));
    if let Some(client) = key {
        headers.insert("x-client-key", client.key.parse().expect("a header"));
    }
    let stream = TcpStream::connect(address).await.expect("connects");
    client_async(request, stream).await.expect("upgrades").0
}

/// What a stream says next, whole.
async fn said(socket: &mut Socket) -> Message {
    let message = tokio::time::timeout(PATIENCE, socket.next()).await;
    let message = message.expect("in time").expect("a frame");
    message.expect("a whole one")
}

/// Header and payload of the next frame.
async fn frame(socket: &mut Socket) -> (Value, Value) {
    let message = said(socket).await;
    let Message::Binary(bytes) = message else {
        panic!("{message:?}");
    };
    let mut rest = Cursor::new(&bytes[..]);
    let mut object =
        || -> Value { serde_ipld_dagcbor::de::from_reader_once(&mut rest).expect("DAG-CBOR") };
    (object(), object())
}

/// With what name and message a stream ends.
async fn ended(socket: &mut Socket) -> (String, String) {
    let (header, payload) = frame(socket).await;
    assert_eq!(header, json!({ "op": -1 }), "{payload}");
    let close = said(socket).await;
    let Message::Close(Some(close)) = close else {
        panic!("{close:?}");
    };
    assert_eq!(u16::from(close.code), 1008);
    let text = |name: &str| payload[name].as_str().expect("a text").to_owned();
    (text("error"), text("message"))
}

#[tokio::test]
async fn events_are_appended_and_listed_by_version() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let event = |expected: Option<i64>| {
        let mut event = json!({
            "aggregateId": "order-7",
            "eventType": "placed",
            "data": { "amount": 1.50 },
            "correlationId": "c",
            "metadata": { "by": "me" },
        });
        if let Some(expected) = expected {
            event["expectedVersion"] = expected.into();
        }
        event
    };
    let first = client.post("/events", &event(Some(0))).await;
    assert_eq!(first.status, 201, "{first:#?}");
    assert_eq!(
        (&first.body["aggregateType"], &first.body["version"]),
        (&json!("order"), &json!(1))
    );
    let conflict = client.post("/events", &event(Some(0))).await;
    assert_eq!(
        (conflict.status, &conflict.body["error"]),
        (409, &json!("VersionConflict"))
    );

    let batch = json!({ "aggregateId": "order-7", "expectedVersion": 1, "events": [
        { "eventType": "paid", "data": null },
        { "eventType": "sent", "data": [1] },
    ] });
    let second = client.post("/events/batch", &batch).await;
    assert_eq!(second.status, 201, "{second:#?}");
    assert_eq!(
        (&second.body["startVersion"], &second.body["endVersion"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(second.body["eventIds"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        client.post("/events/batch", &batch).await.status,
        409,
        "all or nothing"
    );

    let listed = client.get("/events/order-7").await.output();
    let types: Vec<_> = listed["events"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| {
            (
                event["version"].clone(),
                event["eventType"].clone(),
                event["data"].clone(),
            )
        })
        .collect();
    assert_eq!(
        types,
        [
            (json!(1), json!("placed"), json!({ "amount": 1.5 })),
            (json!(2), json!("paid"), json!(null)),
            (json!(3), json!("sent"), json!([1])),
        ]
    );
    assert_eq!(listed["events"][0]["metadata"], json!({ "by": "me" }));
    assert_eq!(
        client.get("/events/nothing").await.output(),
        json!({ "events": [] })
    );
    let stranger = Client::new(&server).await;
    assert_eq!(
        stranger.get("/events/order-7").await.output(),
        json!({ "events": [] })
    );
}

#[tokio::test]
async fn what_is_no_event_is_refused() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    for body in [
        json!({}),
        json!({ "aggregateId": "", "eventType": "x", "data": {} }),
        json!({ "aggregateId": "a\u{0}", "eventType": "x", "data": {} }),
        json!({ "aggregateId": "a", "eventType": "x" }),
        json!({ "aggregateId": "a", "eventType": "x", "data": "x".repeat(300_000) }),
        json!([]),
    ] {
        let answer = client.post("/events", &body).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (400, &json!("InvalidRequest"))
        );
    }
    let many =
        json!({ "events": vec![json!({ "aggregateId": "a", "eventType": "x", "data": 1 }); 101] });
    assert_eq!(client.post("/events/batch", &many).await.status, 400);
    let large = "x".repeat((1 << 20) + 100);
    let refused = [
        client.post("/events", &json!(large)).await,
        client.upload(&json!({}), Some(&large)).await,
    ];
    for refused in refused {
        let said = (refused.status, &refused.body["error"]);
        assert_eq!(said, (413, &json!("PayloadTooLarge")));
    }
    let unknown = server
        .post("/events")
        .header("x-api-key", "hpnd_x")
        .json(&json!({}));
    assert_eq!(server.send(unknown).await.body["error"], "InvalidClientKey");
    let nobody = server.post("/events").json(&json!({}));
    assert_eq!(server.send(nobody).await.body["error"], "ClientKeyRequired");
}

#[tokio::test]
async fn accounts_put_list_and_delete_projections_of_their_own() {
    let server = TestServer::start().await;
    let (alice, mallory) = (server.account("alice"), server.account("mallory"));
    let input = json!({
        "name": "orders",
        "reducer": TOTAL,
        "selection": { "types": ["order_placed"] },
        "webhook": { "url": "https://hooks.example.com/a", "isolateSecret": true },
    });
    let put = alice
        .procedure("dev.loggia.projection.put", &input)
        .await
        .output();
    assert!(
        put["secret"]
            .as_str()
            .is_some_and(|text| text.starts_with("whsec_"))
    );
    let made = put["projection"].clone();
    assert_eq!(made["webhook"], "https://hooks.example.com/a");
    assert_eq!(
        (&made["isolated"], &made["status"]),
        (&json!(true), &json!("active"))
    );
    let id = made["id"].as_str().expect("an id");
    let found = alice
        .query("dev.loggia.projection.get", &[("id", id)])
        .await
        .output();
    assert_eq!(found["projection"], made);
    let listed = alice
        .query("dev.loggia.projection.list", &[])
        .await
        .output();
    assert_eq!(listed, json!({ "projections": [made] }));

    let rotated = alice
        .procedure("dev.loggia.projection.rotateSecret", &json!({ "id": id }))
        .await;
    assert_ne!(rotated.output()["secret"], put["secret"]);
    let theirs = mallory
        .query("dev.loggia.projection.get", &[("id", id)])
        .await;
    assert_eq!(
        (theirs.status, &theirs.body["error"]),
        (404, &json!("NotFound"))
    );
    for method in ["delete", "reactivate", "rotateSecret"] {
        let nsid = format!("dev.loggia.projection.{method}");
        let answer = mallory.procedure(&nsid, &json!({ "id": id })).await;
        assert_eq!(answer.status, 404, "{method}");
    }
    let without = json!({ "id": id, "reducer": TOTAL });
    let put = alice
        .procedure("dev.loggia.projection.put", &without)
        .await
        .output();
    assert!(put["projection"]["webhook"].is_null() && put["secret"].is_null());
    let deleted = alice
        .procedure("dev.loggia.projection.delete", &json!({ "id": id }))
        .await;
    deleted.output();
    let gone = alice
        .query("dev.loggia.projection.get", &[("id", id)])
        .await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn a_subscription_goes_on_after_a_cursor() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let put = alice
        .procedure("dev.loggia.projection.put", &json!({ "reducer": TOTAL }))
        .await;
    let id = put.output()["projection"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let order = async |amount: i64| {
        let event = json!({
            "aggregateId": "order_1", "eventType": "order_placed",
            "data": json!({ "amount": amount }).to_string(),
        });
        let input = json!({ "events": [event] });
        alice
            .procedure("dev.loggia.event.appendBatch", &input)
            .await
            .output();
    };
    for amount in 1..=3 {
        order(amount).await;
    }
    loop {
        let found = alice
            .query("dev.loggia.projection.get", &[("id", &id)])
            .await
            .output();
        if found["projection"]["sequence"] == 3 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut socket = open(
        (&server, &alice),
        SUBSCRIBE,
        &format!("id={id}&cursor=1"),
        None,
    )
    .await;
    order(4).await;
    for expected in 2..=4 {
        let (header, payload) = frame(&mut socket).await;
        assert_eq!(header["t"], "#stateChanged", "{payload}");
        assert_eq!(
            (&payload["seq"], &payload["notification"]["sequence"]),
            (&json!(expected), &json!(expected))
        );
    }
}

#[tokio::test]
async fn subscriptions_end_when_their_projection_is_deleted_or_their_key_revoked() {
    let server = TestServer::start_with(|config| config.client_keys = ClientKeys::Optional).await;
    let alice = server.account("alice");
    let (client, other) = (Client::new(&server).await, Client::new(&server).await);
    let put = async || {
        let input = json!({ "reducer": TOTAL });
        let put = alice.procedure("dev.loggia.projection.put", &input).await;
        let id = put.output()["projection"]["id"].take();
        id.as_str().expect("an id").to_owned()
    };
    let (gone, stays) = (put().await, put().await);
    let [of_gone, of_stays] = [&gone, &stays].map(|id| format!("id={id}&cursor=0"));
    let by = (&server, &alice);
    let mut deleted = open(by, SUBSCRIBE, &of_gone, Some(&client)).await;
    let mut revoked = [
        open(by, SUBSCRIBE, &of_stays, Some(&client)).await,
        open(by, TAIL, "", Some(&client)).await,
    ];
    let mut going_on = [
        open(by, SUBSCRIBE, &of_stays, Some(&other)).await,
        open(by, SUBSCRIBE, &of_stays, None).await,
    ];
    let input = json!({ "id": gone });
    let delete = alice.procedure("dev.loggia.projection.delete", &input);
    delete.await.output();
    let (error, _) = ended(&mut deleted).await;
    assert_eq!(error, "NotFound");

    let operator = server.operator().await;
    let done = operator.revoke_client(client.client).await;
    assert!(done.expect("runs"));
    operator.close().await;
    let told = ("InvalidClientKey", "the key was revoked");
    for socket in &mut revoked {
        let (error, message) = ended(socket).await;
        assert_eq!((error.as_str(), message.as_str()), told);
    }
    let event = json!({ "event": {
        "aggregateId": "order_1", "eventType": "order_placed",
        "data": json!({ "amount": 1 }).to_string(),
    } });
    let appended = alice.procedure("dev.loggia.event.append", &event).await;
    appended.output();
    for socket in &mut going_on {
        let (header, payload) = frame(socket).await;
        assert_eq!(
            (&header["t"], &payload["seq"]),
            (&json!("#stateChanged"), &json!(1))
        );
    }
}
