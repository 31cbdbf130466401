//! A host of a space and of its authors that is none of ours, and lies when it is told to.

mod answering;
mod author;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use loggia_auth::SigningKey;
use loggia_auth::service_auth::{Mint, mint};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::chance;
use loggia_syntax::{Did, Nsid, SpaceRef, Tid};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::notices::{REGISTER, WRITE, registration};
use super::{Answer, TestServer, http};
pub use author::{Author, Lie};

/// The collection that everybody writes to.
pub const NOTES: &str = "com.example.note";

/// A host with one space.
pub struct ForeignHost {
    pub space: SpaceRef,
    pub authority: Did,
    pub key: SigningKey,
    state: Arc<Mutex<State>>,
    serving: Option<JoinHandle<()>>,
    port: u16,
}

/// What it knows, and what was done.
#[derive(Default)]
pub struct State {
    pub authors: BTreeMap<String, Author>,
    /// Entries of `listRepos`, in order.
    pub list: Vec<Value>,
    /// Services that are registered.
    pub registered: BTreeSet<String>,
    /// The credentials that were given out.
    pub given: Vec<String>,
    /// The ones that are refused.
    pub revoked: BTreeSet<String>,
    /// What a request for a credential is told.
    pub refuses: Option<&'static str>,
    /// Where documents say that everybody is, if that is elsewhere.
    pub moved_to: Option<String>,
    /// The same of authors alone.
    pub authors_at: Option<String>,
    /// Methods that were called, with what they were called about.
    pub calls: Vec<String>,
    /// The newest revision of anything.
    last: u64,
}

impl ForeignHost {
    /// A host whose space has no author yet.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let authority = did_at("authority", port);
        let space = format!("at://{authority}/space/com.example.forum/main");
        let mut host = Self {
            space: SpaceRef::new(space).expect("a space"),
            authority,
            key: SigningKey::k256(chance::bytes()).expect("a key"),
            state: Arc::default(),
            serving: None,
            port,
        };
        host.serve(listener);
        host
    }

    fn serve(&mut self, listener: TcpListener) {
        let served = answering::Served {
            space: self.space.clone(),
            authority: self.authority.clone(),
            key: Arc::new(SigningKey::k256(**self.key.secret()).expect("a key")),
            port: self.port,
            state: Arc::clone(&self.state),
        };
        let router = answering::router(served);
        self.serving = Some(tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        }));
    }

    /// What it knows; nothing is answered meanwhile.
    pub fn now(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics here")
    }

    /// Somebody who writes in the space.
    pub fn author(&self, name: &str) -> Did {
        let did = did_at(name, self.port);
        let key = SigningKey::k256(chance::bytes()).expect("a key");
        let author = Author::new(self.space.clone(), did.clone(), key);
        self.now().authors.insert(did.to_string(), author);
        did
    }

    /// Writes a record, or deletes it; its identifier. The list of the space says so.
    pub fn write(&self, author: &Did, rkey: &str, text: Option<&str>) -> Option<String> {
        let mut state = self.now();
        let rev = state.next();
        let writer = state.authors.get_mut(author.as_str()).expect("an author");
        let cid = writer.write(rkey, text, &rev);
        state.tell(author);
        cid
    }

    /// Registers an endpoint for the space at a server of ours, as its authority; the secret.
    pub async fn register(&self, server: &TestServer, endpoint: &str) -> String {
        let space = self.space.as_str();
        self.register_for(server, space, endpoint).await
    }

    /// The same for any space of the authority, of which there is nothing else.
    pub async fn register_for(&self, server: &TestServer, space: &str, endpoint: &str) -> String {
        let method = Nsid::new(REGISTER).expect("an NSID");
        let token = self.token(&server.did, &method, SystemClock.now());
        let input = registration(space, endpoint);
        let answer = server.procedure(REGISTER, Some(&token), &input).await;
        let output = answer.output();
        let secret = output["secret"].as_str().map(str::to_owned);
        secret.unwrap_or_else(|| panic!("no secret: {output}"))
    }

    /// Tells a server of ours of an author's last write, as coming after this place of the sequence.
    pub async fn announce(
        &self,
        server: &TestServer,
        author: &Did,
        prev: Option<&Value>,
    ) -> Answer {
        let method = Nsid::new(WRITE).expect("an NSID");
        let audience = format!("{}#loggia", server.did);
        let token = self.token(&audience, &method, SystemClock.now());
        let entry = self.entry(author);
        let mut input = json!({
            "space": self.space,
            "repo": author,
            "repoRev": entry["repoRev"],
            "hash": entry["hash"],
            "spaceRev": entry["spaceRev"],
        });
        if let Some(prev) = prev {
            input["prevSpaceRev"] = prev.clone();
        }
        server.procedure(WRITE, Some(&token), &input).await
    }

    /// What the list says of an author.
    pub fn entry(&self, author: &Did) -> Value {
        let state = self.now();
        let found = state.list.iter().find(|one| one["did"] == author.as_str());
        found.expect("has written").clone()
    }

    /// Service auth of the authority.
    pub fn token(&self, audience: &str, method: &Nsid, now: Timestamp) -> String {
        let token = Mint {
            issuer: &self.authority,
            audience,
            method,
            now,
            lifetime: 60,
            id: chance::bytes(),
        };
        mint(&self.key, &token).expect("a token")
    }

    /// Whether it answers: it is what servers of ours will find.
    pub async fn answers(&self) {
        let url = format!("http://127.0.0.1:{}/.well-known/did.json", self.port);
        let host = format!("authority.localhost:{}", self.port);
        let answer = http().get(url).header("host", host).send().await;
        assert!(answer.expect("it answers").status().is_success());
    }
}

impl State {
    /// A revision after all others, of now.
    fn next(&mut self) -> Tid {
        let now = u64::try_from(SystemClock.now().as_microsecond()).expect("after 1970");
        self.last = now.max(self.last + 1);
        Tid::from_micros(self.last, 7).expect("in range")
    }

    /// Puts an author at the end of the list, as they are now.
    pub fn tell(&mut self, author: &Did) {
        let space_rev = self.next();
        let author = author.as_str();
        self.list.retain(|entry| entry["did"] != author);
        let state = &self.authors[author];
        let hash = loggia_syntax::data::Bytes::from(&state.digest()[..]);
        self.list.push(json!({
            "did": author,
            "repoRev": state.rev(),
            "hash": { "$bytes": hash.to_base64() },
            "spaceRev": space_rev,
        }));
    }

    /// Refuses every credential that was given out so far.
    pub fn revoke(&mut self) {
        self.revoked.extend(self.given.iter().cloned());
    }

    /// How often a method was called about this.
    pub fn called(&self, call: &str) -> usize {
        self.calls.iter().filter(|one| *one == call).count()
    }
}

impl Drop for ForeignHost {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }
}

fn did_at(name: &str, port: u16) -> Did {
    Did::new(format!("did:web:{name}.localhost%3A{port}")).expect("a DID")
}
