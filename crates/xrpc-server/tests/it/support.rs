//! A server for one test, and answers written down whole.

pub mod client;
pub mod lexicons;

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use loggia_xrpc_server::{ServeSettings, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use client::{Outgoing, Response};

/// A running server; stopped when dropped.
pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub async fn start(router: Router) -> Self {
        Self::start_with(router, ServeSettings::default()).await
    }

    pub async fn start_with(router: Router, settings: ServeSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, router, settings, async move {
            // Dropping the sender stops the server as well.
            match stopped.await {
                Ok(()) | Err(_) => {}
            }
        }));
        Self {
            address,
            stop: Some(stop),
            served,
        }
    }

    /// Begins the shutdown.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).expect("the server runs");
        }
    }

    /// Begins the shutdown and waits for its end.
    pub async fn stopped(mut self) {
        self.stop();
        self.served
            .await
            .expect("the server does not panic")
            .expect("the server ends well");
    }

    pub fn request(&self, verb: &str, path: &str) -> Outgoing {
        Outgoing::new(self.address, verb, path).header("x-request-id", "r1")
    }

    pub fn get(&self, path: &str) -> Outgoing {
        self.request("GET", path)
    }

    pub fn post(&self, nsid: &str) -> Outgoing {
        self.request("POST", &format!("/xrpc/{nsid}"))
    }

    pub fn post_json(&self, nsid: &str, json: &str) -> Outgoing {
        self.post(nsid)
            .header("content-type", "application/json")
            .body(json.to_owned())
    }
}

/// Status, headers and body as text; without what changes and without what every answer has
/// (which [`whole`] shows).
pub async fn answer(request: Outgoing) -> String {
    print(
        send(request).await,
        &[
            "access-control-allow-origin",
            "access-control-expose-headers",
            "x-request-id",
        ],
    )
    .await
}

/// Status, headers and body as text, without `date`.
pub async fn whole(request: Outgoing) -> String {
    print(send(request).await, &[]).await
}

pub async fn send(request: Outgoing) -> Response {
    request.send().await.expect("an answer")
}

async fn print(response: Response, without: &[&str]) -> String {
    let mut text = response.status().as_u16().to_string();
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .filter(|(name, _)| *name != "date" && !without.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    for header in headers {
        text.push('\n');
        text.push_str(&header);
    }
    text.push_str("\n\n");
    text.push_str(&response.text().await.expect("a body to its end"));
    text
}

/// An error answer as [`answer`] prints it.
pub fn error(status: u16, name: &str, message: &str) -> String {
    error_with(status, &[], name, message)
}

/// An error answer with more headers than every error has.
pub fn error_with(status: u16, headers: &[&str], name: &str, message: &str) -> String {
    let body = serde_json::json!({ "error": name, "message": message });
    // The envelope's order.
    let body = format!(
        "{{\"error\":{},\"message\":{}}}",
        body["error"], body["message"]
    );
    let length = format!("content-length: {}", body.len());
    let mut lines = vec![length.as_str(), "content-type: application/json"];
    lines.extend(headers);
    lines.sort_unstable();
    format!("{status}\n{}\n\n{body}", lines.join("\n"))
}

/// Gives up after ten seconds, so that a test that would hang says which it is.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(10), future)
        .await
        .expect("this happens soon")
}
