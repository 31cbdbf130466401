//! A network of our own: web servers, name servers and how often they were asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use loggia_identity::{Fetch, FetchError, Fetched, LookUpTxt, NameResolver, Resolver, TxtError};
use loggia_syntax::Did;
use serde_json::{Value, json};

/// What an address or a name answers.
#[derive(Clone)]
pub enum Answer {
    /// A status and a body.
    Body(u16, String),
    /// TXT records.
    Records(Vec<String>),
    /// An answer that is longer than anybody reads.
    Endless,
    /// An address that may not be reached.
    Forbidden,
    /// A broken network.
    Broken,
    /// None, ever.
    Silent,
}

/// What is not known here is 404, or no records.
#[derive(Clone, Default)]
pub struct World {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    answers: HashMap<String, Answer>,
    asked: Vec<String>,
}

impl World {
    pub fn set(&self, place: impl Into<String>, answer: Answer) {
        let mut inner = self.inner.lock().expect("no test panics with it");
        inner.answers.insert(place.into(), answer);
    }

    /// Publishes TXT records.
    pub fn txt(&self, name: &str, records: &[&str]) {
        let records = records.iter().map(ToString::to_string).collect();
        self.set(name, Answer::Records(records));
    }

    /// Publishes a file.
    pub fn file(&self, url: &str, body: &str) {
        self.set(url, Answer::Body(200, body.to_owned()));
    }

    /// Publishes the document of a `did:web` that claims these names.
    pub fn document(&self, did: &Did, names: &[&str]) {
        let url = format!("https://{}/.well-known/did.json", did.identifier());
        self.file(&url, &document(did, names).to_string());
    }

    /// Everything that was asked since the last call, in order.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.lock().expect("no test panics with it").asked)
    }

    pub fn documents(&self) -> Resolver<Self> {
        Resolver::new(self.clone(), "https://directory.example")
    }

    pub fn names(&self) -> NameResolver<Self, Self> {
        NameResolver::new(self.clone(), self.clone())
    }

    async fn answer(&self, place: &str) -> Option<Answer> {
        let answer = {
            let mut inner = self.inner.lock().expect("no test panics with it");
            inner.asked.push(place.to_owned());
            inner.answers.get(place).cloned()
        };
        if matches!(answer, Some(Answer::Silent)) {
            std::future::pending::<()>().await;
        }
        answer
    }
}

impl Fetch for World {
    async fn get(&self, url: &str, limit: usize) -> Result<Fetched, FetchError> {
        let (status, body) = match self.answer(url).await {
            Some(Answer::Body(status, body)) => (status, body),
            Some(Answer::Endless) => return Err(FetchError::TooLarge { limit }),
            Some(Answer::Forbidden) => return Err(FetchError::Refused("a private address".into())),
            Some(Answer::Broken) => return Err(FetchError::Failed("nobody is there".into())),
            _ => (404, "not here".to_owned()),
        };
        if body.len() > limit {
            return Err(FetchError::TooLarge { limit });
        }
        Ok(Fetched {
            status,
            body: body.into_bytes(),
        })
    }
}

impl LookUpTxt for World {
    async fn look_up_txt(&self, name: &str) -> Result<Vec<String>, TxtError> {
        match self.answer(name).await {
            Some(Answer::Records(records)) => Ok(records),
            Some(Answer::Endless) => Err(TxtError::TooLarge { limit: 8192 }),
            Some(Answer::Broken) => Err(TxtError::Failed("no name server is there".into())),
            _ => Ok(Vec::new()),
        }
    }
}

pub fn document(did: &Did, names: &[&str]) -> Value {
    json!({ "id": did, "alsoKnownAs": names })
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + seconds)
}
