//! How a published server proves to authorization servers that it is itself.

use loggia_auth::SigningKey;
use loggia_auth::jws::Compact;
use loggia_auth::key::LowS;
use loggia_delivery::{Clock, SystemClock};
use loggia_server::login::oauth::{Client, Exchange, Push, thumbprint};
use loggia_xrpc_client::{AddressGuard, ClientSettings, GuardedClient};
use serde_json::{Value, json};

use crate::support::Provider;

const ID: &str = "https://hub.example/oauth/client-metadata.json";

#[tokio::test]
async fn every_request_has_an_assertion_of_its_own() {
    let provider = Provider::start().await;
    provider.now().metadata =
        json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] });
    let settings = ClientSettings {
        guard: AddressGuard::new().allow_loopback(true),
        ..ClientSettings::default()
    };
    let exchange = Exchange::new(GuardedClient::new(settings).expect("a client"));
    let [key, dpop] = [(); 2].map(|()| SigningKey::generate_p256().expect("a key"));
    let (public, kid) = (key.public().clone(), thumbprint(&key));
    let client = Client::published("https://hub.example", key);
    let server = exchange.find_server(&provider.origin, &client).await;
    let server = server.expect("it fits the profile");
    let now = SystemClock.now();
    let push = Push {
        state: "state",
        challenge: "challenge",
        login_hint: &provider.did,
    };
    exchange
        .push(&server, &client, &dpop, &push, now)
        .await
        .expect("pushed");
    let redeemed = exchange.redeem(&server, &client, &dpop, ("code", "verifier"), now);
    redeemed.await.expect("tokens");

    let mut ids = Vec::new();
    for endpoint in ["par", "token"] {
        let form = provider.forms(endpoint).pop().expect("a form");
        assert_eq!(form["client_id"], ID);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(form["client_assertion_type"], kind);
        let assertion = Compact::parse(&form["client_assertion"]).expect("a token");
        assert!(assertion.verify(&public, LowS::Required).is_ok());
        assert_eq!(assertion.header().kid.as_ref(), Some(&kid));
        let claims: Value = assertion.claims().expect("claims");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(ID), &json!(ID)));
        assert_eq!(claims["aud"], provider.origin);
        ids.push(claims["jti"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_server_that_takes_public_clients_alone_is_not_used() {
    let provider = Provider::start().await;
    let settings = ClientSettings {
        guard: AddressGuard::new().allow_loopback(true),
        ..ClientSettings::default()
    };
    let exchange = Exchange::new(GuardedClient::new(settings).expect("a client"));
    let key = SigningKey::generate_p256().expect("a key");
    let client = Client::published("https://hub.example", key);
    let found = exchange.find_server(&provider.origin, &client).await;
    let text = format!("{:?}", found.expect_err("it would refuse us"));
    assert!(text.contains("private_key_jwt"), "{text}");
}
