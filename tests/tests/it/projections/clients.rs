//! The examples of clients, as they stand: they follow a projection through losses of the connection.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::PATIENCE;
use super::kill::Api;
use crate::support::process::ServerProcess;
use crate::support::typescript::Programs;

/// Ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("it can be stopped");
        self.0.wait().expect("it ends");
    }
}

/// Starts a client; what it says, line by line.
fn start(mut command: Command) -> (Running, mpsc::UnboundedReceiver<String>) {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let said = BufReader::new(child.stdout.take().expect("piped above"));
    let (tell, told) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    (Running(child), told)
}

async fn follows_through_losses(command: impl FnOnce() -> Command) {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut server = ServerProcess::start(data.path(), &[]).await;
    let api = Api::new(&server, data.path(), &[]).await;
    let id = api.upload().await;
    let mut command = command();
    let url = format!("ws://127.0.0.1:{}", api.port);
    command.args([url.as_str(), &api.key, &id]);
    let (mut running, mut told) = start(command);
    let mut expected = 0;
    for round in 0..3 {
        if round > 0 {
            server.kill();
            // Long enough for it to be refused a connection, more than once.
            tokio::time::sleep(Duration::from_millis(2500)).await;
            server.spawn_again();
            server.ready().await;
        }
        for _ in 0..4 {
            let data = json!({ "amount": 1 });
            let event = json!({ "aggregateId": "order_1", "eventType": "paid", "data": data });
            let appended = api.call("POST", "/events", Some(event)).await;
            assert_eq!(appended.expect("answers").0, 201);
        }
        for _ in 0..4 {
            expected += 1;
            let line = tokio::time::timeout(PATIENCE, told.recv()).await;
            let line = line.expect("in time").expect("it runs");
            let told: Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(told["aggregateId"], "order_1", "{line}");
            assert_eq!(told["sequence"], expected, "{line}");
            assert_eq!(told["state"]["last"], expected, "{line}");
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(told.try_recv().is_err(), "nothing comes twice");
    let deleted = api
        .call("DELETE", &format!("/projections/{id}"), None)
        .await;
    assert_eq!(deleted.expect("answers").0, 200);
    // Its end is what the lines end with.
    assert_eq!(tokio::time::timeout(PATIENCE, told.recv()).await, Ok(None));
    let ended = running.0.wait().expect("it ends");
    assert_eq!(ended.code(), Some(1), "it does not try for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_in_typescript_goes_on_where_it_stood() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/projections/client.ts");
    let text = std::fs::read_to_string(example).expect("it is there");
    let programs = Programs::compile(&[("client", &text)]);
    follows_through_losses(|| programs.command("client")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_in_rust_goes_on_where_it_stood() {
    let program = env!("CARGO_BIN_EXE_projection-client-under-test");
    follows_through_losses(|| Command::new(program)).await;
}
