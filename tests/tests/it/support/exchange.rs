//! Token exchange as an app does it.

use jiff::Timestamp;
use loggia_auth::SigningKey;
use loggia_auth::dpop::{NewProof, Target, mint};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::{chance, token_exchange};
use reqwest::RequestBuilder;
use serde_json::Value;

use super::{Answer, TestServer};

/// The fields of a good request, but for the subject token.
pub const GRANT: (&str, &str) = (
    "grant_type",
    "urn:ietf:params:oauth:grant-type:token-exchange",
);
pub const TYPE: (&str, &str) = ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt");

/// An app with a key, which has been given a nonce or not yet.
pub struct App {
    pub key: SigningKey,
    pub nonce: Option<String>,
    /// Its `X-Client-Key`, which it sends to the token endpoint.
    pub client_key: Option<String>,
}

impl App {
    pub fn new() -> Self {
        Self {
            key: SigningKey::generate_p256().expect("the system has randomness"),
            nonce: None,
            client_key: None,
        }
    }

    /// An app that its server knows by this key.
    pub fn with_client_key(key: &str) -> Self {
        Self {
            client_key: Some(key.to_owned()),
            ..Self::new()
        }
    }

    /// A proof for the token endpoint of the development server on this port.
    pub fn proof(&self, server: &TestServer) -> String {
        let target = format!(
            "http://localhost:{}{}",
            server.port(),
            token_exchange::TOKEN_PATH
        );
        self.proof_for("POST", &target, None, SystemClock.now())
    }

    /// A proof for any request at any time.
    pub fn proof_for(
        &self,
        method: &str,
        target: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> String {
        let target = Target::parse(target).expect("a URL");
        let proof = NewProof {
            method,
            target: &target,
            token,
            nonce: self.nonce.as_deref(),
            now,
            id: chance::bytes(),
        };
        mint(&self.key, &proof).expect("a proof")
    }

    /// Sends a request, and keeps the nonce of the answer.
    pub async fn send(&mut self, server: &TestServer, request: RequestBuilder) -> Answer {
        let answer = server.send(request).await;
        let nonce = answer.header("dpop-nonce");
        assert!(!nonce.is_empty(), "every answer has a nonce: {answer:#?}");
        self.nonce = Some(nonce.to_owned());
        answer
    }

    /// Exchanges a token with these fields besides.
    pub async fn exchange(
        &mut self,
        server: &TestServer,
        subject_token: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let all = [&[GRANT, TYPE, ("subject_token", subject_token)], fields].concat();
        let mut request = post(server, &all).header("dpop", self.proof(server));
        if let Some(key) = &self.client_key {
            request = request.header("x-client-key", key);
        }
        self.send(server, request).await
    }

    /// A call with `Authorization: DPoP` and `DPoP`, and these headers besides.
    pub async fn call(
        &mut self,
        server: &TestServer,
        token: &str,
        (method, input): (&str, Option<&Value>),
        headers: &[(&str, &str)],
    ) -> Answer {
        let verb = if input.is_some() { "POST" } else { "GET" };
        let url = format!("http://localhost:{}/xrpc/{method}", server.port());
        let proof = self.proof_for(verb, &url, Some(token), SystemClock.now());
        let mut request = server
            .call(method, &[], input)
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(server, request).await
    }

    /// Asks for a nonce in the only way there is.
    pub async fn get_nonce(&mut self, server: &TestServer) {
        let answer = self.exchange(server, "none", &[]).await;
        assert_eq!(answer.body["error"], "use_dpop_nonce", "{answer:#?}");
    }
}

/// A request with these fields and no proof. Spaces and percent signs are the only characters that need
/// care.
pub fn post(server: &TestServer, fields: &[(&str, &str)]) -> RequestBuilder {
    let fields = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace('%', "%25").replace(' ', "+")));
    server
        .post(token_exchange::TOKEN_PATH)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(fields.collect::<Vec<_>>().join("&"))
}
