//! `X-Client-Key`: which app calls.

use loggia_server::api_clients::ClientKeys;
use loggia_server::operator::{ApiClientId, NewClient};

use crate::support::{Answer, TestServer};

const DESCRIBE: &str = "dev.loggia.server.describeServer";

const INVALID: (u16, &str, &str) = (
    401,
    "InvalidClientKey",
    "the X-Client-Key is not one of this server, or was revoked",
);
const REQUIRED: (u16, &str, &str) = (
    401,
    "ClientKeyRequired",
    "this server needs an X-Client-Key: ask its operator for one",
);
const ORIGIN: (u16, &str, &str) = (
    403,
    "OriginNotAllowed",
    "this X-Client-Key is not for web pages of this origin: its operator can allow origins when \
     making a key",
);

async fn server(keys: ClientKeys) -> TestServer {
    TestServer::start_with(|config| config.client_keys = keys).await
}

/// Makes a client; its id and its key.
async fn client(
    server: &TestServer,
    origins: &[&str],
    calls: Option<u32>,
) -> (ApiClientId, String) {
    let operator = server.operator().await;
    let new = NewClient {
        name: "an app".to_owned(),
        origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        requests_per_minute: calls,
    };
    let (client, key) = operator.create_client(new).await.expect("a client");
    operator.close().await;
    (client.id, key.as_str().to_owned())
}

async fn describe(server: &TestServer, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.call(DESCRIBE, &[], None);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request).await
}

#[track_caller]
fn refused(answer: &Answer, (status, error, message): (u16, &str, &str)) {
    answer.fails(status, error, message);
    let challenge = match status {
        401 => r#"ClientKey header="X-Client-Key""#,
        _ => "",
    };
    assert_eq!(answer.header("www-authenticate"), challenge);
}

#[tokio::test]
async fn a_key_may_be_sent_and_then_must_be_good() {
    let server = server(ClientKeys::Optional).await;
    let (_, key) = client(&server, &[], None).await;
    describe(&server, &[]).await.output();
    describe(&server, &[("x-client-key", &key)]).await.output();
    let other = "lgk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for bad in ["", "x", &key[4..], &format!("{key}A"), other] {
        refused(&describe(&server, &[("x-client-key", bad)]).await, INVALID);
    }
    let twice = [("x-client-key", key.as_str()), ("x-client-key", &key)];
    let said = "the X-Client-Key is sent more than once: send it once";
    refused(
        &describe(&server, &twice).await,
        (INVALID.0, INVALID.1, said),
    );
}

#[tokio::test]
async fn a_key_can_be_demanded_of_everybody() {
    let server = server(ClientKeys::Required).await;
    let (_, key) = client(&server, &[], None).await;
    refused(&describe(&server, &[]).await, REQUIRED);
    describe(&server, &[("x-client-key", &key)]).await.output();
    // Health and documents are for everybody.
    assert_eq!(server.get("/xrpc/_health").await.status, 200);
    let host = format!("localhost:{}", server.port());
    server.get_as(&host, "/.well-known/did.json").await.output();
}

#[tokio::test]
async fn keys_can_be_off() {
    let server = server(ClientKeys::Off).await;
    describe(&server, &[("x-client-key", "x")]).await.output();
}

#[tokio::test]
async fn pages_of_other_origins_cannot_use_a_key() {
    let server = server(ClientKeys::Optional).await;
    let (_, page) = client(&server, &["https://app.example"], None).await;
    let (_, program) = client(&server, &[], None).await;
    let from = async |key: &str, origin: &str| {
        describe(&server, &[("x-client-key", key), ("origin", origin)]).await
    };
    let allowed = from(&page, "https://app.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "*");
    allowed.output();
    for origin in ["https://evil.example", "http://app.example", "null", ""] {
        refused(&from(&page, origin).await, ORIGIN);
    }
    refused(&from(&program, "https://app.example").await, ORIGIN);
    // What is no web page says no origin.
    describe(&server, &[("x-client-key", &page)]).await.output();
    // Without a key, origins are nobody's concern.
    let open = describe(&server, &[("origin", "https://evil.example")]).await;
    open.output();
}

#[tokio::test]
async fn a_client_has_a_limit_of_its_own() {
    let server = server(ClientKeys::Optional).await;
    let (_, first) = client(&server, &[], Some(2)).await;
    let (_, second) = client(&server, &[], Some(2)).await;
    let call = async |key: &str| {
        let answer = describe(&server, &[("x-client-key", key)]).await;
        (answer.status, answer.header("ratelimit-policy").to_owned())
    };
    let policy = || "2;w=60".to_owned();
    // Three calls may fall into two windows, five into three at most; one is refused in any case.
    let mut refused = 0;
    for _ in 0..6 {
        let (status, answered) = call(&first).await;
        assert_eq!(answered, policy());
        refused += usize::from(status == 429);
    }
    assert!(refused >= 2, "{refused}");
    assert_eq!(call(&second).await, (200, policy()), "another client");
    assert_eq!(
        describe(&server, &[]).await.header("ratelimit-limit"),
        "3000"
    );
}

#[tokio::test]
async fn a_revoked_key_is_worth_nothing_from_the_next_call_on() {
    let server = server(ClientKeys::Optional).await;
    let (id, key) = client(&server, &[], None).await;
    describe(&server, &[("x-client-key", &key)]).await.output();
    let operator = server.operator().await;
    assert!(operator.revoke_client(id).await.expect("revoked"));
    refused(&describe(&server, &[("x-client-key", &key)]).await, INVALID);
}
