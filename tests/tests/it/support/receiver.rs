//! A receiver of deliveries.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use loggia_delivery::signature::{Signed, TOLERANCE};
use loggia_delivery::{Clock, Secret, SystemClock};
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;

/// Longer than the longest gap before a second retry, so that only what never comes fails.
const PATIENCE: Duration = Duration::from_secs(75);

/// Takes what is posted to it.
pub struct Receiver {
    pub url: String,
    arrived: mpsc::UnboundedReceiver<Arrival>,
}

/// A port that is taken, where nobody listens: connections are refused.
pub struct Closed {
    pub url: String,
    socket: TcpSocket,
}

/// One request that arrived.
#[derive(Debug)]
pub struct Arrival {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

type Arrivals = (Arc<Mutex<VecDeque<u16>>>, mpsc::UnboundedSender<Arrival>);

impl Receiver {
    /// Answers 204 to everything.
    pub fn start() -> Self {
        Closed::new().open(&[])
    }

    /// Answers these statuses first; 429 with the wish to be left alone for two seconds.
    pub fn answering(statuses: &[u16]) -> Self {
        Closed::new().open(statuses)
    }

    /// The next request, waited for.
    pub async fn next(&mut self) -> Arrival {
        let arrival = tokio::time::timeout(PATIENCE, self.arrived.recv()).await;
        arrival
            .expect("a delivery arrives in time")
            .expect("the receiver runs")
    }

    /// Holds that nothing arrived which was not looked at.
    #[track_caller]
    pub fn has_no_more(&mut self) {
        let more = self.arrived.try_recv().ok();
        assert!(more.is_none(), "one delivery too many: {more:?}");
    }
}

impl Closed {
    /// Takes a port.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .expect("a port");
        let mut closed = Self {
            url: String::new(),
            socket,
        };
        closed.url = format!("http://127.0.0.1:{}/hook", closed.port());
        closed
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.socket.local_addr().expect("an address").port()
    }

    /// Listens there from now on.
    pub fn open(self, statuses: &[u16]) -> Receiver {
        let listener = self.socket.listen(64).expect("a listener");
        let (sender, arrived) = mpsc::unbounded_channel();
        let statuses: VecDeque<u16> = statuses.iter().copied().collect();
        tokio::spawn(receive(listener, (Arc::new(Mutex::new(statuses)), sender)));
        Receiver {
            url: self.url,
            arrived,
        }
    }
}

async fn receive(listener: TcpListener, arrivals: Arrivals) {
    let router = Router::new().fallback(take).with_state(arrivals);
    axum::serve(listener, router)
        .await
        .expect("the receiver serves");
}

async fn take(
    State((statuses, sender)): State<Arrivals>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    let status = statuses
        .lock()
        .expect("nobody panics here")
        .pop_front()
        .unwrap_or(204);
    let arrival = Arrival {
        method,
        path: uri.path().to_owned(),
        headers,
        body,
    };
    // The test may have ended, which is no concern of the sender's.
    sender.send(arrival).unwrap_or_default();
    let mut answer = HeaderMap::new();
    if status == 429 {
        answer.insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    (StatusCode::from_u16(status).expect("a status"), answer)
}

impl Arrival {
    /// A header as text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {self:#?}"));
        value.to_str().expect("a text header")
    }

    /// Verifies the request as a receiver would, and gives its body.
    #[track_caller]
    pub fn verified(&self, secret: &str) -> Value {
        assert_eq!((&self.method, self.path.as_str()), (&Method::POST, "/hook"));
        assert_eq!(self.header("content-type"), "application/json");
        let secret = Secret::from_text(secret).expect("a secret");
        let signed = Signed::find(|name| Some(self.header(name))).expect("all three headers");
        let verified = signed.verify(&self.body, &[secret], SystemClock.now(), TOLERANCE);
        verified.unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        serde_json::from_slice(&self.body).expect("JSON")
    }
}
