//! A receiver that keeps count of what arrives.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use tokio::net::TcpListener;

use super::Arrival;

/// Longer than the longest gap before a second retry, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a receiver is.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Answers at once.
    Prompt,
    /// Takes 20 ms, and has it by then.
    Slow,
    /// Says 503 at the first sight of every seventh.
    Moody,
}

/// Takes what is posted to it and keeps it.
pub struct Tally {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    manner: Manner,
    /// Which round it is, for all receivers of a test.
    round: Arc<AtomicUsize>,
    /// By their ids.
    seen: Mutex<HashSet<String>>,
    taken: Mutex<Vec<Taken>>,
}

/// An arrival that was answered with 204.
pub struct Taken {
    pub arrival: Arrival,
    /// In which round it arrived.
    pub round: usize,
}

/// A receiver's part in the life of one notification.
#[derive(Debug, Default)]
pub struct Heard {
    /// The ids that it came under; one, if all is well.
    pub ids: HashSet<String>,
    /// In which rounds it arrived, once for each time.
    pub rounds: Vec<usize>,
}

impl Tally {
    pub async fn start(manner: Manner, round: &Arc<AtomicUsize>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            manner,
            round: Arc::clone(round),
            seen: Mutex::default(),
            taken: Mutex::default(),
        });
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}/hook"),
            shared,
        }
    }

    /// Waits until all of these have arrived, by their record keys.
    pub async fn hears(&self, all: &HashSet<String>, secret: &str) -> HashMap<String, Heard> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Verifying is dear: first by count.
            if self.count() >= all.len() {
                let heard = self.heard(secret);
                if all.iter().all(|rkey| heard.contains_key(rkey)) {
                    return heard;
                }
            }
            let lacking = || {
                let heard = self.heard(secret);
                let lost = all.iter().filter(|rkey| !heard.contains_key(*rkey));
                lost.cloned().collect::<Vec<_>>()
            };
            assert!(
                Instant::now() < deadline,
                "{:?} was never told of {:?}",
                self.shared.manner,
                lacking()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn count(&self) -> usize {
        self.shared.taken.lock().expect("nobody panics here").len()
    }

    /// All that arrived, verified.
    fn heard(&self, secret: &str) -> HashMap<String, Heard> {
        let taken = self.shared.taken.lock().expect("nobody panics here");
        let mut heard = HashMap::<String, Heard>::new();
        for Taken { arrival, round } in &*taken {
            let body = arrival.verified(secret);
            let rkey = body["rkey"].as_str().expect("a key").to_owned();
            let heard = heard.entry(rkey).or_default();
            heard.ids.insert(arrival.header("webhook-id").to_owned());
            heard.rounds.push(*round);
        }
        heard
    }
}

impl Shared {
    /// Every seventh of those that it has not seen before.
    fn refuses(&self, headers: &HeaderMap) -> bool {
        let id = headers.get("webhook-id").and_then(|id| id.to_str().ok());
        let mut seen = self.seen.lock().expect("nobody panics here");
        seen.insert(id.unwrap_or_default().to_owned()) && seen.len().is_multiple_of(7)
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    match shared.manner {
        Manner::Prompt => {}
        Manner::Slow => tokio::time::sleep(Duration::from_millis(20)).await,
        Manner::Moody if shared.refuses(&headers) => return StatusCode::SERVICE_UNAVAILABLE,
        Manner::Moody => {}
    }
    let arrival = Arrival {
        method,
        path: uri.path().to_owned(),
        headers,
        body,
    };
    let round = shared.round.load(Ordering::Acquire);
    let mut taken = shared.taken.lock().expect("nobody panics here");
    taken.push(Taken { arrival, round });
    StatusCode::NO_CONTENT
}
