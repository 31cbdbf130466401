//! Receivers that do as a script says.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use jiff::SignedDuration;
use loggia_delivery::{Answer, Clock as _, Fault, Request, Transport};

use crate::wire::{hex, hmac};
use crate::world::ManualClock;

/// What a receiver does with a request.
pub enum Script {
    Answer(u16),
    RetryAfter(u16, &'static str),
    Fail(Fault),
    /// Never answers.
    Hang,
    Panic,
}

/// Receivers that do as they are told, and remember.
#[derive(Clone, Default)]
pub struct Receivers(Arc<Mutex<ReceiversInner>>);

#[derive(Default)]
struct ReceiversInner {
    /// What is done with the next requests to a URL; afterwards 200.
    scripts: HashMap<String, VecDeque<Script>>,
    always: HashMap<String, u16>,
    hanging: Vec<String>,
    /// Answers 401 to what is not signed with this, as receivers of Hapnd's do.
    checking: HashMap<String, &'static str>,
    slow: HashMap<String, (SignedDuration, ManualClock)>,
    requests: Vec<Request>,
}

impl Receivers {
    fn lock(&self) -> MutexGuard<'_, ReceiversInner> {
        self.0.lock().expect("no test panics with the lock")
    }

    pub fn script(&self, url: &str, script: impl IntoIterator<Item = Script>) {
        self.lock()
            .scripts
            .entry(url.to_owned())
            .or_default()
            .extend(script);
    }

    pub fn always(&self, url: &str, status: u16) {
        self.lock().always.insert(url.to_owned(), status);
    }

    /// Takes only what is signed with this secret.
    pub fn knows(&self, url: &str, secret: &'static str) {
        self.lock().checking.insert(url.to_owned(), secret);
    }

    pub fn hang(&self, url: &str) {
        self.lock().hanging.push(url.to_owned());
    }

    /// Answers after so long, by this clock.
    pub fn slow(&self, url: &str, after: SignedDuration, clock: &ManualClock) {
        let slow = (after, clock.clone());
        self.lock().slow.insert(url.to_owned(), slow);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    pub fn count(&self, url: &str) -> usize {
        self.lock()
            .requests
            .iter()
            .filter(|request| request.target.as_str() == url)
            .count()
    }
}

impl Transport for Receivers {
    async fn send(&self, request: Request) -> Result<Answer, Fault> {
        let url = request.target.as_str().to_owned();
        let slow = self.lock().slow.get(&url).cloned();
        let script = {
            let mut inner = self.lock();
            let checked = inner.checking.get(&url);
            let refused = checked.is_some_and(|secret| !is_signed(&request, secret));
            inner.requests.push(request);
            if inner.hanging.contains(&url) {
                Script::Hang
            } else if refused {
                Script::Answer(401)
            } else {
                let always = inner.always.get(&url).copied().unwrap_or(200);
                let next = inner.scripts.get_mut(&url).and_then(VecDeque::pop_front);
                next.unwrap_or(Script::Answer(always))
            }
        };
        if let Some((after, clock)) = slow {
            clock.sleep_until(clock.now() + after).await;
        }
        let answer = |status, retry_after: Option<&str>| Answer {
            status,
            retry_after: retry_after.map(str::to_owned),
            body: Bytes::from(vec![b'x'; 2000]),
        };
        match script {
            Script::Answer(status) => Ok(answer(status, None)),
            Script::RetryAfter(status, after) => Ok(answer(status, Some(after))),
            Script::Fail(fault) => Err(fault),
            Script::Hang => std::future::pending().await,
            Script::Panic => panic!("the script says so"),
        }
    }
}

fn is_signed(request: &Request, secret: &str) -> bool {
    let right = format!("sha256={}", hex(&hmac(secret.as_bytes(), &request.body)));
    let mut headers = request.headers.iter();
    headers.any(|(name, value)| name == "x-hapnd-signature" && *value == right)
}
