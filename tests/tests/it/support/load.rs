//! Many callers at once, who remember what was acknowledged.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::notices::{REGISTER, WRITE, registration};
use super::process::Caller;

/// Registers an endpoint for the forum of its caller; the secret.
pub async fn register(authority: &Caller, endpoint: &str) -> String {
    let input = registration(&forum(authority.did()), endpoint);
    let made = authority.procedure(REGISTER, &input).await;
    let (status, body) = made.expect("an answer");
    assert_eq!(status, 200, "{body}");
    body["secret"].as_str().expect("a secret").to_owned()
}

/// Opens the forum of its caller, in which everybody may write.
pub async fn open(authority: &Caller) {
    let everybody = json!({ "$type": "com.atproto.simplespace.defs#publicPolicy" });
    let input = json!({
        "spaceType": "com.example.forum",
        "skey": "main",
        "readPolicy": everybody,
        "writePolicy": everybody,
        "appAccess": { "$type": "com.atproto.simplespace.defs#open" },
    });
    let opened = authority.procedure("com.atproto.simplespace.createSpace", &input);
    let (status, body) = opened.await.expect("an answer");
    assert_eq!(status, 200, "{body}");
}

/// Tells of a post by the caller in the forum of `authority`.
pub async fn write(
    author: &Caller,
    authority: &str,
    rkey: &str,
) -> Result<(u16, Value), reqwest::Error> {
    let input = json!({
        "space": forum(authority),
        "did": author.did(),
        "collection": "com.example.forum.post",
        "rkey": rkey,
    });
    author.procedure(WRITE, &input).await
}

fn forum(authority: &str) -> String {
    format!("at://{authority}/space/com.example.forum/main")
}

/// Callers that write as fast as they are answered, until they are told to stop.
pub struct Load {
    shared: Arc<Shared>,
    writers: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    acknowledged: Mutex<HashSet<String>>,
    made: AtomicUsize,
}

impl Load {
    /// So many writers for each of these authors, all in the forum of `authority`.
    pub fn start(authors: &[Caller], each: usize, authority: &str) -> Self {
        let shared = Arc::<Shared>::default();
        let mut writers = JoinSet::new();
        for author in authors {
            for _ in 0..each {
                let (shared, author) = (Arc::clone(&shared), author.clone());
                writers.spawn(shared.write(author, authority.to_owned()));
            }
        }
        Self { shared, writers }
    }

    /// How many writes were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.shared
            .acknowledged
            .lock()
            .expect("nobody panics here")
            .len()
    }

    /// Waits until so many more were acknowledged.
    pub async fn gets_on(&self, by: usize) {
        let enough = self.acknowledged() + by;
        while self.acknowledged() < enough {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Stops, and says what was acknowledged.
    pub async fn stop(mut self) -> HashSet<String> {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.writers.join_next().await {
            ended.expect("no writer panics");
        }
        let acknowledged = self.shared.acknowledged.lock();
        std::mem::take(&mut *acknowledged.expect("nobody panics here"))
    }
}

impl Shared {
    async fn write(self: Arc<Self>, author: Caller, authority: String) {
        while !self.stop.load(Ordering::Relaxed) {
            let rkey = format!("post-{}", self.made.fetch_add(1, Ordering::Relaxed));
            match write(&author, &authority, &rkey).await {
                Ok((200, _)) => {
                    let mut acknowledged = self.acknowledged.lock().expect("nobody panics here");
                    acknowledged.insert(rkey);
                }
                // A server that is down or cannot reach its database has promised nothing.
                Ok((status, body)) => assert!(status >= 500, "{status} {body}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}
