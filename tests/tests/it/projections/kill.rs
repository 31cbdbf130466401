//! `kill -9` at random moments: numbers stay without gaps, and states what a fold from scratch makes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use loggia_server::chance;
use loggia_server::config::Config;
use loggia_server::operator::{ApiClientId, NewClient, Operator};
use loggia_services::Postgres;
use serde_json::{Value, json};

use super::form::Form;
use crate::support::process::ServerProcess;
use crate::support::{Seed, http, is_long};

const REDUCER: &str = "if $event.data.amount % 3 == 0 then . else
    .total = ((.total // 0) + $event.data.amount) | .last = $event.version end";

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_states_and_numbers_survive() {
    survives(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_states_and_numbers_survive() {
    survives(&[("database_url", Postgres::database().await)]).await;
}

/// Calls of a client at a server that may be gone.
pub struct Api {
    pub port: u16,
    pub key: String,
    id: ApiClientId,
    client: reqwest::Client,
}

impl Api {
    /// A new client of a server on this data.
    pub async fn new(server: &ServerProcess, data: &Path, settings: &[(&str, String)]) -> Self {
        let operator = operator(data, settings).await;
        let new = NewClient {
            name: "an app".to_owned(),
            origins: Vec::new(),
            requests_per_minute: None,
        };
        let (made, key) = operator.create_client(new).await.expect("a client");
        operator.close().await;
        Self {
            port: server.port,
            key: key.as_str().to_owned(),
            id: made.id,
            client: http(),
        }
    }

    /// Revokes the key, as a command beside the server does.
    pub async fn revoke(&self, data: &Path, settings: &[(&str, String)]) {
        let operator = operator(data, settings).await;
        let revoked = operator.revoke_client(self.id).await;
        assert!(revoked.expect("runs"));
        operator.close().await;
    }

    /// The same client at another node.
    fn at(&self, port: u16) -> Self {
        Self {
            port,
            key: self.key.clone(),
            id: self.id,
            client: http(),
        }
    }

    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Option<(u16, Value)> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let method = method.parse().expect("a method");
        let mut request = self
            .client
            .request(method, url)
            .header("x-api-key", &self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await.expect("answers");
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Uploads the reducer; the projection's id.
    pub async fn upload(&self) -> String {
        let form = Form::new().part("file", Some("a.jq"), REDUCER);
        let (kind, body) = form.end();
        let url = format!("http://127.0.0.1:{}/projections/upload", self.port);
        let request = self.client.post(url).header("x-api-key", &self.key);
        let answer = request.header("content-type", kind).body(body).send().await;
        let answer: Value = answer.expect("answers").json().await.expect("JSON");
        super::id(&answer)
    }
}

async fn operator(data: &Path, settings: &[(&str, String)]) -> Operator {
    let mut config = Config::defaults();
    config.data = data.to_owned();
    if let [(_, url), ..] = settings {
        config.database = Some(url.parse().expect("a location"));
    }
    let shared = settings.get(1).map(|(_, key)| key.clone());
    let opened = Operator::open(&config, shared.as_deref()).await;
    opened.expect("opens")
}

async fn survives(settings: &[(&str, String)]) {
    let rounds = if is_long() { 20 } else { 6 };
    let mut seed = Seed::of_this_run();
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut server = ServerProcess::start(data.path(), settings).await;
    let api = Api::new(&server, data.path(), settings).await;
    let id = api.upload().await;
    for _ in 0..rounds {
        let appending = append(&api, &mut seed);
        let wait = tokio::time::sleep(Duration::from_millis(400));
        tokio::select! {
            () = appending => {}
            () = wait => {}
        }
        server.kill();
        server.spawn_again();
        server.ready().await;
    }
    check(&api, &id).await;
}

/// Holds that everything was told that a fold from scratch makes, once and without gaps.
async fn check(api: &Api, id: &str) {
    let expected = expected(api).await;
    let told = told(api, id, expected.len()).await;
    let got: Vec<_> = told
        .iter()
        .map(|told| (told["triggeredBy"].clone(), told["state"].clone()))
        .collect();
    let mut wanted = expected.clone();
    let mut sorted = got.clone();
    wanted.sort_by_key(|(event, _)| event.to_string());
    sorted.sort_by_key(|(event, _)| event.to_string());
    assert_eq!(sorted, wanted);
    for (place, told) in (1..).zip(&told) {
        assert_eq!(told["sequence"], place, "no gap");
    }
}

/// Appends batches of random size, until it is cut off.
async fn append(api: &Api, seed: &mut Seed) {
    loop {
        let body = Some(batch(seed));
        if api.call("POST", "/events/batch", body).await.is_none() {
            return;
        }
    }
}

/// Events of random aggregates.
fn batch(seed: &mut Seed) -> Value {
    let events = (0..=seed.below(20)).map(|_| {
        json!({
            "aggregateId": format!("order_{}", seed.below(4)),
            "eventType": "changed",
            "data": { "amount": seed.below(10) },
        })
    });
    json!({ "events": events.collect::<Vec<_>>() })
}

/// Settings of nodes that share a new PostgreSQL database.
pub async fn settings_of_nodes() -> [(&'static str, String); 2] {
    let key = BASE64_STANDARD.encode(chance::bytes::<32>());
    [
        ("database_url", Postgres::database().await),
        ("master_key", key),
    ]
}

/// Two nodes append to the same aggregates of many histories, and both fold them.
#[tokio::test(flavor = "multi_thread")]
async fn histories_that_two_nodes_append_to_have_no_gaps() {
    let (histories, batches) = if is_long() { (24, 60) } else { (6, 15) };
    let mut seed = Seed::of_this_run();
    let settings = settings_of_nodes().await;
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let here = ServerProcess::start(folders[0].path(), &settings).await;
    let there = ServerProcess::start(folders[1].path(), &settings).await;
    for _ in 0..histories {
        let api = Api::new(&here, folders[0].path(), &settings).await;
        let other = api.at(there.port);
        let id = api.upload().await;
        let calls = (0..batches).map(|number| {
            let at = if number % 2 == 0 { &api } else { &other };
            let body = batch(&mut seed);
            async move {
                let appended = at.call("POST", "/events/batch", Some(body)).await;
                assert_eq!(appended.expect("answers").0, 201);
            }
        });
        let calls: Vec<_> = calls.collect();
        futures_util::future::join_all(calls).await;
        check(&api, &id).await;
        // Both nodes tell the same.
        let count = told(&api, &id, 0).await.len();
        assert_eq!(told(&other, &id, count).await, told(&api, &id, count).await);
    }
}

/// What a fold from scratch makes of the history: the events that change a state, and what it is then.
async fn expected(api: &Api) -> Vec<(Value, Value)> {
    let mut expected = Vec::new();
    for aggregate in 0..4 {
        let mut after = 0;
        let mut state: BTreeMap<&str, Value> = BTreeMap::new();
        loop {
            let path = format!("/events/order_{aggregate}?afterVersion={after}");
            let page = api.get(&path).await;
            for event in page["events"].as_array().expect("a list") {
                let amount = event["data"]["amount"].as_i64().expect("a number");
                assert_eq!(event["version"], after + 1, "no gap");
                after += 1;
                if amount % 3 != 0 {
                    let before = state.get("total").and_then(Value::as_i64).unwrap_or(0);
                    state.insert("total", json!(before + amount));
                    state.insert("last", json!(after));
                    expected.push((event["eventId"].clone(), json!(state)));
                }
            }
            if page["nextAfterVersion"].is_null() {
                break;
            }
        }
    }
    expected
}

async fn told(api: &Api, id: &str, count: usize) -> Vec<Value> {
    let started = std::time::Instant::now();
    let mut told: Vec<Value> = Vec::new();
    loop {
        let path = format!(
            "/projections/{id}/notifications?afterSequence={}",
            told.len()
        );
        let page = api.get(&path).await;
        let page = page["notifications"].as_array().expect("a list").clone();
        let is_empty = page.is_empty();
        told.extend(page);
        if is_empty && told.len() >= count {
            return told;
        }
        assert!(
            started.elapsed() < super::PATIENCE,
            "{} of {count}",
            told.len()
        );
        if is_empty {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
