//! `loggia listen`: a receiver that shows what arrives, for building against webhooks.
//!
//! It verifies Standard Webhooks signatures and can be told to refuse, to fail a number of times
//! first, or to be slow, so that a sender's retries can be watched.

mod laid_out;

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use jiff::Timestamp;
use loggia_delivery::signature::{Signed, TOLERANCE};
use loggia_delivery::{Clock, Notification, Secret, SystemClock};
use tokio::net::TcpListener;

use laid_out::laid_out;

/// How the receiver behaves.
pub struct ListenSettings {
    /// The secrets that a signature may be made with; several during a rotation.
    pub secrets: Vec<Secret>,
    /// The HTTP status of an answer.
    pub status: u16,
    /// This many requests are answered 500 before the first one gets [`ListenSettings::status`].
    pub fail: u32,
    /// How long to wait before answering.
    pub delay: Duration,
    /// Where what arrives is shown.
    pub show: Box<dyn Fn(&str) + Send + Sync>,
}

/// Receives until the process ends.
///
/// # Errors
/// The address cannot be listened on, or the status is not one of HTTP.
pub async fn listen(address: SocketAddr, settings: ListenSettings) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    (settings.show)(&format!(
        "listening on http://{}, any path",
        listener.local_addr()?
    ));
    axum::serve(listener, router(settings)?).await
}

struct Receiver {
    status: StatusCode,
    settings: ListenSettings,
    failures_left: AtomicU32,
}

/// The receiver as a router, for any path and method.
///
/// # Errors
/// The status is not one of HTTP.
pub fn router(settings: ListenSettings) -> io::Result<Router> {
    let status = StatusCode::from_u16(settings.status).map_err(io::Error::other)?;
    let failures_left = AtomicU32::new(settings.fail);
    let receiver = Receiver {
        status,
        settings,
        failures_left,
    };
    Ok(Router::new()
        .fallback(receive)
        .layer(DefaultBodyLimit::max(Notification::MAX_BODY))
        .with_state(Arc::new(receiver)))
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> StatusCode {
    let now = SystemClock.now();
    let mut text = format!("\n{now:.0}  {method} {uri}\n");
    show_headers(&mut text, &headers);
    let status = match body {
        Ok(body) => {
            text.push_str(&signature_line(
                &receiver.settings.secrets,
                &headers,
                &body,
                now,
            ));
            show_body(&mut text, &body);
            receiver.status()
        }
        Err(rejection) => {
            text.push_str(&format!("  body not read: {}\n", rejection.body_text()));
            rejection.status()
        }
    };
    text.push_str(&format!("  answered {status}\n"));
    tokio::time::sleep(receiver.settings.delay).await;
    (receiver.settings.show)(&text);
    status
}

impl Receiver {
    /// What to answer to a request that arrived whole.
    fn status(&self) -> StatusCode {
        let count_down = |left: u32| left.checked_sub(1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        match self.failures_left.fetch_update(set, fetch, count_down) {
            Ok(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Err(_) => self.status,
        }
    }
}

fn show_headers(text: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        writeln!(text, "  {name}: {}", printable(&value)).expect("a String takes any text");
    }
}

/// Says whether the signature holds, and why not.
fn signature_line(secrets: &[Secret], headers: &HeaderMap, body: &[u8], now: Timestamp) -> String {
    if secrets.is_empty() {
        return "  signature not checked: no --secret was given\n".to_owned();
    }
    let signed = Signed::find(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    match signed.and_then(|signed| signed.verify(body, secrets, now, TOLERANCE)) {
        Ok(verified) if secrets.len() > 1 => {
            let (which, all) = (verified.secret + 1, secrets.len());
            format!("  signature verified, by secret {which} of {all}\n")
        }
        Ok(_) => "  signature verified\n".to_owned(),
        Err(error) => format!("  SIGNATURE WRONG: {error}\n"),
    }
}

/// JSON is laid out; anything else is shown as it is, without control characters.
fn show_body(text: &mut String, body: &[u8]) {
    let shown = laid_out(body).unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    for line in shown.lines() {
        writeln!(text, "  {}", printable(line)).expect("a String takes any text");
    }
}

/// A sender must not be able to steer the terminal.
fn printable(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
