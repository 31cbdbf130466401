//! A host elsewhere, a server of ours that copies its space, and somebody who is told.

use std::net::TcpListener;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::SignedDuration;
use loggia_server::config::Config;
use loggia_storage::{Location, MasterKey, RepoName, SpaceCopy, Storage};
use loggia_syntax::Did;
use serde_json::{Value, json};

use crate::support::foreign_host::{ForeignHost, NOTES};
use crate::support::notices::space_id_of;
use crate::support::{Receiver, TestServer};

/// So long is waited for what has to happen, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// All of it.
pub struct Scene {
    pub server: TestServer,
    pub host: ForeignHost,
    pub receiver: Receiver,
    pub secret: String,
    /// The server's data, joined beside it.
    pub storage: Storage,
}

/// A port that was free just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Settings of a server on this port, one of whose accounts reads.
pub fn reading(config: &mut Config, port: u16, visits: i64) {
    let reader = format!("did:web:reader.localhost%3A{port}");
    config.bind.set_port(port);
    config.space_readers = [Did::new(reader).expect("a DID")].into();
    config.space_visits = SignedDuration::from_secs(visits);
}

/// The data of a server, joined beside it.
pub async fn beside(server: &TestServer) -> Storage {
    let text = std::fs::read_to_string(server.data().join("master.key")).expect("a key file");
    let key = BASE64_STANDARD.decode(text.trim()).expect("base64");
    let key = MasterKey::new(key.try_into().expect("32 bytes"));
    let location = Location::file(server.data().join("loggia.db"));
    let storage = Storage::join(&location, &key).await;
    storage.expect("the server's database can be joined")
}

/// Waits until something is so.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("in vain: {what}"))
}

impl Scene {
    /// A host that is visited every second, and nobody has written yet.
    pub async fn start() -> Self {
        Self::of(ForeignHost::start().await).await
    }

    /// The same with a host where somebody has.
    pub async fn of(host: ForeignHost) -> Self {
        Self::visiting(host, 1).await
    }

    /// The same with so many seconds between visits.
    pub async fn visiting(host: ForeignHost, visits: i64) -> Self {
        host.answers().await;
        let port = free_port();
        let server = TestServer::start_with(|config| reading(config, port, visits)).await;
        server.account("reader");
        let receiver = Receiver::start();
        let secret = host.register(&server, &receiver.url).await;
        let storage = beside(&server).await;
        let scene = Self {
            server,
            host,
            receiver,
            secret,
            storage,
        };
        scene.is_listed().await;
        scene
    }

    /// Waits until the list was read once.
    pub async fn is_listed(&self) {
        until("the list is read", async || {
            let found = self
                .storage
                .space_copies()
                .find_space(&self.host.space)
                .await;
            found.expect("runs").filter(|space| space.is_listed)
        })
        .await;
    }

    /// The copy of an author's repository.
    pub async fn copy(&self, author: &Did) -> Option<SpaceCopy> {
        let name = RepoName {
            author: author.clone(),
            space: self.host.space.clone(),
        };
        self.storage.space_copies().find(&name).await.expect("runs")
    }

    /// Waits until the copy is what the author has.
    pub async fn converges(&self, author: &Did) {
        until("the copy is what the author has", async || {
            let (rev, digest) = {
                let state = self.host.now();
                let author = &state.authors[author.as_str()];
                (author.rev().clone(), author.digest())
            };
            let copy = self.copy(author).await?;
            let is_same = copy.rev == Some(rev) && copy.hash.digest() == digest;
            (is_same && copy.trouble.is_none()).then_some(())
        })
        .await;
    }

    /// Waits until the copy is set aside; why.
    pub async fn trouble(&self, author: &Did) -> String {
        until("the copy is in trouble", async || {
            self.copy(author).await?.trouble
        })
        .await
    }

    /// Holds that this is what is told next, in this order.
    pub async fn tells(&mut self, author: &Did, changes: &[(&str, Option<String>)]) {
        for (rkey, cid) in changes {
            let arrived = self.receiver.next().await.verified(&self.secret);
            assert_eq!(arrived, told(&self.host, author, rkey, cid.as_deref()));
        }
    }
}

/// What is told of a change.
pub fn told(host: &ForeignHost, author: &Did, rkey: &str, cid: Option<&str>) -> Value {
    json!({
        "space": space_id_of(host.space.as_str()),
        "spaceUri": host.space,
        "did": author,
        "collection": NOTES,
        "rkey": rkey,
        "cid": cid,
    })
}
