//! Projections as their clients see them: uploads, events, and the three ways out.
//!
//! What receivers of Hapnd's notifications were promised, and the test of each promise:
//!
//! - the secret in the answer to an upload, shared or isolated:
//!   [`promises::an_upload_shows_the_secret_that_projections_share_or_one_of_its_own`]
//! - one POST for each change, numbered without gaps, and its delivery id:
//!   [`promises::each_change_of_a_state_is_one_post_with_the_next_number`]
//! - the signature: [`promises::a_signature_verifies_with_openssl_over_the_raw_body_with_the_whole_secret`]
//! - custom headers, ten at most, none of ours:
//!   [`promises::custom_headers_arrive_and_cannot_take_the_place_of_ours`]
//! - five attempts with growing gaps, then the dead letters:
//!   [`attempts::a_receiver_that_always_fails_sees_five_attempts_with_growing_gaps_and_then_nothing`]
//! - ten seconds, and any 2xx: [`attempts::a_receiver_that_is_slower_than_the_limit_has_failed`],
//!   [`promises::a_failed_attempt_is_made_again_under_the_same_name_and_any_2xx_ends_it`]
//! - polling: [`promises::polling_gives_what_comes_after_a_number_whether_or_not_webhooks_arrive`]
//! - rotation: [`promises::a_rotated_secret_signs_for_those_that_share_it_or_for_one_alone`],
//!   [`attempts::after_a_rotation_receivers_that_know_either_secret_lose_nothing`]
//! - streams that go on: [`socket::a_client_that_comes_back_gets_exactly_what_it_missed`]
//! - a week of the log, and replay:
//!   [`promises::what_is_older_than_a_week_is_archived_and_made_again_by_reactivation`]

mod attempts;
mod clients;
mod fed;
mod form;
mod keeping;
mod kill;
mod managing;
mod methods;
mod parking;
mod promises;
mod seed;
mod socket;
mod sources;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use loggia_server::operator::{ApiClientId, NewClient};
use loggia_storage::{Location, MasterKey, Storage};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::{Answer, TestServer};
use form::Form;

/// Longer than anything takes here, so that only what never comes fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A reducer that adds up, and leaves the state as it is for what is nothing.
pub const TOTAL: &str = "if $event.data.amount == 0 then . else
    .total = ((.total // 0) + $event.data.amount) | .count = ((.count // 0) + 1) end";

/// A client of a server, with a key of its own.
pub struct Client<'a> {
    pub server: &'a TestServer,
    pub client: ApiClientId,
    pub key: String,
}

impl<'a> Client<'a> {
    pub async fn new(server: &'a TestServer) -> Self {
        Self::with_quota(server, None).await
    }

    /// One that has so many calls a minute.
    pub async fn with_quota(server: &'a TestServer, calls: Option<u32>) -> Self {
        let operator = server.operator().await;
        let new = NewClient {
            name: "an app".to_owned(),
            origins: Vec::new(),
            requests_per_minute: calls,
        };
        let (client, key) = operator.create_client(new).await.expect("a client");
        operator.close().await;
        Self {
            server,
            client: client.id,
            key: key.as_str().to_owned(),
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.server
            .send(request.header("x-api-key", &self.key))
            .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = self.server.request(reqwest::Method::GET, path);
        self.send(request).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.server.post(path).json(body)).await
    }

    /// Uploads a configuration with a program.
    pub async fn upload(&self, config: &Value, program: Option<&str>) -> Answer {
        let mut form = Form::new().part("config", None, &config.to_string());
        if let Some(program) = program {
            form = form.part("file", Some("reducer.jq"), program);
        }
        self.send_form(form).await
    }

    /// Uploads a form.
    pub async fn send_form(&self, form: Form) -> Answer {
        let (kind, body) = form.end();
        let request = self.server.post("/projections/upload");
        self.send(request.header("content-type", kind).body(body))
            .await
    }

    /// Uploads something new that holds; its answer.
    pub async fn make(&self, config: &Value, program: Option<&str>) -> Value {
        let answer = self.upload(config, program).await;
        assert_eq!(answer.status, 201, "{answer:#?}");
        answer.body
    }

    /// Appends an event of an order.
    pub async fn order(&self, aggregate: &str, amount: i64) -> Value {
        let event = json!({
            "aggregateId": aggregate,
            "eventType": "order_placed",
            "data": { "amount": amount },
        });
        let answer = self.post("/events", &event).await;
        assert_eq!(answer.status, 201, "{answer:#?}");
        answer.body
    }

    /// The notifications after a number.
    pub async fn notifications(&self, id: &str, after: i64) -> Vec<Value> {
        let path = format!("/projections/{id}/notifications?afterSequence={after}");
        let mut body = self.get(&path).await.output();
        serde_json::from_value(body["notifications"].take()).expect("a list")
    }

    /// The same once there are so many.
    pub async fn notified(&self, id: &str, after: i64, count: usize) -> Vec<Value> {
        let started = std::time::Instant::now();
        loop {
            let found = self.notifications(id, after).await;
            if found.len() >= count {
                return found;
            }
            assert!(started.elapsed() < PATIENCE, "only {found:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The id of an upload's answer.
pub fn id(uploaded: &Value) -> String {
    uploaded["projectionId"].as_str().expect("an id").to_owned()
}

/// The store of a server that runs.
pub async fn store(server: &TestServer) -> Storage {
    let key = std::fs::read_to_string(server.data().join("master.key")).expect("a key");
    let key = STANDARD.decode(key.trim()).expect("base64");
    let key = MasterKey::new(key.try_into().expect("32 bytes"));
    let location = Location::file(server.data().join("loggia.db"));
    Storage::join(&location, &key).await.expect("joins")
}
